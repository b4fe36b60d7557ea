//! One burst over one connection, and nothing else meanwhile.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::Failure;
use super::answer::Answers;
use crate::contestant::Digests;
use crate::plan::Burst;

/// Room for a few answers.
const INPUT: usize = 4 << 10;

/// Sends a burst and checks the answers to it. A server that sends nothing for longer than
/// `patience` has stalled.
///
/// # Errors
///
/// At the first answer that is wrong or missing.
pub fn exchange(
    stream: &mut TcpStream,
    burst: &Burst,
    digests: Digests,
    patience: Duration,
) -> Result<(), Failure> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(patience))?;
    let mut sent = 0;
    while sent < burst.wire_length() {
        sent += stream.write_vectored(&burst.slices(sent))? as u64;
    }
    let mut answers = Answers::new(digests);
    let (mut input, mut filled, mut answered) = ([0; INPUT], 0, 0);
    while answered < burst.digests.len() {
        match stream.read(&mut input[filled..]) {
            Ok(0) if filled == INPUT => return Err(Failure::Malformed("too long".into())),
            Ok(0) => return Err(Failure::Closed),
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Err(Failure::Stalled),
            Err(error) => return Err(error.into()),
        }
        let (used, checked) = answers.check(&input[..filled], &burst.digests[answered..])?;
        input.copy_within(used..filled, 0);
        (filled, answered) = (filled - used, answered + checked);
    }
    if filled == 0 { Ok(()) } else { Err(Failure::Unasked) }
}
