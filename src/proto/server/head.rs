//! The head of a request: its request line, the fields that the connection acts on, and the
//! message framing that follows from them (RFC 9112 §3, §5, §6).

use super::super::syntax::{
    self, Fields, Framing, FramingFields, SectionScan, Seen, Version, is_authority, is_tchar,
    list_members, trim_ows,
};
use super::{Reject, target};

/// A head that was read whole and found good.
///
/// # Example
///
/// ```
/// use streamsum::proto::{Connection, Event, Framing, Limits, Version};
///
/// let mut input = *b"PUT /a HTTP/1.1\r\nHost: example.org\r\nContent-Length: 5\r\n\r\n";
/// let mut connection = Connection::new(Limits::default());
/// let Event::Head(head) = connection.receive(&mut input)?.event else { panic!() };
/// assert_eq!((head.method(), head.target()), ("PUT", "/a"));
/// assert_eq!(head.version(), Version::Http11);
/// assert_eq!(head.framing(), Framing::Length(5));
/// assert_eq!(head.authority(), Some("example.org"));
/// # Ok::<(), streamsum::proto::Reject>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Head<'i> {
    method: &'i str,
    target: &'i str,
    version: Version,
    authority: Option<&'i str>,
    fields: Fields<'i>,
    framing: Framing,
    mentions: Mentions,
}

/// Which fields for handlers a head may have, found in the pass for those of the connection: so
/// that nobody looks for them in the many heads that have none.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mentions {
    /// A field that may declare a digest, or says where one may be declared, or of what.
    pub(crate) digests: bool,
    /// Accept, with a value that is long enough to name `application/json`.
    pub(crate) json: bool,
}

impl<'i> Head<'i> {
    /// The method: any token, its case kept (RFC 9110 §9.1).
    #[must_use]
    pub fn method(&self) -> &'i str {
        self.method
    }

    /// The request target as it was sent, not decoded: origin-form, absolute-form, or
    /// `*` (RFC 9112 §3.2).
    #[must_use]
    pub fn target(&self) -> &'i str {
        self.target
    }

    /// The version.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// The host and port that the client wants to reach: the authority of an absolute-form
    /// target, else the value of Host, which may be empty (RFC 9112 §3.2.2). `None` for an
    /// HTTP/1.0 request without Host.
    #[must_use]
    pub fn authority(&self) -> Option<&'i str> {
        self.authority
    }

    /// The field lines.
    #[must_use]
    pub fn fields(&self) -> Fields<'i> {
        self.fields
    }

    /// How the end of the content is found.
    #[must_use]
    pub fn framing(&self) -> Framing {
        self.framing
    }

    pub(crate) fn mentions(&self) -> Mentions {
        self.mentions
    }
}

/// A head that was found good, and what the connection has to know besides.
#[derive(Debug)]
pub(super) struct Judged<'i> {
    pub(super) head: Head<'i>,
    pub(super) asks_close: bool,
    pub(super) asks_keep_alive: bool,
    pub(super) expects_continue: bool,
}

/// Judges a whole head. `scan` has counted its lines.
pub(super) fn judge<'i>(section: &'i [u8], scan: &SectionScan) -> Result<Judged<'i>, Reject> {
    let end = syntax::line_end(section).unwrap_or(section.len());
    let (line, rest) = section.split_at(end);
    let lines = rest.strip_prefix(b"\r\n").unwrap_or_default();

    let line = request_line(line)?;
    let target_authority = target::check(line.method, line.target)?;
    let target = std::str::from_utf8(line.target).map_err(|_| Reject::Target)?;

    let mut control = ControlFields::default();
    syntax::check(lines, scan.lines().saturating_sub(1), |field| control.add(field))?;
    let host = control.host(line.version)?;
    let framing = control.framing.framing(line.version)?;
    if control.unknown_expectation {
        return Err(Reject::Expectation);
    }

    // Both were found to be ASCII.
    let authority = target_authority.or(host).and_then(|value| std::str::from_utf8(value).ok());
    let head = Head {
        method: line.method,
        target,
        version: line.version,
        authority,
        fields: Fields::new(lines),
        framing,
        mentions: control.mentions,
    };
    Ok(Judged {
        head,
        asks_close: control.close,
        asks_keep_alive: control.keep_alive,
        expects_continue: control.expects_continue && line.version == Version::Http11,
    })
}

struct RequestLine<'i> {
    method: &'i str,
    target: &'i [u8],
    version: Version,
}

/// Not httparse's: that has one error for all bad versions, and takes none of HTTP/1.2 to
/// 1.9.
fn request_line(line: &[u8]) -> Result<RequestLine<'_>, Reject> {
    let (method, target, version) = split_request_line(line).ok_or(Reject::RequestLine)?;
    let version = match version {
        b"HTTP/1.0" => Version::Http10,
        [b'H', b'T', b'T', b'P', b'/', major @ b'0'..=b'9', b'.', b'0'..=b'9'] => match major {
            b'1' => Version::Http11,
            _ => return Err(Reject::MajorVersion),
        },
        _ => return Err(Reject::Version),
    };
    if method == "CONNECT" {
        return Err(Reject::Connect);
    }
    Ok(RequestLine { method, target, version })
}

