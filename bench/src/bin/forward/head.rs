//! The few things that are looked for in a head. What else it says is passed over.

const END: &[u8] = b"\r\n\r\n";

/// A whole head, with its empty line.
#[derive(Clone, Copy)]
pub(crate) struct Head<'b>(&'b [u8]);

impl<'b> Head<'b> {
    /// The head that `bytes` begin with; `None` if its end has not come.
    pub(crate) fn find(bytes: &'b [u8]) -> Option<Self> {
        let end = bytes.windows(END.len()).position(|window| window == END)?;
        Some(Self(&bytes[..end + END.len()]))
    }

    /// Bytes of it.
    pub(crate) fn size(self) -> usize {
        self.0.len()
    }

    /// The second word of its first line: of a request its target, of a response its status.
    pub(crate) fn second_word(self) -> Option<&'b str> {
        str::from_utf8(self.lines().next()?).ok()?.split(' ').nth(1)
    }

    /// Bytes of content, by its Content-Length; `None` without one.
    pub(crate) fn length(self) -> Option<u64> {
        str::from_utf8(self.value("content-length")?).ok()?.parse().ok()
    }

    /// True if its client waits for a 100 (Continue).
    pub(crate) fn expects(self) -> bool {
        self.value("expect").is_some_and(|value| value.eq_ignore_ascii_case(b"100-continue"))
    }

    /// That of the first field with a name.
    fn value(self, name: &str) -> Option<&'b [u8]> {
        self.lines().skip(1).find_map(|line| {
            let (own, value) = line.split_at_checked(name.len())?;
            let is_it = own.eq_ignore_ascii_case(name.as_bytes());
            value.strip_prefix(b":").filter(|_| is_it).map(<[u8]>::trim_ascii)
        })
    }

    fn lines(self) -> impl Iterator<Item = &'b [u8]> {
        self.0.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_for_is_found() {
        let text = b"PUT /upload-7 HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n\
                     content-length:  12 \r\nContent-Lengths: 3\r\n\r\ncontent\r\n\r\n";
        let size = text.len() - b"content\r\n\r\n".len();
        for end in 0..=text.len() {
            assert_eq!(Head::find(&text[..end]).is_some(), end >= size, "of {end} bytes");
        }
        let head = Head::find(text).unwrap();
        assert_eq!(head.size(), size);
        assert_eq!(head.second_word(), Some("/upload-7"));
        assert_eq!((head.length(), head.expects()), (Some(12), true));
        let head = Head::find(b"HTTP/1.1 200 OK\r\nX: content-length: 3\r\n\r\n").unwrap();
        assert_eq!((head.second_word(), head.length()), (Some("200"), None));
        assert!(!head.expects());
    }
}
