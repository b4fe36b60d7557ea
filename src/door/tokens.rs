//! Who may: tokens out of a file.

mod file;

use std::borrow::Cow;
use std::fmt;
use std::hint::black_box;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use super::put_fields;
use crate::digest::base64;
use crate::proto::{Fields, Response};
pub use file::TokenFileError;

/// Who may upload: the tokens of a file.
///
/// The file has a line for each:
///
/// ```text
/// name token [prefix=a/b/] [max=SIZE] [expires=DATE]
/// ```
///
/// with spaces or tabs between these words. Empty lines, and those that begin with `#`, are
/// skipped.
///
/// - The name is for logs. It is unique, and has at most 64 characters of printable ASCII, none
///   of them `"`.
/// - The token has at least 8 characters of printable ASCII. Instead of it there may be its
///   SHA-256 in hexadecimal digits, `sha256:HEX`. Clients that make the field by the letter of
///   RFC 6750 can send a Bearer token of letters, digits and `-._~+/` alone.
/// - `prefix` is what the keys of its holder have to begin with: decoded, ending in `/`, and
///   without one at its beginning.
/// - `max` is the most bytes of content that one upload may have, written like `8MiB`.
/// - `expires` is the last day on which it is valid, in UTC, like `2026-12-31`; or the moment
///   from which on it is not, like `2026-12-31T12:00:00Z`.
///
/// Of the tokens only their SHA-256 is kept. `Debug` shows the names alone.
///
/// A clone is another handle of the same tokens. Whoever keeps one can
/// [replace](Tokens::replace) them while a [`Door`](super::Door) asks for them.
///
/// # Example
///
/// ```
/// use std::time::SystemTime;
/// use streamsum::door::{Tokens, Unauthorized};
/// use streamsum::proto::{Connection, Event, Limits};
///
/// let tokens = Tokens::parse("# who    token\nalice correct-horse prefix=alice/ max=1GiB\n")?;
///
/// let mut input = *b"PUT /a HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer correct-horse\r\n\r\n";
/// let mut connection = Connection::new(Limits::default());
/// let Event::Head(head) = connection.receive(&mut input).unwrap().event else { panic!() };
/// let holder = tokens.admit(head.fields(), SystemTime::now()).unwrap();
/// assert_eq!((holder.name(), holder.prefix()), ("alice", Some("alice/")));
///
/// let none = Tokens::default();
/// assert_eq!(none.admit(head.fields(), SystemTime::now()), Err(Unauthorized::Unknown));
/// # Ok::<(), streamsum::door::TokenFileError>(())
/// ```
#[derive(Clone, Default)]
pub struct Tokens {
    /// Locked for as long as it takes to copy or to set a pointer.
    entries: Arc<Mutex<Entries>>,
}

type Entries = Arc<[(TokenHash, Holder)]>;

impl Tokens {
    /// Reads the text of a token file. A file without a token lets nobody in.
    ///
    /// # Errors
    ///
    /// [`TokenFileError`] for the first line that is not as described [above](Tokens), that has
    /// the name or the token of another, or that is the 10,001st with a token.
    pub fn parse(text: &str) -> Result<Self, TokenFileError> {
        let entries = file::entries(text)?.into_iter();
        let entries: Entries =
            entries.map(|(hash, rights)| (hash, Holder(rights.into()))).collect();
        Ok(Self { entries: Arc::new(entries.into()) })
    }

