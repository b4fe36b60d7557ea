//! Every reason to refuse a request or to close a connection, in words.

use std::fmt;

use super::super::syntax::Malformed;
use super::Response;

/// Declares the reasons from one table: name, status, code, words.
macro_rules! reasons {
    (
        $(#[$about:meta])*
        $enum:ident;
        $($(#[$doc:meta])* $name:ident, $status:literal, $code:literal, $words:literal;)*
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $enum {
            $($(#[$doc])* $name,)*
        }

        impl $enum {
            /// Every reason, for tables and for tests of coverage.
            pub const ALL: &[$enum] = &[$($enum::$name),*];

            /// The status code of the answer (RFC 9110 §15).
            pub fn status(self) -> u16 {
                match self {
                    $($enum::$name => $status,)*
                }
            }

            /// The reason as one word for programs: of lower-case letters, digits and hyphens.
            pub fn code(self) -> &'static str {
                match self {
                    $($enum::$name => $code,)*
                }
            }

            /// The reason in words, without a full stop.
            pub fn reason(self) -> &'static str {
                match self {
                    $($enum::$name => $words,)*
                }
            }
        }
    };
}

reasons! {
    /// Why a request was refused: a status and a sentence for the client and the log.
    ///
    /// A refusal always closes its connection: it is not known where the next request
    /// would begin.
    ///
    /// # Example
    ///
    /// ```
    /// use streamsum::proto::Reject;
    ///
    /// assert_eq!(Reject::LengthAndCoding.status(), 400);
    /// assert_eq!(Reject::LengthAndCoding.to_string(),
    ///            "Content-Length and Transfer-Encoding together");
    /// assert_eq!(Reject::LengthAndCoding.code(), "length-and-coding");
    /// ```
    Reject;

    /// More empty lines before the request line than are skipped (RFC 9112 §2.2).
    EmptyLines, 400, "empty-lines", "too many empty lines before the request line";
    /// The first byte cannot begin a method: TLS, SSH, or no HTTP at all.
    FirstByte, 400, "first-byte", "this is not an HTTP request";
    /// A bare CR or a bare LF where a line must end in CRLF (RFC 9112 §2.2).
    LineEnd, 400, "line-end", "a line does not end in CRLF";
    /// Not `method SP request-target SP HTTP-version` (RFC 9112 §3).
    RequestLine, 400, "request-line", "malformed request line";
    /// A request target of no known form (RFC 9112 §3.2).
    Target, 400, "target", "malformed request target";
    /// Not `HTTP/` DIGIT `.` DIGIT (RFC 9112 §2.3).
    Version, 400, "version", "malformed HTTP version";
    /// A field line with a bad name, a bad value, no colon, or folded (RFC 9112 §5).
    FieldLine, 400, "field-line", "malformed field line";
    /// An HTTP/1.1 request without Host (RFC 9112 §3.2).
    HostMissing, 400, "host-missing", "Host is missing";
    /// More than one Host (RFC 9112 §3.2).
    HostRepeated, 400, "host-repeated", "more than one Host";
    /// A Host or an authority that is not `uri-host [":" port]` (RFC 9110 §7.2).
    Host, 400, "host", "malformed Host or authority";
    /// Content-Length and Transfer-Encoding in one head (RFC 9112 §6.3).
    LengthAndCoding, 400, "length-and-coding", "Content-Length and Transfer-Encoding together";
    /// A Content-Length that is not one number below 2^63 (RFC 9110 §8.6).
    Length, 400, "length", "malformed Content-Length";
    /// More than one Content-Length, even if all agree (RFC 9110 §8.6).
    LengthRepeated, 400, "length-repeated", "more than one Content-Length";
    /// A Transfer-Encoding that is no list of codings in which chunked comes at most once,
    /// and last (RFC 9112 §6.1).
    CodingSyntax, 400, "coding-syntax", "malformed Transfer-Encoding";
    /// Transfer-Encoding in an HTTP/1.0 request (RFC 9112 §6.1).
    CodingInHttp10, 400, "coding-in-http10", "Transfer-Encoding in an HTTP/1.0 request";
    /// A chunk size that is not 1 to 16 hexadecimal digits (RFC 9112 §7.1).
    ChunkSize, 400, "chunk-size", "malformed chunk size";
    /// Chunks that add up to 2^63 bytes or more.
    ChunkTooLarge, 400, "chunk-too-large", "chunk size out of range";
    /// A malformed chunk extension (RFC 9112 §7.1.1).
    ChunkExtension, 400, "chunk-extension", "malformed chunk extension";
    /// More chunk extensions than an honest sender needs.
    ChunkOverhead, 400, "chunk-overhead", "too many chunk extensions";
    /// No CRLF after a chunk's data (RFC 9112 §7.1).
    ChunkEnd, 400, "chunk-end", "no CRLF after the data of a chunk";
    /// The peer ended the connection within a request (RFC 9112 §8).
    Truncated, 400, "truncated", "the connection ended before the request did";
    /// The head did not end in time.
    HeadTimeout, 408, "head-timeout", "the head did not arrive in time";
    /// The content came too slowly, or not at all.
    BodyTimeout, 408, "body-timeout", "the content did not arrive in time";
    /// The content is longer than this server takes.
    BodyTooLarge, 413, "body-too-large", "the content is too large";
    /// The request line is longer than this server takes.
    RequestLineTooLong, 414, "request-line-too-long", "the request line is too long";
    /// An expectation other than `100-continue` (RFC 9110 §10.1.1).
    Expectation, 417, "expectation", "unknown expectation";
    /// A head or a trailer section longer than this server takes (RFC 6585 §5).
    HeadTooLarge, 431, "head-too-large", "the fields are too large";
    /// More field lines than this server takes (RFC 6585 §5).
    TooManyFields, 431, "too-many-fields", "too many fields";
    /// A transfer coding that this server does not know (RFC 9112 §6.1).
    Coding, 501, "coding", "unknown transfer coding";
    /// CONNECT, which is for proxies (RFC 9110 §9.3.6).
    Connect, 501, "connect", "CONNECT is not supported";
    /// The answer did not come in time.
    Late, 503, "late", "the answer was not ready in time";
    /// A major version other than 1 (RFC 9110 §15.6.6).
    MajorVersion, 505, "major-version", "only HTTP/1.0 and HTTP/1.1 are supported";
}

impl Reject {
    /// The answer that the client gets: the status, and the reason as content.
    #[must_use]
    pub fn response(self) -> Response {
        Response::text(self.status(), self.reason())
    }
}

impl From<Malformed> for Reject {
    fn from(malformed: Malformed) -> Self {
        match malformed {
            Malformed::LineEnd => Self::LineEnd,
            Malformed::StartLineTooLong => Self::RequestLineTooLong,
            Malformed::SectionTooLarge => Self::HeadTooLarge,
            Malformed::TooManyFields => Self::TooManyFields,
            Malformed::FieldLine => Self::FieldLine,
            Malformed::Length => Self::Length,
            Malformed::LengthRepeated => Self::LengthRepeated,
            Malformed::LengthAndCoding => Self::LengthAndCoding,
            Malformed::CodingInHttp10 => Self::CodingInHttp10,
            Malformed::CodingSyntax => Self::CodingSyntax,
            Malformed::Coding => Self::Coding,
            Malformed::ChunkSize => Self::ChunkSize,
            Malformed::ChunkTooLarge => Self::ChunkTooLarge,
            Malformed::ChunkExtension => Self::ChunkExtension,
            Malformed::ChunkOverhead => Self::ChunkOverhead,
            Malformed::ChunkEnd => Self::ChunkEnd,
            Malformed::BodyTooLarge => Self::BodyTooLarge,
        }
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
/// If there are several reasons, the first in this order is reported: `Rejected`,
/// `ContentUnread`, `PeerAsked`, `Http10`, `KeepAliveDisabled`, `RequestLimit`. So
/// `RequestLimit` means that the connection would have been kept without the limit.
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
    /// The server takes no more requests on it, because it is shutting down or for another
    /// reason: [`Connection::disable_keep_alive`](super::Connection::disable_keep_alive).
    KeepAliveDisabled,
    /// It was the last request of [`Limits::requests`](super::Limits::requests).
    RequestLimit,
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CloseReason::PeerAsked => "the client asked to close",
            CloseReason::Http10 => "HTTP/1.0 without keep-alive",
            CloseReason::Rejected(reject) => reject.reason(),
            CloseReason::ContentUnread => "answered before the content was read",
            CloseReason::KeepAliveDisabled => "no more requests are taken",
            CloseReason::RequestLimit => "the connection has had its number of requests",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_status() {
        for reject in Reject::ALL {
            let expected = match reject {
                Reject::HeadTimeout | Reject::BodyTimeout => 408,
                Reject::BodyTooLarge => 413,
                Reject::RequestLineTooLong => 414,
                Reject::Expectation => 417,
                Reject::HeadTooLarge | Reject::TooManyFields => 431,
                Reject::Coding | Reject::Connect => 501,
                Reject::Late => 503,
                Reject::MajorVersion => 505,
                _ => 400,
            };
            assert_eq!(reject.response().status(), expected, "{reject}");
        }
    }

    #[test]
    fn every_reason_has_words_of_its_own() {
        let mut words: Vec<_> = Reject::ALL.iter().map(|reject| reject.reason()).collect();
        assert!(Reject::ALL.iter().map(ToString::to_string).eq(words.iter().copied()));
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Reject::ALL.len());
    }

    #[test]
    fn every_reason_has_its_name_as_its_code() {
        for reject in Reject::ALL {
            let name = format!("{reject:?}");
            let code = reject.code();
            assert_eq!(code.replace('-', ""), name.to_ascii_lowercase());
            let words = name.chars().filter(char::is_ascii_uppercase).count();
            assert_eq!(code.split('-').count(), words, "{code}");
        }
    }

    #[test]
    fn every_close_reason_has_its_words() {
        for (reason, words) in [
            (CloseReason::PeerAsked, "the client asked to close"),
            (CloseReason::Http10, "HTTP/1.0 without keep-alive"),
            (CloseReason::Rejected(Reject::LineEnd), "a line does not end in CRLF"),
            (CloseReason::ContentUnread, "answered before the content was read"),
            (CloseReason::KeepAliveDisabled, "no more requests are taken"),
            (CloseReason::RequestLimit, "the connection has had its number of requests"),
        ] {
            assert_eq!(reason.to_string(), words);
        }
    }
}
