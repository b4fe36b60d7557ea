//! The middle of a batch: wave after wave, each peer's next content goes to the handler,
//! all of them together, until their buffers are empty or something blocks them.

use std::mem;
use std::ops::Range;

use super::batch::Slot;
use super::exchange::{Named, Record, Rest, Upload};
use super::peer::{Life, Peer};
use super::{Config, Engine, Moment, Socket};
use crate::buf::Buf;
use crate::handler::{Finished, Handler, Piece, Reply, Request, UploadId, Verdict};
use crate::proto::{self, Awaits, End, Event, Head};

/// What a request costs a turn, in bytes of content that would take as long.
const REQUEST_COST: usize = 1 << 10;

/// How a peer's next step ended.
enum Step<U> {
    Piece(Piece<U>),
    /// Something was settled; there may be more.
    Again,
    Done,
}

impl<S: Socket, U> Engine<S, U> {
    pub(super) fn run_waves<H: Handler<Upload = U>>(
        &mut self,
        batch: &mut [Slot],
        handler: &mut H,
    ) {
        let mut pieces = mem::take(&mut self.pieces);
        loop {
            for (place, slot) in batch.iter_mut().enumerate() {
                pieces.extend(self.advance(slot, place, handler));
            }
            if pieces.is_empty() {
                break;
            }
            self.stats.batches += 1;
            self.stats.pieces += pieces.len() as u64;
            handler.consume(&mut pieces);
            for piece in pieces.drain(..) {
                if let Some(slot) = batch.get_mut(piece.slot) {
                    self.settle(piece, slot, handler);
                }
            }
        }
        self.pieces = pieces;
    }

    /// Goes on with a peer until it has content for the handler, or can do nothing more.
    fn advance<H: Handler<Upload = U>>(
        &mut self,
        slot: &mut Slot,
        place: usize,
        handler: &mut H,
    ) -> Option<Piece<U>> {
        while !slot.done {
            match self.step(slot, place, handler) {
                Step::Piece(piece) => return Some(piece),
                Step::Again => {}
                Step::Done => slot.done = true,
            }
        }
        None
    }

    fn step<H: Handler<Upload = U>>(
        &mut self,
        slot: &mut Slot,
        place: usize,
        handler: &mut H,
    ) -> Step<U> {
        let pending = self.peers.get(slot.key).map_or(0, |peer| peer.link.pending());
        if !slot.out.is_empty() && pending + slot.out.len() > self.config.max_output {
            self.flush(slot.key, &mut slot.out, handler);
        }
        let Some(peer) = self.peers.get_mut(slot.key) else { return Step::Done };
        if peer.life != Life::Open {
            return Step::Done;
        }
        if let Some(wish) = peer.wish.take() {
            self.fulfil(*wish, slot, handler);
            return Step::Again;
        }
        let Some(buf) = &mut slot.buf else { return Step::Done };
        // Between requests a turn may end, after one at least of each who is served; and
        // a peer that does not read its answers may be left alone.
        let may_stop = peer.connection.awaits() == Awaits::Idle && !buf.is_empty();
        let is_full = peer.is_full(self.config.max_output);
        let is_spent = self.budget == 0 && slot.served;
        if may_stop && (is_full || is_spent) || peer.awaits_handler() {
            return Step::Done;
        }
        if peer.resumed {
            return self.resume_now(slot, place, handler);
        }
        let start = buf.start();
        match peer.connection.receive(buf.unread_mut()) {
            Err(reject) => {
                self.refuse(reject.into(), slot, handler);
                Step::Again
            }
            Ok(proto::Step { used, event: Event::HeadBegun }) => {
                peer.clock.begin_head(self.now);
                buf.advance(used);
                self.wait(slot, handler)
            }
            Ok(proto::Step { used, event: Event::Wait }) => {
                buf.advance(used);
                self.wait(slot, handler)
            }
            Ok(proto::Step { used, event: Event::Head(head) }) => {
                // No more peers than 32 bits can count fit into memory.
                let key = slot.key as u32;
                let id = UploadId { engine: self.number, key, serial: self.next_serial };
                let verdict = begin(peer, id, &head, self.now, &self.config, handler);
                buf.advance(used);
                self.begun(verdict, slot, handler);
                Step::Again
            }
            Ok(proto::Step { used, event: Event::Body { data, last } }) => {
                buf.advance(used);
                let range = start + data.start..start + data.end;
                lend(peer, slot, place, range, last).map_or(Step::Done, Step::Piece)
            }
        }
    }

    /// The connection needs more input than there is.
    fn wait<H: Handler<Upload = U>>(&mut self, slot: &mut Slot, handler: &mut H) -> Step<U> {
        let Some(peer) = self.peers.get_mut(slot.key) else { return Step::Done };
        peer.starved = true;
        if !peer.link.is_at_end() {
            // An empty line was read; whether a request follows, a last read tells.
            if self.draining && peer.connection.awaits() == Awaits::Idle {
                peer.link.expect_input();
            }
            return Step::Done;
        }
        match peer.connection.ended() {
            End::Truncated(reject) => {
                self.refuse(reject.into(), slot, handler);
                Step::Again
            }
            End::Clean => {
                peer.life = Life::Closing;
                Step::Done
            }
        }
    }

