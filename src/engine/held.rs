//! The account of bytes that are kept for peers from one turn to the next.

use super::Key;

/// Bytes kept, and how many may be.
///
/// The last of the room is left to one peer at a time: if all who hold some of the rest
/// need more before they can give it back, that one still comes to an end, and after it
/// the next. It has come to its end as well if it has begun the next request, and what it
/// keeps of that fits into the rest.
#[derive(Debug)]
pub(super) struct Held {
    bytes: usize,
    /// What all together may hold but for the favoured.
    limit: usize,
    favoured: Option<Key>,
}

impl Held {
    /// `most` is the most that one peer may ask for.
    pub(super) fn new(limit: usize, most: usize) -> Self {
        Self { bytes: 0, limit: limit.saturating_sub(most), favoured: None }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether somebody who asks for so much may get it.
    pub(super) fn can_serve(&self, bytes: usize) -> bool {
        self.has_room(bytes) || self.favoured.is_none()
    }

    fn has_room(&self, bytes: usize) -> bool {
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

    /// Sets bytes aside from the last of the room; false if another one is favoured.
    pub(super) fn favour(&mut self, key: Key, bytes: usize) -> bool {
        let may_have_it = self.favoured.is_none_or(|favoured| favoured == key);
        if may_have_it {
            self.favoured = Some(key);
            self.add(bytes);
        }
        may_have_it
    }

    /// Whether all that is held fits in without the last of the room.
    pub(super) fn is_last_free(&self) -> bool {
        self.bytes <= self.limit
    }

    /// A peer does not need the last of the room any more.
    pub(super) fn let_go(&mut self, key: Key) {
        if self.favoured == Some(key) {
            self.favoured = None;
        }
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
