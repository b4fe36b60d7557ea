//! Field lines: the sections that hold them, and what a reader sees of them.

use super::super::Limits;
use super::Malformed;

/// A set of bytes; to test for a member takes one look into a table.
pub(crate) struct ByteSet([bool; 256]);

impl ByteSet {
    /// The ASCII letters and digits, and these `others`.
    #[expect(clippy::indexing_slicing, reason = "evaluated while building, by every user here")]
    pub(crate) const fn alphanumeric_and(mut others: &[u8]) -> Self {
        let mut members = [false; 256];
        let mut byte = 0;
        while byte < members.len() {
            members[byte] = (byte as u8).is_ascii_alphanumeric();
            byte += 1;
        }
        while let [first, rest @ ..] = others {
            members[*first as usize] = true;
            others = rest;
        }
        Self(members)
    }

    #[inline]
    pub(crate) fn contains(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte)).is_some_and(|is_member| *is_member)
    }
}

/// Bytes of a token (RFC 9110 §5.6.2).
#[inline]
pub(crate) fn is_tchar(byte: u8) -> bool {
    const TCHAR: &ByteSet = &ByteSet::alphanumeric_and(b"!#$%&'*+-.^_`|~");
    TCHAR.contains(byte)
}

/// A value without the optional white space around it (RFC 9110 §5.6.3).
pub(crate) fn trim_ows(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// The members of a comma-separated list, the empty ones too (RFC 9110 §5.6.1). A comma in a
/// quoted string separates nothing (RFC 9110 §5.6.4).
pub(crate) fn list_members(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    parts(value, b',')
}

/// What stands between separators of one kind, but for those in quoted strings.
pub(crate) fn parts(value: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    /// Where the last byte stood.
    #[derive(Clone, Copy)]
    enum At {
        Unquoted,
        Quoted,
        /// At the backslash of a quoted pair.
        Escape,
    }
    let mut at = At::Unquoted;
    let is_separator = move |byte: &u8| {
        at = match (at, byte) {
            (At::Unquoted, b'"') | (At::Escape, _) => At::Quoted,
            (At::Quoted, b'\\') => At::Escape,
            (At::Quoted, b'"') => At::Unquoted,
            (same, _) => same,
        };
        matches!(at, At::Unquoted) && *byte == separator
    };
    value.split(is_separator).map(trim_ows)
}

/// The field lines of a head or of a trailer section, in the order of their arrival.
///
/// They were checked when they arrived: names are tokens, and values have no control
/// character but HTAB.
///
/// # Example
///
/// ```
/// use streamsum::proto::{Connection, Event, Limits};
///
/// let mut input = *b"PUT /a HTTP/1.1\r\nHost: x\r\nX-Tag: 1\r\nx-tag: 2\r\n\r\n";
/// let mut connection = Connection::new(Limits::default());
/// let Event::Head(head) = connection.receive(&mut input)?.event else { panic!() };
/// assert_eq!(head.fields().get("HOST"), Some(&b"x"[..]));
/// let tags: Vec<_> = head.fields().iter().skip(1).collect();
/// assert_eq!(tags, [("X-Tag", &b"1"[..]), ("x-tag", &b"2"[..])]);
/// # Ok::<(), streamsum::proto::Reject>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Fields<'a> {
    /// Whole lines with their CRLF, with or without the empty line that ends the section.
    lines: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Takes lines that [`check`] has accepted.
    pub(crate) fn new(lines: &'a [u8]) -> Self {
        Self { lines }
    }

    /// The lines as they came.
    #[cfg(feature = "outgoing")]
    pub(crate) fn lines(&self) -> &'a [u8] {
        self.lines
    }

    /// Name and value of each field line; the value without the white space around it.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a [u8])> + use<'a> {
        self.lines.split(|byte| *byte == b'\n').filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let (name, value) = line.split_at_checked(colon)?;
            let value = value.strip_prefix(b":")?;
            let value = value.strip_suffix(b"\r").unwrap_or(value);
            Some((std::str::from_utf8(name).ok()?, trim_ows(value)))
        })
    }

    /// The value of the first field line of that name. Names are compared
    /// case-insensitively.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a [u8]> {
        self.values(name).next()
    }

    /// The values of all field lines of that name, in the order of the lines (RFC 9110 §5.3).
    /// Names are compared case-insensitively.
    ///
    /// # Example
    ///
    /// ```
    /// use streamsum::proto::{Connection, Event, Limits};
    ///
    /// let mut input = *b"PUT /a HTTP/1.1\r\nHost: x\r\nX-Tag: 1\r\nx-tag: 2, 3\r\n\r\n";
    /// let mut connection = Connection::new(Limits::default());
    /// let Event::Head(head) = connection.receive(&mut input)?.event else { panic!() };
    /// let tags: Vec<_> = head.fields().values("X-Tag").collect();
    /// assert_eq!(tags, [&b"1"[..], b"2, 3"]);
    /// # Ok::<(), streamsum::proto::Reject>(())
    /// ```
    pub fn values<'n>(&self, name: &'n str) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n> {
        let is_named = move |own: &str| own.eq_ignore_ascii_case(name);
        self.iter().filter(move |(own, _)| is_named(own)).map(|(_, value)| value)
    }

    /// The members of a list over all field lines of that name, in their order
    /// (RFC 9110 §5.6.1): without the white space around them, and without the empty ones.
    ///
    /// Quoted strings are left as they came. A comma in one separates nothing; one that is not
    /// closed ends with its line. An entity tag may end in a backslash (RFC 9110 §8.8.3), which
    /// is taken for the beginning of a quoted pair here. Only a field that is defined as a list
    /// is one: there are commas in the value of `Date`.
    ///
    /// # Example
    ///
    /// ```
    /// use streamsum::proto::{Connection, Event, Limits};
    ///
    /// let mut input = *b"PUT /a HTTP/1.1\r\nHost: x\r\n\
    ///     If-Match: \"a,b\" ,, W/\"c\"\r\nif-match: \"d\"\r\n\r\n";
    /// let mut connection = Connection::new(Limits::default());
    /// let Event::Head(head) = connection.receive(&mut input)?.event else { panic!() };
    /// let tags: Vec<_> = head.fields().list("If-Match").collect();
    /// assert_eq!(tags, [&b"\"a,b\""[..], b"W/\"c\"", b"\"d\""]);
    /// # Ok::<(), streamsum::proto::Reject>(())
    /// ```
    pub fn list<'n>(&self, name: &'n str) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n> {
        self.values(name).flat_map(list_members).filter(|member| !member.is_empty())
    }

    /// True if there is no field line at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty() || self.iter().next().is_none()
    }
}

