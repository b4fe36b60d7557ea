//! How long a peer has taken, and the sweep that looks at all of them once a second.

use std::time::Duration;

use super::peer::{Life, Peer, Refusal, Upload, Wish};
use super::{Engine, Moment, Socket, Timeouts};
use crate::handler::{Abort, Handler, Missed, TooSlow};
use crate::proto::{Awaits, Reject};

/// How often all peers are looked at, and so the grain of all deadlines. One pass over
/// many thousands of peers costs less than keeping them in order would.
pub(super) const SWEEP: Duration = Duration::from_secs(1);

/// What a peer has done in its present phase: waiting, sending a head, sending content,
/// being answered, lingering. When it last took a byte, and whether it ever had a request,
/// outlive the phases.
#[derive(Debug)]
pub(super) struct Clock {
    since: Moment,
    progress: Moment,
    /// When the peer last took a byte of what is written to it, or there was nothing to
    /// take.
    written: Moment,
    bytes: u64,
    /// Whether a request was ever begun.
    served: bool,
    /// Whether a head has begun.
    in_head: bool,
    /// Whether lingering has read as much as it may.
    full: bool,
}

impl Clock {
    pub(super) fn new(now: Moment) -> Self {
        Self {
            since: now,
            progress: now,
            written: now,
            bytes: 0,
            served: false,
            in_head: false,
            full: false,
        }
    }

    /// A new phase begins.
    pub(super) fn restart(&mut self, now: Moment) {
        *self = Self { served: self.served, written: self.written, ..Self::new(now) };
    }

    /// A head has begun, now or before. The first one is timed from the connection on:
    /// its first byte buys no time.
    pub(super) fn begin_head(&mut self, now: Moment) {
        if self.served && !self.in_head {
            self.restart(now);
        }
        self.in_head = true;
    }

    /// A head is complete.
    pub(super) fn begin_request(&mut self, now: Moment) {
        self.served = true;
        self.restart(now);
    }

    /// Bytes came in.
    pub(super) fn advance(&mut self, now: Moment, bytes: u64) {
        self.progress = now;
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Bytes of content came in, or of its framing. The first of them begins the time
    /// over which their rate is taken: a source may think before it.
    pub(super) fn advance_content(&mut self, now: Moment, bytes: u64) {
        if self.bytes == 0 {
            self.since = now;
        }
        self.advance(now, bytes);
    }

    /// Bytes went out, or are the first that wait to.
    pub(super) fn write(&mut self, now: Moment) {
        self.written = now;
    }

    /// Counts what lingering has read.
    pub(super) fn linger(&mut self, now: Moment, bytes: u64, timeouts: &Timeouts) {
        self.advance(now, bytes);
        self.full = timeouts.max_linger.is_some_and(|limit| self.bytes >= limit);
    }

    pub(super) fn lingers_reading(&self) -> bool {
        !self.full
    }

    /// Since when a peer between two requests has been idle: from its last answer on, and
    /// from when it has taken all that was written to it. None before its first request.
    pub(super) fn idle_since(&self) -> Option<Moment> {
        self.served.then(|| self.since.max(self.written))
    }

    /// Time in which the peer was not served by our own choice does not count.
    fn stand_still(&mut self, now: Moment, time: Duration) {
        self.read_later(now, time);
        self.written = self.written.later_by(time).min(now);
    }

    /// Nor does time in which it was not read count for what it sends.
    fn read_later(&mut self, now: Moment, time: Duration) {
        for moment in [&mut self.since, &mut self.progress] {
            *moment = moment.later_by(time).min(now);
        }
    }

    /// What content has missed, if it comes too slowly.
    fn missed(&self, now: Moment, timeouts: &Timeouts) -> Option<Missed> {
        let silent = now.since(self.progress);
        if let Some(limit) = timeouts.body.filter(|&limit| silent >= limit) {
            return Some(Missed::Byte(limit));
        }
        if self.bytes == 0 {
            return None;
        }
        let elapsed = now.since(self.since);
        let is_slow = |rate: u64| (self.bytes as f64) < rate as f64 * elapsed.as_secs_f64();
        let rate =
            timeouts.min_rate.filter(|&rate| elapsed >= timeouts.rate_grace && is_slow(rate))?;
        Some(Missed::Rate(rate))
    }
}

/// What is to become of a peer that took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overdue {
    /// Nothing is owed to it.
    Close,
    Abort(Abort),
    Refuse(Refusal),
}

