//! Where an upload goes: keys out of request targets.
#![warn(clippy::indexing_slicing, clippy::expect_used)]
#![cfg_attr(test, allow(clippy::indexing_slicing, clippy::expect_used))]

mod bad_key;
mod rules;

use std::fmt;
use std::fmt::Write;

use super::Names;

pub use bad_key::BadKey;
pub use rules::KeyRules;

/// The name under which an upload is kept: a decoded path without the `/` before it, such as
/// `a/b.txt`.
///
/// None of its segments is empty, `.` or `..`, or longer than [`Key::MAX_SEGMENT`]; it has no
/// `\`, and no byte below 0x20 or equal to 0x7f. So each segment is one name in a folder, and a
/// key never leads out of the folder that it is joined to.
///
/// Keys are equal if their bytes are, and are sorted by them, as object stores do. Upper and lower
/// case differ, and so do two ways of Unicode to write the same letter.
///
/// # Example
///
/// ```
/// use streamsum::door::{KeyRules, Place};
///
/// let Place::Named(key) = Place::of("/2026/r%C3%A9sum%C3%A9.pdf", &KeyRules::default())? else {
///     panic!("a path that does not end in /")
/// };
/// assert_eq!(key.as_str(), "2026/résumé.pdf");
/// assert!(key.segments().eq(["2026", "résumé.pdf"]));
/// assert_eq!(key.to_target(), "/2026/r%C3%A9sum%C3%A9.pdf");
/// # Ok::<(), streamsum::door::BadKey>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Box<str>);

impl Key {
    /// Bytes of a key and of the prefix before it: as S3 allows.
    pub const MAX_LENGTH: usize = 1_024;

    /// Bytes of a segment: as file systems allow (`NAME_MAX`).
    pub const MAX_SEGMENT: usize = 255;

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its parts between the `/`; at least one.
    #[must_use]
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }

    /// The key as the path of a URI, for a `Location` field: with the `/` before it, and
    /// percent-encoded where RFC 3986 §3.3 has no such character in a segment. It is ASCII
    /// without white space, so it also suits a log.
    ///
    /// [`Place::of`] gives the key back.
    #[must_use]
    pub fn to_target(&self) -> String {
        let mut target = String::with_capacity(self.0.len() + 1);
        target.push('/');
        for byte in self.0.bytes() {
            if byte == b'/' || is_pchar(byte) {
                target.push(char::from(byte));
            } else {
                let _ = write!(target, "%{byte:02X}");
            }
        }
        target
    }

    /// A key of one more segment, which is one of our own: it breaks no rule, and [`Place::of`]
    /// has left room for it.
    pub(super) fn within(folder: Option<&Self>, name: &str) -> Self {
        match folder {
            Some(folder) => Self(format!("{folder}/{name}").into()),
            None => Self(name.into()),
        }
    }
}

/// The text as it is. It has no line ends of ASCII, and may have those of Unicode: where this
/// matters, [`Key::to_target`] has none at all.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a request target names.
///
/// # Example
///
/// ```
/// use std::time::SystemTime;
/// use streamsum::door::{KeyRules, Names, Place};
///
/// let mut names = Names::new();
/// let key = match Place::of("/incoming/?from=scanner", &KeyRules::default())? {
///     Place::Named(key) => key,
///     // A client that POSTs to a folder leaves the name to us.
///     Place::Within(folder) => names.key_in(folder.as_ref(), SystemTime::now()),
/// };
/// assert!(key.as_str().starts_with("incoming/"));
/// # Ok::<(), streamsum::door::BadKey>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// An object, or a file.
    Named(Key),
    /// A folder, as the path ends in `/`: the upload gets a name of our own in it. `None` is the
    /// root.
    Within(Option<Key>),
}

impl Place {
    /// The key, or that of the folder in which a name is to be made; `None` for the root.
    #[must_use]
    pub fn key(&self) -> Option<&Key> {
        match self {
            Self::Named(key) => Some(key),
            Self::Within(folder) => folder.as_ref(),
        }
    }

