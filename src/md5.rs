//! MD5 (RFC 1321) of one stream, and of many streams at once.
//!
//! Within one stream every block waits for the one before it, and no CPU can
//! hurry that chain. Different streams don't wait for each other: their blocks
//! can be compressed side by side, one stream to a lane. So there are two ways
//! to feed an [`Md5`]: alone, with [`Md5::update`], and together with others,
//! with [`Kernel::update_many`]. They can be mixed freely on one stream.
//!
//! ```text
//!            tail      body: whole blocks,          padding
//!          filled up   where the caller has them   and length
//! stream   ┌───────┐  ┌───────┬───────┬───────┐  ┌───────────┐
//!          │ 1     │  │ n     │       │       │  │ 1 or 2    │
//!          └───────┘  └───────┴───────┴───────┘  └───────────┘
//! ```
//!
//! Only the edges of what is fed are copied, less than a block at either end.
//!
//! # Example
//!
//! ```
//! use streamsum::md5::{Input, Kernel, Md5};
//!
//! let mut alone = Md5::new();
//! alone.update(b"message ");
//! alone.update(b"digest");
//! assert_eq!(alone.finish().to_string(), "f96b697d7cb7938d525a2f31aaf161d0");
//!
//! // Many buffers at once, as they come from anywhere.
//! let buffers: Vec<Vec<u8>> = (0..100).map(|n| vec![n; 1000 * n as usize]).collect();
//! let mut streams = vec![Md5::new(); buffers.len()];
//! let inputs = streams.iter_mut().zip(&buffers);
//! Kernel::detect().update_many(inputs.map(|(stream, bytes)| Input { stream, bytes, last: true }));
//! let digests: Vec<String> = streams.into_iter().map(|stream| stream.finish().to_string()).collect();
//! assert_eq!(digests[0], "d41d8cd98f00b204e9800998ecf8427e");
//! assert_eq!(digests[99], "eda7d064149ebfc18e1e882980963d94");
//! ```
//!
//! # Speed
//!
//! Which kernel there is depends on the CPU, [`Kernel`] has the list. As multiples of the
//! crate md-5 on as many streams, one core of an AMD Zen 5, medians of one run of
//! `hash_rates` in `bench/load`:
//!
//! | streams | 1 | 2 | 4 | 8 | 16 | 32 |
//! |---|---|---|---|---|---|---|
//! | `avx512`, 64 KiB of each at a time | 1.27 | 2.49 | 2.6 | 5.1 | 10.3 | 17.9 |
//! | `avx512`, 32 to 64 KiB of each | 1.25 | 2.22 | 2.4 | 4.4 | 8.4 | 14.6 |
//! | `avx512`, whole bodies of 1 KiB | 1.16 | 2.05 | 2.3 | 4.4 | 8.5 | 14.0 |
//! | `avx2`, 64 KiB of each at a time | 1.25 | 2.49 | 2.0 | 4.0 | 7.7 | 7.6 |
//! | `integer`, 64 KiB of each at a time | 1.26 | 2.48 | 2.5 | 2.5 | 2.5 | 2.5 |
//!
//! So it pays to bring as many streams as there are lanes, and about as much of each.
//!
//! MD5 finds damage in transit; it does not withstand an attacker (RFC 6151).

#[cfg(target_arch = "x86_64")]
#[macro_use]
mod steps;
mod kernel;
// Only x86-64 has kernels with lanes; elsewhere their scheduling is tested, not used.
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
mod lanes;

use std::fmt;

pub use kernel::Kernel;

/// What one compression takes in (RFC 1321 §3.4): 16 words of 32 bits.
type Block = [u8; BLOCK];
const BLOCK: usize = 64;
/// Where the length stands in the last block (RFC 1321 §3.2).
const LENGTH_AT: usize = BLOCK - size_of::<u64>();
/// Words A, B, C and D before the first block (RFC 1321 §3.3).
const INITIAL: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

/// The MD5 of one stream whose bytes come little by little.
///
/// It is small (96 bytes at most) because a server holds one for every upload
/// under way. The length is counted in bytes; the digest takes it modulo 2⁶⁴
/// bits, as RFC 1321 §3.2 has it.
///
/// # Example
///
/// ```
/// use streamsum::md5::Md5;
///
/// let mut stream = Md5::new();
/// stream.update(b"a");
/// stream.update(b"bc");
/// assert_eq!(stream.len(), 3);
/// assert_eq!(stream.finish().to_string(), "900150983cd24fb0d6963f7d28e17f72");
/// ```
#[derive(Clone)]
pub struct Md5 {
    state: [u32; 4],
    length: u64,
    /// Bytes that don't make a block yet: the first `length % 64` of these.
    tail: Block,
    padded: bool,
}

