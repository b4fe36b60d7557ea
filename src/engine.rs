//! The engine: it notes which peers may have something to say, and serves them in
//! turns.
//!
//! Readiness is only *noted*. Then the engine takes a *turn*: it reads from all who are
//! ready, hands all their content to the handler at once, and settles the answers. That
//! is what lets a handler work on many uploads side by side.
//!
//! ```text
//! note, note, note ─► turn: gather ─► wave: consume, settle ─► … ─► scatter
//!                           ▲                                          │
//!                           └── while as many are left, and a budget ──┘
//!                           then: sweep the deadlines, reap the closed
//! ```
//!
//! It knows neither the poll behind the notes nor the clock: both are arguments. So the
//! same code runs over scripted sockets and invented time, in tests and under a fuzzer.
//! [`Server`](crate::server::Server) is this engine over real sockets.

mod answer;
mod batch;
mod buffers;
mod clock;
mod closing;
mod config;
mod deadlines;
mod exchange;
mod gather;
mod held;
mod idle;
mod peer;
mod scatter;
mod stats;
mod time;
mod timeouts;
mod wave;

use std::collections::VecDeque;
use std::mem;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use slab::Slab;

use crate::handler::{Abort, Handler, Outcome, PeerAddr, Piece, UploadId};
use crate::proto::{Connection, Date, Response};
use batch::Slot;
use buffers::Buffers;
use deadlines::Overdue;
use held::Held;
use idle::Idle;
use peer::{Life, Peer, Wish};
use time::Moment;

pub use crate::link::{Ready, Socket};
pub use config::{Config, ConfigError};
pub use stats::Stats;
pub use time::Now;
pub use timeouts::Timeouts;

/// Names a peer for as long as it is there. Keys are small, and are used again for
/// other peers, though never within the turn in which they became free.
pub type Key = usize;

/// Serves many peers over sockets of one kind. `U` is the handler's
/// [`Upload`](Handler::Upload).
///
/// # Example
///
/// One request over a scripted socket.
///
/// ```
/// use std::{cell::RefCell, io::{self, Cursor, Read, Write}, rc::Rc};
/// use streamsum::{checksum::Checksum, engine::{Config, Engine, Now, Ready, Socket}};
/// use streamsum::{handler::PeerAddr, md5::Md5};
///
/// struct Script { input: Cursor<&'static [u8]>, output: Rc<RefCell<Vec<u8>>> }
/// impl Read for Script {
///     fn read(&mut self, into: &mut [u8]) -> io::Result<usize> { self.input.read(into) }
/// }
/// impl Write for Script {
///     fn write(&mut self, from: &[u8]) -> io::Result<usize> { self.output.borrow_mut().write(from) }
///     fn flush(&mut self) -> io::Result<()> { Ok(()) }
/// }
/// impl Socket for Script {
///     fn short_read_drains(&self) -> bool { false }
///     fn finish_writing(&mut self) -> io::Result<()> { Ok(()) }
/// }
///
/// let input = Cursor::new(&b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"[..]);
/// let output = Rc::default();
/// let mut engine = Engine::<Script, Md5>::new(Config::default(), Now::now())?;
/// let key = engine.insert(Script { input, output: Rc::clone(&output) }, PeerAddr::Unix, Now::now());
/// engine.note(key, Ready { readable: true, ..Ready::default() });
/// engine.turn(Now::now(), &mut Checksum::default());
///
/// assert!(output.borrow().ends_with(b"\r\n\r\n900150983cd24fb0d6963f7d28e17f72"));
/// assert!(engine.is_idle());
/// # Ok::<(), streamsum::engine::ConfigError>(())
/// ```
pub struct Engine<S, U> {
    /// No other engine of the process has it.
    number: NonZeroU32,
    config: Config,
    peers: Slab<Peer<S, U>>,
    /// Peers that may have something to say, each once, in the order of their notes.
    ready: VecDeque<Key>,
    /// Peers that wait for room to keep what they send.
    hungry: Vec<Key>,
    /// Keys of peers that were closed in this turn.
    dead: Vec<Key>,
    buffers: Buffers,
    held: Held,
    idle: Idle,
    /// What is left of this turn's bytes.
    budget: usize,
    start: Instant,
    now: Moment,
    swept: Moment,
    second: u64,
    date: Date,
    next_serial: u64,
    draining: bool,
    /// Whether the handler has ever left some of a piece.
    takes_in_part: bool,
    stats: Stats,
    // Emptied every turn, kept for their memory.
    batch: Vec<Slot>,
    pieces: Vec<Piece<U>>,
    outs: Vec<Vec<u8>>,
    overdue: Vec<(Key, Overdue)>,
}

