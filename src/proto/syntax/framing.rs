//! What the fields say of where content ends (RFC 9112 §6).

use super::super::server::Reject;
use super::{LARGEST_BODY, is_tchar, list_members};

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
    /// Whether any byte follows the head.
    #[must_use]
    pub fn has_content(self) -> bool {
        !matches!(self, Framing::None | Framing::Length(0))
    }
}

/// 1*DIGIT below 2^63. (`str::parse` would take a sign.)
pub(crate) fn content_length(value: &[u8]) -> Result<u64, Reject> {
    if value.is_empty() {
        return Err(Reject::Length);
    }
    let mut length: u64 = 0;
    for byte in value {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return Err(Reject::Length);
        }
        length = length
            .checked_mul(10)
            .and_then(|length| length.checked_add(digit.into()))
            .filter(|length| *length <= LARGEST_BODY)
            .ok_or(Reject::Length)?;
    }
    Ok(length)
}

/// `chunked` alone is read. A list of other codings, perhaps with `chunked` at its end,
/// is well-formed but unknown; everything else is malformed.
pub(crate) fn transfer_coding(value: &[u8]) -> Result<Framing, Reject> {
    let is_chunked = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
    if is_chunked(value) {
        return Ok(Framing::Chunked);
    }
    let mut before_was_chunked = false;
    for coding in list_members(value) {
        if before_was_chunked || coding.is_empty() || !coding.iter().all(|byte| is_tchar(*byte)) {
            return Err(Reject::CodingSyntax);
        }
        before_was_chunked = is_chunked(coding);
    }
    Err(Reject::Coding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_lengths() {
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
            assert_eq!(content_length(bad.as_bytes()), Err(Reject::Length), "{bad}");
        }
    }

    #[test]
    fn transfer_codings() {
        assert_eq!(transfer_coding(b"chunked"), Ok(Framing::Chunked));
        assert_eq!(transfer_coding(b"CHUNKED"), Ok(Framing::Chunked));
        for unknown in ["gzip", "gzip, chunked", "identity", "xchunked", "a ,\tb"] {
            assert_eq!(transfer_coding(unknown.as_bytes()), Err(Reject::Coding), "{unknown}");
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
            assert_eq!(transfer_coding(bad.as_bytes()), Err(Reject::CodingSyntax), "{bad}");
        }
    }
}
