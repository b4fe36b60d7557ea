//! The shape of every request that is sent: so regular that a ruler can answer without a
//! parser, by counting bytes.
//!
//! A head has always the same length. Its last field says how the content is framed, and
//! chunks are all of one size.

/// Bytes of every head.
pub const HEAD: usize = 128;
/// What stands behind a chunk's content.
pub const CHUNK_END: &[u8] = b"\r\n";
/// The end of chunked content.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Chunks, all of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunks {
    /// Of 1 KiB.
    Small,
    /// Of 64 KiB.
    Large,
}

impl Chunks {
    /// Bytes of content in every chunk.
    pub fn size(self) -> usize {
        match self {
            Self::Small => 1 << 10,
            Self::Large => 64 << 10,
        }
    }

    /// What stands before a chunk's content.
    pub fn line(self) -> &'static [u8] {
        match self {
            Self::Small => b"400\r\n",
            Self::Large => b"10000\r\n",
        }
    }

    /// Which those are whose line begins so; none that of the last chunk.
    pub fn beginning_with(byte: u8) -> Option<Self> {
        [Self::Small, Self::Large].into_iter().find(|chunks| chunks.line()[0] == byte)
    }

    /// Bytes of a chunk with its line and its end.
    pub fn frame(self) -> usize {
        self.line().len() + self.size() + CHUNK_END.len()
    }
}

/// How long content shows where it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// By a Content-Length of so many bytes.
    Length(u64),
    Chunked,
}

/// The name that an upload asks for: of the first, number 0, and of those beside it.
pub fn name(upload: usize) -> String {
    format!("upload-{upload}")
}

/// A request's head, of [`HEAD`] bytes.
pub fn head(framing: Framing) -> Vec<u8> {
    head_of(0, framing)
}

/// That of one upload of many.
pub fn head_of(upload: usize, framing: Framing) -> Vec<u8> {
    head_with(upload, "", framing)
}

/// The same of one that asks whether it may send its content.
pub fn expecting_head(framing: Framing) -> Vec<u8> {
    head_with(0, "\r\nExpect: 100-continue", framing)
}

fn head_with(upload: usize, field: &str, framing: Framing) -> Vec<u8> {
    let name = name(upload);
    let start = format!("PUT /{name} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: ");
    let end = match framing {
        Framing::Length(length) => format!("\r\nContent-Length: {length}\r\n\r\n"),
        Framing::Chunked => "\r\nTransfer-Encoding: chunked\r\n\r\n".into(),
    };
    let padding = "b".repeat(HEAD - start.len() - field.len() - end.len());
    [&start, &padding, field, &end].concat().into_bytes()
}

/// What [`head`] was made from.
pub fn framing(head: &[u8; HEAD]) -> Framing {
    let digits = head.iter().rev().skip("\r\n\r\n".len()).take_while(|byte| byte.is_ascii_digit());
    let places = std::iter::successors(Some(1), |place| Some(place * 10));
    let length: u64 =
        digits.zip(places).map(|(digit, place)| u64::from(digit - b'0') * place).sum();
    if length == 0 { Framing::Chunked } else { Framing::Length(length) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_tells_its_size_by_its_first_byte() {
        for chunks in [Chunks::Small, Chunks::Large] {
            assert_eq!(chunks.line(), format!("{:x}\r\n", chunks.size()).as_bytes());
            assert_eq!(Chunks::beginning_with(chunks.line()[0]), Some(chunks));
        }
        assert_eq!(Chunks::beginning_with(LAST_CHUNK[0]), None);
    }

    #[test]
    fn a_head_tells_its_framing_by_position() {
        for expected in [Framing::Chunked, Framing::Length(7), Framing::Length(1 << 40)] {
            for head in [head(expected), head_of(255, expected), expecting_head(expected)] {
                assert!(head.ends_with(b"\r\n\r\n"));
                assert_eq!(framing(head.as_slice().try_into().unwrap()), expected);
            }
        }
    }
}
