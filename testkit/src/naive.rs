//! The oracle: a slow and simple reader of requests, and of [answers](answer), written from the
//! RFCs and from docs/HTTP.md. It shares no code with the crate: it takes over the limits, and no
//! more. It sees the whole input at once.
//!
//! It knows statuses, not reasons: which of two rules of the same status spoke first
//! is not its business.

pub mod answer;
pub mod base64;
mod chunked;
pub mod dictionary;
pub mod digests;
mod host;
pub mod keys;
mod list;

use streamsum::proto;

pub use list::list;

/// What the server under test was told to accept.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of a request line.
    pub request_line: usize,
    /// Bytes of a head, and of a trailer section.
    pub head: usize,
    /// Field lines of either.
    pub fields: usize,
    /// Bytes of chunk lines beyond those that are free.
    pub chunk_overhead: usize,
    /// Bytes of content.
    pub body: u64,
    /// On one connection.
    pub requests: usize,
    /// Interim answers before a final one.
    pub interim: usize,
}

impl From<proto::Limits> for Limits {
    fn from(limits: proto::Limits) -> Self {
        Self {
            request_line: limits.request_line as usize,
            head: limits.head as usize,
            fields: limits.fields.into(),
            chunk_overhead: limits.chunk_overhead as usize,
            body: limits.body.unwrap_or(u64::MAX),
            requests: limits.requests.map_or(usize::MAX, |most| most as usize),
            interim: limits.interim.into(),
        }
    }
}

/// All that a client's bytes mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// All requests whose head was good; the last may be unfinished.
    pub requests: Vec<Request>,
    /// What came behind them.
    pub outcome: Outcome,
}

/// How the connection stands at the end of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// More could follow.
    Open,
    /// Closed after the last request; what follows it is ignored.
    Closed,
    /// The client ended its stream between requests.
    Clean,
    /// The client ended its stream within a request.
    Truncated,
    /// Refused with this status.
    Refused(u16),
}

/// A request as it is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// As it came.
    pub method: Vec<u8>,
    /// As it came.
    pub target: Vec<u8>,
    /// HTTP/1.0.
    pub old: bool,
    /// As they came, in their order; values without white space around them.
    pub fields: Vec<Field>,
    /// That of the target, else of Host.
    pub authority: Option<Vec<u8>>,
    /// How its content ends.
    pub framing: Framing,
    /// As far as it has come.
    pub content: Vec<u8>,
    /// The fields behind its last chunk.
    pub trailers: Vec<Field>,
    /// The message ended as its framing says.
    pub ended: bool,
    /// The connection may go on after it.
    pub persists: bool,
}

/// Name and value.
pub type Field = (Vec<u8>, Vec<u8>);

/// How content ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is none.
    None,
    /// After so many bytes.
    Length(u64),
    /// With its last chunk.
    Chunked,
}

/// Why there is no more to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    /// The input ends too early to tell.
    Short,
    Refused(u16),
}

/// Reads all of `input`; `eof` tells that the client ended its stream after it.
pub fn read(input: &[u8], eof: bool, limits: &Limits) -> Reading {
    let mut requests = Vec::new();
    let mut rest = input;
    let outcome = loop {
        let begun = requests.len();
        match message(&mut rest, limits, &mut requests) {
            Ok(true) => {}
            Ok(false) => break Outcome::Closed,
            Err(Stop::Refused(status)) => break Outcome::Refused(status),
            Err(Stop::Short) if !eof => break Outcome::Open,
            Err(Stop::Short) if requests.len() == begun && only_empty_lines(rest) => {
                break Outcome::Clean;
            }
            Err(Stop::Short) => break Outcome::Truncated,
        }
    };
    Reading { requests, outcome }
}

/// Reads one request; tells whether another may follow.
fn message<'a>(
    rest: &mut &'a [u8],
    limits: &'a Limits,
    requests: &mut Vec<Request>,
) -> Result<bool, Stop> {
    let start = skip_empty_lines(rest)?;
    if !tchar(*start.first().ok_or(Stop::Short)?) {
        return Err(Stop::Refused(400));
    }
    let end = end_of_head(start, limits)?;
    let mut request = head(&start[..end - 4])?;
    request.persists &= requests.len() + 1 < limits.requests;
    *rest = &start[end..];
    let result = content(rest, &mut request, limits);
    request.ended = result.is_ok();
    let persists = request.persists;
    requests.push(request);
    result.map(|()| persists)
}

