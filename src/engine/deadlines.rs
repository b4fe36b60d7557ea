//! The sweep that looks at the clocks of all peers once a second.

use std::time::Duration;

use super::exchange::Exchange;
use super::ids::Key;
use super::peer::{Bounds, Peer, Pending, Refusal, Stage};
use super::roster::Roster;
use super::time::Moment;
use super::timeouts::Timeouts;
use super::turn::Turn;
use crate::handler::{Abort, Missed, TooSlow};
use crate::link::Socket;
use crate::proto::{Awaits, Reject};

/// How often all peers are looked at, and so the grain of all deadlines. One pass over
/// many thousands of peers costs less than keeping them in order would.
pub(super) const SWEEP: Duration = Duration::from_secs(1);

/// What is to become of a peer that took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Overdue {
    /// Nothing is owed to it.
    Close,
    /// It does not read.
    BreakOff,
    Refuse(Refusal),
}

/// When the sweep comes, and what it finds.
#[derive(Debug)]
pub(super) struct Sweeper {
    swept: Moment,
    /// Those whose time was up. Empty between sweeps, kept for its memory.
    found: Vec<Key>,
}

impl Sweeper {
    pub(super) fn new() -> Self {
        Self { swept: Moment(0), found: Vec::new() }
    }

    /// When the next sweep is due.
    pub(super) fn due(&self) -> Moment {
        self.swept.later_by(SWEEP)
    }

    /// Looks at every peer's clock, if it is time.
    pub(super) fn sweep<S: Socket, U>(&mut self, roster: &mut Roster<S, U>, turn: &Turn<'_>) {
        let Turn { now, bounds, config, .. } = *turn;
        let passed = now.since(self.swept);
        if passed < SWEEP {
            return;
        }
        self.swept = now;
        for (key, peer) in roster.iter_mut() {
            if peer.end_if_overdue(now, passed, &bounds, &config.timeouts) {
                self.found.push(key);
            }
        }
        for key in self.found.drain(..) {
            roster.file(key, &bounds);
        }
    }
}

impl<S: Socket, U> Peer<S, U> {
    /// Moves its clock by the time that is not its own, and ends what is overdue. True if
    /// something was; a refusal is written when the peer is visited, which is soon.
    fn end_if_overdue(
        &mut self,
        now: Moment,
        passed: Duration,
        bounds: &Bounds,
        timeouts: &Timeouts,
    ) -> bool {
        if self.waits_for_us(bounds) {
            self.clock.pause(now, passed);
            return false;
        }
        // If the loop did not run, what came meanwhile may not even be noted yet.
        self.clock.pause(now, passed.saturating_sub(2 * SWEEP));
        if self.is_full(bounds) && !self.stage.awaits_handler() {
            self.clock.pause_reading(now, passed);
        }
        match self.overdue(now, bounds, timeouts) {
            None => return false,
            Some(Overdue::Close) => self.close(),
            Some(Overdue::BreakOff) => self.break_off(Abort::NotReading),
            Some(Overdue::Refuse(refusal)) => {
                self.pending = Some(Box::new(Pending::Refuse(refusal)));
            }
        }
        true
    }

    /// True if it has to wait by our own choice, so that its time stands still. That of a
    /// lingering peer runs on: one that floods has an errand at every look.
    fn waits_for_us(&self, bounds: &Bounds) -> bool {
        match self.stage {
            Stage::Lingering { .. } => false,
            Stage::Paused(..) => true,
            _ => {
                let keeps_nothing = self.waits_for_room() && self.unread.is_nothing();
                keeps_nothing || self.errand(bounds).is_some()
            }
        }
    }

    fn overdue(&self, now: Moment, bounds: &Bounds, timeouts: &Timeouts) -> Option<Overdue> {
        let total = self.clock.total(now);
        let reached = |limit: Option<Duration>, time| limit.is_some_and(|limit| time >= limit);
        let is_writing = self.link.has_output();
        if is_writing && reached(timeouts.write, self.clock.stuck(now)) {
            // A peer that was closed in this turn is still there.
            return (!self.stage.is_over()).then_some(Overdue::BreakOff);
        }
        match &self.stage {
            Stage::AwaitingHead if self.connection.awaits() == Awaits::Idle => {
                let is_due = if self.connection.requests() == 0 {
                    // Whatever its session may have to write.
                    reached(timeouts.head.or(timeouts.idle), total)
                } else {
                    // It is not idle as long as it takes its answer.
                    let idle = now.since(self.clock.idle_since());
                    !is_writing && reached(timeouts.idle, idle)
                };
                is_due.then_some(Overdue::Close)
            }
            Stage::AwaitingHead => {
                let limit = timeouts.head.filter(|&limit| total >= limit)?;
                let bytes = self.unread.len() as u64;
                let too_slow = TooSlow { bytes, time: total, missed: Missed::Whole(limit) };
                Some(refuse(Reject::HeadTimeout, too_slow))
            }
            Stage::Receiving(exchange) => {
                let silence = exchange.record.body_timeout(timeouts.body);
                let too_slow = self.clock.too_slow(now, silence, timeouts)?;
                Some(refuse(Reject::BodyTimeout, too_slow))
            }
            Stage::Deciding(Exchange { record, .. }) | Stage::Answering(record) => {
                let is_late = reached(record.late(timeouts.late), total);
                is_late.then_some(Overdue::Refuse(Reject::Late.into()))
            }
            &Stage::Lingering { read } => {
                let is_silent = bounds.lets_linger(read) && self.errand(bounds).is_none();
                let is_over = is_silent && self.clock.silence(now) >= timeouts.linger_silence;
                (is_over || total >= timeouts.linger).then_some(Overdue::Close)
            }
            Stage::Paused(..)
            | Stage::Lent(_)
            | Stage::Closing
            | Stage::Broken(..)
            | Stage::Dead => None,
        }
    }
}

fn refuse(reject: Reject, too_slow: TooSlow) -> Overdue {
    Overdue::Refuse(Refusal { reject, too_slow: Some(too_slow) })
}
