//! One loop.

use std::fmt;
use std::io;
use std::mem;

use mio::{Events, Poll, Registry, Token, Waker};

use super::handle::Handle;
use super::shared::{Inbox, Order, Shared};
use super::workers::{Counts, Others, share};
use crate::engine::{Config, Now};
use crate::handler::Handler;
use crate::resident::{Decisions, Resident};
use crate::server::{LostListener, Server, readiness};

const WAKER: Token = Token(0);
/// Those of the residents come first, and then the server's.
const FIRST: usize = 1;

/// Events taken from the system at a time.
const EVENTS: usize = 1024;

/// A poll with a server in it, and the loop over both. `U` is the handler's
/// [`Upload`](Handler::Upload). The [module page](super) has an example.
///
/// It ends, and its [`Handle`]s reach nobody any more, when it is dropped.
pub struct Runner<U> {
    poll: Poll,
    events: Events,
    server: Server<U>,
    handle: Handle,
    places: usize,
    /// Emptied in each round, and kept for its memory.
    inbox: Inbox,
    decisions: Decisions,
    lost: Vec<LostListener>,
    /// Its place among the workers of its group.
    number: usize,
    counts: Counts,
    /// Whether a connection gave way, if it was asked for that in this round.
    gave_way: Option<bool>,
    is_draining: bool,
    /// True if it has ended as it was ordered to.
    is_over: bool,
}

/// What comes after a [round](Runner::round).
#[derive(Debug)]
#[non_exhaustive]
pub enum Round {
    /// The next one.
    Next,
    /// The end: the server was stopped, or is drained.
    End,
    /// Nobody can connect any more, as the last listener has failed for good. Said once; the
    /// next round would serve those who are connected.
    Deaf(io::Error),
}

impl<U> Runner<U> {
    /// A loop with a server without listeners, and tokens for the `places` of residents.
    ///
    /// # Errors
    ///
    /// If there are no descriptors left; or as with [`Server::new`].
    pub fn new(config: Config, places: usize) -> io::Result<Self> {
        let mut group = Self::group(config, 1, places)?;
        let Some(one) = group.pop() else { unreachable!("a group of one") };
        Ok(one)
    }

