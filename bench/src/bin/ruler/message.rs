//! Where content is in a connection's bytes, found by counting.

use std::ops::Range;

use streamsum_bench::request::{self, CHUNK_END, Chunks, Framing, HEAD, LAST_CHUNK};

/// The place in a message that the next byte belongs to.
#[derive(Clone, Copy)]
enum At {
    Head,
    Content,
    /// Before a chunk, or the last one.
    NextChunk,
    ChunkLine(Chunks),
    Chunk,
    ChunkEnd,
    LastChunk,
}

/// Counts its way through messages.
pub(crate) struct Message {
    at: At,
    /// Bytes until the next place.
    left: u64,
    head: [u8; HEAD],
}

/// Content of one message.
pub(crate) struct Content {
    /// Where it is in what was given.
    pub(crate) range: Range<usize>,
    /// Whether the message ends here.
    pub(crate) last: bool,
}

impl Message {
    pub(crate) fn new() -> Self {
        Self { at: At::Head, left: HEAD as u64, head: [0; HEAD] }
    }

    /// Goes on by a step; says how many bytes that took, and the content among them.
    pub(crate) fn step(&mut self, input: &[u8]) -> (usize, Option<Content>) {
        let taken = self.left.min(input.len() as u64) as usize;
        if let At::Head = self.at {
            let from = HEAD - self.left as usize;
            self.head[from..from + taken].copy_from_slice(&input[..taken]);
        }
        self.left -= taken as u64;
        let is_over = self.left == 0;
        let content = match self.at {
            At::Content => Some(Content { range: 0..taken, last: is_over }),
            At::Chunk => Some(Content { range: 0..taken, last: false }),
            At::LastChunk if is_over => Some(Content { range: 0..0, last: true }),
            _ => None,
        };
        if is_over {
            self.go_on(input.first());
        }
        (taken, content)
    }

    fn go_on(&mut self, first: Option<&u8>) {
        let (at, left) = match self.at {
            At::Head => match request::framing(&self.head) {
                Framing::Length(length) => (At::Content, length),
                Framing::Chunked => (At::NextChunk, 0),
            },
            At::NextChunk => match first.and_then(|first| Chunks::beginning_with(*first)) {
                Some(chunks) => (At::ChunkLine(chunks), chunks.line().len() as u64),
                None => (At::LastChunk, LAST_CHUNK.len() as u64),
            },
            At::ChunkLine(chunks) => (At::Chunk, chunks.size() as u64),
            At::Chunk => (At::ChunkEnd, CHUNK_END.len() as u64),
            At::ChunkEnd => (At::NextChunk, 0),
            At::Content | At::LastChunk => (At::Head, HEAD as u64),
        };
        (self.at, self.left) = (at, left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Messages in pieces of every size: content and ends are where they were put.
    #[test]
    fn content_is_found_however_it_is_cut() {
        let large = vec![b'x'; Chunks::Large.size()];
        let small = vec![b'y'; Chunks::Small.size()];
        let input = [
            &request::head(Framing::Length(5))[..],
            b"first",
            &request::head(Framing::Chunked),
            Chunks::Large.line(),
            &large,
            CHUNK_END,
            LAST_CHUNK,
            &request::head(Framing::Chunked),
            Chunks::Small.line(),
            &small,
            CHUNK_END,
            Chunks::Small.line(),
            &small,
            CHUNK_END,
            LAST_CHUNK,
            &request::head(Framing::Length(4)),
            b"last",
        ];
        let smalls = small.repeat(2);
        for size in (1..300).chain([large.len(), usize::MAX]) {
            let mut message = Message::new();
            let mut contents = vec![Vec::new()];
            for mut rest in input.concat().chunks(size) {
                while !rest.is_empty() {
                    let (taken, content) = message.step(rest);
                    if let Some(content) = content {
                        contents.last_mut().unwrap().extend_from_slice(&rest[content.range]);
                        if content.last {
                            contents.push(Vec::new());
                        }
                    }
                    rest = &rest[taken..];
                }
            }
            let expected = [b"first", &large[..], &smalls, b"last", b""];
            assert!(contents == expected, "in pieces of {size}");
        }
    }
}