impl<S: Socket, U> Peer<S, U> {
    /// True if its bytes wait by our own choice, so that its time stands still. That of a
    /// lingering peer runs on: one that floods is queued at every look.
    fn is_unread(&self) -> bool {
        let waits = self.queued
            || matches!(self.upload, Upload::Paused(_))
            || (self.hungry && self.kept.is_none());
        waits && self.life != Life::Lingering
    }

    fn overdue(&self, now: Moment, timeouts: &Timeouts) -> Option<Overdue> {
        let total = now.since(self.clock.since);
        let silent = now.since(self.clock.progress);
        let passed = |limit: Option<Duration>, time| limit.is_some_and(|limit| time >= limit);
        let is_writing = self.output.pending() > 0;
        if is_writing && passed(timeouts.write, now.since(self.clock.written)) {
            return Some(Overdue::Abort(Abort::NotReading));
        }
        match self.life {
            Life::Dead | Life::Closing => return None,
            Life::Lingering => {
                let is_read = self.clock.lingers_reading() && !self.queued;
                let is_silent = is_read && silent >= timeouts.linger_silence;
                return (total >= timeouts.linger || is_silent).then_some(Overdue::Close);
            }
            Life::Open => {}
        }
        match self.connection.awaits() {
            // It is not idle as long as it reads.
            Awaits::Idle if is_writing => None,
            Awaits::Idle => {
                let first = timeouts.head.or(timeouts.idle);
                let limit = if self.clock.served { timeouts.idle } else { first };
                // From when it has taken all that was written to it.
                let idle = total.min(now.since(self.clock.written));
                passed(limit, idle).then_some(Overdue::Close)
            }
            Awaits::Head => {
                let limit = timeouts.head.filter(|&limit| total >= limit)?;
                let bytes = self.kept.as_ref().map_or(0, |kept| kept.len()) as u64;
                let too_slow = TooSlow { bytes, time: total, missed: Missed::Whole(limit) };
                Some(refuse(Reject::HeadTimeout, too_slow))
            }
            Awaits::Decision | Awaits::Response => {
                passed(timeouts.late, total).then_some(Overdue::Refuse(Reject::Late.into()))
            }
            Awaits::Body => {
                let missed = self.clock.missed(now, timeouts)?;
                let too_slow = TooSlow { bytes: self.clock.bytes, time: total, missed };
                Some(refuse(Reject::BodyTimeout, too_slow))
            }
            // What is rejected is answered at once.
            Awaits::Rejection | Awaits::Nothing => None,
        }
    }
}

fn refuse(reject: Reject, too_slow: TooSlow) -> Overdue {
    Overdue::Refuse(Refusal { reject, too_slow: Some(too_slow) })
}

impl<S: Socket, U> Engine<S, U> {
    /// Looks at every peer's clock, if it is time.
    pub(super) fn sweep<H: Handler<Upload = U>>(&mut self, handler: &mut H) {
        let passed = self.now.since(self.swept);
        if passed < SWEEP {
            return;
        }
        self.swept = self.now;
        // The loop did not run: what came meanwhile may not even be noted yet.
        let asleep = passed.saturating_sub(2 * SWEEP);
        let mut overdue = std::mem::take(&mut self.overdue);
        for (key, peer) in &mut self.peers {
            let is_unread = peer.is_unread();
            peer.clock.stand_still(self.now, if is_unread { passed } else { asleep });
            if is_unread {
                continue;
            }
            if peer.is_full(self.config.max_output) && !peer.awaits_handler() {
                peer.clock.read_later(self.now, passed);
            }
            if let Some(verdict) = peer.overdue(self.now, &self.config.timeouts) {
                overdue.push((key, verdict));
            }
        }
        for (key, verdict) in overdue.drain(..) {
            match verdict {
                Overdue::Close => self.close(key),
                Overdue::Abort(abort) => self.abort(key, abort, handler),
                Overdue::Refuse(refusal) => self.refuse_in_time(key, refusal),
            }
        }
        self.overdue = overdue;
    }

    /// The refusal is written when the peer is visited next, which is soon.
    fn refuse_in_time(&mut self, key: usize, refusal: Refusal) {
        if let Some(peer) = self.peers.get_mut(key) {
            peer.wish.get_or_insert_with(|| Box::new(Wish::Refuse(refusal)));
        }
        self.enqueue(key);
    }
}