impl<S: Socket, U> Engine<S, U> {
    /// An engine without peers.
    ///
    /// # Errors
    ///
    /// The first setting that is out of its range: see [`Config::check`].
    pub fn new(config: Config, now: Now) -> Result<Self, ConfigError> {
        config.check()?;
        let most_kept = config.most_kept();
        Ok(Self {
            number: next_number(),
            peers: Slab::new(),
            ready: VecDeque::new(),
            hungry: Vec::new(),
            dead: Vec::new(),
            buffers: Buffers::new(&config),
            held: Held::new(config.max_held, most_kept),
            idle: Idle::default(),
            budget: 0,
            start: now.monotonic,
            now: Moment(0),
            swept: Moment(0),
            second: 0,
            date: Date::new(now.wall),
            next_serial: 0,
            draining: false,
            takes_in_part: false,
            stats: Stats::default(),
            batch: Vec::new(),
            pieces: Vec::new(),
            outs: Vec::new(),
            overdue: Vec::new(),
            config,
        })
    }

    /// Takes in a peer that has just connected. Nothing is read until something is
    /// noted.
    pub fn insert(&mut self, socket: S, addr: PeerAddr, now: Now) -> Key {
        self.tell(now);
        self.stats.connections += 1;
        let mut connection = Connection::new(self.config.limits);
        connection.set_idle_timeout(self.config.timeouts.idle);
        if self.draining {
            connection.retire();
        }
        self.peers.insert(Peer::new(socket, addr, connection, self.now))
    }

    /// The key that [`Engine::insert`] will give next.
    #[must_use]
    pub fn next_key(&self) -> Key {
        self.peers.vacant_key()
    }

