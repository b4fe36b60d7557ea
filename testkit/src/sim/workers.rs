//! Several engines that are fed by one acceptor, as the workers of a server are: it knows of the
//! others only what they said last, and what it has sent them since.

use std::collections::VecDeque;
use std::time::Duration;

use streamsum::engine::{Config, Timeouts};
use streamsum::handler::PeerAddr;
use streamsum::placement::{Load, Placement, place};

use super::{Client, Driver, Recorder};
use crate::content::digest;
use crate::random::Random;

/// The answer comes within so many rounds of a second, or never.
const MOST_ROUNDS: usize = 1_000;

/// One that uploads again and again.
struct Uploader {
    client: Option<Client>,
    /// Its current request, whole.
    request: Vec<u8>,
    sent: usize,
    digest: String,
    /// How many are to come behind the current one.
    left: usize,
}

impl Uploader {
    fn new(random: &mut Random) -> Self {
        let left = random.below(4);
        let mut uploader =
            Self { client: None, request: Vec::new(), sent: 0, digest: String::new(), left };
        uploader.begin(random);
        uploader
    }

    fn begin(&mut self, random: &mut Random) {
        let length = random.below(3_000);
        let content = random.bytes(length);
        let head = format!("PUT /f HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n");
        self.digest = digest(&content);
        self.request = [head.as_bytes(), &content].concat();
        self.sent = 0;
    }

    fn is_through(&self) -> bool {
        self.sent == self.request.len()
    }

    /// Sends on what there is, though nobody may have accepted it yet.
    fn send(&mut self, bytes: usize) {
        let end = self.request.len().min(self.sent + bytes);
        if let Some(client) = &self.client {
            client.send(&self.request[self.sent..end]);
        }
        self.sent = end;
    }
}

/// How often the rare things have happened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// Uploads that got their digest.
    pub answered: u64,
    /// Connections for which an idle one had to give way, here or elsewhere.
    pub displaced: u64,
    /// Connections for which there was no place at first.
    pub waited: u64,
    /// Connections that a worker took which was passed over while it was full.
    pub passed_over: u64,
    /// Workers that could not give way when they were asked.
    pub refused: u64,
}

impl Seen {
    /// Adds what another game has seen.
    pub fn add(&mut self, other: Seen) {
        self.answered += other.answered;
        self.displaced += other.displaced;
        self.waited += other.waited;
        self.passed_over += other.passed_over;
        self.refused += other.refused;
    }
}

struct Game {
    workers: Vec<Driver<Recorder>>,
    share: usize,
    /// What the acceptor knows.
    told: Vec<Load>,
    uploaders: Vec<Uploader>,
    /// Those who wait to be accepted.
    backlog: VecDeque<usize>,
    /// The one who was accepted and has no place.
    waiting: Option<usize>,
    /// Workers that could not give way lately.
    refused: Vec<bool>,
    /// Those who were sent to each worker.
    arrivals: Vec<VecDeque<usize>>,
    seen: Seen,
    random: Random,
}

/// Plays one seed to its end, and tells what happened.
pub fn play(mut random: Random) -> Seen {
    let count = 1 + random.below(4);
    let share = 1 + random.below(6);
    let timeouts = Timeouts::default().head(None).idle(None).body(None).min_rate(None).write(None);
    let config = Config::default().connections(share).timeouts(timeouts);
    let driver = |_| Driver::new(config.clone(), Recorder::default());
    let empty = Load { busy: 0, connections: 0, max_connections: share };
    let mut game = Game {
        workers: (0..count).map(driver).collect(),
        share,
        told: vec![empty; count],
        uploaders: Vec::new(),
        backlog: VecDeque::new(),
        waiting: None,
        refused: vec![false; count],
        arrivals: vec![VecDeque::new(); count],
        seen: Seen::default(),
        random,
    };
    for _ in 0..500 {
        game.operate();
    }
    game.finish();
    game.seen
}

impl Game {
    fn operate(&mut self) {
        let worker = self.random.below(self.workers.len());
        match self.random.below(10) {
            0 | 1 => {
                self.backlog.push_back(self.uploaders.len());
                self.uploaders.push(Uploader::new(&mut self.random));
            }
            2 => self.accept(),
            3 => self.tell(worker),
            4 => {
                let millis = self.random.below(1_500) as u64;
                self.advance(Duration::from_millis(millis));
            }
            5 => self.settle(worker),
            _ if self.uploaders.is_empty() => {}
            _ => {
                let number = self.random.below(self.uploaders.len());
                // Whether it was closed meanwhile it sees before it sends.
                self.look_at(number);
                self.uploaders[number].send(1 + self.random.below(2_000));
            }
        }
    }

