//! What refused clients that go on sending cost those who upload.
//!
//! The rate of a few uploads is measured among many others of their kind, and among as many
//! clients that are refused at their head and send on at full speed, in turn, in one run,
//! second by second; compared are the medians. What refused clients send is read and thrown
//! away until their time is up, and then they connect anew. It may cost the uploads no more
//! than uploads would.
//!
//! ```text
//! cargo run --release -- --listen 127.0.0.1:8080 --access-log off --max-body 1GiB
//! cargo run --release --manifest-path bench/load/Cargo.toml --bin refused -- \
//!     127.0.0.1:8080 --pid $(pgrep -x streamsum)
//! ```
//!
//! With the process id of the server it is told how busy the server kept its CPU, and how much
//! memory it has. The rates are the server's only if it was busy all the time: give each of
//! the two processes a CPU of its own (`taskset -c 0`, `taskset -c 1`).
//!
//! Both processes need a descriptor for each connection (`ulimit -n`). Ends with 1 if an
//! upload got no digest, or a refused client not its status.

mod flood;

use std::error::Error;
use std::net::SocketAddr;

use flood::Flood;
use streamsum_load::active::Active;
use streamsum_load::rate::Rate;
use streamsum_load::{content, process, rate};

const USAGE: &str =
    "usage: refused ADDR [--active 8] [--others 200] [--rounds 2] [--seconds 10] [--pid PID]";

struct Arguments {
    address: SocketAddr,
    /// Uploads whose rate is measured.
    active: usize,
    /// Uploads, or refused clients, beside them.
    others: usize,
    /// How often it is measured among refused clients; among uploads once more.
    rounds: usize,
    /// How long each time, in samples of a second.
    seconds: usize,
    /// The server's.
    pid: Option<u32>,
}

impl Arguments {
    fn given() -> Option<Self> {
        let mut given = std::env::args().skip(1);
        let address = given.next()?.parse().ok()?;
        let mut arguments =
            Self { address, active: 8, others: 200, rounds: 2, seconds: 10, pid: None };
        while let Some(option) = given.next() {
            let value = given.next()?;
            let number = value.parse().ok()?;
            match option.as_str() {
                "--active" => arguments.active = number,
                "--others" => arguments.others = number,
                "--rounds" => arguments.rounds = number,
                "--seconds" => arguments.seconds = number,
                "--pid" => arguments.pid = Some(value.parse().ok()?),
                _ => return None,
            }
        }
        Some(arguments)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let Arguments { address, active, others, rounds, seconds, pid } =
        Arguments::given().ok_or(USAGE)?;
    let pattern = content::pattern();
    println!("{active} uploads among {others} others, or {others} refused clients");
    println!("{}", Rate::TITLES);
    let measured = Active::new(address, active, pattern);
    let uploads = Active::new(address, others, pattern);

    let (mut among_uploads, mut among_refused) = (Vec::new(), Vec::new());
    let (mut refused, mut taken, mut resident) = (0, 0, 0);
    for round in 0..=rounds {
        let rate = uploads.run(|_| Rate::measure(&measured, seconds, pid))??;
        println!("uploads {rate}");
        among_uploads.push(rate);
        if round < rounds {
            let (rate, flood) =
                Flood::run(address, others, || Rate::measure(&measured, seconds, pid))?;
            let rate = rate?;
            println!("refused {rate}");
            among_refused.push(rate);
            refused += flood.refused;
            taken += flood.bytes;
        }
        if let Some(pid) = pid {
            resident = resident.max(process::resident_kib(pid)?);
        }
    }

    if rounds > 0 {
        let gigabytes = taken as f64 / 1e9;
        println!("{refused} were refused, and sent {gigabytes:.1} GB behind that");
        let ratio = rate::median_of(&among_refused) / rate::median_of(&among_uploads);
        println!("among refused clients {ratio:.3} of the rate among uploads");
    }
    if pid.is_some() {
        println!("the server has {resident} KiB of memory at most");
    }
    Ok(())
}