    /// Puts others in place of these, for all clones of this handle. Who was
    /// [admitted](Tokens::admit) before keeps what its token allowed.
    ///
    /// # Example
    ///
    /// ```
    /// use streamsum::door::{Door, TokenFileError, Tokens};
    ///
    /// let tokens = Tokens::parse("bob 0123456789abcdef\n")?;
    /// let door = Door::default().tokens(tokens.clone());
    ///
    /// // When the file has changed: from any thread, while servers have the door.
    /// let reload = |text: &str| Ok::<(), TokenFileError>(tokens.replace(Tokens::parse(text)?));
    /// reload("bob fedcba9876543210\nann correct-horse\n")?;
    /// assert_eq!(tokens.len(), 2);
    /// // What cannot be read leaves all as it was.
    /// assert!(reload("bob\n").is_err());
    /// assert_eq!(tokens.len(), 2);
    /// # let _ = door;
    /// # Ok::<(), TokenFileError>(())
    /// ```
    pub fn replace(&self, with: Tokens) {
        // Before the lock is taken: they may be these themselves.
        let with = with.entries();
        let old = std::mem::replace(&mut *self.lock(), with);
        // Not while it is locked: they may be ten thousand. If a request still compares with them,
        // its thread drops them.
        drop(old);
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries().len()
    }

    /// True if they let nobody in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Those of this moment.
    fn entries(&self) -> Entries {
        Arc::clone(&self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose token a request brings: as `Authorization: Bearer TOKEN` (RFC 6750 §2.1), or as the
    /// password of `Authorization: Basic …` (RFC 7617 §2), whose user is ignored.
    ///
    /// The time it takes says nothing of the tokens.
    ///
    /// # Errors
    ///
    /// [`Unauthorized`] if there is none, or none that is valid at this time.
    pub fn admit(&self, fields: Fields<'_>, now: SystemTime) -> Result<Holder, Unauthorized> {
        self.admit_by(Schemes::BearerAndBasic, fields, now)
    }

    /// Likewise, brought in one of these ways.
    pub(super) fn admit_by(
        &self,
        schemes: Schemes,
        fields: Fields<'_>,
        now: SystemTime,
    ) -> Result<Holder, Unauthorized> {
        let mut values = fields.values("Authorization");
        let value = values.next().ok_or(Unauthorized::Missing)?;
        if values.next().is_some() {
            return Err(Unauthorized::Malformed);
        }
        let is_bearer = value.get(..7).is_some_and(|it| it.eq_ignore_ascii_case(b"Bearer "));
        if schemes == Schemes::Bearer && !is_bearer {
            return Err(Unauthorized::NotBearer);
        }
        let token = token_of(value).ok_or(Unauthorized::Malformed)?;
        let holder = self.find(TokenHash::of(&token)).ok_or(Unauthorized::Unknown)?;
        match holder.0.expires {
            Some(end) if now >= end => Err(Unauthorized::Expired(holder)),
            _ => Ok(holder),
        }
    }

    /// It compares with all, the one that is found or not: how long it takes is no hint.
    fn find(&self, hash: TokenHash) -> Option<Holder> {
        let entries = self.entries();
        let mut found = None;
        for (own, holder) in &*entries {
            if black_box(own.difference(hash)) == 0 {
                found = Some(holder);
            }
        }
        found.cloned()
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.entries();
        let names = entries.iter().map(|(_, holder)| holder.name());
        f.debug_tuple("Tokens").field(&names.collect::<Vec<_>>()).finish()
    }
}

/// The ways in which a token may be brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Schemes {
    BearerAndBasic,
    /// A browser adds the password of Basic to what any page sends, once its user has typed it; but
    /// no Bearer token.
    Bearer,
}

/// The SHA-256 of a token, in words of the machine.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct TokenHash([u64; 4]);

impl TokenHash {
    fn of(token: &[u8]) -> Self {
        Self::new(Sha256::digest(token).into())
    }

    fn new(bytes: [u8; 32]) -> Self {
        let mut words = [0; 4];
        for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
            *word = u64::from_ne_bytes(*bytes);
        }
        Self(words)
    }

