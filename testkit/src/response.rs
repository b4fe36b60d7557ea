//! The one reader of responses: slow, simple and strict, written from RFC 9112. It shares
//! no code with the library.
//!
//! [`read`] takes the bytes that have come so far, and asks for more until a response is
//! whole. [`read_all`] reads what a client made of a whole connection.

use std::fmt;

/// The only interim response of our server, as it writes it.
pub const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";

/// What a response answers: one to HEAD has no content, whatever its fields say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// HEAD.
    Head,
    /// Any other method.
    Other,
}

impl Method {
    /// By its name, in which case counts.
    pub fn of(name: &str) -> Self {
        if name == "HEAD" { Self::Head } else { Self::Other }
    }
}

/// A response as a client understands it, interim ones (1xx) among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response<'w> {
    /// 100 to 599.
    pub status: u16,
    /// Names as they came; values without the white space around them.
    pub fields: Vec<(&'w [u8], &'w [u8])>,
    /// All of it.
    pub content: &'w [u8],
    /// Bytes of the head, with the empty line: the content begins there.
    pub head_length: usize,
    /// Bytes of the whole message: the next one begins there.
    pub length: usize,
}

impl<'w> Response<'w> {
    /// The values of a field, line by line.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &'w [u8]> {
        let is_named = |own: &[u8]| own.eq_ignore_ascii_case(name.as_bytes());
        self.fields.iter().filter(move |(own, _)| is_named(own)).map(|(_, value)| *value)
    }

    /// The value of a field that must not stand twice; `None` if it does, or is absent.
    pub fn value(&self, name: &str) -> Option<&'w [u8]> {
        let mut values = self.values(name);
        values.next().filter(|_| values.next().is_none())
    }

    /// True if the server says that it closes the connection.
    pub fn closes(&self) -> bool {
        self.values("connection")
            .flat_map(|value| value.split(|byte| *byte == b','))
            .any(|token| trim(token).eq_ignore_ascii_case(b"close"))
    }
}

/// Why bytes are no response that our server may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// A control byte in the head, a bare CR or LF among them.
    Control,
    /// The status line is not that of HTTP/1.1, or has no status from 100 to 599.
    StatusLine,
    /// A line without a colon, or with a name that is no token.
    FieldLine,
    /// Several Content-Length, or one that is no number.
    ContentLength,
    /// Content without a Content-Length: our server uses neither a transfer coding nor the
    /// end of the connection.
    Framing,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Control => "a control byte in the head",
            Self::StatusLine => "no status line of HTTP/1.1",
            Self::FieldLine => "no field line",
            Self::ContentLength => "a bad Content-Length",
            Self::Framing => "content that is not framed by Content-Length",
        })
    }
}

impl std::error::Error for Malformed {}

/// Reads the first response of `wire`, which answers a request with this method; `None` as
/// long as it is not whole.
///
/// # Errors
///
/// If its head is whole and is none.
pub fn read(wire: &[u8], method: Method) -> Result<Option<Response<'_>>, Malformed> {
    let Some(response) = read_head(wire, method)? else { return Ok(None) };
    let content = wire.get(response.head_length..response.length);
    Ok(content.map(|content| Response { content, ..response }))
}

/// Reads the head of the first response of `wire` in the same way, and leaves its content
/// empty, whether that has come or not.
///
/// # Errors
///
/// As [`read`].
pub fn read_head(wire: &[u8], method: Method) -> Result<Option<Response<'_>>, Malformed> {
    let Some(end) = find(wire, b"\r\n\r\n") else { return Ok(None) };
    let (head, head_length) = (&wire[..end], end + 4);
    let mut lines = lines(head);
    let status = status_line(lines.next().unwrap_or_default())?;
    let fields = lines.map(field_line).collect::<Result<Vec<_>, _>>()?;
    let mut response = Response { status, fields, content: b"", head_length, length: head_length };
    let content = content_length(&response, method)?;
    response.length = head_length.checked_add(content).ok_or(Malformed::ContentLength)?;
    Ok(Some(response))
}

