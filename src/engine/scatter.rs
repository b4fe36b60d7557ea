//! The end of a batch: what was answered is written, and what could not be used is kept.

use std::mem;

use super::batch::Slot;
use super::peer::Life;
use super::{Engine, Key, Socket};
use crate::buf::Buf;
use crate::handler::{Abort, Handler};

/// An output vector that was needed for more is not kept for the next peer.
const MOST_SPARE_OUTPUT: usize = 64 << 10;

/// A box of this size is kept however little is left in it: it is what a head grows by.
const SMALL_BOX: usize = 1 << 10;

impl<S: Socket, U> Engine<S, U> {
    /// Writes what was answered, keeps what could not be used, gives back the rest.
    pub(super) fn scatter<H: Handler<Upload = U>>(&mut self, mut slot: Slot, handler: &mut H) {
        let Slot { key, reserved, served, .. } = slot;
        if !slot.out.is_empty() {
            self.flush(key, &mut slot.out, handler);
        }
        if slot.out.capacity() <= MOST_SPARE_OUTPUT {
            slot.out.clear();
            self.outs.push(slot.out);
        }
        self.held.release(reserved);
        if let Some(buf) = slot.buf {
            self.keep(key, buf);
        }
        let Some(peer) = self.peers.get_mut(key) else { return };
        if peer.kept.is_none() || served && self.held.is_last_free() {
            self.held.let_go(key);
        }
        if peer.life == Life::Closing && peer.link.pending() == 0 {
            self.finish_writing(key);
        }
        self.enqueue(key);
    }

    /// Keeps what is left in a peer's buffer, if it is still of use, in a box of its
    /// own size; a pooled buffer goes back to the pool.
    fn keep(&mut self, key: Key, mut buf: Buf) {
        let Some(peer) = self.peers.get_mut(key).filter(|peer| peer.life == Life::Open) else {
            self.buffers.put(buf);
            return;
        };
        let rest = peer
            .rest
            .as_ref()
            .map_or(0..0, |rest| rest.range.start as usize..rest.range.end as usize);
        if buf.is_empty() && rest.is_empty() {
            self.buffers.put(buf);
            return;
        }
        // A large head is not to be paid for by all the small ones behind it: who always
        // sends some of the next would hold the room for ever.
        let is_roomy = buf.capacity() > SMALL_BOX.max(4 * buf.len());
        if buf.is_lent() || is_roomy || !rest.is_empty() {
            let mut own = Buf::with_capacity(rest.len() + buf.len());
            own.append(buf.range(rest.clone()));
            own.append(buf.unread());
            own.advance(rest.len());
            if let Some(kept) = &mut peer.rest {
                kept.range = 0..rest.len() as u32;
            }
            self.buffers.put(mem::replace(&mut buf, own));
        }
        self.held.add(buf.capacity());
        peer.kept = Some(Box::new(buf));
    }

    pub(super) fn flush<H: Handler<Upload = U>>(
        &mut self,
        key: Key,
        out: &mut Vec<u8>,
        handler: &mut H,
    ) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        let nothing_waited = peer.link.pending() == 0;
        match peer.link.write(out) {
            Ok(written) => {
                self.stats.bytes_written += written as u64;
                if written > 0 || nothing_waited {
                    peer.clock.write(self.now);
                }
            }
            Err(_) => self.abort(key, Abort::Reset, handler),
        }
    }
}
