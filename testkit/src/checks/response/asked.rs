//! What is asked: the parts of good requests, and requests that are refused.

use streamsum::proto::Reject;

pub(super) const METHODS: [&str; 4] = ["GET", "HEAD", "PUT", "head"];

/// Of Connection: its line, whether it closes, whether it keeps HTTP/1.0.
pub(super) const OPTIONS: [(&str, bool, bool); 5] = [
    ("", false, false),
    ("Connection: close\r\n", true, false),
    ("Connection: keep-alive\r\n", false, true),
    ("Connection: Keep-Alive, CLOSE\r\n", true, true),
    ("Connection: closed\r\n", false, false),
];

/// Of content: its field, and its bytes.
pub(super) const FRAMINGS: [(&str, &str); 4] = [
    ("", ""),
    ("Content-Length: 0\r\n", ""),
    ("Content-Length: 5\r\n", "hello"),
    ("Transfer-Encoding: chunked\r\n", "2\r\nhi\r\n0\r\n\r\n"),
];

/// Requests that the library refuses by itself, and why; `{M}` is a method, and `{L}` is
/// longer than any limit.
pub(super) const REFUSED: [(Reject, &str); 30] = [
    (Reject::EmptyLines, "\r\n\r\n\r\n\r\n\r\n{M} / HTTP/1.1\r\n"),
    (Reject::Connect, "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n"),
    (Reject::HeadTooLarge, "{M} / HTTP/1.1\r\na: {L}\r\n\r\n"),
    (Reject::FirstByte, "\x16\x03\x01"),
    (Reject::LineEnd, "{M} / HTTP/1.1\nHost: x\r\n\r\n"),
    (Reject::RequestLine, "{M} /\r\n\r\n"),
    (Reject::Target, "{M} a HTTP/1.1\r\nHost: x\r\n\r\n"),
    (Reject::Version, "{M} / HTTP/11\r\n\r\n"),
    (Reject::FieldLine, "{M} / HTTP/1.1\r\nHost : x\r\n\r\n"),
    (Reject::HostMissing, "{M} / HTTP/1.1\r\n\r\n"),
    (Reject::HostRepeated, "{M} / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n"),
    (Reject::Host, "{M} / HTTP/1.1\r\nHost: a@b\r\n\r\n"),
    (
        Reject::LengthAndCoding,
        "{M} / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n",
    ),
    (Reject::Length, "{M} / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\n"),
    (
        Reject::LengthRepeated,
        "{M} / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
    ),
    (Reject::CodingSyntax, "{M} / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: a,\r\n\r\n"),
    (Reject::CodingInHttp10, "{M} / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
    (Reject::Coding, "{M} / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
    (Reject::Expectation, "{M} / HTTP/1.1\r\nHost: x\r\nExpect: more\r\n\r\n"),
    (Reject::MajorVersion, "{M} / HTTP/2.0\r\n\r\n"),
    (Reject::BodyTooLarge, "{M} / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n"),
    (Reject::TooManyFields, "{M} / HTTP/1.1\r\na:b\r\na:b\r\na:b\r\na:b\r\na:b\r\n\r\n"),
    (Reject::Truncated, "{M} / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhell"),
    (Reject::Truncated, "{M} / HTTP/1.1\r\nHo"),
    (Reject::ChunkSize, "{M} / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n"),
    (
        Reject::ChunkTooLarge,
        "{M} / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n8000000000000000\r\n",
    ),
    (
        Reject::ChunkExtension,
        "{M} / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;\r\n",
    ),
    (
        Reject::ChunkOverhead,
        "{M} / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;{L}\r\n",
    ),
    (
        Reject::ChunkEnd,
        "{M} / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
    ),
    (Reject::RequestLineTooLong, "{M} /{L} HTTP/1.1\r\n"),
];
