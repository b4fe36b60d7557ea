//! A request of the fuzzer's choice: well-formed but for what it says of its digests. When no
//! bytes are left, all that it says is right.

use std::iter;

use crate::checks::choices::Choices;
use crate::content::content;
use crate::naive::base64;
use crate::naive::digests::{ALGORITHMS, DICTIONARIES, SINGLE, digest};

/// The longest content.
const CONTENT: usize = 300;

/// The most that is drawn for a value as it is.
const RAW: usize = 40;

/// Names that only look like those of digests.
const NEAR: [&str; 6] = [
    "x-amz-checksum-algorithm",
    "Content-MD5x",
    "x-amz-checksum-sha384",
    "x-amz-checksum-",
    "Want-Content-Digest",
    "Digest",
];

/// Keys of dictionaries, those that are not verified last.
const KEYS: [&str; 12] = [
    "sha-256",
    "md5",
    "sha",
    "sha-512",
    "crc32c",
    "crc32",
    "crc64nvme",
    "unixsum",
    "*a",
    "sha256",
    "SHA-256",
    "-",
];

/// Values of dictionaries that are no byte sequences, well-formed and not.
const OTHERS: [&str; 16] = [
    "1",
    "-1.5",
    "\"a, b=\\\"\"",
    "token:/*",
    "?1",
    "@1659578233",
    "%\"%c3%bc\"",
    "()",
    "(:YWJj: 2;a  \"b\");c",
    "1.",
    "?2",
    "(1,2)",
    "@1.0",
    "%\"%C3\"",
    "(",
    "",
];

const PARAMETERS: [&str; 6] = [";a", ";a=1", "; b=:YQ==:;c=\"d\"", ";", ";A", ";a=(1)"];

const SEPARATORS: [&str; 6] = [", ", ",", "\t,\t ", " , ", ",,", " "];

const CODINGS: [&str; 6] =
    ["aws-chunked", "AWS-Chunked", "gzip, aws-chunked", "aws-chunked,gzip", "aws-chunkedx", "gzip"];

/// A request, and where its head ends.
pub(super) struct Upload {
    pub(super) wire: Vec<u8>,
    pub(super) head_length: usize,
}

/// Bytes of a field line without its end.
type Line = Vec<u8>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Framing {
    None,
    Length,
    Chunked,
}

impl Upload {
    pub(super) fn draw(choices: &mut Choices<'_>) -> Self {
        let flags = choices.byte();
        let framing = match flags & 7 {
            0 => Framing::None,
            1..4 => Framing::Length,
            _ => Framing::Chunked,
        };
        let has_content = framing != Framing::None;
        let content = if has_content { draw_content(choices) } else { Vec::new() };
        let mut head = framing_lines(framing, content.len());
        if flags & 8 != 0 {
            head.push(b"Expect: 100-continue".to_vec());
        }
        head.extend((0..choices.below(5)).map(|_| line(choices, &content)));
        if flags & 0x30 == 0x30 {
            let coding = CODINGS[choices.below(CODINGS.len())];
            let line = match choices.below(4) {
                0 => "x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER".to_owned(),
                1 => "X-Amz-Content-SHA256: UNSIGNED-PAYLOAD".to_owned(),
                _ => format!("Content-Encoding: {coding}"),
            };
            insert(&mut head, choices, line.into());
        }
        if flags & 0xc0 == 0xc0 {
            insert(&mut head, choices, b"Content-Range: bytes 0-9/20".to_vec());
        }
        let announced = announce(&mut head, choices, framing);
        let head = [b"PUT /first HTTP/1.1\r\nHost: x\r\n", &*section(&head)].concat();
        let mut wire = head.clone();
        if framing == Framing::Chunked {
            let longest = 1 + choices.below(64);
            for chunk in content.chunks(longest) {
                wire.extend(format!("{:x}\r\n", chunk.len()).bytes());
                wire.extend([chunk, b"\r\n"].concat());
            }
            wire.extend(b"0\r\n");
            wire.extend(section(&trailers(choices, &content, &announced)));
        } else {
            wire.extend(content);
        }
        Self { wire, head_length: head.len() }
    }
}

fn draw_content(choices: &mut Choices<'_>) -> Vec<u8> {
    let length = choices.below(CONTENT);
    content(length, choices.byte().into())
}

fn framing_lines(framing: Framing, length: usize) -> Vec<Line> {
    match framing {
        Framing::None => Vec::new(),
        Framing::Length => vec![format!("Content-Length: {length}").into()],
        Framing::Chunked => vec![b"Transfer-Encoding: chunked".to_vec()],
    }
}

/// Lines with their ends, and the empty one.
fn section(lines: &[Line]) -> Vec<u8> {
    let ended = lines.iter().map(|line| [line, &b"\r\n"[..]].concat());
    ended.chain(iter::once(b"\r\n".to_vec())).flatten().collect()
}

fn insert(lines: &mut Vec<Line>, choices: &mut Choices<'_>, line: Line) {
    let at = choices.below(lines.len() + 1);
    lines.insert(at, line);
}

/// Puts lines into the head that announce trailers, and gives the names of these. Content that
/// is not in chunks has none, so that they are rare there.
fn announce(
    head: &mut Vec<Line>,
    choices: &mut Choices<'_>,
    framing: Framing,
) -> Vec<&'static str> {
    let drawn = choices.below(8);
    let count = if framing == Framing::Chunked { drawn % 3 } else { drawn / 7 };
    let mut announced = Vec::new();
    for _ in 0..count {
        let names: Vec<_> = (0..=choices.below(2)).map(|_| name(choices)).collect();
        let separator = SEPARATORS[choices.below(SEPARATORS.len())];
        insert(head, choices, format!("Trailer: {}", names.join(separator)).into());
        announced.extend(names);
    }
    announced
}

