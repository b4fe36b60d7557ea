//! The beginning of a batch: who is ready gets a place in it, with the bytes of one read.

use super::batch::Slot;
use super::peer::Life;
use super::{Engine, Key, Socket};
use crate::buf::Buf;
use crate::handler::{Abort, Handler};
use crate::link::Got;
use crate::proto::Awaits;

/// What a visit costs a turn, in bytes of content that would take as long: so that many
/// small requests do not make a turn longer than a few large reads.
pub(super) const VISIT_COST: usize = 1 << 10;

/// What an upload may read of its framing while there is hardly room to keep what it
/// leaves behind.
const SMALL_READ: usize = 4 << 10;

/// A head grows at least by this, so that a drip of bytes costs few allocations.
const LEAST_GROWTH: usize = 512;

impl<S: Socket, U> Engine<S, U> {
    pub(super) fn gather<H: Handler<Upload = U>>(
        &mut self,
        batch: &mut Vec<Slot>,
        handler: &mut H,
    ) {
        // No peer twice: one that lingers is back in the queue at once.
        for _ in 0..self.ready.len() {
            if batch.len() == self.config.batch || self.budget == 0 {
                return;
            }
            let Some(key) = self.ready.pop_front() else { return };
            self.spend(VISIT_COST);
            let is_alone = batch.is_empty() && self.ready.is_empty();
            batch.extend(self.visit(key, is_alone, handler));
        }
    }

    /// Does what needs no handler for content, and gives the peer a place in the batch
    /// if it may have a request to go on with.
    fn visit<H: Handler<Upload = U>>(
        &mut self,
        key: Key,
        is_alone: bool,
        handler: &mut H,
    ) -> Option<Slot> {
        let peer = self.peers.get_mut(key)?;
        peer.queued = false;
        if peer.life != Life::Dead && peer.link.pending() > 0 {
            self.flush(key, &mut Vec::new(), handler);
        }
        let peer = self.peers.get_mut(key)?;
        match peer.life {
            Life::Open => {}
            Life::Closing => {
                if peer.link.pending() == 0 {
                    self.finish_writing(key);
                }
                return None;
            }
            Life::Lingering => {
                self.linger(key);
                return None;
            }
            Life::Dead => return None,
        }
        // What the handler has decided is done though there may be nothing to read.
        if peer.wish.is_some() || peer.resumed {
            peer.starved = false;
            return Some(self.slot_of_kept(key));
        }
        if peer.is_full(self.config.max_output) {
            return None;
        }
        if peer.awaits_handler() || peer.hungry {
            if peer.link.is_broken() {
                self.abort(key, Abort::Reset, handler);
            }
            return None;
        }
        if peer.kept.is_some() && !peer.starved {
            return Some(self.slot_of_kept(key));
        }
        if !peer.link.is_readable() && !self.draining {
            return None;
        }
        self.read(key, is_alone, handler)
    }

    fn slot(&mut self, key: Key, buf: Buf, reserved: usize) -> Slot {
        let out = self.outs.pop().unwrap_or_default();
        Slot { key, buf: Some(buf), out, reserved, served: false, done: false }
    }

    /// A place for a peer with what was kept for it, which may be nothing.
    fn slot_of_kept(&mut self, key: Key) -> Slot {
        let kept = self.peers.get_mut(key).and_then(|peer| peer.kept.take());
        let buf = kept.map_or_else(|| Buf::with_capacity(0), |kept| *kept);
        let reserved = buf.capacity();
        self.slot(key, buf, reserved)
    }

    /// Reads once, if there is room for what that may leave behind.
    pub(super) fn read<H: Handler<Upload = U>>(
        &mut self,
        key: Key,
        is_alone: bool,
        handler: &mut H,
    ) -> Option<Slot> {
        let Some((mut slot, most)) = self.slot_to_read(key, is_alone) else {
            self.starve(key, handler);
            return None;
        };
        let buf = slot.buf.as_mut()?;
        let before = buf.len();
        let peer = self.peers.get_mut(key)?;
        let got = peer.link.read(buf, most);
        let bytes = buf.len() - before;
        match peer.connection.awaits() {
            _ if bytes == 0 => {}
            Awaits::Body => peer.clock.advance_content(self.now, bytes as u64),
            _ => peer.clock.advance(self.now, bytes as u64),
        }
        if got == Got::Input {
            peer.starved = false;
        }
        let ends = self.draining && peer.is_between_requests();
        self.spend(bytes);
        self.stats.bytes_read += bytes as u64;
        match got {
            Got::Input => return Some(slot),
            Got::Nothing => {
                self.scatter(slot, handler);
                if ends {
                    self.close(key);
                }
            }
            Got::Broken => {
                self.abort(key, Abort::Reset, handler);
                self.scatter(slot, handler);
            }
        }
        None
    }

    /// A place to read into, and the most to be read: behind what is kept of an unfinished
    /// section, else a pooled buffer. None if there is no room.
    fn slot_to_read(&mut self, key: Key, is_alone: bool) -> Option<(Slot, usize)> {
        let peer = self.peers.get_mut(key)?;
        if let Some(kept) = &mut peer.kept {
            let before = kept.capacity();
            let is_full = kept.spare_mut().is_empty();
            // Half a head at the end of much: more is there than a box would grow by.
            let has_much =
                is_full && peer.link.filled_last_read() && kept.len() <= self.config.buffer / 2;
            if has_much && self.held.reserve(self.config.buffer) {
                let mut buf = self.buffers.take();
                buf.append(kept.unread());
                peer.kept = None;
                self.held.release(before);
                return Some((self.slot(key, buf, self.config.buffer), usize::MAX));
            }
            let reserved = if is_full { before.max(LEAST_GROWTH) } else { 0 };
            if !self.held.reserve(reserved) && !self.held.favour(key, reserved) {
                return None;
            }
            if is_full {
                // By what is unread: what was used already gives way, or the room would
                // double for each lot of pipelined requests that a peer leaves behind.
                kept.grow(kept.len().max(LEAST_GROWTH));
            }
            self.held.release(reserved - (kept.capacity() - before));
            return Some((self.slot_of_kept(key), usize::MAX));
        }
        let in_body = peer.connection.awaits() == Awaits::Body;
        if in_body && is_alone && self.held.reserve(self.config.lone_buffer) {
            let buf = self.buffers.take_lone();
            return Some((self.slot(key, buf, self.config.lone_buffer), usize::MAX));
        }
        let certain = usize::try_from(peer.connection.certain_content()).unwrap_or(usize::MAX);
        let (reserved, most) = if self.held.reserve(self.config.buffer) {
            (self.config.buffer, usize::MAX)
        } else if certain > 0 && !self.takes_in_part {
            // Nothing of it is left behind.
            (0, certain)
        } else if in_body && self.held.reserve(SMALL_READ) {
            (SMALL_READ, SMALL_READ)
        } else if self.held.favour(key, self.config.buffer) {
            (self.config.buffer, usize::MAX)
        } else {
            return None;
        };
        let buf = self.buffers.take();
        Some((self.slot(key, buf, reserved), most))
    }

    /// Leaves a peer unread until there is room to keep what it sends. A broken one
    /// makes room.
    fn starve<H: Handler<Upload = U>>(&mut self, key: Key, handler: &mut H) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        if peer.link.is_broken() {
            self.abort(key, Abort::Reset, handler);
        } else {
            peer.hungry = true;
            self.hungry.push(key);
        }
    }
}
