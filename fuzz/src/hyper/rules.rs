//! Every difference that is allowed between hyper's reading and ours: who does what, and
//! what in the input has to be there for it.

use streamsum::proto::Reject;

use super::sent::{self, Absolute, Sent};
use super::{Difference, Outcome};

rules! {
    // Lines. We take CRLF alone; httparse, hyper's parser, takes a lone LF as well.
    BareLfBefore, "bare-lf-before-request-line", "RFC 9112 2.2",
        "LF without CR as an empty line before the request line", "400", "skipped";
    BareLfHead, "bare-lf-in-head", "RFC 9112 2.2",
        "LF without CR as a line end in the head", "400", "a line end";
    BareLfTrailers, "bare-lf-in-trailers", "RFC 9112 2.2, 7.1.2",
        "LF without CR in the trailer section", "400", "a line end inside the section";
    EmptyLines, "five-empty-lines", "RFC 9112 2.2",
        "more than 4 empty lines before the request line", "400", "skipped, however many";

    // Targets. hyper takes whatever its URI type takes, for any method.
    TargetFragment, "target-with-fragment", "RFC 9112 3.2",
        "a target with a fragment", "400", "the fragment is cut off";
    TargetAsterisk, "target-asterisk", "RFC 9112 3.2.4",
        "`*` with another method than OPTIONS", "400", "taken";
    TargetScheme, "target-of-other-scheme", "RFC 9112 3.2.2",
        "absolute-form with another scheme than http and https, or with none", "400", "taken";
    TargetAuthority, "target-authority-form", "RFC 9112 3.2.3",
        "authority-form with another method than CONNECT", "400", "taken";
    TargetHost, "target-with-user-information", "RFC 9110 4.2.4",
        "absolute-form with user information, or with a malformed authority", "400",
        "its own grammar of authorities";
    TargetUncommonHost, "target-with-percent-host", "RFC 3986 3.2.2",
        "absolute-form with percent-encoding or an IPvFuture address in its host", "taken",
        "400 where its own grammar of authorities has none of it";
    TargetBytes, "target-with-angle-brackets", "RFC 3986 3.3, 3.4",
        "`<`, `>` and `` ` `` in a path, `<`, `>` and `\"` in a query", "taken as they are", "400";
    TargetRewritten, "target-rewritten", "RFC 9112 3.2.2",
        "absolute-form with capitals in its scheme, or without a path", "passed on as it came",
        "the scheme in small letters, and `/` for the path";

    // Versions.
    MinorVersion, "version-1.2", "RFC 9110 2.5",
        "HTTP/1.2 to HTTP/1.9", "served as HTTP/1.1", "400";

    // Host. hyper leaves it to the service.
    HostMissing, "host-missing", "RFC 9112 3.2",
        "HTTP/1.1 without Host", "400", "taken";
    HostRepeated, "host-repeated", "RFC 9112 3.2",
        "more than one Host", "400", "taken";
    HostMalformed, "host-malformed", "RFC 9112 3.2",
        "a Host that is not `uri-host [\":\" port]`", "400", "taken";

    // Framing.
    LengthAndCoding, "length-and-coding", "RFC 9112 6.1",
        "Content-Length beside Transfer-Encoding", "400",
        "the length is dropped, and the connection is closed after the answer";
    LengthRepeated, "length-repeated", "RFC 9110 8.6",
        "several equal Content-Length lines", "400", "taken as one";
    CodingUnknown, "coding-before-chunked", "RFC 9112 6.1",
        "other codings before `chunked`", "501", "content is what is left without the chunks";
    CodingList, "coding-list-malformed", "RFC 9112 6.1",
        "a Transfer-Encoding that ends in `chunked` and has `chunked` before that, a parameter, an empty member, or no token", "400",
        "all before the last comma is ignored";
    CodingLines, "coding-lines", "RFC 9112 6.1",
        "several Transfer-Encoding lines", "400", "the last decides";

    // The chunked coding.
    ChunkDigits, "chunk-size-of-17-digits", "RFC 9112 7.1",
        "more than 16 digits of a chunk size", "400", "taken if the number fits 64 bits";
    ChunkPadding, "chunk-size-padded", "RFC 9112 7.1",
        "white space between a chunk size and its CRLF", "400", "skipped";
    ChunkExtension, "chunk-extension-malformed", "RFC 9112 7.1.1",
        "a chunk extension against the grammar", "400", "any bytes but CR and LF";
    ChunkOverhead, "chunk-extensions-over-limit", "RFC 9112 7.1.1",
        "more than 16 KiB of framing beyond 24 bytes a chunk", "400",
        "white space before an extension is not counted";
    ChunkExtensionsSum, "chunk-extensions-small", "RFC 9112 7.1.1",
        "16 KiB of extensions in a request, a few bytes in each chunk", "taken",
        "400: each byte of an extension counts";

    // Limits.
    RequestLineLimit, "request-line-over-limit", "RFC 9112 3",
        "a request line over 16 KiB", "414", "taken up to a target of 65,534 bytes";
    HeadLimit, "head-over-limit", "RFC 6585 5",
        "a head over 64 KiB", "431", "taken up to 408 KiB";
    TrailerLimit, "trailers-over-16-kib", "RFC 9112 7.1.2",
        "a trailer section from 16 KiB to 64 KiB", "taken", "400";

    // Meaning.
    Expectation, "expectation-unknown", "RFC 9110 10.1.1",
        "an expectation other than `100-continue`", "417", "ignored";
    Connect, "connect", "RFC 9110 9.3.6",
        "CONNECT", "501", "taken, and the connection is closed after the answer";
    ConnectionBytes, "connection-with-high-byte", "RFC 9110 5.5",
        "a Connection line with a byte from 0x80 on", "its other members count",
        "the whole line is ignored";
}

