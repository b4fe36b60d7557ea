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
mod idle;
mod ids;
mod peer;
mod room;
mod roster;
mod scatter;
mod slot;
mod stats;
mod time;
mod timeouts;
mod turn;
mod underway;
mod wave;

use std::num::NonZeroU32;
use std::time::Instant;

use crate::handler::{Abort, Handler, Origin, Outcome, UploadId};
use crate::proto::{Connection, Date, Response};
use crate::resident::{Decision, Decisions};
use batch::Batch;
use deadlines::Sweeper;
use exchange::Exchange;
use idle::Idle;
use ids::Ids;
use peer::{Bounds, Peer, Pending, Stage, Unanswered};
use room::Room;
use roster::Roster;
use time::Moment;
use turn::Turn;

pub use crate::link::{Ready, Socket};
pub use crate::now::Now;
pub use config::{Config, ConfigError};
pub use ids::Key;
pub use stats::Stats;
pub use timeouts::Timeouts;
pub use underway::{Phase, Underway};

/// Serves many peers over sockets of one kind. `U` is the handler's
/// [`Upload`](Handler::Upload).
///
/// # Example
///
/// One request over a scripted socket.
///
/// ```
/// use std::{cell::RefCell, io::{self, Cursor, Read, Write}, rc::Rc};
/// use streamsum::{checksum::{Checksum, Upload}, handler::PeerAddr};
/// use streamsum::engine::{Config, Engine, Now, Ready, Socket};
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
/// let mut engine = Engine::<Script, Upload>::new(Config::default(), Now::now())?;
/// let key = engine.insert(Script { input, output: Rc::clone(&output) }, PeerAddr::Unix, Now::now());
/// engine.note(key, Ready { readable: true, ..Ready::default() });
/// engine.turn(Now::now(), &mut Checksum::default());
///
/// assert!(output.borrow().ends_with(b"\r\n\r\n900150983cd24fb0d6963f7d28e17f72"));
/// assert!(engine.is_empty());
/// # Ok::<(), streamsum::engine::ConfigError>(())
/// ```
pub struct Engine<S, U> {
    config: Config,
    roster: Roster<S, U>,
    room: Room,
    batch: Batch<U>,
    sweeper: Sweeper,
    idle: Idle,
    ids: Ids,
    stats: Stats,
    start: Instant,
    now: Moment,
    second: u64,
    date: Date,
    is_draining: bool,
}

