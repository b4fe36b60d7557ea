//! All peers by their keys, and who among them is to be visited, waits or is gone.

use std::collections::VecDeque;
use std::mem;
use std::ops::{Index, IndexMut};

use slab::Slab;

use super::ids::Key;
use super::peer::{Bounds, Peer, Place, Weight};
use crate::link::Socket;

/// Peers are [filed](Roster::file) whenever something may have happened to them. So a peer
/// stands in the queue if, and only if, there is an errand for it; but one that is closed while
/// it is queued stays there until its turn comes.
pub(super) struct Roster<S, U> {
    peers: Slab<Peer<S, U>>,
    /// Who is to be visited, in the order of their errands.
    queue: VecDeque<Key>,
    /// Who waits for room to keep what it sends.
    waiting: Vec<Key>,
    /// Who was closed in this turn.
    gone: Vec<Key>,
    /// How many are [busy](Weight::Busy), as of when each was filed.
    busy: usize,
}

impl<S: Socket, U> Roster<S, U> {
    pub(super) fn new() -> Self {
        Self {
            peers: Slab::new(),
            queue: VecDeque::new(),
            waiting: Vec::new(),
            gone: Vec::new(),
            busy: 0,
        }
    }

    pub(super) fn insert(&mut self, peer: Peer<S, U>) -> Key {
        self.peers.insert(peer)
    }

    /// The key that the next peer gets.
    pub(super) fn next_key(&self) -> Key {
        self.peers.vacant_key()
    }

    pub(super) fn get(&self, key: Key) -> Option<&Peer<S, U>> {
        self.peers.get(key)
    }

    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut Peer<S, U>> {
        self.peers.get_mut(key)
    }

