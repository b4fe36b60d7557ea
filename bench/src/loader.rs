//! The client: sends a plan's bursts over many connections from one thread, and checks
//! every digest that comes back.
//!
//! It is a closed loop: a connection sends its next burst when all answers to the last
//! one have come. [`paced`] is an open one.

mod answer;
mod connection;
mod exchange;
mod flow;
pub mod paced;

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};

use crate::contestant::{BASELINE, Digests};
use crate::plan::{Plan, Repeat};
use answer::Answers;
use connection::{Connection, Received, Sent};
pub use exchange::exchange;

/// Read at a time: room for hundreds of answers.
const INPUT: usize = 64 << 10;

/// What was done between the first byte sent and the last answer.
#[derive(Clone, Copy, Debug)]
pub struct Done {
    pub time: Duration,
    /// Bytes of content.
    pub content: u64,
    pub answers: u64,
}

/// Why a server has not done its work.
#[derive(Debug)]
pub enum Failure {
    Io(io::Error),
    /// It closed a connection with answers due.
    Closed,
    /// It sent what cannot be taken for an answer with a digest, and why not.
    Malformed(String),
    Status(u16),
    WrongDigest {
        answered: String,
        expected: String,
    },
    /// It answered what it was not asked.
    Unasked,
    Stalled,
    /// It has not kept what it was sent, and what is wrong.
    NotKept(String),
    /// It could not be asked, since the baseline has failed, and how.
    NoRate(String),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Closed => f.write_str("closed with answers due"),
            Self::Malformed(why) => write!(f, "not an answer with a digest: {why}"),
            Self::Status(status) => write!(f, "status {status}"),
            Self::WrongDigest { answered, expected } => {
                write!(f, "wrong digest: {answered:?} instead of {expected:?}")
            }
            Self::Unasked => f.write_str("an answer before its request was sent"),
            Self::Stalled => f.write_str("no answer in time"),
            Self::NotKept(why) => write!(f, "not kept: {why}"),
            Self::NoRate(failure) => write!(f, "no rate to ask at: {BASELINE}: {failure}"),
        }
    }
}

/// All connections of a plan, open.
pub struct Loader<'a> {
    plan: &'a Plan,
    answers: Answers,
    poll: Poll,
    connections: Vec<Connection>,
}

impl<'a> Loader<'a> {
    /// Opens the connections.
    ///
    /// # Errors
    ///
    /// When the server does not take them.
    pub fn connect(plan: &'a Plan, address: SocketAddr, digests: Digests) -> io::Result<Self> {
        let poll = Poll::new()?;
        let open = |at: usize| {
            let mut connection = Connection::open(address, at % plan.bursts.len())?;
            let interest = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(connection.source(), Token(at), interest)?;
            Ok(connection)
        };
        let connections = (0..plan.connections).map(open).collect::<io::Result<_>>()?;
        Ok(Self { plan, answers: Answers::new(digests), poll, connections })
    }

    /// Carries out the plan. A server that takes longer than `patience`, beside the time
    /// for which the plan repeats, has stalled.
    ///
    /// # Errors
    ///
    /// At the first answer that is wrong or missing.
    pub fn run(mut self, patience: Duration) -> Result<Done, Failure> {
        let mut events = Events::with_capacity(1024);
        let mut input = vec![0; INPUT];
        let mut sending: VecDeque<usize> = (0..self.connections.len()).collect();
        let mut working = self.connections.len();
        let mut done = Done { time: Duration::ZERO, content: 0, answers: 0 };
        let begun = Instant::now();
        let repeat = match self.plan.repeat {
            Repeat::Once => Duration::ZERO,
            Repeat::For(time) => time,
        };
        while working > 0 {
            for _ in 0..sending.len() {
                let Some(at) = sending.pop_front() else { break };
                if self.connections[at].send(&self.plan.bursts)? == Sent::Some {
                    sending.push_back(at);
                }
            }
            let wait = if sending.is_empty() { patience } else { Duration::ZERO };
            match self.poll.poll(&mut events, Some(wait)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                result => result?,
            }
            let elapsed = begun.elapsed();
            if elapsed > repeat + patience {
                return Err(Failure::Stalled);
            }
            for event in &events {
                let at = event.token().0;
                let connection = &mut self.connections[at];
                if event.is_writable() && connection.unblock() {
                    sending.push_back(at);
                }
                let bursts = &self.plan.bursts;
                let closed = event.is_read_closed() || event.is_error();
                if !event.is_readable() && !closed {
                    continue;
                }
                match connection.receive(closed, &mut input, bursts, &mut self.answers)? {
                    Received::Less => continue,
                    Received::Wish => {}
                    Received::All => {
                        let burst = &bursts[connection.burst()];
                        done.content += burst.content;
                        done.answers += burst.digests.len() as u64;
                        if elapsed >= repeat {
                            working -= 1;
                            continue;
                        }
                        connection.begin((connection.burst() + 1) % bursts.len());
                    }
                }
                // At once: the server has work while other events are seen to.
                if connection.send(bursts)? == Sent::Some {
                    sending.push_back(at);
                }
            }
        }
        done.time = begun.elapsed();
        Ok(done)
    }
}
