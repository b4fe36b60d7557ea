//! A server in somebody else's loop: beside it run a UDP echo and a timer.
//!
//! ```text
//! cargo run --no-default-features --example beside_a_timer -- 127.0.0.1:8080
//! curl -T file http://127.0.0.1:8080/
//! ```
//!
//! The loop belongs to the embedder. The server is asked how long the poll may wait, is
//! shown the events, and takes its turn; a turn is bounded, so the timer runs on time. How
//! well it does under a flood is measured by `timer` in `bench/load`.

use std::env;
use std::error::Error;
use std::io;
use std::time::{Duration, Instant};

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};
use streamsum::checksum::Checksum;
use streamsum::engine::{Config, Now};
use streamsum::server::Server;

const ECHO: Token = Token(0);
/// All tokens from here on may be the server's.
const SERVER: Token = Token(1);
const PERIOD: Duration = Duration::from_secs(1);

fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".into());
    let mut poll = Poll::new()?;
    let mut echo = UdpSocket::bind("127.0.0.1:0".parse()?)?;
    poll.registry().register(&mut echo, ECHO, Interest::READABLE)?;
    let mut server = Server::new(poll.registry(), SERVER, Config::default())?;
    let mut handler = Checksum::default();
    println!("listening on {}, to hash", server.bind(address)?);
    println!("listening on {}, to send back", echo.local_addr()?);

    let mut events = Events::with_capacity(1024);
    let mut next_tick = Instant::now() + PERIOD;
    loop {
        let now = Now::now();
        let tick = next_tick.saturating_duration_since(now.monotonic);
        let timeout = server.timeout(now).map_or(tick, |server| server.min(tick));
        match poll.poll(&mut events, Some(timeout)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        for event in &events {
            if !server.note(event) && event.token() == ECHO {
                send_back(&echo);
            }
        }
        while next_tick <= Instant::now() {
            next_tick += PERIOD;
            println!("{} answers so far", server.stats().answers);
        }
        server.turn(Now::now(), &mut handler)?;
    }
}

/// Sends every datagram back.
fn send_back(socket: &UdpSocket) {
    let mut datagram = [0; 2048];
    while let Ok((n, peer)) = socket.recv_from(&mut datagram) {
        // One that cannot be sent now is lost, as datagrams are.
        let _ = socket.send_to(datagram.get(..n).unwrap_or_default(), peer);
    }
}