    /// That of 64 hexadecimal digits.
    fn from_hex(digits: &str) -> Option<Self> {
        let (pairs, rest) = digits.as_bytes().as_chunks();
        let mut bytes = [0; 32];
        if pairs.len() != bytes.len() || !rest.is_empty() {
            return None;
        }
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            let digit = |digit: &u8| char::from(*digit).to_digit(16);
            *byte = u8::try_from(digit(high)? << 4 | digit(low)?).ok()?;
        }
        Some(Self::new(bytes))
    }

    /// 0 if they are equal. It looks at all of them, whatever it finds.
    fn difference(self, other: Self) -> u64 {
        self.0.iter().zip(other.0).fold(0, |found, (one, other)| found | (one ^ other))
    }
}

/// The token in the value of an Authorization field.
///
/// A Bearer token may have any printable ASCII, more than RFC 6750 lets a client send: it has to
/// be one of the file in any case.
fn token_of(value: &[u8]) -> Option<Cow<'_, [u8]>> {
    let (scheme, credentials) = value.split_at(value.iter().position(|byte| *byte == b' ')?);
    let credentials = credentials.trim_ascii_start();
    if scheme.eq_ignore_ascii_case(b"Bearer") {
        let is_one_word = credentials.iter().all(u8::is_ascii_graphic);
        return is_one_word.then_some(Cow::Borrowed(credentials));
    }
    if !scheme.eq_ignore_ascii_case(b"Basic") {
        return None;
    }
    let mut pair = base64::decode(credentials)?.into_vec();
    let colon = pair.iter().position(|byte| *byte == b':')?;
    Some(Cow::Owned(pair.split_off(colon + 1)))
}

/// Whose a token is, and what it allows: see [`Tokens`].
///
/// A clone costs no memory of its own. An upload may keep one: the file may be read again
/// meanwhile.
///
/// # Example
///
/// ```
/// use std::time::SystemTime;
/// use streamsum::door::{Holder, Tokens};
/// use streamsum::proto::{Connection, Event, Limits};
///
/// let mut input = *b"PUT /a HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer 12345678\r\n\r\n";
/// let mut connection = Connection::new(Limits::default());
/// let Event::Head(head) = connection.receive(&mut input).unwrap().event else { panic!() };
///
/// let tokens = Tokens::parse("bob 12345678 max=8MiB")?;
/// let bob: Holder = tokens.admit(head.fields(), SystemTime::now()).unwrap();
/// assert_eq!((bob.name(), bob.prefix(), bob.max()), ("bob", None, Some(8 << 20)));
/// # Ok::<(), streamsum::door::TokenFileError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder(Arc<Rights>);

#[derive(Debug, PartialEq, Eq)]
struct Rights {
    name: Box<str>,
    prefix: Option<Box<str>>,
    max: Option<u64>,
    /// The first moment at which it is not valid.
    expires: Option<SystemTime>,
}

impl Holder {
    /// The name: at most 64 characters of printable ASCII without spaces and `"`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// What the keys of its uploads have to begin with. It ends in `/`. `None` if any will do.
    #[must_use]
    pub fn prefix(&self) -> Option<&str> {
        self.0.prefix.as_deref()
    }

    /// The most bytes of content that an upload may have. `None` if the token sets no limit.
    #[must_use]
    pub fn max(&self) -> Option<u64> {
        self.0.max
    }
}

/// Why a request may not: 401 (RFC 9110 §15.5.2).
///
/// It is shown in the words that the client gets.
///
/// # Example
///
/// ```
/// use streamsum::door::Unauthorized;
///
/// let response = Unauthorized::Unknown.response();
/// assert_eq!((response.status(), response.note()), (401, Some("token-unknown")));
/// assert_eq!(response.content(), b"the token is not valid");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unauthorized {
    /// No Authorization field.
    Missing,
    /// Several Authorization fields, another scheme than Bearer and Basic, or one of these
    /// without a token.
    Malformed,
    /// Another scheme than Bearer, from a page that may send for no other reason than that
    /// [all may](super::Pages::allow).
    NotBearer,
    /// A token that is not in the file.
    Unknown,
    /// A token that was valid until some time ago. The client is not told.
    Expired(Holder),
}