fn only_empty_lines(input: &[u8]) -> bool {
    matches!(input, [] | [b'\r']) || input.strip_prefix(b"\r\n").is_some_and(only_empty_lines)
}

/// RFC 9112 section 2.2, up to four of them.
fn skip_empty_lines(input: &[u8]) -> Result<&[u8], Stop> {
    let mut rest = input;
    let mut skipped = 0;
    while let Some(&first) = rest.first() {
        if first == b'\n' || (first == b'\r' && skipped == 4) {
            return Err(Stop::Refused(400));
        }
        if first != b'\r' {
            break;
        }
        match rest.get(1) {
            None => return Err(Stop::Short),
            Some(b'\n') => rest = &rest[2..],
            Some(_) => return Err(Stop::Refused(400)),
        }
        skipped += 1;
    }
    Ok(rest)
}

/// The length of the head with its empty line, or the first byte that cannot stand.
fn end_of_head(input: &[u8], limits: &Limits) -> Result<usize, Stop> {
    let unbroken = input.iter().take_while(|byte| !b"\r\n".contains(byte)).count();
    if unbroken > limits.request_line.min(limits.head) {
        return Err(Stop::Refused(414));
    }
    for end in 0..=input.len() {
        let seen = &input[..end];
        // The first line is not a field.
        check_section(seen, limits.fields + 1, limits)?;
        if seen.ends_with(b"\r\n\r\n") {
            return Ok(end);
        }
    }
    Err(Stop::Short)
}

/// Fails if the last byte of a section, seen so far, cannot stand.
fn check_section(seen: &[u8], lines: usize, limits: &Limits) -> Result<(), Stop> {
    if seen.len() > limits.head {
        return Err(Stop::Refused(431));
    }
    // A line that is not empty ends at its CR, or at a LF that should have been one.
    let (ends, before) = match seen {
        [before @ .., b'\r' | b'\n'] => (true, before),
        _ => (false, seen),
    };
    let is_empty = before.last().is_none_or(|byte| b"\r\n".contains(byte));
    let ends_line = ends && !is_empty;
    if ends_line && before.iter().filter(|&&byte| byte == b'\n').count() >= lines {
        return Err(Stop::Refused(431));
    }
    if bare_line_end(seen) { Err(Stop::Refused(400)) } else { Ok(()) }
}

/// True if the last byte shows a CR without its LF, or a LF without its CR.
fn bare_line_end(seen: &[u8]) -> bool {
    match seen {
        [.., before, last] => (*before == b'\r') != (*last == b'\n'),
        [only] => *only == b'\n',
        [] => false,
    }
}

/// RFC 9112 sections 3 to 6, in the order in which the server judges.
fn head(head: &[u8]) -> Result<Request, Stop> {
    let bad = Stop::Refused(400);
    let lines = lines(head);
    let (first, lines) = lines.split_first().ok_or(bad)?;
    let parts: Vec<&[u8]> = first.split(|&byte| byte == b' ').collect();
    let &[method, target, version] = parts.as_slice() else { return Err(bad) };
    if !token(method) || target.is_empty() {
        return Err(bad);
    }
    let old = match version {
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', minor @ b'0'..=b'9'] => *minor == b'0',
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => {
            return Err(Stop::Refused(505));
        }
        _ => return Err(bad),
    };
    if method == b"CONNECT" {
        return Err(Stop::Refused(501));
    }
    let in_target = host::target(method, target).ok_or(bad)?;
    let fields = fields(lines)?;
    let hosts = values(&fields, "host");
    if hosts.len() > 1 || (hosts.is_empty() && !old) || !hosts.iter().all(|h| host::authority(h)) {
        return Err(bad);
    }
    let authority = in_target.or(hosts.first().copied()).map(<[u8]>::to_vec);
    let framing = framing(&fields, old)?;
    if !members(&fields, "expect").iter().all(|expected| expected == b"100-continue") {
        return Err(Stop::Refused(417));
    }
    let options = members(&fields, "connection");
    let option = |name: &[u8]| options.iter().any(|option| option == name);
    Ok(Request {
        method: method.to_vec(),
        target: target.to_vec(),
        old,
        authority,
        framing,
        persists: !option(b"close") && (!old || option(b"keep-alive")),
        fields,
        content: Vec::new(),
        trailers: Vec::new(),
        ended: false,
    })
}