    /// Finds what a request target names, as [`Head::target`](crate::proto::Head::target) gives
    /// it: in origin-form, in absolute-form, whose scheme and authority do not matter, or `*`,
    /// which names nothing. It takes one pass over the target and one allocation of its length.
    ///
    /// The query is left out, and the path is percent-decoded once: `%252F` is the text `%2F`.
    /// `+` is a plus, as in every path. An absolute-form target without a path names the root
    /// (RFC 9110 §4.2.3).
    ///
    /// What servers disagree on is refused rather than guessed, so that one name is one key
    /// whoever reads it on the way:
    ///
    /// - `.` and `..` are no segments, encoded or not. nginx resolves them, Go redirects to where
    ///   they lead, S3 has them as names; browsers and curl resolve them before they ask.
    /// - No segment is empty. nginx makes one `/` of two, Go redirects, S3 has them as two.
    /// - `%2F` is no part of a path: nginx and Go decode it to a `/`, other servers refuse it.
    /// - A `\` is none either: Windows and browsers take it for a `/`.
    ///
    /// What RFC 3986 wants encoded and clients send as it is, they may: non-ASCII letters in
    /// UTF-8, and `"`, `<`, `>`, `^`, `` ` ``, `{`, `|`, `}`. `;` begins no parameter.
    ///
    /// # Errors
    ///
    /// The rule that the path breaks, of those that each variant of [`BadKey`] has, with what
    /// `rules` say. For a folder the name that is still to be made counts, too
    /// ([`Names::LENGTH`]).
    pub fn of(target: &str, rules: &KeyRules) -> Result<Self, BadKey> {
        let path = decode(encoded_path(target).ok_or(BadKey::NotAPath)?)?;
        let room = Key::MAX_LENGTH.checked_sub(rules.prefix_length).ok_or(BadKey::Long)?;
        if path.is_empty() {
            return if Names::LENGTH <= room { Ok(Self::Within(None)) } else { Err(BadKey::Long) };
        }
        let (key, length) = match path.strip_suffix('/') {
            Some(folder) => (folder, path.len() + Names::LENGTH),
            None => (path.as_str(), path.len()),
        };
        check(key, rules)?;
        if length > room {
            return Err(BadKey::Long);
        }
        let is_folder = key.len() < path.len();
        let key = Key(key.into());
        Ok(if is_folder { Self::Within(Some(key)) } else { Self::Named(key) })
    }
}

/// The path of a target without the `/` before it and without its query.
fn encoded_path(target: &str) -> Option<&str> {
    let target = target.split('?').next().unwrap_or_default();
    if let Some(path) = target.strip_prefix('/') {
        return Some(path);
    }
    let (scheme, rest) = target.split_once("://")?;
    let is_http = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    is_http.then(|| rest.split_once('/').map_or("", |(_, path)| path))
}

/// Decodes once.
fn decode(encoded: &str) -> Result<String, BadKey> {
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut bytes = encoded.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        let (high, low) = digit().zip(digit()).ok_or(BadKey::Percent)?;
        match u8::try_from(high << 4 | low) {
            Ok(b'/') => return Err(BadKey::EncodedSlash),
            Ok(byte) => decoded.push(byte),
            Err(_) => unreachable!("two digits of four bits each"),
        }
    }
    String::from_utf8(decoded).map_err(|_| BadKey::NotUtf8)
}

/// Judges a decoded path without the `/` around it, but for its length.
fn check(key: &str, rules: &KeyRules) -> Result<(), BadKey> {
    if key.bytes().any(|byte| byte.is_ascii_control()) {
        return Err(BadKey::Control);
    }
    if key.contains('\\') {
        return Err(BadKey::Backslash);
    }
    key.split('/').try_for_each(|segment| match segment {
        "" => Err(BadKey::EmptySegment),
        "." | ".." => Err(BadKey::DotSegment),
        _ if segment.starts_with('.') && !rules.dots => Err(BadKey::LeadingDot),
        _ if segment.len() > Key::MAX_SEGMENT => Err(BadKey::LongSegment),
        _ => Ok(()),
    })
}

