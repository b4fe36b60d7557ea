//! A resident beside the engine, in the same loop: a handler that passes uploads on to a store,
//! whose links are in the poll too, as are its timers. Its brake is the store.

mod passer;

use std::collections::BTreeMap;
use std::time::Duration;

use streamsum::engine::{Config, Timeouts};
use streamsum::handler::PeerAddr;
use streamsum::resident::Resident;

use super::uploader::Uploader;
use super::{Client, Driver, Socket};
use crate::content::digest;
use crate::random::Random;
use passer::{FAILED, KEPT, Passer, Stage};

/// The most that a read gives.
const BUFFER: usize = 4 << 10;

/// All is over after so many seconds, or never.
const MOST_SECONDS: usize = 1_000;

fn uploader(number: usize, client: Client, random: &mut Random) -> Uploader {
    let length = random.below(20_000);
    let content = random.bytes(length);
    Uploader::new(client, &format!("/{number}"), "", content, random)
}

/// How uploads have ended, and how often the rare things have happened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Passed {
    /// Kept by the store: their digest was the answer.
    pub kept: u64,
    /// Not kept, as the store said.
    pub failed: u64,
    /// The store broke the link.
    pub broken: u64,
    /// The store said nothing in time.
    pub silent: u64,
    /// Their client broke off.
    pub gone: u64,
    /// Had to wait for a link.
    pub waited: u64,
    /// The store took no more for a while.
    pub full: u64,
}

impl Passed {
    /// Adds what another game has seen.
    pub fn add(&mut self, other: Passed) {
        self.kept += other.kept;
        self.failed += other.failed;
        self.broken += other.broken;
        self.silent += other.silent;
        self.gone += other.gone;
        self.waited += other.waited;
        self.full += other.full;
    }

    /// True if each of them has happened.
    pub fn is_complete(&self) -> bool {
        let Self { kept, failed, broken, silent, gone, waited, full } = *self;
        [kept, failed, broken, silent, gone, waited, full].iter().all(|times| *times > 0)
    }
}

struct Game {
    driver: Driver<Passer>,
    uploaders: Vec<Uploader>,
    /// What the store has got of the upload of each place.
    received: Vec<Vec<u8>>,
    /// What the store has decided on uploads, as the status that comes of it.
    said: BTreeMap<usize, u16>,
    random: Random,
}

/// Plays one seed to its end, and tells what happened.
pub fn play(mut random: Random) -> Passed {
    let timeouts = Timeouts::default()
        .head(None)
        .idle(None)
        .body(None)
        .min_rate(None)
        .write(None)
        .late(None)
        .linger(Duration::from_secs(5));
    let config = Config::default().buffer(BUFFER).lone_buffer(BUFFER).timeouts(timeouts);
    let count = 1 + random.below(4);
    let (neighbours, sockets): (Vec<_>, Vec<_>) = (0..count).map(|_| link(&mut random)).unzip();
    let mut driver = Driver::new(config, Passer::new(sockets, random.share()));
    driver.neighbours = neighbours;
    let mut game = Game {
        driver,
        uploaders: Vec::new(),
        received: vec![Vec::new(); count],
        said: BTreeMap::new(),
        random,
    };
    for _ in 0..500 {
        game.operate();
        game.look();
    }
    game.finish();
    game.audit()
}

/// A link to the store, and its far end.
fn link(random: &mut Random) -> (Client, Socket<false>) {
    let (client, socket) = Client::connect();
    client.set_longest_write(1 + random.below(3_000));
    if random.chance(50) {
        client.set_window(random.below(5_000));
    }
    (client, socket)
}

impl Game {
    fn operate(&mut self) {
        match self.random.below(20) {
            0 | 1 => {
                let client = self.driver.connect_from(PeerAddr::Unix);
                let number = self.uploaders.len();
                self.uploaders.push(uploader(number, client, &mut self.random));
            }
            2..=4 => {
                let place = self.random.below(self.received.len());
                self.say(place);
            }
            5..=8 => {
                let place = self.random.below(self.received.len());
                let neighbour = &self.driver.neighbours[place];
                match self.random.below(4) {
                    0 => neighbour.set_window(0),
                    1 => neighbour.set_window(usize::MAX),
                    _ => neighbour.widen(self.random.below(8_000)),
                }
            }
            9 => {
                let millis = self.random.below(4_000) as u64;
                self.driver.advance(Duration::from_millis(millis));
            }
            10..=12 => drop(self.driver.settle()),
            13 => self.driver.turn(),
            _ if self.uploaders.is_empty() => {}
            _ => {
                let number = self.random.below(self.uploaders.len());
                self.uploaders[number].go_on(&mut self.random);
            }
        }
    }