    fn begun<H: Handler<Upload = U>>(
        &mut self,
        verdict: Verdict<U>,
        slot: &mut Slot,
        handler: &mut H,
    ) {
        slot.served = true;
        self.next_serial += 1;
        self.stats.requests += 1;
        self.spend(REQUEST_COST);
        let Some(peer) = self.peers.get_mut(slot.key) else { return };
        match verdict {
            Verdict::Take(upload) => self.take(upload, slot, handler),
            Verdict::Wait(upload) => peer.upload = Upload::Waiting(upload),
            Verdict::Answer(response) => self.answer_now(&response, slot, handler),
        }
    }

    /// Reads the content from now on, and asks for it at once if the client waits.
    fn take<H: Handler<Upload = U>>(&mut self, upload: U, slot: &mut Slot, handler: &mut H) {
        let Some(peer) = self.peers.get_mut(slot.key) else { return };
        let before = slot.out.len();
        peer.connection.accept(&mut slot.out);
        peer.upload = Upload::Taking(upload);
        peer.clock.restart(self.now);
        // Content that came along with the head counts for its rate.
        let arrived = slot.buf.as_ref().map_or(0, Buf::len);
        peer.clock.advance(self.now, arrived as u64);
        if slot.out.len() > before {
            self.flush(slot.key, &mut slot.out, handler);
        }
    }

    /// The handler has ended a wait or a pause.
    fn resume_now<H: Handler<Upload = U>>(
        &mut self,
        slot: &mut Slot,
        place: usize,
        handler: &mut H,
    ) -> Step<U> {
        let Some(peer) = self.peers.get_mut(slot.key) else { return Step::Done };
        peer.resumed = false;
        match mem::replace(&mut peer.upload, Upload::None) {
            Upload::Waiting(upload) => {
                self.take(upload, slot, handler);
                Step::Again
            }
            Upload::Paused(upload) => {
                peer.upload = Upload::Taking(upload);
                match peer.rest.take() {
                    Some(Rest { range, last }) => {
                        let range = range.start as usize..range.end as usize;
                        lend(peer, slot, place, range, last).map_or(Step::Done, Step::Piece)
                    }
                    None => Step::Again,
                }
            }
            other => {
                peer.upload = other;
                Step::Again
            }
        }
    }

    /// Takes back what the handler was lent, and finishes the message if it was the
    /// last of it.
    fn settle<H: Handler<Upload = U>>(
        &mut self,
        piece: Piece<U>,
        slot: &mut Slot,
        handler: &mut H,
    ) {
        let Piece { upload, buf, range, taken, last, .. } = piece;
        slot.buf = Some(buf);
        let Some(peer) = self.peers.get_mut(slot.key) else { return };
        let Some(record) = &mut peer.request else { return };
        record.received += taken as u64;
        let rest = range.start + taken..range.end;
        if !rest.is_empty() {
            self.takes_in_part = true;
            peer.rest = Some(Rest { range: rest.start as u32..rest.end as u32, last });
            peer.upload = Upload::Paused(upload);
            slot.done = true;
        } else if last {
            let Some(id) = record.id else { return };
            let message =
                Finished { id, received: record.received, trailers: peer.connection.trailers() };
            match handler.finish(message, upload) {
                Reply::Now(response) => self.answer_now(&response, slot, handler),
                Reply::Later => {
                    peer.upload = Upload::Late;
                    peer.clock.restart(self.now);
                    slot.done = true;
                }
            }
        } else {
            peer.upload = Upload::Taking(upload);
        }
    }
}

/// Asks the handler what to do with a request, and opens its record.
fn begin<S, H: Handler>(
    peer: &mut Peer<S, H::Upload>,
    id: UploadId,
    head: &Head<'_>,
    now: Moment,
    config: &Config,
    handler: &mut H,
) -> Verdict<H::Upload> {
    let named = Named::new(head.method(), head.target(), config.kept_target);
    peer.request = Some(Record { id: Some(id), begun: now, received: 0, named });
    peer.clock.begin_request(now);
    let exceeds_body_limit = peer.connection.exceeds_body_limit();
    handler.begin(Request { id, peer: peer.addr, head: *head, exceeds_body_limit })
}

/// Makes a piece of a peer's content. Its buffer and its upload go along.
fn lend<S, U>(
    peer: &mut Peer<S, U>,
    slot: &mut Slot,
    place: usize,
    range: Range<usize>,
    last: bool,
) -> Option<Piece<U>> {
    let id = peer.request.as_ref()?.id?;
    let upload = peer.upload.take()?;
    let buf = slot.buf.take()?;
    peer.upload = Upload::Lent;
    let taken = range.len();
    Some(Piece { id, slot: place, upload, buf, range, taken, last })
}
