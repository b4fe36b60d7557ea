//! One peer that drips: what it writes, what it reads, how it ends.

use std::io::{self, ErrorKind, Write};
use std::net::SocketAddr;
use std::time::Duration;

use mio::net::TcpStream;
use streamsum_load::answer::Answer;
use streamsum_load::content;
use testkit::content::EMPTY;

/// Bytes of content in one write: a second's worth.
const WRITE: usize = 256;
/// Writes at the beginning, so that a loader that comes a few seconds late is not the one
/// who misses the rate.
const AHEAD: usize = 4;
/// Content of an upload of a declared length: two minutes of it.
const LENGTH: usize = 120 * WRITE;
/// How long an upload may drip before it has no more to send.
pub(crate) const LONGEST: Duration = Duration::from_secs((LENGTH / WRITE) as u64 - 10);

/// A byte each 0.3 s: the last one comes 8.7 s after the first, the next head 9 s after.
const HEAD: &[u8] = b"GET / HTTP/1.1\r\nHost: drip\r\n\r\n";
pub(crate) const BETWEEN_BYTES: Duration = Duration::from_millis(300);
pub(crate) const BETWEEN_WRITES: Duration = Duration::from_secs(1);

/// A server that does not answer for so long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An upload of a declared length.
    Length,
    Chunked,
    /// Heads, one behind the other.
    Head,
}

#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
    kind: Kind,
    /// What an upload sends.
    part: &'static [u8],
    /// How much of it, or of the head, was sent.
    sent: usize,
    answer: Answer,
    /// Answers that came and were right.
    pub(crate) answers: u64,
}

impl Peer {
    /// Connects and, if it is an upload, sends the head and the first writes.
    pub(crate) fn connect(
        address: SocketAddr,
        kind: Kind,
        part: &'static [u8],
    ) -> io::Result<Self> {
        let mut stream = std::net::TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let framing = match kind {
            Kind::Length => format!("Content-Length: {LENGTH}"),
            Kind::Chunked => "Transfer-Encoding: chunked".into(),
            Kind::Head => String::new(),
        };
        if kind != Kind::Head {
            write!(stream, "PUT / HTTP/1.1\r\nHost: drip\r\n{framing}\r\n\r\n")?;
        }
        stream.set_nonblocking(true)?;
        let stream = TcpStream::from_std(stream);
        let part = part.get(..LENGTH).unwrap_or_default();
        let mut peer = Self { stream, kind, part, sent: 0, answer: Answer::default(), answers: 0 };
        if kind != Kind::Head {
            (0..AHEAD).try_for_each(|_| peer.drip())?;
        }
        Ok(peer)
    }

    /// Writes what is next.
    ///
    /// # Errors
    ///
    /// If the connection is over or does not take it: it has room for a minute's worth.
    pub(crate) fn drip(&mut self) -> io::Result<()> {
        let range = |length| self.sent..self.sent + length;
        let chunk;
        let (bytes, length) = match self.kind {
            Kind::Length => (self.part.get(range(WRITE)), WRITE),
            Kind::Chunked => {
                let size = format!("{WRITE:x}\r\n");
                let data = self.part.get(range(WRITE));
                chunk = data.map(|data| [size.as_bytes(), data, b"\r\n"].concat());
                (chunk.as_deref(), WRITE)
            }
            // The answer is late: the next head waits for it.
            Kind::Head if self.sent == HEAD.len() => return Ok(()),
            Kind::Head => (HEAD.get(range(1)), 1),
        };
        let bytes = bytes.ok_or_else(|| io::Error::other("nothing is left to send"))?;
        if self.stream.write(bytes)? < bytes.len() {
            return Err(ErrorKind::WriteZero.into());
        }
        self.sent += length;
        Ok(())
    }

    /// Reads what has come, which only a whole head may have caused.
    ///
    /// # Errors
    ///
    /// If the connection is over, or that was no right answer.
    pub(crate) fn read(&mut self) -> io::Result<()> {
        let is_whole = self.kind == Kind::Head && self.sent == HEAD.len();
        let expected = if is_whole { EMPTY } else { "nothing" };
        if self.answer.read(&mut self.stream, expected)? {
            (self.sent, self.answer) = (0, Answer::default());
            self.answers += 1;
        }
        Ok(())
    }

    /// Sends the rest at once.
    ///
    /// # Errors
    ///
    /// If the connection is over.
    pub(crate) fn finish(self) -> io::Result<Finished> {
        let Self { kind, part, sent, answer, answers, .. } = self;
        let mut stream = std::net::TcpStream::from(self.stream);
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let (rest, content) = match kind {
            Kind::Length => (part.get(sent..), Some(part)),
            Kind::Chunked => (Some(&b"0\r\n\r\n"[..]), part.get(..sent)),
            // Between two heads there is nothing to wait for.
            Kind::Head if sent == 0 => (None, None),
            Kind::Head => (HEAD.get(sent..), Some(&[][..])),
        };
        stream.write_all(rest.unwrap_or_default())?;
        Ok(Finished { stream, content, answer, answers })
    }
}

/// A peer that has sent all.
pub(crate) struct Finished {
    stream: std::net::TcpStream,
    /// What its last answer is the digest of, if one is to come.
    content: Option<&'static [u8]>,
    answer: Answer,
    answers: u64,
}

impl Finished {
    /// Waits for the last answer, and tells how many there were.
    ///
    /// # Errors
    ///
    /// If it is not the right one, or none.
    pub(crate) fn answers(mut self) -> io::Result<u64> {
        let Some(content) = self.content else { return Ok(self.answers) };
        self.answer.await_from(&mut self.stream, &content::digest(content, 1))?;
        Ok(self.answers + 1)
    }
}
