//! Who has been idle for longest, so that a newcomer can have the place.

use std::collections::BinaryHeap;
use std::time::Duration;

use super::gather::Visit;
use super::ids::Key;
use super::peer::Peer;
use super::roster::Roster;
use super::time::Moment;
use super::turn::Turn;
use crate::link::Socket;

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

impl Idle {
    /// The peer that has been idle for longest, if that is a second at least.
    ///
    /// # Errors
    ///
    /// If there is none: when there may be one.
    pub(super) fn longest<S: Socket, U>(
        &mut self,
        roster: &mut Roster<S, U>,
        turn: &mut Turn<'_>,
    ) -> Result<Key, Moment> {
        loop {
            let next = self.next(roster, turn.now);
            let due = next.map_or_else(|due| due, |(since, _)| since.later_by(LEAST));
            if due > turn.now {
                return Err(due);
            }
            let Ok((_, key)) = next else { unreachable!("nobody is due later than now") };
            // Its next request, or its end, may lie in the socket unnoted, and is then seen
            // to in the next turn.
            match turn.read(key, &mut roster[key], false) {
                Visit::Serve(slot) => turn.scatter(&mut roster[key], slot),
                // It cannot be looked at, and is not to wait for that: it would not be idle.
                Visit::WaitForRoom => return Err(turn.now.later_by(LEAST)),
                Visit::Done => {}
            }
            roster.file(key, &turn.bounds);
            if roster[key].idle_since().is_some() {
                return Ok(key);
            }
        }
    }

    /// Who is next to give way, and since when it has been idle.
    ///
    /// # Errors
    ///
    /// If there is nobody: when somebody may be, which is later than now.
    fn next<S: Socket, U>(
        &mut self,
        roster: &Roster<S, U>,
        now: Moment,
    ) -> Result<(Moment, Key), Moment> {
        loop {
            while let Some(&(since, key)) = self.found.last() {
                if roster.get(key).and_then(Peer::idle_since) == Some(since) {
                    return Ok((since, key));
                }
                self.found.pop();
            }
            if now < self.complete_until {
                return Err(self.complete_until);
            }
            self.find(roster, now);
        }
    }

    /// Looks at all peers.
    fn find<S: Socket, U>(&mut self, roster: &Roster<S, U>, now: Moment) {
        self.complete_until = now.later_by(LEAST);
        let mut longest = BinaryHeap::new();
        for (key, peer) in roster.iter() {
            longest.extend(peer.idle_since().map(|since| (since, key)));
            if longest.len() > MOST {
                longest.pop();
                self.complete_until = now;
            }
        }
        self.found = longest.into_sorted_vec();
        self.found.reverse();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::peer::Stage;
    use crate::engine::peer::tests::peer;
    use crate::link::tests::Scripted;
    use crate::proto::{Date, Response};

    /// Peers that have had an answer.
    fn idle(peers: usize) -> Roster<Scripted, ()> {
        let mut roster = Roster::new();
        for _ in 0..peers {
            let mut peer = peer(Stage::AwaitingHead);
            let mut request = *b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
            assert!(peer.connection.receive(&mut request).is_ok());
            let (date, mut out) = (Date::new(std::time::UNIX_EPOCH), Vec::new());
            let _ = peer.connection.respond(&Response::text(200, ""), &date, &mut out);
            roster.insert(peer);
        }
        roster
    }

    #[test]
    fn a_pass_is_good_for_a_while_unless_it_has_left_somebody_out() {
        let now = Moment(0).later_by(Duration::from_secs(9));
        for (peers, found) in [(0, 0), (MOST - 1, MOST - 1), (MOST, MOST), (MOST + 1, MOST)] {
            let mut idle_peers = Idle::default();
            idle_peers.find(&idle(peers), now);
            assert_eq!(idle_peers.found.len(), found, "of {peers}");
            let until = if peers > MOST { now } else { now.later_by(LEAST) };
            assert_eq!(idle_peers.complete_until, until, "with {peers}");
        }
    }
}
