//! Many peers at once, from a seed or a script.

use std::time::Duration;

use streamsum::engine::{Config, Timeouts};
use streamsum::handler::{Outcome, PeerAddr, UploadId};
use streamsum::proto::Response;

use super::erratic::{Erratic, Open, Stage};
use super::traffic::{Ending, Plan};
use super::watch::{View, Watch};
use super::{Client, Driver, Reached, audit, faults};
use crate::random::Random;

/// How much happens.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// How many are there at a time; who is through makes room for another.
    pub peers: usize,
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

pub(crate) struct Peer {
    /// None until it connects.
    pub(crate) client: Option<Client>,
    pub(crate) plan: Plan,
    pub(crate) sent: usize,
    /// Whether it has sent all it will.
    pub(crate) is_over: bool,
    /// The requests that were answered with [`ENOUGH`].
    pub(crate) cut_short: Vec<usize>,
}

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
    random: Random,
}

// What a script consists of, in bytes: what holds for all, the peers, how it ends, and
// operations for the rest of it. Each has room for what it decides in most cases.
const START_BYTES: usize = 24;
const PEER_BYTES: usize = 16;
const END_BYTES: usize = 8;
const OPERATION_BYTES: usize = 10;

/// Plays one seed, or one script, to its end; tells how requests ended.
pub fn play<const DRAINS: bool>(mut random: Random, scale: Scale, weather: Weather) -> Reached {
    let record = random.begin_record(START_BYTES);
    let driver = Driver::new(config(&mut random, weather), Erratic::new(random.share()));
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

fn config(random: &mut Random, weather: Weather) -> Config {
    let limit = random.chance(20).then(|| 1 + random.below(5) as u32);
    let is_short = weather == Weather::Stormy && random.chance(50);
    let timeouts = match weather {
        Weather::Calm => Timeouts::default(),
        Weather::Stormy => timeouts(random),
    };
    let buffer = *random.pick(&[4 << 10, 8 << 10, 64 << 10]);
    let config = Config::default()
        .limits(faults::limits().requests(limit))
        .timeouts(timeouts)
        .buffer(buffer)
        .lone_buffer(buffer * *random.pick(&[1, 2, 4]))
        .batch(*random.pick(&[1, 2, 5, 16, 32]))
        .turn_bytes(buffer.max(*random.pick(&[4 << 10, 20_000, 2 << 20])))
        .output(*random.pick(&[0, 200, 2_000, 16 << 10]))
        .kept_target(*random.pick(&[0, 4, 100]));
    if is_short { config.clone().held(config.least_held()) } else { config }
}

/// Any of them may be off.
fn timeouts(random: &mut Random) -> Timeouts {
    let mut seconds = |choices: &[u64]| Duration::from_secs(*random.pick(choices));
    let mut timeouts = Timeouts::default()
        .head(seconds(&[2, 10]))
        .idle(seconds(&[3, 75]))
        .stall(seconds(&[4, 30]))
        .rate(240)
        .rate_grace(seconds(&[3, 20]))
        .write(seconds(&[5, 30]))
        .late(seconds(&[6, 60]))
        .linger_silence(seconds(&[1, 5]))
        .linger(seconds(&[2, 30]))
        .linger_bytes(*random.pick(&[None, Some(20_000)]));
    match random.below(15) {
        0 => timeouts.head = None,
        1 => timeouts.idle = None,
        2 => timeouts.stall = None,
        3 => timeouts.rate = None,
        4 => timeouts.write = None,
        5 => timeouts.late = None,
        _ => {}
    }
    timeouts
}

impl<const DRAINS: bool> World<DRAINS> {
    fn operate(&mut self) {
        match self.random.below(100) {
            0..60 => self.send(),
            60..70 => self.decide(),
            70..78 => self.change_window(),
            78..80 => self.cut_short(),
            80..82 => self.answer_what_is_over(),
            82..84 => self.disturb(),
            84..89 => self.pass_time(),
            89..93 => self.urge(),
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
        self.peers[number].client = Some(client.clone());
        client
    }

    /// The handler says one of the words that it owes.
    fn decide(&mut self) {
        let owing: Vec<(UploadId, Open)> = self.owing();
        if !owing.is_empty() {
            let (id, open) = self.random.pick(&owing).clone();
            self.decide_on(id, &open);
        }
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
            open.stage = match open.stage {
                Stage::Late(_) => Stage::Finished,
                _ => Stage::Taking,
            };
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

    /// Whether nobody has to wait for room to be read.
    fn has_room(&self) -> bool {
        self.driver.engine.config().held >= 64 << 20
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
        while !self.owing().is_empty() {
            for (id, open) in self.owing() {
                self.decide_on(id, &open);
            }
            self.settle();
        }
    }

    fn shut_down(&mut self) {
        self.watch.expect_ends();
        let now = self.driver.clock.now();
        self.driver.engine.shut_down(now, &mut self.driver.handler);
        assert!(self.driver.engine.is_idle());
        let connected = self.peers.iter().filter_map(|peer| peer.client.as_ref());
        assert!(connected.into_iter().all(Client::is_closed), "somebody was not closed");
    }

    fn audit(&self) {
        let (engine, handler) = (&self.driver.engine, &self.driver.handler);
        assert!(engine.is_idle(), "{} peers never ended", engine.connections());
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

    /// All that is counted, once more from outside.
    fn audit_stats(&self) {
        let (stats, handler) = (self.driver.engine.stats(), &self.driver.handler);
        let clients: Vec<&Client> =
            self.peers.iter().filter_map(|peer| peer.client.as_ref()).collect();
        let taken: usize = clients.iter().map(|client| client.taken()).sum();
        let output: usize = clients.iter().map(|client| client.output_len()).sum();
        let (mut answers, mut refusals, mut aborts) = (0, 0, 0);
        for ended in (0..self.peers.len()).flat_map(|number| handler.ended_of(number)) {
            match ended.outcome {
                Outcome::Answered(_) => answers += 1,
                Outcome::Refused(_) => refusals += 1,
                Outcome::Aborted(_) => aborts += 1,
            }
        }
        assert_eq!(stats.connections, clients.len() as u64);
        assert_eq!(stats.requests, handler.begun as u64);
        assert_eq!((stats.answers, stats.refusals, stats.aborts), (answers, refusals, aborts));
        assert_eq!((stats.bytes_read, stats.bytes_written), (taken as u64, output as u64));
        assert_eq!((stats.batches, stats.pieces), (handler.batches, handler.pieces));
    }
}

impl Peer {
    fn new(number: usize, random: &mut Random) -> Self {
        let record = random.begin_record(PEER_BYTES);
        let plan = Plan::new(number, random);
        random.end_record(record);
        Self { client: None, plan, sent: 0, is_over: false, cut_short: Vec::new() }
    }

    fn end(&mut self) {
        let Some(client) = &self.client else { return };
        match self.plan.ending {
            Ending::Finish => client.finish(),
            Ending::Reset => client.reset(),
            Ending::Silence => {}
        }
        self.is_over = true;
    }

    /// When the engine rests, nothing may be left that only an event that never comes
    /// would bring to its notice.
    fn assert_nothing_is_left(&self, number: usize, is_blocked: bool, config: &Config) {
        let Some(client) = self.client.as_ref().filter(|client| !client.is_closed()) else {
            return;
        };
        // Lingering may have read all the bytes that it reads.
        let has_lingered = config.timeouts.linger_bytes.is_some() && client.sees_half_close();
        let is_excused = is_blocked || client.is_full() || has_lingered;
        assert!(is_excused || client.untaken() == 0, "peer {number} is not read");
        let has_ended = client.has_finished() || client.has_reset();
        assert!(is_excused || !has_ended, "the end of peer {number} is not seen");
        assert!(has_lingered || !client.has_reset(), "the reset of peer {number} is not seen");
    }
}
