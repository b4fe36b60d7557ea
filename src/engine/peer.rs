//! One peer: its link, its connection, and how far its request is.
//!
//! ```text
//!                    take              a piece        all of it was taken
//!         ┌─────────────────► Receiving ───────► Lent ─────────► Receiving
//!         │           resume   ▲     ▲            ├── a part was ──► Paused
//!   AwaitingHead ─► Deciding ──┘     └── resume ──┼───────────────────┘
//!         ▲     wait                              │ the last of it
//!         │                                       ├── answer later ──► Answering
//!         │                          an answer ◄──┘                       │
//!         └── it keeps the connection ◄──┤ ◄──────────────────────────────┘
//!                                        │ it ends the connection
//!                                        ▼
//!                                     Closing ──► Lingering ──► Dead
//! ```
//!
//! An answer can come at any time after the head, and a refusal at any time at all: they end
//! the request as an answer to the whole of it does. A peer that ends between two requests is
//! `Closing` at once; one that is idle for too long is `Dead` at once.
//!
//! A peer whose connection fails, or who does not read, is `Broken`, from any stage. The socket
//! of a peer that is `Broken` or `Dead` is closed already; when the turn ends, the handler is
//! told of the request that broke off, and memory and key become free.

use std::mem;

use super::clock::Clock;
use super::exchange::{Exchange, Record, Rest};
use super::room::Kept;
use super::time::Moment;
use crate::handler::{Abort, Origin, TooSlow, UploadId};
use crate::link::{Link, Socket};
use crate::proto::{Awaits, Connection, Reject, Response};

pub(super) struct Peer<S, U> {
    pub(super) origin: Origin,
    pub(super) link: Link<S>,
    pub(super) connection: Connection,
    pub(super) stage: Stage<U>,
    pub(super) unread: Unread,
    pub(super) pending: Option<Box<Pending>>,
    pub(super) place: Place,
    pub(super) weight: Weight,
    pub(super) clock: Clock,
}

/// How far a peer is.
#[derive(Debug)]
pub(super) enum Stage<U> {
    /// Between two requests, or within a head.
    AwaitingHead,
    /// The handler has seen the head; its verdict is to come.
    Deciding(Exchange<U>),
    /// Content is read.
    Receiving(Exchange<U>),
    /// The handler has a piece of the content, and the upload with it: within a wave only.
    Lent(Record),
    /// The handler has left some of a piece, and is to say when it takes the rest.
    Paused(Exchange<U>, Rest),
    /// The handler has all of the content; its answer is to come.
    Answering(Record),
    /// The last answer is on its way.
    Closing,
    /// Writing is shut down. What still comes is read and thrown away, so that no reset
    /// destroys the answer on its way.
    Lingering {
        /// Bytes that were read so.
        read: u64,
    },
    /// The connection was given up. If that ended a request, the handler is to be told of it
    /// when the turn ends.
    Broken(Abort, Option<Unanswered<U>>),
    /// Closed, and there is nothing to report.
    Dead,
}

/// A request that the handler knows of and that ends, with its upload unless the handler has
/// had that back.
#[derive(Debug)]
pub(super) struct Unanswered<U> {
    pub(super) record: Record,
    pub(super) upload: Option<U>,
}

impl<U> Stage<U> {
    /// True if requests are read, or one is under way.
    pub(super) fn is_open(&self) -> bool {
        match self {
            Stage::AwaitingHead
            | Stage::Deciding(_)
            | Stage::Receiving(_)
            | Stage::Lent(_)
            | Stage::Paused(..)
            | Stage::Answering(_) => true,
            Stage::Closing | Stage::Lingering { .. } | Stage::Broken(..) | Stage::Dead => false,
        }
    }

    /// True if the connection is closed.
    pub(super) fn is_over(&self) -> bool {
        matches!(self, Stage::Broken(..) | Stage::Dead)
    }

    /// True if nothing goes on before the handler says so.
    pub(super) fn awaits_handler(&self) -> bool {
        matches!(self, Stage::Deciding(_) | Stage::Paused(..) | Stage::Answering(_))
    }

