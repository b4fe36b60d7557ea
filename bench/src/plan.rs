//! What the connections of a workload send, prepared down to the byte before any clock
//! runs, and the digests that must come back.

use std::io::{self, IoSlice, Read};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use testkit::content::{self, Hex};

use crate::request::{self, CHUNK_END, Chunks, Framing, LAST_CHUNK};

/// Bytes of content that uploads repeat. They are offered to a socket all at once, so
/// that the call costs nothing beside the copying, and stay in a core's second cache.
pub const CYCLE: usize = 512 << 10;
/// How far apart different uploads begin in it: a page.
const APART: usize = 4 << 10;
/// Of all content.
const SEED: u64 = 0;

/// What all connections send.
#[derive(Debug)]
pub struct Plan {
    pub connections: usize,
    /// Connection `c` sends burst `c` modulo their number, and goes on from there.
    pub bursts: Vec<Burst>,
    pub repeat: Repeat,
}

/// How often a connection sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// One burst.
    Once,
    /// Burst after burst, none begun later than this.
    For(Duration),
}

/// What a connection sends without waiting for an answer, and the answers that are due.
#[derive(Debug)]
pub struct Burst {
    head: Vec<u8>,
    /// Sent round and round, from `start` on, `length` bytes in all.
    cycle: Arc<[u8]>,
    start: usize,
    length: u64,
    tail: &'static [u8],
    /// Whether only the head may be sent until the server asks for the rest.
    expects: bool,
    /// One for each request, in order.
    pub digests: Vec<Hex>,
    /// Bytes of content in all its requests.
    pub content: u64,
}

impl Plan {
    /// `count` uploads at a time of `bytes` each, with content and names of their own.
    pub fn uploads(count: usize, bytes: u64, chunks: Option<Chunks>) -> Self {
        let pattern = cycle();
        let cycle: Arc<[u8]> = match chunks {
            Some(chunks) => frames(&pattern, chunks).into(),
            None => pattern.clone().into(),
        };
        let burst = |at: usize| match chunks {
            Some(chunks) => {
                assert_eq!(bytes % chunks.size() as u64, 0, "whole chunks only");
                let first = at % (CYCLE / chunks.size());
                Burst {
                    head: request::head_of(at, Framing::Chunked),
                    cycle: Arc::clone(&cycle),
                    start: first * chunks.frame(),
                    length: bytes / chunks.size() as u64 * chunks.frame() as u64,
                    tail: LAST_CHUNK,
                    expects: false,
                    digests: vec![content::digest_of_cycle(&pattern, first * chunks.size(), bytes)],
                    content: bytes,
                }
            }
            None => Burst {
                head: request::head_of(at, Framing::Length(bytes)),
                cycle: Arc::clone(&cycle),
                start: start(at),
                length: bytes,
                tail: b"",
                expects: false,
                digests: vec![content::digest_of_cycle(&pattern, start(at), bytes)],
                content: bytes,
            },
        };
        // Each on a thread, for the sake of the digests.
        let bursts = thread::scope(|scope| {
            let threads: Vec<_> = (0..count).map(|at| scope.spawn(move || burst(at))).collect();
            threads.into_iter().map(|thread| thread.join().expect("a digest")).collect()
        });
        Self { connections: count, bursts, repeat: Repeat::Once }
    }

    /// Requests with `bytes` of content over `connections` that stay open, `depth` of
    /// them sent at a time.
    pub fn requests(connections: usize, bytes: usize, depth: usize, time: Duration) -> Self {
        /// Different requests: a multiple of all depths.
        const DIFFERENT: usize = 64;
        assert_eq!(DIFFERENT % depth, 0, "bursts must not wrap round");

        let pattern = content::content(DIFFERENT * bytes, SEED);
        let contents: Vec<&[u8]> = pattern.chunks_exact(bytes).collect();
        let head = request::head(Framing::Length(bytes as u64));
        let cycle: Vec<u8> =
            contents.iter().flat_map(|content| [&head, *content].concat()).collect();
        let cycle: Arc<[u8]> = cycle.into();
        let burst = |(at, contents): (usize, &[&[u8]])| {
            let length = cycle.len() / DIFFERENT * depth;
            let digest = |content: &&[u8]| content::digest_of_cycle(content, 0, bytes as u64);
            Burst {
                head: Vec::new(),
                cycle: Arc::clone(&cycle),
                start: at * length,
                length: length as u64,
                tail: b"",
                expects: false,
                digests: contents.iter().map(digest).collect(),
                content: (bytes * depth) as u64,
            }
        };
        let bursts = contents.chunks_exact(depth).enumerate().map(burst).collect();
        Self { connections, bursts, repeat: Repeat::For(time) }
    }

