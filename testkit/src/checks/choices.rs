//! Decisions out of the fuzzer's bytes.

/// Takes a byte or two for each decision, from the front; when no bytes are left all
/// decisions are 0. So each byte that the fuzzer changes changes one decision, and those
/// behind it stay as they were.
pub(crate) struct Choices<'d> {
    data: &'d [u8],
}

impl<'d> Choices<'d> {
    pub(crate) fn new(data: &'d [u8]) -> Self {
        Self { data }
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.data.split_off_first().copied().unwrap_or(0)
    }

    /// A number below `bound`, or 0 if that is 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let drawn = match bound {
            0 | 1 => return 0,
            2..=256 => usize::from(self.byte()),
            _ => usize::from(u16::from_le_bytes([self.byte(), self.byte()])),
        };
        drawn % bound
    }

    /// Up to `most` bytes as they are.
    pub(crate) fn bytes(&mut self, most: usize) -> &'d [u8] {
        let (taken, rest) = self.data.split_at(most.min(self.data.len()));
        self.data = rest;
        taken
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.data.is_empty()
    }
}