    /// The store may say its word on the upload of a place, or break the link.
    fn say(&mut self, place: usize) {
        let neighbour = &self.driver.neighbours[place];
        let upload = self.driver.handler.places[place].upload.as_ref();
        let Some((_, number, stage)) = upload else {
            if self.random.chance(10) {
                neighbour.reset();
            }
            return;
        };
        let is_whole = matches!(stage, Stage::Whole { .. });
        let is_through = matches!(stage, Stage::Answered { .. }) || self.said.contains_key(number);
        if is_through || !is_whole && self.random.chance(90) {
            return;
        }
        let status = match self.random.below(100) {
            0..10 => {
                neighbour.reset();
                502
            }
            10..25 => {
                neighbour.send([FAILED]);
                507
            }
            25..50 => return,
            _ if !is_whole => return,
            _ => {
                assert_eq!(self.received[place], self.uploaders[*number].content, "kept otherwise");
                neighbour.send([KEPT]);
                self.received[place].clear();
                200
            }
        };
        self.said.insert(*number, status);
    }

    /// What the store has got is what was sent, and no more is taken of a client than that and
    /// what a read gives.
    fn look(&mut self) {
        for (place, served) in self.driver.handler.places.iter_mut().enumerate() {
            let received = &mut self.received[place];
            if served.socket.is_none() {
                let (client, socket) = link(&mut self.random);
                self.driver.neighbours[place] = client;
                served.socket = Some(socket);
                received.clear();
            }
            let Some((_, number, stage)) = &served.upload else { continue };
            if self.said.contains_key(number) {
                continue;
            }
            let uploader = &self.uploaders[*number];
            received.extend(self.driver.neighbours[place].take_bytes());
            assert!(uploader.content.starts_with(received), "passed on otherwise");
            if let Stage::Whole { digest: passed, .. } = stage {
                assert_eq!(*received, uploader.content, "passed on in part");
                assert_eq!(*passed, digest(&uploader.content));
            }
            if *stage == Stage::Full && !uploader.is_chunked {
                let most = uploader.head + received.len() + BUFFER;
                assert!(uploader.client.taken() <= most, "read though the store takes no more");
            }
        }
    }

    /// All send what is left, the engine drains, and the store says what it owes.
    fn finish(&mut self) {
        self.uploaders.iter_mut().for_each(Uploader::end);
        self.driver.settle();
        self.look();
        self.driver.engine.drain();
        for second in 0.. {
            assert!(second < MOST_SECONDS, "somebody waits for ever: {:?}", self.driver.handler);
            let is_idle = self.driver.handler.is_idle();
            assert!(is_idle || !self.driver.engine.is_empty(), "an upload without its client");
            if is_idle && self.driver.engine.is_empty() {
                return;
            }
            for place in 0..self.received.len() {
                self.driver.neighbours[place].set_window(usize::MAX);
                self.say(place);
            }
            self.driver.advance(Duration::from_secs(1));
            self.look();
        }
    }

    fn audit(self) -> Passed {
        let Self { driver, uploaders, said, .. } = self;
        let passer = &driver.handler;
        assert_eq!(driver.engine.held(), 0);
        assert_eq!(passer.ticks, Passer::ticks_in(driver.clock.elapsed()), "ticks");
        let mut seen = Passed { waited: passer.waited, full: passer.full, ..Passed::default() };
        for (number, uploader) in uploaders.iter().enumerate() {
            let told = passer.told.get(&number);
            if uploader.client.has_reset() {
                seen.gone += 1;
                continue;
            }
            let status = said.get(&number).copied().unwrap_or(504);
            assert_eq!(told, Some(&status), "upload {number}");
            let answer = uploader.client.take_output();
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{number}: {answer}");
            match status {
                200 => {
                    assert!(answer.ends_with(&digest(&uploader.content)), "{number}: {answer}");
                    seen.kept += 1;
                }
                507 => seen.failed += 1,
                502 => seen.broken += 1,
                _ => seen.silent += 1,
            }
        }
        seen
    }
}