    /// Requests one at a time, whose content is sent once the server has asked for it.
    pub fn expecting(connections: usize, bytes: usize, time: Duration) -> Self {
        const DIFFERENT: usize = 64;
        let cycle: Arc<[u8]> = content::content(DIFFERENT * bytes, SEED).into();
        let burst = |at: usize| Burst {
            head: request::expecting_head(Framing::Length(bytes as u64)),
            cycle: Arc::clone(&cycle),
            start: at * bytes,
            length: bytes as u64,
            tail: b"",
            expects: true,
            digests: vec![content::digest_of_cycle(&cycle, at * bytes, bytes as u64)],
            content: bytes as u64,
        };
        let bursts = (0..DIFFERENT).map(burst).collect();
        Self { connections, bursts, repeat: Repeat::For(time) }
    }
}

/// The bytes of content that uploads repeat.
pub fn cycle() -> Vec<u8> {
    content::content(CYCLE, SEED)
}

/// Where in the cycle the content of an upload begins.
pub fn start(upload: usize) -> usize {
    upload * APART % CYCLE
}

/// `content` as chunks.
fn frames(content: &[u8], chunks: Chunks) -> Vec<u8> {
    let frame = |content: &[u8]| [chunks.line(), content, CHUNK_END].concat();
    content.chunks(chunks.size()).flat_map(frame).collect()
}

impl Burst {
    /// Bytes on the wire.
    pub fn wire_length(&self) -> u64 {
        (self.head.len() + self.tail.len()) as u64 + self.length
    }

    /// Bytes that may be sent before the server asks for more; none if all may.
    pub fn unasked(&self) -> Option<u64> {
        self.expects.then_some(self.head.len() as u64)
    }

    /// The head alone, after its first `sent` bytes.
    pub fn head_slices(&self, sent: u64) -> [IoSlice<'_>; 4] {
        let head = self.head.get(sent as usize..).unwrap_or_default();
        [head, b"", b"", b""].map(IoSlice::new)
    }

    /// The next bytes after the first `sent`: all that is left, or one round of the cycle.
    pub fn slices(&self, sent: u64) -> [IoSlice<'_>; 4] {
        self.slices_up_to(sent, self.cycle.len())
    }

    /// The same, but of the cycle `most` bytes only.
    pub fn slices_up_to(&self, sent: u64, most: usize) -> [IoSlice<'_>; 4] {
        let head = self.head.get(sent as usize..).unwrap_or_default();
        let sent = sent.saturating_sub(self.head.len() as u64);
        let left = self.length.saturating_sub(sent);
        let round = left.min(self.cycle.len().min(most) as u64) as usize;
        let at = ((self.start as u64 + sent) % self.cycle.len() as u64) as usize;
        let (before, behind) = self.cycle.split_at(at);
        let first = &behind[..round.min(behind.len())];
        let second = &before[..round - first.len()];
        let tail = self.tail.get(sent.saturating_sub(self.length) as usize..).unwrap_or_default();
        let is_all = left == round as u64;
        [head, first, second, if is_all { tail } else { b"" }].map(IoSlice::new)
    }

