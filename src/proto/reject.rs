//! Every reason to refuse a request or to close a connection, in words.

use std::fmt;

use super::Response;

/// Why a request was refused: a status and a sentence for the client and the log.
///
/// A refusal always ends its connection: after it nobody can know where the next
/// request would begin.
///
/// # Example
///
/// ```
/// use streamsum::proto::Reject;
///
/// assert_eq!(Reject::LengthAndCoding.status(), 400);
/// assert_eq!(Reject::LengthAndCoding.to_string(),
///            "Content-Length and Transfer-Encoding together");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reject {
    /// More empty lines before the request line than are skipped (RFC 9112 §2.2).
    EmptyLines,
    /// The first byte cannot begin a method: TLS, SSH, or no HTTP at all.
    FirstByte,
    /// A bare CR or a bare LF where a line must end in CRLF (RFC 9112 §2.2).
    LineEnd,
    /// Not `method SP request-target SP HTTP-version` (RFC 9112 §3).
    RequestLine,
    /// A request target of no known form (RFC 9112 §3.2).
    Target,
    /// Not `HTTP/` DIGIT `.` DIGIT (RFC 9112 §2.3).
    Version,
    /// A field line with a bad name, a bad value, no colon, or folded (RFC 9112 §5).
    FieldLine,
    /// An HTTP/1.1 request without Host (RFC 9112 §3.2).
    HostMissing,
    /// More than one Host (RFC 9112 §3.2).
    HostRepeated,
    /// A Host or an authority that is not `uri-host [":" port]` (RFC 9110 §7.2).
    Host,
    /// Content-Length and Transfer-Encoding in one head (RFC 9112 §6.3).
    LengthAndCoding,
    /// A Content-Length that is not one number below 2^63 (RFC 9110 §8.6).
    Length,
    /// More than one Content-Length, even if all agree (RFC 9110 §8.6).
    LengthRepeated,
    /// A Transfer-Encoding that is no list of codings ending in chunked at most once
    /// (RFC 9112 §6.1).
    CodingSyntax,
    /// Transfer-Encoding in an HTTP/1.0 request (RFC 9112 §6.1).
    CodingInHttp10,
    /// A chunk size that is not 1 to 16 hexadecimal digits (RFC 9112 §7.1).
    ChunkSize,
    /// Chunks that add up to 2^63 bytes or more.
    ChunkTooLarge,
    /// A malformed chunk extension (RFC 9112 §7.1.1).
    ChunkExtension,
    /// More chunk extensions than an honest sender needs.
    ChunkOverhead,
    /// No CRLF after a chunk's data (RFC 9112 §7.1).
    ChunkEnd,
    /// The peer ended the connection in mid-request (RFC 9112 §8).
    Truncated,
    /// The head did not end in time.
    HeadTimeout,
    /// The content came too slowly, or not at all.
    BodyTimeout,
    /// The content is longer than this server takes.
    BodyTooLarge,
    /// The request line is longer than this server takes.
    RequestLineTooLong,
    /// An expectation other than `100-continue` (RFC 9110 §10.1.1).
    Expectation,
    /// A head or a trailer section longer than this server takes (RFC 6585 §5).
    HeadTooLarge,
    /// More field lines than this server takes (RFC 6585 §5).
    TooManyFields,
    /// A transfer coding that this server does not know (RFC 9112 §6.1).
    Coding,
    /// CONNECT: this is no proxy (RFC 9110 §9.3.6).
    Connect,
    /// The answer did not come in time.
    Late,
    /// A major version other than 1 (RFC 9110 §15.6.6).
    MajorVersion,
}

impl Reject {
    /// Every reason, for tables and for tests of coverage.
    pub const ALL: [Reject; 32] = {
        use Reject::*;
        [
            EmptyLines,
            FirstByte,
            LineEnd,
            RequestLine,
            Target,
            Version,
            FieldLine,
            HostMissing,
            HostRepeated,
            Host,
            LengthAndCoding,
            Length,
            LengthRepeated,
            CodingSyntax,
            CodingInHttp10,
            ChunkSize,
            ChunkTooLarge,
            ChunkExtension,
            ChunkOverhead,
            ChunkEnd,
            Truncated,
            HeadTimeout,
            BodyTimeout,
            BodyTooLarge,
            RequestLineTooLong,
            Expectation,
            HeadTooLarge,
            TooManyFields,
            Coding,
            Connect,
            Late,
            MajorVersion,
        ]
    };

