//! A handler that keeps uploads on a scripted disk, which is slow, full, failing and late.

mod disk;

use std::time::Duration;

use streamsum::checksum::Checksum;
use streamsum::door::Door;
use streamsum::engine::{Config, Timeouts};
use streamsum::folder::{Disk, Folder};
use streamsum::handler::PeerAddr;
use streamsum::resident::Pair;

use super::uploader::Uploader;
use super::{Client, Driver, Keeps};
use crate::content::digest;
use crate::random::Random;
use disk::{NUMBER, Script, Trouble};

/// The most that a read gives.
const BUFFER: usize = 4 << 10;

/// So many names are there: uploads replace each other.
const NAMES: usize = 5;

/// So many tasks may wait for the disk before no more uploads are taken.
const MOST_WAITING: usize = 12;

/// How long a request waits for its file at most.
const LATE: Duration = Duration::from_secs(20);

/// All is over after so many rounds, or never.
const MOST_ROUNDS: usize = 2_000;

impl Keeps for Pair<Folder, Script> {
    fn keeps(&self) -> bool {
        self.resident.state().has_content()
    }
}

/// One that sends a single upload, and what it is told.
struct Sender {
    upload: Uploader,
    name: String,
    /// True if nothing may be replaced.
    is_only_new: bool,
    /// True if it declares another content.
    is_damaged: bool,
    answer: Vec<u8>,
}

impl Sender {
    fn new(number: usize, client: Client, random: &mut Random) -> Self {
        let length = random.below(20_000);
        let mut content = format!("{number:0NUMBER$}").into_bytes();
        content.extend(random.bytes(length));
        let name = random.below(NAMES).to_string();
        let (is_only_new, is_damaged) = (random.chance(20), random.chance(10));
        // The digest is that of no content.
        let fields = [
            (is_only_new, "If-None-Match: *\r\n"),
            (is_damaged, "Content-MD5: 1B2M2Y8AsgTpgAmY7PhCfg==\r\n"),
        ];
        let fields: String =
            fields.into_iter().filter(|(is_sent, _)| *is_sent).map(|(_, field)| field).collect();
        let upload = Uploader::new(client, &format!("/{name}"), &fields, content, random);
        Self { upload, name, is_only_new, is_damaged, answer: Vec::new() }
    }

    fn has_reset(&self) -> bool {
        self.upload.client.has_reset()
    }

    /// The status of its answer, if that has come.
    fn status(&mut self) -> Option<u16> {
        self.answer.extend(self.upload.client.take_bytes());
        let digits = self.answer.get("HTTP/1.1 ".len()..)?.get(..3)?;
        Some(std::str::from_utf8(digits).ok()?.parse().expect("a status"))
    }
}

/// How uploads have ended, and how often the rare things have happened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kept {
    /// On disk when their answer came.
    pub kept: u64,
    /// Had a name that was taken.
    pub replaced: u64,
    /// Were not to replace what had their name: 412.
    pub exists: u64,
    /// Had no room: 507.
    pub full: u64,
    /// The disk has failed: 500.
    pub failed: u64,
    /// There was no descriptor, or the disk has taken too long for a file: 503.
    pub late: u64,
    /// Too much waited for the disk: 503.
    pub behind: u64,
    /// Were not as declared: 400.
    pub damaged: u64,
    /// Their client broke off.
    pub gone: u64,
    /// Were kept though their client had gone.
    pub kept_without_client: u64,
}

impl Kept {
    fn all(self) -> [u64; 10] {
        let Self { kept, replaced, exists, full, failed, .. } = self;
        let Self { late, behind, damaged, gone, kept_without_client, .. } = self;
        [kept, replaced, exists, full, failed, late, behind, damaged, gone, kept_without_client]
    }

    /// Adds what another game has seen.
    pub fn add(&mut self, other: Kept) {
        self.kept += other.kept;
        self.replaced += other.replaced;
        self.exists += other.exists;
        self.full += other.full;
        self.failed += other.failed;
        self.late += other.late;
        self.behind += other.behind;
        self.damaged += other.damaged;
        self.gone += other.gone;
        self.kept_without_client += other.kept_without_client;
    }

    /// True if each of them has happened.
    pub fn is_complete(&self) -> bool {
        self.all().iter().all(|times| *times > 0)
    }
}

struct Game {
    driver: Driver<Pair<Folder, Script>>,
    disk: Disk,
    script: Script,
    senders: Vec<Sender>,
    random: Random,
}

/// Plays one seed to its end, and tells what happened.
pub fn play(mut random: Random) -> Kept {
    let timeouts = Timeouts::default()
        .head(None)
        .idle(None)
        .body(None)
        .min_rate(None)
        .write(None)
        .late(LATE)
        .linger(Duration::from_secs(5));
    let mut config = Config::default().buffer(BUFFER).lone_buffer(BUFFER).timeouts(timeouts);
    if random.chance(50) {
        config = config.clone().max_held(config.least_held());
    }
    let script = Script::default();
    script.state().room = 200_000;
    let disk = Disk::of(script.clone(), script.clone()).max_waiting(MOST_WAITING);
    let door = Door::default();
    let folder = Folder::new(disk.clone(), door, Checksum::new(), script.clone());
    let driver = Driver::new(config, Pair::new(folder, script.clone()));
    let mut game = Game { driver, disk, script, senders: Vec::new(), random };
    for _ in 0..500 {
        game.operate();
        game.look();
    }
    game.finish();
    game.audit()
}

