//! The lines of a token file.

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, SystemTime};

use bytesize::Unit;

use super::{Rights, TokenHash};

/// Tokens that a file may have: each request is compared with all of them, in the loop that
/// serves all others, and 10,000 take it some 50 µs.
pub(super) const MOST_TOKENS: usize = 10_000;

/// Bytes of a name, which stands in a line of the log for each upload.
const LONGEST_NAME: usize = 64;

/// Characters of a token that stands in the file as it is. What is shorter is guessed.
const SHORTEST_TOKEN: usize = 8;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Which line of a token file is wrong, and why. It shows nothing of the line: its words may
/// stand in the wrong order, and any of them be the token.
///
/// # Example
///
/// ```
/// use streamsum::door::Tokens;
///
/// let error = Tokens::parse("alice correct-horse\nbob battery-staple prefix=bob").unwrap_err();
/// assert_eq!(error.line(), 2);
/// assert_eq!(
///     error.to_string(),
///     "line 2: a prefix is written like a/b/, with a slash at its end and none before it"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenFileError {
    line: usize,
    wrong: Wrong,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Name,
    /// The name of this line.
    NameAgain(usize),
    NoToken,
    Token,
    Hex,
    /// The token of this line.
    TokenAgain(usize),
    UnknownOption,
    OptionAgain,
    Prefix,
    Size,
    Date,
    TooMany,
}

impl TokenFileError {
    /// The number of the line; the first is 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }
}

impl fmt::Display for TokenFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        f.write_str(match self.wrong {
            Wrong::Name => {
                "a name has at most 64 characters, all of them printable ASCII, and no quote"
            }
            Wrong::NameAgain(first) => return write!(f, "it has the name of line {first}"),
            Wrong::NoToken => "it has a name and no token",
            Wrong::Token => {
                "a token has at least 8 characters, all of them printable ASCII, or is sha256:HEX"
            }
            Wrong::Hex => "sha256: has 64 hexadecimal digits after it",
            Wrong::TokenAgain(first) => return write!(f, "it has the token of line {first}"),
            Wrong::UnknownOption => "what follows the token is prefix=, max= or expires=",
            Wrong::OptionAgain => "it has an option twice",
            Wrong::Prefix => {
                "a prefix is written like a/b/, with a slash at its end and none before it"
            }
            Wrong::Size => "max is a size above 0, which is written like 8MiB",
            Wrong::Date => {
                "a date is written like 2026-12-31, or with its time like 2026-12-31T12:00:00Z"
            }
            Wrong::TooMany => return write!(f, "a file has at most {MOST_TOKENS} tokens"),
        })
    }
}

impl std::error::Error for TokenFileError {}

/// What each line with a token says.
pub(super) fn entries(text: &str) -> Result<Vec<(TokenHash, Rights)>, TokenFileError> {
    let mut entries = Vec::new();
    let (mut names, mut hashes) = (HashMap::new(), HashMap::new());
    for (line, text) in (1..).zip(text.lines()) {
        let text = text.trim_ascii();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let wrong = |wrong| TokenFileError { line, wrong };
        if entries.len() == MOST_TOKENS {
            return Err(wrong(Wrong::TooMany));
        }
        let (hash, rights) = parse_line(text).map_err(wrong)?;
        if let Some(first) = names.insert(rights.name.clone(), line) {
            return Err(wrong(Wrong::NameAgain(first)));
        }
        if let Some(first) = hashes.insert(hash, line) {
            return Err(wrong(Wrong::TokenAgain(first)));
        }
        entries.push((hash, rights));
    }
    Ok(entries)
}

fn parse_line(line: &str) -> Result<(TokenHash, Rights), Wrong> {
    let mut words = line.split_ascii_whitespace();
    let name = words.next().filter(|name| is_name(name)).ok_or(Wrong::Name)?.into();
    let hash = parse_token(words.next().ok_or(Wrong::NoToken)?)?;
    let mut rights = Rights { name, prefix: None, max: None, expires: None };
    for option in words {
        let is_again = match option.split_once('=').ok_or(Wrong::UnknownOption)? {
            ("prefix", value) => rights.prefix.replace(parse_prefix(value)?).is_some(),
            ("max", value) => rights.max.replace(parse_size(value).ok_or(Wrong::Size)?).is_some(),
            ("expires", value) => {
                rights.expires.replace(parse_date(value).ok_or(Wrong::Date)?).is_some()
            }
            _ => return Err(Wrong::UnknownOption),
        };
        if is_again {
            return Err(Wrong::OptionAgain);
        }
    }
    Ok((hash, rights))
}

fn is_name(name: &str) -> bool {
    let is_good = |byte: u8| byte.is_ascii_graphic() && byte != b'"';
    name.len() <= LONGEST_NAME && name.bytes().all(is_good)
}

fn parse_token(token: &str) -> Result<TokenHash, Wrong> {
    if let Some(digits) = token.strip_prefix("sha256:") {
        return TokenHash::from_hex(digits).ok_or(Wrong::Hex);
    }
    let is_good =
        token.len() >= SHORTEST_TOKEN && token.bytes().all(|byte| byte.is_ascii_graphic());
    if is_good { Ok(TokenHash::of(token.as_bytes())) } else { Err(Wrong::Token) }
}

/// No key has segments that are empty or made of dots alone: such a prefix would let nothing in.
fn parse_prefix(prefix: &str) -> Result<Box<str>, Wrong> {
    let mut segments = prefix.strip_suffix('/').ok_or(Wrong::Prefix)?.split('/');
    let are_good = segments.all(|segment| !matches!(segment, "" | "." | ".."));
    if are_good { Ok(prefix.into()) } else { Err(Wrong::Prefix) }
}

