//! Connections that do what they came for and leave.

use std::net::SocketAddr;

use crate::content::{Content, Contents};
use crate::kind::{Kind, kind};
use crate::peer::{Peer, Wrong};
use crate::tally::Counter;

/// What one connection of this kind does.
type Quick = fn(Peer<'_>, &Contents, u64) -> Result<(), Wrong>;

pub(crate) const KINDS: &[Kind<Quick>] = &[
    kind("one by one", 28, one_by_one),
    kind("pipelined", 15, pipelined),
    kind("without content", 9, without_content),
    kind("HTTP/1.0", 2, http_1_0),
    kind("declared length", 8, declared_length),
    kind("chunked", 8, chunked),
    kind("large", 2, large),
    kind("Expect: 100-continue", 5, expecting),
    kind("refused", 9, refused),
    kind("refused in its content", 2, refused_in_content),
    kind("half-closed", 4, half_closed),
    kind("ended in its content", 2, ended_in_content),
    kind("reset in its content", 3, reset_in_content),
    kind("left without a word", 3, left),
];

/// The kind of the connection with this number.
pub(crate) fn kind_of(number: u64) -> &'static Kind<Quick> {
    // 37 and 100 have no common factor: the kinds come mixed, and as often as they should.
    let mut place = number * 37 % 100;
    let found = KINDS.iter().find(|kind| {
        let is_it = place < kind.count;
        place = place.saturating_sub(kind.count);
        is_it
    });
    found.expect("the shares sum up to a hundred")
}

impl Kind<Quick> {
    pub(crate) fn run(
        &self,
        address: SocketAddr,
        counter: Counter<'_>,
        contents: &Contents,
        number: u64,
    ) -> Result<(), Wrong> {
        // What a connection does must not hang together with which kind it is of.
        let variant = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        (self.play)(Peer::connect(address, counter)?, contents, variant)
    }
}

/// Requests of one connection.
const ONE_BY_ONE: u64 = 20;
const PIPELINED: u64 = 32;
/// Bytes of one write.
const WRITE: usize = 64 << 10;

pub(crate) fn put(content: &Content<'_>, fields: &str) -> Vec<u8> {
    let length = content.bytes.len();
    let head = format!("PUT /soak HTTP/1.1\r\nHost: s\r\nContent-Length: {length}\r\n{fields}\r\n");
    [head.as_bytes(), content.bytes].concat()
}

