//! The middle of a batch: wave after wave, each peer's next content goes to the handler,
//! all of them together, until their buffers are empty or something blocks them.

use std::mem;
use std::ops::Range;
use std::sync::Arc;

use super::exchange::{Exchange, Named, Record, Rest};
use super::peer::{Peer, Pending, Stage, Unanswered};
use super::roster::Roster;
use super::slot::{Progress, Slot};
use super::turn::Turn;
use crate::handler::{Finished, Handler, Piece, Reply, Request, Terms, Verdict};
use crate::link::Socket;
use crate::proto::{self, Awaits, End, Event, Head};

/// What a request costs a turn, in bytes of content that would take as long.
const REQUEST_COST: usize = 1 << 10;

/// Goes on with all peers of a batch for as long as there is something to go on with.
pub(super) fn run_waves<S: Socket, H: Handler>(
    batch: &mut [Slot],
    pieces: &mut Vec<Piece<H::Upload>>,
    roster: &mut Roster<S, H::Upload>,
    turn: &mut Turn<'_>,
    handler: &mut H,
) {
    loop {
        for (place, slot) in batch.iter_mut().enumerate() {
            let peer = &mut roster[slot.key];
            let range = turn.advance(peer, slot, handler);
            pieces.extend(range.map(|range| turn.lend(peer, slot, place, range)));
        }
        if pieces.is_empty() {
            return;
        }
        turn.stats.waves += 1;
        turn.stats.pieces += pieces.len() as u64;
        handler.consume(pieces);
        for piece in pieces.drain(..) {
            let slot = &mut batch[piece.slot];
            turn.settle(&mut roster[slot.key], slot, piece, handler);
        }
    }
}

