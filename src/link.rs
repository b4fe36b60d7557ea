//! One stream that does not block: what its events said, what was read last, and the output
//! that waits for it.

use std::io::{self, ErrorKind, Read, Write};
use std::ops::AddAssign;

use crate::buf::Buf;

/// A byte stream that does not block: it fails with
/// [`WouldBlock`](io::ErrorKind::WouldBlock) instead, and whoever owns the poll
/// [notes](crate::engine::Engine::note) when that may have changed.
///
/// # Example
///
/// Bytes that are all there from the beginning.
///
/// ```
/// use std::io::{self, Cursor, Read, Write};
/// use streamsum::engine::Socket;
///
/// struct Replay { input: Cursor<Vec<u8>>, output: Vec<u8> }
///
/// impl Read for Replay {
///     fn read(&mut self, into: &mut [u8]) -> io::Result<usize> { self.input.read(into) }
/// }
/// impl Write for Replay {
///     fn write(&mut self, from: &[u8]) -> io::Result<usize> { self.output.write(from) }
///     fn flush(&mut self) -> io::Result<()> { Ok(()) }
/// }
/// impl Socket for Replay {
///     fn short_read_drains(&self) -> bool { false }
///     fn finish_writing(&mut self) -> io::Result<()> { Ok(()) }
/// }
/// ```
pub trait Socket: Read + Write {
    /// True if a read that fills less than it was given has emptied the socket, so that
    /// the next byte will be announced, unless [urgent data](Ready::urgent) lies there. So
    /// it is with plain TCP on epoll. It is not with a wrapper that keeps bytes of its own,
    /// such as TLS; nor where the poll does not tell of urgent data; nor with Unix sockets,
    /// whose reads end behind bytes that a descriptor was passed along with.
    fn short_read_drains(&self) -> bool;

    /// Shuts down the writing half: the peer reads the end, and may still send.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if something has to be written first, of which
    /// [`wants_write`](Socket::wants_write) is to tell from then on: the engine tries again when
    /// that is written, and gives up a peer that does not take it. Any other error says that the
    /// connection is gone, which is no news to anybody.
    fn finish_writing(&mut self) -> io::Result<()>;

    /// True if the socket holds output of its own: records that were not taken whole, or a
    /// handshake's. Plain sockets have none.
    ///
    /// The engine has it [transmitted](Socket::transmit) whenever there is room, tries a read
    /// again after that, and counts it as output that the peer has to take. So a write may keep
    /// what it took, but no more than a record or two: above that it fails with
    /// [`WouldBlock`](io::ErrorKind::WouldBlock).
    fn wants_write(&self) -> bool {
        false
    }

    /// Writes output that the socket holds; returns how many bytes of it were taken.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is no room. Any other error says that
    /// the connection is broken.
    fn transmit(&mut self) -> io::Result<usize> {
        Ok(0)
    }

    /// True if a write has failed with [`WouldBlock`](io::ErrorKind::WouldBlock) because
    /// something has to be read first. The engine tries again when there is something to
    /// read. Plain sockets never want that.
    fn wants_read(&self) -> bool {
        false
    }
}

/// What an event says of a socket. Notes add up: a flag that is set stays so, but that the
/// engine clears `readable`, `writable` and `urgent` when a call says otherwise.
///
/// # Example
///
/// ```
/// use streamsum::engine::Ready;
///
/// let ready = Ready { readable: true, ..Ready::default() };
/// assert!(!ready.writable);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    /// There may be bytes to read.
    pub readable: bool,
    /// There may be room to write.
    pub writable: bool,
    /// The peer sends no more than what there is to read.
    pub read_closed: bool,
    /// The connection is broken.
    pub error: bool,
    /// There is urgent data of TCP, before which a read ends though more lies behind it.
    pub urgent: bool,
}

/// A read that fills its buffer with so much says that there is more to come.
const MUCH: usize = 512;

/// A socket with what is known of it, and with the output that it has not taken yet.
pub(crate) struct Link<S> {
    /// `None` once it is closed.
    socket: Option<S>,
    /// What the events said and no call has contradicted since.
    ready: Ready,
    last_read: LastRead,
    output: Output,
}

