//! The shape of every request that is sent: so regular that a ruler can answer without a
//! parser, by counting bytes.
//!
//! A head has always the same length. Its last field says how the content is framed, and
//! chunks are all of one size.

/// Bytes of every head.
pub const HEAD: usize = 128;
/// Bytes of content in every chunk.
pub const CHUNK: usize = 64 << 10;
/// What stands before a chunk's content.
pub const CHUNK_LINE: &[u8] = b"10000\r\n";
/// What stands behind it.
pub const CHUNK_END: &[u8] = b"\r\n";
/// The end of chunked content.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// How long content shows where it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// By a Content-Length of so many bytes.
    Length(u64),
    /// In chunks of [`CHUNK`] bytes.
    Chunked,
}

/// A request's head, of [`HEAD`] bytes.
pub fn head(framing: Framing) -> Vec<u8> {
    let start = "PUT /upload HTTP/1.1\r\nHost: localhost\r\nUser-Agent: ";
    let end = match framing {
        Framing::Length(length) => format!("\r\nContent-Length: {length}\r\n\r\n"),
        Framing::Chunked => "\r\nTransfer-Encoding: chunked\r\n\r\n".into(),
    };
    let padding = "b".repeat(HEAD - start.len() - end.len());
    [start, &padding, &end].concat().into_bytes()
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
    fn a_head_tells_its_framing_by_position() {
        for expected in [Framing::Chunked, Framing::Length(7), Framing::Length(1 << 40)] {
            let head = head(expected);
            assert!(head.ends_with(b"\r\n\r\n"));
            assert_eq!(framing(head.as_slice().try_into().unwrap()), expected);
        }
    }
}
