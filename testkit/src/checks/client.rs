//! A slow and simple reader of responses, written from RFC 9112, which shares no code with
//! the library.

/// A response as a client understands it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer<'w> {
    pub(crate) status: u16,
    /// Names as they came; values without the white space around them.
    pub(crate) fields: Vec<(&'w [u8], &'w [u8])>,
    pub(crate) content: &'w [u8],
    /// Bytes of the whole message: the next one begins there.
    pub(crate) length: usize,
}

impl<'w> Answer<'w> {
    /// The values of a field.
    pub(crate) fn values(&self, name: &str) -> Vec<&'w [u8]> {
        let is_named = |own: &[u8]| own.eq_ignore_ascii_case(name.as_bytes());
        self.fields.iter().filter(|(own, _)| is_named(own)).map(|(_, value)| *value).collect()
    }
}

/// Reads the first response of `wire`, which answers a HEAD request or another.
pub(crate) fn read(wire: &[u8], to_head: bool) -> Result<Answer<'_>, &'static str> {
    let end = wire.windows(4).position(|four| four == b"\r\n\r\n").ok_or("no end of the head")?;
    let mut lines = Vec::new();
    let mut rest = &wire[..end];
    while let Some(at) = rest.windows(2).position(|two| two == b"\r\n") {
        lines.push(&rest[..at]);
        rest = &rest[at + 2..];
    }
    lines.push(rest);
    if lines.iter().any(|line| line.iter().any(|byte| !is_text(*byte))) {
        return Err("a control byte in the head");
    }
    let status = status_line(lines[0])?;
    let fields = lines[1..].iter().map(|line| field(line)).collect::<Result<Vec<_>, _>>()?;
    let mut answer = Answer { status, fields, content: b"", length: end + 4 };
    let length = content_length(&answer, to_head)?;
    answer.content = wire[end + 4..].get(..length).ok_or("content is missing")?;
    answer.length += length;
    Ok(answer)
}

/// `HTTP/1.1 SP 3DIGIT SP [ reason-phrase ]` (section 4).
fn status_line(line: &[u8]) -> Result<u16, &'static str> {
    let rest = line.strip_prefix(b"HTTP/1.1 ").ok_or("not HTTP/1.1")?;
    match rest {
        [a @ b'1'..=b'5', b @ b'0'..=b'9', c @ b'0'..=b'9', b' ', ..] => {
            Ok([a, b, c].into_iter().fold(0, |status, digit| status * 10 + u16::from(digit - b'0')))
        }
        _ => Err("no status and space"),
    }
}

/// `field-name ":" OWS field-value OWS` (section 5).
fn field(line: &[u8]) -> Result<(&[u8], &[u8]), &'static str> {
    let colon = line.iter().position(|byte| *byte == b':').ok_or("no colon")?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    if name.is_empty() || !name.iter().all(|byte| is_tchar(*byte)) {
        return Err("no field name");
    }
    Ok((name, trim(value)))
}

/// Section 6.3. Our server never uses chunks, nor the end of the stream, so that neither is
/// read here.
fn content_length(answer: &Answer<'_>, to_head: bool) -> Result<usize, &'static str> {
    if !answer.values("transfer-encoding").is_empty() {
        return Err("a transfer coding");
    }
    let lengths = answer.values("content-length");
    let length = match lengths.as_slice() {
        [] => None,
        [digits] if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) => {
            std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok())
        }
        _ => return Err("a bad Content-Length"),
    };
    match (to_head || matches!(answer.status, 100..=199 | 204 | 304), length) {
        (true, _) => Ok(0),
        (false, Some(length)) => Ok(length),
        (false, None) => Err("no Content-Length"),
    }
}

/// Without OWS at both ends.
pub(crate) fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', inner @ ..] | [inner @ .., b' ' | b'\t'] = text {
        text = inner;
    }
    text
}

/// HTAB, SP, VCHAR and obs-text.
pub(crate) fn is_text(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..)
}

/// RFC 9110 section 5.6.2.
pub(crate) fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
