//! What a client can do wrong, for every reason to refuse it that bytes can give.

use streamsum::proto::{Limits, Reject};

use crate::random::Random;

/// Bytes of content in a request.
pub(crate) const MOST_CONTENT: u64 = 100_000;

/// Small enough that going over each of them costs few bytes.
pub(crate) fn limits() -> Limits {
    let limits = Limits::default().request_line(1_000).head(8_000).fields(30);
    limits.chunk_overhead(600).body(MOST_CONTENT)
}

/// A head that is refused for this reason, if any can be.
pub(crate) fn bad_head(reject: Reject) -> Option<String> {
    let put = |fields: &str| format!("PUT / HTTP/1.1\r\nHost: x\r\n{fields}\r\n");
    Some(match reject {
        Reject::EmptyLines => format!("{}{}", "\r\n".repeat(5), put("")),
        Reject::FirstByte => "\u{16}\u{3}\u{1}".to_owned(),
        Reject::LineEnd => "PUT / HTTP/1.1\nHost: x\n\n".to_owned(),
        Reject::RequestLine => "PUT /\r\nHost: x\r\n\r\n".to_owned(),
        Reject::Target => "PUT x HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
        Reject::Version => "PUT / HTTP/1.x\r\nHost: x\r\n\r\n".to_owned(),
        Reject::FieldLine => put("X-A : 1\r\n"),
        Reject::HostMissing => "PUT / HTTP/1.1\r\n\r\n".to_owned(),
        Reject::HostRepeated => put("Host: x\r\n"),
        Reject::Host => "PUT / HTTP/1.1\r\nHost: a b\r\n\r\n".to_owned(),
        Reject::LengthAndCoding => put("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"),
        Reject::Length => put("Content-Length: +1\r\n"),
        Reject::LengthRepeated => put("Content-Length: 1\r\nContent-Length: 1\r\n"),
        Reject::CodingSyntax => put("Transfer-Encoding: chunked, chunked\r\n"),
        Reject::CodingInHttp10 => "PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(),
        Reject::RequestLineTooLong => format!("PUT /{} HTTP/1.1\r\n", "x".repeat(1_000)),
        Reject::Expectation => put("Expect: wonders\r\n"),
        Reject::HeadTooLarge => put(&format!("X-A: {}\r\n", "x".repeat(8_000))),
        Reject::TooManyFields => put(&"X-A: 1\r\n".repeat(30)),
        Reject::Coding => put("Transfer-Encoding: gzip\r\n"),
        Reject::Connect => "CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
        Reject::MajorVersion => "PUT / HTTP/2.0\r\nHost: x\r\n\r\n".to_owned(),
        _ => return None,
    })
}

/// What stands behind good chunks and is refused for this reason, if anything can be.
pub(crate) fn bad_chunks(reject: Reject) -> Option<String> {
    Some(match reject {
        Reject::ChunkSize => "0x0\r\n\r\n".to_owned(),
        Reject::ChunkTooLarge => "ffffffffffffffff\r\n".to_owned(),
        Reject::ChunkExtension => "1;=\r\n".to_owned(),
        Reject::ChunkOverhead => format!("1;{}\r\n", "x".repeat(700)),
        Reject::ChunkEnd => "1\r\nxx".to_owned(),
        Reject::BodyTooLarge => "186a1\r\n".to_owned(),
        Reject::LineEnd => "1\nx".to_owned(),
        Reject::FieldLine => "0\r\nno field line\r\n\r\n".to_owned(),
        Reject::HeadTooLarge => format!("0\r\nX-A: {}\r\n\r\n", "x".repeat(8_000)),
        Reject::TooManyFields => format!("0\r\n{}\r\n", "X-A: 1\r\n".repeat(31)),
        _ => return None,
    })
}

/// One of the reasons for which there is something in a table.
pub(crate) fn pick(table: fn(Reject) -> Option<String>, random: &mut Random) -> (Reject, String) {
    let all = Reject::ALL.iter().filter_map(|reject| Some((*reject, table(*reject)?)));
    let all: Vec<(Reject, String)> = all.collect();
    random.pick(&all).clone()
}