    /// The request that is under way.
    pub(super) fn record(&self) -> Option<&Record> {
        match self {
            Stage::Deciding(exchange) | Stage::Receiving(exchange) | Stage::Paused(exchange, _) => {
                Some(&exchange.record)
            }
            Stage::Lent(record) | Stage::Answering(record) => Some(record),
            Stage::AwaitingHead
            | Stage::Closing
            | Stage::Lingering { .. }
            | Stage::Broken(..)
            | Stage::Dead => None,
        }
    }

    /// Ends the request that is under way, if there is one; the peer awaits a head then.
    pub(super) fn end_request(&mut self) -> Option<Unanswered<U>> {
        match mem::replace(self, Stage::AwaitingHead) {
            Stage::AwaitingHead => None,
            Stage::Deciding(exchange) | Stage::Receiving(exchange) | Stage::Paused(exchange, _) => {
                Some(Unanswered { record: exchange.record, upload: Some(exchange.upload) })
            }
            // The handler has a piece no longer than a wave lasts, unless it panics.
            Stage::Lent(record) | Stage::Answering(record) => {
                Some(Unanswered { record, upload: None })
            }
            Stage::Closing | Stage::Lingering { .. } | Stage::Broken(..) | Stage::Dead => {
                unreachable!("a closed connection has no request")
            }
        }
    }
}

/// Bytes that were read and not used yet.
#[derive(Debug, Default)]
pub(super) enum Unread {
    #[default]
    Nothing,
    /// They mean something only when more have come.
    Partial(Box<Kept>),
    /// They may mean something by themselves.
    Whole(Box<Kept>),
}

impl Unread {
    pub(super) fn is_nothing(&self) -> bool {
        matches!(self, Unread::Nothing)
    }

    pub(super) fn take(&mut self) -> Option<Kept> {
        match mem::take(self) {
            Unread::Nothing => None,
            Unread::Partial(kept) | Unread::Whole(kept) => Some(*kept),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Unread::Nothing => 0,
            Unread::Partial(kept) | Unread::Whole(kept) => kept.buf.len(),
        }
    }
}

/// What the handler or a deadline has decided of a request, to be done when its peer is
/// visited.
#[derive(Debug)]
pub(super) enum Pending {
    /// The handler has ended a wait or a pause.
    Resume,
    Answer(Response),
    Refuse(Refusal),
}

/// A reason to refuse a request, with the numbers behind it if it is one of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) reject: Reject,
    pub(super) too_slow: Option<TooSlow>,
}

impl From<Reject> for Refusal {
    fn from(reject: Reject) -> Self {
        Self { reject, too_slow: None }
    }
}

/// Where a peer stands in the [roster](super::roster).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Aside,
    /// In the queue of those to be visited.
    Queued,
    /// Among those who wait for room to keep what they send, at this position.
    WaitsForRoom(u32),
    /// Among those to be removed when the turn ends.
    Gone,
}

/// What a peer is for its engine, among several engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// A request is under way, or the first is still to come.
    Busy,
    /// It is between requests, or at its end.
    Light,
}

/// What a visit is to do for a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Errand {
    /// Write what waits.
    Flush,
    /// Shut down writing: the last answer is written.
    FinishWriting,
    /// Read and throw away.
    Linger,
    /// Go on with what was decided or kept, or with the end of the peer's bytes.
    GoOn,
    Read,
    /// Give up a broken connection on which nothing will be read or written.
    BreakOff,
}

/// What bounds the errands of all peers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// See [`Config::max_output`](super::Config::max_output).
    pub(super) max_output: usize,
    /// See [`Timeouts::max_linger`](super::Timeouts::max_linger).
    pub(super) max_linger: Option<u64>,
    /// True if peers between requests are to leave.
    pub(super) is_draining: bool,
}

