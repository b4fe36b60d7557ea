//! One peer: its socket, its connection, what waits for it and what it waits for.

use std::io::{self, ErrorKind};
use std::ops::Range;

use super::deadlines::Clock;
use super::{Moment, Ready, Socket};
use crate::buf::Buf;
use crate::handler::{Outcome, PeerAddr, Report, TooSlow, UploadId};
use crate::proto::{Awaits, Connection, Reject, Response};

pub(super) struct Peer<S, U> {
    /// None once it is closed; its key is given out again in a later turn only.
    pub(super) socket: Option<S>,
    pub(super) addr: PeerAddr,
    pub(super) connection: Connection,
    /// What the events said and no call has contradicted since.
    pub(super) ready: Ready,
    pub(super) life: Life,
    /// Whether it stands in the ready queue.
    pub(super) queued: bool,
    /// Whether it stands among those who wait for room in
    /// [`Config::max_held`](super::Config::max_held).
    pub(super) hungry: bool,
    /// Whether a read has returned 0.
    pub(super) eof: bool,
    /// Whether the last read took much and all it could, so that there is more to come.
    pub(super) flows: bool,
    /// Whether what is kept needs more input before it means anything.
    pub(super) starved: bool,
    /// Whether a pause or a wait was ended by the handler.
    pub(super) resumed: bool,
    pub(super) upload: Upload<U>,
    pub(super) request: Option<Record>,
    /// Content that was offered and not taken: positions in `kept`.
    pub(super) rest: Option<Rest>,
    /// Bytes that were read and could not be used yet.
    pub(super) kept: Option<Box<Buf>>,
    pub(super) output: Output,
    pub(super) wish: Option<Box<Wish>>,
    pub(super) clock: Clock,
}

/// Whether requests are read, or the end is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    Open,
    /// The last answer is being written.
    Closing,
    /// Writing is shut down; what still comes is read and thrown away, so that no
    /// reset destroys the answer on its way.
    Lingering,
    Dead,
}

/// The handler's side of the current request.
#[derive(Debug)]
pub(super) enum Upload<U> {
    None,
    /// The verdict is to come.
    Waiting(U),
    Taking(U),
    /// A piece was taken in part.
    Paused(U),
    /// A piece of it is with the handler.
    Lent,
    /// The handler answers later.
    Late,
}

impl<U> Upload<U> {
    pub(super) fn take(&mut self) -> Option<U> {
        match std::mem::replace(self, Upload::None) {
            Upload::Waiting(upload) | Upload::Taking(upload) | Upload::Paused(upload) => {
                Some(upload)
            }
            Upload::None | Upload::Lent | Upload::Late => None,
        }
    }
}

/// What is known of a request while it lasts.
#[derive(Debug)]
pub(super) struct Record {
    /// None of a request that is refused within its head.
    pub(super) id: Option<UploadId>,
    pub(super) begun: Moment,
    pub(super) received: u64,
    pub(super) named: Named,
}

impl Record {
    /// What is told of the request when it is over.
    pub(super) fn report<'a>(
        &'a self,
        peer: PeerAddr,
        now: Moment,
        response: Option<&'a Response>,
        outcome: Outcome,
    ) -> Report<'a> {
        Report {
            id: self.id,
            peer,
            method: self.named.method(),
            target: self.named.target(),
            response,
            received: self.received,
            duration: now.since(self.begun),
            outcome,
            too_slow: None,
        }
    }
}

/// Method and target, as far as they are kept.
#[derive(Debug, Default)]
pub(super) struct Named(Option<Box<str>>);

impl Named {
    /// Methods that anybody uses are shorter.
    const LONGEST_METHOD: usize = 32;

    pub(super) fn new(method: &str, target: &str, kept_target: usize) -> Self {
        if kept_target == 0 {
            return Self(None);
        }
        let method = cut(method, Self::LONGEST_METHOD);
        let target = cut(target, kept_target);
        let mut line = String::with_capacity(method.len() + 1 + target.len());
        line.extend([method, " ", target]);
        Self(Some(line.into_boxed_str()))
    }

    pub(super) fn method(&self) -> Option<&str> {
        Some(self.0.as_deref()?.split_once(' ')?.0)
    }

    pub(super) fn target(&self) -> Option<&str> {
        Some(self.0.as_deref()?.split_once(' ')?.1)
    }
}

