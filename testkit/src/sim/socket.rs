//! A scripted socket: the engine has one end, the test the other.

use std::cell::{Ref, RefCell, RefMut};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::rc::Rc;

use streamsum::engine;
use streamsum::engine::Ready;

use super::session::Session;
use crate::random::Random;

/// What both ends share.
#[derive(Debug)]
struct Wire {
    /// Bytes that the engine may read.
    arrived: VecDeque<u8>,
    /// Bytes that arrive once the engine has found out that the socket is empty.
    later: VecDeque<Vec<u8>>,
    /// Where urgent data lies: before which byte of all that the engine reads.
    urgent: VecDeque<usize>,
    fin: bool,
    /// True if the end follows what arrives later.
    fin_later: bool,
    reset: Reset,
    /// The most that one read gives, where short reads mean nothing.
    longest_read: usize,
    /// The most that one write takes.
    longest_write: usize,
    /// How many bytes the client still takes.
    window: usize,
    /// True if a write was refused, so that room is news.
    refused: bool,
    /// What the poll has not told yet.
    edges: Ready,
    output: Vec<u8>,
    writes: Vec<usize>,
    /// How many bytes were read, and in how many reads.
    taken: usize,
    reads: usize,
    /// How many reads found nothing.
    vain_reads: usize,
    /// Decides when a call fails that has no reason to.
    faltering: Option<Random>,
    /// What stands between the engine and the bytes above.
    session: Option<Session>,
    finished: bool,
    dropped: bool,
    /// Bytes that were lost on the engine, so that a real one would send a reset.
    unread: usize,
}

/// As on Linux, the first call after a reset tells of it; a read after that finds the
/// end, and a write a broken pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reset {
    No,
    Came,
    Told,
}

impl Wire {
    fn arrive(&mut self, bytes: &[u8]) {
        if self.dropped {
            self.unread += bytes.len();
            return;
        }
        self.edges.readable |= self.arrived.is_empty() && !bytes.is_empty();
        self.arrived.extend(bytes);
    }

    fn found_empty(&mut self) {
        if let Some(bytes) = self.later.pop_front() {
            self.arrive(&bytes);
        }
        if self.later.is_empty() && std::mem::take(&mut self.fin_later) {
            self.finish();
        }
    }

    fn finish(&mut self) {
        self.fin = true;
        self.edges.readable = true;
        self.edges.read_closed = true;
    }

    fn read(&mut self, into: &mut [u8], short_read_drains: bool) -> io::Result<usize> {
        assert!(!into.is_empty(), "a read into nothing");
        if self.fails()? {
            return Ok(0);
        }
        if let Some(error) = self.falters() {
            self.edges.readable |= error == ErrorKind::WouldBlock;
            return Err(error.into());
        }
        if self.session.as_mut().is_some_and(Session::read_waits) {
            return Err(ErrorKind::WouldBlock.into());
        }
        let longest = if short_read_drains { usize::MAX } else { self.longest_read };
        let longest = longest.min(self.before_urgent_data());
        let length = into.len().min(longest).min(self.arrived.len());
        if length == 0 {
            if self.fin {
                return Ok(0);
            }
            self.vain_reads += 1;
            self.found_empty();
            return Err(ErrorKind::WouldBlock.into());
        }
        self.arrived.read_exact(&mut into[..length]).expect("so many have arrived");
        if short_read_drains && length < into.len() && self.arrived.is_empty() {
            self.found_empty();
        }
        self.taken += length;
        self.reads += 1;
        Ok(length)
    }