impl<S: Socket, U> Engine<S, U> {
    /// An engine without peers.
    ///
    /// # Errors
    ///
    /// The first setting that is out of its range: see [`Config::check`].
    pub fn new(config: Config, now: Now) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self {
            roster: Roster::new(),
            room: Room::new(&config),
            batch: Batch::new(),
            sweeper: Sweeper::new(),
            idle: Idle::default(),
            ids: Ids::new(),
            stats: Stats::default(),
            start: now.monotonic,
            now: Moment(0),
            second: 0,
            date: Date::new(now.wall),
            is_draining: false,
            config,
        })
    }

    /// Takes in a peer that has just connected. Nothing is read until something is noted;
    /// but while the engine [drains](Engine::drain), the next turn looks whether a request
    /// has come, and closes the connection if not.
    pub fn insert(&mut self, socket: S, origin: impl Into<Origin>, now: Now) -> Key {
        self.tell(now);
        self.stats.connections += 1;
        let mut connection = Connection::new(self.config.limits);
        connection.set_idle_timeout(self.config.timeouts.idle);
        if self.is_draining {
            connection.disable_keep_alive();
        }
        let key = self.roster.insert(Peer::new(socket, origin.into(), connection, self.now));
        self.roster.file(key, &self.bounds());
        key
    }

    /// The key that [`Engine::insert`] will give next.
    #[must_use]
    pub fn next_key(&self) -> Key {
        self.roster.next_key()
    }

    /// Notes what an event said of a peer. Cheap: it reads and writes nothing. A note
    /// on a peer that is gone is ignored.
    pub fn note(&mut self, key: Key, ready: Ready) {
        let bounds = self.bounds();
        if let Some(peer) = self.roster.get_mut(key) {
            peer.link.note(ready);
            self.roster.file(key, &bounds);
        }
    }

    /// Serves those who are ready until the bytes of [`Config::max_turn`] are spent, or fewer
    /// peers are left than were served together: they are for the next turn, with those that
    /// have become ready by then. Then looks at the deadlines, if it is time, and tells the
    /// handler of the requests that broke off in this turn.
    pub fn turn<H: Handler<Upload = U>>(&mut self, now: Now, handler: &mut H) {
        self.tell(now);
        self.stats.turns += 1;
        let worth = self.worth_a_batch();
        let may_feed = self.room.can_serve(self.config.most_kept());
        let (mut turn, Parts { roster, batch, sweeper, .. }) = self.parts();
        turn.may_leave_content = handler.may_leave_content();
        if may_feed {
            roster.end_waiting(&turn.bounds);
        }
        loop {
            let served = batch.serve(roster, &mut turn, handler);
            // A thin batch wastes lanes; by the next turn more peers may be ready.
            let is_thinner = roster.queued() < served;
            if turn.budget < worth || roster.queued() == 0 || is_thinner {
                break;
            }
        }
        sweeper.sweep(roster, &turn);
        for (key, peer) in roster.remove_gone() {
            turn.reap(key, peer, handler);
        }
        if roster.has_waiting() {
            turn.room.account().await_room();
        }
    }

    /// Sets what is called when the handler drops [`Content`](crate::handler::Content) while
    /// peers wait for its memory: on the thread that drops it, and at most once a turn. It is to
    /// have the loop take the next turn, which otherwise comes within a second. Only the first
    /// call counts. [`Server::set_wake`](crate::server::Server::set_wake) has an example.
    pub fn set_wake(&self, wake: impl Fn() + Send + Sync + 'static) {
        self.room.account().set_wake(wake);
    }

    /// What must be left of a turn's bytes for one more batch: all that it may read, if a
    /// turn has as much. A batch that is cut short takes as much of the operating system's
    /// time as a full one.
    fn worth_a_batch(&self) -> usize {
        let a_peer = self.config.buffer + gather::VISIT_COST;
        let full = self.config.batch.saturating_mul(a_peer);
        if full <= self.config.max_turn { full } else { 1 }
    }

    /// When the next turn is due even without a note: at once while work is left, at
    /// the next look at the deadlines while there are peers, else never.
    #[must_use]
    pub fn deadline(&self, now: Now) -> Option<Instant> {
        let can_serve = self.room.can_serve(self.config.most_kept());
        if self.roster.queued() > 0 || self.roster.has_waiting() && can_serve {
            return Some(now.monotonic);
        }
        (!self.roster.is_empty()).then(|| self.instant(self.sweeper.due()))
    }

    /// Goes on with a request that awaits its verdict, or of which a piece was taken in
    /// part, or whose [credit](crate::handler::Piece::credit) is used up. False if there is no
    /// such request (any more), or it goes on or is answered already.
    pub fn resume(&mut self, id: UploadId) -> bool {
        self.set_pending(id, |peer| {
            if peer.pending.is_some() {
                return None;
            }
            match &mut peer.stage {
                Stage::Deciding(_) => Some(Pending::Resume),
                Stage::Paused(Exchange { record, .. }, _) => {
                    record.lift_credit();
                    Some(Pending::Resume)
                }
                _ => None,
            }
        })
    }

    /// Answers a request whose handler said that it would answer later; or any other
    /// that is not answered yet, whose upload then goes to [`Handler::ended`]. False if
    /// there is no such request (any more), or an answer is on its way already.
    pub fn answer(&mut self, id: UploadId, response: Response) -> bool {
        self.set_pending(id, |peer| {
            let is_new = matches!(peer.pending.as_deref(), None | Some(Pending::Resume));
            is_new.then_some(Pending::Answer(response))
        })
    }

    /// Resumes and answers many requests, as [`Engine::resume`] and [`Engine::answer`] do, and
    /// leaves the list empty. Those that are gone are passed over.
    pub fn decide(&mut self, decisions: &mut Decisions) {
        for (id, decision) in decisions.list.drain(..) {
            // Only `Handler::ended` reports whether it was still there.
            let _ = match decision {
                Decision::Resume => self.resume(id),
                Decision::Answer(response) => self.answer(id, response),
            };
        }
    }

    /// Sets what is to be done to a request when its peer is visited; false if there is no
    /// such request, or nothing is to be done.
    fn set_pending(
        &mut self,
        id: UploadId,
        decision: impl FnOnce(&mut Peer<S, U>) -> Option<Pending>,
    ) -> bool {
        let bounds = self.bounds();
        let Some(key) = self.ids.key_of(id) else { return false };
        let Some(peer) = self.roster.get_mut(key).filter(|peer| peer.serves(id)) else {
            return false;
        };
        let Some(pending) = decision(peer) else { return false };
        peer.pending = Some(Box::new(pending));
        self.roster.file(key, &bounds);
        true
    }

    /// The peer that has been idle for longest, if that is a second at least: the one to
    /// [give way](Engine::displace) to a newcomer. Idle is who has taken all of an answer
    /// and sent nothing since; a last read makes sure of that.
    ///
    /// All peers are looked at once a second at most, or once for 1,024 that give way,
    /// however often this is called.
    ///
    /// # Errors
    ///
    /// If there is none: when there may be one, so that this is to be called again.
    pub fn longest_idle(&mut self, now: Now) -> Result<Key, Instant> {
        self.tell(now);
        let (mut turn, Parts { roster, idle, .. }) = self.parts();
        let found = idle.longest(roster, &mut turn);
        // Of those who were found closed nobody is to be told: they were idle.
        for (key, mut peer) in roster.remove_gone() {
            turn.room.let_go(key, peer.unread.take());
        }
        found.map_err(|due| self.instant(due))
    }

    /// Closes an idle peer for the sake of a newcomer; false if it is not idle.
    ///
    /// Its key is free at once: this is to be called when all events of one poll were noted,
    /// and before the turn.
    pub fn displace(&mut self, key: Key) -> bool {
        let is_idle = self.roster.get(key).is_some_and(|peer| peer.idle_since().is_some());
        if is_idle {
            self.stats.displaced += 1;
            let mut peer = self.roster.remove(key);
            self.room.let_go(key, peer.unread.take());
        }
        is_idle
    }

    /// Takes no more requests: peers between requests are closed in the next turn, and
    /// all others after their answer.
    pub fn drain(&mut self) {
        self.is_draining = true;
        let bounds = self.bounds();
        let keys: Vec<Key> = self.roster.iter().map(|(key, _)| key).collect();
        for key in keys {
            self.roster[key].connection.disable_keep_alive();
            self.roster.file(key, &bounds);
        }
    }

    /// Closes all connections at once; each unfinished request is reported as
    /// [`Abort::Shutdown`].
    pub fn shut_down<H: Handler<Upload = U>>(&mut self, now: Now, handler: &mut H) {
        self.tell(now);
        let (mut turn, Parts { roster, .. }) = self.parts();
        for (key, mut peer) in roster.remove_all() {
            peer.break_off(Abort::Shutdown);
            turn.reap(key, peer, handler);
        }
    }

    /// True if there is no peer at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.roster.is_empty()
    }

    /// How many peers there are.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.roster.len()
    }

    /// How many of the peers have a request under way, or have not sent their first. By this a
    /// newcomer is [placed](crate::placement) where there are several engines.
    #[must_use]
    pub fn busy(&self) -> usize {
        self.roster.busy()
    }

    /// How many of the peers have been sent their last answer, and are only waited for:
    /// see [`Timeouts::linger`]. It looks at each peer.
    #[must_use]
    pub fn lingering(&self) -> usize {
        let lingers = |peer: &Peer<S, U>| matches!(peer.stage, Stage::Lingering { .. });
        self.roster.iter().filter(|(_, peer)| lingers(peer)).count()
    }

    /// The requests that have begun and not ended, in no order: those for which
    /// [`Handler::ended`] is to come. [`Server::uploads`](crate::server::Server::uploads) has an
    /// example.
    ///
    /// It looks at each peer, idle ones too, as the deadlines do once a second, and allocates
    /// nothing. That is cheap enough for every second and for a person who asks, not for every
    /// turn.
    pub fn uploads(&self) -> impl Iterator<Item = Underway<'_>> {
        self.roster.iter().filter_map(|(_, peer)| peer.underway(self.now))
    }

    /// The number that the ids of its requests have, and those of no other engine.
    pub(crate) fn number(&self) -> NonZeroU32 {
        self.ids.engine()
    }

    /// Bytes kept for peers at the moment: see [`Config::max_held`].
    #[must_use]
    pub fn held(&self) -> usize {
        self.room.in_use()
    }

    /// Pooled buffers that are lent: 0 between turns. For tests of this crate.
    #[doc(hidden)]
    #[must_use]
    pub fn buffers_out(&self) -> usize {
        self.room.buffers_out()
    }

    /// Panics unless those peers are queued for whom there is something to do, and no
    /// others; and unless as many are counted as busy as there are. For tests of this crate.
    #[doc(hidden)]
    pub fn check_queue(&self) {
        self.roster.check_queue(&self.bounds());
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

    fn instant(&self, moment: Moment) -> Instant {
        self.start + moment.since(Moment(0))
    }

    fn bounds(&self) -> Bounds {
        let Config { max_output, .. } = self.config;
        let max_linger = self.config.timeouts.max_linger;
        Bounds { max_output, max_linger, is_draining: self.is_draining }
    }

    /// What steps may use, and what they are taken for.
    fn parts(&mut self) -> (Turn<'_>, Parts<'_, S, U>) {
        let bounds = self.bounds();
        let turn = Turn {
            now: self.now,
            date: &self.date,
            config: &self.config,
            bounds,
            stats: &mut self.stats,
            room: &mut self.room,
            ids: &mut self.ids,
            may_leave_content: false,
            budget: self.config.max_turn,
        };
        let Self { roster, batch, sweeper, idle, .. } = self;
        (turn, Parts { roster, batch, sweeper, idle })
    }
}

/// Those parts of an engine that a turn goes through.
struct Parts<'e, S, U> {
    roster: &'e mut Roster<S, U>,
    batch: &'e mut Batch<U>,
    sweeper: &'e mut Sweeper,
    idle: &'e mut Idle,
}

impl Turn<'_> {
    /// Lets go of a peer that is gone, and tells the handler of a request that ended so.
    fn reap<S: Socket, H: Handler>(
        &mut self,
        key: Key,
        mut peer: Peer<S, H::Upload>,
        handler: &mut H,
    ) {
        self.room.let_go(key, peer.unread.take());
        if let Stage::Broken(abort, Some(Unanswered { record, upload })) = peer.stage {
            self.stats.aborts += 1;
            let report = record.report(peer.origin.peer, self.now, None, Outcome::Aborted(abort));
            handler.ended(&report, upload);
        }
    }
}

impl<S: Socket, U> std::fmt::Debug for Engine<S, U> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("connections", &self.roster.len())
            .field("queued", &self.roster.queued())
            .field("held", &self.held())
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}
