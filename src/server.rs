//! The engine over mio's sockets: listeners, tokens, accepting.
//!
//! It lives in the caller's own [`Poll`](mio::Poll), beside the caller's own sockets, and
//! needs three calls in that loop. To end it in order, call [`drain`](Server::drain),
//! continue the loop until the server [`is_empty`](Server::is_empty), and call
//! [`shut_down`](Server::shut_down) if that takes too long.
//!
//! Another thread that answers sends ids and answers through a channel, and wakes the loop
//! with a [`mio::Waker`]; the loop passes them to [`answer`](Server::answer) or
//! [`resume`](Server::resume) before its next turn. [`thread`](crate::thread) works like
//! this.
//!
//! # Example
//!
//! ```
//! use mio::{Events, Poll, Token};
//! use streamsum::{checksum::Checksum, engine::{Config, Now}, server::Server};
//!
//! let mut poll = Poll::new()?;
//! let mut events = Events::with_capacity(1024);
//! let mut handler = Checksum::default();
//! let mut server = Server::new(poll.registry(), Token(0), Config::default())?;
//! let address = server.bind("127.0.0.1:0")?;
//! println!("listening on {address}");
//! # use std::io::{Read, Write};
//! # let client = std::thread::spawn(move || {
//! #     let mut socket = std::net::TcpStream::connect(address).unwrap();
//! #     socket.write_all(b"PUT / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc").unwrap();
//! #     let mut answer = String::new();
//! #     socket.read_to_string(&mut answer).unwrap();
//! #     answer
//! # });
//!
//! loop {
//!     match poll.poll(&mut events, server.timeout(Now::now())) {
//!         Err(error) if error.kind() != std::io::ErrorKind::Interrupted => return Err(error)?,
//!         _ => {}
//!     }
//!     for event in &events {
//!         if !server.note(event) {
//!             // A token of the caller's own.
//!         }
//!     }
//!     server.turn(Now::now(), &mut handler)?;
//! #     if server.stats().answers == 1 && server.is_empty() { break }
//! }
//! # assert!(client.join().unwrap().ends_with("900150983cd24fb0d6963f7d28e17f72"));
//! # Ok::<(), std::io::Error>(())
//! ```

mod accepting;
mod condition;
mod connected;
mod elsewhere;
mod newcomers;
mod stream;

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::num::NonZeroU32;
use std::ops::Range;
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::{Interest, Registry, Token};

use crate::engine::{Config, Engine, Now, Ready, Stats, Underway};
use crate::handler::{Handler, PeerAddr, UploadId};
use crate::placement::Placement;
use crate::proto::Response;
use crate::resident::Decisions;

use condition::Condition;
use connected::Connected;
use elsewhere::HERE;
pub(crate) use elsewhere::{Elsewhere, Newcomer};
pub(crate) use newcomers::ASK_AGAIN;
use newcomers::{Attempt, Vacancy};
pub use stream::{Listener, Stream, Wrapping};

/// A server has at most so many listeners: their tokens come before those of the peers.
const MAX_LISTENERS: usize = 64;

/// A drain accepts at most so many connections from one listener: no backlog is longer.
const MAX_BACKLOG: usize = 4096;

/// An [`Engine`] over TCP and Unix sockets. `U` is the handler's
/// [`Upload`](Handler::Upload). The [module page](self) has an example.
#[derive(Debug)]
pub struct Server<U> {
    engine: Engine<Connected, U>,
    registry: Registry,
    /// By their numbers; `None` where one was lost.
    listeners: Vec<Option<Listening>>,
    lost: Vec<LostListener>,
    first: usize,
    /// When to try again to accept.
    paused_until: Option<Instant>,
    /// When a connection may have been idle for long enough to give way.
    vacancy_at: Option<Instant>,
    fullness: Condition,
    shortage: Option<io::Error>,
    /// On while descriptors run out, and idle connections make room.
    scarcity: Condition,
    /// When a descriptor was freed that has not helped yet.
    freed_at: Option<Instant>,
    accept_failures: u64,
    /// Other servers, to which some of the connections go that this one accepts.
    elsewhere: Option<Box<dyn Elsewhere>>,
    /// Connections that wait for a place: that another server has accepted, for one here; that
    /// this one has, one at most, for one anywhere.
    arrivals: VecDeque<Newcomer>,
}

