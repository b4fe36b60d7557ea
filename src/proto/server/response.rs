//! Responses and their bytes; 100 Continue.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU16;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The interim response that asks for the content (RFC 9110 §15.2.1).
pub(super) const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// The media type of every response that names no other.
const TEXT: &str = "text/plain; charset=utf-8";

/// Bytes of a note that are kept: a line of a log.
const MOST_NOTE: usize = 256;

/// A final response: status, fields, content.
///
/// Date, Content-Length and Connection are written by the connection that sends it.
///
/// # Example
///
/// ```
/// use streamsum::proto::Response;
///
/// let response = Response::text(401, "who are you?")
///     .field("WWW-Authenticate", "Bearer")?;
/// assert_eq!(response.status(), 401);
/// # Ok::<(), streamsum::proto::InvalidField>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    status: u16,
    content_type: &'static str,
    fields: String,
    content: Cow<'static, [u8]>,
    note: Option<Cow<'static, str>>,
}

impl Response {
    /// A response with `text/plain; charset=utf-8` content.
    ///
    /// # Panics
    ///
    /// If `status` is not a final status code, 200 to 599.
    #[must_use]
    pub fn text(status: u16, content: impl Into<Cow<'static, str>>) -> Self {
        let content = match content.into() {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        };
        Self::of_type(status, TEXT, content)
    }

    /// A response with content of any media type.
    ///
    /// # Panics
    ///
    /// If `status` is not a final status code, 200 to 599, or `content_type` is not
    /// a field value.
    #[must_use]
    pub fn new(
        status: u16,
        content_type: &'static str,
        content: impl Into<Cow<'static, [u8]>>,
    ) -> Self {
        assert!(is_field_value(content_type), "the media type is not a field value");
        Self::of_type(status, content_type, content.into())
    }

    fn of_type(status: u16, content_type: &'static str, content: Cow<'static, [u8]>) -> Self {
        assert!((200..600).contains(&status), "{status} is not a final status code");
        Self { status, content_type, fields: String::new(), content, note: None }
    }

    /// Adds a field line.
    ///
    /// # Errors
    ///
    /// [`InvalidField`] if `name` is not a token, if `value` has a control character
    /// other than HTAB (so that no value can end its line), or if the field is one that
    /// the connection itself writes: Date, Content-Length, Content-Type,
    /// Transfer-Encoding, Connection, Keep-Alive.
    pub fn field(mut self, name: &str, value: &str) -> Result<Self, InvalidField> {
        self.put_field(name, value)?;
        Ok(self)
    }

    /// [`Response::field`] in place. An error leaves it as it was.
    pub(crate) fn put_field(&mut self, name: &str, value: &str) -> Result<(), InvalidField> {
        const OURS: [&str; 6] = [
            "date",
            "content-length",
            "content-type",
            "transfer-encoding",
            "connection",
            "keep-alive",
        ];
        let token = !name.is_empty() && name.bytes().all(super::is_tchar);
        if !token || !is_field_value(value) || OURS.iter().any(|own| own.eq_ignore_ascii_case(name))
        {
            return Err(InvalidField);
        }
        for part in [name, ": ", value, "\r\n"] {
            self.fields.push_str(part);
        }
        Ok(())
    }

    /// Adds a note for whoever keeps a log, which is never sent: why it is this answer, or whom
    /// it was given. At most 256 bytes of whole characters are kept. A second note replaces
    /// the first.
    ///
    /// It may have any characters, line ends among them: who writes it to a log escapes them.
    ///
    /// # Example
    ///
    /// ```
    /// use streamsum::proto::Response;
    ///
    /// let response = Response::text(403, "not today").with_note("the quota of bob is used up");
    /// assert_eq!(response.note(), Some("the quota of bob is used up"));
    /// ```
    #[must_use]
    pub fn with_note(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        let mut text = text.into();
        if text.len() > MOST_NOTE {
            text = cut(&text, MOST_NOTE).to_owned().into();
        }
        self.note = Some(text);
        self
    }

