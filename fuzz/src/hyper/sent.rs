//! What a peer sent, as a lenient reader sees it: properties for the rules, found without
//! the library.

/// The first message of some bytes, however malformed it is.
pub(crate) struct Sent<'i> {
    /// CR and LF before the request line.
    pub(crate) empty_lines: &'i [u8],
    /// From the request line through the empty line, if there is one.
    pub(crate) head: &'i [u8],
    /// The lines of the head without their ends.
    lines: Vec<&'i [u8]>,
    rest: &'i [u8],
}

impl<'i> Sent<'i> {
    pub(crate) fn new(bytes: &'i [u8]) -> Self {
        let begin = bytes.iter().position(|byte| !b"\r\n".contains(byte)).unwrap_or(bytes.len());
        let (empty_lines, bytes) = bytes.split_at(begin);
        let mut lines = Vec::new();
        let mut end = 0;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            end += line.len();
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() {
                break;
            }
            lines.push(line);
        }
        let (head, rest) = bytes.split_at(end);
        Self { empty_lines, head, lines, rest }
    }

    pub(crate) fn request_line(&self) -> &'i [u8] {
        self.lines.first().copied().unwrap_or_default()
    }

    /// All behind the head.
    pub(crate) fn rest(&self) -> &'i [u8] {
        self.rest
    }

    fn part(&self, at: usize) -> &'i [u8] {
        self.request_line().split(|byte| *byte == b' ').nth(at).unwrap_or_default()
    }

    pub(crate) fn method(&self) -> &'i [u8] {
        self.part(0)
    }

    pub(crate) fn target(&self) -> &'i [u8] {
        self.part(1)
    }

    pub(crate) fn version(&self) -> &'i [u8] {
        self.part(2)
    }

    /// The trimmed values of a field, line by line.
    pub(crate) fn values(&self, name: &str) -> Vec<&'i [u8]> {
        let fields = self.lines.iter().skip(1).filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            Some((&line[..colon], line[colon + 1..].trim_ascii()))
        });
        fields
            .filter(|(own, _)| own.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value)
            .collect()
    }

    /// Chunk lines without their CRLF, and what follows the last of them; nothing if the
    /// content is not in chunks.
    pub(crate) fn chunks(&self) -> (Vec<&'i [u8]>, &'i [u8]) {
        let mut lines = Vec::new();
        let mut rest = self.rest;
        let chunked = self.values("transfer-encoding").last().is_some_and(|value| {
            members(value).last().is_some_and(|last| last.eq_ignore_ascii_case(b"chunked"))
        });
        if !chunked {
            return (lines, &[]);
        }
        while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
            let (line, behind) = (&rest[..end], &rest[end + 2..]);
            lines.push(line);
            let size = size(line);
            if size == 0 {
                return (lines, behind);
            }
            rest = usize::try_from(size)
                .ok()
                .and_then(|size| behind.get(size.checked_add(2)?..))
                .unwrap_or_default();
        }
        (lines, &[])
    }
}

fn size(line: &[u8]) -> u64 {
    let digits = &line[..digits(line)];
    let text = std::str::from_utf8(digits).unwrap_or_default().trim_start_matches('0');
    u64::from_str_radix(text, 16).unwrap_or(if text.is_empty() { 0 } else { u64::MAX })
}

/// How many hexadecimal digits a chunk line begins with.
pub(crate) fn digits(line: &[u8]) -> usize {
    line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count()
}

/// The members of a list, trimmed.
pub(crate) fn members(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}

/// Whether there is a LF without its CR.
pub(crate) fn has_bare_lf(bytes: &[u8]) -> bool {
    (0..bytes.len()).any(|at| bytes[at] == b'\n' && (at == 0 || bytes[at - 1] != b'\r'))
}

/// `;name` and `;name=value`, without white space and quotes: what all readers take.
pub(crate) fn is_plain_extension(text: &[u8]) -> bool {
    let is_token = |part: &[u8]| {
        !part.is_empty()
            && part.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(byte))
    };
    text.split(|byte| *byte == b';').skip(1).all(|extension| {
        let mut parts = extension.splitn(2, |byte| *byte == b'=');
        parts.next().is_some_and(is_token) && parts.next().is_none_or(is_token)
    })
}

/// A scheme, which hyper lets be empty, `://`, an authority, and what follows it.
pub(crate) struct Absolute<'i> {
    pub(crate) scheme: &'i [u8],
    pub(crate) authority: &'i [u8],
    pub(crate) path: &'i [u8],
}

pub(crate) fn absolute(target: &[u8]) -> Option<Absolute<'_>> {
    let colon = target.windows(3).position(|three| three == b"://")?;
    let (scheme, rest) = (&target[..colon], &target[colon + 3..]);
    let end = rest.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let is_first = scheme.iter().all(|byte| !b"/?#".contains(byte));
    is_first.then_some(Absolute { scheme, authority, path })
}

impl Absolute<'_> {
    pub(crate) fn is_http(&self) -> bool {
        [&b"http"[..], b"https"].iter().any(|scheme| self.scheme.eq_ignore_ascii_case(scheme))
    }
}

/// A host of letters, digits, `-` and `.`, perhaps with a port: what all readers take.
pub(crate) fn is_plain_authority(text: &[u8]) -> bool {
    let mut parts = text.splitn(2, |byte| *byte == b':');
    let host = parts.next().unwrap_or_default();
    let port = parts.next().unwrap_or(b"80");
    !host.is_empty()
        && host.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(byte))
        && port.iter().all(u8::is_ascii_digit)
}