/// Where the first CR or LF is. It looks at eight bytes at a time, as most bytes of a head
/// are neither.
#[inline]
pub(crate) fn line_end(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHEST: u64 = ONES << 7;
    /// The highest bit of each byte that is zero, and perhaps of some above the first.
    fn zeros(word: u64) -> u64 {
        word.wrapping_sub(ONES) & !word & HIGHEST
    }
    let (words, rest) = bytes.as_chunks();
    for (place, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let found =
            zeros(word ^ (ONES * u64::from(b'\r'))) | zeros(word ^ (ONES * u64::from(b'\n')));
        if found != 0 {
            return Some(place * size_of::<u64>() + found.trailing_zeros() as usize / 8);
        }
    }
    let found = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n'))?;
    Some(bytes.len() - rest.len() + found)
}

/// Runs httparse over a complete section of `count` lines and gives each field to `see`.
///
/// httparse alone would take a bare LF: a section comes here only after [`SectionScan`] has
/// found that each of its lines ends in CRLF.
pub(crate) fn check<'a>(
    section: &'a [u8],
    count: usize,
    see: impl FnMut(&httparse::Header<'a>),
) -> Result<(), Malformed> {
    /// Requests of known clients have fewer fields, so that an allocation is rare.
    const ON_STACK: usize = 24;
    if count <= ON_STACK {
        check_into(&mut [httparse::EMPTY_HEADER; ON_STACK], section, see)
    } else {
        check_into(&mut vec![httparse::EMPTY_HEADER; count], section, see)
    }
}