impl Turn<'_> {
    /// Makes a piece of a peer's content. Its buffer and its upload go along.
    fn lend<S, U>(
        &self,
        peer: &mut Peer<S, U>,
        slot: &mut Slot,
        place: usize,
        range: Range<usize>,
    ) -> Piece<U> {
        let Stage::Receiving(exchange) = mem::replace(&mut peer.stage, Stage::AwaitingHead) else {
            unreachable!("content comes while it is received")
        };
        let Some(buf) = slot.buf.take() else { unreachable!("the content lies in it") };
        let Exchange { record, upload } = exchange;
        let id = record.id;
        let credit = usize::try_from(record.credit()).unwrap_or(usize::MAX);
        let taken = range.len().min(credit);
        let held_back = range.len() - taken;
        peer.stage = Stage::Lent(record);
        let last = held_back == 0 && peer.connection.awaits() == Awaits::Response;
        let account = self.may_leave_content.then(|| Arc::clone(self.room.account()));
        Piece {
            id,
            slot: place,
            upload,
            buf,
            range: range.start..range.start + taken,
            held_back,
            taken,
            kept: 0,
            may_move: !slot.is_kept_from,
            last,
            account,
            credit: None,
            answer: None,
        }
    }

    /// Goes on with a peer until it has content for the handler, of which this is the range
    /// in its buffer, or can do nothing more.
    fn advance<S: Socket, H: Handler>(
        &mut self,
        peer: &mut Peer<S, H::Upload>,
        slot: &mut Slot,
        handler: &mut H,
    ) -> Option<Range<usize>> {
        while slot.progress == Progress::Runs {
            let waits = peer.link.unsent() + slot.out.len();
            if !slot.out.is_empty() && waits > self.config.max_output {
                self.flush(peer, &mut slot.out);
            }
            if self.must_stop(peer, slot) {
                slot.progress = Progress::Stopped;
                return None;
            }
            let content = match peer.pending.take() {
                Some(pending) => self.settle_pending(*pending, peer, slot, handler),
                None => self.receive(peer, slot, handler),
            };
            if content.is_some() {
                return content;
            }
        }
        None
    }

    /// True if the peer cannot, or may not, be gone on with for now.
    fn must_stop<S: Socket, U>(&self, peer: &Peer<S, U>, slot: &Slot) -> bool {
        if !peer.stage.is_open() {
            return true;
        }
        if peer.pending.is_some() {
            return false;
        }
        // Between two requests a peer may be left for the next turn: when this one is spent,
        // but not before one request of the peer was served; or while it does not take its
        // answers.
        let may_stop = peer.connection.awaits() == Awaits::Idle && !slot.unread().is_empty();
        let is_spent = self.budget == 0 && slot.has_begun;
        may_stop && (is_spent || peer.is_full(&self.bounds)) || peer.stage.awaits_handler()
    }

    /// Does what was decided before this visit.
    fn settle_pending<S: Socket, H: Handler>(
        &mut self,
        pending: Pending,
        peer: &mut Peer<S, H::Upload>,
        slot: &mut Slot,
        handler: &mut H,
    ) -> Option<Range<usize>> {
        match pending {
            Pending::Answer(response) => self.answer(&response, peer, slot, handler),
            Pending::Refuse(refusal) => self.refuse(refusal, peer, slot, handler),
            Pending::Resume => match mem::replace(&mut peer.stage, Stage::AwaitingHead) {
                Stage::Deciding(exchange) => self.take(exchange, peer, slot),
                Stage::Paused(exchange, rest) => {
                    peer.stage = Stage::Receiving(exchange);
                    // There is none if only the credit was used up.
                    return Some(rest.range()).filter(|range| !range.is_empty());
                }
                _ => unreachable!("what is resumed has waited until now"),
            },
        }
        None
    }

    /// Looks at the bytes that were read.
    fn receive<S: Socket, H: Handler>(
        &mut self,
        peer: &mut Peer<S, H::Upload>,
        slot: &mut Slot,
        handler: &mut H,
    ) -> Option<Range<usize>> {
        let Some(buf) = &mut slot.buf else { unreachable!("no piece is out") };
        let start = buf.start();
        match peer.connection.receive(buf.unread_mut()) {
            Err(reject) => self.refuse(reject.into(), peer, slot, handler),
            Ok(proto::Step { used, event: Event::HeadBegun }) => {
                buf.advance(used);
                // The first head is timed from the connection on: its first byte buys no time.
                if peer.connection.requests() > 0 {
                    peer.clock.restart(self.now);
                }
                self.want_input(peer, slot, handler);
            }
            Ok(proto::Step { used, event: Event::Wait }) => {
                buf.advance(used);
                self.want_input(peer, slot, handler);
            }
            Ok(proto::Step { used, event: Event::Head(head) }) => {
                let id = self.ids.next(slot.key);
                let named = Named::new(head.method(), head.target(), self.config.kept_target);
                let record = Record { id, begun: self.now, received: 0, named, terms: None };
                peer.connection.set_body_limit(self.config.limits.body);
                let verdict = begin(&record, peer, &head, handler);
                buf.advance(used);
                self.begun(record, verdict, peer, slot, handler);
            }
            // Whether it was the last is asked again when the rest of it is offered: see `lend`.
            Ok(proto::Step { used, event: Event::Body { data, .. } }) => {
                buf.advance(used);
                return Some(start + data.start..start + data.end);
            }
        }
        None
    }

    /// The connection needs more input than there is.
    fn want_input<S: Socket, H: Handler>(
        &mut self,
        peer: &mut Peer<S, H::Upload>,
        slot: &mut Slot,
        handler: &mut H,
    ) {
        slot.progress = Progress::WantsInput;
        if !peer.link.is_at_end() {
            return;
        }
        match peer.connection.ended() {
            End::Truncated(reject) => self.refuse(reject.into(), peer, slot, handler),
            End::Clean => peer.stage = Stage::Closing,
        }
    }

    /// The handler has seen the head of a request.
    fn begun<S: Socket, H: Handler>(
        &mut self,
        record: Record,
        verdict: Verdict<H::Upload>,
        peer: &mut Peer<S, H::Upload>,
        slot: &mut Slot,
        handler: &mut H,
    ) {
        slot.has_begun = true;
        self.stats.requests += 1;
        self.spend(REQUEST_COST);
        match verdict {
            Verdict::Take(upload) => self.take(Exchange { record, upload }, peer, slot),
            Verdict::TakeOn(upload, terms) => {
                let record = self.set_terms(record, terms, peer);
                self.take(Exchange { record, upload }, peer, slot);
            }
            Verdict::Wait(upload) => self.wait(Stage::Deciding(Exchange { record, upload }), peer),
            Verdict::WaitOn(upload, terms) => {
                let record = self.set_terms(record, terms, peer);
                self.wait(Stage::Deciding(Exchange { record, upload }), peer);
            }
            Verdict::Answer(response) => {
                let request = Unanswered { record, upload: None };
                self.end(request, &response, peer, slot, handler);
            }
        }
    }

    /// The request goes on by what the handler has set for it.
    fn set_terms<S, U>(&self, record: Record, terms: Terms, peer: &mut Peer<S, U>) -> Record {
        peer.connection.set_body_limit(terms.body_limit_or(self.config.limits.body));
        Record { terms: Some(terms), ..record }
    }

    /// Reads the content from now on, and asks for it at once if the client waits.
    fn take<S: Socket, U>(
        &mut self,
        exchange: Exchange<U>,
        peer: &mut Peer<S, U>,
        slot: &mut Slot,
    ) {
        let before = slot.out.len();
        peer.connection.accept(&mut slot.out);
        peer.stage = Stage::Receiving(exchange);
        peer.clock.restart(self.now);
        // Content that came along with the head counts for its rate.
        peer.clock.advance(self.now, slot.unread().len() as u64);
        if slot.out.len() > before {
            self.flush(peer, &mut slot.out);
        }
    }

    /// Takes back what the handler was lent. Ends the request if the handler has answered it,
    /// and finishes the message if the piece was the last of it.
    fn settle<S: Socket, H: Handler>(
        &mut self,
        peer: &mut Peer<S, H::Upload>,
        slot: &mut Slot,
        piece: Piece<H::Upload>,
        handler: &mut H,
    ) {
        let Piece { upload, buf, range, held_back, taken, kept, last, credit, answer, .. } = piece;
        slot.buf = Some(buf);
        slot.is_kept_from |= kept > 0;
        let Stage::Lent(mut record) = mem::replace(&mut peer.stage, Stage::AwaitingHead) else {
            unreachable!("a piece comes back to the peer whose content it is")
        };
        record.take((taken + kept) as u64, credit);
        let was_left = taken < range.len();
        let rest = Rest::new(range.start + taken..range.end + held_back);
        if let Some(response) = answer {
            let request = Unanswered { record, upload: Some(upload) };
            self.end(request, &response, peer, slot, handler);
        } else if last && !was_left {
            self.finish(record, upload, peer, slot, handler);
        } else if was_left || record.credit() == 0 {
            peer.stage = Stage::Paused(Exchange { record, upload }, rest);
            slot.progress = Progress::Stopped;
        } else if held_back > 0 {
            // It has got a new credit for what the former did not cover.
            peer.stage = Stage::Paused(Exchange { record, upload }, rest);
            peer.pending = Some(Box::new(Pending::Resume));
        } else {
            peer.stage = Stage::Receiving(Exchange { record, upload });
        }
    }

    /// The handler has taken all of a message.
    fn finish<S: Socket, H: Handler>(
        &mut self,
        record: Record,
        mut upload: H::Upload,
        peer: &mut Peer<S, H::Upload>,
        slot: &mut Slot,
        handler: &mut H,
    ) {
        let (id, received) = (record.id, record.received);
        let message = Finished { id, received, trailers: peer.connection.trailers() };
        if let Some(response) = handler.verify(&message, &mut upload) {
            self.stats.faults += 1;
            let request = Unanswered { record, upload: Some(upload) };
            return self.end(request, &response, peer, slot, handler);
        }
        match handler.finish(message, upload) {
            Reply::Now(response) => {
                let request = Unanswered { record, upload: None };
                self.end(request, &response, peer, slot, handler);
            }
            Reply::Later => self.wait(Stage::Answering(record), peer),
            Reply::LaterWithin(limit) => {
                let terms = Some(record.terms.unwrap_or_default().late(limit));
                self.wait(Stage::Answering(Record { terms, ..record }), peer);
            }
        }
    }

    /// Nothing goes on before the handler says so.
    fn wait<S, U>(&self, stage: Stage<U>, peer: &mut Peer<S, U>) {
        peer.stage = stage;
        peer.clock.restart(self.now);
    }
}

/// Asks the handler what to do with a request.
fn begin<S, H: Handler>(
    record: &Record,
    peer: &Peer<S, H::Upload>,
    head: &Head<'_>,
    handler: &mut H,
) -> Verdict<H::Upload> {
    let exceeds_body_limit = peer.connection.exceeds_body_limit();
    handler.begin(Request { id: record.id, origin: peer.origin, head: *head, exceeds_body_limit })
}
