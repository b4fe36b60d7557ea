//! Where content ends, by the fields of the head (RFC 9112 §6).

use super::{LARGEST_BODY, Malformed, Seen, is_tchar, list_members};

/// The version a request is treated as (RFC 9112 §2.3).
///
/// # Example
///
/// ```
/// use streamsum::proto::Version;
///
/// assert!(Version::Http10 < Version::Http11);
/// assert_eq!(Version::Http11.as_str(), "HTTP/1.1");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1, and every later minor version of 1.
    Http11,
}

impl Version {
    /// As in a request line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Version::Http10 => "HTTP/1.0",
            Version::Http11 => "HTTP/1.1",
        }
    }
}

/// How the end of a request's content is found (RFC 9112 §6.3).
///
/// # Example
///
/// ```
/// use streamsum::proto::Framing;
///
/// assert!(!Framing::Length(0).has_content());
/// assert!(Framing::Chunked.has_content());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Framing {
    /// Neither Content-Length nor Transfer-Encoding: no content.
    None,
    /// Content-Length, in bytes; below 2^63.
    Length(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
}

impl Framing {
    /// True if any byte of the message follows the head.
    #[must_use]
    pub fn has_content(self) -> bool {
        !matches!(self, Framing::None | Framing::Length(0))
    }
}

/// What the field lines of a head declare of its content.
#[derive(Default)]
pub(crate) struct FramingFields<'i> {
    /// Content-Length.
    pub(crate) length: Seen<'i>,
    /// Transfer-Encoding.
    pub(crate) coding: Seen<'i>,
}

impl FramingFields<'_> {
    /// As RFC 9112 §6.3 has it, and stricter: what two recipients could read in two ways
    /// is malformed.
    pub(crate) fn framing(&self, version: Version) -> Result<Framing, Malformed> {
        match (self.coding, self.length) {
            (Seen::Never, Seen::Never) => Ok(Framing::None),
            (Seen::Never, Seen::Once(value)) => content_length(value).map(Framing::Length),
            (Seen::Never, Seen::Again) => Err(Malformed::LengthRepeated),
            (_, Seen::Once(_) | Seen::Again) => Err(Malformed::LengthAndCoding),
            (_, Seen::Never) if version == Version::Http10 => Err(Malformed::CodingInHttp10),
            (Seen::Again, Seen::Never) => Err(Malformed::CodingSyntax),
            (Seen::Once(value), Seen::Never) => transfer_coding(value),
        }
    }
}

/// 1*DIGIT below 2^63. (`str::parse` would take a sign.)
fn content_length(value: &[u8]) -> Result<u64, Malformed> {
    if value.is_empty() {
        return Err(Malformed::Length);
    }
    let mut length: u64 = 0;
    for byte in value {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return Err(Malformed::Length);
        }
        length = length
            .checked_mul(10)
            .and_then(|length| length.checked_add(digit.into()))
            .filter(|length| *length <= LARGEST_BODY)
            .ok_or(Malformed::Length)?;
    }
    Ok(length)
}

/// `chunked` alone can be read. A list of other codings, with or without `chunked` at its
/// end, is well-formed but unknown. Everything else is malformed.
fn transfer_coding(value: &[u8]) -> Result<Framing, Malformed> {
    let is_chunked = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
    if is_chunked(value) {
        return Ok(Framing::Chunked);
    }
    let mut before_was_chunked = false;
    for coding in list_members(value) {
        if before_was_chunked || coding.is_empty() || !coding.iter().all(|byte| is_tchar(*byte)) {
            return Err(Malformed::CodingSyntax);
        }
        before_was_chunked = is_chunked(coding);
    }
    Err(Malformed::Coding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_length_is_digits_below_2_to_the_63() {
        assert_eq!(content_length(b"0"), Ok(0));
        assert_eq!(content_length(b"007"), Ok(7));
        assert_eq!(content_length(b"9223372036854775807"), Ok(i64::MAX as u64));
        for bad in [
            "",
            "+1",
            "-1",
            " 1",
            "1 ",
            "1,1",
            "0x1",
            "1_0",
            "1.0",
            "9223372036854775808",
            "18446744073709551616",
            "99999999999999999999999999",
        ] {
            assert_eq!(content_length(bad.as_bytes()), Err(Malformed::Length), "{bad}");
        }
    }

    #[test]
    fn a_transfer_coding_is_chunked_unknown_or_malformed() {
        assert_eq!(transfer_coding(b"chunked"), Ok(Framing::Chunked));
        assert_eq!(transfer_coding(b"CHUNKED"), Ok(Framing::Chunked));
        for unknown in ["gzip", "gzip, chunked", "identity", "xchunked", "a ,\tb"] {
            assert_eq!(transfer_coding(unknown.as_bytes()), Err(Malformed::Coding), "{unknown}");
        }
        for bad in [
            "",
            ",",
            "chunked,",
            ",chunked",
            "chunked, chunked",
            "chunked, gzip",
            "chunked;q=1",
            "gzip;q=1, chunked",
            "\"chunked\"",
            "chunked chunked",
            "gzip,,chunked",
        ] {
            assert_eq!(transfer_coding(bad.as_bytes()), Err(Malformed::CodingSyntax), "{bad}");
        }
    }
}
