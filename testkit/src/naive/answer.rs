//! The client's side of the oracle: a slow and simple reader of the answer to one request, written
//! from RFC 9112 and from section 37 of docs/HTTP.md. It sees the whole input at once.

use super::chunked::Decoder;
use super::{Field, Framing, Limits, Stop, end_of_head, fields, framing, lines, list};

/// All that a server's bytes mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Heads of interim answers.
    pub interim: Vec<Head>,
    /// The head of the final answer, if it was good.
    pub head: Option<Head>,
    /// Its content, as far as it has come.
    pub content: Vec<u8>,
    /// What came behind.
    pub outcome: Outcome,
    /// The final answer leaves the connection open, as far as its head says.
    pub persists: bool,
    /// Bytes behind the end of the final answer.
    pub left: usize,
}

/// The head of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// HTTP/1.0.
    pub old: bool,
    /// Three digits.
    pub status: u16,
    /// Words, or none.
    pub reason: Vec<u8>,
    /// As they came, in their order; values without white space around them.
    pub fields: Vec<Field>,
}

/// How the connection stands at the end of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// More is needed.
    Waits,
    /// The final answer is whole.
    Over,
    /// The server ended the connection before it sent a byte of an answer.
    NoAnswer,
    /// The server ended the connection before the final answer was whole.
    Truncated,
    /// It cannot be taken.
    Refused(Refusal),
}

/// Why bytes cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Against the grammar, or readable in two ways.
    Malformed,
    /// Another major version.
    Version,
    /// 101.
    Switching,
    /// One interim answer too many.
    Interim,
    /// A status line or section that is too long, or that has too many lines.
    TooLarge,
    /// Too much content.
    Content,
}

/// Why there is no more to read.
enum End {
    Short,
    Refused(Refusal),
}

impl From<Stop> for End {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Short => End::Short,
            Stop::Refused(413) => End::Refused(Refusal::Content),
            Stop::Refused(414 | 431) => End::Refused(Refusal::TooLarge),
            Stop::Refused(_) => End::Refused(Refusal::Malformed),
        }
    }
}

/// Reads all of `input` as the answer to one request, which was HEAD or not; `eof` tells that the
/// server ended the connection after it.
pub fn read(input: &[u8], eof: bool, to_head: bool, limits: &Limits) -> Reading {
    let mut reading = Reading {
        interim: Vec::new(),
        head: None,
        content: Vec::new(),
        outcome: Outcome::Over,
        persists: false,
        left: 0,
    };
    let result = answer(input, eof, to_head, limits, &mut reading);
    reading.outcome = match result {
        Ok(left) => {
            reading.left = left;
            Outcome::Over
        }
        Err(End::Refused(refusal)) => Outcome::Refused(refusal),
        Err(End::Short) if !eof => Outcome::Waits,
        Err(End::Short) if input.is_empty() => Outcome::NoAnswer,
        Err(End::Short) => Outcome::Truncated,
    };
    reading
}

/// Gives how many bytes are behind it.
fn answer(
    input: &[u8],
    eof: bool,
    to_head: bool,
    limits: &Limits,
    reading: &mut Reading,
) -> Result<usize, End> {
    let mut rest = input;
    let head = loop {
        let (head, behind) = read_head(rest, limits)?;
        rest = behind;
        match head.status {
            101 => return Err(End::Refused(Refusal::Switching)),
            100..200 if reading.interim.len() == limits.interim => {
                return Err(End::Refused(Refusal::Interim));
            }
            100..200 => reading.interim.push(head),
            _ => break head,
        }
    };
    // RFC 9112 section 6.3, in its order.
    let framed = if to_head || head.status == 204 || head.status == 304 {
        Framing::Length(0)
    } else {
        framing(&head.fields, head.old)?
    };
    let closes = list(&head.fields, "connection").iter().any(|o| o.eq_ignore_ascii_case(b"close"));
    reading.persists = !head.old && !closes && framed != Framing::None;
    reading.head = Some(head);
    match framed {
        Framing::Length(length) => by_length(rest, length, limits, reading),
        Framing::Chunked => {
            let mut decoder = Decoder::new(rest, limits);
            let result = decoder.message();
            reading.content = std::mem::take(&mut decoder.content);
            result?;
            Ok(decoder.rest().len())
        }
        // Neither of the two: to the end of the connection.
        Framing::None => {
            let most = usize::try_from(limits.body).unwrap_or(usize::MAX).min(rest.len());
            reading.content = rest[..most].to_vec();
            if rest.len() > most {
                return Err(End::Refused(Refusal::Content));
            }
            if eof { Ok(0) } else { Err(End::Short) }
        }
    }
}

fn by_length(
    rest: &[u8],
    length: u64,
    limits: &Limits,
    reading: &mut Reading,
) -> Result<usize, End> {
    if length > limits.body {
        return Err(End::Refused(Refusal::Content));
    }
    let due = usize::try_from(length).unwrap_or(usize::MAX);
    let here = due.min(rest.len());
    reading.content = rest[..here].to_vec();
    if here == due { Ok(rest.len() - due) } else { Err(End::Short) }
}

/// A head, and what is behind it.
fn read_head<'i>(input: &'i [u8], limits: &Limits) -> Result<(Head, &'i [u8]), End> {
    const NAME: &[u8] = b"HTTP/";
    let seen = input.len().min(NAME.len());
    if input[..seen] != NAME[..seen] {
        return Err(End::Refused(Refusal::Malformed));
    }
    let end = end_of_head(input, limits)?;
    let lines = lines(&input[..end - 4]);
    let (first, lines) = lines.split_first().ok_or(End::Refused(Refusal::Malformed))?;
    let (old, status, reason) = status_line(first).map_err(End::Refused)?;
    let head = Head { old, status, reason: reason.to_vec(), fields: fields(lines)? };
    Ok((head, &input[end..]))
}

/// `HTTP-version SP status-code [ SP reason-phrase ]`
fn status_line(line: &[u8]) -> Result<(bool, u16, &[u8]), Refusal> {
    let &[b'H', b'T', b'T', b'P', b'/', major, b'.', minor, ref behind @ ..] = line else {
        return Err(Refusal::Malformed);
    };
    if !major.is_ascii_digit() || !minor.is_ascii_digit() {
        return Err(Refusal::Malformed);
    }
    if major != b'1' {
        return Err(Refusal::Version);
    }
    let mut parts = behind.splitn(3, |byte| *byte == b' ');
    let mut part = || parts.next().unwrap_or_default();
    let (nothing, code, reason) = (part(), part(), part());
    let is_code = code.len() == 3 && code.iter().all(u8::is_ascii_digit) && code[0] != b'0';
    let is_text = reason.iter().all(|byte| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f));
    if !nothing.is_empty() || !is_code || !is_text {
        return Err(Refusal::Malformed);
    }
    let code = String::from_utf8_lossy(code).parse().map_err(|_| Refusal::Malformed)?;
    Ok((minor == b'0', code, reason))
}
