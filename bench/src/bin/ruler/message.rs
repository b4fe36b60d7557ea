//! Where content is in a connection's bytes, found by counting.

use std::ops::Range;

use streamsum_bench::request::{self, CHUNK, CHUNK_END, CHUNK_LINE, Framing, HEAD, LAST_CHUNK};

/// The place in a message that the next byte belongs to.
#[derive(Clone, Copy)]
enum At {
    Head,
    Content,
    /// Before a chunk, or the last one.
    NextChunk,
    ChunkLine,
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
            At::NextChunk if first == Some(&LAST_CHUNK[0]) => {
                (At::LastChunk, LAST_CHUNK.len() as u64)
            }
            At::NextChunk => (At::ChunkLine, CHUNK_LINE.len() as u64),
            At::ChunkLine => (At::Chunk, CHUNK as u64),
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

    /// Two messages in pieces of every size: content and ends are where they were put.
    #[test]
    fn content_is_found_however_it_is_cut() {
        let chunk = vec![b'x'; CHUNK];
        let input = [
            &request::head(Framing::Length(5))[..],
            b"first",
            &request::head(Framing::Chunked),
            CHUNK_LINE,
            &chunk,
            CHUNK_END,
            LAST_CHUNK,
            &request::head(Framing::Length(4)),
            b"last",
        ];
        for size in (1..300).chain([CHUNK, usize::MAX]) {
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
            assert!(contents == [b"first", &chunk[..], b"last", b""], "in pieces of {size}");
        }
    }
}