#[derive(Debug)]
struct Listening {
    listener: Listener,
    readable: bool,
    /// Errors of the next attempts, as no system fails on request.
    #[cfg(test)]
    failures: Vec<io::Error>,
}

impl Listening {
    fn new(listener: Listener) -> Self {
        Self {
            listener,
            readable: true,
            #[cfg(test)]
            failures: Vec::new(),
        }
    }

    fn accept(&mut self) -> io::Result<(Stream, PeerAddr)> {
        #[cfg(test)]
        if let Some(error) = self.failures.pop() {
            return Err(error);
        }
        self.listener.accept()
    }
}

/// A listener that failed in a way that will not pass, and was closed.
///
/// # Example
///
/// ```
/// use streamsum::{Checksum, Config, Now, Server};
///
/// let poll = mio::Poll::new()?;
/// let mut handler = Checksum::new();
/// let mut server = Server::new(poll.registry(), mio::Token(0), Config::default())?;
/// let places = [server.bind("127.0.0.1:0")?];
///
/// // In the loop:
/// server.turn(Now::now(), &mut handler)?;
/// for lost in server.lost_listeners() {
///     eprintln!("nobody listens on {} any more: {}", places[lost.number], lost.error);
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct LostListener {
    /// Its place in the order in which listeners were given to the server, from 0 on.
    pub number: usize,
    /// The error of the system.
    pub error: io::Error,
}

impl<U> Server<U> {
    /// A server without listeners, whose tokens begin with `first`:
    /// [`tokens`](Server::tokens) has all of them.
    ///
    /// # Errors
    ///
    /// If the registry cannot be cloned, because descriptors ran out.
    /// [`InvalidInput`](ErrorKind::InvalidInput) if no engine can work with `config`, with
    /// a [`ConfigError`](crate::engine::ConfigError) inside, or if there are not enough
    /// tokens from `first` on.
    pub fn new(registry: &Registry, first: Token, config: Config) -> io::Result<Self> {
        let tokens = config.connections.saturating_add(MAX_LISTENERS);
        if first.0.checked_add(tokens).is_none() {
            let wrong = format!("no room for {tokens} tokens");
            return Err(io::Error::new(ErrorKind::InvalidInput, wrong));
        }
        Ok(Self {
            engine: Engine::new(config, Now::now())?,
            registry: registry.try_clone()?,
            listeners: Vec::new(),
            lost: Vec::new(),
            first: first.0,
            paused_until: None,
            vacancy_at: None,
            fullness: Condition::default(),
            shortage: None,
            scarcity: Condition::default(),
            freed_at: None,
            accept_failures: 0,
            elsewhere: None,
            arrivals: VecDeque::new(),
        })
    }

    /// Accepts from a listener that the caller has made, with any socket options, by means
    /// of std, mio or anything else. The server sets it not to block. Returns its number: they
    /// count from 0 on, in the order of these calls.
    ///
    /// # Errors
    ///
    /// If it cannot be registered, or if there are 64 already, lost ones included.
    pub fn listen(&mut self, listener: impl Into<Listener>) -> io::Result<u8> {
        let mut listener = listener.into().into_nonblocking()?;
        let number = self.listeners.len();
        if number == MAX_LISTENERS {
            return Err(io::Error::new(ErrorKind::QuotaExceeded, "too many listeners"));
        }
        self.registry.register(&mut listener, Token(self.first + number), Interest::READABLE)?;
        self.listeners.push(Some(Listening::new(listener)));
        Ok(number as u8)
    }

