//! The oracle and sfv take or refuse the same dictionaries, and find the same in them; the library
//! takes those that they take, unless what it looks for is there in another way than it should be.
//!
//! They differ in one thing. RFC 9651 section 4.2.7 has missing padding of a byte sequence
//! synthesized, and is silent on padding of which a part is missing: one `=` where two are due.
//! sfv 0.15 takes it, and rule 34.12 of docs/HTTP.md does not.

use std::convert::Infallible;

use sfv::visitor::{
    DictionaryVisitor, EntryVisitor, Ignored, InnerListVisitor, ItemVisitor, ParameterVisitor,
};
use sfv::{BareItemFromInput, KeyRef, Parser};
use streamsum::digest::{Algorithm, Declared};
use streamsum::proto::{Connection, Event, Limits};
use testkit::naive::dictionary::{Member, read};

/// Panics if they differ.
pub fn check(data: &[u8]) {
    let value = with_whole_padding(data);
    let ours = read(&value);
    let theirs = Parser::new(&value).parse_dictionary_with_visitor(Members::default()).ok();
    assert_eq!(ours, theirs, "left the oracle, right sfv: {}", value.escape_ascii());
    // What of it can stand in a field as it is.
    let is_field = |byte: &u8| matches!(byte, b' '..=b'~' | 0x80..);
    if value.iter().all(is_field) {
        check_library(&value, theirs.as_deref());
    }
}

/// `members` is `None` if the value is malformed.
fn check_library(value: &[u8], members: Option<&[Member]>) {
    let mut input = [b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Digest: ", value, b"\r\n\r\n"].concat();
    let mut connection = Connection::new(Limits::default().head(u32::MAX));
    let event = connection.receive(&mut input).expect("a head").event;
    let Event::Head(head) = event else { panic!("a head") };
    let declared = Declared::of(&head);
    let Some(members) = members else {
        return assert!(declared.is_err(), "taken: {}", value.escape_ascii());
    };
    let known = |(key, _): &&Member| Algorithm::named(key).is_some();
    let known: Vec<&Member> = members.iter().filter(known).collect();
    if known.is_empty() {
        assert!(declared.is_ok_and(|one| one.is_empty()), "{}", value.escape_ascii());
    } else if let Ok(declared) = declared {
        let computed = |(key, _): &&Member| !matches!(key.as_str(), "crc32" | "crc64nvme");
        let names: Vec<&str> = known.into_iter().filter(computed).map(|(key, _)| &**key).collect();
        assert_eq!(declared.algorithms().to_string(), names.join(","), "{}", value.escape_ascii());
    }
}

/// With a second `=` in each byte sequence that has one of two. What looks like one in a string
/// gets it, too: that changes nothing.
fn with_whole_padding(data: &[u8]) -> Vec<u8> {
    let mut value = Vec::new();
    // Bytes that may be letters of base64 behind the last colon.
    let mut letters = None;
    for (at, &byte) in data.iter().enumerate() {
        value.push(byte);
        let ends = data[at..].starts_with(b"=:");
        letters = match (byte, letters) {
            (b':', _) => Some(0),
            (b'=', Some(count)) if ends && count % 4 == 2 => {
                value.push(b'=');
                None
            }
            (b'+' | b'/' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z', Some(count)) => Some(count + 1),
            _ => None,
        };
    }
    value
}

/// All members in their order, repeated keys too, which sfv leaves to its visitor.
#[derive(Default)]
struct Members(Vec<Member>);

impl<'v> DictionaryVisitor<'v> for Members {
    type Out = Vec<Member>;
    type Error = Infallible;

    fn entry(&mut self, key: &'v KeyRef) -> Result<impl EntryVisitor<'v>, Infallible> {
        self.0.push((key.as_str().to_owned(), None));
        let (_, value) = self.0.last_mut().expect("it was just pushed");
        Ok(Value(value))
    }

    fn finish(self) -> Result<Vec<Member>, Infallible> {
        Ok(self.0)
    }
}

/// Where the bytes of a byte sequence go; nothing else does.
struct Value<'m>(&'m mut Option<Vec<u8>>);

impl<'v> EntryVisitor<'v> for Value<'_> {
    type Error = Infallible;

    fn item(self) -> Result<impl ItemVisitor<'v>, Infallible> {
        Ok(self)
    }

    fn inner_list(self) -> Result<impl InnerListVisitor<'v>, Infallible> {
        Ok(Ignored)
    }
}

impl<'v> ItemVisitor<'v> for Value<'_> {
    type Out = ();
    type Error = Infallible;

    fn bare_item(
        self,
        item: BareItemFromInput<'v>,
    ) -> Result<impl ParameterVisitor<'v, Out = ()>, Infallible> {
        if let BareItemFromInput::ByteSequence(bytes) = item {
            *self.0 = Some(bytes);
        }
        Ok(Ignored)
    }
}
