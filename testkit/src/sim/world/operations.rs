//! What may happen: somebody sends, reads, ends, the handler decides, time passes.

use std::time::Duration;

use streamsum::handler::UploadId;
use streamsum::proto::Response;

use super::{ENOUGH, Weather, World};
use crate::sim::Client;
use crate::sim::erratic::{Open, Stage};
use crate::sim::peer::Peer;

impl<const DRAINS: bool> World<DRAINS> {
    /// One of them, as the random source says.
    pub(super) fn operate(&mut self) {
        match self.random.below(100) {
            0..60 => self.send(),
            60..70 => self.decide(),
            70..78 => self.change_window(),
            78..80 => self.cut_short(),
            80..82 => self.answer_what_is_over(),
            82..84 => self.disturb(),
            84..89 => self.pass_time(),
            89..93 => self.urge(),
            93..96 => self.make_room(),
            96..99 => self.driver.handler.give_back(1 + self.random.below(5)),
            _ => {}
        }
        if self.random.chance(70) {
            self.driver.turn();
        }
        if self.random.chance(20) {
            self.settle();
        }
        self.look(false);
    }

    /// One of those who are there; now and then somebody new in place of one who is gone.
    fn somebody(&mut self) -> usize {
        let place = self.random.below(self.present.len());
        let peer = &self.peers[self.present[place]];
        let is_gone = peer.is_over && peer.client.as_ref().is_none_or(Client::is_closed);
        if is_gone && self.random.chance(30) {
            self.present[place] = self.peers.len();
            self.peers.push(Peer::new(self.peers.len(), &mut self.random));
        }
        self.present[place]
    }

    /// Some peer sends some bytes, or ends.
    fn send(&mut self) {
        let number = self.somebody();
        let length = match self.random.below(10) {
            0..2 => self.random.below(10),
            2..6 => self.random.below(500),
            6..9 => self.random.below(10_000),
            _ => usize::MAX,
        };
        let is_later = self.random.chance(20);
        let waits = self.random.chance(40);
        let client = self.client(number);
        let peer = &mut self.peers[number];
        if peer.is_over {
            return;
        }
        let rest = &peer.plan.bytes[peer.sent..];
        let mut length = length.min(rest.len());
        if waits && let Some(end) = peer.plan.next_expectation(peer.sent) {
            length = length.min(end - peer.sent);
        }
        let part = &rest[..length];
        if is_later {
            client.send_later(part)
        } else {
            client.send(part)
        }
        peer.sent += part.len();
        if peer.sent == peer.plan.bytes.len() {
            peer.end();
        }
    }

    /// Some peer sends urgent data amid its bytes.
    fn urge(&mut self) {
        let number = self.somebody();
        let length = self.random.below(500);
        let client = self.client(number);
        let peer = &mut self.peers[number];
        if peer.is_over {
            return;
        }
        let rest = &peer.plan.bytes[peer.sent..];
        let part = &rest[..length.min(rest.len())];
        let (before, behind) = part.split_at(part.len() / 2);
        client.send(before);
        client.urge();
        client.send(behind);
        peer.sent += part.len();
        if peer.sent == peer.plan.bytes.len() {
            peer.end();
        }
    }

    /// The handler says one of the words that it owes.
    fn decide(&mut self) {
        let owing: Vec<(UploadId, Open)> = self.owing();
        if !owing.is_empty() {
            let (id, open) = self.random.pick(&owing).clone();
            self.decide_on(id, &open);
        }
    }

    /// The handler has enough of some upload.
    fn cut_short(&mut self) {
        let is_in_work = |stage: &Stage| !matches!(stage, Stage::Finished | Stage::Refused);
        let open = self.driver.handler.open.iter();
        let open = open.filter(|(_, open)| is_in_work(&open.stage));
        let open: Vec<(UploadId, Open)> = open.map(|(id, open)| (*id, open.clone())).collect();
        if open.is_empty() {
            return;
        }
        let (id, open) = self.random.pick(&open).clone();
        if self.driver.engine.answer(id, Response::text(ENOUGH, "enough")) {
            self.peers[open.peer].cut_short.push(open.number);
            if let Some(open) = self.driver.handler.open.get_mut(&id) {
                open.is_cut_short = true;
            }
            let again = self.driver.engine.answer(id, Response::text(200, "again"));
            assert!(!again, "answered twice");
        }
    }

    fn answer_what_is_over(&mut self) {
        for id in self.driver.handler.over.iter().rev().take(20) {
            let response = Response::text(200, "too late");
            assert!(!self.driver.engine.answer(*id, response), "{id:?} is over");
            assert!(!self.driver.engine.resume(*id), "{id:?} is over");
        }
    }

    fn change_window(&mut self) {
        let number = self.somebody();
        let client = self.client(number);
        match self.random.below(4) {
            0 => client.set_window(0),
            1 => client.set_window(usize::MAX),
            _ => client.set_window(self.random.below(1_000)),
        }
    }

    /// What a peer, or the poll, may do to anybody at any time.
    fn disturb(&mut self) {
        let number = self.somebody();
        let client = self.client(number);
        let is_over = self.peers[number].is_over;
        match self.random.below(4) {
            0 if !is_over => {
                client.reset();
                self.peers[number].is_over = true;
            }
            1 if !is_over => {
                client.finish();
                self.peers[number].is_over = true;
            }
            2 if self.weather == Weather::Stormy && self.random.chance(2) => {
                self.watch.expect_ends();
                self.driver.engine.drain();
                self.driver.handler.drains = true;
            }
            _ => {
                self.driver.poll();
                if !client.is_closed() {
                    self.driver.note_spuriously(&client);
                }
            }
        }
    }

    /// Somebody idle makes room, as if a newcomer had come. In a calm its next request may
    /// not be lost.
    fn make_room(&mut self) {
        let now = self.driver.clock.now();
        let longest = self.driver.engine.longest_idle(now);
        let Some(key) = longest.ok().filter(|_| self.weather == Weather::Stormy) else { return };
        let is_it = |peer: &Peer| {
            let client = peer.client.as_ref().filter(|client| !client.is_closed());
            client.is_some_and(|client| self.driver.key_of(client) == key)
        };
        let number = self.peers.iter().position(is_it).expect("somebody who is there");
        assert!(self.driver.engine.displace(key));
        self.displaced += 1;
        self.watch.expect_to_give_way(number);
    }

    fn pass_time(&mut self) {
        let time = Duration::from_millis(self.random.below(self.pace) as u64);
        if self.random.chance(50) {
            // The loop was busy elsewhere.
            self.driver.clock.advance(time);
            self.watch.be_busy(time);
        } else {
            self.advance(time);
        }
    }
}
