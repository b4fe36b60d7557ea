//! Content: by length, or in chunks (RFC 9112 §6, §7.1).

use std::ops::Range;

use super::super::Limits;
use super::fields::{self, Section, SectionScan, is_tchar};
use super::{LARGEST_BODY, Malformed};

/// What one look at the input gave.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Decoded {
    /// Bytes at the front of the input that are not needed any more.
    pub(crate) used: usize,
    /// Where the content lies in the input now.
    pub(crate) data: Range<usize>,
    /// True if the message has ended.
    pub(crate) last: bool,
    /// The lines of the trailer section: a range of the input, empty until `last`.
    pub(crate) trailers: Range<usize>,
}

/// What is left of a message's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// So many bytes, of which so many are left.
    Length {
        length: u64,
        left: u64,
    },
    Chunked(Chunked),
}

impl Body {
    pub(crate) fn with_length(length: u64) -> Self {
        Body::Length { length, left: length }
    }

    /// How many bytes it has in all, if that is known from the beginning.
    pub(crate) fn length(&self) -> Option<u64> {
        match self {
            Body::Length { length, .. } => Some(*length),
            Body::Chunked(_) => None,
        }
    }

    pub(crate) fn decode(
        &mut self,
        input: &mut [u8],
        limits: &Limits,
    ) -> Result<Decoded, Malformed> {
        match self {
            Body::Length { left, .. } => {
                let used = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                *left = left.saturating_sub(used as u64);
                Ok(Decoded { used, data: 0..used, last: *left == 0, trailers: 0..0 })
            }
            Body::Chunked(chunked) => chunked.decode(input, limits),
        }
    }

    /// How many of the next bytes are content for certain.
    pub(crate) fn certain(&self) -> u64 {
        match self {
            Body::Length { left, .. } => *left,
            Body::Chunked(Chunked { at: At::Data, size, .. }) => *size,
            Body::Chunked(_) => 0,
        }
    }

    /// True if any byte of the message is still to come.
    pub(crate) fn is_outstanding(&self) -> bool {
        !matches!(self, Body::Length { left: 0, .. })
    }
}

/// The decoder of the chunked coding. It stops at any byte and goes on from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunked {
    at: At,
    /// In a chunk line, the size so far; in data, the bytes that are left of the chunk.
    size: u64,
    /// The sizes of all chunks so far, added up.
    received: u64,
    /// Bytes of this chunk that are not data.
    framing: u32,
    /// Bytes of framing of all chunks, as far as a chunk exceeded [`FREE_FRAMING`].
    overhead: u32,
}

/// Where in the grammar of RFC 9112 §7.1 the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// In chunk-size, after this number of digits.
    Size {
        digits: u8,
    },
    /// In the BWS before a `;`.
    BeforeSemicolon,
    /// In the BWS before chunk-ext-name.
    BeforeName,
    Name,
    /// In the BWS before a `=` or a `;`.
    AfterName,
    /// In the BWS before chunk-ext-val.
    BeforeValue,
    Token,
    Quoted,
    QuotedPair,
    /// After the closing quote.
    AfterQuoted,
    /// At the LF of a chunk line.
    LineFeed,
    Data,
    /// At the CR after the data.
    DataReturn,
    /// At the LF after the data.
    DataLineFeed,
    Trailers(SectionScan),
}

/// Bytes of framing that each chunk may have without being counted: 16 digits, two CRLF
/// and a few more, so that honest senders of tiny chunks never reach the limit.
const FREE_FRAMING: u32 = 24;

impl Chunked {
    pub(crate) fn new() -> Self {
        Self { at: At::Size { digits: 0 }, size: 0, received: 0, framing: 0, overhead: 0 }
    }

    /// Takes as much of `input` as it can, and joins the data of all chunks in it into one
    /// range.
    ///
    /// An error after data is left for the next call, so that the events do not depend on
    /// how the input was cut.
    fn decode(&mut self, input: &mut [u8], limits: &Limits) -> Result<Decoded, Malformed> {
        let mut data = 0..0;
        let mut used = 0;
        loop {
            let step = match self.at {
                At::Data => Ok(self.take_data(input, &mut used, &mut data)),
                At::Trailers(scan) => self.take_trailers(scan, input, used, limits),
                _ => self.take_framing(input, &mut used, limits).map(|()| Found::Content),
            };
            match step {
                Ok(Found::Content) if used < input.len() => {}
                Ok(Found::Content | Found::Nothing) => {
                    return Ok(Decoded { used, data, last: false, trailers: 0..0 });
                }
                Ok(Found::End(end)) => {
                    return Ok(Decoded { used: end, data, last: true, trailers: used..end });
                }
                Err(_) if !data.is_empty() => {
                    return Ok(Decoded { used, data, last: false, trailers: 0..0 });
                }
                Err(malformed) => return Err(malformed),
            }
        }
    }

