//! Every way in which a message can be malformed, or larger than a limit.

/// Why bytes cannot be read. What follows depends on the role: a server answers with a status,
/// a client gives the connection up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// A bare CR or a bare LF where a line must end in CRLF (RFC 9112 §2.2).
    LineEnd,
    /// The first line of a head is longer than [`Limits::request_line`](super::super::Limits).
    StartLineTooLong,
    /// A head or a trailer section is longer than [`Limits::head`](super::super::Limits).
    SectionTooLarge,
    /// There are more field lines than [`Limits::fields`](super::super::Limits).
    TooManyFields,
    /// A field line with a bad name, a bad value, no colon, or folded (RFC 9112 §5).
    FieldLine,
    /// A Content-Length that is not one number below 2^63 (RFC 9110 §8.6).
    Length,
    /// More than one Content-Length, even if all agree (RFC 9110 §8.6).
    LengthRepeated,
    /// Content-Length and Transfer-Encoding in one head (RFC 9112 §6.3).
    LengthAndCoding,
    /// Transfer-Encoding in a message of HTTP/1.0 (RFC 9112 §6.1).
    CodingInHttp10,
    /// A Transfer-Encoding that is no list of codings in which chunked comes at most once,
    /// and last (RFC 9112 §6.1).
    CodingSyntax,
    /// A transfer coding other than chunked (RFC 9112 §6.1).
    Coding,
    /// A chunk size that is not 1 to 16 hexadecimal digits (RFC 9112 §7.1).
    ChunkSize,
    /// Chunks that add up to 2^63 bytes or more.
    ChunkTooLarge,
    /// A malformed chunk extension (RFC 9112 §7.1.1).
    ChunkExtension,
    /// Chunk lines take more than [`Limits::chunk_overhead`](super::super::Limits).
    ChunkOverhead,
    /// No CRLF after a chunk's data (RFC 9112 §7.1).
    ChunkEnd,
    /// Chunks add up to more than [`Limits::body`](super::super::Limits).
    BodyTooLarge,
}