    /// Notes what an event said of a peer. Cheap: it reads and writes nothing. A note
    /// on a peer that is gone is ignored.
    pub fn note(&mut self, key: Key, ready: Ready) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        peer.link.note(ready);
        self.enqueue(key);
    }

    /// Serves those who are ready until [`Config::max_turn`] are spent, or fewer are left
    /// than were served together: they are for the next turn, with whoever has become ready
    /// by then. Then looks at the deadlines, if it is time.
    pub fn turn<H: Handler<Upload = U>>(&mut self, now: Now, handler: &mut H) {
        self.tell(now);
        self.stats.turns += 1;
        self.budget = self.config.max_turn;
        self.feed_hungry();
        let worth = self.worth_a_batch();
        loop {
            let served = self.serve_batch(handler);
            // Fewer would have the lanes to themselves, while the others may be ready again.
            let is_thinner = self.ready.len() < served;
            if self.budget < worth || self.ready.is_empty() || is_thinner {
                break;
            }
        }
        self.sweep(handler);
        self.reap();
    }

    /// What must be left of a turn's bytes for one more batch: all that it may read, if a
    /// turn has as much. A batch that is cut short takes the kernel's time of a full one.
    fn worth_a_batch(&self) -> usize {
        let a_peer = self.config.buffer + gather::VISIT_COST;
        let full = self.config.batch.saturating_mul(a_peer);
        if full <= self.config.max_turn { full } else { 1 }
    }

    /// When the next turn is due even without a note: at once while work is left, at
    /// the next look at the deadlines while there are peers, else never.
    #[must_use]
    pub fn deadline(&self, now: Now) -> Option<Instant> {
        let can_feed = !self.hungry.is_empty() && self.held.can_serve(self.config.most_kept());
        if !self.ready.is_empty() || can_feed {
            return Some(now.monotonic);
        }
        let sweep = self.swept.later_by(deadlines::SWEEP);
        (!self.peers.is_empty()).then(|| self.start + sweep.since(Moment(0)))
    }

    /// Goes on with a request that awaits its verdict, or of which a piece was taken in
    /// part. False if there is no such request (any more), or it goes on already.
    pub fn resume(&mut self, id: UploadId) -> bool {
        let Some(peer) = self.peers.get_mut(id.key as usize).filter(|peer| peer.serves(id)) else {
            return false;
        };
        if !peer.awaits_handler() || matches!(peer.upload, exchange::Upload::Late) {
            return false;
        }
        peer.resumed = true;
        self.enqueue(id.key as usize);
        true
    }

    /// Answers a request whose handler said that it would answer later; or any other
    /// that is not answered yet, whose upload then goes to [`Handler::ended`]. False if
    /// there is no such request (any more), or an answer is on its way already.
    pub fn answer(&mut self, id: UploadId, response: Response) -> bool {
        let Some(peer) = self.peers.get_mut(id.key as usize).filter(|peer| peer.serves(id)) else {
            return false;
        };
        if peer.wish.is_some() {
            return false;
        }
        peer.wish = Some(Box::new(Wish::Answer(response)));
        self.enqueue(id.key as usize);
        true
    }

    /// Takes no more requests: peers between requests are closed in the next turn, and
    /// all others after their answer.
    pub fn drain(&mut self) {
        self.draining = true;
        for (_, peer) in &mut self.peers {
            peer.connection.retire();
            // A request may lie in the socket unnoted: those are served.
            if peer.is_between_requests() {
                peer.link.expect_input();
            }
        }
        let keys: Vec<Key> = self.peers.iter().map(|(key, _)| key).collect();
        keys.into_iter().for_each(|key| self.enqueue(key));
    }

    /// Closes all connections at once; each unfinished request is reported as
    /// [`Abort::Shutdown`].
    pub fn shut_down<H: Handler<Upload = U>>(&mut self, now: Now, handler: &mut H) {
        self.tell(now);
        let keys: Vec<Key> = self.peers.iter().map(|(key, _)| key).collect();
        keys.into_iter().for_each(|key| self.abort(key, Abort::Shutdown, handler));
        self.ready.clear();
        self.hungry.clear();
        self.dead.clear();
        self.peers.clear();
    }

    /// Whether there is no peer at all.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.peers.is_empty()
    }

    /// How many peers there are.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.peers.len()
    }

    /// How many of the peers have been sent their last answer, and are only waited for:
    /// see [`Timeouts::linger`]. It looks at each peer.
    #[must_use]
    pub fn lingering(&self) -> usize {
        self.peers.iter().filter(|(_, peer)| peer.life == Life::Lingering).count()
    }

    /// Bytes kept for peers at the moment: see [`Config::max_held`].
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.bytes()
    }

    /// Pooled buffers that are lent: 0 between turns. For tests of this crate.
    #[doc(hidden)]
    #[must_use]
    pub fn buffers_out(&self) -> usize {
        self.buffers.out()
    }

    /// The counters.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The bounds that are in force.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    fn tell(&mut self, now: Now) {
        let elapsed = now.monotonic.saturating_duration_since(self.start);
        self.now = self.now.max(Moment(0).later_by(elapsed));
        let since = now.wall.duration_since(std::time::UNIX_EPOCH);
        let second = since.map_or(0, |since| since.as_secs());
        if second != self.second {
            self.second = second;
            self.date = Date::new(now.wall);
        }
    }

    /// Puts a peer into the ready queue, if a visit could get anything done.
    fn enqueue(&mut self, key: Key) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        if !peer.queued && peer.is_runnable(self.config.max_output) {
            peer.queued = true;
            self.ready.push_back(key);
        }
    }

    fn feed_hungry(&mut self) {
        if !self.held.can_serve(self.config.most_kept()) {
            return;
        }
        let mut hungry = mem::take(&mut self.hungry);
        for key in hungry.drain(..) {
            if let Some(peer) = self.peers.get_mut(key) {
                peer.hungry = false;
                self.enqueue(key);
            }
        }
        // Nobody became hungry meanwhile: this only kept the memory.
        self.hungry = hungry;
    }

    /// Gives up a connection; a request on it ends without an answer.
    fn abort<H: Handler<Upload = U>>(&mut self, key: Key, abort: Abort, handler: &mut H) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        if let Some(record) = peer.request.take() {
            self.stats.aborts += 1;
            let outcome = Outcome::Aborted(abort);
            let report = record.report(peer.addr, self.now, None, outcome);
            handler.ended(&report, peer.upload.take());
        }
        self.close(key);
    }

    /// Closes the socket. The key stays taken until the end of the turn, so that what
    /// was noted of this peer cannot hit another.
    fn close(&mut self, key: Key) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        if peer.life == Life::Dead {
            return;
        }
        peer.life = Life::Dead;
        peer.link.close();
        if let Some(kept) = peer.kept.take() {
            self.held.release(kept.capacity());
        }
        self.held.let_go(key);
        self.dead.push(key);
    }

    /// Frees the keys of closed peers, but for those that still stand in the queue.
    fn reap(&mut self) {
        let peers = &mut self.peers;
        let is_hungry = |key: &Key| peers.get(*key).is_some_and(|peer| peer.hungry);
        if self.dead.iter().any(is_hungry) {
            self.hungry.retain(|key| peers.get(*key).is_some_and(|peer| peer.life != Life::Dead));
        }
        self.dead.retain(|key| match peers.get(*key) {
            Some(peer) if peer.queued => true,
            _ => {
                peers.try_remove(*key);
                false
            }
        });
    }
}

/// For ids that no two engines have in common.
fn next_number() -> NonZeroU32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    // It comes round after four billion of them.
    NonZeroU32::new(NEXT.fetch_add(1, Ordering::Relaxed)).unwrap_or(NonZeroU32::MAX)
}

impl<S, U> std::fmt::Debug for Engine<S, U> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("connections", &self.peers.len())
            .field("ready", &self.ready.len())
            .field("held", &self.held)
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}
