//! What is uploaded, and its digest by the crate `md-5`.

use md5::{Digest, Md5};

/// An MD5 as it is answered: lower-case hexadecimal digits.
pub type Hex = [u8; 32];

/// Bytes without a short period (Marsaglia's xorshift), the same at every run.
pub fn pattern(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..length.div_ceil(8)).flat_map(|_| next()).take(length).collect()
}

/// The digest of `length` bytes that go round and round in `cycle`, from `start` on.
pub fn digest_of_cycle(cycle: &[u8], start: usize, length: u64) -> Hex {
    let mut md5 = Md5::new();
    let (mut at, mut left) = (start, length);
    while left > 0 {
        let rest = &cycle[at..];
        let taken = left.min(rest.len() as u64) as usize;
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
    fn digests_go_round_the_cycle() {
        // md5sum of "caba" and of nothing.
        assert_eq!(&digest_of_cycle(b"abc", 2, 2), b"5435c69ed3bcc5b2e4d580e393e373d3");
        assert_eq!(digest_of_cycle(b"abc", 2, 5), digest_of_cycle(b"cabca", 0, 5));
        assert_eq!(&digest_of_cycle(b"abc", 0, 0), b"d41d8cd98f00b204e9800998ecf8427e");
    }
}