/// Lines of digests; all that were announced may be among them.
fn trailers(choices: &mut Choices<'_>, content: &[u8], announced: &[&str]) -> Vec<Line> {
    let mut lines = Vec::new();
    if choices.below(4) < 3 {
        let mut names = announced.to_vec();
        names.sort_unstable();
        names.dedup();
        lines.extend(names.iter().map(|name| line_of(name, choices, content)));
    }
    for _ in 0..choices.below(5).saturating_sub(lines.len()) {
        let line = line(choices, content);
        insert(&mut lines, choices, line);
    }
    lines
}

fn line(choices: &mut Choices<'_>, content: &[u8]) -> Line {
    let name = name(choices);
    line_of(name, choices, content)
}

fn name(choices: &mut Choices<'_>) -> &'static str {
    let single = SINGLE.iter().map(|(name, _)| *name);
    // A dictionary twice as often, for there is more to be wrong.
    let names: Vec<_> = single.chain(DICTIONARIES).chain(DICTIONARIES).chain(NEAR).collect();
    names[choices.below(names.len())]
}

fn line_of(name: &str, choices: &mut Choices<'_>, content: &[u8]) -> Line {
    let value = if DICTIONARIES.contains(&name) {
        dictionary(choices, content)
    } else {
        let known = SINGLE.iter().find(|(single, _)| *single == name);
        encoded(known.map_or("md5", |(_, algorithm)| algorithm), choices, content)
    };
    let drawn = choices.byte();
    let name = if drawn & 1 == 0 { name.to_owned() } else { name.to_ascii_uppercase() };
    let (before, behind) =
        [(" ", ""), ("", "\t "), ("\t", " "), (" ", "")][usize::from(drawn >> 1 & 3)];
    [name.as_bytes(), b":", before.as_bytes(), &value, behind.as_bytes()].concat()
}

/// A dictionary of digests, mostly.
fn dictionary(choices: &mut Choices<'_>, content: &[u8]) -> Vec<u8> {
    let drawn = choices.below(16);
    if drawn == 15 {
        return raw(choices);
    }
    let mut value = Vec::new();
    // Mostly of one member, or else few are right.
    for place in 0..[1, 1, 2, 3][drawn % 4] {
        if place > 0 {
            value.extend(SEPARATORS[separator(choices)].bytes());
        }
        let key = KEYS[choices.below(KEYS.len())];
        value.extend(key.bytes());
        match choices.below(8) {
            6 => value.extend(["=", OTHERS[choices.below(OTHERS.len())]].concat().bytes()),
            7 => {}
            _ => value.extend([b"=:", &*encoded(key, choices, content), b":"].concat()),
        }
        if choices.below(8) == 7 {
            value.extend(PARAMETERS[choices.below(PARAMETERS.len())].bytes());
        }
    }
    value
}

/// One that is right three times as often as another.
fn separator(choices: &mut Choices<'_>) -> usize {
    let drawn = choices.below(14);
    if drawn < 12 { drawn % 4 } else { drawn - 8 }
}

/// A digest in base64, in several ways that are right, and some that are wrong. A name that is
/// no algorithm's has that of `md5`.
fn encoded(algorithm: &str, choices: &mut Choices<'_>, content: &[u8]) -> Vec<u8> {
    let algorithm = if ALGORITHMS.contains(&algorithm) { algorithm } else { "md5" };
    let mut bytes = digest(algorithm, content);
    let right = base64::encode(&bytes);
    let bare = right.iter().position(|&byte| byte == b'=').unwrap_or(right.len());
    match choices.below(32) {
        0..20 => right,
        20..22 => right[..bare].to_vec(),
        22..24 => {
            // All of these digests leave at least two spare bits.
            let mut spare = right;
            spare[bare - 1] = above(spare[bare - 1], choices.below(4));
            spare
        }
        24..26 => {
            let bit = choices.below(8 * bytes.len());
            bytes[bit / 8] ^= 1 << (bit % 8);
            base64::encode(&bytes)
        }
        26 => base64::encode(&bytes[..bytes.len() - 1]),
        27 => right[..right.len() - 1].to_vec(),
        28 => [&right, &b", "[..], &right].concat(),
        29 => {
            let mut changed = right;
            let at = choices.below(changed.len());
            changed[at] = raw_byte(choices.byte());
            changed
        }
        _ => raw(choices),
    }
}

/// The letter of base64 whose value is so much more, where that changes no more than the last two
/// bits.
fn above(letter: u8, more: usize) -> u8 {
    let bytes = base64::decode(&[b'A', b'A', b'A', letter]).expect("four letters");
    base64::encode(&[0, 0, bytes[2] | more as u8])[3]
}

/// Bytes that may stand in a value.
fn raw(choices: &mut Choices<'_>) -> Vec<u8> {
    let length = choices.below(RAW);
    choices.bytes(length).iter().map(|&byte| raw_byte(byte)).collect()
}

fn raw_byte(byte: u8) -> u8 {
    if matches!(byte, b'\t' | b' '..=b'~' | 0x80..) { byte } else { b'A' + (byte & 0x1f) }
}
