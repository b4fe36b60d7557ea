//! Who has been idle for longest, so that a newcomer can have the place.

use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use super::peer::Peer;
use super::{Engine, Key, Moment, Now, Socket};
use crate::handler::Handler;

/// How long a peer has been idle at least when its place is given away. A client that has
/// more to send has begun by then, over nearly any link.
const LEAST: Duration = Duration::from_secs(1);

/// How many one pass over all peers finds at most: they take 16 KiB, and a pass is cheap
/// when so many newcomers share it.
const MOST: usize = 1024;

/// Idle peers in the order in which they give way.
///
/// They are found by a pass over all peers when somebody needs a place. Who becomes idle
/// behind it is idle for a shorter time than all that it found, so that the order stays
/// right until these are used up. And as none of those who come behind may give way within
/// [`LEAST`], a pass that left out nobody is good for as long. That costs less than keeping
/// peers in order with every request.
#[derive(Debug, Default)]
pub(super) struct Idle {
    /// Since when, and who; the longest idle last. Some may not be idle any more.
    found: Vec<(Moment, Key)>,
    /// No peer that was not found may give way before this.
    complete_until: Moment,
}

impl<S: Socket, U> Peer<S, U> {
    /// Since when it has been idle: it has taken all of an answer, and as far as is known
    /// has sent nothing since but empty lines.
    fn idle_since(&self) -> Option<Moment> {
        let is_silent = !self.link.is_readable() && !self.queued && !self.hungry;
        let is_idle = is_silent && self.kept.is_none() && self.is_between_requests();
        self.clock.idle_since().filter(|_| is_idle)
    }
}

impl<S: Socket, U> Engine<S, U> {
    /// The peer that has been idle for longest, if that is a second at least: the one to
    /// [give way](Engine::displace) to a newcomer. Idle is who has taken all of an answer
    /// and sent nothing since; a last read makes sure of that.
    ///
    /// All peers are looked at once a second at most, or once for 1,024 that give way,
    /// however often this is called.
    ///
    /// # Errors
    ///
    /// If there is none: when there may be one, so that this is to be called again.
    pub fn longest_idle<H: Handler<Upload = U>>(
        &mut self,
        now: Now,
        handler: &mut H,
    ) -> Result<Key, Instant> {
        self.tell(now);
        loop {
            let next = self.next_idle();
            let due = next.map_or_else(|due| due, |(since, _)| since.later_by(LEAST));
            if due > self.now {
                return Err(self.start + due.since(Moment(0)));
            }
            if let Ok((_, key)) = next
                && self.is_silent(key, handler)
            {
                return Ok(key);
            }
        }
    }

    /// Closes an idle peer for the sake of a newcomer; false if it is not idle.
    ///
    /// Its key is free at once: this is to be called when all events of one poll were noted,
    /// and before the turn.
    pub fn displace(&mut self, key: Key) -> bool {
        let is_idle = self.peers.get(key).is_some_and(|peer| peer.idle_since().is_some());
        if is_idle {
            self.stats.displaced += 1;
            self.close(key);
            self.reap();
        }
        is_idle
    }

    /// Who is next to give way, and since when it has been idle.
    ///
    /// # Errors
    ///
    /// If there is nobody: when somebody may be, which is later than now.
    fn next_idle(&mut self) -> Result<(Moment, Key), Moment> {
        loop {
            while let Some(&(since, key)) = self.idle.found.last() {
                if self.peers.get(key).and_then(Peer::idle_since) == Some(since) {
                    return Ok((since, key));
                }
                self.idle.found.pop();
            }
            if self.now < self.idle.complete_until {
                return Err(self.idle.complete_until);
            }
            self.find_idle();
        }
    }

    /// Looks at all peers.
    fn find_idle(&mut self) {
        self.idle.complete_until = self.now.later_by(LEAST);
        let mut longest = BinaryHeap::new();
        for (key, peer) in &self.peers {
            longest.extend(peer.idle_since().map(|since| (since, key)));
            if longest.len() > MOST {
                longest.pop();
                self.idle.complete_until = self.now;
            }
        }
        self.idle.found = longest.into_sorted_vec();
        self.idle.found.reverse();
    }

    /// Reads from an idle peer: its next request, or its end, may lie in the socket
    /// unnoted, and is then seen to in the next turn. True if there was neither.
    fn is_silent<H: Handler<Upload = U>>(&mut self, key: Key, handler: &mut H) -> bool {
        if let Some(peer) = self.peers.get_mut(key) {
            peer.link.expect_input();
        }
        if let Some(slot) = self.read(key, false, handler) {
            self.scatter(slot, handler);
        }
        let Some(peer) = self.peers.get_mut(key) else { return false };
        if peer.link.is_at_end() {
            peer.link.expect_input();
        }
        self.enqueue(key);
        self.peers.get(key).is_some_and(|peer| peer.idle_since().is_some())
    }
}
