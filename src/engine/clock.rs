//! How long a peer has taken for what it does.

use std::time::Duration;

use super::time::Moment;
use super::timeouts::Timeouts;
use crate::handler::{Missed, TooSlow};

/// What a peer has done in its present phase: waiting, sending a head, sending content,
/// being answered, lingering. When it last took a byte outlives the phases.
#[derive(Debug)]
pub(super) struct Clock {
    since: Moment,
    /// When the last byte came.
    progress: Moment,
    /// When the peer last took a byte of what is written to it, or there was nothing to
    /// take.
    written: Moment,
    /// Bytes that came.
    bytes: u64,
}

impl Clock {
    pub(super) fn new(now: Moment) -> Self {
        Self { since: now, progress: now, written: now, bytes: 0 }
    }

    /// A new phase begins.
    pub(super) fn restart(&mut self, now: Moment) {
        *self = Self { written: self.written, ..Self::new(now) };
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

    /// How long the phase has lasted.
    pub(super) fn total(&self, now: Moment) -> Duration {
        now.since(self.since)
    }

    /// How long no byte has come.
    pub(super) fn silence(&self, now: Moment) -> Duration {
        now.since(self.progress)
    }

    /// How long the peer has not taken a byte of what waits for it.
    pub(super) fn stuck(&self, now: Moment) -> Duration {
        now.since(self.written)
    }

    /// Since when a peer between two requests has been idle: from its last answer on, and
    /// from when it has taken all that was written to it.
    pub(super) fn idle_since(&self) -> Moment {
        self.since.max(self.written)
    }

    /// Time in which the peer was not served by our own choice does not count.
    pub(super) fn pause(&mut self, now: Moment, time: Duration) {
        self.pause_reading(now, time);
        self.written = self.written.later_by(time).min(now);
    }

    /// Nor does time in which it was not read count for what it sends.
    pub(super) fn pause_reading(&mut self, now: Moment, time: Duration) {
        for moment in [&mut self.since, &mut self.progress] {
            *moment = moment.later_by(time).min(now);
        }
    }

    /// How content comes too slowly, if it does; `silence` is how long no byte may come.
    pub(super) fn too_slow(
        &self,
        now: Moment,
        silence: Option<Duration>,
        timeouts: &Timeouts,
    ) -> Option<TooSlow> {
        let missed = self.missed(now, silence, timeouts)?;
        Some(TooSlow { bytes: self.bytes, time: self.total(now), missed })
    }

    fn missed(
        &self,
        now: Moment,
        silence: Option<Duration>,
        timeouts: &Timeouts,
    ) -> Option<Missed> {
        if let Some(limit) = silence.filter(|&limit| self.silence(now) >= limit) {
            return Some(Missed::Byte(limit));
        }
        if self.bytes == 0 {
            return None;
        }
        let elapsed = self.total(now);
        let is_slow = |rate: u64| (self.bytes as f64) < rate as f64 * elapsed.as_secs_f64();
        let rate =
            timeouts.min_rate.filter(|&rate| elapsed >= timeouts.rate_grace && is_slow(rate))?;
        Some(Missed::Rate(rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment(0).later_by(Duration::from_secs(seconds))
    }

    #[test]
    fn a_new_phase_does_not_change_when_something_was_written() {
        let mut clock = Clock::new(at(0));
        clock.write(at(1));
        clock.restart(at(5));
        assert_eq!(clock.stuck(at(6)), Duration::from_secs(5));
        assert_eq!(clock.total(at(6)), Duration::from_secs(1));
    }

    #[test]
    fn content_at_just_the_least_rate_is_not_too_slow() {
        let timeouts = Timeouts::default().min_rate(100).rate_grace(Duration::from_secs(20));
        let is_too_slow = |bytes, seconds| {
            let mut clock = Clock::new(at(0));
            clock.advance_content(at(0), bytes);
            clock.too_slow(at(seconds), None, &timeouts).is_some()
        };
        assert!(!is_too_slow(2_000, 20));
        assert!(is_too_slow(1_999, 20));
        assert!(!is_too_slow(1, 19), "any rate is taken at first");
    }
}
