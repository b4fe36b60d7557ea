//! Many peers at once, from a seed or a script.

mod operations;
mod settings;

use std::time::Duration;

use streamsum::handler::{Outcome, PeerAddr, UploadId};
use streamsum::proto::Response;

use super::erratic::{Erratic, Open, Stage};
use super::peer::Peer;
use super::watch::{View, Watch};
use super::{Client, Driver, Keeps, Reached, audit};
use crate::random::Random;

/// How much happens.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// How many are there at a time; who is through makes room for another.
    pub peers: usize,
    /// How many times something happens.
    pub operations: usize,
}

/// Whether anything but the peers' own doing disturbs them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// No time to speak of passes, and there is room for everything: every answer that
    /// is owed has to come.
    Calm,
    /// Time passes, room is short, the engine is drained: what comes has to be right.
    Stormy,
}

/// The status with which uploads are answered before they have ended.
pub(crate) const ENOUGH: u16 = 409;

/// The status with which pieces are answered.
pub(crate) const FULL: u16 = 507;

struct World<const DRAINS: bool> {
    driver: Driver<Erratic, DRAINS>,
    /// All that were ever there.
    peers: Vec<Peer>,
    /// Those who are there now, or are yet to come.
    present: Vec<usize>,
    weather: Weather,
    /// The most milliseconds that pass at once.
    pace: usize,
    watch: Watch,
    /// How many have made room.
    displaced: u64,
    random: Random,
}

// What a script consists of, in bytes: what holds for all, the peers, how it ends, and
// operations for the rest of it. Each has room for what it decides in most cases; what does not
// fit is decided by numbers made of the same bytes. A decision that is added changes what the
// scripts in `fuzz/` mean: a finding that matters has a test of its own.
const START_BYTES: usize = 24;
const END_BYTES: usize = 8;
const OPERATION_BYTES: usize = 10;

/// Plays one seed, or one script, to its end; tells how requests ended.
pub fn play<const DRAINS: bool>(mut random: Random, scale: Scale, weather: Weather) -> Reached {
    let record = random.begin_record(START_BYTES);
    let driver = Driver::new(settings::config(&mut random, weather), Erratic::new(random.share()));
    let pace = match weather {
        Weather::Calm => 5,
        Weather::Stormy => *random.pick(&[50, 500, 3_000, 15_000]),
    };
    random.end_record(record);
    let mut world: World<DRAINS> = World {
        driver,
        peers: (0..scale.peers).map(|peer| Peer::new(peer, &mut random)).collect(),
        present: (0..scale.peers).collect(),
        weather,
        pace,
        watch: Watch::new(),
        displaced: 0,
        random,
    };
    // A script says how it ends before it says what happens, for it may be cut short.
    let end = world.random.cut(END_BYTES);
    for _ in 0..scale.operations {
        if world.random.is_over() {
            break;
        }
        let record = world.random.begin_record(OPERATION_BYTES);
        world.operate();
        world.random.end_record(record);
    }
    world.random = end.unwrap_or(world.random);
    world.finish();
    world.audit();
    std::mem::take(&mut world.driver.handler.reached)
}

impl<const DRAINS: bool> World<DRAINS> {
    fn look(&mut self, is_settled: bool) {
        self.watch.look(&View {
            peers: &self.peers,
            handler: &self.driver.handler,
            config: self.driver.engine.config(),
            turns: self.driver.engine.stats().turns,
            at: self.driver.clock.elapsed(),
            has_room: self.has_room(),
            is_settled,
        });
    }

    /// A peer's end of its connection, which begins with this call at the latest.
    fn client(&mut self, number: usize) -> Client {
        if let Some(client) = &self.peers[number].client {
            return client.clone();
        }
        let address = format!("192.0.2.1:{number}").parse().unwrap();
        let client = self.driver.connect_from(PeerAddr::Tcp(address));
        client.set_longest_read(1 + self.random.below(10_000));
        client.set_longest_write(1 + self.random.below(1_000));
        if self.random.chance(50) {
            client.falter(Random::new(self.random.number()));
        }
        if !DRAINS && self.random.chance(50) {
            let (most, wants) = (1 + self.random.below(2_000), *self.random.pick(&[0, 5, 50]));
            client.begin_session(most, wants, Random::new(self.random.number()));
        }
        self.peers[number].client = Some(client.clone());
        client
    }

    fn owing(&self) -> Vec<(UploadId, Open)> {
        let open = self.driver.handler.open.iter();
        let owing = open.filter(|(_, open)| open.is_owed());
        owing.map(|(id, open)| (*id, open.clone())).collect()
    }

    fn decide_on(&mut self, id: UploadId, open: &Open) {
        let is_known = match &open.stage {
            Stage::Late(digest) => {
                let digest = digest.clone();
                self.driver.engine.answer(id, Response::text(200, digest))
            }
            _ => self.driver.engine.resume(id),
        };
        // A deadline may have answered for the handler, in the turn that comes next.
        assert!(is_known || self.weather == Weather::Stormy, "{id:?} is not known: {open:?}");
        if is_known && let Some(open) = self.driver.handler.open.get_mut(&id) {
            if open.stage == Stage::Paused {
                open.credit = None;
            }
            open.stage = match open.stage {
                Stage::Late(_) => Stage::Finished,
                _ => Stage::Taking,
            };
        }
    }