    /// The loops of several workers, each to be run on a thread of its own. The first one accepts
    /// for all: it alone is given listeners, and [places](crate::placement) each connection.
    ///
    /// All have one [`Handle`]. [`Config::connections`](field@Config::connections) and
    /// [`Config::max_held`](field@Config::max_held) are for all together, and are divided. If a
    /// worker ends by an error or by a panic, the others are drained.
    ///
    /// # Errors
    ///
    /// As with [`Runner::new`], each with its part of `config`.
    pub fn group(config: Config, workers: usize, places: usize) -> io::Result<Vec<Self>> {
        if workers == 0 {
            let wrong = "there has to be a worker";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, wrong));
        }
        let mut open = Vec::new();
        for number in 0..workers {
            open.push(Opened::new(share(&config, workers, number), places)?);
        }
        let (shared, opened): (Vec<_>, Vec<_>) = open.into_iter().unzip();
        let handle = Handle { workers: shared.into() };
        let numbered = opened.into_iter().enumerate();
        let mut group: Vec<_> =
            numbered.map(|(number, one)| Self::of(one, places, number, &handle)).collect();
        if workers > 1
            && let Some(first) = group.first_mut()
        {
            first.server.share(Box::new(Others::new(handle.workers)));
        }
        Ok(group)
    }

    fn of(opened: Opened<U>, places: usize, number: usize, handle: &Handle) -> Self {
        let Opened { poll, server } = opened;
        let waking = handle.clone();
        server.set_wake(move || waking.workers[number].wake());
        Self {
            poll,
            events: Events::with_capacity(EVENTS),
            server,
            handle: handle.clone(),
            places,
            inbox: Inbox::default(),
            decisions: Decisions::default(),
            lost: Vec::new(),
            number,
            counts: Counts::default(),
            gave_way: None,
            is_draining: false,
            is_over: false,
        }
    }

    /// Its place among the workers of its group, from 0 on.
    #[must_use]
    pub fn number(&self) -> usize {
        self.number
    }

    /// Where residents register their sockets.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        self.poll.registry()
    }

    /// The token of a resident's place.
    ///
    /// # Panics
    ///
    /// If there are not so many places.
    #[must_use]
    pub fn token(&self, place: usize) -> Token {
        assert!(place < self.places, "there are {} places", self.places);
        Token(FIRST + place)
    }

    /// A handle for other threads.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// The server.
    #[must_use]
    pub fn server(&self) -> &Server<U> {
        &self.server
    }

    /// The server, to give it listeners or connections before the first round or between two.
    /// Its lost listeners are [taken](Runner::lost_listeners) after each turn.
    pub fn server_mut(&mut self) -> &mut Server<U> {
        &mut self.server
    }

    /// The listeners that were lost since the loop began.
    #[must_use]
    pub fn lost_listeners(&self) -> &[LostListener] {
        &self.lost
    }

    /// Waits, and does one round: notes what happened, has the resident work, takes what came
    /// by the handles, and has the server take its turn.
    ///
    /// # Errors
    ///
    /// If the poll fails.
    ///
    /// # Panics
    ///
    /// If the resident has more places than were said when this was made.
    pub fn round<P>(&mut self, part: &mut P) -> io::Result<Round>
    where
        P: Handler<Upload = U> + Resident,
    {
        self.wait(part)?;
        let now = Now::now();
        self.note_events(part);
        part.work(now, &mut self.decisions);
        self.server.decide(&mut self.decisions);
        match self.shared().ordered() {
            Order::Stop => {
                self.is_over = true;
                return Ok(Round::End);
            }
            order => self.take_inbox(order, now),
        }
        let turned = self.server.turn(now, part);
        self.publish();
        if let Err(error) = turned {
            return Ok(Round::Deaf(error));
        }
        self.is_over = self.is_draining && self.server.is_empty() && part.is_idle();
        Ok(if self.is_over { Round::End } else { Round::Next })
    }

    /// Waits for events, until the server or the resident is due.
    fn wait<P: Resident>(&mut self, part: &P) -> io::Result<()> {
        let now = Now::now();
        let due = part.deadline(now).map(|due| due.saturating_duration_since(now.monotonic));
        let timeout = [self.server.timeout(now), due].into_iter().flatten().min();
        match self.poll.poll(&mut self.events, timeout) {
            // A signal: nothing has happened here.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                self.events.clear();
                Ok(())
            }
            polled => polled,
        }
    }

    fn note_events<P: Resident>(&mut self, part: &mut P) {
        assert!(part.places() <= self.places, "there are {} places", self.places);
        for event in &self.events {
            match event.token().0.checked_sub(FIRST) {
                Some(place) if place < self.places => part.note(place, readiness(event)),
                // Or that of the waker.
                _ => drop(self.server.note(event)),
            }
        }
    }

    /// Does what came from outside, and was sent before the order.
    fn take_inbox(&mut self, order: Order, now: Now) {
        self.handle.workers[self.number].take(&mut self.inbox);
        self.server.decide(&mut self.inbox.decisions);
        self.counts.arrived(self.inbox.arrivals.len());
        for newcomer in self.inbox.arrivals.drain(..) {
            self.server.arrive(newcomer);
        }
        if mem::take(&mut self.inbox.is_to_give_way) {
            self.gave_way = Some(self.server.give_way(now));
        }
        for (number, gave_way) in self.inbox.answers.drain(..) {
            self.server.hear(number, gave_way, now);
        }
        if order == Order::Drain && !self.is_draining {
            self.is_draining = true;
            self.server.drain(now);
            self.drain_others();
        }
    }

    /// They have all connections that will ever come.
    fn drain_others(&self) {
        if self.number == 0 {
            self.handle.workers.iter().skip(1).for_each(|worker| worker.order(Order::Drain));
        }
    }

    /// Closes all connections; each request under way is reported to the handler. For the end,
    /// when there is no other round.
    pub fn shut_down<H: Handler<Upload = U>>(&mut self, handler: &mut H) {
        self.server.shut_down(Now::now(), handler);
        self.publish();
    }

    /// Tells those who watch.
    fn publish(&mut self) {
        self.lost.extend(self.server.lost_listeners());
        // Nobody asks for the load of the first: it places. Who sees the counters may count on
        // the others' loads.
        if self.number > 0 {
            let (busy, connections) = (self.server.busy(), self.server.connections());
            let made_room =
                self.counts.correct(&self.handle.workers[self.number], busy, connections);
            if made_room {
                self.handle.workers[0].wake();
            }
            // It is to know the load by then, or it would ask again.
            if let Some(gave_way) = self.gave_way.take() {
                let answer = (self.number, gave_way);
                self.handle.workers[0].put(|inbox| inbox.answers.push(answer));
            }
        }
        let mut counted = self.shared().counted();
        counted.stats.clone_from(self.server.stats());
        counted.connections = self.server.connections();
        drop(counted);
        for inquiry in self.inbox.inquiries.drain(..) {
            inquiry.add(&self.server, &self.lost);
        }
    }

    fn shared(&self) -> &Shared {
        &self.handle.workers[self.number]
    }

    /// Goes round until the end, and [shuts down](Runner::shut_down).
    ///
    /// # Errors
    ///
    /// The error that ended it, unless it was drained or stopped.
    ///
    /// # Panics
    ///
    /// As [`Runner::round`], and if the handler or the resident does.
    pub fn run<P>(mut self, part: &mut P) -> io::Result<()>
    where
        P: Handler<Upload = U> + Resident,
    {
        let ended = loop {
            match self.round(part) {
                Ok(Round::Next) => {}
                Ok(Round::End) => break Ok(()),
                Ok(Round::Deaf(error)) | Err(error) => break Err(error),
            }
        };
        // However it ended, each request under way is reported.
        self.shut_down(part);
        ended
    }
}

/// What a loop begins with.
struct Opened<U> {
    poll: Poll,
    server: Server<U>,
}

impl<U> Opened<U> {
    fn new(config: Config, places: usize) -> io::Result<(Shared, Self)> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        let max_connections = config.connections;
        let first = Token(FIRST.saturating_add(places));
        let server = Server::new(poll.registry(), first, config)?;
        let shared = Shared::new(waker, server.number(), max_connections);
        Ok((shared, Self { poll, server }))
    }
}

impl<U> Drop for Runner<U> {
    fn drop(&mut self) {
        self.shared().close();
        self.drain_others();
        match self.handle.workers.first() {
            Some(first) if !self.is_over => first.order(Order::Drain),
            Some(first) if self.number > 0 => first.wake(),
            _ => {}
        }
    }
}

impl<U> fmt::Debug for Runner<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { server, places, is_draining, .. } = self;
        f.debug_struct("Runner")
            .field("connections", &server.connections())
            .field("places", places)
            .field("is_draining", is_draining)
            .finish_non_exhaustive()
    }
}
