//! One connection to a sink.

use std::io::{self, ErrorKind};
use std::mem::MaybeUninit;

use super::wire::Wire;

/// Bytes that are read where a head or a chunk line may be. What content is among them is
/// copied for nothing, so they are few.
const READ: usize = 4 << 10;

/// A head or a chunk line that is longer ends the connection.
const LONGEST: usize = 64 << 10;

/// Reads of one connection before the others have their turn.
const READS: usize = 8;

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nETag: \"d41d8cd98f00b204e9800998ecf8427e\"\r\n\
                        Content-Length: 0\r\n\r\n";

/// Where a connection stands when it has been served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stand {
    /// All that has come is read.
    Waits,
    /// There may be more.
    HasMore,
    Over,
}

#[derive(Clone, Copy, Debug)]
enum At {
    Head,
    /// So many bytes of content by length.
    Content(u64),
    /// A chunk line, or the end of the chunk before.
    ChunkLine,
    /// So many bytes of a chunk, with the CR LF at its end.
    Chunk(u64),
    Trailer,
}

#[derive(Debug)]
pub(super) struct Connection {
    wire: Wire,
    at: At,
    /// What was read and not used.
    read: Vec<u8>,
    /// True if the client wants the connection to end.
    closes: bool,
}

impl Connection {
    pub(super) fn new(wire: Wire) -> Self {
        Self { wire, at: At::Head, read: Vec::new(), closes: false }
    }

    /// Reads what has come, or some of it.
    pub(super) fn serve(&mut self, room: &mut [MaybeUninit<u8>]) -> io::Result<Stand> {
        for _ in 0..READS {
            let count = match self.receive(room) {
                Ok(0) => return Ok(Stand::Over),
                Ok(count) => count,
                Err(wrong) if wrong.kind() == ErrorKind::WouldBlock => return Ok(Stand::Waits),
                Err(wrong) if wrong.kind() == ErrorKind::Interrupted => continue,
                Err(wrong) => return Err(wrong),
            };
            match &mut self.at {
                At::Content(left) | At::Chunk(left) => *left -= count as u64,
                At::Head | At::ChunkLine | At::Trailer => {}
            }
            while self.step()? {}
            if self.closes && matches!(self.at, At::Head) {
                return Ok(Stand::Over);
            }
        }
        Ok(Stand::HasMore)
    }

    /// Drops content, or reads what is none.
    fn receive(&mut self, room: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
        match self.at {
            At::Content(left) | At::Chunk(left) => self.wire.skip(left, room),
            At::Head | At::ChunkLine | At::Trailer => {
                let before = self.read.len();
                self.read.resize(before + READ, 0);
                let count = self.wire.read(&mut self.read[before..]);
                self.read.truncate(before + *count.as_ref().unwrap_or(&0));
                count
            }
        }
    }

    /// Uses some of what was read. True if it did.
    fn step(&mut self) -> io::Result<bool> {
        match self.at {
            At::Content(left) | At::Chunk(left) if left > 0 => {
                let taken = left.min(self.read.len() as u64);
                self.read.drain(..taken as usize);
                let left = left - taken;
                let is_chunk = matches!(self.at, At::Chunk(_));
                self.at = if is_chunk { At::Chunk(left) } else { At::Content(left) };
                Ok(left == 0)
            }
            At::Content(_) => self.answer(),
            At::Chunk(_) => {
                self.at = At::ChunkLine;
                Ok(true)
            }
            At::ChunkLine => {
                let Some(line) = self.line()? else { return Ok(false) };
                self.at = match size(&line).ok_or(ErrorKind::InvalidData)? {
                    0 => At::Trailer,
                    size => At::Chunk(size.saturating_add(2)),
                };
                Ok(true)
            }
            At::Trailer => match self.line()? {
                Some(line) if line.is_empty() => self.answer(),
                line => Ok(line.is_some()),
            },
            At::Head => self.head(),
        }
    }

    /// A line without its end, if it has come whole.
    fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some(end) = self.read.windows(2).position(|pair| pair == b"\r\n") else {
            return self.wait_for_more();
        };
        let line = self.read[..end].to_vec();
        self.read.drain(..end + 2);
        Ok(Some(line))
    }

    fn wait_for_more<T>(&self) -> io::Result<Option<T>> {
        if self.read.len() < LONGEST { Ok(None) } else { Err(ErrorKind::InvalidData.into()) }
    }

    fn head(&mut self) -> io::Result<bool> {
        let mut fields = [httparse::EMPTY_HEADER; 64];
        let mut request = httparse::Request::new(&mut fields);
        let length = match request.parse(&self.read) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => {
                self.wait_for_more::<()>()?;
                return Ok(false);
            }
            Err(_) => return Err(ErrorKind::InvalidData.into()),
        };
        let (mut at, mut expects) = (At::Content(0), false);
        for field in request.headers.iter() {
            let is = |name| field.name.eq_ignore_ascii_case(name);
            if is("content-length") {
                let digits = str::from_utf8(field.value).ok().and_then(|text| text.parse().ok());
                at = At::Content(digits.ok_or(ErrorKind::InvalidData)?);
            } else if is("transfer-encoding") {
                at = At::ChunkLine;
            } else if is("expect") {
                expects = true;
            } else if is("connection") {
                self.closes = field.value.eq_ignore_ascii_case(b"close");
            }
        }
        self.at = at;
        self.read.drain(..length);
        if expects {
            self.wire.write(CONTINUE)?;
        }
        Ok(true)
    }

    fn answer(&mut self) -> io::Result<bool> {
        self.at = At::Head;
        self.wire.write(ANSWER)?;
        Ok(!self.read.is_empty() && !self.closes)
    }
}

fn size(line: &[u8]) -> Option<u64> {
    let digits = line.split(|byte| *byte == b';').next()?;
    u64::from_str_radix(str::from_utf8(digits).ok()?.trim(), 16).ok()
}
