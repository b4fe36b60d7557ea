//! The chunked coding by its grammar (RFC 9112 section 7.1), one byte after the other.

use super::{Field, Limits, Stop, check_section, fields, lines, tchar};

const BAD: Stop = Stop::Refused(400);

pub(super) struct Decoder<'a> {
    input: &'a [u8],
    at: usize,
    limits: &'a Limits,
    /// Bytes of this chunk that are not data.
    framing: usize,
    /// What all chunks had of them beyond the 24 that are free.
    excess: usize,
    pub(super) content: Vec<u8>,
    pub(super) trailers: Vec<Field>,
}

impl<'a> Decoder<'a> {
    pub(super) fn new(input: &'a [u8], limits: &'a Limits) -> Self {
        Self {
            input,
            at: 0,
            limits,
            framing: 0,
            excess: 0,
            content: Vec::new(),
            trailers: Vec::new(),
        }
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        &self.input[self.at..]
    }

    /// `*chunk last-chunk trailer-section CRLF`
    pub(super) fn message(&mut self) -> Result<(), Stop> {
        let mut total: u64 = 0;
        loop {
            self.framing = 0;
            let size = self.size()?;
            self.extensions()?;
            self.crlf()?;
            if size == 0 {
                return self.trailer_section();
            }
            total = total.saturating_add(size);
            if total >= 1 << 63 {
                return Err(BAD);
            }
            if total > self.limits.body {
                return Err(Stop::Refused(413));
            }
            self.data(size)?;
            self.crlf()?;
        }
    }

    fn size(&mut self) -> Result<u64, Stop> {
        let mut digits = String::new();
        while self.peek()?.is_ascii_hexdigit() {
            digits.push(char::from(self.next()?));
            if digits.len() > 16 {
                return Err(BAD);
            }
        }
        // Whether it is too much is judged when the line is there.
        u64::from_str_radix(&digits, 16).map_err(|_| BAD)
    }

    /// `*( BWS ";" BWS name [ BWS "=" BWS value ] )`, and nothing else before CRLF.
    fn extensions(&mut self) -> Result<(), Stop> {
        while self.peek()? != b'\r' {
            self.white_space()?;
            if self.next()? != b';' {
                return Err(BAD);
            }
            self.white_space()?;
            self.token()?;
            if self.peek()? == b'\r' {
                return Ok(());
            }
            self.white_space()?;
            match self.peek()? {
                b'=' => {
                    self.next()?;
                    self.white_space()?;
                    self.value()?;
                }
                b';' => {}
                _ => return Err(BAD),
            }
        }
        Ok(())
    }

    fn value(&mut self) -> Result<(), Stop> {
        if self.peek()? != b'"' {
            return self.token();
        }
        self.next()?;
        loop {
            let byte = match self.next()? {
                b'"' => return Ok(()),
                b'\\' => self.next()?,
                byte => byte,
            };
            if byte != b'\t' && !(0x20..0x7f).contains(&byte) && byte < 0x80 {
                return Err(BAD);
            }
        }
    }

    fn data(&mut self, size: u64) -> Result<(), Stop> {
        for _ in 0..size {
            self.content.push(self.peek()?);
            self.at += 1;
        }
        Ok(())
    }

    fn trailer_section(&mut self) -> Result<(), Stop> {
        for end in 1..=self.rest().len() {
            let seen = &self.rest()[..end];
            check_section(seen, self.limits.fields, self.limits)?;
            if seen == b"\r\n" || seen.ends_with(b"\r\n\r\n") {
                let section = seen.strip_suffix(b"\r\n\r\n");
                self.trailers = fields(&section.map(lines).unwrap_or_default())?;
                self.at += end;
                return Ok(());
            }
        }
        Err(Stop::Short)
    }

    fn peek(&self) -> Result<u8, Stop> {
        self.input.get(self.at).copied().ok_or(Stop::Short)
    }

    /// The next byte of framing.
    fn next(&mut self) -> Result<u8, Stop> {
        let byte = self.peek()?;
        self.at += 1;
        self.framing += 1;
        self.excess += usize::from(self.framing > 24);
        if self.excess > self.limits.chunk_overhead { Err(BAD) } else { Ok(byte) }
    }

    fn white_space(&mut self) -> Result<(), Stop> {
        while matches!(self.peek()?, b' ' | b'\t') {
            self.next()?;
        }
        Ok(())
    }

    fn token(&mut self) -> Result<(), Stop> {
        if !tchar(self.next()?) {
            return Err(BAD);
        }
        while tchar(self.peek()?) {
            self.next()?;
        }
        Ok(())
    }

    fn crlf(&mut self) -> Result<(), Stop> {
        if self.next()? == b'\r' && self.next()? == b'\n' { Ok(()) } else { Err(BAD) }
    }
}
