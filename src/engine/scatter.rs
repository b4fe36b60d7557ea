//! The end of a batch: what was answered is written, and what could not be used is kept.

use std::mem;

use super::peer::{Errand, Peer, Stage, Unread};
use super::room::Kept;
use super::slot::{Progress, Slot};
use super::turn::Turn;
use crate::link::Socket;

/// A buffer of this size is kept however little is left in it: a new one would cost more than
/// it saves.
const SMALL: usize = 1 << 10;

impl Turn<'_> {
    /// Writes what was answered, keeps what could not be used, gives back the rest.
    pub(super) fn scatter<S: Socket, U>(&mut self, peer: &mut Peer<S, U>, mut slot: Slot) {
        if !slot.out.is_empty() {
            self.flush(peer, &mut slot.out);
        }
        self.room.put_output(mem::take(&mut slot.out));
        let (key, has_begun) = (slot.key, slot.has_begun);
        self.keep(peer, slot);
        let has_come_far = has_begun || peer.stage.awaits_handler();
        if peer.unread.is_nothing() || has_come_far && self.room.is_reserve_unused() {
            self.room.return_reserve(key);
        }
        if peer.errand(&self.bounds) == Some(Errand::FinishWriting) {
            self.finish_writing(peer);
        }
    }

    /// Keeps what is left in a peer's buffer, if it is still of use, in a buffer that is as
    /// large as what is left; a pooled buffer goes back to the pool.
    fn keep<S: Socket, U>(&mut self, peer: &mut Peer<S, U>, slot: Slot) {
        let Slot { buf: Some(mut buf), mut lease, progress, is_kept_from, .. } = slot else {
            unreachable!("all pieces have come back")
        };
        let rest = match &peer.stage {
            Stage::Paused(_, rest) => rest.range(),
            _ => 0..0,
        };
        if !peer.stage.is_open() || buf.is_empty() && rest.is_empty() {
            self.room.put_buffer(buf);
            self.room.give_back(lease);
            return;
        }
        // A peer that always sends a part of the next request would hold the room of its
        // largest head for ever. What the handler keeps was in the buffer, and so in its lease.
        let is_roomy = is_kept_from || buf.capacity() > SMALL.max(4 * buf.len());
        if buf.is_lent() || is_roomy || !rest.is_empty() {
            let own = buf.copy_of(rest);
            if let Stage::Paused(_, rest) = &mut peer.stage {
                rest.move_to_front();
            }
            self.room.put_buffer(mem::replace(&mut buf, own));
        }
        self.room.resize(&mut lease, buf.capacity());
        let kept = Box::new(Kept { buf, lease });
        peer.unread = match progress {
            Progress::WantsInput => Unread::Partial(kept),
            Progress::Runs | Progress::Stopped => Unread::Whole(kept),
        };
    }
}