    /// Moves the data of this chunk next to the data of the chunks before it.
    fn take_data(&mut self, input: &mut [u8], used: &mut usize, data: &mut Range<usize>) -> Found {
        let length = usize::try_from(self.size).unwrap_or(usize::MAX).min(input.len() - *used);
        if data.start == data.end {
            *data = *used..*used + length;
        } else {
            input.copy_within(*used..*used + length, data.end);
            data.end += length;
        }
        *used += length;
        self.size -= length as u64;
        if self.size == 0 {
            self.at = At::DataReturn;
        }
        Found::Content
    }

    /// Steps through bytes that are not data, up to data, trailers or the end of the input.
    fn take_framing(
        &mut self,
        input: &[u8],
        used: &mut usize,
        limits: &Limits,
    ) -> Result<(), Malformed> {
        for byte in input.get(*used..).unwrap_or_default() {
            let mut next = *self;
            next.step(*byte, limits)?;
            *self = next;
            *used += 1;
            if matches!(self.at, At::Data | At::Trailers(_)) {
                break;
            }
        }
        Ok(())
    }

    fn step(&mut self, byte: u8, limits: &Limits) -> Result<(), Malformed> {
        self.count_framing(limits)?;
        self.at = match (self.at, byte) {
            (At::LineFeed, b'\n') => self.begin_content(limits)?,
            (At::DataReturn, b'\r') => At::DataLineFeed,
            (At::DataLineFeed, b'\n') => At::Size { digits: 0 },
            (At::DataReturn | At::DataLineFeed, _) => return Err(Malformed::ChunkEnd),
            (At::LineFeed, _) | (_, b'\n') => return Err(Malformed::LineEnd),

            (At::Size { digits }, _) if byte.is_ascii_hexdigit() => self.add_digit(digits, byte)?,
            (At::Size { digits: 1.. }, b'\r') => At::LineFeed,
            (At::Size { digits: 1.. } | At::BeforeSemicolon, b';') => At::BeforeName,
            (At::Size { digits: 1.. } | At::BeforeSemicolon, b' ' | b'\t') => At::BeforeSemicolon,
            (At::Size { .. }, _) => return Err(Malformed::ChunkSize),

            (At::BeforeName, b' ' | b'\t') => At::BeforeName,
            (At::BeforeName | At::Name, _) if is_tchar(byte) => At::Name,
            (At::Name | At::Token | At::AfterQuoted, b'\r') => At::LineFeed,
            (At::Name | At::AfterName | At::Token | At::AfterQuoted, b';') => At::BeforeName,
            (At::Name | At::AfterName, b' ' | b'\t') => At::AfterName,
            (At::Name | At::AfterName, b'=') => At::BeforeValue,
            (At::BeforeValue, b' ' | b'\t') => At::BeforeValue,
            (At::BeforeValue, b'"') => At::Quoted,
            (At::BeforeValue | At::Token, _) if is_tchar(byte) => At::Token,
            (At::Token | At::AfterQuoted, b' ' | b'\t') => At::BeforeSemicolon,
            (At::Quoted, b'"') => At::AfterQuoted,
            (At::Quoted, b'\\') => At::QuotedPair,
            (At::Quoted | At::QuotedPair, b'\t' | b' '..=b'~' | 0x80..) => At::Quoted,
            _ => return Err(Malformed::ChunkExtension),
        };
        Ok(())
    }

    fn add_digit(&mut self, digits: u8, byte: u8) -> Result<At, Malformed> {
        /// As many as 64 bits have: a longer size can only be padded with zeros.
        const MOST_DIGITS: u8 = 16;
        if digits == MOST_DIGITS {
            return Err(Malformed::ChunkSize);
        }
        let digit = char::from(byte).to_digit(16).unwrap_or_default();
        self.size = (self.size << 4) + u64::from(digit);
        Ok(At::Size { digits: digits + 1 })
    }

