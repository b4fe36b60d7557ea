//! One peer: its link, its connection, and how far its request is.
//!
//! ```text
//!               take                  a piece           all of it was taken
//!      ┌──────────────────► Receiving ───────► Lent ──────────► Receiving
//!      │         resume     ▲       ▲           ├─ a part was ─► Paused
//!    Idle ──► Deciding ─────┘       └─ resume ──┼────────────────┘
//!      ▲ wait                                   │ the last of it
//!      │                                        ├──────────────► Answering
//!      │                            an answer ◄─┘   answer later     │
//!      └── it keeps the connection ◄─┤ ◄───────────────────────────── ┘
//!                                    │ it ends the connection
//!                                    ▼
//!                                 Closing ──► Lingering ──► Dead
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
    pub(super) pending: Option<Pending>,
    pub(super) place: Place,
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

    /// Ends the request that is under way; the peer is idle then.
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
    Answer(Box<Response>),
    Refuse(Box<Refusal>),
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
mod tests {
    use super::*;

    /// It is what a connection costs, with an upload as large as that of the MD5 handler.
    #[test]
    fn a_peer_takes_at_most_424_bytes() {
        assert!(size_of::<Peer<u64, [u64; 12]>>() <= 424);
    }
}