fn check_into<'a>(
    slots: &mut [httparse::Header<'a>],
    section: &'a [u8],
    see: impl FnMut(&httparse::Header<'a>),
) -> Result<(), Malformed> {
    match httparse::parse_headers(section, slots) {
        Ok(httparse::Status::Complete((used, fields))) if used == section.len() => {
            fields.iter().for_each(see);
            Ok(())
        }
        _ => Err(Malformed::FieldLine),
    }
}

/// The value of a field that may come once.
#[derive(Clone, Copy, Default)]
pub(crate) enum Seen<'i> {
    #[default]
    Never,
    Once(&'i [u8]),
    Again,
}

impl<'i> Seen<'i> {
    pub(crate) fn add(&mut self, value: &'i [u8]) {
        *self = match self {
            Seen::Never => Seen::Once(value),
            Seen::Once(_) | Seen::Again => Seen::Again,
        };
    }
}

/// Which lines a section may begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    /// A request line, then field lines.
    Head,
    /// Field lines alone.
    Trailer,
}

/// Looks for the empty line that ends a section, and goes on from where it stopped the last
/// time: it looks at each byte once, even if a head comes byte by byte.
///
/// Its result depends on the bytes alone, not on how they were cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SectionScan {
    /// Bytes that need not be looked at again; at most [`Limits::head`], as are the others.
    scanned: u32,
    line_start: u32,
    lines: u32,
}

impl SectionScan {
    pub(crate) const fn new() -> Self {
        Self { scanned: 0, line_start: 0, lines: 0 }
    }

    /// True if any byte of the section was seen.
    pub(crate) fn has_begun(&self) -> bool {
        self.scanned > 0
    }

    /// How many lines the section has, not counting its empty line.
    pub(crate) fn lines(&self) -> usize {
        self.lines as usize
    }

    /// The length of the section with its empty line, once that is there.
    pub(crate) fn find_end(
        &mut self,
        input: &[u8],
        section: Section,
        limits: &Limits,
    ) -> Result<Option<usize>, Malformed> {
        loop {
            let rest = input.get(self.scanned as usize..).unwrap_or_default();
            let found = line_end(rest);
            let at = self.scanned as usize + found.unwrap_or(rest.len());
            self.scanned = self.within_limits(at, found.is_some(), section, limits)?;
            match input.get(at..).unwrap_or_default() {
                [] | [b'\r'] => return Ok(None),
                [b'\r', ..] if self.scanned + 1 >= limits.head => {
                    return Err(Malformed::SectionTooLarge);
                }
                [b'\r', b'\n', ..] => {}
                _ => return Err(Malformed::LineEnd),
            }
            let is_empty = self.scanned == self.line_start;
            self.scanned += 2;
            self.line_start = self.scanned;
            if is_empty {
                return Ok(Some(self.scanned as usize));
            }
            self.lines += 1;
        }
    }