    /// The chunk line is complete: judges the size.
    fn begin_content(&mut self, limits: &Limits) -> Result<At, Malformed> {
        self.received = self
            .received
            .checked_add(self.size)
            .filter(|received| *received <= LARGEST_BODY)
            .ok_or(Malformed::ChunkTooLarge)?;
        if limits.body.is_some_and(|limit| self.received > limit) {
            return Err(Malformed::BodyTooLarge);
        }
        Ok(if self.size == 0 { At::Trailers(SectionScan::new()) } else { At::Data })
    }

    /// Counts a byte before it is looked at.
    fn count_framing(&mut self, limits: &Limits) -> Result<(), Malformed> {
        if self.at == (At::Size { digits: 0 }) {
            self.framing = 0;
        }
        self.framing = self.framing.saturating_add(1);
        if self.framing > FREE_FRAMING {
            self.overhead = self.overhead.saturating_add(1);
            if self.overhead > limits.chunk_overhead {
                return Err(Malformed::ChunkOverhead);
            }
        }
        Ok(())
    }

    /// Waits for the whole trailer section, which stays in the input until then.
    fn take_trailers(
        &mut self,
        mut scan: SectionScan,
        input: &[u8],
        used: usize,
        limits: &Limits,
    ) -> Result<Found, Malformed> {
        let section = input.get(used..).unwrap_or_default();
        let end = scan.find_end(section, Section::Trailer, limits)?;
        let Some(end) = end else {
            self.at = At::Trailers(scan);
            return Ok(Found::Nothing);
        };
        fields::check(section.get(..end).unwrap_or_default(), scan.lines(), |_| ())?;
        Ok(Found::End(used + end))
    }
}

enum Found {
    /// Content, or framing on the way to it; there may be more.
    Content,
    /// Nothing until more input comes.
    Nothing,
    /// The end of the message, at this offset.
    End(usize),
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Content and trailers of a whole body that arrives in two parts.
    fn decode_in_two(
        input: &[u8],
        cut: usize,
        limits: &Limits,
    ) -> Result<(Vec<u8>, Vec<u8>), Malformed> {
        let mut body = Body::Chunked(Chunked::new());
        let mut content = Vec::new();
        let mut pending = Vec::new();
        for part in [&input[..cut], &input[cut..]] {
            pending.extend_from_slice(part);
            loop {
                let decoded = body.decode(&mut pending, limits)?;
                content.extend_from_slice(&pending[decoded.data.clone()]);
                if decoded.last {
                    let trailers = pending[decoded.trailers].to_vec();
                    return Ok((content, trailers));
                }
                pending.drain(..decoded.used);
                if decoded.used == 0 {
                    break;
                }
            }
        }
        panic!("the content does not end: {}", input.escape_ascii())
    }

    #[track_caller]
    fn assert_decodes(input: &str, limits: &Limits, expected: Result<&str, Malformed>) {
        for cut in 0..=input.len() {
            let decoded = decode_in_two(input.as_bytes(), cut, limits);
            let content = decoded.map(|(content, _)| String::from_utf8(content).unwrap());
            assert_eq!(
                content.as_deref(),
                expected.as_ref().map(|text| *text),
                "{input:?} cut at {cut}"
            );
        }
    }

    #[test]
    fn the_data_of_chunks_are_joined_in_place() {
        let mut input = *b"3\r\nabc\r\n2;x\r\nde\r\n1\r\nf\r\n0\r\n\r\nGET";
        let mut body = Body::Chunked(Chunked::new());
        let decoded = body.decode(&mut input, &Limits::default()).unwrap();
        assert_eq!(&input[decoded.data], b"abcdef");
        assert_eq!((decoded.used, decoded.last), (input.len() - 3, true));
    }

    #[test]
    fn chunk_extensions_are_taken_by_the_grammar_alone() {
        for extension in [
            "",
            ";a",
            " ;a",
            "\t ; a",
            ";a=b",
            ";a = b ;c",
            ";a=\"\"",
            ";a=\" ;\\\"\r\"x",
            ";a=\"q\\\\\" ; b",
            ";a;b;c",
            ";\u{fc}",
            ";a=\"\u{fc}\"",
            ";a=\"\t\"",
        ] {
            let expected = match extension {
                ";a=\" ;\\\"\r\"x" | ";\u{fc}" => Err(Malformed::ChunkExtension),
                _ => Ok("abc"),
            };
            let input = format!("3{extension}\r\nabc\r\n0\r\n\r\n");
            assert_decodes(&input, &Limits::default(), expected);
        }
        for bad in [
            " ",
            ";",
            "; ",
            ";=b",
            ";a=",
            ";a= ",
            ";a=b ",
            ";a=\"b",
            ";a=\"b\"c",
            ";a b",
            ";;a",
            ";a ",
        ] {
            for size in ["3", "0"] {
                let input = format!("{size}{bad}\r\nabc\r\n0\r\n\r\n");
                let mut body = Body::Chunked(Chunked::new());
                let result = body.decode(&mut input.into_bytes(), &Limits::default());
                assert!(matches!(result, Err(Malformed::ChunkExtension)), "{bad:?}");
            }
        }
    }