    /// How many bytes a read gives at most. As with TCP it ends before urgent data, and the
    /// one that begins there goes on behind.
    fn before_urgent_data(&mut self) -> usize {
        while self.urgent.front() == Some(&self.taken) {
            self.urgent.pop_front();
        }
        self.urgent.front().map_or(usize::MAX, |place| place - self.taken)
    }

    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        assert!(!self.finished, "written after the end");
        if self.fails()? {
            return Err(ErrorKind::BrokenPipe.into());
        }
        if let Some(error) = self.falters() {
            self.edges.writable |= error == ErrorKind::WouldBlock;
            return Err(error.into());
        }
        if self.session.is_some() { self.write_to_session(from) } else { self.put(from) }
    }

    /// Puts bytes on the wire.
    fn put(&mut self, from: &[u8]) -> io::Result<usize> {
        let length = from.len().min(self.longest_write).min(self.window);
        if length == 0 && !from.is_empty() {
            self.refused = true;
            return Err(ErrorKind::WouldBlock.into());
        }
        self.window -= length;
        self.output.extend(&from[..length]);
        self.writes.push(length);
        Ok(length)
    }

    /// The session takes a record, and keeps what the wire does not take of it.
    fn write_to_session(&mut self, from: &[u8]) -> io::Result<usize> {
        let Some(session) = &mut self.session else { unreachable!("it has one") };
        if session.write_waits() {
            // What it awaits comes at once.
            self.edges.readable = true;
            return Err(ErrorKind::WouldBlock.into());
        }
        let room = session.most - session.output.len();
        if room == 0 {
            // Whether there is room for what it holds, only transmitting tells.
            return Err(ErrorKind::WouldBlock.into());
        }
        let length = from.len().min(room);
        session.output.extend(&from[..length]);
        if session.is_eager {
            let _ = self.transmit_kept();
        }
        Ok(length)
    }

    /// Transmits some of what the session has kept.
    fn transmit_kept(&mut self) -> io::Result<usize> {
        let Some(session) = &mut self.session else { unreachable!("it has one") };
        let kept: Vec<u8> = session.output.iter().copied().collect();
        // What it owes takes room, though it adds no bytes.
        if session.owes_output && self.window == 0 {
            self.refused = true;
            return Err(ErrorKind::WouldBlock.into());
        }
        let length = self.put(&kept)?;
        let Some(session) = &mut self.session else { unreachable!("it has one") };
        session.output.drain(..length);
        session.owes_output = false;
        Ok(length)
    }

    fn transmit(&mut self) -> io::Result<usize> {
        if self.fails()? {
            return Err(ErrorKind::BrokenPipe.into());
        }
        if let Some(error) = self.falters() {
            self.edges.writable |= error == ErrorKind::WouldBlock;
            return Err(error.into());
        }
        self.transmit_kept()
    }

    /// A signal, or readiness that was not to be trusted; the poll tells of it again.
    fn falters(&mut self) -> Option<ErrorKind> {
        let random = self.faltering.as_mut()?;
        let errors = [ErrorKind::Interrupted, ErrorKind::WouldBlock];
        random.chance(10).then(|| *random.pick(&errors))
    }

    /// Tells of a reset once; after that, that there was one.
    fn fails(&mut self) -> io::Result<bool> {
        match self.reset {
            Reset::No => Ok(false),
            Reset::Came => {
                self.reset = Reset::Told;
                Err(ErrorKind::ConnectionReset.into())
            }
            Reset::Told => Ok(true),
        }
    }
}

/// The engine's end. With `DRAINS` it is like TCP on epoll: a read that is not filled, and
/// was not ended by urgent data,
/// has emptied it. Without, it is like TLS: reads end where they please.
#[derive(Debug)]
pub struct Socket<const DRAINS: bool>(Rc<RefCell<Wire>>);

impl<const DRAINS: bool> Read for Socket<DRAINS> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.borrow_mut().read(into, DRAINS)
    }
}

impl<const DRAINS: bool> Write for Socket<DRAINS> {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(from)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<const DRAINS: bool> engine::Socket for Socket<DRAINS> {
    fn short_read_drains(&self) -> bool {
        DRAINS
    }

    fn finish_writing(&mut self) -> io::Result<()> {
        let mut wire = self.0.borrow_mut();
        assert!(!wire.finished, "finished twice");
        if wire.session.as_ref().is_some_and(Session::wants_write) {
            wire.refused = true;
            return Err(ErrorKind::WouldBlock.into());
        }
        wire.finished = true;
        if wire.fails()? { Err(ErrorKind::NotConnected.into()) } else { Ok(()) }
    }

    fn wants_write(&self) -> bool {
        self.session(Session::wants_write).unwrap_or_default()
    }

    fn transmit(&mut self) -> io::Result<usize> {
        self.0.borrow_mut().transmit()
    }