    /// Whether `kept` has what one upload by length sends as its content, and no more.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn is_content(&self, mut kept: impl Read) -> io::Result<bool> {
        let mut buffer = vec![0; self.cycle.len()];
        let mut sent = self.head.len() as u64;
        while sent < self.wire_length() {
            for slice in self.slices(sent) {
                let found = &mut buffer[..slice.len()];
                match kept.read_exact(found) {
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
                    read => read?,
                }
                if *found != *slice {
                    return Ok(false);
                }
                sent += slice.len() as u64;
            }
        }
        Ok(kept.read(&mut [0])? == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(burst: &Burst, sent: u64) -> Vec<u8> {
        burst.slices(sent).iter().flat_map(|slice| slice.iter().copied()).collect()
    }

    /// All bytes of a burst, as a socket gets them that takes at most `most` at a time.
    fn wire(burst: &Burst, most: usize) -> Vec<u8> {
        let mut wire = Vec::new();
        while (wire.len() as u64) < burst.wire_length() {
            let offered = offer(burst, wire.len() as u64);
            assert!(!offered.is_empty(), "stuck at {}", wire.len());
            wire.extend_from_slice(&offered[..most.min(offered.len())]);
        }
        assert!(offer(burst, burst.wire_length()).is_empty());
        wire
    }

    fn md5(bytes: &[u8]) -> Hex {
        content::digest_of_cycle(bytes, 0, bytes.len() as u64)
    }

    #[test]
    fn uploads_carry_what_their_digests_say() {
        let bytes = (CYCLE + CYCLE / 2) as u64;
        let plan = Plan::uploads(3, bytes, None);
        for (at, burst) in plan.bursts.iter().enumerate() {
            let wire = wire(burst, 100_000);
            assert_eq!(wire[..request::HEAD], request::head_of(at, Framing::Length(bytes)));
            assert_eq!([md5(&wire[request::HEAD..])], burst.digests[..]);
            assert_eq!(wire.len() as u64, burst.wire_length());
        }
        assert_ne!(plan.bursts[0].digests, plan.bursts[1].digests);
    }

    #[test]
    fn chunked_uploads_carry_what_their_digests_say() {
        for chunks in [Chunks::Small, Chunks::Large] {
            let plan = Plan::uploads(2, (CYCLE + 3 * chunks.size()) as u64, Some(chunks));
            for (burst, most) in plan.bursts.iter().zip([chunks.size() + 1, usize::MAX]) {
                let wire = wire(burst, most);
                let frames = wire[request::HEAD..].strip_suffix(LAST_CHUNK).unwrap();
                let content = frames.chunks(chunks.frame()).flat_map(|frame| {
                    frame.strip_prefix(chunks.line()).unwrap().strip_suffix(CHUNK_END).unwrap()
                });
                assert_eq!([md5(&content.copied().collect::<Vec<_>>())], burst.digests[..]);
            }
        }
    }

    #[test]
    fn requests_that_expect_carry_what_their_digests_say() {
        let plan = Plan::expecting(1, 100, Duration::ZERO);
        for burst in &plan.bursts[..2] {
            assert_eq!(burst.unasked(), Some(request::HEAD as u64));
            let head: Vec<u8> = burst.head_slices(0).iter().flat_map(|it| it.to_vec()).collect();
            assert_eq!(head, request::expecting_head(Framing::Length(100)));
            let wire = wire(burst, 1000);
            assert_eq!(wire[..request::HEAD], head);
            assert_eq!([md5(&wire[request::HEAD..])], burst.digests[..]);
        }
        assert_ne!(plan.bursts[0].digests, plan.bursts[1].digests);
    }

    #[test]
    fn pieces_make_up_the_whole() {
        let plan = Plan::uploads(1, (CYCLE + 1000) as u64, None);
        let burst = &plan.bursts[0];
        let (whole, mut pieces) = (wire(burst, usize::MAX), Vec::new());
        while (pieces.len() as u64) < burst.wire_length() {
            let piece = burst.slices_up_to(pieces.len() as u64, 1000);
            let before = pieces.len();
            piece.iter().for_each(|slice| pieces.extend_from_slice(slice));
            assert!(pieces.len() - before <= 1000 + request::HEAD, "at {before}");
        }
        assert!(pieces == whole);
    }

    #[test]
    fn requests_come_in_bursts_of_their_depth() {
        let plan = Plan::requests(1, 100, 16, Duration::ZERO);
        assert_eq!(plan.bursts.len(), 4);
        for burst in &plan.bursts {
            let wire = wire(burst, 1000);
            let requests: Vec<&[u8]> = wire.chunks(request::HEAD + 100).collect();
            assert_eq!(requests.len(), 16);
            for (request, digest) in requests.iter().zip(&burst.digests) {
                assert_eq!(md5(&request[request::HEAD..]), *digest);
            }
        }
    }
}
