//! Dictionaries of structured fields (RFC 9651 §4.2.2), as far as digests need them: all of the
//! grammar is checked, and of the values only byte sequences are kept.

use super::base64;
use crate::proto::is_tchar;

/// A member of a dictionary: its key, and its value if that is a byte sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member<'v> {
    pub(super) key: &'v [u8],
    pub(super) bytes: Option<Box<[u8]>>,
}

/// Gives each member to `see`, in their order; a key that is repeated comes again. `None` if the
/// value is malformed, of which some members may have been seen then.
pub(super) fn parse<'v>(value: &'v [u8], mut see: impl FnMut(Member<'v>)) -> Option<()> {
    let mut cursor = Cursor(value);
    cursor.skip(b" ");
    while !cursor.0.is_empty() {
        see(cursor.member()?);
        cursor.skip(b" \t");
        if cursor.0.is_empty() {
            break;
        }
        cursor.expect(b',')?;
        cursor.skip(b" \t");
        // A comma is followed by a member.
        cursor.peek()?;
    }
    Some(())
}

/// What is left of the value. Each method takes what its name says, or fails.
struct Cursor<'v>(&'v [u8]);

impl<'v> Cursor<'v> {
    fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// True if the next byte is this one, which is taken then.
    fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        if is_next {
            self.next();
        }
        is_next
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.take(byte).then_some(())
    }

    /// The bytes up to the first that is not one of these.
    fn take_while(&mut self, is_one: impl Fn(u8) -> bool) -> &'v [u8] {
        let length = self.0.iter().take_while(|byte| is_one(**byte)).count();
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }

    fn skip(&mut self, bytes: &[u8]) {
        self.take_while(|byte| bytes.contains(&byte));
    }

    fn member(&mut self) -> Option<Member<'v>> {
        let key = self.key()?;
        let bytes = match self.take(b'=') {
            // Without a value it is the Boolean true.
            false => None,
            true if self.peek() == Some(b'(') => {
                self.inner_list()?;
                None
            }
            true => self.bare_item()?,
        };
        self.parameters()?;
        Some(Member { key, bytes })
    }

    /// RFC 9651 §4.2.3.3.
    fn key(&mut self) -> Option<&'v [u8]> {
        if !matches!(self.peek()?, b'a'..=b'z' | b'*') {
            return None;
        }
        let is_key = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b'*');
        Some(self.take_while(is_key))
    }

    /// RFC 9651 §4.2.1.2.
    fn inner_list(&mut self) -> Option<()> {
        self.expect(b'(')?;
        loop {
            self.skip(b" ");
            if self.take(b')') {
                return Some(());
            }
            self.bare_item()?;
            self.parameters()?;
            if !matches!(self.peek()?, b' ' | b')') {
                return None;
            }
        }
    }

    /// RFC 9651 §4.2.3.2.
    fn parameters(&mut self) -> Option<()> {
        while self.take(b';') {
            self.skip(b" ");
            self.key()?;
            if self.take(b'=') {
                self.bare_item()?;
            }
        }
        Some(())
    }

    /// RFC 9651 §4.2.3.1: the bytes if it is a byte sequence.
    fn bare_item(&mut self) -> Option<Option<Box<[u8]>>> {
        match self.peek()? {
            b':' => return self.byte_sequence().map(Some),
            b'-' | b'0'..=b'9' => self.number().map(|_| ()),
            b'"' => self.string(),
            b'*' | b'A'..=b'Z' | b'a'..=b'z' => self.token(),
            b'?' => self.boolean(),
            b'@' => self.date(),
            b'%' => self.display_string(),
            _ => None,
        }?;
        Some(None)
    }

    /// RFC 9651 §4.2.7.
    fn byte_sequence(&mut self) -> Option<Box<[u8]>> {
        self.expect(b':')?;
        let text = self.take_while(|byte| byte != b':');
        self.expect(b':')?;
        base64::decode(text)
    }

    /// RFC 9651 §4.2.4.
    fn number(&mut self) -> Option<Number> {
        self.take(b'-');
        let whole = self.digits();
        if !self.take(b'.') {
            return matches!(whole, 1..=15).then_some(Number::Integer);
        }
        let fraction = self.digits();
        (matches!(whole, 1..=12) && matches!(fraction, 1..=3)).then_some(Number::Decimal)
    }

    fn digits(&mut self) -> usize {
        self.take_while(|byte| byte.is_ascii_digit()).len()
    }

    /// RFC 9651 §4.2.5.
    fn string(&mut self) -> Option<()> {
        self.expect(b'"')?;
        loop {
            match self.next()? {
                b'"' => return Some(()),
                b'\\' if !matches!(self.next()?, b'"' | b'\\') => return None,
                b' '..=b'~' => {}
                _ => return None,
            }
        }
    }

    /// RFC 9651 §4.2.6; its first character was looked at.
    fn token(&mut self) -> Option<()> {
        self.take_while(|byte| is_tchar(byte) || matches!(byte, b':' | b'/'));
        Some(())
    }

    /// RFC 9651 §4.2.8.
    fn boolean(&mut self) -> Option<()> {
        self.expect(b'?')?;
        matches!(self.next()?, b'0' | b'1').then_some(())
    }

    /// RFC 9651 §4.2.9.
    fn date(&mut self) -> Option<()> {
        self.expect(b'@')?;
        (self.number()? == Number::Integer).then_some(())
    }

    /// RFC 9651 §4.2.10.
    fn display_string(&mut self) -> Option<()> {
        self.expect(b'%')?;
        self.expect(b'"')?;
        let mut text = Vec::new();
        loop {
            match self.next()? {
                b'"' => return std::str::from_utf8(&text).ok().map(|_| ()),
                b'%' => text.push(self.hexadecimal()? << 4 | self.hexadecimal()?),
                byte @ b' '..=b'~' => text.push(byte),
                _ => return None,
            }
        }
    }

    fn hexadecimal(&mut self) -> Option<u8> {
        match self.next()? {
            digit @ b'0'..=b'9' => Some(digit - b'0'),
            digit @ b'a'..=b'f' => Some(digit - b'a' + 10),
            _ => None,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Number {
    Integer,
    Decimal,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `key=bytes` for byte sequences, `key` for others.
    fn members(value: &str) -> Option<Vec<String>> {
        let mut seen = Vec::new();
        parse(value.as_bytes(), |member| {
            let mut shown = String::from_utf8_lossy(member.key).into_owned();
            if let Some(bytes) = member.bytes {
                shown += &format!("={}", String::from_utf8_lossy(&bytes));
            }
            seen.push(shown);
        })?;
        Some(seen)
    }

    #[test]
    fn members_come_in_their_order_and_repeated() {
        let all = members("md5=:Zm9v:, *a=1,\t b.c-d_e ,md5=:YmFy:;q=1 ");
        let all = all.expect("a dictionary");
        assert_eq!(all, ["md5=foo", "*a", "b.c-d_e", "md5=bar"]);
        assert_eq!(members("").expect("it may be empty"), [""; 0]);
        assert_eq!(members("  ").expect("it may be empty"), [""; 0]);
        assert_eq!(members(" a=::").expect("an empty byte sequence"), ["a="]);
    }

    #[test]
    fn values_of_every_type_are_taken() {
        for value in [
            "0",
            "-1",
            "999999999999999",
            "-999999999999.999",
            "1.0",
            "\"\"",
            "\"a \\\" \\\\ ~\"",
            "tok:/en*",
            "*",
            "Zm9v",
            ":Zm9v:",
            ":Zm8:",
            "?0",
            "?1",
            "@0",
            "@-1659578233",
            "%\"\"",
            "%\"f%c3%bc %25\"",
            "()",
            "(1)",
            "( 1  \"b\" :Zm9v:;x;y=2 )",
            "1;a; b=\"c\";*d=?0",
            "(1);a=%\"x\"",
        ] {
            assert_eq!(members(&format!("k={value}, l")).map(|all| all.len()), Some(2), "{value}");
        }
    }

    #[test]
    fn what_the_grammar_does_not_have_is_malformed() {
        for bad in [
            "A=1",
            "1=1",
            "-=1",
            "=1",
            ",",
            "a,",
            "a, ",
            ",a",
            "a,,b",
            "a b",
            "a\t",
            "\ta",
            "a=",
            "a= 1",
            "a =1",
            "a=1 ;b",
            "a;",
            "a;=1",
            "a;B",
            "a;b=",
            "a=-",
            "a=--1",
            "a=1.",
            "a=.1",
            "a=1.2345",
            "a=1234567890123.1",
            "a=1234567890123456",
            "a=1-2",
            "a=\"",
            "a=\"\\a\"",
            "a=\"\\",
            "a=\"\u{e9}\"",
            "a=\"\t\"",
            "a=\"\x7f\"",
            "a=:",
            "a=:Zm9v",
            "a=:Zm9:v",
            "a=:Z:",
            "a=:-_:",
            "a=:Zm 9v:",
            "a=?",
            "a=?2",
            "a=?true",
            "a=@",
            "a=@1.5",
            "a=@a",
            "a=%",
            "a=%a",
            "a=%\"",
            "a=%\"%2\"",
            "a=%\"%2G\"",
            "a=%\"%C3%BC\"",
            "a=%\"%c3\"",
            "a=%\"\t\"",
            "a=(",
            "a=(1",
            "a=(1,2)",
            "a=(1\"b\")",
            "a=((1))",
            "a=(1);",
            "a=!",
            "a=\u{e9}",
        ] {
            // White space at the end belongs to the separator, not to the value.
            let expected = (bad == "a\t").then_some(1);
            assert_eq!(members(bad).map(|all| all.len()), expected, "{bad:?}");
        }
    }
}
