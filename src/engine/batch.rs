//! What a turn does with one batch of ready peers: [gather](super::gather) their bytes,
//! hand their content to the handler [wave](super::wave) by wave, settle the
//! [answers](super::answer), and [put everything back](super::scatter).

use std::mem;

use super::{Engine, Key, Socket};
use crate::buf::Buf;
use crate::handler::Handler;

/// A peer's place in a batch.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) key: Key,
    /// None while it is out with a piece.
    pub(super) buf: Option<Buf>,
    pub(super) out: Vec<u8>,
    /// Bytes set aside in the account of what is held.
    pub(super) reserved: usize,
    /// Whether a request was begun for it in this batch.
    pub(super) served: bool,
    /// Whether nothing more can be done for it in this batch.
    pub(super) done: bool,
}

impl<S: Socket, U> Engine<S, U> {
    /// Serves up to [`Config::batch`](super::Config::batch) peers from the ready queue, and
    /// says how many there were with something to serve.
    pub(super) fn serve_batch<H: Handler<Upload = U>>(&mut self, handler: &mut H) -> usize {
        let mut batch = mem::take(&mut self.batch);
        self.gather(&mut batch, handler);
        let served = batch.len();
        self.run_waves(&mut batch, handler);
        for slot in batch.drain(..) {
            self.scatter(slot, handler);
        }
        self.batch = batch;
        served
    }

    /// Takes from what is left of this turn's bytes.
    pub(super) fn spend(&mut self, bytes: usize) {
        self.budget = self.budget.saturating_sub(bytes);
    }
}
