//! What a turn does with one batch of ready peers: gather their bytes, hand their
//! content to the handler wave by wave, settle the answers, and put everything back.

use std::mem;

use super::peer::{Got, Life, Named, Peer, Record, Rest, Upload, Wish};
use super::{Engine, Key, Socket};
use crate::buf::Buf;
use crate::handler::{
    Abort, Finished, Handler, Outcome, Piece, Reply, Report, Request, UploadId, Verdict,
};
use crate::proto::{self, After, Awaits, End, Event, Head, Reject, Response};

/// What a visit and a request cost a turn, in bytes of content that would take as long:
/// so that many small requests do not make a turn longer than a few large reads.
const VISIT_COST: usize = 1 << 10;
const REQUEST_COST: usize = 1 << 10;

/// What an upload may read while there is no room to keep what it leaves behind.
const SMALL_READ: usize = 4 << 10;

/// A head grows at least by this, so that a drip of bytes costs few allocations.
const LEAST_GROWTH: usize = 512;

/// A peer's place in a batch.
#[derive(Debug)]
pub(super) struct Slot {
    key: Key,
    /// None while it is out with a piece.
    buf: Option<Buf>,
    out: Vec<u8>,
    /// Bytes set aside in the account of what is held.
    reserved: usize,
    /// Whether nothing more can be done for it in this batch.
    done: bool,
}

/// How a peer's next step ended.
enum Step<U> {
    Piece(Piece<U>),
    /// Something was settled; there may be more.
    Again,
    Done,
}

impl<S: Socket, U> Engine<S, U> {
    /// Serves up to [`Config::batch`](super::Config::batch) peers from the ready queue.
    pub(super) fn serve_batch<H: Handler<Upload = U>>(&mut self, handler: &mut H) {
        let mut batch = mem::take(&mut self.batch);
        self.gather(&mut batch, handler);
        self.run_waves(&mut batch, handler);
        for slot in batch.drain(..) {
            self.scatter(slot, handler);
        }
        self.batch = batch;
    }

    fn spend(&mut self, bytes: usize) {
        self.budget = self.budget.saturating_sub(bytes);
    }

    // ---- gather ----

    fn gather<H: Handler<Upload = U>>(&mut self, batch: &mut Vec<Slot>, handler: &mut H) {
        while batch.len() < self.config.batch && self.budget > 0 {
            let Some(key) = self.ready.pop_front() else { return };
            self.spend(VISIT_COST);
            batch.extend(self.visit(key, handler));
        }
    }

    /// Does what needs no handler for content, and gives the peer a place in the batch
    /// if it may have a request to go on with.
    fn visit<H: Handler<Upload = U>>(&mut self, key: Key, handler: &mut H) -> Option<Slot> {
        let peer = self.peers.get_mut(key)?;
        peer.queued = false;
        if peer.life != Life::Dead && peer.output.pending() > 0 {
            self.flush(key, &mut Vec::new(), handler);
        }
        let peer = self.peers.get_mut(key)?;
        match peer.life {
            Life::Open => {}
            Life::Closing => {
                if peer.output.pending() == 0 {
                    self.finish_writing(key);
                }
                return None;
            }
            Life::Lingering => {
                self.linger(key);
                return None;
            }
            Life::Dead => return None,
        }
        if peer.wish.is_some() {
            peer.starved = false;
            return Some(self.slot_of_kept(key));
        }
        if peer.output.pending() > self.config.output {
            return None;
        }
        if peer.awaits_handler() {
            if peer.ready.error {
                self.abort(key, Abort::Reset, handler);
            }
            return None;
        }
        if peer.kept.is_some() && !peer.starved {
            return Some(self.slot_of_kept(key));
        }
        self.read(key, handler)
    }

    fn slot(&mut self, key: Key, buf: Buf, reserved: usize) -> Slot {
        let out = self.outs.pop().unwrap_or_default();
        Slot { key, buf: Some(buf), out, reserved, done: false }
    }

    /// A place for a peer with what was kept for it, which may be nothing.
    fn slot_of_kept(&mut self, key: Key) -> Slot {
        let kept = self.peers.get_mut(key).and_then(|peer| peer.kept.take());
        let buf = kept.map_or_else(|| Buf::with_capacity(0), |kept| *kept);
        let reserved = buf.capacity();
        self.slot(key, buf, reserved)
    }

