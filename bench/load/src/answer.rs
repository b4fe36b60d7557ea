//! Answers with a digest, and whether they are the right ones.

use std::io::{self, ErrorKind, Read};

use testkit::response::{self, Method, Response};

/// No answer is as long, be it a digest or a refusal.
const LONGEST: usize = 4 << 10;

/// Bytes of one answer, as far as they have come.
#[derive(Debug, Default)]
pub struct Answer(Vec<u8>);

impl Answer {
    /// Reads what there is; true once that is the whole answer with this digest.
    ///
    /// # Errors
    ///
    /// If it is another one, or has more behind it, or if the connection is over.
    pub fn read(&mut self, stream: &mut impl Read, digest: &str) -> io::Result<bool> {
        while !self.is_whole(digest)? {
            let mut part = [0; 512];
            let n = match stream.read(&mut part) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                read => read?,
            };
            self.0.extend_from_slice(part.get(..n).unwrap_or_default());
            if n == 0 || self.0.len() > LONGEST {
                return Err(self.instead_of(digest));
            }
        }
        Ok(true)
    }

    /// Reads all of it from a socket that blocks, for as long as its timeout is.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read), or if it does not come.
    pub fn await_from(mut self, stream: &mut impl Read, digest: &str) -> io::Result<()> {
        if self.read(stream, digest)? { Ok(()) } else { Err(ErrorKind::TimedOut.into()) }
    }

    fn is_whole(&self, digest: &str) -> io::Result<bool> {
        match response::read(&self.0, Method::Other) {
            Ok(None) => Ok(false),
            Ok(Some(Response { status: 200, content, length, .. }))
                if content == digest.as_bytes() && length == self.0.len() =>
            {
                Ok(true)
            }
            Ok(Some(_)) => Err(self.instead_of(digest)),
            Err(why) => Err(io::Error::other(format!("{why}: {}", self.0.escape_ascii()))),
        }
    }

    fn instead_of(&self, digest: &str) -> io::Error {
        io::Error::other(format!("instead of {digest} came {}", self.0.escape_ascii()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = testkit::content::EMPTY;

    fn answer(head: &str, content: &str) -> Vec<u8> {
        format!("{head}\r\nContent-Length: {}\r\n\r\n{content}", content.len()).into_bytes()
    }

    /// A stream that has one piece after the other, and then nothing for now.
    struct Pieces<'a>(std::slice::Chunks<'a, u8>);

    impl Read for Pieces<'_> {
        fn read(&mut self, mut into: &mut [u8]) -> io::Result<usize> {
            let piece = self.0.next().ok_or(ErrorKind::WouldBlock)?;
            io::Write::write(&mut into, piece)
        }
    }

    #[test]
    fn an_answer_is_whole_with_its_last_byte() {
        let wire = answer("HTTP/1.1 200 OK", DIGEST);
        for size in 1..wire.len() {
            let read = |wire: &[u8]| Answer::default().read(&mut Pieces(wire.chunks(size)), DIGEST);
            assert!(read(&wire).unwrap(), "in pieces of {size}");
            assert!(!read(&wire[..wire.len() - 1]).unwrap(), "in pieces of {size}");
        }
    }

    #[test]
    fn another_answer_is_an_error() {
        let right = answer("HTTP/1.1 200 OK", DIGEST);
        for wrong in [
            answer("HTTP/1.1 200 OK", "5435c69ed3bcc5b2e4d580e393e373d3"),
            answer("HTTP/1.1 503 Service Unavailable", DIGEST),
            answer("HTTP/1.0 200 OK", DIGEST),
            [&right[..], b"H"].concat(),
            right[..right.len() - 1].to_vec(),
            vec![b'x'; 2 * LONGEST],
        ] {
            let read = Answer::default().await_from(&mut &wrong[..], DIGEST);
            assert!(read.is_err(), "{}", wrong.escape_ascii());
        }
    }
}
