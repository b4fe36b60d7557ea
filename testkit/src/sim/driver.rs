//! The loop around an engine, over scripted sockets and invented time.

use std::time::{Duration, Instant};

use streamsum::engine::{Config, Engine, Key, Ready};
use streamsum::handler::{Handler, PeerAddr};
use streamsum::resident::{Decisions, Resident};

use super::{Client, Clock, Socket};

/// More turns than this in which no byte is read or written are a loop that burns the
/// processor.
const MOST_TURNS: usize = 2_000;

/// A handler, with what lives in the loop beside the engine, of which the driver knows whether it
/// keeps content.
pub trait Keeps: Handler + Resident {
    /// True if it keeps some at the moment.
    fn keeps(&self) -> bool {
        false
    }
}

impl<H: Keeps> Keeps for Box<H> {
    fn keeps(&self) -> bool {
        (**self).keeps()
    }
}

/// An engine in an edge-triggered poll: each edge is noted once and never again.
pub struct Driver<H: Handler, const DRAINS: bool = true> {
    /// What is tested.
    pub engine: Engine<Socket<DRAINS>, H::Upload>,
    /// The handler that it is lent in each turn.
    pub handler: H,
    /// The only clock that it knows.
    pub clock: Clock,
    /// How many turns it has taken.
    pub turns: u64,
    /// The far ends of the resident's sockets, by place.
    pub neighbours: Vec<Client>,
    clients: Vec<(Key, Client)>,
    decisions: Decisions,
}

impl<H: Keeps, const DRAINS: bool> Driver<H, DRAINS> {
    /// An engine with nobody connected.
    pub fn new(config: Config, handler: H) -> Self {
        let clock = Clock::new();
        let engine = Engine::new(config, clock.now()).expect("bounds that work");
        Self {
            engine,
            handler,
            clock,
            turns: 0,
            neighbours: Vec::new(),
            clients: Vec::new(),
            decisions: Decisions::default(),
        }
    }

    /// The client's end of a new connection.
    pub fn connect(&mut self) -> Client {
        self.connect_from(PeerAddr::Unix)
    }

    /// Likewise, where it matters who connects.
    pub fn connect_from(&mut self, peer: PeerAddr) -> Client {
        let (client, socket) = Client::connect();
        let expected = self.engine.next_key();
        let key = self.engine.insert(socket, peer, self.clock.now());
        assert_eq!(key, expected, "the key that was promised");
        self.clients.push((key, client.clone()));
        client
    }

    /// The key of a client that is still connected.
    pub fn key_of(&self, client: &Client) -> Key {
        let found = self.clients.iter().find(|(_, other)| client.is(other));
        found.expect("a client that is connected").0
    }

    /// Says of a peer what no event has said.
    pub fn note_spuriously(&mut self, client: &Client) {
        let ready = Ready { readable: true, writable: true, ..Ready::default() };
        self.engine.note(self.key_of(client), ready);
    }

    /// Notes all edges; tells whether there were any.
    pub fn poll(&mut self) -> bool {
        self.clients.retain(|(_, client)| !client.is_closed());
        let mut noted = false;
        for (key, client) in &self.clients {
            if let Some(ready) = client.take_edges() {
                self.engine.note(*key, ready);
                noted = true;
            }
        }
        for (place, neighbour) in self.neighbours.iter().enumerate() {
            if let Some(ready) = neighbour.take_edges() {
                self.handler.note(place, ready);
                noted = true;
            }
        }
        noted
    }

    /// One turn after one poll, and after the resident's work.
    pub fn turn(&mut self) {
        self.poll();
        self.handler.work(self.clock.now(), &mut self.decisions);
        self.engine.decide(&mut self.decisions);
        self.engine.turn(self.clock.now(), &mut self.handler);
        self.turns += 1;
        assert_eq!(self.engine.buffers_out(), 0, "a pooled buffer is out between turns");
        self.engine.check_queue();
        let (held, bound) = (self.engine.held(), self.engine.config().max_held);
        assert!(held <= bound, "{held} bytes are held, and {bound} may be");
        let is_idle = self.engine.is_empty();
        assert_eq!(is_idle, self.engine.deadline(self.clock.now()).is_none(), "deadline");
        let may_hold = !is_idle || self.handler.keeps();
        assert!(may_hold || self.engine.held() == 0, "nobody there, and something held");
    }

    /// When the loop wakes up though nothing happens.
    pub fn deadline(&self) -> Option<Instant> {
        let now = self.clock.now();
        [self.engine.deadline(now), self.handler.deadline(now)].into_iter().flatten().min()
    }

    /// True if a poll would return at once.
    fn is_due(&mut self) -> bool {
        let now = self.clock.now();
        self.poll() || self.deadline().is_some_and(|due| due <= now.monotonic)
    }

    /// Turns until nothing is left to do at this time; how many it took.
    pub fn settle(&mut self) -> usize {
        let (mut turns, mut in_vain) = (0, 0);
        while self.is_due() {
            let before = self.bytes_moved();
            self.turn();
            turns += 1;
            in_vain = if self.bytes_moved() == before { in_vain + 1 } else { 0 };
            assert!(in_vain < MOST_TURNS, "{in_vain} turns in vain: {:?}", self.engine);
        }
        turns
    }

    fn bytes_moved(&self) -> u64 {
        let stats = self.engine.stats();
        stats.bytes_read + stats.bytes_written
    }

    /// Time goes by, and the loop wakes up when the engine or the resident has asked for it.
    pub fn advance(&mut self, time: Duration) {
        let end = self.clock.now().monotonic + time;
        self.settle();
        while let Some(due) = self.deadline().filter(|due| *due <= end) {
            let now = self.clock.now().monotonic;
            self.clock.advance(due.saturating_duration_since(now));
            self.settle();
        }
        let now = self.clock.now().monotonic;
        self.clock.advance(end.saturating_duration_since(now));
        self.settle();
    }

    /// As [`Driver::advance`], in seconds.
    pub fn advance_secs(&mut self, seconds: f64) {
        self.advance(Duration::from_secs_f64(seconds));
    }

    /// Sends and lets the engine do what it can.
    pub fn send(&mut self, client: &Client, bytes: impl AsRef<[u8]>) {
        client.send(bytes);
        self.settle();
    }
}
