//! All peers by their keys, and who among them is to be visited, waits or is gone.

use std::collections::VecDeque;
use std::mem;
use std::ops::{Index, IndexMut};

use slab::Slab;

use super::ids::Key;
use super::peer::{Bounds, Peer, Place};
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
}

impl<S: Socket, U> Roster<S, U> {
    pub(super) fn new() -> Self {
        Self { peers: Slab::new(), queue: VecDeque::new(), waiting: Vec::new(), gone: Vec::new() }
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
        mem::take(&mut self.peers).into_iter()
    }

    /// Panics unless those peers are queued for whom there is an errand, and no others.
    pub(super) fn check_queue(&self, bounds: &Bounds) {
        for (key, peer) in self.peers.iter().filter(|(_, peer)| !peer.stage.is_over()) {
            let is_queued = peer.place == Place::Queued;
            let errand = peer.errand(bounds);
            assert_eq!(is_queued, errand.is_some(), "peer {key} has the errand {errand:?}");
        }
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
