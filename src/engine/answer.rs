//! Answers and refusals, and the report of each. Requests that break off are reported when the
//! turn ends: see [`Engine::turn`](super::Engine::turn).

use super::exchange::Named;
use super::peer::{Peer, Refusal, Stage, Unanswered};
use super::slot::{Progress, Slot};
use super::turn::Turn;
use crate::handler::{Handler, Outcome, Refused, Report};
use crate::link::Socket;
use crate::proto::{self, After, Reject, Response};

impl Turn<'_> {
    /// Answers the request that is under way.
    pub(super) fn answer<S: Socket, H: Handler>(
        &mut self,
        response: &Response,
        peer: &mut Peer<S, H::Upload>,
        slot: &mut Slot,
        handler: &mut H,
    ) {
        let Some(request) = peer.stage.end_request() else {
            unreachable!("the handler answers what it has seen")
        };
        self.end(request, response, peer, slot, handler);
    }

    /// Ends a request by the handler's response, and reports that.
    ///
    /// The answer has only been decided then: its bytes leave when the batch ends, or later, and
    /// nobody is told if the peer does not take them.
    pub(super) fn end<S: Socket, H: Handler>(
        &mut self,
        request: Unanswered<H::Upload>,
        response: &Response,
        peer: &mut Peer<S, H::Upload>,
        slot: &mut Slot,
        handler: &mut H,
    ) {
        let Unanswered { record, upload } = request;
        let after = self.respond(response, peer, slot);
        let outcome = Outcome::Answered(after);
        handler.ended(&record.report(peer.origin.peer, self.now, Some(response), outcome), upload);
    }

    /// Refuses the request that is under way, or the head that is read.
    pub(super) fn refuse<S: Socket, H: Handler>(
        &mut self,
        refusal: Refusal,
        peer: &mut Peer<S, H::Upload>,
        slot: &mut Slot,
        handler: &mut H,
    ) {
        let Some(request) = peer.stage.end_request() else {
            return self.refuse_head(refusal, peer, slot, handler);
        };
        let Refusal { reject, too_slow } = refusal;
        let Unanswered { record, upload } = request;
        let refused = Refused { id: record.id, reject, too_slow, upload: upload.as_ref() };
        let response = handler.refused(&refused, reject.response());
        self.reject(reject, &response, peer, slot);
        let outcome = Outcome::Refused(reject);
        let report = record.report(peer.origin.peer, self.now, Some(&response), outcome);
        handler.ended(&Report { too_slow, ..report }, upload);
    }

    /// Refuses a request that the handler has not seen.
    fn refuse_head<S: Socket, H: Handler>(
        &mut self,
        refusal: Refusal,
        peer: &mut Peer<S, H::Upload>,
        slot: &mut Slot,
        handler: &mut H,
    ) {
        let Refusal { reject, too_slow } = refusal;
        let named = match proto::request_line(slot.unread()) {
            Some((method, target)) => Named::new(method, target, self.config.kept_target),
            None => Named::default(),
        };
        let response = reject.response();
        self.reject(reject, &response, peer, slot);
        let report = Report {
            id: None,
            peer: peer.origin.peer,
            method: named.method(),
            target: named.target(),
            response: Some(&response),
            received: 0,
            duration: std::time::Duration::ZERO,
            outcome: Outcome::Refused(reject),
            too_slow,
        };
        handler.ended(&report, None);
    }

    /// Hands an answer to the connection, and goes on with the next request or closes.
    fn respond<S: Socket, U>(
        &mut self,
        response: &Response,
        peer: &mut Peer<S, U>,
        slot: &mut Slot,
    ) -> After {
        if peer.link.is_at_end() && slot.unread().is_empty() {
            peer.connection.disable_keep_alive();
        }
        self.stats.answers += 1;
        let after = peer.connection.respond(response, self.date, &mut slot.out);
        self.go_on(after, peer, slot);
        after
    }

    /// Hands a refusal to the connection, and closes.
    fn reject<S: Socket, U>(
        &mut self,
        reject: Reject,
        response: &Response,
        peer: &mut Peer<S, U>,
        slot: &mut Slot,
    ) {
        self.stats.count_refusal(reject);
        let after = peer.connection.reject(reject, response, self.date, &mut slot.out);
        self.go_on(after, peer, slot);
    }

    fn go_on<S: Socket, U>(&self, after: After, peer: &mut Peer<S, U>, slot: &mut Slot) {
        peer.clock.restart(self.now);
        (peer.stage, slot.progress) = match after {
            After::Reuse => (Stage::AwaitingHead, Progress::Runs),
            After::Close(_) => (Stage::Closing, Progress::Stopped),
        };
    }
}
