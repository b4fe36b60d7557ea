//! Every difference that is allowed between the reading of hyper's client and ours: who does what,
//! and what in the input has to be there for it.

use streamsum::proto::client::Fault;

use super::{Answer, Difference, Outcome};
use crate::hyper::sent::{self, Sent};

rules! {
    // Lines. We take CRLF alone; httparse, hyper's parser, takes a lone LF as well.
    EmptyLines, "empty-line-before-status-line", "RFC 9112 2.2",
        "empty lines before a status line", "a fault", "skipped";
    BareLfHead, "bare-lf-in-head", "RFC 9112 2.2",
        "LF without CR as a line end in a head", "a fault", "a line end";
    BareLfTrailers, "bare-lf-in-trailers", "RFC 9112 2.2, 7.1.2",
        "LF without CR in the trailer section", "a fault", "a line end inside the section";

    // Status lines.
    MinorVersion, "version-1.2", "RFC 9110 2.5",
        "HTTP/1.2 to HTTP/1.9", "read as HTTP/1.1", "an error";
    Switching, "switching-protocols", "RFC 9110 15.2.2",
        "101, which was not asked for", "a fault", "a final answer";
    Interim, "interim-over-limit", "RFC 9110 15.2",
        "more than 1,000 interim answers", "a fault", "skipped, however many";

    // Framing.
    LengthAndCoding, "length-and-coding", "RFC 9112 6.3",
        "Content-Length beside Transfer-Encoding", "a fault", "the length is ignored";
    LengthRepeated, "length-repeated", "RFC 9110 8.6",
        "several equal Content-Length lines", "a fault", "taken as one";
    LengthList, "length-list", "RFC 9110 8.6",
        "a Content-Length that is a list of equal numbers", "a fault", "taken as one";
    CodingToEnd, "coding-to-end", "RFC 9112 6.3",
        "a Transfer-Encoding that does not end in `chunked`", "a fault",
        "content up to the end of the connection";
    CodingBeforeChunked, "coding-before-chunked", "RFC 9112 6.1",
        "a Transfer-Encoding that ends in `chunked` and has more before that", "a fault",
        "all before the last comma is ignored";

    // The chunked coding.
    ChunkDigits, "chunk-size-of-17-digits", "RFC 9112 7.1",
        "more than 16 digits of a chunk size", "a fault", "taken if the number fits 64 bits";
    ChunkPadding, "chunk-size-padded", "RFC 9112 7.1",
        "white space between a chunk size and its CRLF", "a fault", "skipped";
    ChunkExtension, "chunk-extension-malformed", "RFC 9112 7.1.1",
        "a chunk extension against the grammar", "a fault", "any bytes but CR and LF";
    ChunkOverhead, "chunk-extensions-over-limit", "RFC 9112 7.1.1",
        "more than 16 KiB of framing beyond 24 bytes a chunk", "a fault",
        "white space before an extension is not counted";
    ChunkExtensionsSum, "chunk-extensions-small", "RFC 9112 7.1.1",
        "16 KiB of extensions in an answer, a few bytes in each chunk", "taken",
        "an error: each byte of an extension counts";

    // Limits.
    StatusLineLimit, "status-line-over-limit", "RFC 9112 4",
        "a status line over 16 KiB", "a fault", "taken";
    HeadLimit, "head-over-limit", "RFC 9110 5.4",
        "a head over 64 KiB", "a fault", "taken up to 408 KiB";
    TrailerLimit, "trailers-over-16-kib", "RFC 9112 7.1.2",
        "a trailer section from 16 KiB to 64 KiB", "taken", "an error";

    // Whether the connection is used again.
    KeepAlive, "keep-alive-of-1.0", "RFC 9112 9.3",
        "HTTP/1.0 with `keep-alive`", "not used again", "used again";
    ConnectionBytes, "connection-with-high-byte", "RFC 9110 5.5",
        "a Connection line with a byte from 0x80 on", "its other members count",
        "the whole line is ignored";
    ConnectionQuoted, "connection-quoted", "RFC 9110 5.6.4",
        "a Connection line with commas in a quoted string", "they separate nothing",
        "they separate members";
}

/// The heads and the rest that a lenient reader sees: interim answers, then the final one.
fn answers(mut bytes: &[u8]) -> Vec<Sent<'_>> {
    let mut answers = Vec::new();
    loop {
        let sent = Sent::new(bytes);
        let is_interim = sent.target().starts_with(b"1") && sent.target() != b"101";
        bytes = sent.rest();
        answers.push(sent);
        if !is_interim || bytes.is_empty() {
            return answers;
        }
    }
}

impl Rule {
    /// Those that explain a difference.
    pub(super) fn all_for(difference: &Difference<'_>) -> Vec<Rule> {
        let answers = answers(difference.bytes);
        Rule::ALL.iter().copied().filter(|rule| rule.explains(difference, &answers)).collect()
    }