    fn wants_read(&self) -> bool {
        self.session(|session| session.awaits_input).unwrap_or_default()
    }
}

impl<const DRAINS: bool> Socket<DRAINS> {
    fn session<T>(&self, ask: impl FnOnce(&Session) -> T) -> Option<T> {
        self.0.borrow().session.as_ref().map(ask)
    }
}

impl<const DRAINS: bool> Drop for Socket<DRAINS> {
    fn drop(&mut self) {
        let mut wire = self.0.borrow_mut();
        wire.dropped = true;
        wire.unread = wire.arrived.len() + wire.later.iter().map(Vec::len).sum::<usize>();
    }
}

/// The client's end.
#[derive(Clone, Debug)]
pub struct Client(Rc<RefCell<Wire>>);

impl Client {
    /// Both ends of a connection on which nothing has happened.
    pub fn connect<const DRAINS: bool>() -> (Client, Socket<DRAINS>) {
        let wire = Wire {
            arrived: VecDeque::new(),
            later: VecDeque::new(),
            urgent: VecDeque::new(),
            fin: false,
            fin_later: false,
            reset: Reset::No,
            longest_read: usize::MAX,
            longest_write: usize::MAX,
            window: usize::MAX,
            refused: false,
            edges: Ready { writable: true, ..Ready::default() },
            output: Vec::new(),
            writes: Vec::new(),
            taken: 0,
            reads: 0,
            vain_reads: 0,
            faltering: None,
            session: None,
            finished: false,
            dropped: false,
            unread: 0,
        };
        let wire = Rc::new(RefCell::new(wire));
        (Client(Rc::clone(&wire)), Socket(wire))
    }

    /// True if both are ends of the same connection.
    pub fn is(&self, other: &Client) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    fn wire(&self) -> Ref<'_, Wire> {
        self.0.borrow()
    }