/// RFC 9112 section 5, for a head and for a trailer section.
fn fields(lines: &[&[u8]]) -> Result<Vec<Field>, Stop> {
    lines.iter().map(|line| field(line).ok_or(Stop::Refused(400))).collect()
}

fn field(line: &[u8]) -> Option<Field> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    let (name, value) = (&line[..colon], trim(&line[colon + 1..]));
    let good =
        token(name) && value.iter().all(|&byte| matches!(byte, b'\t' | b' '..=b'~' | 0x80..));
    good.then(|| (name.to_vec(), value.to_vec()))
}

/// RFC 9112 section 6, with the refusals of docs/HTTP.md 9 to 12.
fn framing(fields: &[Field], old: bool) -> Result<Framing, Stop> {
    let bad = Err(Stop::Refused(400));
    let lengths = values(fields, "content-length");
    let codings = values(fields, "transfer-encoding");
    match (lengths.as_slice(), codings.as_slice()) {
        ([], []) => Ok(Framing::None),
        ([length], []) => number(length).map(Framing::Length).ok_or(Stop::Refused(400)),
        ([], [_]) if old => bad,
        ([], [coding]) => {
            let list: Vec<Vec<u8>> = coding
                .split(|&byte| byte == b',')
                .map(|name| trim(name).to_ascii_lowercase())
                .collect();
            let chunked = list.iter().position(|name| name == b"chunked");
            let misplaced = chunked.is_some_and(|at| at + 1 < list.len());
            if misplaced || !list.iter().all(|name| token(name)) {
                bad
            } else if list.len() == 1 && chunked.is_some() {
                Ok(Framing::Chunked)
            } else {
                Err(Stop::Refused(501))
            }
        }
        _ => bad,
    }
}

/// A Content-Length: digits alone, at most 2^63 − 1.
fn number(value: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(value).ok()?;
    if text.is_empty() || !text.chars().all(|letter| letter.is_ascii_digit()) {
        return None;
    }
    let digits = text.trim_start_matches('0');
    // 2^63 − 1 has 19 digits, and 20 digits fit into 128 bits.
    let number: u128 =
        if digits.len() > 20 { u128::MAX } else { format!("0{digits}").parse().ok()? };
    u64::try_from(number).ok().filter(|&number| number < 1 << 63)
}

/// Takes the content of `request` off `rest`.
fn content<'a>(rest: &mut &'a [u8], request: &mut Request, limits: &'a Limits) -> Result<(), Stop> {
    match request.framing {
        Framing::None => Ok(()),
        Framing::Length(length) if length > limits.body => Err(Stop::Refused(413)),
        Framing::Length(length) => {
            let due = usize::try_from(length).unwrap_or(usize::MAX);
            let here = due.min(rest.len());
            request.content = rest[..here].to_vec();
            *rest = &rest[here..];
            if here == due { Ok(()) } else { Err(Stop::Short) }
        }
        Framing::Chunked => {
            let mut decoder = chunked::Decoder::new(rest, limits);
            let result = decoder.message();
            *rest = decoder.rest();
            request.content = decoder.content;
            request.trailers = decoder.trailers;
            result
        }
    }
}

fn values<'a>(fields: &'a [Field], name: &str) -> Vec<&'a [u8]> {
    fields
        .iter()
        .filter(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes()))
        .map(|(_, value)| value.as_slice())
        .collect()
}

/// The members of a list over all its lines, in lower case, without the empty ones.
fn members(fields: &[Field], name: &str) -> Vec<Vec<u8>> {
    values(fields, name)
        .iter()
        .flat_map(|value| value.split(|&byte| byte == b','))
        .map(|member| trim(member).to_ascii_lowercase())
        .filter(|member| !member.is_empty())
        .collect()
}

/// The lines of a text whose last line has no CRLF.
fn lines(text: &[u8]) -> Vec<&[u8]> {
    // Every LF has its CR here: `bare_line_end` has seen to that.
    text.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)).collect()
}

/// Without OWS at both ends.
fn trim(value: &[u8]) -> &[u8] {
    let visible = |byte: &u8| !b" \t".contains(byte);
    match (value.iter().position(visible), value.iter().rposition(visible)) {
        (Some(first), Some(last)) => &value[first..=last],
        _ => &[],
    }
}

fn token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|&byte| tchar(byte))
}

/// RFC 9110 section 5.6.2.
fn tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
