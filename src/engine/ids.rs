//! Names of peers and of requests.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::handler::UploadId;

/// Names a peer for as long as it is there. Keys are small, and are used again for other
/// peers. A key becomes free when a turn ends, or by
/// [`Engine::displace`](super::Engine::displace), which is to be called when all events of a
/// poll were noted: so no note reaches another peer than it was meant for.
pub type Key = usize;

/// The ids of an engine's requests, no two of a process alike.
#[derive(Debug)]
pub(super) struct Ids {
    /// No other engine of the process has it.
    engine: NonZeroU32,
    next: u64,
}

impl Ids {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        // It comes round after four billion engines.
        let engine = NonZeroU32::new(NEXT.fetch_add(1, Ordering::Relaxed));
        Self { engine: engine.unwrap_or(NonZeroU32::MAX), next: 0 }
    }

    /// The number that all ids of this engine have.
    pub(super) fn engine(&self) -> NonZeroU32 {
        self.engine
    }

    /// A new id for a request of this peer.
    pub(super) fn next(&mut self, key: Key) -> UploadId {
        let serial = self.next;
        self.next += 1;
        // No more peers than 32 bits can count fit into memory.
        UploadId { engine: self.engine, key: key as u32, serial }
    }

    /// The peer that a request of this engine came from.
    pub(super) fn key_of(&self, id: UploadId) -> Option<Key> {
        (id.engine == self.engine).then_some(id.key as Key)
    }
}