    /// The note that came with it, for a log.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// The status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The media type of the content.
    #[must_use]
    pub fn content_type(&self) -> &'static str {
        self.content_type
    }

    /// The content, as it would be sent to a request other than HEAD.
    #[must_use]
    pub fn content(&self) -> &[u8] {
        &self.content
    }

    /// Writes the whole response, without content if it answers HEAD.
    pub(super) fn write(
        &self,
        date: &Date,
        persistence: Persistence,
        answers_head: bool,
        out: &mut Vec<u8>,
    ) {
        let has_content = !matches!(self.status, 204 | 304);
        // 205 must have no content (RFC 9110 §15.3.6).
        let content: &[u8] = if self.status == 205 { &[] } else { &self.content };
        out.extend_from_slice(b"HTTP/1.1 ");
        put_number(out, self.status.into());
        out.push(b' ');
        out.extend_from_slice(reason_phrase(self.status).as_bytes());
        out.extend_from_slice(b"\r\nDate: ");
        out.extend_from_slice(&date.0);
        if has_content {
            out.extend_from_slice(b"\r\nContent-Length: ");
            put_number(out, content.len());
            out.extend_from_slice(b"\r\nContent-Type: ");
            out.extend_from_slice(self.content_type.as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(self.fields.as_bytes());
        match persistence {
            Persistence::Implied => {}
            Persistence::KeepAlive(None) => out.extend_from_slice(b"Connection: keep-alive\r\n"),
            Persistence::KeepAlive(Some(seconds)) => {
                out.extend_from_slice(b"Connection: keep-alive\r\nKeep-Alive: timeout=");
                put_number(out, seconds.get().into());
                out.extend_from_slice(b"\r\n");
            }
            Persistence::Close => out.extend_from_slice(b"Connection: close\r\n"),
        }
        out.extend_from_slice(b"\r\n");
        if has_content && !answers_head {
            out.extend_from_slice(content);
        }
    }
}

/// What a response tells the client about the connection after it (RFC 9112 §9.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Persistence {
    /// Nothing: a connection of HTTP/1.1 persists by default.
    Implied,
    /// `Connection: keep-alive`, for an HTTP/1.0 client or one that asks for it; and
    /// `Keep-Alive` with the seconds for which an idle connection is kept.
    KeepAlive(Option<NonZeroU16>),
    /// `Connection: close`.
    Close,
}

/// A response field that would break the message, or contradict it.
///
/// # Example
///
/// ```
/// use streamsum::proto::Response;
///
/// let smuggled = Response::text(200, "").field("Location", "/\r\nSet-Cookie: a=b");
/// assert!(smuggled.is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidField;

impl fmt::Display for InvalidField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a field that a response may be given")
    }
}

impl std::error::Error for InvalidField {}

/// The value of a Date field, formatted once for all responses of a second.
///
/// # Example
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use streamsum::proto::Date;
///
/// let date = Date::new(UNIX_EPOCH + Duration::from_secs(784_111_777));
/// assert_eq!(date.as_str(), "Sun, 06 Nov 1994 08:49:37 GMT");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Date([u8; Date::LEN]);

impl Date {
    const LEN: usize = 29;
    /// 31 December 9999, the last day that IMF-fixdate can write.
    const LATEST: u64 = 253_402_300_799;

    /// The IMF-fixdate of a moment (RFC 9110 §5.6.7); a clock that stands before
    /// 1970 or after 9999 gives the nearest moment that can be written.
    #[must_use]
    pub fn new(moment: SystemTime) -> Self {
        let seconds = moment.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let moment = UNIX_EPOCH + Duration::from_secs(seconds.min(Self::LATEST));
        let text = httpdate::fmt_http_date(moment);
        debug_assert_eq!(text.len(), Self::LEN);
        Self(text.as_bytes().first_chunk().copied().unwrap_or([b' '; Self::LEN]))
    }

