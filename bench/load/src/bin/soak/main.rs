//! A soak: load of every kind for minutes, and the question whether the server is
//! afterwards what it was after the first of them.
//!
//! Connections come and go all the time, 500 a second: requests one by one and pipelined,
//! uploads of many lengths in both framings, `Expect`, refusals of every status, resets,
//! half-closes. Beside them hundreds of slow ones run into each deadline of the server, and
//! 128 live from the first second to the last. Each answer is checked, digests included, and
//! the first that is not as it should be ends the run.
//!
//! Twice the load is let go, all its connections closed on both sides, and the resident
//! memory and the descriptors of the server are read from `/proc`: after the first part and
//! at the end. The descriptors must be as many, the memory may differ by 5 %. At last the
//! long-lived ones are closed as well, and the descriptors must be as many as at the start.
//!
//! ```text
//! streamsum --listen 127.0.0.1:8080 --listen 127.0.0.2:8080 --max-body 8MiB --head-timeout 2s \
//!     --idle-timeout 5s --body-timeout 3s --rate-grace 3s --write-timeout 3s \
//!     --linger-timeout 4s --linger-silence 1s
//! cargo run --release --manifest-path bench/load/Cargo.toml --bin soak -- PID 60 180 127.0.0.1:8080 127.0.0.2:8080
//! ```
//!
//! `PID` is the server's; then come the seconds of the first part and of the second. Some
//! addresses are better than one: each has ports of its own for connections that are over
//! but not forgotten. With the server's usual deadlines it takes longer, and fails for that
//! reason. The loader needs some 1,500 descriptors. Progress goes to standard error, the
//! summary to standard output. Linux only.

mod content;
mod holding;
mod kind;
mod peer;
mod quick;
mod slow;
mod tally;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use content::Contents;
use holding::Holding;
use peer::{PATIENCE, Peer, Wrong};
use tally::Tally;

/// Quick connections that begin in a second.
const RATE: u64 = 500;
/// Those that may be there at a time, each on a thread.
const QUICK: usize = 64;
/// Threads with up to 32 slow ones each.
const SLOW: usize = 27;
const LONG_LIVED: usize = 128;
const LONG_LIVED_NAME: &str = "long-lived";
/// Between two requests of a long-lived connection.
const PAUSE: Duration = Duration::from_secs(1);
const PROGRESS: Duration = Duration::from_secs(10);
/// Memory at the end may differ by so much from that after the first part.
const TOLERANCE: f64 = 0.05;

struct Soak {
    addresses: Vec<SocketAddr>,
    /// The process of the server.
    id: u32,
    contents: Contents,
    tally: Tally,
    start: Instant,
    /// The number of the next quick connection.
    next: AtomicU64,
    /// What the server held, and when.
    measured: Mutex<Vec<(&'static str, Duration, Holding)>>,
    wrong: OnceLock<String>,
    /// Whether the long-lived ones are to leave.
    ended: AtomicBool,
}

fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let Some((id, first, second, addresses)) = arguments(&given) else {
        eprintln!("usage: soak PID SECONDS SECONDS ADDR...");
        return ExitCode::from(2);
    };
    let names = quick::KINDS.iter().map(|kind| kind.name);
    let names = names.chain(slow::KINDS.iter().map(|kind| kind.name)).chain([LONG_LIVED_NAME]);
    let soak = Soak {
        addresses,
        id,
        contents: Contents::new(),
        tally: Tally::new(names),
        start: Instant::now(),
        next: AtomicU64::new(0),
        measured: Mutex::default(),
        wrong: OnceLock::new(),
        ended: AtomicBool::new(false),
    };
    let outcome = soak.run(first, second);
    println!("{}", soak.tally);
    for (when, elapsed, holding) in soak.measured.into_inner().unwrap_or_default() {
        println!("{when:<28}{:>13} s: {holding}", elapsed.as_secs());
    }
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Wrong(what)) => {
            eprintln!("FAILED: {what}");
            ExitCode::FAILURE
        }
    }
}

fn arguments(given: &[String]) -> Option<(u32, Duration, Duration, Vec<SocketAddr>)> {
    let [id, first, second, addresses @ ..] = given else { return None };
    let seconds = |text: &str| text.parse().ok().map(Duration::from_secs);
    let addresses = addresses.iter().map(|text| text.parse().ok()).collect::<Option<Vec<_>>>()?;
    if addresses.is_empty() {
        return None;
    }
    Some((id.parse().ok()?, seconds(first)?, seconds(second)?, addresses))
}

impl Soak {
    fn run(&self, first: Duration, second: Duration) -> Result<(), Wrong> {
        let before = self.measure("at the start", Holding::of(self.id)?);
        thread::scope(|scope| {
            scope.spawn(|| self.note(LONG_LIVED_NAME, self.live_long()));
            let outcome = self.compare(before.descriptors + LONG_LIVED, first, second);
            self.ended.store(true, Ordering::Release);
            outcome
        })?;
        self.check()?;
        self.measure("all connections closed", self.quiesce(before.descriptors)?);
        Ok(())
    }

