//! A connection to the origin, which takes one upload after the other.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{self, SocketAddr};

use mio::net::TcpStream;

use crate::head::Head;

/// Room for an answer, of which only its status counts.
const INPUT: usize = 4 << 10;

pub(crate) struct Link {
    stream: TcpStream,
    /// What the origin has not taken yet.
    rest: Vec<u8>,
    /// What has come of an answer.
    answer: Vec<u8>,
}

impl Link {
    pub(crate) fn open(origin: SocketAddr) -> io::Result<Self> {
        let stream = net::TcpStream::connect(origin)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let stream = TcpStream::from_std(stream);
        Ok(Self { stream, rest: Vec::new(), answer: Vec::new() })
    }

    pub(crate) fn source(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// True if it has all that it was given.
    pub(crate) fn is_free(&self) -> bool {
        self.rest.is_empty()
    }

    /// Gives it a head, perhaps none, and content, as much as it takes now; the rest follows
    /// when it can.
    pub(crate) fn send(&mut self, head: &[u8], content: &[u8]) -> io::Result<()> {
        let offered = [IoSlice::new(head), IoSlice::new(content)];
        // A slice without bytes has its price.
        let from = usize::from(head.is_empty());
        let taken = match self.stream.write_vectored(&offered[from..]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            result => result?,
        };
        self.rest.extend_from_slice(&head[taken.min(head.len())..]);
        self.rest.extend_from_slice(&content[taken.saturating_sub(head.len())..]);
        Ok(())
    }

    /// Gives it what it did not take before.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        let mut sent = 0;
        while sent < self.rest.len() {
            match self.stream.write(&self.rest[sent..]) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                result => sent += result?,
            }
        }
        self.rest.drain(..sent);
        Ok(())
    }

    /// The status of an answer, once it is there with all its content.
    pub(crate) fn receive(&mut self) -> io::Result<Option<u16>> {
        let mut input = [0; INPUT];
        loop {
            match self.stream.read(&mut input) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                result => self.answer.extend_from_slice(&input[..result?]),
            }
        }
        let Some(head) = Head::find(&self.answer) else { return Ok(None) };
        let whole = head.size() as u64 + head.length().unwrap_or_default();
        if (self.answer.len() as u64) < whole {
            return Ok(None);
        }
        let status = head.second_word().and_then(|status| status.parse().ok());
        self.answer.clear();
        status.map(Some).ok_or_else(|| io::Error::other("no status"))
    }
}
