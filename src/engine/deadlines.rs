//! The sweep that looks at the clocks of all peers once a second.

use std::time::Duration;

use super::exchange::Upload;
use super::peer::{Life, Peer, Refusal, Wish};
use super::{Engine, Moment, Socket, Timeouts};
use crate::handler::{Abort, Handler, Missed, TooSlow};
use crate::proto::{Awaits, Reject};

/// How often all peers are looked at, and so the grain of all deadlines. One pass over
/// many thousands of peers costs less than keeping them in order would.
pub(super) const SWEEP: Duration = Duration::from_secs(1);

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
        let is_writing = self.link.pending() > 0;
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
