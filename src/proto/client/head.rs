//! The head of an answer: its status line, and the message framing that follows from its fields
//! and from what was asked (RFC 9112 §4, §6.3).

use super::super::syntax::{
    self, Fields, Framing, FramingFields, SectionScan, Version, list_members,
};
use super::Fault;

/// The head of an answer, read whole and found good.
///
/// # Example
///
/// ```
/// use streamsum::proto::{Limits, Version};
/// use streamsum::proto::client::{Connection, Event, Request};
///
/// let mut connection = Connection::new(Limits::for_answers());
/// connection.request(&Request::new("GET", "/", "x")?, &mut Vec::new());
/// let mut input = *b"HTTP/1.1 404 Not Found\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n";
/// let Event::Head(head) = connection.receive(&mut input)?.event else { panic!() };
/// assert_eq!((head.status(), head.reason()), (404, &b"Not Found"[..]));
/// assert_eq!(head.version(), Version::Http11);
/// assert_eq!(head.fields().get("Retry-After"), Some(&b"5"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Head<'i> {
    status: u16,
    version: Version,
    reason: &'i [u8],
    fields: Fields<'i>,
}

impl<'i> Head<'i> {
    /// The status code: three digits, the first of which is not 0. Those from 600 on are to be
    /// treated as 5xx (RFC 9110 §15).
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The version of the answer.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// The reason phrase, often empty and never of a meaning.
    #[must_use]
    pub fn reason(&self) -> &'i [u8] {
        self.reason
    }

    /// The field lines.
    #[must_use]
    pub fn fields(&self) -> Fields<'i> {
        self.fields
    }
}

/// How the end of an answer's content is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Length(u64),
    Chunked,
    ToEnd,
}

/// A head that was found good, and what the connection has to know besides.
#[derive(Debug)]
pub(super) struct Judged<'i> {
    pub(super) head: Head<'i>,
    pub(super) content: Content,
    /// True if another request may follow, as far as this head says.
    pub(super) persists: bool,
}

/// Judges a whole head. `scan` has counted its lines.
pub(super) fn judge<'i>(
    section: &'i [u8],
    scan: &SectionScan,
    asked_for_head: bool,
) -> Result<Judged<'i>, Fault> {
    let end = syntax::line_end(section).unwrap_or(section.len());
    let (line, rest) = section.split_at(end);
    let lines = rest.strip_prefix(b"\r\n").unwrap_or_default();
    let (version, status, reason) = status_line(line)?;
    let mut framing = FramingFields::default();
    let mut asks_close = false;
    syntax::check(lines, scan.lines().saturating_sub(1), |field| {
        let is = |name: &str| field.name.eq_ignore_ascii_case(name);
        match field.name.len() {
            10 if is("connection") => {
                let mut options = list_members(field.value);
                asks_close |= options.any(|option| option.eq_ignore_ascii_case(b"close"));
            }
            14 if is("content-length") => framing.length.add(field.value),
            17 if is("transfer-encoding") => framing.coding.add(field.value),
            _ => {}
        }
    })?;
    if status == 101 {
        return Err(Fault::SwitchingProtocols);
    }
    let has_none = asked_for_head || status < 200 || matches!(status, 204 | 304);
    let content = if has_none {
        Content::Length(0)
    } else {
        match framing.framing(version)? {
            Framing::None => Content::ToEnd,
            Framing::Length(length) => Content::Length(length),
            Framing::Chunked => Content::Chunked,
        }
    };
    // An answer of HTTP/1.0 may ask for persistence, which such servers often get wrong.
    let persists = !asks_close && version == Version::Http11 && content != Content::ToEnd;
    let head = Head { status, version, reason, fields: Fields::new(lines) };
    Ok(Judged { head, content, persists })
}

/// The space before an empty reason phrase may be missing: many servers leave it out.
fn status_line(line: &[u8]) -> Result<(Version, u16, &[u8]), Fault> {
    let (version, rest) = line.split_at_checked(8).ok_or(Fault::StatusLine)?;
    let version = match version {
        b"HTTP/1.0" => Version::Http10,
        [b'H', b'T', b'T', b'P', b'/', major @ b'0'..=b'9', b'.', b'0'..=b'9'] => match major {
            b'1' => Version::Http11,
            _ => return Err(Fault::Version),
        },
        _ => return Err(Fault::StatusLine),
    };
    let (digits, rest) = rest
        .strip_prefix(b" ")
        .and_then(<[u8]>::split_first_chunk::<3>)
        .ok_or(Fault::StatusLine)?;
    let [b'1'..=b'9', b'0'..=b'9', b'0'..=b'9'] = digits else { return Err(Fault::StatusLine) };
    let status = digits.iter().fold(0, |status, digit| status * 10 + u16::from(digit - b'0'));
    let reason = match rest {
        [] => rest,
        [b' ', reason @ ..] if reason.iter().all(|byte| is_reason(*byte)) => reason,
        _ => return Err(Fault::StatusLine),
    };
    Ok((version, status, reason))
}

fn is_reason(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_line_has_a_version_three_digits_and_perhaps_words() {
        let taken = |line: &'static str| status_line(line.as_bytes());
        assert_eq!(taken("HTTP/1.1 200 OK"), Ok((Version::Http11, 200, &b"OK"[..])));
        assert_eq!(taken("HTTP/1.0 404 "), Ok((Version::Http10, 404, &b""[..])));
        assert_eq!(taken("HTTP/1.7 999"), Ok((Version::Http11, 999, &b""[..])));
        let words = "Not \u{fc}ber\tall";
        assert_eq!(taken("HTTP/1.1 100 Not \u{fc}ber\tall").unwrap().2, words.as_bytes());
        for other in ["HTTP/0.9 200 OK", "HTTP/2.0 200 OK"] {
            assert_eq!(taken(other), Err(Fault::Version), "{other}");
        }
        for bad in [
            "",
            "HTTP/1.1",
            "HTTP/1.1 ",
            "HTTP/1.1 20",
            "HTTP/1.1 2000 OK",
            "HTTP/1.1 099 OK",
            "HTTP/1.1 2x0 OK",
            "HTTP/1.1 +20 OK",
            "HTTP/1.1  200 OK",
            "HTTP/1.1\t200 OK",
            "HTTP/1.1 200\tOK",
            "HTTP/1.1 200 O\x7fK",
            "HTTP/1.1 200 O\0K",
            "http/1.1 200 OK",
            "HTTP/1.11 200 OK",
            "HTTP/11.1 200 OK",
            "HTTP/1,1 200 OK",
            "ICY 200 OK",
            " HTTP/1.1 200 OK",
        ] {
            assert_eq!(taken(bad), Err(Fault::StatusLine), "{bad}");
        }
    }
}