    fn explains(self, difference: &Difference<'_>, answers: &[Sent<'_>]) -> bool {
        let [.., last] = answers else { return false };
        match (&difference.ours, &difference.theirs) {
            (Outcome::Refused(Some(fault)), Outcome::Took(_)) => {
                self.lets_us_refuse(*fault, answers, last)
            }
            (Outcome::Took(_), Outcome::Refused(_)) => self.lets_them_refuse(answers, last),
            (Outcome::Took(ours), Outcome::Took(theirs)) => {
                let reusable = Answer { is_reusable: ours.is_reusable, ..theirs.clone() };
                *ours == reusable && self.lets_one_close(ours, last)
            }
            _ => false,
        }
    }

    /// Whether it is right that we refuse what hyper takes.
    fn lets_us_refuse(self, fault: Fault, answers: &[Sent<'_>], last: &Sent<'_>) -> bool {
        let lengths = last.values("content-length");
        let codings = last.values("transfer-encoding");
        let is_chunked = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
        let ends_chunked = |value: &&[u8]| sent::members(value).last().is_some_and(is_chunked);
        let has_head = |is: &dyn Fn(&Sent<'_>) -> bool| answers.iter().any(is);
        let (chunk_lines, trailers) = last.chunks();
        let has_chunk = |is: fn(&[u8]) -> bool| chunk_lines.iter().any(|line| is(line));
        match self {
            Rule::EmptyLines => {
                fault == Fault::StatusLine && has_head(&|sent| !sent.empty_lines.is_empty())
            }
            Rule::BareLfHead => {
                fault == Fault::LineEnd && has_head(&|sent| sent::has_bare_lf(sent.head))
            }
            Rule::BareLfTrailers => fault == Fault::LineEnd && sent::has_bare_lf(trailers),
            Rule::Switching => fault == Fault::SwitchingProtocols && last.target() == b"101",
            Rule::Interim => fault == Fault::TooManyInterim && answers.len() > 1_001,
            Rule::LengthAndCoding => {
                fault == Fault::LengthAndCoding && !lengths.is_empty() && !codings.is_empty()
            }
            Rule::LengthRepeated => fault == Fault::LengthRepeated && lengths.len() > 1,
            Rule::LengthList => {
                fault == Fault::Length && lengths.iter().all(|value| value.contains(&b','))
            }
            Rule::CodingToEnd => {
                fault == Fault::Coding && !codings.last().is_some_and(ends_chunked)
            }
            Rule::CodingBeforeChunked => {
                let is_plain = codings.len() == 1 && codings.iter().all(|value| is_chunked(value));
                fault == Fault::Coding && codings.last().is_some_and(ends_chunked) && !is_plain
            }
            Rule::ChunkDigits => fault == Fault::Chunk && has_chunk(|line| sent::digits(line) > 16),
            Rule::ChunkPadding => {
                let is_padded = |line: &[u8]| {
                    let behind = &line[sent::digits(line)..];
                    !behind.is_empty() && behind.trim_ascii().is_empty()
                };
                fault == Fault::Chunk && has_chunk(is_padded)
            }
            Rule::ChunkExtension => {
                let is_odd = |line: &[u8]| {
                    line.contains(&b';') && !sent::is_plain_extension(&line[sent::digits(line)..])
                };
                fault == Fault::Chunk && has_chunk(is_odd)
            }
            Rule::ChunkOverhead => {
                // With the CRLF of the line and of the data.
                let excess = chunk_lines.iter().map(|line| (line.len() + 4).saturating_sub(24));
                fault == Fault::Chunk && excess.sum::<usize>() > 16 << 10
            }
            Rule::StatusLineLimit => {
                fault == Fault::HeadTooLarge
                    && has_head(&|sent| sent.request_line().len() > 16 << 10)
            }
            Rule::HeadLimit => {
                fault == Fault::HeadTooLarge && has_head(&|sent| sent.head.len() > 64 << 10)
            }
            _ => false,
        }
    }

    /// Whether it is right that we take what hyper refuses.
    fn lets_them_refuse(self, answers: &[Sent<'_>], last: &Sent<'_>) -> bool {
        match self {
            // An interim answer, too.
            Rule::MinorVersion => answers.iter().any(|sent| {
                matches!(sent.method(), [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'2'..=b'9'])
            }),
            Rule::ChunkExtensionsSum => {
                let (lines, _) = last.chunks();
                let extensions = lines.iter().filter_map(|line| {
                    let semicolon = line.iter().position(|byte| *byte == b';')?;
                    Some(line.len() - semicolon - 1)
                });
                extensions.sum::<usize>() >= 16 << 10
            }
            Rule::TrailerLimit => {
                let (_, trailers) = last.chunks();
                let end = trailers.windows(4).position(|four| four == b"\r\n\r\n");
                end.is_some_and(|end| end + 4 >= 16 << 10)
            }
            _ => false,
        }
    }

    /// Whether it is right that only one of the two uses the connection again.
    fn lets_one_close(self, ours: &Answer, last: &Sent<'_>) -> bool {
        let values = last.values("connection");
        let has = |name: &str| {
            let mut members = values.iter().flat_map(|value| sent::members(value));
            members.any(|member| member.eq_ignore_ascii_case(name.as_bytes()))
        };
        match self {
            Rule::KeepAlive => !ours.is_reusable && ours.old && has("keep-alive"),
            Rule::ConnectionBytes => {
                !ours.is_reusable && values.iter().any(|value| !value.is_ascii()) && has("close")
            }
            Rule::ConnectionQuoted => {
                ours.is_reusable && values.iter().any(|value| value.contains(&b'"')) && has("close")
            }
            _ => false,
        }
    }
}

/// The table of all rules, in Markdown.
pub fn table() -> String {
    let rows = Rule::ALL.iter().map(|rule| (rule.row(), rule.file()));
    crate::table::table("hyper_client", rows)
}