    /// Reads once: behind what is kept of an unfinished section, else into a pooled
    /// buffer.
    fn read<H: Handler<Upload = U>>(&mut self, key: Key, handler: &mut H) -> Option<Slot> {
        let peer = self.peers.get_mut(key)?;
        let in_body = peer.connection.awaits() == Awaits::Body;
        let (mut slot, most) = if let Some(kept) = &mut peer.kept {
            let before = kept.capacity();
            let growth = if kept.spare_mut().is_empty() { before.max(LEAST_GROWTH) } else { 0 };
            if !self.held.reserve(growth) {
                self.starve(key);
                return None;
            }
            kept.grow(growth);
            self.held.release(growth - (kept.capacity() - before));
            (self.slot_of_kept(key), usize::MAX)
        } else if self.held.reserve(self.config.buffer) {
            let buf = self.pool.take();
            (self.slot(key, buf, self.config.buffer), usize::MAX)
        } else if in_body {
            let buf = self.pool.take();
            (self.slot(key, buf, 0), SMALL_READ)
        } else {
            self.starve(key);
            return None;
        };
        let buf = slot.buf.as_mut()?;
        let before = buf.len();
        let peer = self.peers.get_mut(key)?;
        let got = peer.read(buf, most);
        let bytes = buf.len() - before;
        if bytes > 0 {
            peer.clock.advance(self.now, bytes as u64);
        }
        if got == Got::Bytes {
            peer.starved = false;
        }
        let ends = self.draining && peer.is_between_requests();
        self.spend(bytes);
        self.stats.bytes_read += bytes as u64;
        match got {
            Got::Bytes => return Some(slot),
            Got::Nothing => {
                self.scatter(slot, handler);
                if ends {
                    self.close(key);
                }
            }
            Got::Broken => {
                self.abort(key, Abort::Reset, handler);
                self.scatter(slot, handler);
            }
        }
        None
    }

    /// Leaves a peer unread until there is room to keep what it sends.
    fn starve(&mut self, key: Key) {
        if let Some(peer) = self.peers.get_mut(key) {
            peer.hungry = true;
            self.hungry.push(key);
        }
    }

    // ---- waves ----