    fn wire_mut(&self) -> RefMut<'_, Wire> {
        self.0.borrow_mut()
    }

    // ---- what it does ----

    /// Bytes that arrive at once, or behind those that are still to arrive.
    pub fn send(&self, bytes: impl AsRef<[u8]>) {
        let mut wire = self.wire_mut();
        if wire.later.is_empty() {
            wire.arrive(bytes.as_ref());
        } else if !bytes.as_ref().is_empty() {
            wire.later.push_back(bytes.as_ref().to_vec());
        }
    }

    /// Bytes that arrive just after the engine found nothing more to read.
    pub fn send_later(&self, bytes: impl AsRef<[u8]>) {
        if self.untaken() == 0 {
            return self.send(bytes);
        }
        if !bytes.as_ref().is_empty() {
            self.wire_mut().later.push_back(bytes.as_ref().to_vec());
        }
    }

    /// Sends urgent data, which is no part of the stream, but ends a read though more lies
    /// behind it. Nothing is sent of it behind what arrives later.
    pub fn urge(&self) {
        let mut wire = self.wire_mut();
        if wire.later.is_empty() && !wire.dropped {
            let place = wire.taken + wire.arrived.len();
            wire.urgent.push_back(place);
            wire.edges.readable = true;
        }
    }

    /// Ends its half of the connection behind all that it sent.
    pub fn finish(&self) {
        let mut wire = self.wire_mut();
        if wire.later.is_empty() {
            wire.finish();
        } else {
            wire.fin_later = true;
        }
    }

    /// Ends its half in a way that the poll cannot tell from bytes.
    pub fn finish_unannounced(&self) {
        let mut wire = self.wire_mut();
        wire.fin = true;
        wire.edges.readable = true;
    }

    /// Breaks the connection; what was not read is lost.
    pub fn reset(&self) {
        let mut wire = self.wire_mut();
        wire.reset = Reset::Came;
        wire.arrived.clear();
        wire.later.clear();
        wire.urgent.clear();
        wire.fin_later = false;
        wire.edges = Ready {
            readable: true,
            writable: true,
            read_closed: true,
            error: true,
            ..Ready::default()
        };
    }

    /// Takes so many bytes from now on, and no more.
    pub fn set_window(&self, window: usize) {
        let mut wire = self.wire_mut();
        wire.window = window;
        if window > 0 && std::mem::take(&mut wire.refused) {
            wire.edges.writable = true;
        }
    }

    /// Takes so many bytes more than it would take now.
    pub fn widen(&self, bytes: usize) {
        let window = self.wire().window.saturating_add(bytes);
        self.set_window(window);
    }

    /// Of a socket whose short reads mean nothing: the most that one read gives.
    pub fn set_longest_read(&self, bytes: usize) {
        self.wire_mut().longest_read = bytes;
    }

    /// From now on any call may fail for no reason.
    pub fn falter(&self, random: Random) {
        self.wire_mut().faltering = Some(random);
    }

    /// From now on a session stands between the engine and the wire, as that of TLS does. It
    /// takes `most` bytes that the wire does not, and of a hundred calls so many want
    /// something else first: a read that something is flushed, a write that something is read.
    pub fn begin_session(&self, most: usize, wants: usize, random: Random) {
        self.wire_mut().session = Some(Session::new(most, wants, random));
    }

    /// Has the next read of a session wait for a flush.
    pub fn owe_output(&self) {
        if let Some(session) = &mut self.wire_mut().session {
            session.wants_next = true;
        }
    }

    /// The most that one write takes.
    pub fn set_longest_write(&self, bytes: usize) {
        self.wire_mut().longest_write = bytes;
    }

    // ---- what it sees ----

    /// All that the engine has written.
    pub fn output(&self) -> Vec<u8> {
        self.wire().output.clone()
    }

    /// What the engine has written since the last call.
    pub fn take_output(&self) -> String {
        String::from_utf8(self.take_bytes()).expect("answers are text")
    }

    /// Likewise, where it is no text.
    pub fn take_bytes(&self) -> Vec<u8> {
        std::mem::take(&mut self.wire_mut().output)
    }

    /// How many bytes the engine has written and [`Client::take_output`] has not taken.
    pub fn output_len(&self) -> usize {
        self.wire().output.len()
    }

    /// True if a session stands between.
    pub fn has_session(&self) -> bool {
        self.wire().session.is_some()
    }

    /// How often a read has wanted something to be flushed first.
    pub fn times_owed(&self) -> usize {
        self.wire().session.as_ref().map_or(0, |session| session.owed)
    }

    /// How many bytes the session has taken and not transmitted.
    pub fn stuck(&self) -> usize {
        self.wire().session.as_ref().map_or(0, |session| session.output.len())
    }

    /// The lengths of all writes so far.
    pub fn writes(&self) -> Vec<usize> {
        self.wire().writes.clone()
    }

    /// How many bytes the engine has read.
    pub fn taken(&self) -> usize {
        self.wire().taken
    }

    /// How many reads that took.
    pub fn reads(&self) -> usize {
        self.wire().reads
    }

    /// How many reads besides found nothing.
    pub fn vain_reads(&self) -> usize {
        self.wire().vain_reads
    }

    /// Bytes that have arrived and were not read.
    pub fn untaken(&self) -> usize {
        self.wire().arrived.len()
    }

    /// True if the poll has something to tell of it.
    pub fn has_news(&self) -> bool {
        self.wire().edges != Ready::default()
    }

    /// True if the engine waits for room to write.
    pub fn is_full(&self) -> bool {
        self.wire().refused
    }

    /// True if the engine has shut down writing, or closed altogether.
    pub fn sees_end(&self) -> bool {
        self.wire().finished || self.wire().dropped
    }

    /// True if the engine has shut down writing, and not closed.
    pub fn sees_half_close(&self) -> bool {
        self.wire().finished && !self.wire().dropped
    }

    /// True if the engine has closed altogether.
    pub fn is_closed(&self) -> bool {
        self.wire().dropped
    }

    /// True if the engine closed while bytes lay unread, which a real one answers with
    /// a reset.
    pub fn is_cut_off(&self) -> bool {
        self.wire().dropped && self.wire().unread > 0
    }

    /// True if it has ended its half, or will behind what arrives later.
    pub fn has_finished(&self) -> bool {
        self.wire().fin || self.wire().fin_later
    }

    /// True if it has broken the connection.
    pub fn has_reset(&self) -> bool {
        self.wire().reset != Reset::No
    }

    /// What an edge-triggered poll has to tell, once.
    pub fn take_edges(&self) -> Option<Ready> {
        let mut wire = self.wire_mut();
        let edges = std::mem::take(&mut wire.edges);
        if let Some(session) = &mut wire.session {
            session.has_input |= edges.readable;
        }
        // It is told of with whatever else there is to tell, until it was read.
        let urgent = !wire.urgent.is_empty();
        (edges != Ready::default()).then_some(Ready { urgent, ..edges })
    }
}
