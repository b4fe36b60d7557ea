//! Answers and refusals, and the report of each. Requests that break off are reported when the
//! turn ends: see [`Engine::turn`](super::Engine::turn).

use super::exchange::Named;
use super::peer::{Peer, Refusal, Stage, Unanswered};
use super::slot::{Progress, Slot};
use super::turn::Turn;
use crate::handler::{Handler, Outcome, Report};
use crate::link::Socket;
use crate::proto::{self, After, Response};

/// What ends a request.
#[derive(Clone, Copy)]
pub(super) enum Outgoing<'r> {
    /// The handler's response.
    Answer(&'r Response),
    Refusal(Refusal),
}

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
        self.end(request, Outgoing::Answer(response), peer, slot, handler);
    }

    /// Refuses the request that is under way, or the head that is read.
    pub(super) fn refuse<S: Socket, H: Handler>(
        &mut self,
        refusal: Refusal,
        peer: &mut Peer<S, H::Upload>,
        slot: &mut Slot,
        handler: &mut H,
    ) {
        let outgoing = Outgoing::Refusal(refusal);
        match peer.stage.end_request() {
            Some(request) => self.end(request, outgoing, peer, slot, handler),
            None => self.refuse_head(refusal, peer, slot, handler),
        }
    }

    /// Ends a request by an answer or a refusal, and reports that.
    ///
    /// The answer has only been decided then: its bytes leave when the batch ends, or later, and
    /// nobody is told if the peer does not take them.
    pub(super) fn end<S: Socket, H: Handler>(
        &mut self,
        request: Unanswered<H::Upload>,
        outgoing: Outgoing<'_>,
        peer: &mut Peer<S, H::Upload>,
        slot: &mut Slot,
        handler: &mut H,
    ) {
        let Unanswered { record, upload } = request;
        let after = self.respond(outgoing, peer, slot);
        let (addr, now) = (peer.origin.peer, self.now);
        match outgoing {
            Outgoing::Answer(response) => {
                let outcome = Outcome::Answered(after);
                handler.ended(&record.report(addr, now, Some(response), outcome), upload);
            }
            Outgoing::Refusal(Refusal { reject, too_slow }) => {
                let response = reject.response();
                let outcome = Outcome::Refused(reject);
                let report = record.report(addr, now, Some(&response), outcome);
                handler.ended(&Report { too_slow, ..report }, upload);
            }
        }
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
        let _ = self.respond(Outgoing::Refusal(refusal), peer, slot);
        let report = Report {
            id: None,
            peer: peer.origin.peer,
            method: named.method(),
            target: named.target(),
            response: Some(&reject.response()),
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
        outgoing: Outgoing<'_>,
        peer: &mut Peer<S, U>,
        slot: &mut Slot,
    ) -> After {
        if peer.link.is_at_end() && slot.unread().is_empty() {
            peer.connection.disable_keep_alive();
        }
        let after = match outgoing {
            Outgoing::Answer(response) => {
                self.stats.answers += 1;
                peer.connection.respond(response, self.date, &mut slot.out)
            }
            Outgoing::Refusal(Refusal { reject, .. }) => {
                self.stats.count_refusal(reject);
                peer.connection.reject(reject, self.date, &mut slot.out)
            }
        };
        peer.clock.restart(self.now);
        (peer.stage, slot.progress) = match after {
            After::Reuse => (Stage::AwaitingHead, Progress::Runs),
            After::Close(_) => (Stage::Closing, Progress::Stopped),
        };
        after
    }
}
