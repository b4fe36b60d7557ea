//! Dictionaries of structured fields (RFC 9651 section 4.2), read as its steps say. `None`
//! stands wherever these fail.

#[cfg(test)]
mod tests;

use super::base64;

/// A key, and the bytes of its value if that is a byte sequence.
pub type Member = (String, Option<Vec<u8>>);

/// All members in their order. A key that comes twice is there twice, so that whoever wants to
/// can let the last one win.
pub fn read(value: &[u8]) -> Option<Vec<Member>> {
    let mut reader = Reader { rest: value };
    reader.skip(b" ");
    let members = reader.dictionary()?;
    reader.skip(b" ");
    reader.rest.is_empty().then_some(members)
}

struct Reader<'v> {
    rest: &'v [u8],
}

impl Reader<'_> {
    /// Section 4.2.2.
    fn dictionary(&mut self) -> Option<Vec<Member>> {
        let mut members = Vec::new();
        while !self.rest.is_empty() {
            let key = self.key()?;
            let value = if self.take(b'=') { self.item_or_inner_list()? } else { None };
            self.parameters()?;
            members.push((key, value));
            self.skip(b" \t");
            if self.rest.is_empty() {
                return Some(members);
            }
            self.expect(b',')?;
            self.skip(b" \t");
            if self.rest.is_empty() {
                return None;
            }
        }
        Some(members)
    }

    /// Section 4.2.1.1, without the parameters behind either.
    fn item_or_inner_list(&mut self) -> Option<Option<Vec<u8>>> {
        if self.peek() == Some(b'(') {
            self.inner_list()?;
            return Some(None);
        }
        self.bare_item()
    }

    /// Section 4.2.1.2, without its parameters.
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

    /// Section 4.2.3.1: the bytes of a byte sequence, or nothing of another item.
    fn bare_item(&mut self) -> Option<Option<Vec<u8>>> {
        match self.peek()? {
            b'-' | b'0'..=b'9' => self.number().map(|_| None),
            b'"' => self.string().map(|()| None),
            b'*' | b'A'..=b'Z' | b'a'..=b'z' => self.token().map(|()| None),
            b':' => self.byte_sequence().map(Some),
            b'?' => self.boolean().map(|()| None),
            b'@' => self.date().map(|()| None),
            b'%' => self.display_string().map(|()| None),
            _ => None,
        }
    }

    /// Section 4.2.3.2.
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

    /// Section 4.2.3.3.
    fn key(&mut self) -> Option<String> {
        if !matches!(self.peek()?, b'*' | b'a'..=b'z') {
            return None;
        }
        let is_inner =
            |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b'*');
        let mut key = String::new();
        while self.peek().is_some_and(is_inner) {
            key.push(char::from(self.next()?));
        }
        Some(key)
    }

    /// Section 4.2.4; true if it is an integer.
    fn number(&mut self) -> Option<bool> {
        self.take(b'-');
        let integer = self.digits();
        if integer == 0 {
            return None;
        }
        if !self.take(b'.') {
            return (integer <= 15).then_some(true);
        }
        let fraction = self.digits();
        (integer <= 12 && (1..=3).contains(&fraction)).then_some(false)
    }

    /// Takes digits and says how many.
    fn digits(&mut self) -> usize {
        let before = self.rest.len();
        self.skip(b"0123456789");
        before - self.rest.len()
    }

    /// Section 4.2.5.
    fn string(&mut self) -> Option<()> {
        self.expect(b'"')?;
        loop {
            match self.next()? {
                b'"' => return Some(()),
                b'\\' if matches!(self.next()?, b'"' | b'\\') => {}
                b'\\' => return None,
                b' '..=b'~' => {}
                _ => return None,
            }
        }
    }

    /// Section 4.2.6. That it begins well was seen.
    fn token(&mut self) -> Option<()> {
        while self.peek().is_some_and(|byte| super::tchar(byte) || b":/".contains(&byte)) {
            self.next();
        }
        Some(())
    }

    /// Section 4.2.7.
    fn byte_sequence(&mut self) -> Option<Vec<u8>> {
        self.expect(b':')?;
        let mut text = Vec::new();
        loop {
            match self.next()? {
                b':' => return base64::decode(&text),
                byte => text.push(byte),
            }
        }
    }

    /// Section 4.2.8.
    fn boolean(&mut self) -> Option<()> {
        self.expect(b'?')?;
        matches!(self.next()?, b'0' | b'1').then_some(())
    }

    /// Section 4.2.9.
    fn date(&mut self) -> Option<()> {
        self.expect(b'@')?;
        let is_integer = self.number()?;
        is_integer.then_some(())
    }

    /// Section 4.2.10.
    fn display_string(&mut self) -> Option<()> {
        self.expect(b'%')?;
        self.expect(b'"')?;
        let mut bytes = Vec::new();
        loop {
            match self.next()? {
                b'"' => return String::from_utf8(bytes).ok().map(|_| ()),
                b'%' => bytes.push(self.lower_hex()? << 4 | self.lower_hex()?),
                byte @ b' '..=b'~' => bytes.push(byte),
                _ => return None,
            }
        }
    }

    fn lower_hex(&mut self) -> Option<u8> {
        let digit = self.next()?;
        b"0123456789abcdef".iter().position(|&known| known == digit).map(|value| value as u8)
    }

    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    fn next(&mut self) -> Option<u8> {
        self.rest.split_off_first().copied()
    }

    /// Takes this byte if it is the next.
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

    fn skip(&mut self, bytes: &[u8]) {
        while self.peek().is_some_and(|byte| bytes.contains(&byte)) {
            self.next();
        }
    }
}