    /// The acceptor knows its own load, and of the others what it was told.
    fn accept(&mut self) {
        self.tell(0);
        while let Some(number) = self.waiting.take().or_else(|| self.backlog.pop_front()) {
            let passed_over = |(load, has_refused): (&Load, &bool)| {
                if *has_refused { Load { busy: load.connections, ..*load } } else { *load }
            };
            let loads = self.told.iter().zip(&self.refused).map(passed_over);
            match place(loads) {
                Placement::Free(worker) => {
                    self.assert_least(worker);
                    self.told[worker].busy += 1;
                    self.told[worker].connections += 1;
                    self.arrivals[worker].push_back(number);
                    self.welcome(worker);
                }
                Placement::Displacing(worker) => {
                    let full = |load: &Load| load.connections >= load.max_connections;
                    assert!(self.told.iter().all(full), "{:?}", self.told);
                    self.waiting = Some(number);
                    self.ask(worker);
                }
                Placement::Nowhere => {
                    self.seen.waited += 1;
                    self.waiting = Some(number);
                    return;
                }
            }
        }
    }

    /// A worker gives way with an idle connection if it has one, and tells its load.
    fn ask(&mut self, worker: usize) {
        let driver = &mut self.workers[worker];
        let now = driver.clock.now();
        match driver.engine.longest_idle(now) {
            Ok(key) => {
                assert!(driver.engine.displace(key), "it is idle");
                self.seen.displaced += 1;
                self.tell(worker);
            }
            Err(_) => {
                self.seen.refused += 1;
                self.refused[worker] = true;
            }
        }
    }

    /// Nobody who has a place has fewer.
    fn assert_least(&mut self, worker: usize) {
        let busy = self.told[worker].busy;
        for load in &self.told {
            let is_full = load.connections >= self.share;
            assert!(is_full || busy <= load.busy, "{worker} of {:?}", self.told);
            self.seen.passed_over += u64::from(is_full && load.busy < busy);
        }
    }

    /// A worker takes in those that were sent to it.
    fn welcome(&mut self, worker: usize) {
        while let Some(number) = self.arrivals[worker].pop_front() {
            let driver = &mut self.workers[worker];
            let client = driver.connect_from(PeerAddr::Unix);
            let uploader = &mut self.uploaders[number];
            client.send(&uploader.request[..uploader.sent]);
            uploader.client = Some(client);
            assert!(driver.engine.connections() <= self.share, "more than its share");
        }
    }

    fn tell(&mut self, worker: usize) {
        let (engine, waiting) = (&self.workers[worker].engine, self.arrivals[worker].len());
        let busy = engine.busy() + waiting;
        let connections = engine.connections() + waiting;
        self.told[worker] = Load { busy, connections, max_connections: self.share };
    }

    fn settle(&mut self, worker: usize) {
        self.workers[worker].settle();
        self.welcome(worker);
        self.workers[worker].settle();
    }

    fn advance(&mut self, time: Duration) {
        for worker in 0..self.workers.len() {
            self.workers[worker].advance(time);
            self.settle(worker);
        }
        self.refused.fill(false);
    }

    /// An uploader reads its answer, and goes on or leaves.
    fn look_at(&mut self, number: usize) {
        let uploader = &mut self.uploaders[number];
        let Some(client) = uploader.client.clone() else { return };
        let answer = client.take_output();
        if !answer.is_empty() {
            assert!(uploader.is_through(), "answered before its end: {answer}");
            assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with(&uploader.digest));
            self.seen.answered += 1;
            uploader.left = uploader.left.saturating_sub(1);
            if uploader.left == 0 {
                uploader.request.clear();
                uploader.sent = 0;
                // Some never leave, and are idle.
                if self.random.chance(50) {
                    client.finish();
                }
                return;
            }
            uploader.begin(&mut self.random);
        }
        if client.is_closed() && !uploader.request.is_empty() {
            // It had to give way, which nobody has to who has sent something.
            assert_eq!(uploader.sent, 0, "cut off");
            uploader.client = None;
            self.backlog.push_back(number);
        }
    }

    /// All send what is left, and the workers drain when nobody waits.
    fn finish(&mut self) {
        let is_done = |uploader: &Uploader| uploader.request.is_empty();
        for round in 0.. {
            assert!(round < MOST_ROUNDS, "somebody waits for ever: {:?}", self.told);
            self.advance(Duration::from_secs(1));
            for number in 0..self.uploaders.len() {
                self.look_at(number);
                self.uploaders[number].send(usize::MAX >> 1);
            }
            for worker in 0..self.workers.len() {
                self.tell(worker);
            }
            self.accept();
            if self.uploaders.iter().all(is_done) {
                break;
            }
        }
        assert!(self.backlog.is_empty() && self.waiting.is_none());
        for driver in &mut self.workers {
            driver.engine.drain();
            driver.advance(Duration::from_secs(60));
            assert!(driver.engine.is_empty(), "somebody never left: {:?}", driver.engine);
            assert_eq!(driver.engine.busy(), 0);
        }
        let answers = self.workers.iter().map(|driver| driver.engine.stats().answers);
        assert_eq!(answers.sum::<u64>(), self.seen.answered);
        let displaced = self.workers.iter().map(|driver| driver.engine.stats().displaced);
        assert_eq!(displaced.sum::<u64>(), self.seen.displaced);
    }
}