    /// The status code of the answer (RFC 9110 §15).
    pub fn status(self) -> u16 {
        match self {
            Reject::HeadTimeout | Reject::BodyTimeout => 408,
            Reject::BodyTooLarge => 413,
            Reject::RequestLineTooLong => 414,
            Reject::Expectation => 417,
            Reject::HeadTooLarge | Reject::TooManyFields => 431,
            Reject::Coding | Reject::Connect => 501,
            Reject::Late => 503,
            Reject::MajorVersion => 505,
            _ => 400,
        }
    }

    /// The reason in words, without a full stop.
    pub fn reason(self) -> &'static str {
        match self {
            Reject::EmptyLines => "too many empty lines before the request line",
            Reject::FirstByte => "this is not an HTTP request",
            Reject::LineEnd => "a line does not end in CRLF",
            Reject::RequestLine => "malformed request line",
            Reject::Target => "malformed request target",
            Reject::Version => "malformed HTTP version",
            Reject::FieldLine => "malformed field line",
            Reject::HostMissing => "Host is missing",
            Reject::HostRepeated => "more than one Host",
            Reject::Host => "malformed Host or authority",
            Reject::LengthAndCoding => "Content-Length and Transfer-Encoding together",
            Reject::Length => "malformed Content-Length",
            Reject::LengthRepeated => "more than one Content-Length",
            Reject::CodingSyntax => "malformed Transfer-Encoding",
            Reject::CodingInHttp10 => "Transfer-Encoding in an HTTP/1.0 request",
            Reject::ChunkSize => "malformed chunk size",
            Reject::ChunkTooLarge => "chunk size out of range",
            Reject::ChunkExtension => "malformed chunk extension",
            Reject::ChunkOverhead => "too many chunk extensions",
            Reject::ChunkEnd => "no CRLF after the data of a chunk",
            Reject::Truncated => "the connection ended before the request did",
            Reject::HeadTimeout => "the head did not arrive in time",
            Reject::BodyTimeout => "the content did not arrive in time",
            Reject::BodyTooLarge => "the content is too large",
            Reject::RequestLineTooLong => "the request line is too long",
            Reject::Expectation => "unknown expectation",
            Reject::HeadTooLarge => "the fields are too large",
            Reject::TooManyFields => "too many fields",
            Reject::Coding => "unknown transfer coding",
            Reject::Connect => "CONNECT is not supported",
            Reject::Late => "the answer was not ready in time",
            Reject::MajorVersion => "only HTTP/1.0 and HTTP/1.1 are supported",
        }
    }

    /// The answer that tells the client: the status, and the reason as content.
    pub fn response(self) -> Response {
        Response::text(self.status(), self.reason())
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl std::error::Error for Reject {}

/// Why a connection is not used for another request.
///
/// # Example
///
/// ```
/// use streamsum::proto::CloseReason;
///
/// assert_eq!(CloseReason::PeerAsked.to_string(), "the client asked to close");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseReason {
    /// `Connection: close` in the request (RFC 9112 §9.6).
    PeerAsked,
    /// An HTTP/1.0 request that did not ask to be kept alive (RFC 9112 §9.3).
    Http10,
    /// The request was refused.
    Rejected(Reject),
    /// The answer came before the content was read, so the next request's first
    /// byte cannot be found without reading all of it.
    ContentUnread,
    /// This side takes no more requests: it is shutting down, or said so with
    /// [`Connection::retire`](super::Connection::retire).
    Retired,
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CloseReason::PeerAsked => "the client asked to close",
            CloseReason::Http10 => "HTTP/1.0 without keep-alive",
            CloseReason::Rejected(reject) => reject.reason(),
            CloseReason::ContentUnread => "answered before the content was read",
            CloseReason::Retired => "no more requests are taken",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_words_of_its_own() {
        let mut words: Vec<_> = Reject::ALL.iter().map(|reject| reject.reason()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Reject::ALL.len());
    }
}