/// A final response, with what came before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<'w> {
    /// How many 100 (Continue) came before it.
    pub interim: usize,
    /// The final response.
    pub response: Response<'w>,
}

/// Reads all answers of `wire`, and the number of bytes behind the last whole one.
/// `method` is that of the request with a number, in order.
///
/// # Errors
///
/// If a response is none, or an interim one is not 100 (Continue).
pub fn read_all(
    mut wire: &[u8],
    method: impl Fn(usize) -> Method,
) -> Result<(Vec<Answer<'_>>, usize), Malformed> {
    let mut answers = Vec::new();
    let mut interim = 0;
    while let Some(response) = read(wire, method(answers.len()))? {
        wire = &wire[response.length..];
        match response.status {
            100 => interim += 1,
            101..200 => return Err(Malformed::StatusLine),
            _ => answers.push(Answer { interim: std::mem::take(&mut interim), response }),
        }
    }
    Ok((answers, wire.len()))
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// The lines of a head, without their ends.
fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(head);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = find(text, b"\r\n") else { return rest.take() };
        rest = Some(&text[end + 2..]);
        Some(&text[..end])
    })
}

/// `HTTP/1.1 SP 3DIGIT SP [ reason-phrase ]` (RFC 9112 §4).
fn status_line(line: &[u8]) -> Result<u16, Malformed> {
    is_line(line)?;
    match line.strip_prefix(b"HTTP/1.1 ") {
        Some([a @ b'1'..=b'5', b @ b'0'..=b'9', c @ b'0'..=b'9', b' ', ..]) => {
            Ok([a, b, c].iter().fold(0, |status, digit| status * 10 + u16::from(**digit - b'0')))
        }
        _ => Err(Malformed::StatusLine),
    }
}

/// `field-name ":" OWS field-value OWS` (RFC 9112 §5).
fn field_line(line: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    is_line(line)?;
    let colon = line.iter().position(|byte| *byte == b':').ok_or(Malformed::FieldLine)?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    if name.is_empty() || !name.iter().all(|byte| is_tchar(*byte)) {
        return Err(Malformed::FieldLine);
    }
    Ok((name, trim(value)))
}

fn is_line(line: &[u8]) -> Result<(), Malformed> {
    if line.iter().all(|byte| is_text(*byte)) { Ok(()) } else { Err(Malformed::Control) }
}

/// RFC 9112 §6.3, as far as our server goes.
fn content_length(response: &Response<'_>, method: Method) -> Result<usize, Malformed> {
    if response.values("transfer-encoding").next().is_some() {
        return Err(Malformed::Framing);
    }
    let mut lengths = response.values("content-length");
    let length = match (lengths.next(), lengths.next()) {
        (None, _) => None,
        (Some(digits), None) if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) => {
            let digits = str::from_utf8(digits).map_err(|_| Malformed::ContentLength)?;
            Some(digits.parse().map_err(|_| Malformed::ContentLength)?)
        }
        _ => return Err(Malformed::ContentLength),
    };
    let has_none = method == Method::Head || matches!(response.status, 100..=199 | 204 | 304);
    if has_none { Ok(0) } else { length.ok_or(Malformed::Framing) }
}

/// Without OWS at both ends.
pub fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', inner @ ..] | [inner @ .., b' ' | b'\t'] = text {
        text = inner;
    }
    text
}

/// HTAB, SP, VCHAR and obs-text.
pub fn is_text(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..)
}