    pub(super) fn len(&self) -> usize {
        self.peers.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    pub(super) fn busy(&self) -> usize {
        self.busy
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Key, &Peer<S, U>)> {
        self.peers.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (Key, &mut Peer<S, U>)> {
        self.peers.iter_mut()
    }

    /// How many are to be visited.
    pub(super) fn queued(&self) -> usize {
        self.queue.len()
    }

    /// True if any peer waits for room.
    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The next peer to be visited.
    pub(super) fn pop(&mut self) -> Option<Key> {
        let key = self.queue.pop_front()?;
        self[key].place = Place::Aside;
        Some(key)
    }

    /// Puts a peer where it belongs now.
    pub(super) fn file(&mut self, key: Key, bounds: &Bounds) {
        self.count(key);
        let peer = &self[key];
        let place = if peer.stage.is_over() {
            Place::Gone
        } else if peer.errand(bounds).is_some() {
            Place::Queued
        } else {
            return;
        };
        match peer.place {
            // What is queued is filed again when it was visited.
            Place::Queued | Place::Gone => return,
            Place::WaitsForRoom(at) => self.leave_waiting(at),
            Place::Aside => {}
        }
        self[key].place = place;
        if place == Place::Gone {
            self.gone.push(key);
        } else {
            self.queue.push_back(key);
        }
    }

    /// Counts a peer for what it is now.
    fn count(&mut self, key: Key) {
        let peer = &mut self.peers[key];
        let weight = peer.present_weight();
        match (mem::replace(&mut peer.weight, weight), weight) {
            (Weight::Light, Weight::Busy) => self.busy += 1,
            (Weight::Busy, Weight::Light) => self.busy -= 1,
            (Weight::Light, Weight::Light) | (Weight::Busy, Weight::Busy) => {}
        }
    }

    /// Leaves a peer unread until there is room to keep what it sends.
    pub(super) fn wait_for_room(&mut self, key: Key) {
        // No more peers than 32 bits can count fit into memory.
        self[key].place = Place::WaitsForRoom(self.waiting.len() as u32);
        self.waiting.push(key);
    }

    fn leave_waiting(&mut self, at: u32) {
        self.waiting.swap_remove(at as usize);
        if let Some(&moved) = self.waiting.get(at as usize) {
            self[moved].place = Place::WaitsForRoom(at);
        }
    }

    /// There is room: whoever waits for it is read again.
    pub(super) fn end_waiting(&mut self, bounds: &Bounds) {
        let mut waiting = mem::take(&mut self.waiting);
        for key in waiting.drain(..) {
            self[key].place = Place::Aside;
            self.file(key, bounds);
        }
        // Nobody has begun to wait meanwhile: only the vector's memory is kept.
        self.waiting = waiting;
    }

    /// Takes out those who are gone.
    pub(super) fn remove_gone(&mut self) -> impl Iterator<Item = (Key, Peer<S, U>)> {
        self.gone.drain(..).map(|key| (key, self.peers.remove(key)))
    }

    /// Takes out a peer that stands nowhere.
    pub(super) fn remove(&mut self, key: Key) -> Peer<S, U> {
        debug_assert_eq!(self[key].place, Place::Aside);
        self.peers.remove(key)
    }

    /// Takes out all.
    pub(super) fn remove_all(&mut self) -> impl Iterator<Item = (Key, Peer<S, U>)> {
        self.queue.clear();
        self.waiting.clear();
        self.gone.clear();
        self.busy = 0;
        mem::take(&mut self.peers).into_iter()
    }

    /// Panics unless those peers are queued for whom there is an errand, and no others; and
    /// unless as many are counted as busy as there are.
    pub(super) fn check_queue(&self, bounds: &Bounds) {
        for (key, peer) in self.peers.iter().filter(|(_, peer)| !peer.stage.is_over()) {
            let is_queued = peer.place == Place::Queued;
            let errand = peer.errand(bounds);
            assert_eq!(is_queued, errand.is_some(), "peer {key} has the errand {errand:?}");
        }
        let busy =
            self.peers.iter().filter(|(_, peer)| peer.present_weight() == Weight::Busy).count();
        assert_eq!(self.busy, busy, "busy peers");
    }
}

impl<S, U> Index<Key> for Roster<S, U> {
    type Output = Peer<S, U>;

    /// # Panics
    ///
    /// If there is no such peer.
    fn index(&self, key: Key) -> &Peer<S, U> {
        &self.peers[key]
    }
}

impl<S, U> IndexMut<Key> for Roster<S, U> {
    fn index_mut(&mut self, key: Key) -> &mut Peer<S, U> {
        &mut self.peers[key]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::peer::Stage;
    use crate::engine::peer::tests::{BOUNDS, peer, readable};
    use crate::link::tests::Scripted;

    fn roster(peers: usize) -> Roster<Scripted, ()> {
        let mut roster = Roster::new();
        for key in 0..peers {
            assert_eq!(roster.next_key(), key);
            assert_eq!(roster.insert(peer(Stage::AwaitingHead)), key);
            roster.file(key, &BOUNDS);
        }
        roster
    }

    fn note(roster: &mut Roster<Scripted, ()>, key: Key) {
        roster[key].link.note(readable());
        roster.file(key, &BOUNDS);
    }

    fn popped(roster: &mut Roster<Scripted, ()>) -> Vec<Key> {
        std::iter::from_fn(|| roster.pop()).collect()
    }

    #[test]
    fn peers_are_visited_once_in_the_order_of_their_errands() {
        let mut roster = roster(3);
        for key in [2, 0, 2] {
            note(&mut roster, key);
        }
        roster.file(1, &BOUNDS);
        roster.check_queue(&BOUNDS);
        assert_eq!(roster.queued(), 2);
        assert_eq!(popped(&mut roster), [2, 0]);
        assert_eq!(roster[2].place, Place::Aside);
    }

    #[test]
    #[should_panic(expected = "peer 1 has the errand Some(Read)")]
    fn peer_that_was_not_filed_is_found() {
        let mut roster = roster(2);
        roster[1].link.note(readable());
        roster.check_queue(&BOUNDS);
    }

    #[test]
    #[should_panic(expected = "peer 0 has the errand None")]
    fn peer_that_is_queued_for_nothing_is_found() {
        let mut roster = roster(1);
        roster[0].place = Place::Queued;
        roster.check_queue(&BOUNDS);
    }

    #[test]
    fn peers_that_wait_for_room_are_read_when_there_is_some() {
        let mut roster = roster(3);
        for key in [1, 2, 0] {
            roster[key].link.note(readable());
            roster.wait_for_room(key);
        }
        roster.check_queue(&BOUNDS);
        assert!(roster.has_waiting() && roster.queued() == 0);
        roster.end_waiting(&BOUNDS);
        assert!(!roster.has_waiting());
        assert_eq!(popped(&mut roster), [1, 2, 0]);
    }

    #[test]
    fn peer_that_gets_another_errand_waits_no_longer() {
        let mut roster = roster(4);
        (0..4).for_each(|key| roster.wait_for_room(key));
        for key in [1, 3, 0] {
            roster[key].stage = Stage::Closing;
            roster.file(key, &BOUNDS);
        }
        assert_eq!(popped(&mut roster), [1, 3, 0]);
        assert_eq!(roster.waiting, [2]);
        assert_eq!(roster[2].place, Place::WaitsForRoom(0));
        roster[2].link.note(readable());
        roster.end_waiting(&BOUNDS);
        assert_eq!(popped(&mut roster), [2]);
    }

    #[test]
    fn peers_without_a_first_request_are_busy_until_they_are_gone() {
        let mut roster = roster(3);
        roster.file(1, &BOUNDS);
        assert_eq!(roster.busy(), 3, "each is counted once");
        roster[1].stage = Stage::Closing;
        roster[2].close();
        for key in [1, 2] {
            roster.file(key, &BOUNDS);
        }
        assert_eq!(roster.busy(), 1);
        assert_eq!(roster.remove_gone().count(), 1);
        assert_eq!(roster.busy(), 1);
        assert_eq!(roster.remove_all().count(), 2);
        assert_eq!(roster.busy(), 0);
    }

    #[test]
    fn closed_peer_is_gone_once_wherever_it_stood() {
        let mut roster = roster(3);
        note(&mut roster, 0);
        roster.wait_for_room(1);
        for key in [0, 1, 2] {
            roster[key].close();
            roster.file(key, &BOUNDS);
            roster.file(key, &BOUNDS);
        }
        let gone: Vec<Key> = roster.remove_gone().map(|(key, _)| key).collect();
        assert_eq!(gone, [1, 2], "the other one is still queued");
        assert!(!roster.has_waiting());
        assert_eq!((roster.pop(), roster.len()), (Some(0), 1));
        roster.file(0, &BOUNDS);
        assert_eq!(roster.remove_gone().count(), 1);
        assert!(roster.is_empty() && roster.get(0).is_none());
    }
}
