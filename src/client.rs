//! Requests out of a loop: the client's side of HTTP/1.1 over connections that do not block.
//!
//! A [`Client`] keeps connections to origins, sends requests on them, and tells what becomes of
//! each. Like the engine it owns no poll and no clock: whoever owns the poll
//! [notes](Client::note) what happened to its sockets, and has it [work](Client::work). As a
//! part of a [resident](crate::resident::Resident) it lives in a server's loop; `outgoing` has
//! sockets for it.
//!
//! ```text
//! start ─► waits for a connection ─► opens one ─► asks for 100 ─► sends ─► Answered
//!              ▲                         │             │
//!              └── again, if nothing of the content has left ─┘
//! ```
//!
//! - **Content is never copied.** [`Client::write`] takes what the server's window has room for;
//!   the rest stays with the caller, who is told when there is room again. So a handler that
//!   passes an upload on leaves the rest in its piece, and TCP is the brake.
//! - **Never twice, never in part.** A request is sent again only while the server cannot have acted
//!   on it, or if it was started with [`Client::start_whole`]. An exchange that fails is reset,
//!   not ended, so that no server takes half of it for all.
//! - **Answers are read at any time**, also while content is sent. A refusal that comes early ends
//!   the exchange at once.
//!
//! # Example
//!
//! What a handler that passes uploads on does with it; `examples/pass_on.rs` is the whole program.
//!
//! ```
//! use streamsum::client::{Client, Connect, Event, ExchangeId, Origin};
//! use streamsum::handler::{Piece, UploadId};
//! use streamsum::proto::{Framing, Response};
//! use streamsum::proto::client::Request;
//! use streamsum::resident::Decisions;
//!
//! fn consume<C: Connect>(client: &mut Client<C>, piece: &mut Piece<ExchangeId>) {
//!     let exchange = *piece.upload();
//!     let taken = client.write(exchange, piece.data());
//!     // The rest comes again after `resume`.
//!     piece.take(taken);
//! }
//!
//! fn decide<C: Connect>(client: &mut Client<C>, upload: UploadId, decisions: &mut Decisions) {
//!     while let Some((_, event)) = client.next_event() {
//!         match event {
//!             Event::Room => decisions.resume(upload),
//!             Event::Answered(answer) => {
//!                 decisions.answer(upload, Response::text(answer.status(), ""));
//!             }
//!             Event::Failed(failure) => {
//!                 decisions.answer(upload, Response::text(502, failure.to_string()));
//!             }
//!         }
//!     }
//! }
//! ```

mod channel;
mod config;
mod connect;
mod event;
mod exchange;
mod origin;
mod origins;
mod places;
mod sweep;
mod visit;

use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use slab::Slab;

use crate::link::Ready;
use crate::now::Now;
use crate::proto::Framing;
use crate::proto::client::Request;
use channel::Channel;
use exchange::{Content, Exchange, Stage};
use origins::Origins;

pub use config::Config;
pub use connect::{Addresses, Connect, Lookup};
pub use event::{Answer, Cause, Event, Failure};
pub use exchange::ExchangeId;
pub use origin::{InvalidOrigin, Origin};

/// Deadlines are looked at so often while anything is open: the shortest of them is a second.
const SWEEP: Duration = Duration::from_millis(100);

/// Requests to origins, and the connections that carry them. The [module page](self) has an
/// example.
pub struct Client<C: Connect> {
    connect: C,
    config: Config,
    channels: Slab<Channel<C::Socket>>,
    exchanges: Slab<Exchange>,
    /// Those that wait for a connection, the first one first. They may be over by now.
    waiting: VecDeque<ExchangeId>,
    /// Places at which something has happened.
    noted: Vec<usize>,
    /// Places of idle connections, the one used last at the end.
    idle: Vec<usize>,
    origins: Origins,
    events: VecDeque<(ExchangeId, Event)>,
    serial: u64,
    now: Instant,
    next_sweep: Instant,
    /// True if one that waits may have got its connection, or its addresses.
    may_admit: bool,
    /// Empty; kept for its memory.
    out: Vec<u8>,
}

impl<C: Connect> Client<C> {
    /// A client without connections.
    ///
    /// # Panics
    ///
    /// If it may have no [connection](field@Config::connections).
    #[must_use]
    pub fn new(config: Config, connect: C, now: Now) -> Self {
        assert!(config.connections > 0, "a client needs a connection");
        Self {
            connect,
            config,
            channels: Slab::new(),
            exchanges: Slab::new(),
            waiting: VecDeque::new(),
            noted: Vec::new(),
            idle: Vec::new(),
            origins: Origins::default(),
            events: VecDeque::new(),
            serial: 0,
            now: now.monotonic,
            next_sweep: now.monotonic,
            may_admit: false,
            out: Vec::new(),
        }
    }

