//! The end of a connection: so that the last answer is not lost in a reset, writing is shut
//! down first, and what still comes is read for a while (RFC 9112 §9.6).

use super::peer::{Peer, Stage};
use super::turn::Turn;
use crate::link::{Got, Socket};

impl Turn<'_> {
    /// Everything is written: tells the peer so, and waits for its end unless that has
    /// come.
    pub(super) fn finish_writing<S: Socket, U>(&mut self, peer: &mut Peer<S, U>) {
        match peer.link.finish_writing() {
            Ok(false) => {}
            Ok(true) if !peer.link.is_at_end() => {
                peer.stage = Stage::Lingering { read: 0 };
                peer.clock.restart(self.now);
            }
            Ok(true) | Err(_) => peer.close(),
        }
    }

    /// Reads and throws away.
    pub(super) fn linger<S: Socket, U>(&mut self, peer: &mut Peer<S, U>) {
        let mut buf = self.room.take_buffer();
        let got = self.read_from(peer, &mut buf, usize::MAX);
        let bytes = buf.len();
        self.room.put_buffer(buf);
        self.spend(bytes);
        self.stats.bytes_read += bytes as u64;
        if bytes > 0 {
            peer.clock.advance(self.now, bytes as u64);
        }
        if let Stage::Lingering { read } = &mut peer.stage {
            *read = read.saturating_add(bytes as u64);
        }
        if peer.link.is_at_end() || got == Got::Broken {
            peer.close();
        }
    }
}