/// At most `length` bytes of whole characters.
fn cut(text: &str, length: usize) -> &str {
    let mut end = text.len().min(length);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[derive(Clone, Debug)]
pub(super) struct Rest {
    pub(super) range: Range<u32>,
    pub(super) last: bool,
}

/// What is to be done to a request when its turn comes.
#[derive(Debug)]
pub(super) enum Wish {
    Answer(Response),
    Refuse(Refusal),
}

/// A reason to refuse a request, with the numbers behind it if it is one of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) reject: Reject,
    pub(super) too_slow: Option<TooSlow>,
}

impl From<Reject> for Refusal {
    fn from(reject: Reject) -> Self {
        Self { reject, too_slow: None }
    }
}

/// Bytes on their way to the peer.
#[derive(Debug, Default)]
pub(super) struct Output {
    bytes: Vec<u8>,
    written: usize,
}

impl Output {
    pub(super) fn pending(&self) -> usize {
        self.bytes.len() - self.written
    }

    /// Forgets what is written once that is the larger half: a peer that reads all the
    /// time and never catches up costs no more memory than what is pending, twice.
    fn append(&mut self, more: &[u8]) {
        if self.written > self.bytes.len() / 2 {
            self.bytes.drain(..self.written);
            self.written = 0;
        }
        self.bytes.extend_from_slice(more);
    }
}

/// What a read gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Got {
    Bytes,
    Nothing,
    Broken,
}

impl<S: Socket, U> Peer<S, U> {
    pub(super) fn new(socket: S, addr: PeerAddr, connection: Connection, now: Moment) -> Self {
        Self {
            socket: Some(socket),
            addr,
            connection,
            // Nothing was written yet, so there is room.
            ready: Ready { writable: true, ..Ready::default() },
            life: Life::Open,
            queued: false,
            hungry: false,
            eof: false,
            flows: false,
            starved: false,
            resumed: false,
            upload: Upload::None,
            request: None,
            rest: None,
            kept: None,
            output: Output::default(),
            wish: None,
            clock: Clock::new(now),
        }
    }

    /// Whether this peer's current request is the one of that id.
    pub(super) fn serves(&self, id: UploadId) -> bool {
        self.life == Life::Open
            && self.request.as_ref().is_some_and(|request| request.id == Some(id))
    }

    /// Whether the handler has the next word.
    pub(super) fn awaits_handler(&self) -> bool {
        match self.upload {
            Upload::Waiting(_) | Upload::Paused(_) => !self.resumed,
            Upload::Late => true,
            Upload::None | Upload::Taking(_) | Upload::Lent => false,
        }
    }

    /// Whether so much waits for it that it is not read any more.
    pub(super) fn is_full(&self, output_bound: usize) -> bool {
        self.output.pending() > output_bound
    }

    /// Whether a visit could get anything done.
    pub(super) fn is_runnable(&self, output_bound: usize) -> bool {
        let pending = self.output.pending();
        if pending > 0 && self.ready.writable && self.life != Life::Dead {
            return true;
        }
        match self.life {
            Life::Open if self.wish.is_some() || self.resumed => true,
            Life::Open if self.is_full(output_bound) => false,
            Life::Open if self.awaits_handler() || self.hungry => self.ready.error,
            Life::Open => self.ready.readable || (self.kept.is_some() && !self.starved),
            Life::Closing => pending == 0,
            Life::Lingering => self.ready.readable && self.clock.lingers_reading(),
            Life::Dead => false,
        }
    }

    /// Whether it may be closed without anybody's missing anything.
    pub(super) fn is_between_requests(&self) -> bool {
        self.life == Life::Open
            && self.output.pending() == 0
            && self.connection.awaits() == Awaits::Idle
    }

