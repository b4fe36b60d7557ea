//! What a turn does with one batch of ready peers: [gather](super::gather) their bytes,
//! hand their content to the handler [wave](super::wave) by wave, settle the
//! [answers](super::answer), and [put everything back](super::scatter).

use super::gather::gather;
use super::roster::Roster;
use super::slot::Slot;
use super::turn::Turn;
use super::wave::run_waves;
use crate::handler::{Handler, Piece};
use crate::link::Socket;

/// The peers that are served together. Empty between batches, kept for its memory.
pub(super) struct Batch<U> {
    slots: Vec<Slot>,
    pieces: Vec<Piece<U>>,
}

impl<U> Batch<U> {
    pub(super) fn new() -> Self {
        Self { slots: Vec::new(), pieces: Vec::new() }
    }

    /// Serves at most [`Config::batch`](super::Config::batch) of those who are queued, and
    /// says how many there were with something to serve.
    pub(super) fn serve<S: Socket, H: Handler<Upload = U>>(
        &mut self,
        roster: &mut Roster<S, U>,
        turn: &mut Turn<'_>,
        handler: &mut H,
    ) -> usize {
        gather(&mut self.slots, roster, turn);
        let served = self.slots.len();
        run_waves(&mut self.slots, &mut self.pieces, roster, turn, handler);
        for slot in self.slots.drain(..) {
            let key = slot.key;
            turn.scatter(&mut roster[key], slot);
            roster.file(key, &turn.bounds);
        }
        served
    }
}