/// RFC 9110 §5.6.2.
pub fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nDate: x\r\ncontent-length: 3 \r\nA: \r\n\r\nabc";

    #[test]
    fn a_response_is_whole_with_its_last_byte() {
        let input = [ANSWER, b"HTTP"].concat();
        for end in 0..ANSWER.len() {
            assert_eq!(read(&input[..end], Method::Other), Ok(None), "{end} bytes");
        }
        for end in ANSWER.len()..=input.len() {
            let response = read(&input[..end], Method::Other).unwrap().unwrap();
            assert_eq!((response.status, response.length), (200, ANSWER.len()));
            assert_eq!((response.content, response.head_length), (&b"abc"[..], ANSWER.len() - 3));
            assert_eq!(response.value("CONTENT-LENGTH"), Some(&b"3"[..]));
            assert_eq!(response.value("a"), Some(&b""[..]));
        }
    }

    #[test]
    fn a_head_is_read_as_soon_as_it_is_whole() {
        let head = ANSWER.len() - 3;
        for end in 0..head {
            assert_eq!(read_head(&ANSWER[..end], Method::Other), Ok(None), "{end} bytes");
        }
        for end in head..=ANSWER.len() {
            let response = read_head(&ANSWER[..end], Method::Other).unwrap().unwrap();
            assert_eq!((response.status, response.content), (200, &b""[..]));
            assert_eq!((response.head_length, response.length), (head, ANSWER.len()));
        }
    }

    #[test]
    fn some_responses_have_no_content() {
        let head = &ANSWER[..ANSWER.len() - 3];
        assert_eq!(read(ANSWER, Method::Head).unwrap().unwrap().length, head.len());
        for status in ["100", "204", "304"] {
            let wire = format!("HTTP/1.1 {status} \r\n\r\nabc");
            let response = read(wire.as_bytes(), Method::Other).unwrap().unwrap();
            assert_eq!((response.content, response.length), (&b""[..], wire.len() - 3));
        }
    }

    #[test]
    fn closing_is_a_token_in_a_list() {
        for (lines, closes) in [
            ("Connection: close\r\n", true),
            ("Connection: keep-alive, CLOSE\r\n", true),
            ("Connection: a\r\nconnection: close\r\n", true),
            ("Connection: closed\r\n", false),
            ("", false),
        ] {
            let wire = format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{lines}\r\n");
            assert_eq!(read(wire.as_bytes(), Method::Other).unwrap().unwrap().closes(), closes);
        }
    }

    #[test]
    fn what_is_no_response_says_why() {
        for (wire, why) in [
            ("HTTP/1.0 200 OK\r\n\r\n", Malformed::StatusLine),
            ("HTTP/1.1 600 OK\r\n\r\n", Malformed::StatusLine),
            ("HTTP/1.1 20 OK\r\n\r\n", Malformed::StatusLine),
            ("HTTP/1.1 200\r\n\r\n", Malformed::StatusLine),
            ("HTTP/1.1 200 OK\r\nA: b\nC: d\r\n\r\n", Malformed::Control),
            ("HTTP/1.1 200 O\rK\r\n\r\n", Malformed::Control),
            ("HTTP/1.1 200 OK\r\nA b\r\n\r\n", Malformed::FieldLine),
            ("HTTP/1.1 200 OK\r\nA : b\r\n\r\n", Malformed::FieldLine),
            ("HTTP/1.1 200 OK\r\n: b\r\n\r\n", Malformed::FieldLine),
            ("HTTP/1.1 200 OK\r\n\r\n", Malformed::Framing),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Malformed::Framing),
            ("HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na", Malformed::ContentLength),
            ("HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\na", Malformed::ContentLength),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n",
                Malformed::ContentLength,
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
                Malformed::ContentLength,
            ),
        ] {
            assert_eq!(read(wire.as_bytes(), Method::Other), Err(why), "{wire}");
        }
    }

    #[test]
    fn answers_are_read_in_order_with_their_interim_responses() {
        let to_head = &ANSWER[..ANSWER.len() - 3];
        let wire = [ANSWER, CONTINUE.as_bytes(), to_head, ANSWER, b"HTTP/1.1 2"].concat();
        let method = |number| if number == 1 { Method::Head } else { Method::Other };
        let (answers, left) = read_all(&wire, method).unwrap();
        let seen: Vec<_> =
            answers.iter().map(|answer| (answer.interim, answer.response.content)).collect();
        assert_eq!(seen, [(0, &b"abc"[..]), (1, b""), (0, b"abc")]);
        assert_eq!(left, 10);
        assert!(read_all(b"HTTP/1.1 103 Early Hints\r\n\r\n", method).is_err());
    }
}