impl Unauthorized {
    /// The reason as one word for programs, as [`Reject::code`](crate::proto::Reject::code) is.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing => "token-missing",
            Self::Malformed => "token-malformed",
            Self::NotBearer => "token-not-bearer",
            Self::Unknown => "token-unknown",
            Self::Expired(_) => "token-expired",
        }
    }

    /// The answer, which names both schemes. Its note is the code, and whose token has expired.
    ///
    /// Each scheme has a line of its own, as many clients do not find the second one of a line
    /// (RFC 9110 §11.6.1). Basic is the first: clients that wait to be asked know that one, and
    /// some look no further. So a browser asks its user for a password, if the request is of no
    /// foreign page.
    #[must_use]
    pub fn response(&self) -> Response {
        self.response_for(Schemes::BearerAndBasic)
    }

    /// Likewise, with what may be brought alone.
    pub(super) fn response_for(&self, schemes: Schemes) -> Response {
        let note = match self {
            Self::Expired(holder) => format!("{} {}", self.code(), holder.name()).into(),
            _ => Cow::Borrowed(self.code()),
        };
        let bearer = match self {
            // RFC 6750 §3.1: it should have no error then.
            Self::Missing => r#"Bearer realm="uploads""#,
            _ => r#"Bearer realm="uploads", error="invalid_token""#,
        };
        let basic = r#"Basic realm="uploads", charset="UTF-8""#;
        let mut response = Response::text(401, self.to_string()).with_note(note);
        if schemes == Schemes::BearerAndBasic {
            put_fields(&mut response, &[("WWW-Authenticate", basic)]);
        }
        put_fields(&mut response, &[("WWW-Authenticate", bearer)]);
        response
    }
}

impl fmt::Display for Unauthorized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "a token is needed",
            Self::Malformed => "Authorization is neither one Bearer token nor one Basic password",
            Self::NotBearer => "pages of all origins bring a Bearer token, and no password",
            Self::Unknown | Self::Expired(_) => "the token is not valid",
        })
    }
}

impl std::error::Error for Unauthorized {}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::super::wire::{judged, sent};
    use super::file::MOST_TOKENS;
    use super::*;

    const FILE: &str = "\
# name  token\r
\talice  correct-horse\tprefix=alice/in/ max=8MiB expires=2026-12-31
bob p@ss:word!

  # who is gone