    fn run_waves<H: Handler<Upload = U>>(&mut self, batch: &mut [Slot], handler: &mut H) {
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
        if slot.out.len() > self.config.output {
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
        // Between requests a turn may end, and a peer that does not read its answers
        // may be left alone.
        let may_stop = peer.connection.awaits() == Awaits::Idle && !buf.is_empty();
        let is_full = peer.output.pending() > self.config.output;
        if may_stop && (is_full || self.budget == 0) || peer.awaits_handler() {
            return Step::Done;
        }
        if peer.resumed {
            return self.resume_now(slot, place, handler);
        }
        let start = buf.start();
        match peer.connection.receive(buf.unread_mut()) {
            Err(reject) => {
                self.refuse(reject, slot, handler);
                Step::Again
            }
            Ok(proto::Step { used, event: Event::Wait }) => {
                buf.advance(used);
                self.wait(slot, handler)
            }
            Ok(proto::Step { used, event: Event::Head(head) }) => {
                let verdict =
                    begin(peer, slot.key, &head, self.next_serial, self.now, &self.config, handler);
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
        if !peer.eof {
            return Step::Done;
        }
        match peer.connection.ended() {
            End::Truncated(reject) => {
                self.refuse(reject, slot, handler);
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
            peer.rest = Some(Rest { range: rest.start as u32..rest.end as u32, last });
            peer.upload = Upload::Paused(upload);
            slot.done = true;
        } else if last {
            let message = Finished {
                id: UploadId { serial: record.serial, key: slot.key },
                received: record.received,
                trailers: peer.connection.trailers(),
            };
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

    // ---- answers ----

    fn fulfil<H: Handler<Upload = U>>(&mut self, wish: Wish, slot: &mut Slot, handler: &mut H) {
        match wish {
            Wish::Answer(response) => self.answer_now(&response, slot, handler),
            Wish::Refuse(reject) => {
                if let Some(peer) = self.peers.get_mut(slot.key) {
                    peer.connection.refuse(reject);
                }
                self.refuse(reject, slot, handler);
            }
        }
    }

    fn answer_now<H: Handler<Upload = U>>(
        &mut self,
        response: &Response,
        slot: &mut Slot,
        handler: &mut H,
    ) {
        self.stats.answers += 1;
        self.respond(response, None, slot, handler);
    }

    fn refuse<H: Handler<Upload = U>>(&mut self, reject: Reject, slot: &mut Slot, handler: &mut H) {
        self.stats.refusals += 1;
        self.respond(&reject.response(), Some(reject), slot, handler);
    }

    /// Hands an answer to the connection and reports the end of the request.
    fn respond<H: Handler<Upload = U>>(
        &mut self,
        response: &Response,
        reject: Option<Reject>,
        slot: &mut Slot,
        handler: &mut H,
    ) {
        let Some(peer) = self.peers.get_mut(slot.key) else { return };
        let unread = slot.buf.as_ref().map_or(&[][..], Buf::unread);
        if peer.eof && unread.is_empty() {
            peer.connection.retire();
        }
        let after = peer.connection.respond(response, &self.date, &mut slot.out);
        let upload = peer.upload.take();
        let (id, record) = match peer.request.take() {
            Some(record) => (Some(UploadId { serial: record.serial, key: slot.key }), record),
            None => (None, headless(unread, self.now, self.config.kept_target)),
        };
        let report = Report {
            id,
            peer: peer.addr,
            method: record.named.method(),
            target: record.named.target(),
            response: Some(response),
            received: record.received,
            duration: self.now.since(record.begun),
            outcome: reject.map_or(Outcome::Answered(after), Outcome::Refused),
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

    // ---- scatter ----

    /// Writes what was answered, keeps what could not be used, gives back the rest.
    fn scatter<H: Handler<Upload = U>>(&mut self, mut slot: Slot, handler: &mut H) {
        let Slot { key, reserved, .. } = slot;
        if !slot.out.is_empty() {
            self.flush(key, &mut slot.out, handler);
        }
        slot.out.clear();
        self.outs.push(slot.out);
        self.held.release(reserved);
        if let Some(buf) = slot.buf {
            self.keep(key, buf);
        }
        let Some(peer) = self.peers.get_mut(key) else { return };
        if peer.life == Life::Closing && peer.output.pending() == 0 {
            self.finish_writing(key);
        }
        self.enqueue(key);
    }

    /// Keeps what is left in a peer's buffer, if it is still of use, in a box of its
    /// own size; a pooled buffer goes back to the pool.
    fn keep(&mut self, key: Key, mut buf: Buf) {
        let Some(peer) = self.peers.get_mut(key).filter(|peer| peer.life == Life::Open) else {
            self.pool.put(buf);
            return;
        };
        if peer.connection.awaits() == Awaits::Head {
            peer.clock.begin_head(self.now);
        }
        let rest = peer
            .rest
            .as_ref()
            .map_or(0..0, |rest| rest.range.start as usize..rest.range.end as usize);
        if buf.is_empty() && rest.is_empty() {
            self.pool.put(buf);
            return;
        }
        if buf.is_lent() || !rest.is_empty() {
            let mut own = Buf::with_capacity(rest.len() + buf.len());
            own.append(buf.range(rest.clone()));
            own.append(buf.unread());
            own.advance(rest.len());
            if let Some(kept) = &mut peer.rest {
                kept.range = 0..rest.len() as u32;
            }
            self.pool.put(mem::replace(&mut buf, own));
        }
        self.held.add(buf.capacity());
        peer.kept = Some(Box::new(buf));
    }

    fn flush<H: Handler<Upload = U>>(&mut self, key: Key, out: &mut Vec<u8>, handler: &mut H) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        match peer.write(out) {
            Ok(0) => {}
            Ok(written) => {
                self.stats.bytes_written += written as u64;
                peer.clock.advance(self.now, 0);
            }
            Err(_) => self.abort(key, Abort::Reset, handler),
        }
    }

    // ---- the end ----

    /// Everything is written: tells the peer so, and waits for its end unless that has
    /// come.
    fn finish_writing(&mut self, key: Key) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        let finished = peer.socket.as_mut().is_some_and(|socket| socket.finish_writing().is_ok());
        if peer.eof || !finished {
            self.close(key);
            return;
        }
        peer.life = Life::Lingering;
        peer.clock.restart(self.now);
        self.enqueue(key);
    }

    /// Reads and throws away.
    fn linger(&mut self, key: Key) {
        let mut buf = self.pool.take();
        if let Some(peer) = self.peers.get_mut(key) {
            let got = peer.read(&mut buf, usize::MAX);
            let bytes = buf.len();
            if bytes > 0 {
                peer.clock.linger(self.now, bytes as u64, &self.config.timeouts);
            }
            let is_over = peer.eof || got == Got::Broken;
            self.spend(bytes);
            self.stats.bytes_read += bytes as u64;
            if is_over {
                self.close(key);
            } else {
                self.enqueue(key);
            }
        }
        self.pool.put(buf);
    }
}

/// Asks the handler what to do with a request, and opens its record.
fn begin<S, H: Handler>(
    peer: &mut Peer<S, H::Upload>,
    key: Key,
    head: &Head<'_>,
    serial: u64,
    now: super::Moment,
    config: &super::Config,
    handler: &mut H,
) -> Verdict<H::Upload> {
    let named = Named::new(head.method(), head.target(), config.kept_target);
    peer.request = Some(Record { serial, begun: now, received: 0, named });
    peer.clock.begin_request(now);
    handler.begin(Request { id: UploadId { serial, key }, peer: peer.addr, head: *head })
}

/// The record of a request that was refused within its head.
fn headless(input: &[u8], now: super::Moment, kept_target: usize) -> Record {
    let named = match proto::request_line(input) {
        Some((method, target)) => Named::new(method, target, kept_target),
        None => Named::default(),
    };
    Record { serial: 0, begun: now, received: 0, named }
}

/// Makes a piece of a peer's content. Its buffer and its upload go along.
fn lend<S, U>(
    peer: &mut Peer<S, U>,
    slot: &mut Slot,
    place: usize,
    range: std::ops::Range<usize>,
    last: bool,
) -> Option<Piece<U>> {
    let serial = peer.request.as_ref()?.serial;
    let upload = peer.upload.take()?;
    let buf = slot.buf.take()?;
    peer.upload = Upload::Lent;
    let id = UploadId { serial, key: slot.key };
    let taken = range.len();
    Some(Piece { id, slot: place, upload, buf, range, taken, last })
}
