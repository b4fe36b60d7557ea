//! A peer's place in a batch.

use super::ids::Key;
use super::room::Lease;
use crate::buf::Buf;

/// What a peer in a batch has at hand.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) key: Key,
    /// `None` while it is out with a piece.
    pub(super) buf: Option<Buf>,
    /// For what has to be kept of the buffer.
    pub(super) lease: Lease,
    pub(super) out: Vec<u8>,
    pub(super) progress: Progress,
    /// True if a request was begun for the peer in this batch.
    pub(super) has_begun: bool,
    /// True if the handler keeps something of what was in the buffer.
    pub(super) is_kept_from: bool,
}

/// What can be done for a peer in its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    Runs,
    /// What is in its buffer means nothing until more has come.
    WantsInput,
    /// Something else has to happen first.
    Stopped,
}

impl Slot {
    pub(super) fn new(key: Key, buf: Buf, lease: Lease, out: Vec<u8>, progress: Progress) -> Self {
        let (has_begun, is_kept_from) = (false, false);
        Self { key, buf: Some(buf), lease, out, progress, has_begun, is_kept_from }
    }

    /// The bytes that are not used yet.
    pub(super) fn unread(&self) -> &[u8] {
        self.buf.as_ref().map_or(&[], Buf::unread)
    }
}
