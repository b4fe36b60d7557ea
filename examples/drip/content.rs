//! What is uploaded: parts of one pattern, each from a place of its own on.

use md5::{Digest, Md5};

const PATTERN: usize = 1 << 20;
pub(crate) const LONGEST_PART: usize = 128 << 10;

/// Bytes without a short period (xorshift), as long as the program runs.
pub(crate) fn pattern() -> &'static [u8] {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let bytes: Vec<u8> = (0..(PATTERN + LONGEST_PART) / 8).flat_map(|_| next()).collect();
    bytes.leak()
}

/// The part for the upload of that number.
pub(crate) fn part(pattern: &'static [u8], number: usize, length: usize) -> &'static [u8] {
    let start = number * 4099 % PATTERN;
    pattern.get(start..start + length.min(LONGEST_PART)).unwrap_or_default()
}

/// The digest of so many times that part.
pub(crate) fn digest(part: &[u8], times: usize) -> String {
    let mut hash = Md5::new();
    (0..times).for_each(|_| hash.update(part));
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