const _: () = assert!(size_of::<Md5>() <= 96);

impl Md5 {
    /// A stream with no bytes yet.
    #[must_use]
    pub fn new() -> Self {
        Self { state: INITIAL, length: 0, tail: [0; BLOCK], padded: false }
    }

    /// Adds `bytes` to the end of the stream.
    ///
    /// # Panics
    ///
    /// When an [`Input`] with `last` has already ended this stream.
    pub fn update(&mut self, bytes: &[u8]) {
        let stream = self;
        kernel::update_alone(Input { stream, bytes, last: false });
    }

    /// Ends the stream, unless an [`Input`] with `last` has already done so,
    /// and gives its digest.
    #[must_use]
    #[inline]
    pub fn finish(mut self) -> Digest {
        if !self.padded {
            kernel::update_alone(Input { stream: &mut self, bytes: &[], last: true });
        }
        let mut bytes = [0; 16];
        let (words, _) = bytes.as_chunks_mut();
        for (four, word) in words.iter_mut().zip(self.state) {
            *four = word.to_le_bytes();
        }
        Digest(bytes)
    }

    /// How many bytes the stream has so far, modulo 2⁶⁴. Padding does not count.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Whether the stream has no bytes so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// How many bytes of the tail await the rest of their block: below 64.
    fn waiting(&self) -> usize {
        (self.length % BLOCK as u64) as usize
    }

    /// Appends the padding to the tail (RFC 1321 §3.1) and says whether there
    /// is room left in it for the length.
    fn pad(&mut self) -> bool {
        let waiting = self.waiting();
        let mut padding = self.tail.iter_mut().skip(waiting);
        if let Some(first) = padding.next() {
            *first = 0x80;
        }
        padding.for_each(|byte| *byte = 0);
        self.padded = true;
        waiting < LENGTH_AT
    }

    /// Writes the length in bits to the end of the tail (RFC 1321 §3.2).
    fn put_length(&mut self) {
        if let Some(end) = self.tail.last_chunk_mut() {
            *end = self.length.wrapping_mul(8).to_le_bytes();
        }
    }
}

impl Default for Md5 {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Md5 {
    /// Without the tail: what people upload has no place in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Md5")
            .field("len", &self.length)
            .field("padded", &self.padded)
            .finish_non_exhaustive()
    }
}

/// Bytes to be added to the end of a stream: one entry of a batch for
/// [`Kernel::update_many`].
///
/// The borrow of the stream makes sure that no stream is in a batch twice.
///
/// # Example
///
/// ```
/// use streamsum::md5::{Input, Kernel, Md5};
///
/// let mut stream = Md5::new();
/// let kernel = Kernel::detect();
/// kernel.update_many([Input { stream: &mut stream, bytes: b"a", last: false }]);
/// kernel.update_many([Input { stream: &mut stream, bytes: b"bc", last: true }]);
/// assert_eq!(stream.finish().to_string(), "900150983cd24fb0d6963f7d28e17f72");
/// ```
#[derive(Debug)]
pub struct Input<'a> {
    /// The stream, which must not have been ended by an earlier `last`.
    pub stream: &'a mut Md5,
    /// What is added to it; may be empty.
    pub bytes: &'a [u8],
    /// Whether the stream ends here. If so its padding is compressed along
    /// with the bytes, and [`Md5::finish`] only reads the digest out.
    pub last: bool,
}

/// The MD5 of a whole stream: 16 bytes, shown as 32 lower-case hexadecimal
/// digits.
///
/// # Example
///
/// ```
/// use streamsum::md5::Md5;
///
/// let digest = Md5::new().finish();
/// assert_eq!(digest.to_bytes()[..2], [0xd4, 0x1d]);
/// assert_eq!(&digest.to_hex(), b"d41d8cd98f00b204e9800998ecf8427e");
/// assert_eq!(digest.to_string(), "d41d8cd98f00b204e9800998ecf8427e");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 16]);

impl Digest {
    /// The digest in the order of RFC 1321 §3.5, A's low-order byte first.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// The digest as ASCII, two lower-case hexadecimal digits a byte.
    #[must_use]
    pub fn to_hex(self) -> [u8; 32] {
        let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble & 0xf)];
        let mut hex = [0; 32];
        let (pairs, _) = hex.as_chunks_mut();
        for (pair, byte) in pairs.iter_mut().zip(self.0) {
            *pair = [digit(byte >> 4), digit(byte)];
        }
        hex
    }
}

