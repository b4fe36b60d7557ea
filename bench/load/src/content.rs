//! What is uploaded: parts of one pattern, each from a place of its own on.

use testkit::content;

const PATTERN: usize = 1 << 20;
pub const LONGEST_PART: usize = 128 << 10;

/// What all parts are of, as long as the program runs.
pub fn pattern() -> &'static [u8] {
    content::content(PATTERN + LONGEST_PART, 0).leak()
}

/// The part for the upload of that number.
pub fn part(pattern: &'static [u8], number: usize, length: usize) -> &'static [u8] {
    let start = number * 4099 % PATTERN;
    pattern.get(start..start + length.min(LONGEST_PART)).unwrap_or_default()
}

/// The digest of so many times that part.
pub fn digest(part: &[u8], times: usize) -> String {
    let length = (times * part.len()) as u64;
    content::text(content::digest_of_cycle(part, 0, length))
}