    /// Judges the line that begins at `line_start`, of which the bytes up to `at` are there;
    /// it ends at `at` if `ends`. Returns `at`, which is within the limits.
    fn within_limits(
        &self,
        at: usize,
        ends: bool,
        section: Section,
        limits: &Limits,
    ) -> Result<u32, Malformed> {
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        let request_lines = u32::from(section == Section::Head);
        let is_request_line = self.lines < request_lines;
        // The first line begins at 0. If it is longer than a head may be, it is too long as
        // a line.
        let longest = limits.request_line.min(limits.head);
        if is_request_line && at > longest {
            return Err(Malformed::StartLineTooLong);
        }
        if at > limits.head || (ends && at == limits.head) {
            return Err(Malformed::SectionTooLarge);
        }
        let fields_before = self.lines.saturating_sub(request_lines);
        if ends && !is_request_line && at > self.line_start && fields_before >= limits.fields.into()
        {
            return Err(Malformed::TooManyFields);
        }
        Ok(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_its_members_and_no_others() {
        let set = ByteSet::alphanumeric_and(b"-\xff");
        for byte in 0..=u8::MAX {
            let is_member = matches!(byte, b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | 0xff);
            assert_eq!(set.contains(byte), is_member, "{byte}");
        }
    }

    #[test]
    fn the_first_cr_or_lf_is_found_anywhere() {
        // Neighbours of both, and bytes that differ from them in the highest bit.
        let others = [0x09, 0x0b, 0x0c, 0x0e, 0x8a, 0x8d, 0x00, 0xff, b'a'];
        for other in others {
            for length in 0..40 {
                let mut bytes = vec![other; length];
                assert_eq!(line_end(&bytes), None, "{other:#x} {length}");
                for at in (0..length).rev() {
                    for end in [b'\r', b'\n'] {
                        bytes[at] = end;
                        assert_eq!(line_end(&bytes), Some(at), "{other:#x} {length}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_field_value_takes_all_but_controls() {
        for byte in 0..=u8::MAX {
            let line = [b'a', b':', b'x', byte, b'y', b'\r', b'\n', b'\r', b'\n'];
            let taken = check(&line, 1, |_| ()).is_ok();
            // A bare LF is the scan's to find.
            let expected = matches!(byte, b'\t' | b' '..=b'~' | 0x80..);
            assert!(taken == expected || byte == b'\n', "{byte:#x}");
        }
    }

    #[test]
    fn a_field_name_takes_tokens_alone() {
        for byte in 0..=u8::MAX {
            let line = [b'a', byte, b'b', b':', b'x', b'\r', b'\n', b'\r', b'\n'];
            // With a colon for the byte, what follows is the value.
            let expected = is_tchar(byte) || byte == b':';
            assert_eq!(check(&line, 1, |_| ()).is_ok(), expected, "{byte:#x}");
        }
    }

    #[test]
    fn a_section_must_end_for_httparse_where_it_ends_for_the_scan() {
        assert_eq!(check(b"a: b\r\n\r\n", 1, |_| ()), Ok(()));
        for other in ["", "a: b\r\n", "a: b\r\n\r\nc: d\r\n\r\n", "\r\n\r\n"] {
            assert_eq!(check(other.as_bytes(), 1, |_| ()), Err(Malformed::FieldLine), "{other:?}");
        }
    }

    #[test]
    fn more_fields_than_fit_on_the_stack_are_seen_all() {
        let section = "a: b\r\n".repeat(90) + "\r\n";
        let mut seen = 0;
        check(section.as_bytes(), 90, |_| {
            seen += 1;
        })
        .unwrap();
        assert_eq!(seen, 90);
        assert_eq!(Fields::new(section.as_bytes()).iter().count(), 90);
    }

    #[test]
    fn a_field_is_found_by_its_name_in_any_case() {
        let fields = Fields::new(b"Ab: 1\r\naB: 2\r\nc:\r\n\r\n");
        assert_eq!(fields.get("AB"), Some(&b"1"[..]));
        assert_eq!(fields.get("C"), Some(&b""[..]));
        assert_eq!(fields.get("b"), None);
        assert_eq!(fields.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["Ab", "aB", "c"]);
        assert!(!fields.is_empty());
        assert!(Fields::default().is_empty());
        assert!(Fields::new(b"\r\n").is_empty());
    }

    #[test]
    fn the_values_of_a_name_come_in_the_order_of_their_lines() {
        let fields = Fields::new(b"A: 1, 2\r\nab: x\r\na: \t\r\nB: y\r\na:3 \r\n\r\n");
        assert_eq!(fields.values("a").collect::<Vec<_>>(), [&b"1, 2"[..], b"", b"3"]);
        assert_eq!(fields.values("b").collect::<Vec<_>>(), [b"y"]);
        assert_eq!(fields.values("c").count(), 0);
        assert_eq!(Fields::default().values("a").count(), 0);
    }

    #[test]
    fn a_list_is_cut_at_commas_outside_quoted_strings() {
        let lists: [(&str, &[&str]); 14] = [
            ("", &[]),
            (" , ,\t,", &[]),
            ("a", &["a"]),
            ("a,b", &["a", "b"]),
            (",a ,\t b c\t,, ", &["a", "b c"]),
            ("\"a,b\", c", &["\"a,b\"", "c"]),
            ("\"\",\" , \"", &["\"\"", "\" , \""]),
            (r#"x="a\",b";y=",",c"#, &[r#"x="a\",b";y=",""#, "c"]),
            (r#""a\\",b"#, &[r#""a\\""#, "b"]),
            (r#""\,",b"#, &[r#""\,""#, "b"]),
            // A backslash has no meaning outside a quoted string.
            (r#"a\,b\",c,""#, &["a\\", "b\\\",c,\""]),
            // One that is not closed, and one that ends in half a quoted pair.
            ("a, \"b, c ", &["a", "\"b, c"]),
            (r#"a,"b,\"#, &["a", r#""b,\"#]),
            ("\u{fc},\u{e9}", &["\u{fc}", "\u{e9}"]),
        ];
        for (value, members) in lists {
            let lines = format!("a: {value}\r\n\r\n");
            let fields = Fields::new(lines.as_bytes());
            let found: Vec<_> = fields.list("A").map(String::from_utf8_lossy).collect();
            assert_eq!(found, members, "{value}");
        }
    }

    #[test]
    fn a_list_goes_over_all_its_lines_and_a_quoted_string_over_one() {
        let fields = Fields::new(b"A: 1,\r\nb: x,y\r\na: \"2, 3\r\na:\r\na: 4,5\"\r\n\r\n");
        let found: Vec<_> = fields.list("a").collect();
        assert_eq!(found, [&b"1"[..], b"\"2, 3", b"4", b"5\""]);
    }

    #[test]
    fn the_scan_finds_the_same_end_however_the_input_is_cut() {
        let limits = Limits::default().request_line(12).head(30).fields(2);
        let sections = [
            "GET / HTTP/1.1\r\n",
            "GET / H\r\na:b\r\nc:d\r\n\r\n",
            "GET / H\r\na:b\r\nc:d\r\ne:f\r\n\r\n",
            "GET / H\r\na:b\r\nccccccccccccccccccccc",
            "GET / H\r\na:b\r\nccccccccccc\r\n\r\n",
            "GET / H\r\na:b\r\ncccccccccccc\r\n\r\n",
            "GET / H\r\na:b\r\nccccccccccccc\r\r\n",
            "GET / H\ra\r\n\r\n",
            "GET / H\na\r\n\r\n",
            "aaaaaaaaaaaa\r\n\r\n",
            "aaaaaaaaaaaaa\n\r\n",
        ];
        for section in sections {
            for kind in [Section::Head, Section::Trailer] {
                let input = section.as_bytes();
                let whole = SectionScan::new().find_end(input, kind, &limits);
                let mut scan = SectionScan::new();
                let bytewise = (1..=input.len())
                    .map(|end| scan.find_end(&input[..end], kind, &limits))
                    .find(|result| *result != Ok(None))
                    .unwrap_or(Ok(None));
                assert_eq!(whole, bytewise, "{section:?} as {kind:?}");
            }
        }
    }
}
