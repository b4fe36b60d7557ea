//! What is uploaded: content of many lengths, each with its digest.

use testkit::content::{EMPTY, content, digest};

/// Content with the digest that its answer must have.
pub(crate) struct Content<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) digest: &'a str,
}

/// All content there is. Digests are computed once, before the load: what the loader
/// spends on hashing, it takes from the server.
pub(crate) struct Contents {
    pattern: Vec<u8>,
    small: Vec<Known>,
    medium: Vec<Known>,
    large: Vec<Known>,
}

struct Known {
    start: usize,
    length: usize,
    digest: String,
}

/// Around the edges of the padding and of one and two blocks, and up to a packet.
const SMALL: &[usize] = &[1, 3, 32, 55, 56, 63, 64, 65, 119, 120, 128, 500, 1000, 1400];
/// Around the server's buffer of 64 KiB, and some of them.
const MEDIUM: &[usize] = &[4 << 10, 10_007, 65_535, 65_536, 65_537, 200_000];
const LARGE: &[usize] = &[1 << 20, 3_000_001];

/// No two of one length begin at the same place.
const VARIANTS: usize = 4;

impl Contents {
    pub(crate) fn new() -> Self {
        let longest = LARGE.iter().max().copied().unwrap_or_default();
        let pattern = content(longest + VARIANTS * LARGE.len() * STEP, 0);
        let know = |lengths: &[usize]| -> Vec<Known> {
            let pairs = (0..VARIANTS).flat_map(|_| lengths).enumerate();
            pairs.map(|(place, &length)| known(&pattern, place * STEP, length)).collect()
        };
        let (small, medium, large) = (know(SMALL), know(MEDIUM), know(LARGE));
        Self { pattern, small, medium, large }
    }

    /// Nothing, as requests without content have it.
    pub(crate) fn nothing() -> Content<'static> {
        Content { bytes: b"", digest: EMPTY }
    }

    pub(crate) fn small(&self, number: u64) -> Content<'_> {
        self.pick(&self.small, number)
    }

    pub(crate) fn medium(&self, number: u64) -> Content<'_> {
        self.pick(&self.medium, number)
    }

    pub(crate) fn large(&self, number: u64) -> Content<'_> {
        self.pick(&self.large, number)
    }

    fn pick<'a>(&'a self, from: &'a [Known], number: u64) -> Content<'a> {
        let known = &from[number as usize % from.len()];
        let bytes = &self.pattern[known.start..][..known.length];
        Content { bytes, digest: &known.digest }
    }
}

/// How far from each other contents begin.
const STEP: usize = 4099;

fn known(pattern: &[u8], start: usize, length: usize) -> Known {
    let start = start % (pattern.len() - length);
    Known { start, length, digest: digest(&pattern[start..][..length]) }
}