impl AsRef<[u8]> for Digest {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = self.to_hex();
        f.pad(str::from_utf8(&hex).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn md5(bytes: &[u8]) -> Digest {
        let mut stream = Md5::new();
        stream.update(bytes);
        stream.finish()
    }

    /// Bytes of which no two blocks within reach of these tests are alike.
    fn bytes(len: usize) -> Vec<u8> {
        (0..len).map(|at| (at % 251) as u8).collect()
    }

    fn peer_says(bytes: &[u8]) -> [u8; 16] {
        use ::md5::Digest as _;
        ::md5::Md5::digest(bytes).into()
    }

    /// RFC 1321 A.5.
    #[test]
    fn rfc_1321_test_suite() {
        for (message, digest) in [
            ("", "d41d8cd98f00b204e9800998ecf8427e"),
            ("a", "0cc175b9c0f1b6a831c399e269772661"),
            ("abc", "900150983cd24fb0d6963f7d28e17f72"),
            ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
            ("abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"),
            (
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
                "d174ab98d277d9f5a5611c2c9f419d9f",
            ),
            (
                "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
                "57edf4a22be3c955ac49da2e2107b67a",
            ),
        ] {
            assert_eq!(md5(message.as_bytes()).to_string(), digest, "{message:?}");
        }
    }

    #[test]
    fn any_length_at_any_cut_in_two() {
        for len in 0..=300 {
            let bytes = bytes(len);
            let expected = peer_says(&bytes);
            for cut in 0..=len {
                let (one, two) = bytes.split_at(cut);
                let mut stream = Md5::new();
                stream.update(one);
                assert_eq!(stream.len(), cut as u64);
                stream.update(two);
                assert_eq!(stream.len(), len as u64);
                assert_eq!(stream.finish().to_bytes(), expected, "{len} cut at {cut}");
            }
        }
    }

    #[test]
    fn byte_by_byte() {
        let bytes = bytes(300);
        let mut stream = Md5::new();
        for (len, byte) in bytes.iter().enumerate() {
            assert_eq!(stream.clone().finish().to_bytes(), peer_says(&bytes[..len]), "{len}");
            stream.update(&[*byte]);
        }
    }

    /// The padding is one block or two, by the bytes that wait in the tail
    /// and by those that come with `last`.
    #[test]
    fn last_pads_at_the_edges_of_a_block() {
        for len in [0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 121, 127, 128, 129] {
            let bytes = bytes(len);
            for cut in 0..=len {
                let (one, two) = bytes.split_at(cut);
                let mut stream = Md5::new();
                stream.update(one);
                Kernel::detect().update_many([Input {
                    stream: &mut stream,
                    bytes: two,
                    last: true,
                }]);
                assert_eq!(stream.len(), len as u64);
                assert_eq!(stream.finish().to_bytes(), peer_says(&bytes), "{len} cut at {cut}");
            }
        }
    }

    #[test]
    fn length_counts_modulo_two_to_the_64_bits() {
        // 2⁶¹ bytes are 2⁶⁴ bits, of which the length field shows none.
        let far = Md5 { length: 1 << 61, ..Md5::new() };
        assert_eq!(far.finish(), Md5::new().finish());

        let mut full = Md5 { length: u64::MAX - 63, ..Md5::new() };
        full.update(&bytes(65));
        assert_eq!(full.len(), 1);
        let mut same = Md5::new();
        same.update(&bytes(65));
        same.length = 1;
        assert_eq!(full.finish(), same.finish());
    }

    #[test]
    #[should_panic(expected = "the stream has ended")]
    fn update_after_the_end_is_misuse() {
        let mut stream = Md5::new();
        Kernel::scalar().update_many([Input { stream: &mut stream, bytes: b"abc", last: true }]);
        stream.update(b"");
    }

    #[test]
    fn digest_shows_itself_in_hex() {
        let digest = Digest([0x00, 0x9a, 0xff, 0x10, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
        let hex = "009aff100405060708090a0b0c0d0e0f";
        assert_eq!(digest.to_string(), hex);
        assert_eq!(digest.to_hex(), hex.as_bytes());
        assert_eq!(digest.as_ref(), digest.to_bytes());
        assert_eq!(format!("{digest:?}"), format!("Digest({hex})"));
        assert_eq!(format!("{digest:>34}"), format!("  {hex}"));
    }

    #[test]
    fn debug_keeps_the_bytes_to_itself() {
        let mut stream = Md5::new();
        stream.update(b"secret");
        assert_eq!(format!("{stream:?}"), "Md5 { len: 6, padded: false, .. }");
    }

    #[test]
    fn only_a_stream_without_bytes_is_empty() {
        let mut stream = Md5::new();
        stream.update(b"");
        assert!(stream.is_empty());
        stream.update(b"a");
        assert!(!stream.is_empty());
    }
}