impl<S: Socket, U> Peer<S, U> {
    pub(super) fn new(socket: S, origin: Origin, connection: Connection, now: Moment) -> Self {
        Self {
            origin,
            link: Link::new(socket),
            connection,
            stage: Stage::AwaitingHead,
            unread: Unread::Nothing,
            pending: None,
            place: Place::Aside,
            weight: Weight::Light,
            clock: Clock::new(now),
        }
    }

    /// What is to be done for this peer; `None` until something happens to it.
    ///
    /// Three things follow from this: who is queued, what a visit does, and whose clock stands
    /// still.
    pub(super) fn errand(&self, bounds: &Bounds) -> Option<Errand> {
        if self.stage.is_over() {
            return None;
        }
        if self.link.can_flush() {
            return Some(Errand::Flush);
        }
        match self.stage {
            Stage::Closing => {
                return self.link.can_finish_writing().then_some(Errand::FinishWriting);
            }
            Stage::Lingering { read } => {
                let reads = self.link.is_readable() && bounds.lets_linger(read);
                return reads.then_some(Errand::Linger);
            }
            _ => {}
        }
        if self.pending.is_some() {
            return Some(Errand::GoOn);
        }
        if self.is_full(bounds) {
            return None;
        }
        if self.stage.awaits_handler() {
            return self.link.is_broken().then_some(Errand::BreakOff);
        }
        if matches!(self.unread, Unread::Whole(_)) || self.link.is_at_end() {
            return Some(Errand::GoOn);
        }
        // A read finds that a broken connection is broken, and that makes room.
        let may_read = !self.waits_for_room() || self.link.is_broken();
        // A request may lie in the socket unnoted: a last read tells.
        let is_last = bounds.is_draining && self.is_between_requests();
        (may_read && (self.link.is_readable() || is_last)).then_some(Errand::Read)
    }

    /// True if so much output waits that the peer is not read any more.
    pub(super) fn is_full(&self, bounds: &Bounds) -> bool {
        self.link.unsent() > bounds.max_output
    }

    pub(super) fn waits_for_room(&self) -> bool {
        matches!(self.place, Place::WaitsForRoom(_))
    }

    /// True if its current request is the one of that id.
    pub(super) fn serves(&self, id: UploadId) -> bool {
        self.stage.record().is_some_and(|record| record.id == id)
    }

    /// True if nothing is owed to the peer: it has sent no part of a request, and has taken all
    /// answers.
    pub(super) fn is_between_requests(&self) -> bool {
        matches!(self.stage, Stage::AwaitingHead)
            && !self.link.has_output()
            && self.connection.awaits() == Awaits::Idle
    }

    /// What it is for its engine now, while [`Peer::weight`] is what the roster has counted.
    pub(super) fn present_weight(&self) -> Weight {
        let is_busy = match self.stage {
            Stage::AwaitingHead => self.connection.requests() == 0,
            _ => self.stage.record().is_some(),
        };
        if is_busy { Weight::Busy } else { Weight::Light }
    }

    /// Since when it has been idle: it has taken all of an answer, and as far as is known
    /// has sent nothing since but empty lines.
    pub(super) fn idle_since(&self) -> Option<Moment> {
        let is_silent = !self.link.is_readable() && self.place == Place::Aside;
        let is_idle = is_silent && self.unread.is_nothing() && self.is_between_requests();
        (is_idle && self.connection.requests() > 0).then(|| self.clock.idle_since())
    }

    /// Closes a connection on which nothing is owed to anybody.
    pub(super) fn close(&mut self) {
        debug_assert!(self.stage.record().is_none(), "the handler would not be told");
        self.stage = Stage::Dead;
        self.link.close();
    }

    /// Gives up the connection; a request on it ends without an answer.
    pub(super) fn break_off(&mut self, abort: Abort) {
        let unanswered = match self.stage {
            Stage::Broken(..) | Stage::Dead => return,
            Stage::Closing | Stage::Lingering { .. } => None,
            _ => self.stage.end_request(),
        };
        self.stage = Stage::Broken(abort, unanswered);
        self.link.close();
    }
}

