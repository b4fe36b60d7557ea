//! Digests that a client declares: section 34 of docs/HTTP.md, by the whole of a message.

mod algorithms;
mod sha;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::{Field, base64, dictionary, members, values};

pub use algorithms::{ALGORITHMS, digest, length};

/// Fields that are base64 of one digest, with its algorithm (34.1 and 34.3).
pub const SINGLE: [(&str, &str); 8] = [
    ("content-md5", "md5"),
    ("x-amz-checksum-md5", "md5"),
    ("x-amz-checksum-sha1", "sha"),
    ("x-amz-checksum-sha256", "sha-256"),
    ("x-amz-checksum-sha512", "sha-512"),
    ("x-amz-checksum-crc32", "crc32"),
    ("x-amz-checksum-crc32c", "crc32c"),
    ("x-amz-checksum-crc64nvme", "crc64nvme"),
];

/// Fields that are dictionaries of digests (34.2).
pub const DICTIONARIES: [&str; 2] = ["content-digest", "repr-digest"];

/// The keys of those that are verified.
pub const KEYS: [&str; 5] = ["md5", "sha", "sha-256", "sha-512", "crc32c"];

/// A request that is well-formed in all else.
#[derive(Clone, Copy, Debug)]
pub struct Message<'m> {
    /// The fields of its head.
    pub head: &'m [Field],
    /// True if its content came in chunks.
    pub is_chunked: bool,
    /// All of it.
    pub content: &'m [u8],
    /// The fields behind its last chunk.
    pub trailers: &'m [Field],
}

/// What becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// 400 by the head alone.
    RefusedBefore,
    /// 400 when all of it has come; the connection is kept.
    RefusedAtEnd,
    /// Its content has all digests that were verified: these.
    Good(BTreeSet<String>),
}

/// Judges a message on a server that computes these digests of all content.
pub fn judge(message: &Message<'_>, computed: &[&str]) -> Judgement {
    let without_ignored = |fields: &[Field]| -> Vec<Field> {
        let is_heeded = |(name, _): &&Field| !is_ignored(name, message.head);
        fields.iter().filter(is_heeded).cloned().collect()
    };
    let Some(mut declared) = declarations(&without_ignored(message.head)) else {
        return Judgement::RefusedBefore;
    };
    let announced = announced(message.head);
    if !message.is_chunked && !announced.is_empty() {
        return Judgement::RefusedBefore;
    }
    let mut computed: BTreeSet<String> = computed.iter().map(ToString::to_string).collect();
    computed.extend(declared.iter().map(|(algorithm, _)| algorithm.clone()));
    computed.extend(announced.iter().flat_map(|name| algorithms_of(name)));

    let trailers = if message.is_chunked { without_ignored(message.trailers) } else { Vec::new() };
    let Some(behind) = declarations(&trailers) else { return Judgement::RefusedAtEnd };
    if announced.iter().any(|name| values(&trailers, name).is_empty()) {
        return Judgement::RefusedAtEnd;
    }
    declared.extend(behind);
    declared.retain(|(algorithm, _)| computed.contains(algorithm));
    if declared.iter().any(|(algorithm, value)| digest(algorithm, message.content) != *value) {
        return Judgement::RefusedAtEnd;
    }
    Judgement::Good(declared.into_iter().map(|(algorithm, _)| algorithm).collect())
}

/// An algorithm, and what its digest is said to be.
type Declaration = (String, Vec<u8>);

/// What the fields of one section declare: a head and a trailer section are never merged.
/// `None` if one of them is malformed (34.5) or repeated (34.6), or two contradict each other
/// (34.7).
fn declarations(fields: &[Field]) -> Option<Vec<Declaration>> {
    let mut declared = Vec::new();
    for (name, algorithm) in SINGLE {
        let values = values(fields, name);
        if values.len() > 1 {
            return None;
        }
        for value in values {
            declared.push((algorithm.to_owned(), base64::decode(value)?));
        }
    }
    for name in DICTIONARIES {
        // RFC 9651 section 4.2 has the lines combined before they are parsed.
        let members = dictionary::read(&values(fields, name).join(&b", "[..]))?;
        for key in KEYS {
            let values: Vec<_> = members.iter().filter(|(own, _)| own == key).collect();
            if values.len() > 1 {
                return None;
            }
            for (_, value) in values {
                declared.push((key.to_owned(), value.clone()?));
            }
        }
    }
    let has_length = |(algorithm, value): &Declaration| value.len() == length(algorithm);
    let agrees = |(algorithm, value): &Declaration| {
        declared.iter().all(|(other, its)| other != algorithm || its == value)
    };
    let is_good = declared.iter().all(|one| has_length(one) && agrees(one));
    is_good.then_some(declared)
}

/// The fields of these that `Trailer` announces, in lower case.
fn announced(head: &[Field]) -> Vec<String> {
    let names = members(head, "trailer").into_iter();
    let names = names.map(|name| String::from_utf8_lossy(&name).into_owned());
    let is_one =
        |name: &String| !algorithms_of(name).is_empty() && !is_ignored(name.as_bytes(), head);
    names.filter(is_one).collect()
}

/// What a field may declare, by its name in lower case; nothing if it is none of these.
fn algorithms_of(name: &str) -> Vec<String> {
    if DICTIONARIES.contains(&name) {
        return KEYS.map(str::to_owned).into();
    }
    let known = SINGLE.iter().filter(|(single, _)| *single == name);
    known.map(|(_, algorithm)| algorithm.to_string()).collect()
}

/// 34.13 and 34.14: what stands in the head has a field ignored, wherever that stands.
fn is_ignored(name: &[u8], head: &[Field]) -> bool {
    let is_single = SINGLE.iter().any(|(single, _)| name.eq_ignore_ascii_case(single.as_bytes()));
    let is_of_more =
        name.eq_ignore_ascii_case(b"repr-digest") && !values(head, "content-range").is_empty();
    let is_wrapped = members(head, "content-encoding").iter().any(|one| one == b"aws-chunked")
        || values(head, "x-amz-content-sha256").iter().any(|one| one.starts_with(b"STREAMING-"));
    let is_of_decoded = is_single && is_wrapped;
    is_of_more || is_of_decoded
}
