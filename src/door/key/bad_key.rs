//! Why a request target gives no key.

use std::fmt;

/// Which rule the path of a request target breaks: 400 (RFC 9110 §15.5.1). Where it breaks
/// several, this is one of them.
///
/// Its text is written for the client, and has nothing of the request in it.
///
/// # Example
///
/// ```
/// use streamsum::door::{BadKey, KeyRules, Place};
///
/// let bad = Place::of("/a/../b", &KeyRules::default()).unwrap_err();
/// assert_eq!(bad, BadKey::DotSegment);
/// assert_eq!(bad.to_string(), "a segment of the path is . or ..");
/// assert_eq!(bad.code(), "key-dot-segment");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BadKey {
    /// The target is `*`, or anything else that neither begins with `/` nor is an http URI.
    NotAPath,
    /// A `%` without two hexadecimal digits behind it.
    Percent,
    /// `%2F`: it would be a `/` to some readers of the key, and a character to others.
    EncodedSlash,
    /// The decoded path is no UTF-8.
    NotUtf8,
    /// A byte below 0x20, or 0x7f.
    Control,
    /// A `\`, encoded or not: some systems take it for a `/`.
    Backslash,
    /// Nothing between two `/`, or between the first and the second.
    EmptySegment,
    /// A segment that is `.` or `..`, encoded or not.
    DotSegment,
    /// A segment that begins with a dot, where [`KeyRules::dots`](field@super::KeyRules::dots) is
    /// false.
    LeadingDot,
    /// A segment of more than [`Key::MAX_SEGMENT`](super::Key::MAX_SEGMENT) bytes.
    LongSegment,
    /// More than [`Key::MAX_LENGTH`](super::Key::MAX_LENGTH) bytes in all: prefix, key, and what
    /// a name of our own takes.
    Long,
}

impl BadKey {
    /// The reason as one word for programs, as [`Fault::code`](crate::digest::Fault::code) is.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::NotAPath => "key-not-a-path",
            Self::Percent => "key-percent",
            Self::EncodedSlash => "key-encoded-slash",
            Self::NotUtf8 => "key-not-utf-8",
            Self::Control => "key-control",
            Self::Backslash => "key-backslash",
            Self::EmptySegment => "key-empty-segment",
            Self::DotSegment => "key-dot-segment",
            Self::LeadingDot => "key-leading-dot",
            Self::LongSegment => "key-long-segment",
            Self::Long => "key-long",
        }
    }
}

impl fmt::Display for BadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAPath => "the request target is no path",
            Self::Percent => "a % in the path has no two hexadecimal digits behind it",
            Self::EncodedSlash => "the path has an encoded /",
            Self::NotUtf8 => "the path is not UTF-8",
            Self::Control => "the path has a control character",
            Self::Backslash => "the path has a backslash",
            Self::EmptySegment => "a segment of the path is empty",
            Self::DotSegment => "a segment of the path is . or ..",
            Self::LeadingDot => "a segment of the path begins with a dot",
            Self::LongSegment => "a segment of the path is longer than 255 bytes",
            Self::Long => {
                "the path is longer than is kept: 1,024 bytes with all that stands before"
            }
        })
    }
}

impl std::error::Error for BadKey {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::Key;
    use super::*;

    #[test]
    fn each_rule_has_words_and_a_word_of_its_own() {
        let all = [
            BadKey::NotAPath,
            BadKey::Percent,
            BadKey::EncodedSlash,
            BadKey::NotUtf8,
            BadKey::Control,
            BadKey::Backslash,
            BadKey::EmptySegment,
            BadKey::DotSegment,
            BadKey::LeadingDot,
            BadKey::LongSegment,
            BadKey::Long,
        ];
        let is_code = |code: &&str| {
            code.bytes().all(|byte| b"-8".contains(&byte) || byte.is_ascii_lowercase())
        };
        let codes: BTreeSet<&str> = all.iter().map(|bad| bad.code()).filter(is_code).collect();
        let texts: BTreeSet<String> = all.iter().map(ToString::to_string).collect();
        assert_eq!((codes.len(), texts.len()), (all.len(), all.len()));
        assert!(BadKey::LongSegment.to_string().contains(&Key::MAX_SEGMENT.to_string()));
        assert_eq!(Key::MAX_LENGTH, 1_024, "as the text says");
    }
}
