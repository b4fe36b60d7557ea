//! All peers that drip, on one thread, each at its own time in the second.

use std::collections::HashMap;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::ops::AddAssign;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};
use streamsum_load::answer::Answer;
use streamsum_load::content::{self, LONGEST_PART};
use testkit::content::EMPTY;

use crate::peer::{BETWEEN_BYTES, BETWEEN_WRITES, Finished, Kind, Peer};

/// After so many connections one waits for the server: any backlog holds them.
const BURST: usize = 64;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts {
    pub(crate) uploads: usize,
    pub(crate) heads: usize,
}

/// What came of the peers.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Answers with the right digest.
    pub(crate) uploads: u64,
    pub(crate) heads: u64,
    /// Peers that were refused or cut off, or answered with something else.
    pub(crate) failures: Vec<String>,
    /// How much later than meant a write was, at most: the loader's own fault.
    pub(crate) late: Duration,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.uploads += other.uploads;
        self.heads += other.heads;
        self.failures.extend(other.failures);
        self.late = self.late.max(other.late);
    }
}

/// Peers that drip until they are told to end.
pub(crate) struct Drips {
    ended: Arc<AtomicBool>,
    thread: JoinHandle<io::Result<Tally>>,
}

impl Drips {
    /// Returns when all are connected.
    ///
    /// # Errors
    ///
    /// If one cannot connect.
    pub(crate) fn start(
        address: SocketAddr,
        counts: Counts,
        pattern: &'static [u8],
    ) -> io::Result<Self> {
        let mut dripping = Dripping::connect(address, counts, pattern)?;
        let ended = Arc::<AtomicBool>::default();
        let told = Arc::clone(&ended);
        let thread = std::thread::spawn(move || {
            dripping.run(&told)?;
            Ok(dripping.finish())
        });
        Ok(Self { ended, thread })
    }

    /// Has every upload and every head that was begun finished and answered.
    ///
    /// # Errors
    ///
    /// If the loader's own poll failed.
    pub(crate) fn end(self) -> io::Result<Tally> {
        self.ended.store(true, Ordering::Release);
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

struct Dripping {
    poll: Poll,
    /// By their tokens; those that have failed are gone.
    peers: HashMap<usize, Peer>,
    schedules: [Schedule; 2],
    tally: Tally,
}

/// Peers of one kind, which write one after the other, evenly spread.
struct Schedule {
    first: usize,
    count: usize,
    /// Between two writes of one peer.
    interval: Duration,
    begun: Instant,
    writes: u64,
}

impl Schedule {
    fn due(&self) -> Option<Instant> {
        let passed =
            self.interval.as_nanos() * u128::from(self.writes) / (self.count as u128).max(1);
        let passed = Duration::from_nanos(u64::try_from(passed).unwrap_or(u64::MAX));
        (self.count > 0).then(|| self.begun + passed)
    }

    /// Whose write is due, and for how long.
    fn next(&mut self, now: Instant) -> Option<(usize, Duration)> {
        let late = now.checked_duration_since(self.due()?)?;
        let turn = usize::try_from(self.writes).unwrap_or(usize::MAX) % self.count;
        self.writes += 1;
        Some((self.first + turn, late))
    }
}

impl Dripping {
    fn connect(address: SocketAddr, counts: Counts, pattern: &'static [u8]) -> io::Result<Self> {
        let Counts { uploads, heads } = counts;
        let poll = Poll::new()?;
        let mut peers = HashMap::with_capacity(uploads + heads);
        // The time of a first head runs from the connection on: they come last.
        for number in 0..uploads + heads {
            if number % BURST == 0 {
                exchange(address)?;
            }
            let kind = match number % 2 {
                _ if number >= uploads => Kind::Head,
                0 => Kind::Length,
                _ => Kind::Chunked,
            };
            let part = content::part(pattern, number, LONGEST_PART);
            let mut peer = Peer::connect(address, kind, part)?;
            poll.registry().register(&mut peer.stream, Token(number), Interest::READABLE)?;
            peers.insert(number, peer);
        }
        let begun = Instant::now();
        let schedule =
            |first, count, interval| Schedule { first, count, interval, begun, writes: 0 };
        let schedules =
            [schedule(0, uploads, BETWEEN_WRITES), schedule(uploads, heads, BETWEEN_BYTES)];
        Ok(Self { poll, peers, schedules, tally: Tally::default() })
    }

    fn run(&mut self, ended: &AtomicBool) -> io::Result<()> {
        const NOTHING_TO_DO: Duration = Duration::from_millis(100);
        let mut events = Events::with_capacity(1024);
        while !ended.load(Ordering::Acquire) {
            let due = self.schedules.iter().filter_map(Schedule::due).min();
            let wait =
                due.map_or(NOTHING_TO_DO, |due| due.saturating_duration_since(Instant::now()));
            // The system rounds it up to a millisecond, in which several become due.
            self.poll.poll(&mut events, Some(wait))?;
            for event in &events {
                self.with(event.token().0, Peer::read);
            }
            let now = Instant::now();
            for at in 0..self.schedules.len() {
                while let Some((number, late)) =
                    self.schedules.get_mut(at).and_then(|one| one.next(now))
                {
                    self.tally.late = self.tally.late.max(late);
                    self.with(number, Peer::drip);
                }
            }
        }
        Ok(())
    }

    fn with(&mut self, number: usize, act: impl FnOnce(&mut Peer) -> io::Result<()>) {
        let Some(peer) = self.peers.get_mut(&number) else { return };
        if let Err(error) = act(peer) {
            self.tally.failures.push(error.to_string());
            self.peers.remove(&number);
        }
    }

    /// Ends the heads first, whose time is shorter. All are told to send the rest before
    /// any answer is waited for, or the last would have been silent for too long.
    fn finish(self) -> Tally {
        let Self { peers, schedules: [uploads, _], mut tally, .. } = self;
        let mut peers: Vec<(usize, Peer)> = peers.into_iter().collect();
        peers.sort_by_key(|(number, _)| (*number < uploads.count, *number));
        let finished = peers.into_iter().map(|(number, peer)| (number, peer.finish()));
        for (number, finished) in finished.collect::<Vec<_>>() {
            match finished.and_then(Finished::answers) {
                Ok(answers) if number < uploads.count => tally.uploads += answers,
                Ok(answers) => tally.heads += answers,
                Err(error) => tally.failures.push(error.to_string()),
            }
        }
        tally
    }
}

/// A connection with one request. Its answer says that those before were accepted.
fn exchange(address: SocketAddr) -> io::Result<()> {
    let mut stream = std::net::TcpStream::connect(address)?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: drip\r\n\r\n")?;
    Answer::default().await_from(&mut stream, EMPTY)
}
