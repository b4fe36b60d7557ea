//! Where the content of a request is in its bytes.

/// How it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    None,
    Length(u64),
    Chunked,
}

/// The end of a chunk line or of a trailer line is looked for in at most so many bytes.
const LONGEST_LINE: usize = 4096;

/// Finds content in what comes, wherever that is cut.
#[derive(Debug)]
pub(super) struct Decoder {
    at: At,
}

#[derive(Debug)]
enum At {
    /// So many bytes of content, then the end.
    Length(u64),
    /// In a chunk line, of which this has come.
    ChunkLine(Vec<u8>),
    /// So many bytes of a chunk.
    Chunk(u64),
    /// Behind a chunk, where CR LF has to be.
    ChunkEnd(Vec<u8>),
    /// In a line of the trailer section.
    Trailer(Vec<u8>),
    End,
}

/// What was taken of the input.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// So many bytes, which are content.
    Content(usize),
    /// So many bytes, which are not.
    Framing(usize),
}

impl Decoder {
    pub(super) fn new(framing: Framing) -> Self {
        let at = match framing {
            Framing::None | Framing::Length(0) => At::End,
            Framing::Length(length) => At::Length(length),
            Framing::Chunked => At::ChunkLine(Vec::new()),
        };
        Self { at }
    }

    pub(super) fn is_done(&self) -> bool {
        matches!(self.at, At::End)
    }

    /// Takes something of the input, which is not empty, and at most so many bytes of content,
    /// at least one. Not to be asked when it is done. `Err` says what is wrong.
    pub(super) fn take(&mut self, input: &[u8], most: u64) -> Result<Taken, &'static str> {
        match &mut self.at {
            At::Length(left) | At::Chunk(left) => {
                let taken = (*left).min(most).min(input.len() as u64);
                *left -= taken;
                match self.at {
                    At::Length(0) => self.at = At::End,
                    At::Chunk(0) => self.at = At::ChunkEnd(Vec::new()),
                    _ => {}
                }
                Ok(Taken::Content(taken as usize))
            }
            At::ChunkLine(line) | At::ChunkEnd(line) | At::Trailer(line) => {
                line.push(input[0]);
                if line.len() > LONGEST_LINE {
                    return Err("a line among the chunks is too long");
                }
                if line.ends_with(b"\n") {
                    self.end_line()?;
                }
                Ok(Taken::Framing(1))
            }
            At::End => Ok(Taken::Framing(0)),
        }
    }

    fn end_line(&mut self) -> Result<(), &'static str> {
        let (At::ChunkLine(line) | At::ChunkEnd(line) | At::Trailer(line)) = &self.at else {
            return Ok(());
        };
        let Some(line) = line.strip_suffix(b"\r\n") else {
            return Err("a line among the chunks ends without CR");
        };
        self.at = match self.at {
            At::ChunkLine(_) => match size(line).ok_or("a chunk line is malformed")? {
                0 => At::Trailer(Vec::new()),
                size => At::Chunk(size),
            },
            At::ChunkEnd(_) if line.is_empty() => At::ChunkLine(Vec::new()),
            At::ChunkEnd(_) => return Err("a chunk does not end where it should"),
            _ if line.is_empty() => At::End,
            _ => At::Trailer(Vec::new()),
        };
        Ok(())
    }
}

/// The size in a chunk line; extensions are overlooked.
fn size(line: &[u8]) -> Option<u64> {
    let digits = line.split(|byte| *byte == b';').next()?;
    let digits = str::from_utf8(digits).ok()?.trim();
    let is_hex = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    u64::from_str_radix(digits, 16).ok().filter(|_| is_hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What it finds, the input coming byte by byte or whole.
    fn decode(framing: Framing, input: &[u8], piece: usize) -> Result<(Vec<u8>, usize), &str> {
        let mut decoder = Decoder::new(framing);
        let (mut content, mut at) = (Vec::new(), 0);
        while !decoder.is_done() && at < input.len() {
            let rest = &input[at..(at + piece).min(input.len())];
            match decoder.take(rest, 3)? {
                Taken::Content(taken) => {
                    content.extend(&rest[..taken]);
                    at += taken;
                }
                Taken::Framing(taken) => at += taken,
            }
        }
        Ok((content, at))
    }

    #[test]
    fn content_is_found_in_any_cut() {
        let chunked = b"5;a=b\r\nHello\r\n1\r\n!\r\n0\r\nx: y\r\n\r\nGET".as_slice();
        for piece in [1, 2, 7, 100] {
            let found = decode(Framing::Chunked, chunked, piece);
            assert_eq!(found, Ok((b"Hello!".to_vec(), chunked.len() - 3)));
            let found = decode(Framing::Length(6), b"Hello!GET", piece);
            assert_eq!(found, Ok((b"Hello!".to_vec(), 6)));
            assert_eq!(decode(Framing::None, b"GET", piece), Ok((Vec::new(), 0)));
        }
    }

    #[test]
    fn malformed_chunks_are_refused() {
        for input in ["\r\n", "g\r\n", "+1\r\n", "1\n", "1\r\nab\r\n", "0\r\nx: y\n"] {
            assert!(decode(Framing::Chunked, input.as_bytes(), 9).is_err(), "{input:?}");
        }
    }
}
