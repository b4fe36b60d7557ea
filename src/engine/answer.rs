//! Answers and refusals, and the report of each.

use super::batch::Slot;
use super::exchange::{Named, Record};
use super::peer::{Life, Refusal, Wish};
use super::{Engine, Moment, Socket};
use crate::buf::Buf;
use crate::handler::{Handler, Outcome, Report};
use crate::proto::{self, After, Response};

impl<S: Socket, U> Engine<S, U> {
    pub(super) fn fulfil<H: Handler<Upload = U>>(
        &mut self,
        wish: Wish,
        slot: &mut Slot,
        handler: &mut H,
    ) {
        match wish {
            Wish::Answer(response) => self.answer_now(&response, slot, handler),
            Wish::Refuse(refusal) => self.refuse(refusal, slot, handler),
        }
    }

    pub(super) fn answer_now<H: Handler<Upload = U>>(
        &mut self,
        response: &Response,
        slot: &mut Slot,
        handler: &mut H,
    ) {
        self.stats.answers += 1;
        self.respond(response, None, slot, handler);
    }

    pub(super) fn refuse<H: Handler<Upload = U>>(
        &mut self,
        refusal: Refusal,
        slot: &mut Slot,
        handler: &mut H,
    ) {
        self.stats.count_refusal(refusal.reject);
        self.respond(&refusal.reject.response(), Some(refusal), slot, handler);
    }

    /// Hands an answer to the connection and reports the end of the request.
    fn respond<H: Handler<Upload = U>>(
        &mut self,
        response: &Response,
        refusal: Option<Refusal>,
        slot: &mut Slot,
        handler: &mut H,
    ) {
        let Some(peer) = self.peers.get_mut(slot.key) else { return };
        let unread = slot.buf.as_ref().map_or(&[][..], Buf::unread);
        if peer.link.is_at_end() && unread.is_empty() {
            peer.connection.retire();
        }
        let after = match refusal {
            Some(Refusal { reject, .. }) => {
                peer.connection.reject(reject, &self.date, &mut slot.out)
            }
            None => peer.connection.respond(response, &self.date, &mut slot.out),
        };
        let upload = peer.upload.take();
        let record = peer
            .request
            .take()
            .unwrap_or_else(|| headless(unread, self.now, self.config.kept_target));
        let outcome =
            refusal.map_or(Outcome::Answered(after), |refusal| Outcome::Refused(refusal.reject));
        let report = Report {
            too_slow: refusal.and_then(|refusal| refusal.too_slow),
            ..record.report(peer.addr, self.now, Some(response), outcome)
        };
        handler.ended(&report, upload);
        peer.rest = None;
        peer.resumed = false;
        peer.clock.restart(self.now);
        if matches!(after, After::Close(_)) {
            peer.life = Life::Closing;
            slot.done = true;
        }
    }
}

/// The record of a request that was refused within its head.
fn headless(input: &[u8], now: Moment, kept_target: usize) -> Record {
    let named = match proto::request_line(input) {
        Some((method, target)) => Named::new(method, target, kept_target),
        None => Named::default(),
    };
    Record { id: None, begun: now, received: 0, named }
}
