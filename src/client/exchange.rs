//! One request on its way to an answer.
//!
//! ```text
//!               ┌────────── a fresh connection ◄──┬──────────────┬──────────────┐
//!               ▼                                 │              │              │
//! start ─► Waiting ─► Opening ─► head sent ─► Asking ─ 100 ─► Sending ─► Answering ─► over
//!               ▲        │            │           └ no 100 ──►  ▲              ▲
//!            Pausing ◄───┘            └─── not asked ───────────┘              │
//!                                     └─── no content ─────────────────────────┘
//! ```
//!
//! It goes back only while the server cannot have acted on it, or if it may act twice: see
//! [`Exchange::may_be_repeated`]. A final answer may come in each state from `Asking` on.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Failure, Origin};
use crate::proto::Framing;
use crate::proto::client::Request;

/// Names an exchange of one [`Client`](super::Client), also when it is over.
///
/// # Example
///
/// ```
/// use std::collections::HashMap;
/// use streamsum::client::ExchangeId;
/// use streamsum::handler::UploadId;
///
/// /// Which upload waits for which exchange.
/// let waiting: HashMap<ExchangeId, UploadId> = HashMap::new();
/// # let _ = waiting;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ExchangeId {
    pub(super) key: usize,
    pub(super) serial: u64,
}

impl fmt::Display for ExchangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.serial)
    }
}

/// A request, its content if that is there, and how far it has come.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) id: ExchangeId,
    pub(super) origin: Arc<Origin>,
    pub(super) request: Request,
    /// True if its owner wants the server to be asked.
    pub(super) wants_asking: bool,
    pub(super) content: Content,
    pub(super) stage: Stage,
    /// `None` until it is looked at: whoever has nothing to do is not told the time.
    pub(super) began: Option<Instant>,
    /// Since when a connection is being made, over all tries.
    pub(super) connecting: Option<Instant>,
    /// Tries that have failed.
    pub(super) failed: u32,
    /// Why the last one did.
    pub(super) failure: Option<Failure>,
    /// Why a try has failed on which the server may have acted.
    pub(super) unknown: Option<Failure>,
    /// True if no connection will do that was used before.
    pub(super) needs_fresh: bool,
    /// Bytes of content that have left in this try.
    pub(super) left: u64,
    /// What has come of the final answer.
    pub(super) answer: Option<Partial>,
    pub(super) patience: Duration,
}

#[derive(Debug)]
pub(super) enum Content {
    /// Its owner writes it.
    Streamed {
        /// True if the owner is to be told when there is room.
        wants_room: bool,
        /// True if the owner has no more.
        has_ended: bool,
    },
    /// All of it is here, and may be sent again.
    Whole { bytes: Arc<[u8]>, written: usize },
}

/// A final answer, as far as it has come.
#[derive(Debug)]
pub(super) struct Partial {
    pub(super) status: u16,
    pub(super) lines: Box<[u8]>,
    pub(super) content: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Waits for a connection, or for the addresses of its host.
    Waiting,
    /// Is tried again then.
    Pausing { until: Instant },
    /// Has a connection that is being made.
    Opening { place: usize },
    /// Waits for 100 (Continue).
    Asking { place: usize, since: Instant },
    /// Content may be sent. `stuck` since the server takes no more.
    Sending { place: usize, stuck: Option<Instant> },
    /// The request is sent, or its final answer has begun: nothing more is sent.
    Answering { place: usize, since: Instant },
}

impl Exchange {
    pub(super) fn place(&self) -> Option<usize> {
        match self.stage {
            Stage::Waiting | Stage::Pausing { .. } => None,
            Stage::Opening { place }
            | Stage::Asking { place, .. }
            | Stage::Sending { place, .. }
            | Stage::Answering { place, .. } => Some(place),
        }
    }

    fn is_whole(&self) -> bool {
        matches!(self.content, Content::Whole { .. })
    }

    /// True if its content would be lost with a connection that was closed while it was idle.
    pub(super) fn is_fragile(&self) -> bool {
        self.request.framing().has_content() && !self.is_whole()
    }

    /// True if the server is to say 100 (Continue) before it gets the content.
    pub(super) fn asks(&self, was_used: bool, ask_from: u64) -> bool {
        let is_much = match self.request.framing() {
            Framing::None => false,
            Framing::Length(length) => length >= ask_from,
            Framing::Chunked => true,
        };
        let is_at_risk = was_used && self.is_fragile();
        self.request.framing().has_content() && (self.wants_asking || is_much || is_at_risk)
    }

    /// True if it does no harm to send it again: the server lacks content without which it cannot
    /// act, or the owner said that it may act twice. `head_has_left` tells whether the whole
    /// head was taken from us.
    pub(super) fn may_be_repeated(&self, head_has_left: bool) -> bool {
        let lacks_content = self.request.framing().has_content() && !self.has_finished();
        self.is_whole() || self.left == 0 && (lacks_content || !head_has_left)
    }

    /// True if content in chunks was ended without a byte.
    fn has_finished(&self) -> bool {
        matches!(self.stage, Stage::Answering { .. })
    }

    /// Forgets what was sent and what came in answer.
    pub(super) fn rewind(&mut self) {
        self.left = 0;
        self.answer = None;
        match &mut self.content {
            Content::Streamed { wants_room, .. } => *wants_room = true,
            Content::Whole { written, .. } => *written = 0,
        }
    }
}
