//! The account of bytes that are kept for peers from one turn to the next.

/// Bytes kept, and how many may be.
#[derive(Debug)]
pub(super) struct Held {
    bytes: usize,
    limit: usize,
}

impl Held {
    pub(super) fn new(limit: usize) -> Self {
        Self { bytes: 0, limit }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether so many more bytes may be kept.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.limit.saturating_sub(self.bytes) >= bytes
    }

    /// Sets bytes aside for what a read may leave behind; false if there is no room.
    pub(super) fn reserve(&mut self, bytes: usize) -> bool {
        let has_room = self.has_room(bytes);
        if has_room {
            self.add(bytes);
        }
        has_room
    }

    /// Counts bytes that have to be kept, room or not.
    pub(super) fn add(&mut self, bytes: usize) {
        self.bytes += bytes;
    }

    pub(super) fn release(&mut self, bytes: usize) {
        debug_assert!(bytes <= self.bytes, "released more than was held");
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}