/// What the last read tells of the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LastRead {
    /// There may be more to come, or not.
    Partial,
    /// It took much and all it could, so that there is more to come.
    Filled,
    /// The other side has sent its last byte.
    End,
}

/// What a read gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Got {
    /// Bytes, or the end of them.
    Input,
    Nothing,
    Broken,
}

impl<S: Socket> Link<S> {
    pub(crate) fn new(socket: S) -> Self {
        Self {
            socket: Some(socket),
            // Nothing was written yet, so there is room.
            ready: Ready { writable: true, ..Ready::default() },
            last_read: LastRead::Partial,
            output: Output::default(),
        }
    }

    /// Adds what an event said.
    pub(crate) fn note(&mut self, ready: Ready) {
        // After an end or an error a read is due, which tells.
        self.ready.readable |= ready.readable || ready.read_closed || ready.error || ready.urgent;
        let unblocks_write = ready.readable && self.socket.as_ref().is_some_and(S::wants_read);
        self.ready.writable |= ready.writable || ready.error || unblocks_write;
        self.ready.read_closed |= ready.read_closed;
        self.ready.error |= ready.error;
        self.ready.urgent |= ready.urgent;
    }

    /// True if a read may give something.
    pub(crate) fn is_readable(&self) -> bool {
        self.ready.readable
    }

    /// True if output waits, here or within the socket.
    pub(crate) fn has_output(&self) -> bool {
        self.unsent() > 0 || self.socket.as_ref().is_some_and(S::wants_write)
    }

    /// True if all output is written and writing may be shut down.
    pub(crate) fn can_finish_writing(&self) -> bool {
        self.ready.writable && !self.has_output()
    }

    /// True if output waits and a write may take some of it.
    pub(crate) fn can_flush(&self) -> bool {
        self.ready.writable && self.has_output()
    }

    /// True if an event said that the connection is broken.
    pub(crate) fn is_broken(&self) -> bool {
        self.ready.error
    }

    /// True if a read has given the end.
    pub(crate) fn is_at_end(&self) -> bool {
        self.last_read == LastRead::End
    }

    /// True if the last read took much and all it could, so that there is more to come.
    pub(crate) fn filled_last_read(&self) -> bool {
        self.last_read == LastRead::Filled
    }

    /// Bytes of output that the socket has not taken yet.
    pub(crate) fn unsent(&self) -> usize {
        self.output.unsent()
    }

