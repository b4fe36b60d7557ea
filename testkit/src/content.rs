//! What is uploaded, and its digest as another implementation has it.

use md5::{Digest, Md5};

use crate::random::Random;

/// The digest of no content.
pub const EMPTY: &str = "d41d8cd98f00b204e9800998ecf8427e";

/// An MD5 as it is answered: lower-case hexadecimal digits.
pub type Hex = [u8; 32];

/// Bytes that differ with the seed and have no short period.
pub fn content(length: usize, seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    let words = std::iter::repeat_with(|| random.word().to_le_bytes());
    let mut bytes: Vec<u8> = words.take(length.div_ceil(8)).flatten().collect();
    bytes.truncate(length);
    bytes
}

/// The digest of content in one piece, as text.
pub fn digest(content: &[u8]) -> String {
    text(hex(Md5::digest(content).into()))
}

/// The digits as text.
pub fn text(digits: Hex) -> String {
    digits.map(char::from).into_iter().collect()
}

/// The digest of `length` bytes that go round and round in `cycle`, from `start` on.
pub fn digest_of_cycle(cycle: &[u8], start: usize, length: u64) -> Hex {
    let mut md5 = Md5::new();
    let (mut at, mut left) = (start, length);
    while left > 0 {
        let rest = &cycle[at..];
        let taken = usize::try_from(left).map_or(rest.len(), |left| left.min(rest.len()));
        md5.update(&rest[..taken]);
        left -= taken as u64;
        at = (at + taken) % cycle.len();
    }
    hex(md5.finalize().into())
}

/// Two digits a byte.
pub fn hex(digest: [u8; 16]) -> Hex {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut hex = [0; 32];
    for (pair, byte) in hex.chunks_exact_mut(2).zip(digest) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_has_its_length_and_depends_on_the_seed_alone() {
        for length in [0, 1, 7, 8, 9, 1000] {
            assert_eq!(content(length, 7).len(), length);
        }
        assert_eq!(content(1000, 7), content(1000, 7));
        assert_eq!(content(999, 7), content(1000, 7)[..999]);
        assert_ne!(content(1000, 7), content(1000, 8));
    }

    #[test]
    fn digests_are_those_of_md5sum() {
        assert_eq!(digest(b""), EMPTY);
        assert_eq!(digest(b"ca"), "5435c69ed3bcc5b2e4d580e393e373d3");
    }

    #[test]
    fn digests_go_round_the_cycle() {
        assert_eq!(&digest_of_cycle(b"abc", 2, 2), b"5435c69ed3bcc5b2e4d580e393e373d3");
        assert_eq!(digest_of_cycle(b"abc", 2, 5), digest_of_cycle(b"cabca", 0, 5));
        assert_eq!(&digest_of_cycle(b"abc", 0, 0), EMPTY.as_bytes());
    }
}
