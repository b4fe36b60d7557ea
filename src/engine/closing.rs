//! The end of a connection: so that the last answer is not lost in a reset, writing is shut
//! down first, and what still comes is read for a while (RFC 9112 §9.6).

use super::peer::Life;
use super::{Engine, Key, Socket};
use crate::link::Got;

impl<S: Socket, U> Engine<S, U> {
    /// Everything is written: tells the peer so, and waits for its end unless that has
    /// come.
    pub(super) fn finish_writing(&mut self, key: Key) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        let finished = peer.link.finish_writing().is_ok();
        if peer.link.is_at_end() || !finished {
            self.close(key);
            return;
        }
        peer.life = Life::Lingering;
        peer.clock.restart(self.now);
        self.enqueue(key);
    }

    /// Reads and throws away.
    pub(super) fn linger(&mut self, key: Key) {
        let mut buf = self.buffers.take();
        if let Some(peer) = self.peers.get_mut(key) {
            let got = peer.link.read(&mut buf, usize::MAX);
            let bytes = buf.len();
            if bytes > 0 {
                peer.clock.linger(self.now, bytes as u64, &self.config.timeouts);
            }
            let is_over = peer.link.is_at_end() || got == Got::Broken;
            self.spend(bytes);
            self.stats.bytes_read += bytes as u64;
            if is_over {
                self.close(key);
            } else {
                self.enqueue(key);
            }
        }
        self.buffers.put(buf);
    }
}
