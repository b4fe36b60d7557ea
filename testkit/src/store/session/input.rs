//! What came and was not used.

use std::ops::Deref;

/// Bytes that are used from the front, at no cost for those behind them.
#[derive(Debug, Default)]
pub(super) struct Input {
    bytes: Vec<u8>,
    used: usize,
}

impl Input {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.used);
        self.used = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// Uses so many bytes.
    pub(super) fn take(&mut self, count: usize) -> &[u8] {
        let from = self.used;
        self.used += count;
        &self.bytes[from..self.used]
    }

    /// Uses all of it.
    pub(super) fn clear(&mut self) {
        self.used = self.bytes.len();
    }
}

impl Deref for Input {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[self.used..]
    }
}