    /// Time goes by, and the loop wakes up when the engine has asked for it.
    fn advance(&mut self, time: Duration) {
        let end = self.driver.clock.elapsed() + time;
        self.settle();
        loop {
            let now = self.driver.clock.now();
            let rest = end - self.driver.clock.elapsed();
            let due = self.driver.engine.deadline(now);
            let due = due.map_or(rest, |due| due.saturating_duration_since(now.monotonic));
            self.driver.clock.advance(due.min(rest));
            self.settle();
            if due >= rest {
                return;
            }
        }
    }

    fn settle(&mut self) {
        self.driver.settle();
        self.look(true);
        if self.has_room() {
            for (number, peer) in self.peers.iter().enumerate() {
                let is_blocked = self.driver.handler.blocks(number);
                peer.assert_nothing_is_left(number, is_blocked, self.driver.engine.config());
            }
        }
    }

    /// True if nobody has to wait for room to be read.
    fn has_room(&self) -> bool {
        self.driver.engine.config().max_held >= 64 << 20
    }

    /// All peers read, send what is left and end; the handler says what it owes.
    fn finish(&mut self) {
        if self.weather == Weather::Stormy && self.random.chance(10) {
            self.shut_down();
        }
        for number in 0..self.peers.len() {
            let client = self.client(number);
            let never_reads = self.weather == Weather::Stormy && self.random.chance(10);
            if !never_reads {
                client.set_window(usize::MAX);
            }
            let peer = &mut self.peers[number];
            if !peer.is_over {
                client.send(&peer.plan.bytes[peer.sent..]);
                peer.sent = peer.plan.bytes.len();
                peer.end();
            }
        }
        self.settle();
        self.say_what_is_owed();
        if self.weather == Weather::Stormy {
            self.advance(Duration::from_secs(200));
        }
        // Those who are left are kept by no deadline, and leave by themselves.
        for number in 0..self.peers.len() {
            let client = self.client(number);
            client.set_window(usize::MAX);
            if !client.has_finished() {
                client.finish();
            }
        }
        self.settle();
        self.say_what_is_owed();
        if self.weather == Weather::Stormy {
            self.advance(Duration::from_secs(200));
        }
    }

    fn say_what_is_owed(&mut self) {
        self.give_back_all();
        while !self.owing().is_empty() {
            for (id, open) in self.owing() {
                self.decide_on(id, &open);
            }
            self.settle();
            self.give_back_all();
        }
    }

    /// Those who wait for room are read then.
    fn give_back_all(&mut self) {
        while self.driver.handler.keeps() {
            self.driver.handler.give_back(usize::MAX);
            self.settle();
        }
    }

    fn shut_down(&mut self) {
        self.watch.expect_ends();
        let now = self.driver.clock.now();
        self.driver.engine.shut_down(now, &mut self.driver.handler);
        assert!(self.driver.engine.is_empty());
        let connected = self.peers.iter().filter_map(|peer| peer.client.as_ref());
        assert!(connected.into_iter().all(Client::is_closed), "somebody was not closed");
    }

    fn audit(&self) {
        let (engine, handler) = (&self.driver.engine, &self.driver.handler);
        assert!(engine.is_empty(), "{} peers never ended", engine.connections());
        assert_eq!((engine.held(), engine.buffers_out()), (0, 0));
        assert_eq!(handler.begun, handler.over.len(), "requests that began and never ended");
        assert!(handler.open.is_empty());
        self.audit_stats();
        let requests = engine.config().limits.requests.map_or(usize::MAX, |most| most as usize);
        let rules = audit::Rules { weather: self.weather, requests };
        for (number, peer) in self.peers.iter().enumerate() {
            audit::audit(number, peer, handler.ended_of(number), rules);
        }
    }

    /// All that is counted, once more from outside: a counter that is missing here fails.
    fn audit_stats(&self) {
        let (stats, handler) = (self.driver.engine.stats(), &self.driver.handler);
        let clients: Vec<&Client> =
            self.peers.iter().filter_map(|peer| peer.client.as_ref()).collect();
        let taken: usize = clients.iter().map(|client| client.taken()).sum();
        let output: usize = clients.iter().map(|client| client.output_len() + client.stuck()).sum();
        let (mut answers, mut refusals, mut aborts) = (0, 0, 0);
        for ended in (0..self.peers.len()).flat_map(|number| handler.ended_of(number)) {
            match ended.outcome {
                Outcome::Answered(_) => answers += 1,
                Outcome::Refused(_) => refusals += 1,
                Outcome::Aborted(_) => aborts += 1,
            }
        }
        let counted = [
            ("connections", clients.len() as u64),
            ("displaced", self.displaced),
            ("requests", handler.begun as u64),
            ("answers", answers),
            ("faults", handler.faults),
            ("refusals", refusals),
            ("aborts", aborts),
            ("bytes_read", taken as u64),
            ("bytes_written", output as u64),
            ("turns", self.driver.turns),
            ("waves", handler.batches),
            ("pieces", handler.pieces),
        ];
        assert_eq!(
            stats.to_string(),
            counted.map(|(name, count)| format!("{name}={count}")).join(" ")
        );
    }
}
