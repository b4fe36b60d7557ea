//! Residents in the loop of a server: beside it run a UDP echo and a timer.
//!
//! ```text
//! cargo run --no-default-features --example beside_a_timer -- 127.0.0.1:8080
//! curl -T file http://127.0.0.1:8080/
//! ```
//!
//! The loop asks each resident how long it may wait, shows it what happened to its sockets, and
//! has it work; then the server takes its turn. A turn is bounded, so the timer runs on time.
//! How well it does under a flood is measured by `timer` in `bench/load`.

use std::env;
use std::error::Error;
use std::time::{Duration, Instant};

use mio::Interest;
use mio::net::UdpSocket;
use streamsum::checksum::Checksum;
use streamsum::engine::{Config, Now, Ready};
use streamsum::resident::{Decisions, Pair, Resident};
use streamsum::run::{Handle, Runner};

const PERIOD: Duration = Duration::from_secs(1);

fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".into());
    let mut runner = Runner::new(Config::default(), Echo::PLACES)?;
    let mut socket = UdpSocket::bind("127.0.0.1:0".parse()?)?;
    runner.registry().register(&mut socket, runner.token(0), Interest::READABLE)?;
    println!("listening on {}, to hash", runner.server_mut().bind(address)?);
    println!("listening on {}, to send back", socket.local_addr()?);

    let timer = Timer { next: Instant::now() + PERIOD, handle: runner.handle() };
    let echo = Echo { socket, is_readable: false };
    runner.run(&mut Pair::new(Checksum::default(), (echo, timer)))?;
    Ok(())
}

/// Sends every datagram back.
struct Echo {
    socket: UdpSocket,
    is_readable: bool,
}

impl Echo {
    const PLACES: usize = 1;
}

impl Resident for Echo {
    fn places(&self) -> usize {
        Self::PLACES
    }

    fn note(&mut self, _: usize, ready: Ready) {
        self.is_readable |= ready.readable;
    }

    fn work(&mut self, _: Now, _: &mut Decisions) {
        let mut datagram = [0; 2048];
        while self.is_readable {
            match self.socket.recv_from(&mut datagram) {
                Ok((length, peer)) => {
                    // One that cannot be sent now is lost, as datagrams are.
                    let _ = self.socket.send_to(datagram.get(..length).unwrap_or_default(), peer);
                }
                Err(_) => self.is_readable = false,
            }
        }
    }
}

/// Says once in a period how much was done.
struct Timer {
    next: Instant,
    handle: Handle,
}

impl Resident for Timer {
    fn deadline(&self, _: Now) -> Option<Instant> {
        Some(self.next)
    }

    fn work(&mut self, now: Now, _: &mut Decisions) {
        while self.next <= now.monotonic {
            self.next += PERIOD;
            println!("{} answers so far", self.handle.stats().answers);
        }
    }
}