/// What a segment of a path may have as it is (RFC 3986 §3.3).
fn is_pchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    const BUCKET: KeyRules = KeyRules { prefix_length: 0, dots: true };

    fn named(target: &str) -> Key {
        match Place::of(target, &BUCKET) {
            Ok(Place::Named(key)) => key,
            other => panic!("{target}: {other:?}"),
        }
    }

    /// Parts of targets, and what they are decoded.
    const PARTS: [(&str, &[u8]); 16] = [
        ("a", b"a"),
        ("A", b"A"),
        ("%61", b"a"),
        ("/", b"/"),
        (".", b"."),
        ("%2e", b"."),
        ("%2E", b"."),
        ("%25", b"%"),
        ("+", b"+"),
        ("%2B", b"+"),
        ("%20", b" "),
        ("\u{e9}", "\u{e9}".as_bytes()),
        ("%C3%a9", "\u{e9}".as_bytes()),
        ("%c3", b"\xc3"),
        ("%A9", b"\xa9"),
        ("\u{301}", "\u{301}".as_bytes()),
    ];

    /// Every target of `PARTS` up to a number of them.
    fn targets(most: u32, mut see: impl FnMut(&str, &[u8])) {
        for count in 0..=most {
            for mut number in 0..PARTS.len().pow(count) {
                let (mut target, mut text) = (String::from("/"), Vec::new());
                for _ in 0..count {
                    let (part, decoded) = PARTS[number % PARTS.len()];
                    number /= PARTS.len();
                    target.push_str(part);
                    text.extend_from_slice(decoded);
                }
                see(&target, &text);
            }
        }
    }

    #[test]
    fn targets_give_one_key_if_and_only_if_their_decoded_texts_are_equal() {
        let mut seen = HashMap::new();
        let mut count = 0;
        targets(4, |target, text| {
            let place = Place::of(target, &BUCKET);
            let expected = match &place {
                Ok(Place::Named(key)) => Some(key.to_string()),
                Ok(Place::Within(Some(folder))) => Some(format!("{folder}/")),
                Ok(Place::Within(None)) => Some(String::new()),
                Err(_) => None,
            };
            if let Some(expected) = expected {
                assert_eq!(expected.as_bytes(), text, "{target}");
                count += 1;
            }
            let first = seen.entry(text.to_vec()).or_insert_with(|| place.clone());
            assert_eq!(*first, place, "{target}");
        });
        assert!(count > 10_000, "many are keys: {count}");
    }

    #[test]
    fn a_key_as_a_target_gives_the_key_back() {
        targets(3, |target, _| match Place::of(target, &BUCKET) {
            Ok(Place::Named(key)) => assert_eq!(named(&key.to_target()), key),
            Ok(Place::Within(Some(folder))) => {
                let again = Place::of(&format!("{}/", folder.to_target()), &BUCKET);
                assert_eq!(again, Ok(Place::Within(Some(folder))));
            }
            Ok(Place::Within(None)) | Err(_) => {}
        });
    }

    #[test]
    fn each_letter_is_encoded_if_it_has_to_be() {
        const AS_THEY_ARE: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789\
                                   -._~!$&'()*+,;=:@";
        for letter in ('\0'..='\u{3000}').filter(|letter| !"/\\\x7f".contains(*letter)) {
            if letter < ' ' {
                continue;
            }
            let key = Key(format!("x{letter}").into());
            let target = key.to_target();
            assert_eq!(named(&target), key, "{target}");
            let plain = AS_THEY_ARE.contains(letter);
            assert_eq!(target == format!("/x{letter}"), plain, "{target}");
            assert!(target.is_ascii());
        }
        assert_eq!(named("/a%20b/%C3%BC%25").to_target(), "/a%20b/%C3%BC%25");
    }

    /// The rules for lengths count the name that is made later.
    #[test]
    fn a_name_of_our_own_fits_wherever_a_folder_is_taken() {
        let room = Key::MAX_LENGTH - Names::LENGTH;
        let rules = |prefix_length| KeyRules { prefix_length, ..BUCKET };
        assert_eq!(Place::of("/", &rules(room)), Ok(Place::Within(None)));
        assert_eq!(Place::of("/", &rules(room + 1)), Err(BadKey::Long));
        assert!(Place::of("/a/", &rules(room - 2)).is_ok());
        assert_eq!(Place::of("/a/", &rules(room - 1)), Err(BadKey::Long));
        for prefix in [Key::MAX_LENGTH, Key::MAX_LENGTH + 1, usize::MAX] {
            assert_eq!(Place::of("/a", &rules(prefix)), Err(BadKey::Long), "{prefix}");
            assert_eq!(Place::of("/", &rules(prefix)), Err(BadKey::Long), "{prefix}");
        }
    }

    #[test]
    fn keys_are_sorted_as_their_bytes() {
        let mut keys: Vec<Key> = ["/b", "/a/b", "/a", "/%C3%A9", "/a-b"].map(named).into();
        keys.sort();
        assert!(keys.iter().map(Key::as_str).eq(["a", "a-b", "a/b", "b", "\u{e9}"]));
    }
}