/// Whole numbers only, as on the command line.
fn parse_size(text: &str) -> Option<u64> {
    let (digits, unit) = text.split_at(text.bytes().take_while(u8::is_ascii_digit).count());
    let unit = if unit.is_empty() { Unit::Byte } else { unit.parse().ok()? };
    let number: u64 = digits.parse().ok()?;
    number.checked_mul(unit * 1).filter(|size| *size > 0)
}

/// The first moment at which it is over. Times are in UTC and of whole seconds: humantime takes
/// more than RFC 3339 allows behind these.
fn parse_date(text: &str) -> Option<SystemTime> {
    match text.len() {
        10 => humantime::parse_rfc3339(&format!("{text}T00:00:00Z")).ok()?.checked_add(DAY),
        20 => humantime::parse_rfc3339(text).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Tokens;
    use super::*;

    #[test]
    fn a_line_is_wrong_for_a_reason() {
        let x65 = format!("{} 12345678", "x".repeat(65));
        let (hex63, hex65) = ("0".repeat(63), "0".repeat(65));
        let (hex63, hex65) = (format!("a sha256:{hex63}"), format!("a sha256:{hex65}"));
        let no_hex = format!("a sha256:{}g", "0".repeat(63));
        let plus = format!("a sha256:{}", "+f".repeat(32));
        for (line, wrong) in [
            (x65.as_str(), Wrong::Name),
            ("\"a\" 12345678", Wrong::Name),
            ("\u{e4} 12345678", Wrong::Name),
            ("\u{feff}a 12345678", Wrong::Name),
            ("a\x7f 12345678", Wrong::Name),
            ("a", Wrong::NoToken),
            ("a 1234567", Wrong::Token),
            ("a 1234567\u{e4}", Wrong::Token),
            ("a 1234567\x01", Wrong::Token),
            ("a sha256:", Wrong::Hex),
            (&hex63, Wrong::Hex),
            (&hex65, Wrong::Hex),
            (&no_hex, Wrong::Hex),
            (&plus, Wrong::Hex),
            ("a 12345678 b", Wrong::UnknownOption),
            ("a 12345678 =", Wrong::UnknownOption),
            ("a 12345678 Max=1", Wrong::UnknownOption),
            ("a 12345678 # a remark", Wrong::UnknownOption),
            ("a 12345678 max=1 max=1", Wrong::OptionAgain),
            ("a 12345678 prefix=a/ max=1 prefix=b/", Wrong::OptionAgain),
            ("a 12345678 expires=2026-12-31 expires=2026-12-31", Wrong::OptionAgain),
            ("a 12345678 prefix=", Wrong::Prefix),
            ("a 12345678 prefix=/", Wrong::Prefix),
            ("a 12345678 prefix=/a/", Wrong::Prefix),
            ("a 12345678 prefix=a", Wrong::Prefix),
            ("a 12345678 prefix=a//", Wrong::Prefix),
            ("a 12345678 prefix=a/../", Wrong::Prefix),
            ("a 12345678 prefix=./", Wrong::Prefix),
            ("a 12345678 max=", Wrong::Size),
            ("a 12345678 max=0", Wrong::Size),
            ("a 12345678 max=-1", Wrong::Size),
            ("a 12345678 max=1.5MiB", Wrong::Size),
            ("a 12345678 max=MiB", Wrong::Size),
            ("a 12345678 max=8Mib8", Wrong::Size),
            ("a 12345678 max=16EiB", Wrong::Size),
            ("a 12345678 expires=", Wrong::Date),
            ("a 12345678 expires=tomorrow", Wrong::Date),
            ("a 12345678 expires=2026-13-01", Wrong::Date),
            ("a 12345678 expires=2026-02-29", Wrong::Date),
            ("a 12345678 expires=2026/12/31", Wrong::Date),
            ("a 12345678 expires=1969-12-31", Wrong::Date),
            ("a 12345678 expires=2026-12-31T24:00:00Z", Wrong::Date),
            ("a 12345678 expires=2026-12-31T12:00:00", Wrong::Date),
            ("a 12345678 expires=2026-12-31T12:00:00ZZ", Wrong::Date),
            ("a 12345678 expires=2026-12-31T12:00:00+01:00", Wrong::Date),
            ("a 12345678 expires=\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}", Wrong::Date),
        ] {
            let error = Tokens::parse(&format!("\n#\n{line}\n")).expect_err(line);
            assert_eq!((error.line(), error.wrong), (3, wrong), "{line}");
        }
    }

    #[test]
    fn names_and_tokens_are_unique() {
        let again = |lines: &str| Tokens::parse(lines).expect_err(lines).to_string();
        assert_eq!(again("a 12345678\n\na 87654321"), "line 3: it has the name of line 1");
        assert_eq!(again("\na 12345678\nb 12345678"), "line 3: it has the token of line 2");
        let hash = "ef797c8118f02dfb649607dd5d3f8c7623048c9c063d532cc95c5ed7a898a64f";
        let both = format!("a 12345678\nb sha256:{hash}");
        assert_eq!(again(&both), "line 2: it has the token of line 1");
        assert!(Tokens::parse("a 12345678\nA 12345679").is_ok());
    }

    #[test]
    fn extremes_are_taken() {
        let name = "~".repeat(64);
        let line = format!("{name} !#%'=,;: max=1 prefix=\u{e4}=%2F/b/ expires=9999-12-31");
        assert!(Tokens::parse(&line).is_ok(), "{line}");
        for (size, bytes) in [("1", 1), ("8MB", 8_000_000), ("15EiB", 15 << 60)] {
            assert_eq!(parse_size(size), Some(bytes), "{size}");
        }
        assert!(entries("").is_ok_and(|entries| entries.is_empty()));
    }
}