impl Rule {
    /// Those that explain a difference.
    pub(super) fn all_for(difference: &Difference<'_>) -> Vec<Rule> {
        let sent = Sent::new(difference.rest);
        Rule::ALL.iter().copied().filter(|rule| rule.explains(difference, &sent)).collect()
    }

    /// Whether both go on as if there were no difference.
    pub(super) fn only_rewrites(self) -> bool {
        self == Rule::TargetRewritten
    }

    fn explains(self, difference: &Difference<'_>, sent: &Sent<'_>) -> bool {
        match (&difference.ours, &difference.theirs) {
            // hyper drops empty lines behind the last message, too.
            (Outcome::Refused(Some(reject)), Outcome::Took(_) | Outcome::Ended) => {
                self.lets_us_refuse(*reject, sent) || self.lets_them_close(difference)
            }
            (Outcome::Took(_), Outcome::Refused(_)) => self.lets_them_refuse(sent),
            (Outcome::Took(ours), Outcome::Took(theirs)) => {
                self == Rule::TargetRewritten
                    && (&ours.method, &ours.content) == (&theirs.method, &theirs.content)
                    && rewritten(&ours.target).is_some_and(|target| target == theirs.target)
            }
            (Outcome::Ended, _) | (_, Outcome::Ended) => self.lets_them_close(difference),
            _ => false,
        }
    }

    /// Whether it is right that we refuse what hyper takes.
    fn lets_us_refuse(self, reject: Reject, sent: &Sent<'_>) -> bool {
        let method = sent.method();
        let target = sent.target();
        let absolute = sent::absolute(target);
        let http = absolute.as_ref().filter(|absolute| absolute.is_http());
        let hosts = sent.values("host");
        let lengths = sent.values("content-length");
        let codings = sent.values("transfer-encoding");
        let is_chunked = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
        let ends_chunked = |value: &&[u8]| sent::members(value).last().is_some_and(is_chunked);
        let (chunk_lines, trailers) = sent.chunks();
        let has_chunk = |is: fn(&[u8]) -> bool| chunk_lines.iter().any(|line| is(line));
        match self {
            Rule::BareLfBefore => reject == Reject::LineEnd && sent::has_bare_lf(sent.empty_lines),
            Rule::BareLfHead => reject == Reject::LineEnd && sent::has_bare_lf(sent.head),
            Rule::BareLfTrailers => reject == Reject::LineEnd && sent::has_bare_lf(trailers),
            Rule::EmptyLines => {
                // The CR of a fifth one is enough.
                let one_too_many = [&b"\r\n".repeat(4)[..], b"\r"].concat();
                reject == Reject::EmptyLines && sent.empty_lines.starts_with(&one_too_many)
            }
            Rule::TargetFragment => reject == Reject::Target && target.contains(&b'#'),
            Rule::TargetAsterisk => {
                reject == Reject::Target && target == b"*" && method != b"OPTIONS"
            }
            Rule::TargetScheme => {
                reject == Reject::Target && absolute.is_some_and(|absolute| !absolute.is_http())
            }
            Rule::TargetAuthority => {
                reject == Reject::Target
                    && !target.iter().any(|byte| b"/?#".contains(byte))
                    && target != b"*"
            }
            Rule::TargetHost => {
                reject == Reject::Host
                    && http.is_some_and(|http| !sent::is_plain_authority(http.authority))
            }
            Rule::HostMissing => {
                reject == Reject::HostMissing && hosts.is_empty() && sent.version() == b"HTTP/1.1"
            }
            Rule::HostRepeated => reject == Reject::HostRepeated && hosts.len() > 1,
            Rule::HostMalformed => {
                reject == Reject::Host && hosts.iter().any(|host| !sent::is_plain_authority(host))
            }
            Rule::LengthAndCoding => {
                reject == Reject::LengthAndCoding && !lengths.is_empty() && !codings.is_empty()
            }
            Rule::LengthRepeated => reject == Reject::LengthRepeated && lengths.len() > 1,
            Rule::CodingUnknown => {
                reject == Reject::Coding
                    && codings.iter().all(ends_chunked)
                    && codings.iter().all(|value| sent::members(value).count() > 1)
            }
            Rule::CodingList => {
                reject == Reject::CodingSyntax
                    && codings.len() == 1
                    && codings.iter().all(|value| ends_chunked(value) && value.contains(&b','))
            }
            Rule::CodingLines => {
                reject == Reject::CodingSyntax
                    && codings.len() > 1
                    && codings.last().is_some_and(ends_chunked)
            }
            Rule::ChunkDigits => {
                reject == Reject::ChunkSize && has_chunk(|line| sent::digits(line) > 16)
            }
            Rule::ChunkPadding => {
                let is_padded = |line: &[u8]| {
                    let behind = &line[sent::digits(line)..];
                    !behind.is_empty() && behind.trim_ascii().is_empty()
                };
                reject == Reject::ChunkExtension && has_chunk(is_padded)
            }
            Rule::ChunkExtension => {
                let is_odd = |line: &[u8]| {
                    line.contains(&b';') && !sent::is_plain_extension(&line[sent::digits(line)..])
                };
                reject == Reject::ChunkExtension && has_chunk(is_odd)
            }
            Rule::ChunkOverhead => {
                // With the CRLF of the line and of the data.
                let excess = chunk_lines.iter().map(|line| (line.len() + 4).saturating_sub(24));
                reject == Reject::ChunkOverhead && excess.sum::<usize>() > 16 << 10
            }
            Rule::RequestLineLimit => {
                reject == Reject::RequestLineTooLong && sent.request_line().len() > 16 << 10
            }
            Rule::HeadLimit => reject == Reject::HeadTooLarge && sent.head.len() > 64 << 10,
            Rule::Expectation => {
                let is_known = |member: &[u8]| member.eq_ignore_ascii_case(b"100-continue");
                let values = sent.values("expect");
                let mut members = values.iter().flat_map(|value| sent::members(value));
                reject == Reject::Expectation && members.any(|member| !is_known(member))
            }
            Rule::Connect => reject == Reject::Connect && method == b"CONNECT",
            _ => false,
        }
    }

