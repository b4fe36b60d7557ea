//! What those who watch an engine see of a request that is under way.

use std::time::Duration;

use super::peer::{Peer, Stage};
use super::time::Moment;
use crate::handler::{PeerAddr, UploadId};

/// A request that has begun and not ended: see [`Engine::uploads`](super::Engine::uploads).
///
/// # Example
///
/// ```
/// use streamsum::engine::{Phase, Underway};
///
/// fn line(upload: &Underway<'_>) -> String {
///     let Underway { peer, received, duration, .. } = upload;
///     let of = upload.length.map_or(String::new(), |length| format!(" of {length}"));
///     let paused = if upload.phase == Phase::Paused { ", paused" } else { "" };
///     format!("{peer}: {received}{of} bytes in {duration:?}{paused}")
/// }
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Underway<'a> {
    /// The id by which it can be [answered](super::Engine::answer).
    pub id: UploadId,
    /// Who sends it.
    pub peer: PeerAddr,
    /// The method, cut after 32 bytes, if
    /// [`Config::kept_target`](super::Config::kept_target) is not 0.
    pub method: Option<&'a str>,
    /// The request target, likewise, cut after that many bytes.
    pub target: Option<&'a str>,
    /// Bytes of content that it has in all; `None` if it is chunked, so that nobody knows
    /// before its end.
    pub length: Option<u64>,
    /// Bytes of content that the handler took.
    pub received: u64,
    /// From the end of the head to the last turn, which is about a second ago at most in a
    /// loop that heeds [`Engine::deadline`](super::Engine::deadline).
    pub duration: Duration,
    /// What it is at.
    pub phase: Phase,
}

/// What a request that is under way waits for. [`Underway`] has an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// The handler is to say whether it takes it: [`Verdict::Wait`](crate::handler::Verdict::Wait).
    AwaitsVerdict,
    /// More content is to come.
    Receiving,
    /// The handler is to resume it: it has left some of a piece, or the credit is used up. See
    /// [`Piece::take`](crate::handler::Piece::take) and
    /// [`Piece::credit`](crate::handler::Piece::credit).
    Paused,
    /// The handler has all of it, and is to answer: [`Reply::Later`](crate::handler::Reply::Later).
    AwaitsAnswer,
}

impl<S, U> Peer<S, U> {
    /// The request that is under way.
    pub(super) fn underway(&self, now: Moment) -> Option<Underway<'_>> {
        let (phase, record) = match &self.stage {
            Stage::Deciding(exchange) => (Phase::AwaitsVerdict, &exchange.record),
            Stage::Receiving(exchange) => (Phase::Receiving, &exchange.record),
            Stage::Lent(record) => (Phase::Receiving, record),
            Stage::Paused(exchange, _) => (Phase::Paused, &exchange.record),
            Stage::Answering(record) => (Phase::AwaitsAnswer, record),
            Stage::AwaitingHead
            | Stage::Closing
            | Stage::Lingering { .. }
            | Stage::Broken(..)
            | Stage::Dead => return None,
        };
        Some(Underway {
            id: record.id,
            peer: self.origin.peer,
            method: record.named.method(),
            target: record.named.target(),
            length: self.connection.content_length(),
            received: record.received,
            duration: now.since(record.begun),
            phase,
        })
    }
}