impl Bounds {
    /// True if a lingering peer that was read so far may be read further.
    pub(super) fn lets_linger(&self, read: u64) -> bool {
        self.max_linger.is_none_or(|most| read < most)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::buf::Buf;
    use crate::engine::exchange::Named;
    use crate::engine::ids::Ids;
    use crate::engine::room::Lease;
    use crate::handler::PeerAddr;
    use crate::link::Ready;
    use crate::link::tests::Scripted;
    use crate::proto::Limits;

    pub(in crate::engine) const BOUNDS: Bounds =
        Bounds { max_output: 10, max_linger: Some(5), is_draining: false };
    const DRAINING: Bounds = Bounds { is_draining: true, ..BOUNDS };

    /// With a socket that gives nothing and takes nothing.
    pub(in crate::engine) fn peer(stage: Stage<()>) -> Peer<Scripted, ()> {
        let connection = Connection::new(Limits::default());
        let mut peer = Peer::new(Scripted::default(), PeerAddr::Unix.into(), connection, Moment(0));
        peer.stage = stage;
        peer
    }

    fn record() -> Record {
        let named = Named::default();
        Record { id: Ids::new().next(0), begun: Moment(0), received: 0, named, terms: None }
    }

    fn exchange() -> Exchange<()> {
        Exchange { record: record(), upload: () }
    }

    /// One of each stage in which requests are read or under way, outside a wave.
    fn open() -> [Stage<()>; 5] {
        [
            Stage::AwaitingHead,
            Stage::Receiving(exchange()),
            Stage::Deciding(exchange()),
            Stage::Paused(exchange(), Rest::new(0..1)),
            Stage::Answering(record()),
        ]
    }

    pub(in crate::engine) fn readable() -> Ready {
        Ready { readable: true, ..Ready::default() }
    }

    fn broken() -> Ready {
        Ready { error: true, ..Ready::default() }
    }

    fn kept() -> Box<Kept> {
        Box::new(Kept { buf: Buf::with_capacity(1), lease: Lease::nothing() })
    }

    /// Has so much output wait, for which there is no room.
    fn fill(peer: &mut Peer<Scripted, ()>, bytes: usize) {
        peer.link.write(&mut vec![0; bytes]).expect("it is no error");
    }

    #[test]
    fn peer_that_awaits_the_handler_is_not_read() {
        for stage in open() {
            let awaits_handler = stage.awaits_handler();
            let mut peer = peer(stage);
            assert_eq!(peer.errand(&BOUNDS), None);
            peer.link.note(readable());
            let errand = (!awaits_handler).then_some(Errand::Read);
            assert_eq!(peer.errand(&BOUNDS), errand);
            peer.unread = Unread::Partial(kept());
            assert_eq!(peer.errand(&BOUNDS), errand);
            peer.unread = Unread::Whole(kept());
            let errand = (!awaits_handler).then_some(Errand::GoOn);
            assert_eq!(peer.errand(&BOUNDS), errand);
        }
    }

    #[test]
    fn broken_connection_is_given_up_unless_a_read_finds_that_out() {
        for stage in open() {
            let awaits_handler = stage.awaits_handler();
            let mut peer = peer(stage);
            peer.link.note(broken());
            let errand = if awaits_handler { Errand::BreakOff } else { Errand::Read };
            assert_eq!(peer.errand(&BOUNDS), Some(errand));
        }
    }

    #[test]
    fn decision_is_done_though_the_peer_takes_no_answers() {
        for stage in open() {
            let mut peer = peer(stage);
            fill(&mut peer, 11);
            peer.link.note(readable());
            assert_eq!(peer.errand(&BOUNDS), None);
            peer.pending = Some(Box::new(Pending::Refuse(Reject::Late.into())));
            assert_eq!(peer.errand(&BOUNDS), Some(Errand::GoOn));
        }
    }

    #[test]
    fn peer_is_read_up_to_the_bound_of_its_output() {
        for (bytes, errand) in [(10, Some(Errand::Read)), (11, None)] {
            let mut peer = peer(Stage::AwaitingHead);
            fill(&mut peer, bytes);
            peer.link.note(readable());
            assert_eq!(peer.errand(&BOUNDS), errand);
            peer.link.note(Ready { writable: true, ..Ready::default() });
            assert_eq!(peer.errand(&BOUNDS), Some(Errand::Flush));
        }
    }

    #[test]
    fn peer_that_waits_for_room_is_read_only_if_it_is_broken() {
        for stage in [Stage::AwaitingHead, Stage::Receiving(exchange())] {
            let mut peer = peer(stage);
            peer.place = Place::WaitsForRoom(0);
            peer.link.note(readable());
            assert_eq!(peer.errand(&BOUNDS), None);
            peer.link.note(broken());
            assert_eq!(peer.errand(&BOUNDS), Some(Errand::Read));
        }
    }

    #[test]
    fn drain_reads_a_last_time_from_those_between_requests() {
        for stage in open() {
            let is_between = matches!(stage, Stage::AwaitingHead);
            let mut peer = peer(stage);
            assert_eq!(peer.errand(&DRAINING), is_between.then_some(Errand::Read));
            peer.place = Place::WaitsForRoom(0);
            assert_eq!(peer.errand(&DRAINING), None);
            peer.place = Place::Aside;
            fill(&mut peer, 1);
            assert_eq!(peer.errand(&DRAINING), None, "its answer is on its way");
        }
    }

    #[test]
    fn closing_waits_until_all_is_written() {
        let mut peer = peer(Stage::Closing);
        assert_eq!(peer.errand(&BOUNDS), Some(Errand::FinishWriting));
        fill(&mut peer, 1);
        peer.link.note(readable());
        assert_eq!(peer.errand(&BOUNDS), None);
        peer.link.note(Ready { writable: true, ..Ready::default() });
        assert_eq!(peer.errand(&BOUNDS), Some(Errand::Flush));
    }

    #[test]
    fn lingering_peer_is_read_up_to_its_bound() {
        for (read, errand) in [(0, Some(Errand::Linger)), (4, Some(Errand::Linger)), (5, None)] {
            let mut peer = peer(Stage::Lingering { read });
            assert_eq!(peer.errand(&BOUNDS), None);
            peer.link.note(readable());
            assert_eq!(peer.errand(&BOUNDS), errand);
            assert_eq!(peer.errand(&Bounds { max_linger: None, ..BOUNDS }), Some(Errand::Linger));
        }
    }

    #[test]
    fn nothing_is_done_for_a_peer_that_is_closed() {
        for stage in [Stage::Dead, Stage::Broken(Abort::Reset, None)] {
            let mut peer = peer(stage);
            fill(&mut peer, 1);
            peer.link.note(broken());
            peer.pending = Some(Box::new(Pending::Resume));
            assert_eq!(peer.errand(&DRAINING), None);
        }
    }

    #[test]
    fn request_that_breaks_off_keeps_what_the_handler_is_to_be_told() {
        for stage in open() {
            let has_request = !matches!(stage, Stage::AwaitingHead);
            let has_upload = has_request && !matches!(stage, Stage::Answering(..));
            let mut peer = peer(stage);
            peer.break_off(Abort::Shutdown);
            let Stage::Broken(Abort::Shutdown, unanswered) = &peer.stage else { panic!("broken") };
            assert_eq!(unanswered.is_some(), has_request);
            let uploads = unanswered.as_ref().map(|request| request.upload.is_some());
            assert_eq!(uploads.unwrap_or_default(), has_upload);
            peer.break_off(Abort::Reset);
            assert!(matches!(peer.stage, Stage::Broken(Abort::Shutdown, _)), "the first counts");
        }
    }

    /// It is what a connection costs, with a socket that may be wrapped, and an upload as large
    /// as that of the MD5 handler.
    #[test]
    fn a_peer_takes_at_most_432_bytes() {
        assert!(size_of::<Peer<[u64; 2], [u64; 12]>>() <= 432);
    }
}