    /// Whether it is right that we take what hyper refuses.
    fn lets_them_refuse(self, sent: &Sent<'_>) -> bool {
        let target = sent.target();
        let http = sent::absolute(target).filter(Absolute::is_http);
        match self {
            Rule::TargetBytes => {
                let path = http.map_or(target, |absolute| absolute.path);
                let mut parts = path.splitn(2, |byte| *byte == b'?');
                let mut has = |bytes: &[u8]| {
                    parts.next().is_some_and(|part| part.iter().any(|byte| bytes.contains(byte)))
                };
                has(b"<>`") || has(b"<>\"")
            }
            Rule::TargetUncommonHost => http.is_some_and(|Absolute { authority, .. }| {
                authority.contains(&b'%')
                    || authority.starts_with(b"[v")
                    || authority.starts_with(b"[V")
            }),
            Rule::MinorVersion => {
                matches!(sent.version(), [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'2'..=b'9'])
            }
            Rule::ChunkExtensionsSum => {
                let (lines, _) = sent.chunks();
                let extensions = lines.iter().filter_map(|line| {
                    let semicolon = line.iter().position(|byte| *byte == b';')?;
                    Some(line.len() - semicolon - 1)
                });
                extensions.sum::<usize>() >= 16 << 10
            }
            Rule::TrailerLimit => {
                let (_, trailers) = sent.chunks();
                let end = trailers.windows(4).position(|four| four == b"\r\n\r\n");
                end.is_some_and(|end| end + 4 >= 16 << 10)
            }
            _ => false,
        }
    }

    /// Whether only one of the two closes after the message before.
    fn lets_them_close(self, difference: &Difference<'_>) -> bool {
        let one_ended =
            (difference.ours == Outcome::Ended) != (difference.theirs == Outcome::Ended);
        let mut connection = Sent::new(difference.before).values("connection").into_iter();
        self == Rule::ConnectionBytes && one_ended && connection.any(|value| !value.is_ascii())
    }
}

/// An absolute-form target as hyper writes it.
fn rewritten(target: &str) -> Option<String> {
    let Absolute { scheme, authority, path } = sent::absolute(target.as_bytes())?;
    let slash: &[u8] = if path.starts_with(b"/") { b"" } else { b"/" };
    let target = [&scheme.to_ascii_lowercase(), &b"://"[..], authority, slash, path].concat();
    String::from_utf8(target).ok()
}

/// The table of all rules, in Markdown.
pub fn table() -> String {
    let rows = Rule::ALL.iter().map(|rule| (rule.row(), rule.file()));
    crate::table::table("hyper", rows)
}