/// Method, target and version, if the line has these three parts and no others, with one
/// space between them.
fn split_request_line(line: &[u8]) -> Option<(&str, &[u8], &[u8])> {
    let mut parts = line.split(|byte| *byte == b' ');
    let (method, target, version) = (parts.next()?, parts.next()?, parts.next()?);
    let well_formed = !method.is_empty()
        && method.iter().all(|byte| is_tchar(*byte))
        && !target.is_empty()
        && parts.next().is_none();
    well_formed.then_some((std::str::from_utf8(method).ok()?, target, version))
}

/// Method and target of a head that was refused, if its first line is complete and has the
/// parts of a request line.
pub(super) fn method_and_target(input: &[u8]) -> Option<(&str, &str)> {
    let input = skip_empty_lines(input);
    let end = input.iter().position(|byte| *byte == b'\r')?;
    let (method, target, _) = split_request_line(input.get(..end)?)?;
    Some((method, std::str::from_utf8(target).ok()?))
}

fn skip_empty_lines(mut input: &[u8]) -> &[u8] {
    while let [b'\r', b'\n', rest @ ..] = input {
        input = rest;
    }
    input
}

/// How long a value must be that can name it.
const JSON: &str = "application/json";
/// How the names of Amazon S3's fields for digests begin.
const CHECKSUM: &str = "x-amz-checksum-";

fn begins_with(name: &str, start: &str) -> bool {
    name.get(..start.len()).is_some_and(|own| own.eq_ignore_ascii_case(start))
}

/// The fields that the connection acts on, found in one pass: for Host, framing, persistence
/// and expectations; and whether there are others that handlers act on.
#[derive(Default)]
struct ControlFields<'i> {
    host: Seen<'i>,
    framing: FramingFields<'i>,
    close: bool,
    keep_alive: bool,
    expects_continue: bool,
    unknown_expectation: bool,
    mentions: Mentions,
}

impl<'i> ControlFields<'i> {
    fn add(&mut self, field: &httparse::Header<'i>) {
        let is = |name: &str| field.name.eq_ignore_ascii_case(name);
        // Comparing the length of the name first excludes nearly all fields.
        match field.name.len() {
            4 if is("host") => self.host.add(field.value),
            6 if is("expect") => self.add_expectations(field.value),
            6 if is("accept") => self.mentions.json |= field.value.len() >= JSON.len(),
            7 if is("trailer") => self.mentions.digests = true,
            10 if is("connection") => self.add_connection_options(field.value),
            11 if is("content-md5") || is("repr-digest") => self.mentions.digests = true,
            13 if is("content-range") => self.mentions.digests = true,
            14 if is("content-length") => self.framing.length.add(field.value),
            14 if is("content-digest") => self.mentions.digests = true,
            16 if is("content-encoding") => self.mentions.digests = true,
            17 if is("transfer-encoding") => self.framing.coding.add(field.value),
            20 if is("x-amz-content-sha256") => self.mentions.digests = true,
            18..=24 => self.mentions.digests |= begins_with(field.name, CHECKSUM),
            _ => {}
        }
    }

    fn add_connection_options(&mut self, value: &[u8]) {
        // Options are tokens: a list with a quote in it is malformed, and hides no `close`.
        for option in value.split(|byte| *byte == b',').map(trim_ows) {
            self.close |= option.eq_ignore_ascii_case(b"close");
            self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
        }
    }

    fn add_expectations(&mut self, value: &[u8]) {
        for expectation in list_members(value).filter(|member| !member.is_empty()) {
            if expectation.eq_ignore_ascii_case(b"100-continue") {
                self.expects_continue = true;
            } else {
                self.unknown_expectation = true;
            }
        }
    }

    /// RFC 9112 §3.2.
    fn host(&self, version: Version) -> Result<Option<&'i [u8]>, Reject> {
        match self.host {
            Seen::Never if version == Version::Http10 => Ok(None),
            Seen::Never => Err(Reject::HostMissing),
            Seen::Once(value) if is_authority(value) => Ok(Some(value)),
            Seen::Once(_) => Err(Reject::Host),
            Seen::Again => Err(Reject::HostRepeated),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_taken_for_its_major_and_minor_digit() {
        let version =
            |text: &str| request_line(format!("GET / {text}").as_bytes()).map(|line| line.version);
        assert_eq!(version("HTTP/1.0"), Ok(Version::Http10));
        assert_eq!(version("HTTP/1.1"), Ok(Version::Http11));
        assert_eq!(version("HTTP/1.9"), Ok(Version::Http11));
        for same in [Version::Http10, Version::Http11] {
            assert_eq!(version(same.as_str()), Ok(same));
        }
        for other in ["HTTP/0.9", "HTTP/2.0", "HTTP/9.9"] {
            assert_eq!(version(other), Err(Reject::MajorVersion), "{other}");
        }
        for bad in
            ["", "HTTP/1", "HTTP/1.", "HTTP/1.10", "HTTP/11.1", "http/1.1", "HTTP/1,1", "HTTP/+.1"]
        {
            assert_eq!(version(bad), Err(Reject::Version), "{bad}");
        }
    }

    #[test]
    fn a_request_line_of_other_parts_is_malformed() {
        for bad in [
            "",
            " ",
            "GET",
            "GET /",
            "GET  / HTTP/1.1",
            " GET / HTTP/1.1",
            " / HTTP/1.1",
            "GET / HTTP/1.1 ",
            "GET /  HTTP/1.1",
            "GET /a b HTTP/1.1",
            "G\tT / HTTP/1.1",
            "GE(T / HTTP/1.1",
        ] {
            assert!(matches!(request_line(bad.as_bytes()), Err(Reject::RequestLine)), "{bad}");
        }
    }
}