    /// The text, 29 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Does what `write!` would, at a fraction of its cost: each answer has two numbers.
fn put_number(out: &mut Vec<u8>, mut number: usize) {
    let mut digits = [b'0'; usize::MAX.ilog10() as usize + 1];
    let mut leading = digits.len();
    for digit in digits.iter_mut().rev() {
        *digit += (number % 10) as u8;
        number /= 10;
        leading -= 1;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(leading..).unwrap_or_default());
}

fn is_field_value(value: &str) -> bool {
    value.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~' | 0x80..))
}

/// Reason phrases of RFC 9110 §15, RFC 6585 and RFC 4918. Empty for any other status, as
/// RFC 9112 §4 allows.
fn reason_phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        203 => "Non-Authoritative Information",
        204 => "No Content",
        205 => "Reset Content",
        206 => "Partial Content",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Range Not Satisfiable",
        417 => "Expectation Failed",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        507 => "Insufficient Storage",
        _ => "",
    }
}

/// At most `length` bytes of whole characters.
pub(crate) fn cut(text: &str, length: usize) -> &str {
    let mut end = text.len().min(length);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_cut_between_characters() {
        let noted = |text: String| Response::text(200, "").with_note(text).note().map(str::len);
        assert_eq!(noted("x".repeat(256)), Some(256));
        assert_eq!(noted("x".repeat(257)), Some(256));
        assert_eq!(noted("\u{20ac}".repeat(100)), Some(255));
        assert_eq!(noted(String::new()), Some(0));
    }

    #[test]
    fn a_note_is_not_sent() {
        let written = |response: Response| {
            let mut out = Vec::new();
            response.write(&epoch(0), Persistence::Close, false, &mut out);
            out
        };
        let response = Response::text(200, "abc");
        assert_eq!(written(response.clone().with_note("a note")), written(response));
    }

    #[test]
    fn numbers_are_decimal() {
        for number in [0, 7, 10, 200, 1_000, 65_536, 123_456_789, usize::MAX] {
            let mut out = b"x".to_vec();
            put_number(&mut out, number);
            assert_eq!(out, format!("x{number}").into_bytes());
        }
    }

    fn epoch(seconds: u64) -> Date {
        Date::new(UNIX_EPOCH + Duration::from_secs(seconds))
    }

    fn bytes(response: &Response, persistence: Persistence, head: bool) -> String {
        let mut out = Vec::new();
        response.write(&epoch(0), persistence, head, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_answer_to_a_post_has_these_fields_in_this_order() {
        let response = Response::text(200, "97ccb418d79d7f69c71d145bd88c643c");
        assert_eq!(
            bytes(&response, Persistence::Implied, false),
            "HTTP/1.1 200 OK\r\n\
             Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n\
             Content-Length: 32\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\
             \r\n\
             97ccb418d79d7f69c71d145bd88c643c"
        );
    }

    #[test]
    fn head_gets_the_same_head_without_content() {
        let response = Response::text(200, "hello").field("ETag", "\"x\"").unwrap();
        let whole = bytes(&response, Persistence::Close, false);
        let head = bytes(&response, Persistence::Close, true);
        assert_eq!(whole, format!("{head}hello"));
        assert!(head.ends_with("ETag: \"x\"\r\nConnection: close\r\n\r\n"), "{head}");
    }

    #[test]
    fn no_content_has_neither_content_nor_length() {
        let head = bytes(&Response::text(204, "lost"), Persistence::KeepAlive(None), false);
        assert!(!head.contains("Content-"), "{head}");
        assert!(head.ends_with("GMT\r\nConnection: keep-alive\r\n\r\n"), "{head}");
    }

    #[test]
    fn reset_content_has_a_length_of_zero_and_no_content() {
        let whole = bytes(&Response::text(205, "lost"), Persistence::Implied, false);
        assert!(whole.contains("\r\nContent-Length: 0\r\n"), "{whole}");
        assert!(whole.ends_with("\r\n\r\n"), "{whole}");
    }

    #[test]
    fn a_field_cannot_break_or_contradict_the_message() {
        for (name, value) in [
            ("", "x"),
            ("a b", "x"),
            ("a:", "x"),
            ("x", "a\r\nb: c"),
            ("x", "a\rb"),
            ("x", "a\nb"),
            ("x", "\0"),
            ("x", "\x7f"),
            ("content-length", "3"),
            ("Transfer-Encoding", "chunked"),
            ("CONNECTION", "close"),
            ("Keep-Alive", "timeout=5"),
            ("Date", "today"),
            ("Content-Type", "text/html"),
        ] {
            assert_eq!(Response::text(200, "").field(name, value), Err(InvalidField), "{name}");
        }
        assert_eq!(InvalidField.to_string(), "not a field that a response may be given");
    }

    #[test]
    fn a_response_takes_content_of_any_type_and_bytes() {
        let response = Response::new(404, "application/x; a=\"\t~\"", b"\x01\xff".as_slice());
        assert_eq!((response.status(), response.content()), (404, &b"\x01\xff"[..]));
        let mut out = Vec::new();
        response.write(&epoch(0), Persistence::Implied, false, &mut out);
        assert!(out.starts_with(b"HTTP/1.1 404 Not Found\r\n"));
        assert!(out.ends_with(
            b"\r\nContent-Length: 2\r\nContent-Type: application/x; a=\"\t~\"\r\n\r\n\x01\xff"
        ));
    }

    #[test]
    #[should_panic(expected = "the media type is not a field value")]
    fn a_media_type_cannot_break_the_message() {
        let _ = Response::new(200, "text/plain\r\nX: y", b"".as_slice());
    }

    #[test]
    fn every_status_has_its_reason_phrase_or_none() {
        let phrases = [
            (200, "OK"),
            (201, "Created"),
            (202, "Accepted"),
            (203, "Non-Authoritative Information"),
            (204, "No Content"),
            (205, "Reset Content"),
            (206, "Partial Content"),
            (300, "Multiple Choices"),
            (301, "Moved Permanently"),
            (302, "Found"),
            (303, "See Other"),
            (304, "Not Modified"),
            (307, "Temporary Redirect"),
            (308, "Permanent Redirect"),
            (400, "Bad Request"),
            (401, "Unauthorized"),
            (402, "Payment Required"),
            (403, "Forbidden"),
            (404, "Not Found"),
            (405, "Method Not Allowed"),
            (406, "Not Acceptable"),
            (407, "Proxy Authentication Required"),
            (408, "Request Timeout"),
            (409, "Conflict"),
            (410, "Gone"),
            (411, "Length Required"),
            (412, "Precondition Failed"),
            (413, "Content Too Large"),
            (414, "URI Too Long"),
            (415, "Unsupported Media Type"),
            (416, "Range Not Satisfiable"),
            (417, "Expectation Failed"),
            (421, "Misdirected Request"),
            (422, "Unprocessable Content"),
            (426, "Upgrade Required"),
            (429, "Too Many Requests"),
            (431, "Request Header Fields Too Large"),
            (500, "Internal Server Error"),
            (501, "Not Implemented"),
            (502, "Bad Gateway"),
            (503, "Service Unavailable"),
            (504, "Gateway Timeout"),
            (505, "HTTP Version Not Supported"),
            (507, "Insufficient Storage"),
        ];
        for status in 200..600 {
            let named = phrases.iter().find(|(own, _)| *own == status);
            assert_eq!(reason_phrase(status), named.map_or("", |(_, phrase)| phrase), "{status}");
        }
    }

    #[test]
    #[should_panic(expected = "100 is not a final status code")]
    fn an_interim_status_is_no_response() {
        let _ = Response::text(100, "");
    }

    #[test]
    fn a_clock_out_of_range_still_gives_a_date() {
        assert_eq!(
            Date::new(UNIX_EPOCH - Duration::from_secs(5)).as_str(),
            "Thu, 01 Jan 1970 00:00:00 GMT"
        );
        assert_eq!(epoch(u64::from(u32::MAX) * 100).as_str(), "Fri, 31 Dec 9999 23:59:59 GMT");
        assert_eq!(format!("{:?}", epoch(59)), "Thu, 01 Jan 1970 00:00:59 GMT");
    }
}