    /// Reads once, at most `most` bytes.
    ///
    /// Where the other side is known to have ended, it reads on to the end, so that the
    /// answer to the last request can already say that the connection closes. Where there
    /// is urgent data it reads on, too: behind it, nothing is announced again.
    pub(super) fn read(&mut self, buf: &mut Buf, most: usize) -> Got {
        let Some(socket) = &mut self.socket else { return Got::Nothing };
        let mut total = 0;
        loop {
            let spare = buf.spare_mut();
            let room = spare.len().min(most - total);
            let Some(spare) = spare.get_mut(..room).filter(|room| !room.is_empty()) else { break };
            match socket.read(spare) {
                Ok(0) => {
                    self.ready.readable = false;
                    self.eof = true;
                    return Got::Bytes;
                }
                Ok(n) => {
                    buf.filled(n);
                    total += n;
                    if self.ready.read_closed || self.ready.error || self.ready.urgent {
                        continue;
                    }
                    if n < room && socket.short_read_drains() {
                        self.ready.readable = false;
                    }
                    break;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.ready.readable = false;
                    self.ready.urgent = false;
                    break;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Got::Broken,
            }
        }
        if total > 0 { Got::Bytes } else { Got::Nothing }
    }

    /// Writes what is pending and then `out`, as far as the peer takes it; the rest
    /// stays pending and `out` is left empty. Returns the number of bytes written.
    ///
    /// # Errors
    ///
    /// If the connection is broken.
    pub(super) fn write(&mut self, out: &mut Vec<u8>) -> io::Result<usize> {
        let Some(socket) = &mut self.socket else { return Ok(0) };
        let before = self.output.pending();
        let mut written = 0;
        if before > 0 {
            let pending = self.output.bytes.get(self.output.written..).unwrap_or_default();
            written += write_to(socket, pending, &mut self.ready.writable)?;
            self.output.written += written;
        }
        if written == before {
            self.output = Output::default();
            let n = write_to(socket, out, &mut self.ready.writable)?;
            written += n;
            out.drain(..n);
        }
        self.output.append(out);
        out.clear();
        Ok(written)
    }
}

fn write_to<S: Socket>(socket: &mut S, bytes: &[u8], writable: &mut bool) -> io::Result<usize> {
    let mut written = 0;
    while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty() && *writable) {
        match socket.write(rest) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(n) => written += n,
            Err(error) if error.kind() == ErrorKind::WouldBlock => *writable = false,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_to_a_peer_that_never_catches_up_is_forgotten() {
        let mut output = Output::default();
        output.append(&[0; 100]);
        for _ in 0..1_000 {
            output.written += 60;
            output.append(&[0; 60]);
            assert_eq!(output.pending(), 100);
            assert!(output.bytes.len() <= 300, "{}", output.bytes.len());
        }
    }

    /// A socket whose calls fail as the list says, and else read or write 3 bytes.
    struct Failing(Vec<ErrorKind>);

    impl Failing {
        fn next(&mut self) -> io::Result<usize> {
            self.0.pop().map_or(Ok(3), |kind| Err(kind.into()))
        }
    }

    impl io::Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            self.next()
        }
    }

    impl io::Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            self.next()
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Socket for Failing {
        fn short_read_drains(&self) -> bool {
            true
        }

        fn finish_writing(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn failing(kinds: &[ErrorKind]) -> Peer<Failing, ()> {
        let connection = Connection::new(crate::proto::Limits::default());
        Peer::new(Failing(kinds.to_vec()), PeerAddr::Unix, connection, Moment(0))
    }

    #[test]
    fn interrupted_calls_are_made_again() {
        let mut peer = failing(&[ErrorKind::Interrupted; 2]);
        let mut buf = Buf::with_capacity(8);
        assert_eq!((peer.read(&mut buf, usize::MAX), buf.len()), (Got::Bytes, 3));
        let mut peer = failing(&[ErrorKind::Interrupted; 2]);
        assert_eq!(peer.write(&mut b"abc".to_vec()).unwrap(), 3);
        assert!(peer.ready.writable && peer.output.pending() == 0);
    }

    #[test]
    fn a_broken_connection_is_told_from_an_end() {
        for kind in [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe, ErrorKind::TimedOut] {
            let mut peer = failing(&[kind]);
            assert_eq!(peer.read(&mut Buf::with_capacity(8), usize::MAX), Got::Broken);
            assert!(!peer.eof, "{kind}");
            let mut peer = failing(&[kind]);
            assert_eq!(peer.write(&mut b"abc".to_vec()).unwrap_err().kind(), kind);
        }
    }

    #[test]
    fn names_are_cut_between_characters() {
        let named = Named::new("PUT", "/\u{fc}\u{fc}", 4);
        assert_eq!((named.method(), named.target()), (Some("PUT"), Some("/\u{fc}")));
        assert_eq!(Named::new("PUT", "/", 0).method(), None);
        assert_eq!(Named::new(&"M".repeat(40), "/", 9).method().map(str::len), Some(32));
    }
}