/// In chunks of `size` bytes, every third time with extensions and a trailer section.
pub(crate) fn put_chunked(content: &Content<'_>, size: usize, variant: u64) -> Vec<u8> {
    let (extension, trailers) = match variant % 3 {
        0 => (";part=\"a;b\"", "Soaked: yes\r\n"),
        _ => ("", ""),
    };
    let mut bytes = b"PUT /soak HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for (at, chunk) in content.bytes.chunks(size).enumerate() {
        let extension = if at < 100 { extension } else { "" };
        bytes.extend_from_slice(format!("{:x}{extension}\r\n", chunk.len()).as_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(format!("0\r\n{trailers}\r\n").as_bytes());
    bytes
}

fn one_by_one(mut peer: Peer<'_>, contents: &Contents, variant: u64) -> Result<(), Wrong> {
    for number in variant..variant + ONE_BY_ONE {
        let content = contents.small(number);
        peer.send(&put(&content, ""))?;
        peer.read_digest(&content)?;
    }
    Ok(())
}

fn pipelined(mut peer: Peer<'_>, contents: &Contents, variant: u64) -> Result<(), Wrong> {
    let numbers = variant..variant + PIPELINED;
    let mut bytes = Vec::new();
    for number in numbers.clone() {
        let content = contents.small(number);
        let request = match number % 2 {
            0 => put(&content, ""),
            _ => put_chunked(&content, 100, number),
        };
        bytes.extend(request);
    }
    let closes = variant.is_multiple_of(2);
    if closes {
        bytes.extend(b"GET / HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n");
    }
    peer.send(&bytes)?;
    for number in numbers {
        peer.read_digest(&contents.small(number))?;
    }
    if closes {
        peer.read_digest(&Contents::nothing())?;
        peer.read_end()?;
    }
    Ok(())
}

fn without_content(mut peer: Peer<'_>, _: &Contents, _: u64) -> Result<(), Wrong> {
    for start in ["GET /?soak", "HEAD /", "OPTIONS *", "DELETE http://s/soak"] {
        peer.send(format!("{start} HTTP/1.1\r\nHost: s\r\nUser-Agent: soak\r\n\r\n").as_bytes())?;
        match start.starts_with("HEAD") {
            true => peer.read_bare_head()?,
            false => peer.read_digest(&Contents::nothing())?,
        }
    }
    Ok(())
}

fn http_1_0(mut peer: Peer<'_>, contents: &Contents, variant: u64) -> Result<(), Wrong> {
    let content = contents.small(variant);
    let head = format!("PUT / HTTP/1.0\r\nContent-Length: {}\r\n\r\n", content.bytes.len());
    peer.send(&[head.as_bytes(), content.bytes].concat())?;
    peer.read_digest(&content)?;
    peer.read_end()
}

fn declared_length(mut peer: Peer<'_>, contents: &Contents, variant: u64) -> Result<(), Wrong> {
    for number in [variant, variant + 1] {
        let content = contents.medium(number);
        for part in put(&content, "").chunks(WRITE) {
            peer.send(part)?;
        }
        peer.read_digest(&content)?;
    }
    Ok(())
}

fn chunked(mut peer: Peer<'_>, contents: &Contents, variant: u64) -> Result<(), Wrong> {
    let small = contents.small(variant);
    peer.send(&put_chunked(&small, 1, variant))?;
    peer.read_digest(&small)?;
    let content = contents.medium(variant);
    let size = [1000, 8 << 10, 70_000][variant as usize % 3];
    for part in put_chunked(&content, size, variant / 3).chunks(WRITE) {
        peer.send(part)?;
    }
    peer.read_digest(&content)
}

fn large(mut peer: Peer<'_>, contents: &Contents, variant: u64) -> Result<(), Wrong> {
    let content = contents.large(variant);
    let request = match variant / 2 % 2 {
        0 => put(&content, ""),
        _ => put_chunked(&content, 100_000, variant),
    };
    peer.send(&request)?;
    peer.read_digest(&content)
}

fn expecting(mut peer: Peer<'_>, contents: &Contents, variant: u64) -> Result<(), Wrong> {
    for content in [contents.small(variant), contents.medium(variant)] {
        let request = put(&content, "Expect: 100-continue\r\n");
        let (head, bytes) = request.split_at(request.len() - content.bytes.len());
        peer.send(head)?;
        peer.read_continue()?;
        peer.send(bytes)?;
        peer.read_digest(&content)?;
    }
    Ok(())
}

/// Content that no server takes whose limit is below this.
const TOO_LONG: &str = "Content-Length: 1099511627776\r\n";

fn refused(mut peer: Peer<'_>, contents: &Contents, variant: u64) -> Result<(), Wrong> {
    let put = |fields: &str| format!("PUT / HTTP/1.1\r\nHost: s\r\n{fields}\r\n");
    let chunked = |rest: &str| put("Transfer-Encoding: chunked\r\n") + rest;
    let (request, status) = match variant % 14 {
        0 => ("GET / HTTP/1.1\nHost: s\r\n\r\n".into(), 400),
        1 => ("GET / HTTP/1.1\r\n\r\n".into(), 400),
        2 => (put("Content-Length: 5\r\nContent-Length: 5\r\n"), 400),
        3 => (put("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), 400),
        4 => (chunked("5\r\nhello\r\n+5\r\n"), 400),
        5 => (put(TOO_LONG), 413),
        6 => (put(&format!("{TOO_LONG}Expect: 100-continue\r\n")), 413),
        7 => (chunked("5\r\nhello\r\nffffffffff\r\n"), 413),
        8 => (format!("GET /{} HTTP/1.1\r\n", "x".repeat(20_000)), 414),
        9 => (put("Content-Length: 1\r\nExpect: tea\r\n"), 417),
        10 => (put(&"Many: fields\r\n".repeat(101)), 431),
        11 => (put(&format!("Long: {}\r\n", "x".repeat(70_000))), 431),
        12 => (put("Transfer-Encoding: gzip, chunked\r\n"), 501),
        _ => ("GET / HTTP/2.0\r\nHost: s\r\n\r\n".into(), 505),
    };
    // Half of them come behind good ones.
    let before = (variant / 14).is_multiple_of(2).then(|| contents.small(variant));
    let mut bytes = before.as_ref().map_or(Vec::new(), |content| self::put(content, ""));
    bytes.extend(request.as_bytes());
    peer.send(&bytes)?;
    if let Some(content) = before {
        peer.read_digest(&content)?;
    }
    peer.read_refusal(status)
}

/// The refusal is there while the client is still sending, and it goes on for some time.
fn refused_in_content(mut peer: Peer<'_>, contents: &Contents, variant: u64) -> Result<(), Wrong> {
    peer.send(format!("PUT / HTTP/1.1\r\nHost: s\r\n{TOO_LONG}\r\n").as_bytes())?;
    // No more than the server reads and throws away.
    for part in contents.large(variant).bytes.chunks(WRITE).take(12) {
        peer.send(part)?;
    }
    peer.read_refusal(413)
}

fn half_closed(mut peer: Peer<'_>, contents: &Contents, variant: u64) -> Result<(), Wrong> {
    let all = [contents.small(variant), contents.medium(variant), contents.small(variant + 1)];
    let requests: Vec<_> = all.iter().flat_map(|content| put(content, "")).collect();
    peer.send(&requests)?;
    peer.finish_sending()?;
    all.iter().try_for_each(|content| peer.read_digest(content))?;
    peer.read_end()
}

fn ended_in_content(mut peer: Peer<'_>, contents: &Contents, variant: u64) -> Result<(), Wrong> {
    let content = contents.medium(variant);
    let request = match variant % 2 {
        0 => put(&content, ""),
        _ => put_chunked(&content, 8 << 10, variant),
    };
    peer.send(&request[..request.len() - 1])?;
    peer.finish_sending()?;
    peer.read_refusal(400)
}

fn reset_in_content(mut peer: Peer<'_>, contents: &Contents, variant: u64) -> Result<(), Wrong> {
    let content = contents.medium(variant);
    let request = put(&content, "");
    // What is left unread is the answer to the first.
    peer.send(&[&request, &request[..request.len() / 2]].concat())?;
    peer.reset(2)
}

fn left(mut peer: Peer<'_>, contents: &Contents, variant: u64) -> Result<(), Wrong> {
    let request = put(&contents.medium(variant), "");
    let (sent, requests) = match variant % 4 {
        0 => (0, 0),
        1 => (20, 1),
        2 => (request.len() / 2, 1),
        _ => (request.len(), 1),
    };
    peer.send(&request[..sent])?;
    peer.give_up(requests)
}