    fn compare(&self, descriptors: usize, first: Duration, second: Duration) -> Result<(), Wrong> {
        self.load(first)?;
        let early = self.measure("after the first part", self.quiesce(descriptors)?);
        self.load(second)?;
        let late = self.measure("at the end", self.quiesce(descriptors)?);
        let change = late.resident_kib as f64 / early.resident_kib as f64 - 1.0;
        match change.abs() <= TOLERANCE {
            true => Ok(()),
            false => Err(Wrong(format!("memory changed by {:+.1} %", change * 100.0))),
        }
    }

    /// Runs load for so long, to its last connection.
    fn load(&self, length: Duration) -> Result<(), Wrong> {
        let (start, first) = (Instant::now(), self.next.load(Ordering::Relaxed));
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            let quick = || scope.spawn(|| self.run_quick(start, first, length));
            let quick: Vec<_> = (0..QUICK).map(|_| quick()).collect();
            for number in 0..SLOW {
                let over = &over;
                scope.spawn(move || self.run_slow(number, over));
            }
            let mut told = Instant::now();
            while quick.iter().any(|thread| !thread.is_finished()) {
                sleep(Duration::from_millis(100));
                if told.elapsed() >= PROGRESS {
                    told += PROGRESS;
                    self.tell();
                }
            }
            over.store(true, Ordering::Release);
        });
        self.check()
    }

    /// Begins connections at their times until that of the next is after the end.
    fn run_quick(&self, start: Instant, first: u64, length: Duration) {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let due = Duration::from_secs(1) * (number - first) as u32 / RATE as u32;
            if due >= length || self.wrong.get().is_some() {
                return;
            }
            sleep(due.saturating_sub(start.elapsed()));
            let kind = quick::kind_of(number);
            let (address, counter) = (self.address(number), self.tally.of(kind.name));
            self.note(kind.name, kind.run(address, counter, &self.contents, number));
        }
    }

    /// One kind after the other, each thread beginning with another.
    fn run_slow(&self, number: usize, over: &AtomicBool) {
        for kind in slow::KINDS.iter().cycle().skip(number) {
            if over.load(Ordering::Acquire) || self.wrong.get().is_some() {
                return;
            }
            let (address, counter) = (self.address(number as u64), self.tally.of(kind.name));
            self.note(kind.name, kind.run(address, counter, &self.contents));
        }
    }

    fn live_long(&self) -> Result<(), Wrong> {
        let connect = |number| Peer::connect(self.address(number), self.tally.of(LONG_LIVED_NAME));
        let mut peers = (0..LONG_LIVED as u64).map(connect).collect::<Result<Vec<_>, _>>()?;
        let mut number = 0;
        while !self.ended.load(Ordering::Acquire) && self.wrong.get().is_none() {
            for peer in &mut peers {
                number += 1;
                let content = self.contents.small(number);
                peer.send(&quick::put(&content, ""))?;
                peer.read_digest(&content)?;
            }
            sleep(PAUSE);
        }
        Ok(())
    }

    /// Keeps for the summary what the server holds.
    fn measure(&self, when: &'static str, holding: Holding) -> Holding {
        if let Ok(mut measured) = self.measured.lock() {
            measured.push((when, self.start.elapsed(), holding));
        }
        holding
    }

    /// Waits until the server has closed what it should, and until its memory stands still.
    fn quiesce(&self, descriptors: usize) -> Result<Holding, Wrong> {
        let start = Instant::now();
        let mut last = Holding::of(self.id)?;
        loop {
            sleep(Duration::from_secs(1));
            let holding = Holding::of(self.id)?;
            let stands_still = holding.resident_kib == last.resident_kib;
            if holding.descriptors == descriptors && stands_still {
                return Ok(holding);
            }
            if start.elapsed() > PATIENCE {
                return Err(Wrong(format!("{holding}, where {descriptors} were expected")));
            }
            self.check()?;
            last = holding;
        }
    }

    fn tell(&self) {
        let (requests, connections) = (self.tally.answered(), self.tally.connections());
        let seconds = self.start.elapsed().as_secs();
        let holding = match Holding::of(self.id) {
            Ok(holding) => holding.to_string(),
            Err(error) => error.to_string(),
        };
        eprintln!("{seconds:>4} s: {requests} answers, {connections} connections; {holding}");
    }

    fn address(&self, number: u64) -> SocketAddr {
        self.addresses[number as usize % self.addresses.len()]
    }

    /// Keeps what went wrong first.
    fn note(&self, name: &str, outcome: Result<(), Wrong>) {
        if let Err(Wrong(what)) = outcome {
            let _ = self.wrong.set(format!("{name}: {what}"));
        }
    }

    fn check(&self) -> Result<(), Wrong> {
        self.wrong.get().map_or(Ok(()), |what| Err(Wrong(what.clone())))
    }
}
