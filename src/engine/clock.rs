//! What a peer has done for how long.

use std::time::Duration;

use super::{Moment, Timeouts};
use crate::handler::Missed;

/// What a peer has done in its present phase: waiting, sending a head, sending content,
/// being answered, lingering. When it last took a byte, and whether it ever had a request,
/// outlive the phases.
#[derive(Debug)]
pub(super) struct Clock {
    pub(super) since: Moment,
    pub(super) progress: Moment,
    /// When the peer last took a byte of what is written to it, or there was nothing to
    /// take.
    pub(super) written: Moment,
    pub(super) bytes: u64,
    /// Whether a request was ever begun.
    pub(super) served: bool,
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
    pub(super) fn stand_still(&mut self, now: Moment, time: Duration) {
        self.read_later(now, time);
        self.written = self.written.later_by(time).min(now);
    }

    /// Nor does time in which it was not read count for what it sends.
    pub(super) fn read_later(&mut self, now: Moment, time: Duration) {
        for moment in [&mut self.since, &mut self.progress] {
            *moment = moment.later_by(time).min(now);
        }
    }

    /// What content has missed, if it comes too slowly.
    pub(super) fn missed(&self, now: Moment, timeouts: &Timeouts) -> Option<Missed> {
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