    /// How many tokens of a poll its sockets need: as [`Resident::places`] says it.
    ///
    /// [`Resident::places`]: crate::resident::Resident::places
    pub fn places(&self) -> usize {
        self.config.connections
    }

    /// Begins an exchange. Its content, if the request has any, is to be [written](Client::write)
    /// when [`Event::Room`] comes; of content in chunks the [end](Client::finish) is to be said.
    ///
    /// It is tried again, as [`Config::tries`] and the times there say, as long as no byte of
    /// its content has left; without content, as long as its head has not left whole.
    ///
    /// # Errors
    ///
    /// [`Failure::Busy`] if [`Config::waiting`] others wait for a connection, or for their next try.
    pub fn start(&mut self, origin: &Arc<Origin>, request: Request) -> Result<ExchangeId, Failure> {
        let content = Content::Streamed { wants_room: true, has_ended: false };
        self.start_with(origin, request, content)
    }

    /// Begins an exchange whose content is all there; the request is framed by its length, unless
    /// it is empty. It may be sent more than once, also if a server may have acted on it: it has
    /// to be one that does no harm then (RFC 9110 §9.2.2).
    ///
    /// # Errors
    ///
    /// As [`Client::start`].
    pub fn start_whole(
        &mut self,
        origin: &Arc<Origin>,
        request: Request,
        content: impl Into<Arc<[u8]>>,
    ) -> Result<ExchangeId, Failure> {
        let bytes = content.into();
        let length = bytes.len() as u64;
        let is_framed = length > 0 || request.framing().has_content();
        let request = if is_framed { request.content(Framing::Length(length)) } else { request };
        self.start_with(origin, request, Content::Whole { bytes, written: 0 })
    }

    fn start_with(
        &mut self,
        origin: &Arc<Origin>,
        request: Request,
        content: Content,
    ) -> Result<ExchangeId, Failure> {
        // Those between two tries have none either: one that cannot be reached would gather them.
        let without_connection = self.exchanges.len() + self.idle.len() - self.channels.len();
        if without_connection >= self.config.waiting {
            return Err(Failure::Busy);
        }
        if self.waiting.len() >= self.config.waiting {
            self.forget_ended();
        }
        self.serial += 1;
        let entry = self.exchanges.vacant_entry();
        let id = ExchangeId { key: entry.key(), serial: self.serial };
        entry.insert(Exchange {
            id,
            origin: Arc::clone(origin),
            wants_asking: request.expects_continue(),
            request,
            content,
            stage: Stage::Waiting,
            began: None,
            connecting: None,
            failed: 0,
            failure: None,
            unknown: None,
            needs_fresh: false,
            left: 0,
            answer: None,
            patience: self.config.answer,
        });
        self.waiting.push_back(id);
        self.may_admit = true;
        Ok(id)
    }

    /// Sets how long the whole answer of one exchange is waited for, in place of
    /// [`Config::answer`].
    pub fn set_patience(&mut self, id: ExchangeId, time: Duration) {
        if let Some(exchange) = self.exchange_mut(id) {
            exchange.patience = time;
        }
    }

    /// Sends content as far as there is room, and returns how many bytes were taken: none before
    /// [`Event::Room`], and none once the exchange is over. What was not taken is to be
    /// offered again, unchanged and with whatever has come behind it, when there is
    /// [room](Event::Room).
    pub fn write(&mut self, id: ExchangeId, content: &[u8]) -> usize {
        let Some(exchange) = self.exchanges.get_mut(id.key).filter(|own| own.id == id) else {
            return 0;
        };
        let Content::Streamed { wants_room, .. } = &mut exchange.content else { return 0 };
        if content.is_empty() {
            return 0;
        }
        let Stage::Sending { place, stuck } = exchange.stage else {
            *wants_room = true;
            return 0;
        };
        let Some(channel) = self.channels.get_mut(place) else {
            unreachable!("an exchange that is sent has a connection")
        };
        let taken = channel.pass(content, &mut self.out);
        exchange.left += taken as u64;
        *wants_room = taken < content.len();
        // Offering again what is not taken gives the server no more time.
        let since = stuck.filter(|_| taken == 0).unwrap_or(self.now);
        let stuck = wants_room.then_some(since);
        exchange.stage = if channel.http.is_sent() {
            Stage::Answering { place, since: self.now }
        } else {
            Stage::Sending { place, stuck }
        };
        if channel.failed.is_some() {
            note_place(&mut self.noted, channel, place);
        }
        taken
    }

