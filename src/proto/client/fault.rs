//! Every reason to give up a connection to a server, in words.

use std::fmt;

use super::super::syntax::Malformed;

/// Why what a server sends is no answer that can be taken.
///
/// # Example
///
/// ```
/// use streamsum::proto::Limits;
/// use streamsum::proto::client::{Connection, Fault};
///
/// let mut connection = Connection::new(Limits::for_answers());
/// let fault = connection.receive(&mut b"HTTP/1.1 408 Request Timeout\r\n".to_owned()).unwrap_err();
/// assert_eq!(fault, Fault::Unasked);
/// assert_eq!(fault.to_string(), "bytes came that nobody has asked for");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// Bytes came while no answer was due.
    Unasked,
    /// Not `HTTP-version SP status-code [SP reason-phrase]` (RFC 9112 §4).
    StatusLine,
    /// A version other than HTTP/1 (RFC 9110 §2.5).
    Version,
    /// 101 (Switching Protocols), which nobody has asked for (RFC 9110 §15.2.2).
    SwitchingProtocols,
    /// More interim answers than [`Limits::interim`](super::super::Limits).
    TooManyInterim,
    /// A bare CR or a bare LF where a line must end in CRLF (RFC 9112 §2.2).
    LineEnd,
    /// A status line, a head or a trailer section is longer than its
    /// [limit](super::super::Limits).
    HeadTooLarge,
    /// More field lines than [`Limits::fields`](super::super::Limits).
    TooManyFields,
    /// A field line with a bad name, a bad value, no colon, or folded (RFC 9112 §5).
    FieldLine,
    /// A Content-Length that is not one number below 2^63 (RFC 9110 §8.6).
    Length,
    /// More than one Content-Length, even if all agree (RFC 9110 §8.6).
    LengthRepeated,
    /// Content-Length and Transfer-Encoding in one head (RFC 9112 §6.3).
    LengthAndCoding,
    /// A transfer coding other than chunked, or one in an answer of HTTP/1.0 (RFC 9112 §6.1).
    Coding,
    /// Malformed chunks, or more framing of them than
    /// [`Limits::chunk_overhead`](super::super::Limits) (RFC 9112 §7.1).
    Chunk,
    /// More content than [`Limits::body`](super::super::Limits).
    ContentTooLarge,
    /// The server ended the connection before the first byte of an answer.
    NoAnswer,
    /// The server ended the connection within an answer (RFC 9112 §8), or after an interim one.
    Truncated,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::Unasked => "bytes came that nobody has asked for",
            Fault::StatusLine => "malformed status line",
            Fault::Version => "the answer is not of HTTP/1",
            Fault::SwitchingProtocols => "the server switched protocols",
            Fault::TooManyInterim => "too many interim answers",
            Fault::LineEnd => "a line does not end in CRLF",
            Fault::HeadTooLarge => "the head is too large",
            Fault::TooManyFields => "too many field lines",
            Fault::FieldLine => "malformed field line",
            Fault::Length => "malformed Content-Length",
            Fault::LengthRepeated => "more than one Content-Length",
            Fault::LengthAndCoding => "Content-Length and Transfer-Encoding together",
            Fault::Coding => "a transfer coding that cannot be read",
            Fault::Chunk => "malformed chunks",
            Fault::ContentTooLarge => "the content is too large",
            Fault::NoAnswer => "the connection ended before an answer",
            Fault::Truncated => "the connection ended before the answer did",
        })
    }
}

impl std::error::Error for Fault {}

impl From<Malformed> for Fault {
    fn from(malformed: Malformed) -> Self {
        match malformed {
            Malformed::LineEnd => Fault::LineEnd,
            Malformed::StartLineTooLong | Malformed::SectionTooLarge => Fault::HeadTooLarge,
            Malformed::TooManyFields => Fault::TooManyFields,
            Malformed::FieldLine => Fault::FieldLine,
            Malformed::Length => Fault::Length,
            Malformed::LengthRepeated => Fault::LengthRepeated,
            Malformed::LengthAndCoding => Fault::LengthAndCoding,
            Malformed::CodingInHttp10 | Malformed::CodingSyntax | Malformed::Coding => {
                Fault::Coding
            }
            Malformed::ChunkSize
            | Malformed::ChunkTooLarge
            | Malformed::ChunkExtension
            | Malformed::ChunkOverhead
            | Malformed::ChunkEnd => Fault::Chunk,
            Malformed::BodyTooLarge => Fault::ContentTooLarge,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_words_of_its_own() {
        let all = [
            Fault::Unasked,
            Fault::StatusLine,
            Fault::Version,
            Fault::SwitchingProtocols,
            Fault::TooManyInterim,
            Fault::LineEnd,
            Fault::HeadTooLarge,
            Fault::TooManyFields,
            Fault::FieldLine,
            Fault::Length,
            Fault::LengthRepeated,
            Fault::LengthAndCoding,
            Fault::Coding,
            Fault::Chunk,
            Fault::ContentTooLarge,
            Fault::NoAnswer,
            Fault::Truncated,
        ];
        let mut words = all.map(|fault| fault.to_string());
        words.sort_unstable();
        assert!(words.iter().all(|words| !words.is_empty()));
        assert!(words.windows(2).all(|two| two[0] != two[1]), "{words:?}");
    }
}