impl Game {
    fn operate(&mut self) {
        match self.random.below(20) {
            0 | 1 => {
                let client = self.driver.connect_from(PeerAddr::Unix);
                let number = self.senders.len();
                self.senders.push(Sender::new(number, client, &mut self.random));
            }
            2..=7 => self.work(),
            8 => self.disturb(),
            9 => {
                let millis = self.random.below(4_000) as u64;
                self.driver.advance(Duration::from_millis(millis));
            }
            10..=12 => drop(self.driver.settle()),
            13 => self.driver.turn(),
            _ if self.senders.is_empty() => {}
            _ => {
                let number = self.random.below(self.senders.len());
                self.senders[number].upload.go_on(&mut self.random);
            }
        }
    }

    /// The disk does something of what it was given.
    fn work(&mut self) {
        let waiting = self.script.state().waiting();
        if waiting > 0 {
            self.script.run(self.random.below(waiting));
            // What was kept of content has room again, of which no event tells.
            self.driver.turn();
        }
    }

    fn disturb(&mut self) {
        let mut state = self.script.state();
        match self.random.below(6) {
            0 => state.room = self.random.below(10_000),
            1 | 2 => state.room = 200_000,
            _ => {
                let all = [Trouble::Shortage, Trouble::Broken, Trouble::Unsynced, Trouble::Unknown];
                state.trouble = Some(*self.random.pick(&all));
            }
        }
    }

    /// What has a name is whole; who was told so is kept; and no more is taken of a client than
    /// what the disk has, and what a read gives.
    fn look(&mut self) {
        let state = self.script.state();
        for (name, content) in &state.files {
            let digits = std::str::from_utf8(&content[..NUMBER]).expect("digits");
            let sender = &self.senders[digits.parse::<usize>().expect("a number")];
            assert_eq!(*content, sender.upload.content, "a file that is not as it was sent");
            assert_eq!(*name, sender.name, "under another's name");
            assert!(!sender.is_damaged, "damage has got a name");
        }
        for (number, sender) in self.senders.iter_mut().enumerate() {
            if sender.status() == Some(200) {
                assert!(state.kept.contains(&number), "answered before it was kept");
            }
            let written = state.written.get(&number).copied().unwrap_or_default();
            // Of a file that has less than its number nobody knows whose it is.
            let most = sender.upload.head + written.max(NUMBER) + BUFFER;
            // One that is answered is read to its end.
            if !sender.upload.is_chunked
                && sender.answer.is_empty()
                && !sender.upload.client.is_closed()
            {
                let taken = sender.upload.client.taken();
                assert!(
                    taken <= most,
                    "upload {number}: {taken} bytes read, with {written} written"
                );
            }
        }
    }

    /// All send what is left, the engine drains, and the disk does what it owes.
    fn finish(&mut self) {
        self.senders.iter_mut().for_each(|sender| sender.upload.end());
        self.driver.settle();
        self.look();
        self.driver.engine.drain();
        self.script.state().trouble = None;
        for round in 0.. {
            assert!(round < MOST_ROUNDS, "somebody waits for ever: {:?}", self.driver.engine);
            let waiting = self.script.state().waiting();
            if waiting == 0 && self.driver.engine.is_empty() {
                break;
            }
            self.work();
            if self.random.chance(20) || waiting == 0 {
                self.driver.advance(Duration::from_secs(1));
            }
            self.look();
        }
    }

    fn audit(mut self) -> Kept {
        let Self { driver, disk, script, senders, .. } = &mut self;
        let state = script.state();
        assert_eq!((driver.engine.held(), state.drafts), (0, 0), "something is left");
        let mut seen = Kept { replaced: state.replaced, ..Kept::default() };
        for (number, sender) in senders.iter_mut().enumerate() {
            let is_kept = state.kept.contains(&number);
            if sender.has_reset() {
                seen.gone += 1;
                seen.kept_without_client += u64::from(is_kept);
                continue;
            }
            let status = sender.status().expect("an answer");
            assert_eq!(status == 200, is_kept, "upload {number}");
            match status {
                200 => {
                    let expected = digest(&sender.upload.content);
                    assert!(sender.answer.ends_with(expected.as_bytes()), "another digest");
                    seen.kept += 1;
                }
                400 => {
                    assert!(sender.is_damaged, "upload {number} was sent as declared");
                    seen.damaged += 1;
                }
                412 => {
                    assert!(sender.is_only_new, "upload {number} may replace");
                    seen.exists += 1;
                }
                500 => seen.failed += 1,
                503 if sender.answer.ends_with(b"the disk is behind") => seen.behind += 1,
                503 => seen.late += 1,
                507 => seen.full += 1,
                other => panic!("upload {number} was answered {other}"),
            }
            let was_unknown = state.unknown.contains(&number);
            assert!(!was_unknown || status == 500, "upload {number}: {status}");
        }
        assert!(seen.full <= state.full && seen.failed <= state.failed, "{seen:?}, {state:?}");
        let counters = disk.counters();
        let expected = (state.kept.len() as u64, state.replaced);
        assert_eq!((counters.kept, counters.replaced), expected);
        assert_eq!(counters.disk_failures, state.full + state.failed);
        seen
    }
}