    /// Says that the content in chunks has ended, all of which was taken. Content by length ends
    /// by itself.
    ///
    /// # Panics
    ///
    /// If content was [written](Client::write) that was not taken whole.
    pub fn finish(&mut self, id: ExchangeId) {
        let Some(exchange) = self.exchange_mut(id) else { return };
        let Content::Streamed { has_ended, .. } = &mut exchange.content else { return };
        *has_ended = true;
        if let Stage::Sending { place, .. } = exchange.stage {
            self.end_content(place, id.key);
        }
    }

    /// Ends an exchange without an answer, wherever it stands: its connection is reset. Nothing is
    /// told of it any more. One that is over already stays so.
    pub fn give_up(&mut self, id: ExchangeId) {
        self.events.retain(|(own, _)| *own != id);
        if self.exchange_mut(id).is_none() {
            return;
        }
        let exchange = self.exchanges.remove(id.key);
        if let Some(place) = exchange.place() {
            self.close(place);
        }
    }

    /// Notes what an event said of the socket at a place.
    pub fn note(&mut self, place: usize, ready: Ready) {
        if let Some(channel) = self.channels.get_mut(place) {
            channel.link.note(ready);
            note_place(&mut self.noted, channel, place);
        }
    }

    /// When it is to [work](Client::work) next if nothing is noted; `None` means when something
    /// is.
    pub fn deadline(&self) -> Option<Instant> {
        if !self.noted.is_empty() || !self.events.is_empty() || self.may_admit {
            return Some(self.now);
        }
        let is_open = !self.channels.is_empty() || !self.exchanges.is_empty();
        is_open.then_some(self.next_sweep)
    }

    /// Does all that is to be done: reads, sends, connects, looks at deadlines. What comes of it is
    /// told by [`Client::next_event`].
    pub fn work(&mut self, now: Now) {
        self.now = now.monotonic;
        if self.now >= self.next_sweep {
            self.sweep();
            self.next_sweep = self.now + SWEEP;
        }
        while !self.noted.is_empty() {
            let mut noted = mem::take(&mut self.noted);
            noted.drain(..).for_each(|place| self.visit(place));
            // Those that were noted meanwhile are few.
            noted.append(&mut self.noted);
            self.noted = noted;
        }
        if self.connect.has_news() || self.may_admit {
            self.admit();
        }
    }

    /// Takes the next event.
    pub fn next_event(&mut self) -> Option<(ExchangeId, Event)> {
        self.events.pop_front()
    }

    /// True if no exchange is under way and no event waits.
    pub fn is_idle(&self) -> bool {
        self.exchanges.is_empty() && self.events.is_empty()
    }

    /// Connections that are open or being opened.
    pub fn connections(&self) -> usize {
        self.channels.len()
    }

    /// Exchanges that are not over.
    pub fn exchanges(&self) -> usize {
        self.exchanges.len()
    }

    /// What opens its sockets.
    pub fn connect_mut(&mut self) -> &mut C {
        &mut self.connect
    }

    fn exchange_mut(&mut self, id: ExchangeId) -> Option<&mut Exchange> {
        self.exchanges.get_mut(id.key).filter(|own| own.id == id)
    }

    /// Takes those out of the queue that do not wait any more.
    fn forget_ended(&mut self) {
        let exchanges = &self.exchanges;
        self.waiting.retain(|id| {
            exchanges.get(id.key).is_some_and(|own| own.id == *id && own.stage == Stage::Waiting)
        });
    }

    /// The exchange is over.
    fn end(&mut self, key: usize, event: Event) {
        let exchange = self.exchanges.remove(key);
        let event = match (event, exchange.unknown) {
            // How the last try ended says nothing of what became of another.
            (Event::Failed(last), Some(unknown)) if !last.may_have_acted() => {
                Event::Failed(unknown)
            }
            (event, _) => event,
        };
        self.events.push_back((exchange.id, event));
    }

    /// Closes the connection at a place, by a reset.
    fn close(&mut self, place: usize) {
        self.channels.remove(place);
        self.idle.retain(|idle| *idle != place);
        self.may_admit = true;
    }
}

fn note_place<S>(noted: &mut Vec<usize>, channel: &mut Channel<S>, place: usize) {
    if !channel.is_noted {
        channel.is_noted = true;
        noted.push(place);
    }
}

impl<C: Connect> fmt::Debug for Client<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("connections", &self.channels.len())
            .field("idle", &self.idle.len())
            .field("exchanges", &self.exchanges.len())
            .field("waiting", &self.waiting.len())
            .finish_non_exhaustive()
    }
}
