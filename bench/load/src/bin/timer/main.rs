//! How late the timer of an embedder gets while its server, in the same loop, is flooded.
//!
//! The timer ticks every 10 ms. The server's turns are bounded, so that it runs on time: a
//! tick is late when it comes more than 20 ms after its time. Another thread floods the
//! server over many connections, first with large uploads, then with pipelined tiny requests.
//!
//! ```text
//! cargo run --release --manifest-path bench/load/Cargo.toml --bin timer -- 1000
//! ```
//!
//! It ends with 1 if one tick in a hundred was late. Where other programs keep the CPUs busy,
//! the thread waits for one now and then, and ticks are late for that reason: so that time is
//! told, too. Both threads need a descriptor for each connection (`ulimit -n`).

mod flood;

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};
use streamsum::checksum::Checksum;
use streamsum::engine::{Config, Now};
use streamsum::md5::Md5;
use streamsum::server::Server;

use flood::{Flood, Kind};

const PERIOD: Duration = Duration::from_millis(10);
const LATE: Duration = Duration::from_millis(20);
const FLOODED: Duration = Duration::from_secs(5);

struct Program {
    poll: Poll,
    events: Events,
    server: Server<Md5>,
    address: SocketAddr,
    handler: Checksum,
    ticks: Ticks,
}

/// The embedder's timer.
struct Ticks {
    next: Instant,
    count: u64,
    late: u64,
    worst: Duration,
}

impl Ticks {
    fn new() -> Self {
        Self { next: Instant::now() + PERIOD, count: 0, late: 0, worst: Duration::ZERO }
    }

    fn run(&mut self, now: Instant) {
        while let Some(delay) = now.checked_duration_since(self.next) {
            self.count += 1;
            self.late += u64::from(delay > LATE);
            self.worst = self.worst.max(delay);
            self.next += PERIOD;
        }
    }

    fn share(&self) -> f64 {
        self.late as f64 / self.count as f64
    }
}

impl Program {
    fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut server = Server::new(poll.registry(), Token(0), Config::default())?;
        let address = server.bind("127.0.0.1:0")?;
        Ok(Self {
            poll,
            events: Events::with_capacity(1024),
            server,
            address,
            handler: Checksum::default(),
            ticks: Ticks::new(),
        })
    }

    /// The whole loop.
    fn run(&mut self, mut until: impl FnMut(&Self) -> bool) -> io::Result<()> {
        while !until(self) {
            let now = Now::now();
            let tick = self.ticks.next.saturating_duration_since(now.monotonic);
            let timeout = self.server.timeout(now).map_or(tick, |server| server.min(tick));
            match self.poll.poll(&mut self.events, Some(timeout)) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for event in &self.events {
                self.server.note(event);
            }
            self.ticks.run(Instant::now());
            self.server.turn(Now::now(), &mut self.handler)?;
        }
        Ok(())
    }
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let [count] = given.as_slice() else { return Err("usage: timer COUNT".into()) };
    let count = count.parse()?;
    let mut program = Program::new()?;
    let uploads = measure(&mut program, count, Kind::Uploads)?;
    let requests = measure(&mut program, count, Kind::TinyRequests)?;
    Ok(if uploads.max(requests) < 0.01 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs under a flood and returns the share of late ticks.
fn measure(program: &mut Program, count: usize, kind: Kind) -> io::Result<f64> {
    let flood = Flood::start(program.address, count, kind);
    program.run(|_| flood.has_begun())?;

    let before = program.server.stats().clone();
    let waited_before = waited_for_cpu();
    let start = Instant::now();
    program.ticks = Ticks::new();
    program.run(|_| start.elapsed() >= FLOODED)?;
    let seconds = start.elapsed().as_secs_f64();
    let after = program.server.stats();
    let megabytes = (after.bytes_read - before.bytes_read) as f64 / 1e6 / seconds;
    let answers = (after.answers - before.answers) as f64 / seconds;
    let Ticks { count: ticks, late, worst, .. } = program.ticks;
    let share = program.ticks.share();
    let waited = waited_for_cpu().saturating_sub(waited_before);
    println!(
        "{kind:?} over {count} connections: {late} of {ticks} ticks late ({:.2} %), worst {worst:.1?}; \
         {megabytes:.0} MB/s, {answers:.0} answers/s; {waited:.1?} of {seconds:.1} s without a CPU",
        share * 100.0
    );

    flood.end();
    program.run(|program| program.server.is_empty())?;
    flood.join()?;
    Ok(share)
}

/// How long this thread has waited for a CPU, where the system tells.
fn waited_for_cpu() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = told.split_whitespace().nth(1).and_then(|number| number.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}
