//! What thousands of peers that drip cost those who upload at full speed.
//!
//! Some peers send content just faster than the least rate that a server takes: 1 KiB at
//! once, then 256 bytes a second in one write. Others send one byte of a head after the
//! other, so that it is whole just before its time is up; then they read the answer and begin
//! the next. All are within the default limits, so none may be refused or cut off: that is
//! checked, and every digest.
//!
//! The rate of a few active uploads is measured alone and beside the drips, in turn, in one
//! run, second by second; compared are the medians. Beside the drips it is measured only when
//! these have gone on for longer than any rate is taken.
//!
//! ```text
//! cargo run --release -- --listen 127.0.0.1:8080 --access-log off
//! cargo run --release --manifest-path bench/load/Cargo.toml --bin drip -- \
//!     127.0.0.1:8080 --pid $(pgrep -x streamsum)
//! ```
//!
//! With the process id of the server it is told how busy the server kept its CPU, and how
//! long it waited for that. The rates are the server's only if it was busy all the time: give
//! each of the two processes a CPU of its own (`taskset -c 0`, `taskset -c 1`). Where other
//! programs take the CPU away, the rates say more about them, and the better figure is the CPU
//! time that goes to the drips: what is left when that for the same bytes alone is taken away.
//!
//! Both processes need a descriptor for each connection (`ulimit -n`). Ends with 1 if a drip
//! failed, whatever the rates.

mod drips;
mod peer;

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use drips::{Counts, Drips, Tally};
use streamsum_load::active::Active;
use streamsum_load::rate::Rate;
use streamsum_load::{content, rate};

const USAGE: &str = "usage: drip ADDR [--uploads 5000] [--heads 2000] [--active 8] [--rounds 2] \
                     [--seconds 10] [--before 25] [--pid PID]";

struct Arguments {
    address: SocketAddr,
    counts: Counts,
    /// Uploads at full speed.
    active: usize,
    /// How often it is measured beside the drips; alone once more.
    rounds: usize,
    /// How long each time, in samples of a second.
    seconds: usize,
    /// How long the drips have gone on by then.
    before: Duration,
    /// The server's.
    pid: Option<u32>,
}

impl Arguments {
    fn given() -> Option<Self> {
        let mut given = std::env::args().skip(1);
        let mut arguments = Self {
            address: given.next()?.parse().ok()?,
            counts: Counts { uploads: 5000, heads: 2000 },
            active: 8,
            rounds: 2,
            seconds: 10,
            before: Duration::from_secs(25),
            pid: None,
        };
        while let Some(option) = given.next() {
            let value = given.next()?;
            let number = value.parse().ok()?;
            match option.as_str() {
                "--uploads" => arguments.counts.uploads = number,
                "--heads" => arguments.counts.heads = number,
                "--active" => arguments.active = number,
                "--rounds" => arguments.rounds = number,
                "--seconds" => arguments.seconds = number,
                "--before" => arguments.before = Duration::from_secs(value.parse().ok()?),
                "--pid" => arguments.pid = Some(value.parse().ok()?),
                _ => return None,
            }
        }
        let measured = Duration::from_secs(arguments.seconds as u64);
        (arguments.before + measured < peer::LONGEST).then_some(arguments)
    }
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments = Arguments::given().ok_or(USAGE)?;
    let Arguments { address, counts, rounds, seconds, before, pid, .. } = arguments;
    let pattern = content::pattern();
    let active = Active::new(address, arguments.active, pattern);
    let Counts { uploads, heads } = counts;
    println!("beside {uploads} uploads and {heads} heads that drip");
    println!("{}", Rate::TITLES);

    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    let mut tally = Tally::default();
    for round in 0..=rounds {
        let rate = Rate::measure(&active, seconds, pid)?;
        println!("alone   {rate}");
        alone.push(rate);
        if round < rounds {
            let drips = Drips::start(address, counts, pattern)?;
            std::thread::sleep(before);
            let rate = Rate::measure(&active, seconds, pid)?;
            println!("beside  {rate}");
            beside.push(rate);
            tally += drips.end()?;
        }
    }

    if rounds > 0 {
        let Tally { uploads, heads, late, .. } = &tally;
        println!(
            "the drips had {uploads} uploads and {heads} heads answered; a write was {late:.0?} late at most"
        );
        let ratio = rate::median_of(&beside) / rate::median_of(&alone);
        println!("beside the drips {ratio:.3} of the rate alone");
        let share = rate::server_share(&alone, &beside);
        if let Some((share, waited)) = share.zip(rate::server_waited(&alone, &beside)) {
            let (share, waited) = (share * 100.0, waited * 100.0);
            println!("the drips take {share:.1} % of the server's CPU");
            println!("other programs had that CPU for {waited:.1} % of the time");
        }
    }
    for failure in tally.failures.iter().take(5) {
        eprintln!("a drip failed: {failure}");
    }
    if !tally.failures.is_empty() {
        eprintln!("drips that failed: {}", tally.failures.len());
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}