    #[test]
    fn a_chunk_size_is_one_to_sixteen_hexadecimal_digits() {
        let limits = Limits::default();
        for (line, expected) in [
            ("0000000000000003\r\nabc\r\n0000000000000000\r\n\r\n", Ok("abc")),
            ("a\r\n0123456789\r\n0\r\n\r\n", Ok("0123456789")),
            ("A\r\n0123456789\r\n0\r\n\r\n", Ok("0123456789")),
            ("00000000000000003\r\nabc\r\n0\r\n\r\n", Err(Malformed::ChunkSize)),
            ("\r\n", Err(Malformed::ChunkSize)),
            (" 3\r\n", Err(Malformed::ChunkSize)),
            ("+3\r\n", Err(Malformed::ChunkSize)),
            ("0x3\r\n", Err(Malformed::ChunkSize)),
            ("3_0\r\n", Err(Malformed::ChunkSize)),
            ("3\n", Err(Malformed::LineEnd)),
            ("8000000000000000\r\n", Err(Malformed::ChunkTooLarge)),
            ("ffffffffffffffff\r\n", Err(Malformed::ChunkTooLarge)),
            ("3\r\nabcd\r\n", Err(Malformed::ChunkEnd)),
            ("3\r\nabc\n", Err(Malformed::ChunkEnd)),
            ("3\r\nabc\r\r\n", Err(Malformed::ChunkEnd)),
            ("3\rabc", Err(Malformed::LineEnd)),
            ("1\r\na\r\n7fffffffffffffff\r\n", Err(Malformed::ChunkTooLarge)),
        ] {
            assert_decodes(line, &limits, expected);
        }
    }

    #[test]
    fn the_largest_chunk_is_waited_for() {
        let mut input = *b"7fffffffffffffff\r\na";
        let mut body = Body::Chunked(Chunked::new());
        let decoded = body.decode(&mut input, &Limits::default()).unwrap();
        assert_eq!((decoded.used, decoded.last), (input.len(), false));
        assert_eq!(body.certain(), (1 << 63) - 2);
    }

    #[test]
    fn the_limit_is_judged_at_the_chunk_line() {
        let limits = Limits::default().body(4);
        assert_decodes("3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n", &limits, Ok("abcd"));
        assert_decodes("3\r\nabc\r\n2\r\n", &limits, Err(Malformed::BodyTooLarge));
    }

    #[test]
    fn tiny_chunks_are_free_and_extensions_are_not() {
        let limits = Limits::default().chunk_overhead(10);
        assert_decodes(&("1\r\na\r\n".repeat(200) + "0\r\n\r\n"), &limits, Ok(&"a".repeat(200)));
        // 1 digit, `;`, name, CRLF, CRLF: 24 + 10 bytes of framing are the most.
        let chunk = |name: usize| format!("1;{}\r\na\r\n0\r\n\r\n", "x".repeat(name));
        assert_decodes(&chunk(28), &limits, Ok("a"));
        assert_decodes(&chunk(29), &limits, Err(Malformed::ChunkOverhead));
    }

    #[test]
    fn trailers_wait_until_they_are_whole() {
        let input = b"1\r\na\r\n0\r\nx: y\r\nz:\r\n\r\n";
        for cut in 0..=input.len() {
            let (content, trailers) = decode_in_two(input, cut, &Limits::default()).unwrap();
            assert_eq!(
                (content.as_slice(), trailers.as_slice()),
                (&b"a"[..], &b"x: y\r\nz:\r\n\r\n"[..])
            );
        }
        assert_decodes("0\r\nx\r\n\r\n", &Limits::default(), Err(Malformed::FieldLine));
        assert_decodes("0\r\nx: y\n\r\n", &Limits::default(), Err(Malformed::LineEnd));
        let limits = Limits::default().fields(1);
        assert_decodes("0\r\na:b\r\nc:d\r\n\r\n", &limits, Err(Malformed::TooManyFields));
    }
}
