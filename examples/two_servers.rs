//! Two servers with different handlers and limits in one loop.
//!
//! ```text
//! cargo run --no-default-features --example two_servers -- 127.0.0.1:8080 127.0.0.1:8081
//! ```
//!
//! The first takes uploads of any size, the second only asks for their sizes, and takes
//! no more than 1 KiB. Each has a range of tokens of its own.

use std::env;
use std::error::Error;
use std::io;

use mio::{Events, Poll, Token};
use streamsum::checksum::Checksum;
use streamsum::engine::{Config, Now};
use streamsum::handler::{Finished, Handler, Piece, Reply, Request, Verdict};
use streamsum::proto::{Limits, Response};
use streamsum::server::Server;

/// Answers with the length of the content.
struct Length;

impl Handler for Length {
    type Upload = ();

    fn begin(&mut self, _: Request<'_>) -> Verdict<()> {
        Verdict::Take(())
    }

    fn consume(&mut self, _: &mut [Piece<()>]) {}

    fn finish(&mut self, message: Finished<'_>, (): ()) -> Reply {
        Reply::Now(Response::text(200, message.received().to_string()))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut addresses = env::args().skip(1);
    let mut address = || addresses.next().unwrap_or_else(|| "127.0.0.1:0".into());
    let mut poll = Poll::new()?;

    let mut hashing = Server::new(poll.registry(), Token(0), Config::default())?;
    println!("listening on {}, to hash", hashing.bind(address())?);

    let limits = Limits::default().body(1 << 10);
    let config = Config::default().limits(limits).connections(100);
    let behind = Token(hashing.tokens().end);
    let mut measuring = Server::new(poll.registry(), behind, config)?;
    println!("listening on {}, to measure no more than 1 KiB", measuring.bind(address())?);

    let mut events = Events::with_capacity(1024);
    let (mut checksum, mut length) = (Checksum::default(), Length);
    loop {
        let now = Now::now();
        let timeout = [hashing.timeout(now), measuring.timeout(now)].into_iter().flatten().min();
        match poll.poll(&mut events, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        for event in &events {
            let _is_ours = hashing.note(event) || measuring.note(event);
        }
        let now = Now::now();
        hashing.turn(now, &mut checksum)?;
        measuring.turn(now, &mut length)?;
    }
}