    /// Serves a connection that the caller has accepted, by a listener of its own or from
    /// another process. The server sets it not to block. With [`is_full`](Server::is_full)
    /// the caller knows beforehand whether there is a place.
    ///
    /// # Errors
    ///
    /// If the stream cannot be registered; [`QuotaExceeded`](ErrorKind::QuotaExceeded) if all
    /// places are taken and no connection is idle. The stream is closed then.
    pub fn adopt(&mut self, stream: impl Into<Stream>, peer: PeerAddr, now: Now) -> io::Result<()> {
        let stream = stream.into().into_nonblocking()?;
        let is_next = self.elsewhere.is_none() || self.arrivals.is_empty();
        match self.find_vacancy(now).filter(|_| is_next) {
            Some(vacancy) => {
                let newcomer = Newcomer { stream, origin: peer.into(), wrap: None };
                self.take_in(newcomer, vacancy, now)
            }
            None => Err(io::Error::new(ErrorKind::QuotaExceeded, "all places are taken")),
        }
    }

    /// Listens on a TCP address, the first of those given that can be bound, and returns
    /// it with the port that was chosen, if the given one was 0. The backlog is that of
    /// std, 128 on Linux: under bursts make the listener yourself and
    /// [`listen`](Server::listen) on it.
    ///
    /// # Errors
    ///
    /// If no address can be bound.
    pub fn bind(&mut self, address: impl ToSocketAddrs) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        self.listen(listener)?;
        Ok(address)
    }

    /// Notes an event of the caller's poll. Returns false if its token is not one of this
    /// server.
    pub fn note(&mut self, event: &Event) -> bool {
        let token = event.token().0;
        if !self.tokens().contains(&token) {
            return false;
        }
        let place = token - self.first;
        if place < MAX_LISTENERS {
            if let Some(Some(listening)) = self.listeners.get_mut(place) {
                listening.readable = true;
            }
            return true;
        }
        self.engine.note(place - MAX_LISTENERS, readiness(event));
        true
    }

    /// Accepts, serves and checks the deadlines: see [`Engine::turn`]. Call it after all
    /// events of one poll were noted.
    ///
    /// At the limit of connections, or when descriptors run out, a connection that waits in
    /// the backlog gets the place of the one that has been idle for longest, if that is at
    /// least a second: see [`Engine::longest_idle`].
    ///
    /// # Errors
    ///
    /// Once, if the last listener has failed for good; its connections can still be served.
    /// As long as another works, a listener that fails is closed, and
    /// [`lost_listeners`](Server::lost_listeners) reports it. The server handles and counts
    /// failures of a single connection, and a lack of descriptors.
    pub fn turn<H: Handler<Upload = U>>(&mut self, now: Now, handler: &mut H) -> io::Result<()> {
        let accepted = self.accept(now);
        if self.can_place(now) || self.listeners.iter().all(Option::is_none) {
            self.fullness.not_seen(now.monotonic);
        } else {
            self.fullness.seen(now.monotonic);
        }
        self.engine.turn(now, handler);
        accepted
    }

    /// Sets what wakes the loop when memory is given back that peers wait for: see
    /// [`Engine::set_wake`].
    ///
    /// # Example
    ///
    /// ```
    /// use mio::{Poll, Token, Waker};
    /// use streamsum::{Config, Server};
    ///
    /// let poll = Poll::new()?;
    /// let waker = Waker::new(poll.registry(), Token(0))?;
    /// let server: Server<()> = Server::new(poll.registry(), Token(1), Config::default())?;
    /// server.set_wake(move || drop(waker.wake()));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn set_wake(&self, wake: impl Fn() + Send + Sync + 'static) {
        self.engine.set_wake(wake);
    }

    /// How long the caller's poll may wait; `None` means until an event comes.
    #[must_use]
    pub fn timeout(&self, now: Now) -> Option<Duration> {
        let is_readable = self.listeners.iter().flatten().any(|one| one.readable);
        let may_accept = is_readable || !self.arrivals.is_empty();
        let vacancy_at = self.vacancy_at.filter(|_| !self.can_place(now));
        let accept = may_accept.then(|| self.paused_until.or(vacancy_at).unwrap_or(now.monotonic));
        let (fullness, scarcity) = (self.fullness.ends(), self.scarcity.ends());
        let all = [accept, fullness, scarcity, self.engine.deadline(now)];
        let next = all.into_iter().flatten().min()?;
        Some(next.saturating_duration_since(now.monotonic))
    }

    /// The tokens of this server, which the caller must not use.
    #[must_use]
    pub fn tokens(&self) -> Range<usize> {
        self.first..self.first + MAX_LISTENERS + self.engine.config().connections
    }

    /// Goes on with a request: see [`Engine::resume`].
    pub fn resume(&mut self, id: UploadId) -> bool {
        self.engine.resume(id)
    }

    /// Answers a request: see [`Engine::answer`].
    pub fn answer(&mut self, id: UploadId, response: Response) -> bool {
        self.engine.answer(id, response)
    }

    /// Resumes and answers many requests: see [`Engine::decide`].
    pub fn decide(&mut self, decisions: &mut Decisions) {
        self.engine.decide(decisions);
    }

    /// Closes the listeners and finishes what is in flight: see [`Engine::drain`]. Before
    /// that it accepts the connections that wait in a backlog: closing would reset them,
    /// with the requests that they may have sent.
    pub fn drain(&mut self, now: Now) {
        self.part_with_arrivals(now);
        for place in 0..self.listeners.len() {
            // Connections that came since the last event are accepted, too.
            if let Some(listening) = &mut self.listeners[place] {
                listening.readable = true;
            }
            // Errors of a listener do not matter any more.
            for _ in 0..MAX_BACKLOG {
                let Some(vacancy) = self.free_place(now) else { break };
                match self.accept_one(place, vacancy, now) {
                    Ok(Attempt::Accepted | Attempt::Failed(_)) => {}
                    Ok(Attempt::OutOfDescriptors(_) | Attempt::Over) | Err(_) => break,
                }
            }
        }
        for one in self.listeners.drain(..).flatten() {
            close(one, &self.registry);
        }
        // Nobody else may have come and gone by the time that one is adopted.
        self.elsewhere = None;
        self.shortage = None;
        (self.fullness, self.scarcity) = (Condition::default(), Condition::default());
        self.engine.drain();
    }

    /// Closes everything at once: see [`Engine::shut_down`].
    pub fn shut_down<H: Handler<Upload = U>>(&mut self, now: Now, handler: &mut H) {
        self.listeners.clear();
        self.arrivals.clear();
        self.engine.shut_down(now, handler);
    }

    /// True if there is no connection.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.connections() == 0
    }

    /// How many connections there are.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.engine.connections() + self.arrivals.len()
    }

    /// How many of them have a request under way, or have not sent their first: see
    /// [`Engine::busy`].
    #[must_use]
    pub fn busy(&self) -> usize {
        self.engine.busy() + self.arrivals.len()
    }

    /// How many connections were sent their last answer, and only have to close: see
    /// [`Engine::lingering`].
    #[must_use]
    pub fn lingering(&self) -> usize {
        self.engine.lingering()
    }

    /// The requests that are under way: see [`Engine::uploads`].
    ///
    /// # Example
    ///
    /// ```
    /// use mio::{Events, Poll, Token};
    /// use streamsum::{Checksum, Config, Now, Server};
    ///
    /// let mut poll = Poll::new()?;
    /// let config = Config::default().kept_target(256);
    /// let mut server = Server::new(poll.registry(), Token(0), config)?;
    /// let address = server.bind("127.0.0.1:0")?;
    /// # use std::io::Write;
    /// # let mut client = std::net::TcpStream::connect(address)?;
    /// # client.write_all(b"PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc")?;
    /// # let (mut events, mut handler) = (Events::with_capacity(8), Checksum::new());
    /// # while server.stats().requests == 0 {
    /// #     poll.poll(&mut events, server.timeout(Now::now()))?;
    /// #     for event in &events {
    /// #         server.note(event);
    /// #     }
    /// #     server.turn(Now::now(), &mut handler)?;
    /// # }
    ///
    /// // In the loop, with one client that has sent a third of `/a`:
    /// for upload in server.uploads() {
    ///     let (target, received) = (upload.target.unwrap_or("?"), upload.received);
    ///     println!("{} {target}: {received} bytes of {:?}", upload.peer, upload.length);
    ///     # assert_eq!((target, upload.length), ("/a", Some(9)));
    /// }
    /// assert_eq!(server.uploads().count(), 1);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn uploads(&self) -> impl Iterator<Item = Underway<'_>> {
        self.engine.uploads()
    }

    /// The settings in force.
    #[must_use]
    pub fn config(&self) -> &Config {
        self.engine.config()
    }

    /// The counters.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        self.engine.stats()
    }

    /// True from the moment when there are [`Config::connections`] connections until there
    /// has been room for a second. Newcomers wait in the backlog then, or get the places of
    /// others, which [`Stats::displaced`] counts. Look at it after each turn to report when
    /// it begins and ends.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.fullness.is_on()
    }

    /// How often accepting failed, usually because descriptors or memory ran out. While
    /// that lasts, the server tries again twice a second. A stream that could not be
    /// [wrapped](Listener::wrapped_by) counts as well.
    #[must_use]
    pub fn accept_failures(&self) -> u64 {
        self.accept_failures
    }

    /// The error that keeps connections waiting, usually that descriptors or memory ran
    /// out: from the first failure until all that wait could be accepted; or, if idle
    /// connections make room instead, until a second after the last one did. Look at it
    /// after each turn to report when it begins and ends.
    #[must_use]
    pub fn shortage(&self) -> Option<&io::Error> {
        self.shortage.as_ref()
    }

    /// Takes the listeners that were lost since the last call, while others worked. With
    /// several listeners, call it after each turn.
    pub fn lost_listeners(&mut self) -> impl Iterator<Item = LostListener> {
        self.lost.drain(..)
    }

    /// The number that the ids of its requests have.
    pub(crate) fn number(&self) -> NonZeroU32 {
        self.engine.number()
    }

    /// Bytes kept for peers at the moment: see [`Config::max_held`].
    #[must_use]
    pub fn held(&self) -> usize {
        self.engine.held()
    }

    fn has_vacancy(&self) -> bool {
        self.engine.connections() < self.engine.config().connections
    }

    /// True if there is a place for a newcomer, here or elsewhere.
    fn can_place(&self, now: Now) -> bool {
        self.free_place(now).is_some()
    }

    /// A place that nobody has, here or elsewhere.
    fn free_place(&self, now: Now) -> Option<Vacancy> {
        match self.placement(self.load(), now) {
            Placement::Free(HERE) => Some(Vacancy::Free),
            Placement::Free(number) => Some(Vacancy::Elsewhere(number)),
            Placement::Displacing(_) | Placement::Nowhere => None,
        }
    }
}

/// What an event says of its socket.
pub(crate) fn readiness(event: &Event) -> Ready {
    Ready {
        readable: event.is_readable(),
        writable: event.is_writable(),
        read_closed: event.is_read_closed(),
        error: event.is_error(),
        urgent: event.is_priority(),
    }
}

fn close(mut one: Listening, registry: &Registry) {
    // A failure changes nothing: the listener is closed next.
    let _ = registry.deregister(&mut one.listener);
}

/// A program may run a server on each of several threads.
const _: () = {
    const fn assert_send<T: Send>() {}
    assert_send::<Server<()>>();
};
