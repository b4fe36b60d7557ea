//! One peer: its socket, its connection, what waits for it and what it waits for.

use super::clock::Clock;
use super::exchange::{Record, Rest, Upload};
use super::{Moment, Socket};
use crate::buf::Buf;
use crate::handler::{PeerAddr, TooSlow, UploadId};
use crate::link::Link;
use crate::proto::{Awaits, Connection, Reject, Response};

pub(super) struct Peer<S, U> {
    pub(super) addr: PeerAddr,
    pub(super) link: Link<S>,
    pub(super) connection: Connection,
    pub(super) life: Life,
    /// Whether it stands in the ready queue.
    pub(super) queued: bool,
    /// Whether it stands among those who wait for room in
    /// [`Config::max_held`](super::Config::max_held).
    pub(super) hungry: bool,
    /// Whether what is kept needs more input before it means anything.
    pub(super) starved: bool,
    /// Whether a pause or a wait was ended by the handler.
    pub(super) resumed: bool,
    pub(super) upload: Upload<U>,
    pub(super) request: Option<Record>,
    /// Content that was offered and not taken: positions in `kept`.
    pub(super) rest: Option<Rest>,
    /// Bytes that were read and could not be used yet.
    pub(super) kept: Option<Box<Buf>>,
    pub(super) wish: Option<Box<Wish>>,
    pub(super) clock: Clock,
}

/// Whether requests are read, or the end is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    Open,
    /// The last answer is being written.
    Closing,
    /// Writing is shut down; what still comes is read and thrown away, so that no
    /// reset destroys the answer on its way.
    Lingering,
    Dead,
}

/// What is to be done to a request when its turn comes.
#[derive(Debug)]
pub(super) enum Wish {
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

impl<S: Socket, U> Peer<S, U> {
    pub(super) fn new(socket: S, addr: PeerAddr, connection: Connection, now: Moment) -> Self {
        Self {
            addr,
            link: Link::new(socket),
            connection,
            life: Life::Open,
            queued: false,
            hungry: false,
            starved: false,
            resumed: false,
            upload: Upload::None,
            request: None,
            rest: None,
            kept: None,
            wish: None,
            clock: Clock::new(now),
        }
    }

    /// Whether this peer's current request is the one of that id.
    pub(super) fn serves(&self, id: UploadId) -> bool {
        self.life == Life::Open
            && self.request.as_ref().is_some_and(|request| request.id == Some(id))
    }

    /// Whether the handler has the next word.
    pub(super) fn awaits_handler(&self) -> bool {
        match self.upload {
            Upload::Waiting(_) | Upload::Paused(_) => !self.resumed,
            Upload::Late => true,
            Upload::None | Upload::Taking(_) | Upload::Lent => false,
        }
    }

    /// Whether so much waits for it that it is not read any more.
    pub(super) fn is_full(&self, output_bound: usize) -> bool {
        self.link.pending() > output_bound
    }

    /// Whether a visit could get anything done.
    pub(super) fn is_runnable(&self, output_bound: usize) -> bool {
        if self.link.can_flush() && self.life != Life::Dead {
            return true;
        }
        match self.life {
            Life::Open if self.wish.is_some() || self.resumed => true,
            Life::Open if self.is_full(output_bound) => false,
            Life::Open if self.awaits_handler() || self.hungry => self.link.is_broken(),
            Life::Open => self.link.is_readable() || (self.kept.is_some() && !self.starved),
            Life::Closing => self.link.pending() == 0,
            Life::Lingering => self.link.is_readable() && self.clock.lingers_reading(),
            Life::Dead => false,
        }
    }

    /// Whether it may be closed without anybody's missing anything.
    pub(super) fn is_between_requests(&self) -> bool {
        self.life == Life::Open
            && self.link.pending() == 0
            && self.connection.awaits() == Awaits::Idle
    }
}
