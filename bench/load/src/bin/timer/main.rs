//! How late the timer of an embedder gets while the server in whose loop it is a resident is
//! flooded.
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

use streamsum::checksum::{Checksum, Upload};
use streamsum::engine::{Config, Now};
use streamsum::resident::{Decisions, Pair, Resident};
use streamsum::run::{Round, Runner};

use flood::{Flood, Kind};

const PERIOD: Duration = Duration::from_millis(10);
const LATE: Duration = Duration::from_millis(20);
const FLOODED: Duration = Duration::from_secs(5);

struct Program {
    runner: Runner<Upload>,
    address: SocketAddr,
    part: Pair<Checksum, Ticks>,
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

    fn share(&self) -> f64 {
        self.late as f64 / self.count as f64
    }
}

impl Resident for Ticks {
    fn deadline(&self, _: Now) -> Option<Instant> {
        Some(self.next)
    }

    fn work(&mut self, _: Now, _: &mut Decisions) {
        // Later than the round's own time, which would make less of a delay.
        let now = Instant::now();
        while let Some(delay) = now.checked_duration_since(self.next) {
            self.count += 1;
            self.late += u64::from(delay > LATE);
            self.worst = self.worst.max(delay);
            self.next += PERIOD;
        }
    }
}

impl Program {
    fn new() -> io::Result<Self> {
        let mut runner = Runner::new(Config::default(), 0)?;
        let address = runner.server_mut().bind("127.0.0.1:0")?;
        Ok(Self { runner, address, part: Pair::new(Checksum::default(), Ticks::new()) })
    }

    /// The whole loop.
    fn run(&mut self, mut until: impl FnMut(&Self) -> bool) -> io::Result<()> {
        while !until(self) {
            if let Round::Deaf(error) = self.runner.round(&mut self.part)? {
                return Err(error);
            }
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

    let before = program.runner.server().stats().clone();
    let waited_before = waited_for_cpu();
    let start = Instant::now();
    program.part.resident = Ticks::new();
    program.run(|_| start.elapsed() >= FLOODED)?;
    let seconds = start.elapsed().as_secs_f64();
    let after = program.runner.server().stats();
    let megabytes = (after.bytes_read - before.bytes_read) as f64 / 1e6 / seconds;
    let answers = (after.answers - before.answers) as f64 / seconds;
    let Ticks { count: ticks, late, worst, .. } = program.part.resident;
    let share = program.part.resident.share();
    let waited = waited_for_cpu().saturating_sub(waited_before);
    println!(
        "{kind:?} over {count} connections: {late} of {ticks} ticks late ({:.2} %), worst {worst:.1?}; \
         {megabytes:.0} MB/s, {answers:.0} answers/s; {waited:.1?} of {seconds:.1} s without a CPU",
        share * 100.0
    );

    flood.end();
    program.run(|program| program.runner.server().is_empty())?;
    flood.join()?;
    Ok(share)
}

/// How long this thread has waited for a CPU, where the system tells.
fn waited_for_cpu() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = told.split_whitespace().nth(1).and_then(|number| number.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}
