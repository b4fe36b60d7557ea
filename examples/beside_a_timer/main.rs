//! A server in somebody else's loop: beside it run a UDP echo and a timer of 10 ms.
//!
//! The loop belongs to the embedder. The server is asked how long the poll may wait, is
//! shown the events, and takes its turn; a turn is bounded, so the timer runs on time.
//! How well it does is measured: a tick is late when it comes more than 20 ms after its
//! time.
//!
//! ```text
//! cargo run --release --example beside_a_timer
//! cargo run --release --example beside_a_timer -- --flood 1000
//! ```
//!
//! With `--flood N` another thread floods the server over N connections, first with
//! large uploads, then with pipelined tiny requests, and the program ends with 1 if one
//! tick in a hundred was late. Where other programs keep the CPUs busy, the thread waits
//! for one now and then, and ticks are late for that reason: so that time is told, too.

mod flood;

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};
use streamsum::checksum::Checksum;
use streamsum::engine::{Config, Now};
use streamsum::md5::Md5;
use streamsum::server::Server;

use flood::{Flood, Kind};

const ECHO: Token = Token(0);
/// All tokens from here on may be the server's.
const SERVER: Token = Token(1);

const PERIOD: Duration = Duration::from_millis(10);
const LATE: Duration = Duration::from_millis(20);
const FLOODED: Duration = Duration::from_secs(5);

struct Program {
    poll: Poll,
    events: Events,
    echo: UdpSocket,
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
        let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
        let poll = Poll::new()?;
        let mut echo = UdpSocket::bind(any)?;
        poll.registry().register(&mut echo, ECHO, Interest::READABLE)?;
        let mut server = Server::new(poll.registry(), SERVER, Config::default())?;
        let address = server.bind(any)?;
        println!("uploads: http://{address}/, echo: {}", echo.local_addr()?);
        Ok(Self {
            poll,
            events: Events::with_capacity(1024),
            echo,
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
                if !self.server.note(event) && event.token() == ECHO {
                    echo(&self.echo);
                }
            }
            self.ticks.run(Instant::now());
            self.server.turn(Now::now(), &mut self.handler)?;
        }
        Ok(())
    }
}

/// Sends every datagram back.
fn echo(socket: &UdpSocket) {
    let mut datagram = [0; 2048];
    while let Ok((n, peer)) = socket.recv_from(&mut datagram) {
        // One that cannot be sent now is lost, as datagrams are.
        let _ = socket.send_to(datagram.get(..n).unwrap_or_default(), peer);
    }
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let given: Vec<&str> = given.iter().map(String::as_str).collect();
    let mut program = Program::new()?;
    match given.as_slice() {
        [] => program.run(|_| false)?,
        ["--flood", count] => {
            let count = count.parse()?;
            let uploads = measure(&mut program, count, Kind::Uploads)?;
            let requests = measure(&mut program, count, Kind::TinyRequests)?;
            if uploads.max(requests) >= 0.01 {
                return Ok(ExitCode::FAILURE);
            }
        }
        _ => return Err("usage: beside_a_timer [--flood N]".into()),
    }
    Ok(ExitCode::SUCCESS)
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
    program.run(|program| program.server.is_idle())?;
    flood.join()?;
    Ok(share)
}

/// How long this thread has waited for a CPU, where the system tells.
fn waited_for_cpu() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = told.split_whitespace().nth(1).and_then(|number| number.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}