carol sha256:8d969eef6ecad3c29a3a629280e686cf0c3f5d5a86aff3ca12020c923adc6c92
dora very+secret/token== expires=2026-12-31T12:00:00Z";

    fn at(time: &str) -> SystemTime {
        humantime::parse_rfc3339(time).expect("a time")
    }

    fn admitted(lines: &str, now: SystemTime) -> Result<Holder, Unauthorized> {
        let tokens = Tokens::parse(FILE).expect("a file");
        let head = format!("PUT / HTTP/1.1\r\nHost: x\r\n{lines}");
        judged(&head, |head| tokens.admit(head.fields(), now))
    }

    /// The name of the holder, or the code of the error.
    fn found(lines: &str) -> String {
        match admitted(lines, UNIX_EPOCH) {
            Ok(holder) => holder.name().to_owned(),
            Err(error) => error.code().to_owned(),
        }
    }

    #[test]
    fn a_holder_may_what_its_line_says() {
        let holder = |token| {
            let line = format!("Authorization: Bearer {token}\r\n");
            admitted(&line, UNIX_EPOCH).expect("a holder")
        };
        let alice = holder("correct-horse");
        assert_eq!(
            (alice.name(), alice.prefix(), alice.max()),
            ("alice", Some("alice/in/"), Some(8 << 20))
        );
        let bob = holder("p@ss:word!");
        assert_eq!((bob.name(), bob.prefix(), bob.max()), ("bob", None, None));
    }

    #[test]
    fn a_token_is_found_in_bearer_and_basic() {
        for (value, expected) in [
            ("Bearer correct-horse", "alice"),
            ("bEARER   correct-horse", "alice"),
            ("Bearer 123456", "carol"),
            ("Bearer very+secret/token==", "dora"),
            // any:correct-horse
            ("Basic YW55OmNvcnJlY3QtaG9yc2U=", "alice"),
            ("BASIC  YW55OmNvcnJlY3QtaG9yc2U", "alice"),
            // :correct-horse
            ("Basic OmNvcnJlY3QtaG9yc2U=", "alice"),
            // The password has a colon: bob:p@ss:word!
            ("Basic Ym9iOnBAc3M6d29yZCE=", "bob"),
            // alice:p@ss:word!, as the user is ignored
            ("Basic YWxpY2U6cEBzczp3b3JkIQ==", "bob"),
            ("Bearer Correct-horse", "token-unknown"),
            ("Bearer correct-hors", "token-unknown"),
            ("Bearer correct-horse1", "token-unknown"),
            ("Bearer alice", "token-unknown"),
            // What the file has is no token itself.
            (
                "Bearer sha256:8d969eef6ecad3c29a3a629280e686cf0c3f5d5a86aff3ca12020c923adc6c92",
                "token-unknown",
            ),
            (
                "Bearer 8d969eef6ecad3c29a3a629280e686cf0c3f5d5a86aff3ca12020c923adc6c92",
                "token-unknown",
            ),
            // correct-horse:x and any:
            ("Basic Y29ycmVjdC1ob3JzZTp4", "token-unknown"),
            ("Basic YW55Og==", "token-unknown"),
            ("", "token-malformed"),
            ("Bearer", "token-malformed"),
            ("correct-horse", "token-malformed"),
            ("Bearer\tcorrect-horse", "token-malformed"),
            ("Bearer correct-horse p@ss:word!", "token-malformed"),
            ("Bearer correct-horse, Basic YW55OmNvcnJlY3QtaG9yc2U=", "token-malformed"),
            ("Bearer correct-h\u{f6}rse", "token-malformed"),
            ("Basic", "token-malformed"),
            ("Basic correct-horse", "token-malformed"),
            // correct-horse, without a colon
            ("Basic Y29ycmVjdC1ob3JzZQ==", "token-malformed"),
            ("Basic YW55OmNvcnJlY3QtaG9yc2U= x", "token-malformed"),
            ("Digest correct-horse", "token-malformed"),
            ("Token correct-horse", "token-malformed"),
        ] {
            assert_eq!(found(&format!("Authorization: {value}\r\n")), expected, "{value}");
        }
        assert_eq!(found(""), "token-missing");
        assert_eq!(found("Proxy-Authorization: Bearer correct-horse\r\n"), "token-missing");
        let twice = "authorization: Bearer correct-horse\r\n".repeat(2);
        assert_eq!(found(&twice), "token-malformed");
    }

    #[test]
    fn a_token_is_valid_to_the_end_of_its_day_or_until_its_time() {
        for (token, last, first_not) in [
            ("correct-horse", "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z"),
            ("very+secret/token==", "2026-12-31T11:59:59Z", "2026-12-31T12:00:00Z"),
        ] {
            let line = format!("Authorization: Bearer {token}\r\n");
            let holder = admitted(&line, at(last)).expect("a holder");
            assert_eq!(admitted(&line, at(first_not)), Err(Unauthorized::Expired(holder)));
        }
        let late = admitted("Authorization: Bearer 123456\r\n", at("9999-12-31T00:00:00Z"));
        assert_eq!(late.expect("a holder").name(), "carol");
    }

    #[test]
    fn each_of_many_tokens_is_found() {
        let line = |number| format!("name{number} token-of-{number}\n");
        let file: String = (0..MOST_TOKENS).map(line).collect();
        let tokens = Tokens::parse(&file).expect("a file");
        for number in [0, 1, 4_999, MOST_TOKENS - 2, MOST_TOKENS - 1] {
            let hash = TokenHash::of(format!("token-of-{number}").as_bytes());
            let name = tokens.find(hash).map(|holder| holder.name().to_owned());
            assert_eq!(name, Some(format!("name{number}")));
        }
        let more = format!("# more\n{file}{}", line(MOST_TOKENS));
        let error = Tokens::parse(&more).expect_err("one too many");
        assert_eq!(error.to_string(), "line 10002: a file has at most 10000 tokens");
    }

    #[test]
    fn all_handles_have_what_replaces_tokens() {
        let tokens = Tokens::parse(FILE).expect("a file");
        let (other, hash) = (tokens.clone(), TokenHash::of(b"correct-horse"));
        let alice = other.find(hash).expect("alice");
        tokens.replace(Tokens::parse("eve battery-staple").expect("a file"));
        assert_eq!((other.len(), other.find(hash)), (1, None));
        assert_eq!(other.find(TokenHash::of(b"battery-staple")).expect("eve").name(), "eve");
        // Who was let in stays so.
        assert_eq!(alice.prefix(), Some("alice/in/"));
        other.replace(tokens.clone());
        assert_eq!(tokens.len(), 1);
        other.replace(Tokens::default());
        assert!(tokens.is_empty());
    }

    #[test]
    fn a_hash_differs_in_any_bit() {
        let hash = TokenHash::new([0x5a; 32]);
        assert_eq!(hash.difference(hash), 0);
        for bit in 0..256 {
            let mut other = [0x5a; 32];
            other[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(hash.difference(TokenHash::new(other)), 0, "{bit}");
        }
        let upper = format!("a sha256:{}", "5A".repeat(32));
        let tokens = Tokens::parse(&upper).expect("a file");
        assert!(tokens.find(hash).is_some());
    }

    #[test]
    fn nothing_that_is_shown_has_a_token() {
        let tokens = Tokens::parse(FILE).expect("a file");
        assert_eq!(format!("{tokens:?}"), r#"Tokens(["alice", "bob", "carol", "dora"])"#);
        for secret in ["hidden-from-view", "sha256:hidden-from-view"] {
            for line in [
                format!("{secret}\u{e4} name"),
                format!("name prefix=x/ {secret}"),
                format!("{secret} name"),
                secret.to_owned(),
                format!("a 12345678 {secret}=1"),
                format!("a 12345678 max={secret}"),
                format!("{secret} abcdefgh\n{secret} bcdefghi"),
            ] {
                let error = Tokens::parse(&line).expect_err(&line);
                assert!(!format!("{error} {error:?}").contains("hidden"), "{error:?}");
            }
        }
    }

    #[test]
    fn the_answer_names_both_schemes() {
        let alice = admitted("Authorization: Bearer correct-horse\r\n", UNIX_EPOCH);
        let expired = Unauthorized::Expired(alice.expect("a holder"));
        assert_eq!(
            sent(&Unauthorized::Missing.response()),
            "HTTP/1.1 401 Unauthorized\r\n\
             Content-Length: 17\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\
             WWW-Authenticate: Basic realm=\"uploads\", charset=\"UTF-8\"\r\n\
             WWW-Authenticate: Bearer realm=\"uploads\"\r\n\
             \r\n\
             a token is needed"
        );
        let invalid = "WWW-Authenticate: Bearer realm=\"uploads\", error=\"invalid_token\"\r\n";
        for error in [Unauthorized::Malformed, Unauthorized::Unknown, expired.clone()] {
            assert!(sent(&error.response()).contains(invalid), "{error:?}");
        }
        // The client does not learn that it was valid once. The log does.
        assert_eq!(sent(&expired.response()), sent(&Unauthorized::Unknown.response()));
        assert_eq!(expired.response().note(), Some("token-expired alice"));
    }
}
