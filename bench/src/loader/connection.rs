//! One connection of the loader: a burst on its way out, answers on their way in.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{self, SocketAddr};

use mio::net::TcpStream;

use super::Failure;
use super::answer::{self, Answers};
use crate::plan::Burst;

pub(super) struct Connection {
    stream: TcpStream,
    burst: usize,
    sent: u64,
    /// The server has asked for the content of a burst that waits for that.
    asked: bool,
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

/// What came from the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Received {
    /// Less than is due.
    Less,
    /// The wish to have the content.
    Wish,
    /// All answers to the burst.
    All,
}

impl Connection {
    pub(super) fn open(address: SocketAddr, burst: usize) -> io::Result<Self> {
        let stream = net::TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let stream = TcpStream::from_std(stream);
        let kept = Vec::new();
        Ok(Self { stream, burst, sent: 0, asked: false, answered: 0, kept, blocked: false })
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
        (self.burst, self.sent, self.asked, self.answered) = (burst, 0, false, 0);
    }

    /// Takes note of room to write, and says whether that was waited for.
    pub(super) fn unblock(&mut self) -> bool {
        std::mem::take(&mut self.blocked)
    }

    /// Bytes of the burst that have been sent.
    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    /// Whether the socket has to say first that there is room.
    pub(super) fn is_blocked(&self) -> bool {
        self.blocked
    }

    /// Whether all of a burst is on its way, and answers are missing.
    pub(super) fn is_waiting(&self, bursts: &[Burst]) -> bool {
        self.sent == bursts[self.burst].wire_length()
    }

    pub(super) fn send(&mut self, bursts: &[Burst]) -> Result<Sent, Failure> {
        self.send_up_to(usize::MAX, bursts)
    }

    /// Sends no more than `most` bytes of content.
    pub(super) fn send_up_to(&mut self, most: usize, bursts: &[Burst]) -> Result<Sent, Failure> {
        let burst = &bursts[self.burst];
        let (slices, end) = match burst.unasked() {
            Some(end) if !self.asked => (burst.head_slices(self.sent), end),
            _ => (burst.slices_up_to(self.sent, most), burst.wire_length()),
        };
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
        Ok(if self.sent == end { Sent::All } else { Sent::Some })
    }

    /// Takes in and checks what has come. If the server has `closed` its side, nothing
    /// will announce that again.
    pub(super) fn receive(
        &mut self,
        closed: bool,
        input: &mut [u8],
        bursts: &[Burst],
        answers: &mut Answers,
    ) -> Result<Received, Failure> {
        let burst = &bursts[self.burst];
        loop {
            let read = match self.stream.read(input) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Received::Less),
                result => result?,
            };
            let is_drained = read < input.len() && !closed;
            let due = &burst.digests[self.answered..];
            if read == 0 {
                return if due.is_empty() { Ok(Received::Less) } else { Err(Failure::Closed) };
            }
            if !self.asked && burst.unasked() == Some(self.sent) {
                self.kept.extend_from_slice(&input[..read]);
                if let Some(used) = answer::find_continue(&self.kept)? {
                    self.asked = true;
                    self.kept.drain(..used);
                    let is_alone = self.kept.is_empty();
                    return is_alone.then_some(Received::Wish).ok_or(Failure::Unasked);
                }
                if is_drained {
                    return Ok(Received::Less);
                }
                continue;
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
                return if self.kept.is_empty() {
                    Ok(Received::All)
                } else {
                    Err(Failure::Unasked)
                };
            }
            if is_drained {
                return Ok(Received::Less);
            }
        }
    }
}
