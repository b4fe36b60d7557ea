//! The beginning of a batch: who is ready gets a place in it, with the bytes of one read.

use super::config::Config;
use super::exchange::Record;
use super::ids::Key;
use super::peer::{Errand, Peer, Unread};
use super::room::Lease;
use super::roster::Roster;
use super::slot::{Progress, Slot};
use super::turn::Turn;
use crate::buf::Buf;
use crate::handler::Abort;
use crate::link::{Got, Socket};
use crate::proto::{Awaits, Connection};

/// What a visit costs a turn, in bytes of content that would take as long: so that many
/// small requests do not make a turn longer than a few large reads.
pub(super) const VISIT_COST: usize = 1 << 10;

/// What an upload may read of its framing while there is hardly room to keep what it
/// leaves behind.
const SMALL_READ: usize = 4 << 10;

/// What a visit has led to.
pub(super) enum Visit {
    /// There may be a request to go on with.
    Serve(Slot),
    /// It cannot be read before there is room to keep what it sends.
    WaitForRoom,
    Done,
}

/// Visits those who are queued until the batch is full.
pub(super) fn gather<S: Socket, U>(
    batch: &mut Vec<Slot>,
    roster: &mut Roster<S, U>,
    turn: &mut Turn<'_>,
) {
    // No peer is visited twice: one that lingers is queued again by its visit.
    for _ in 0..roster.queued() {
        if batch.len() == turn.config.batch || turn.budget == 0 {
            return;
        }
        let Some(key) = roster.pop() else { return };
        turn.spend(VISIT_COST);
        let is_alone = batch.is_empty() && roster.queued() == 0;
        match turn.visit(key, &mut roster[key], is_alone) {
            Visit::Serve(slot) => batch.push(slot),
            Visit::WaitForRoom => roster.wait_for_room(key),
            Visit::Done => roster.file(key, &turn.bounds),
        }
    }
}

impl Turn<'_> {
    /// Does what needs no handler, and gives the peer a place in the batch if it may have a
    /// request to go on with.
    fn visit<S: Socket, U>(&mut self, key: Key, peer: &mut Peer<S, U>, is_alone: bool) -> Visit {
        let mut errand = peer.errand(&self.bounds);
        if errand == Some(Errand::Flush) {
            self.flush(peer, &mut Vec::new());
            errand = peer.errand(&self.bounds);
        }
        match errand {
            Some(Errand::Read) => return self.read(key, peer, is_alone),
            Some(Errand::GoOn) => return Visit::Serve(self.slot_of_unread(key, peer)),
            Some(Errand::FinishWriting) => self.finish_writing(peer),
            Some(Errand::Linger) => self.linger(peer),
            Some(Errand::BreakOff) => peer.break_off(Abort::Reset),
            Some(Errand::Flush) => unreachable!("a link that was flushed takes no more"),
            None => {}
        }
        Visit::Done
    }

    /// A place for a peer with what was kept for it, which may be nothing.
    fn slot_of_unread<S: Socket, U>(&mut self, key: Key, peer: &mut Peer<S, U>) -> Slot {
        let (buf, lease) = match peer.unread.take() {
            Some(kept) => (kept.buf, kept.lease),
            None => (Buf::with_capacity(0), Lease::nothing()),
        };
        Slot::new(key, buf, lease, self.room.take_output(), Progress::Runs)
    }

    /// Reads once, if there is room for what that may leave behind.
    pub(super) fn read<S: Socket, U>(
        &mut self,
        key: Key,
        peer: &mut Peer<S, U>,
        is_alone: bool,
    ) -> Visit {
        let Some((mut buf, lease, most)) = self.buffer_to_read(key, peer, is_alone) else {
            if !peer.link.is_broken() {
                return Visit::WaitForRoom;
            }
            peer.break_off(Abort::Reset);
            return Visit::Done;
        };
        let before = buf.len();
        let credit = peer.stage.record().map_or(u64::MAX, Record::credit);
        let most = most.min(usize::try_from(credit).unwrap_or(usize::MAX));
        let got = self.read_from(peer, &mut buf, most);
        let bytes = buf.len() - before;
        match peer.connection.awaits() {
            _ if bytes == 0 => {}
            Awaits::Body => peer.clock.advance_content(self.now, bytes as u64),
            _ => peer.clock.advance(self.now, bytes as u64),
        }
        self.spend(bytes);
        self.stats.bytes_read += bytes as u64;
        let out = self.room.take_output();
        match got {
            Got::Input => return Visit::Serve(Slot::new(key, buf, lease, out, Progress::Runs)),
            Got::Nothing if self.bounds.is_draining && peer.is_between_requests() => peer.close(),
            Got::Nothing => {}
            Got::Broken => peer.break_off(Abort::Reset),
        }
        self.scatter(peer, Slot::new(key, buf, lease, out, Progress::WantsInput));
        Visit::Done
    }

    /// A buffer to read into, a lease for what may be left in it, and the most to be read: behind
    /// what is kept of an unfinished section, else a pooled buffer. `None` if there is no room.
    fn buffer_to_read<S: Socket, U>(
        &mut self,
        key: Key,
        peer: &mut Peer<S, U>,
        is_alone: bool,
    ) -> Option<(Buf, Lease, usize)> {
        if let Unread::Partial(kept) = &mut peer.unread
            && !self.room.extend(kept, key, peer.link.filled_last_read())
        {
            return None;
        }
        match peer.unread.take() {
            Some(kept) => Some((kept.buf, kept.lease, usize::MAX)),
            None => self.empty_buffer(key, &peer.connection, is_alone),
        }
    }

    /// Likewise, if nothing is kept.
    fn empty_buffer(
        &mut self,
        key: Key,
        connection: &Connection,
        is_alone: bool,
    ) -> Option<(Buf, Lease, usize)> {
        let Config { buffer, lone_buffer, .. } = *self.config;
        let in_body = connection.awaits() == Awaits::Body;
        if in_body
            && is_alone
            && let Some(lease) = self.room.lease(lone_buffer)
        {
            return Some((self.room.take_lone_buffer(), lease, usize::MAX));
        }
        // If the handler keeps some of it, that is a copy, and fits into the lease.
        let small = SMALL_READ.min(buffer / 2);
        let certain = usize::try_from(connection.certain_content()).unwrap_or(usize::MAX);
        let (lease, most) = if let Some(lease) = self.room.lease(buffer) {
            (lease, usize::MAX)
        } else if certain > 0 && !self.may_leave_content {
            // Nothing of it is left behind.
            (Lease::nothing(), certain)
        } else if in_body && let Some(lease) = self.room.lease(small) {
            (lease, small)
        } else {
            (self.room.lend_reserve(key, buffer)?, usize::MAX)
        };
        Some((self.room.take_buffer(), lease, most))
    }
}
