//! Uploads that flow at a fixed rate while something else is measured.
//!
//! What is due is sent in pieces, so that the loader is never away for long.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use mio::{Interest, Registry, Token};

use super::Failure;
use super::answer::Answers;
use super::connection::{Connection, Received};
use crate::contestant::Digests;
use crate::plan::Plan;

/// Bytes of content sent at a time.
const PIECE: usize = 32 << 10;

pub(super) struct Flow<'a> {
    plan: &'a Plan,
    /// Bytes of content a second.
    rate: f64,
    connections: Vec<Connection>,
    /// The token of the first.
    first: usize,
    /// Whose turn it is.
    next: usize,
    answers: Answers,
    /// Bytes, those of heads among them.
    sent: u64,
}

impl<'a> Flow<'a> {
    /// Opens the connections of a plan, with tokens from `first` on.
    pub(super) fn connect(
        plan: &'a Plan,
        rate: f64,
        address: SocketAddr,
        digests: Digests,
        registry: &Registry,
        first: usize,
    ) -> io::Result<Self> {
        let open = |at: usize| {
            let mut connection = Connection::open(address, at % plan.bursts.len())?;
            let interest = Interest::READABLE | Interest::WRITABLE;
            registry.register(connection.source(), Token(first + at), interest)?;
            Ok(connection)
        };
        let connections = (0..plan.connections).map(open).collect::<io::Result<_>>()?;
        let answers = Answers::new(digests);
        Ok(Self { plan, rate, connections, first, next: 0, answers, sent: 0 })
    }

    /// Sends a piece if one is due and a socket has room.
    pub(super) fn send(&mut self, elapsed: Duration) -> Result<(), Failure> {
        let due = (elapsed.as_secs_f64() * self.rate) as u64;
        if self.sent + PIECE as u64 > due {
            return Ok(());
        }
        for _ in 0..self.connections.len() {
            let connection = &mut self.connections[self.next];
            self.next = (self.next + 1) % self.plan.connections;
            if !connection.is_blocked() && !connection.is_waiting(&self.plan.bursts) {
                let before = connection.sent();
                connection.send_up_to(PIECE, &self.plan.bursts)?;
                self.sent += connection.sent() - before;
                break;
            }
        }
        Ok(())
    }

    /// Whether a token is that of one of its connections.
    pub(super) fn owns(&self, token: Token) -> bool {
        token.0 >= self.first
    }

    /// Takes note of what a socket has to say.
    pub(super) fn note(
        &mut self,
        event: &mio::event::Event,
        input: &mut [u8],
    ) -> Result<(), Failure> {
        let connection = &mut self.connections[event.token().0 - self.first];
        let bursts = &self.plan.bursts;
        if event.is_writable() {
            connection.unblock();
        }
        let closed = event.is_read_closed() || event.is_error();
        if !event.is_readable() && !closed {
            return Ok(());
        }
        match connection.receive(closed, input, bursts, &mut self.answers)? {
            Received::Less => {}
            Received::Wish => return Err(Failure::Unasked),
            Received::All => connection.begin((connection.burst() + 1) % bursts.len()),
        }
        Ok(())
    }

    /// Bytes sent.
    pub(super) fn sent(&self) -> u64 {
        self.sent
    }
}
