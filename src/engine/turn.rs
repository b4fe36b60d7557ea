//! What a step for one peer may use of the engine.

use super::config::Config;
use super::ids::Ids;
use super::peer::{Bounds, Peer};
use super::room::Room;
use super::stats::Stats;
use super::time::Moment;
use crate::buf::Buf;
use crate::handler::Abort;
use crate::link::{Got, Socket};
use crate::proto::Date;

/// The engine but for its peers, for the length of a turn.
pub(super) struct Turn<'e> {
    pub(super) now: Moment,
    pub(super) date: &'e Date,
    pub(super) config: &'e Config,
    pub(super) bounds: Bounds,
    pub(super) stats: &'e mut Stats,
    pub(super) room: &'e mut Room,
    pub(super) ids: &'e mut Ids,
    /// True if content that is read may have to be kept, as the handler leaves some. False
    /// where there is no handler: then only idle peers are read, who send no content.
    pub(super) may_leave_content: bool,
    /// What is left of the bytes that the turn may read.
    pub(super) budget: usize,
}

impl Turn<'_> {
    /// Takes from what is left of this turn's bytes.
    pub(super) fn spend(&mut self, bytes: usize) {
        self.budget = self.budget.saturating_sub(bytes);
    }

    /// Reads from a peer at most `most` bytes. Its socket may have output of its own to write for
    /// that, and the peer has time to take it from now on.
    pub(super) fn read_from<S: Socket, U>(
        &self,
        peer: &mut Peer<S, U>,
        buf: &mut Buf,
        most: usize,
    ) -> Got {
        let nothing_waited = !peer.link.has_output();
        let got = peer.link.read(buf, most);
        if nothing_waited && peer.link.has_output() {
            peer.clock.write(self.now);
        }
        got
    }

    /// Writes what waits for a peer and then `out`, as far as it takes them; the rest of `out`
    /// waits. `out` is left empty.
    pub(super) fn flush<S: Socket, U>(&mut self, peer: &mut Peer<S, U>, out: &mut Vec<u8>) {
        let nothing_waited = !peer.link.has_output();
        match peer.link.write(out) {
            Ok(written) => {
                self.stats.bytes_written += written.bytes as u64;
                if written.bytes > 0 || written.transmitted > 0 || nothing_waited {
                    peer.clock.write(self.now);
                }
            }
            Err(_) => {
                out.clear();
                peer.break_off(Abort::Reset);
            }
        }
    }
}
