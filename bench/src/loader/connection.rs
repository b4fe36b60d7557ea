//! One connection of the loader: a burst on its way out, answers on their way in.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{self, SocketAddr};

use mio::net::TcpStream;

use super::Failure;
use super::answer::Answers;
use crate::plan::Burst;

pub(super) struct Connection {
    stream: TcpStream,
    burst: usize,
    sent: u64,
    answered: usize,
    /// The beginning of an answer whose end has not come yet.
    kept: Vec<u8>,
    /// The socket has taken less than it was offered: it will say when there is room.
    blocked: bool,
}

/// How an attempt to send ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    All,
    /// There is more, and perhaps room for it.
    Some,
    /// There is more, and no room.
    Blocked,
}

impl Connection {
    pub(super) fn open(address: SocketAddr, burst: usize) -> io::Result<Self> {
        let stream = net::TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let stream = TcpStream::from_std(stream);
        Ok(Self { stream, burst, sent: 0, answered: 0, kept: Vec::new(), blocked: false })
    }

    pub(super) fn source(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// Which burst it is at.
    pub(super) fn burst(&self) -> usize {
        self.burst
    }

    /// Turns to a burst.
    pub(super) fn begin(&mut self, burst: usize) {
        (self.burst, self.sent, self.answered) = (burst, 0, 0);
    }

    /// Takes note of room to write, and says whether that was waited for.
    pub(super) fn unblock(&mut self) -> bool {
        std::mem::take(&mut self.blocked)
    }

    pub(super) fn send(&mut self, bursts: &[Burst]) -> Result<Sent, Failure> {
        let burst = &bursts[self.burst];
        let slices = burst.slices(self.sent);
        let offered: usize = slices.iter().map(|slice| slice.len()).sum();
        let taken = match self.stream.write_vectored(&slices) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            result => result?,
        };
        self.sent += taken as u64;
        if taken < offered {
            self.blocked = true;
            return Ok(Sent::Blocked);
        }
        Ok(if self.sent == burst.wire_length() { Sent::All } else { Sent::Some })
    }

    /// Takes in and checks what has come, and says whether that completes the answers to
    /// the burst. If the server has `closed` its side, nothing will announce that again.
    pub(super) fn receive(
        &mut self,
        closed: bool,
        input: &mut [u8],
        bursts: &[Burst],
        answers: &mut Answers,
    ) -> Result<bool, Failure> {
        let burst = &bursts[self.burst];
        loop {
            let read = match self.stream.read(input) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                result => result?,
            };
            let is_drained = read < input.len() && !closed;
            let due = &burst.digests[self.answered..];
            if read == 0 {
                return if due.is_empty() { Ok(false) } else { Err(Failure::Closed) };
            }
            if self.sent < burst.wire_length() {
                // Whatever it is, it is no answer to all of the request.
                let refusal = answers.check(&input[..read], due);
                return Err(refusal.err().unwrap_or(Failure::Unasked));
            }
            self.answered += if self.kept.is_empty() {
                let (used, checked) = answers.check(&input[..read], due)?;
                self.kept.extend_from_slice(&input[used..read]);
                checked
            } else {
                self.kept.extend_from_slice(&input[..read]);
                let (used, checked) = answers.check(&self.kept, due)?;
                self.kept.drain(..used);
                checked
            };
            if self.answered == burst.digests.len() {
                return if self.kept.is_empty() { Ok(true) } else { Err(Failure::Unasked) };
            }
            if is_drained {
                return Ok(false);
            }
        }
    }
}