    /// Reads once, at most `most` bytes.
    ///
    /// Where the other side is known to have ended, it reads on to the end, so that the
    /// answer to the last request can already say that the connection closes. Where there
    /// is urgent data it reads on, too: behind it, nothing is announced again.
    pub(crate) fn read(&mut self, buf: &mut Buf, most: usize) -> Got {
        let Some(socket) = &mut self.socket else { return Got::Nothing };
        let mut total = 0;
        loop {
            let spare = buf.spare_mut();
            let length = spare.len().min(most - total);
            let Some(spare) = spare.get_mut(..length).filter(|_| length > 0) else { break };
            match socket.read(spare) {
                Ok(0) => {
                    self.ready.readable = false;
                    self.last_read = LastRead::End;
                    return Got::Input;
                }
                Ok(n) => {
                    buf.filled(n);
                    total += n;
                    if self.ready.read_closed || self.ready.error || self.ready.urgent {
                        continue;
                    }
                    if n < length && socket.short_read_drains() {
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
        let has_filled = total >= MUCH && buf.spare_mut().is_empty();
        self.last_read = if has_filled { LastRead::Filled } else { LastRead::Partial };
        if total > 0 { Got::Input } else { Got::Nothing }
    }

    /// Writes what waits and then `out`, as far as the other side takes it; the rest waits
    /// and `out` is left empty.
    ///
    /// # Errors
    ///
    /// If the connection is broken.
    pub(crate) fn write(&mut self, out: &mut Vec<u8>) -> io::Result<Written> {
        let Some(socket) = &mut self.socket else { return Ok(Written::default()) };
        let transmitted = transmit(socket, &mut self.ready)?;
        let before = self.output.unsent();
        let unsent = self.output.bytes.get(self.output.written..).unwrap_or_default();
        let mut written = write_to(socket, unsent, &mut self.ready)?;
        self.output.written += written.bytes;
        if written.bytes == before {
            self.output = Output::default();
            let more = write_to(socket, out, &mut self.ready)?;
            out.drain(..more.bytes);
            written += more;
        }
        self.output.append(out);
        out.clear();
        written.transmitted += transmitted + transmit(socket, &mut self.ready)?;
        Ok(written)
    }

    /// Shuts down the writing half; false if that has to be tried again.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    pub(crate) fn finish_writing(&mut self) -> io::Result<bool> {
        match self.socket.as_mut().map_or(Ok(()), Socket::finish_writing) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(false),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.ready.writable = false;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Closes the socket, whatever waits. A poll forgets a socket that is closed.
    pub(crate) fn close(&mut self) {
        self.socket = None;
    }
}

/// What requests to others need of it.
#[cfg(feature = "outgoing")]
impl<S: Socket> Link<S> {
    /// Writes what waits and then `bytes`, as far as the other side takes them; returns how many of
    /// `bytes` were taken. The others stay with the caller.
    ///
    /// # Errors
    ///
    /// If the connection is broken.
    pub(crate) fn pass(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.has_output() {
            self.write(&mut Vec::new())?;
        }
        let Some(socket) = &mut self.socket else { return Ok(0) };
        if self.output.unsent() > 0 {
            return Ok(0);
        }
        let written = write_to(socket, bytes, &mut self.ready)?;
        transmit(socket, &mut self.ready)?;
        Ok(written.bytes)
    }

    /// True if a write may take something that does not wait yet.
    pub(crate) fn has_room(&self) -> bool {
        self.ready.writable && !self.has_output()
    }

    /// True if nothing has come and nothing has ended, whatever the events said.
    pub(crate) fn is_quiet(&mut self) -> bool {
        let Some(socket) = &mut self.socket else { return false };
        self.ready.readable = false;
        loop {
            match socket.read(&mut [0]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
                Ok(_) => return false,
            }
        }
    }

    /// Writes nothing more. A read tells what the other side has said before.
    pub(crate) fn close_writing(&mut self) {
        self.ready.writable = false;
        self.ready.readable = true;
        self.output = Output::default();
    }
}

/// What a write has moved.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Written {
    /// Bytes that the socket has taken.
    pub(crate) bytes: usize,
    /// Bytes that the socket held of its own, and that were taken from it.
    pub(crate) transmitted: usize,
}

impl AddAssign for Written {
    fn add_assign(&mut self, more: Self) {
        self.bytes += more.bytes;
        self.transmitted += more.transmitted;
    }
}

/// Writes what a socket holds of its own, and returns how many bytes of it were taken.
fn transmit<S: Socket>(socket: &mut S, ready: &mut Ready) -> io::Result<usize> {
    let mut transmitted = 0;
    while ready.writable && socket.wants_write() {
        match socket.transmit() {
            Ok(n) => {
                transmitted += n;
                // A read may have waited for this.
                ready.readable = true;
                ready.writable = n > 0 || !socket.wants_write();
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => ready.writable = false,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(transmitted)
}

/// Bytes on their way to the other side.
#[derive(Debug, Default)]
struct Output {
    bytes: Vec<u8>,
    written: usize,
}

impl Output {
    fn unsent(&self) -> usize {
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

fn write_to<S: Socket>(socket: &mut S, bytes: &[u8], ready: &mut Ready) -> io::Result<Written> {
    let mut written = Written::default();
    while let Some(rest) = bytes.get(written.bytes..).filter(|rest| !rest.is_empty())
        && ready.writable
    {
        match socket.write(rest) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(n) => written.bytes += n,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                // It may hold as much as it can, and have room for that.
                let transmitted = transmit(socket, ready)?;
                written.transmitted += transmitted;
                ready.writable &= transmitted > 0;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(written)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    #[test]
    fn output_to_a_peer_that_never_catches_up_is_forgotten() {
        let mut output = Output::default();
        output.append(&[0; 100]);
        for _ in 0..1_000 {
            output.written += 60;
            output.append(&[0; 60]);
            assert_eq!(output.unsent(), 100);
            assert!(output.bytes.len() <= 300, "{}", output.bytes.len());
        }
    }

    #[test]
    fn output_is_forgotten_when_more_than_half_of_it_is_written() {
        let mut output = Output::default();
        output.append(&[0; 100]);
        output.written = 50;
        output.append(b"a");
        assert_eq!((output.bytes.len(), output.unsent()), (101, 51));
        output.written = 51;
        output.append(b"b");
        assert_eq!((output.bytes.len(), output.unsent()), (51, 51));
    }

    /// A socket whose calls fail as its list says, and else take so many bytes at most; with
    /// none they would block.
    #[derive(Debug, Default)]
    pub(crate) struct Scripted {
        errors: Vec<ErrorKind>,
        most: usize,
        /// Bytes of its own that are to be transmitted.
        held: usize,
        /// What it does with what is written to it.
        session: Session,
    }

    #[derive(Debug, Default, PartialEq)]
    enum Session {
        #[default]
        None,
        /// Holds it.
        Holds,
        /// Holds it, and takes no more while it holds any.
        HoldsOne,
        /// Transmits nothing, and does not say that it would block.
        Idles,
    }

    impl Scripted {
        fn next(&mut self, length: usize) -> io::Result<usize> {
            match self.errors.pop() {
                Some(kind) => Err(kind.into()),
                None if self.most == 0 => Err(ErrorKind::WouldBlock.into()),
                None => Ok(length.min(self.most)),
            }
        }
    }

    impl Read for Scripted {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.next(into.len())
        }
    }

    impl Write for Scripted {
        fn write(&mut self, from: &[u8]) -> io::Result<usize> {
            if self.session == Session::HoldsOne && self.held > 0 {
                return Err(ErrorKind::WouldBlock.into());
            }
            let length = self.next(from.len())?;
            if matches!(self.session, Session::Holds | Session::HoldsOne) {
                self.held += length;
            }
            Ok(length)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Socket for Scripted {
        fn short_read_drains(&self) -> bool {
            true
        }

        fn finish_writing(&mut self) -> io::Result<()> {
            self.next(1).map(drop)
        }

        fn wants_write(&self) -> bool {
            self.held > 0
        }

        fn transmit(&mut self) -> io::Result<usize> {
            if self.session == Session::Idles {
                return Ok(0);
            }
            let length = self.next(self.held)?;
            self.held -= length;
            Ok(length)
        }
    }

    fn failing(kinds: &[ErrorKind]) -> Link<Scripted> {
        Link::new(Scripted { errors: kinds.to_vec(), most: 3, ..Scripted::default() })
    }

    fn holding(held: usize, errors: &[ErrorKind]) -> Link<Scripted> {
        let socket = Scripted { errors: errors.to_vec(), most: 3, held, ..Scripted::default() };
        let mut link = Link::new(socket);
        link.ready.readable = false;
        link
    }

    #[test]
    fn what_a_socket_holds_is_transmitted_and_then_it_is_read_again() {
        for errors in [&[][..], &[ErrorKind::Interrupted]] {
            let mut link = holding(7, errors);
            let written = link.write(&mut Vec::new()).unwrap();
            assert_eq!((written.bytes, written.transmitted), (0, 7));
            assert!(link.ready.readable && link.ready.writable && !link.has_output());
        }
        let mut link = holding(7, &[]);
        link.socket.as_mut().unwrap().session = Session::Holds;
        let written = link.write(&mut b"abcde".to_vec()).unwrap();
        assert_eq!((written.bytes, written.transmitted), (5, 12), "with what it has come to hold");
    }

    #[test]
    fn a_socket_that_holds_as_much_as_it_can_is_written_to_again_when_it_has_transmitted() {
        let mut link = holding(0, &[]);
        link.socket.as_mut().unwrap().session = Session::HoldsOne;
        let written = link.write(&mut b"abcdefgh".to_vec()).unwrap();
        assert_eq!((written.bytes, written.transmitted), (8, 8));
        assert!(link.ready.writable && !link.has_output());
        // It has no room for what it holds.
        let mut link = holding(3, &[ErrorKind::WouldBlock]);
        link.socket.as_mut().unwrap().session = Session::HoldsOne;
        let written = link.write(&mut b"abc".to_vec()).unwrap();
        assert_eq!((written.bytes, written.transmitted, link.unsent()), (0, 0, 3));
        assert!(!link.ready.writable);
        let mut link = failing(&[ErrorKind::WouldBlock]);
        assert_eq!(link.write(&mut b"abc".to_vec()).unwrap().bytes, 0);
        assert!(!link.ready.writable && link.unsent() == 3);
    }

    #[test]
    fn transmitting_waits_where_nothing_is_taken() {
        let mut link = holding(7, &[ErrorKind::WouldBlock]);
        assert_eq!(link.write(&mut Vec::new()).unwrap().transmitted, 0);
        assert!(!link.ready.writable && link.has_output());
        let mut link = holding(7, &[]);
        link.socket.as_mut().unwrap().session = Session::Idles;
        assert_eq!(link.write(&mut Vec::new()).unwrap().transmitted, 0);
        assert!(!link.ready.writable && link.has_output());
    }

    #[test]
    fn transmitting_over_a_broken_connection_fails() {
        let kind = ErrorKind::BrokenPipe;
        let mut link = holding(7, &[kind]);
        assert_eq!(link.write(&mut Vec::new()).unwrap_err().kind(), kind);
    }

    #[test]
    fn plain_sockets_hold_nothing() {
        #[derive(Debug)]
        struct Plain;
        impl Read for Plain {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Ok(0)
            }
        }
        impl Write for Plain {
            fn write(&mut self, from: &[u8]) -> io::Result<usize> {
                Ok(from.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        impl Socket for Plain {
            fn short_read_drains(&self) -> bool {
                false
            }
            fn finish_writing(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        assert_eq!(
            (Plain.transmit().unwrap(), Plain.wants_write(), Plain.wants_read()),
            (0, false, false)
        );
    }

    #[test]
    fn a_read_that_takes_much_and_all_it_could_is_told_from_others() {
        let fills = |capacity, most| {
            let mut link = Link::new(Scripted { most: usize::MAX, ..Scripted::default() });
            assert_eq!(link.read(&mut Buf::with_capacity(capacity), most), Got::Input);
            link.filled_last_read()
        };
        assert!(fills(512, usize::MAX));
        assert!(!fills(511, usize::MAX), "it is little");
        assert!(!fills(1_024, 1_000), "there was room for more");
    }

    #[test]
    fn interrupted_calls_are_made_again() {
        let mut link = failing(&[ErrorKind::Interrupted; 2]);
        let mut buf = Buf::with_capacity(8);
        assert_eq!((link.read(&mut buf, usize::MAX), buf.len()), (Got::Input, 3));
        let mut link = failing(&[ErrorKind::Interrupted; 2]);
        assert_eq!(link.write(&mut b"abc".to_vec()).unwrap().bytes, 3);
        assert!(link.ready.writable && link.unsent() == 0);
    }

    #[test]
    fn ending_to_write_is_tried_again_unless_the_connection_is_gone() {
        for kind in [ErrorKind::WouldBlock, ErrorKind::Interrupted] {
            let mut link = failing(&[kind]);
            assert!(!link.finish_writing().unwrap());
            assert_eq!(link.can_finish_writing(), kind == ErrorKind::Interrupted);
            assert!(link.finish_writing().unwrap());
        }
        assert!(failing(&[ErrorKind::NotConnected]).finish_writing().is_err());
    }

    #[test]
    fn a_broken_connection_is_told_from_an_end() {
        for kind in [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe, ErrorKind::TimedOut] {
            let mut link = failing(&[kind]);
            assert_eq!(link.read(&mut Buf::with_capacity(8), usize::MAX), Got::Broken);
            assert!(!link.is_at_end(), "{kind}");
            let mut link = failing(&[kind]);
            assert_eq!(link.write(&mut b"abc".to_vec()).unwrap_err().kind(), kind);
        }
    }
}
