//! Answers, and whether they are the right ones.

use std::io::{self, ErrorKind, Read};

/// No answer is as long, be it a digest or a refusal.
const LONGEST: usize = 4 << 10;

/// Bytes of one answer, as far as they have come.
#[derive(Debug, Default)]
pub(crate) struct Answer(Vec<u8>);

impl Answer {
    /// Reads what there is; true when that makes the answer with this digest.
    ///
    /// # Errors
    ///
    /// If it is another one, or the connection is over.
    pub(crate) fn read(&mut self, stream: &mut impl Read, digest: &str) -> io::Result<bool> {
        let mut part = [0; 512];
        while !self.is(digest) {
            let n = match stream.read(&mut part) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                read => read?,
            };
            self.0.extend_from_slice(part.get(..n).unwrap_or_default());
            if n == 0 || self.0.len() > LONGEST {
                let got = String::from_utf8_lossy(&self.0);
                return Err(io::Error::other(format!("instead of {digest} came {got:?}")));
            }
        }
        Ok(true)
    }

    /// Reads all of it from a socket that blocks, for as long as its timeout is.
    ///
    /// # Errors
    ///
    /// As above, or if it does not come.
    pub(crate) fn await_from(mut self, stream: &mut impl Read, digest: &str) -> io::Result<()> {
        if self.read(stream, digest)? { Ok(()) } else { Err(ErrorKind::TimedOut.into()) }
    }

    fn is(&self, digest: &str) -> bool {
        let Self(bytes) = self;
        bytes.starts_with(b"HTTP/1.1 200 OK\r\n")
            && bytes.strip_suffix(digest.as_bytes()).is_some_and(|head| head.ends_with(b"\r\n\r\n"))
    }
}
