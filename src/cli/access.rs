//! The access log: a line for each request.
//!
//! ```text
//! 127.0.0.1:51234 PUT /a 200 1048576 12.345ms 97ccb418d79d7f69c71d145bd88c643c
//! 127.0.0.1:51234 PUT /b 417 0 0.000ms unknown expectation
//! peer            method target status content time digest or reason
//! ```
//!
//! Columns are separated by one space and hold none, but for the last; what is not
//! known is `-`. The reason of a 408 is followed by its numbers, `: 17 bytes in 30.1s,
//! none for 30.0s`. No client can forge a line or a column, or reach the terminal: see
//! [`Escaped`].

use std::fmt::{self, Write};
use std::time::Duration;

use streamsum::handler::{Finished, Handler, Outcome, Piece, Reply, Report, Request, Verdict};

use super::lines::Lines;
use super::settings::AccessLog;

/// Adds the access log to a handler.
pub(super) struct Logged<H> {
    pub(super) handler: H,
    pub(super) access_log: AccessLog,
    /// Takes access lines, and others besides.
    pub(super) lines: Lines,
}

impl<H: Handler> Handler for Logged<H> {
    type Upload = H::Upload;

    fn begin(&mut self, request: Request<'_>) -> Verdict<H::Upload> {
        self.handler.begin(request)
    }

    fn consume(&mut self, pieces: &mut [Piece<H::Upload>]) {
        self.handler.consume(pieces);
    }

    fn finish(&mut self, message: Finished<'_>, upload: H::Upload) -> Reply {
        self.handler.finish(message, upload)
    }

    fn ended(&mut self, report: &Report<'_>, upload: Option<H::Upload>) {
        if self.access_log == AccessLog::Stderr {
            self.lines.push(Entry::new(report));
        }
        self.handler.ended(report, upload);
    }
}

/// An access line.
struct Entry<'a> {
    peer: &'a dyn fmt::Display,
    method: Option<&'a str>,
    target: Option<&'a str>,
    status: Option<u16>,
    received: u64,
    duration: Duration,
    end: End<'a>,
    /// The numbers behind the reason.
    too_slow: Option<&'a dyn fmt::Display>,
}

/// How a request ended: the last column.
enum End<'a> {
    /// The content of the answer, which is the digest.
    Answer(&'a [u8]),
    Reason(&'a dyn fmt::Display),
}

impl<'a> Entry<'a> {
    fn new(report: &'a Report<'a>) -> Self {
        let end = match &report.outcome {
            Outcome::Answered(_) => {
                End::Answer(report.response.map_or(b"", |response| response.content()))
            }
            Outcome::Refused(reject) => End::Reason(reject),
            Outcome::Aborted(abort) => End::Reason(abort),
        };
        Self {
            peer: &report.peer,
            method: report.method,
            target: report.target,
            status: report.response.map(|response| response.status()),
            received: report.received,
            duration: report.duration,
            end,
            too_slow: report.too_slow.as_ref().map(|too_slow| too_slow as _),
        }
    }
}

impl fmt::Display for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = Escaped(self.method.unwrap_or("-").as_bytes());
        let target = Escaped(self.target.unwrap_or("-").as_bytes());
        write!(f, "{} {method} {target} ", self.peer)?;
        match self.status {
            Some(status) => write!(f, "{status}")?,
            None => f.write_char('-')?,
        }
        let micros = self.duration.subsec_micros();
        let millis = self.duration.as_secs() * 1000 + u64::from(micros / 1000);
        write!(f, " {} {millis}.{:03}ms ", self.received, micros % 1000)?;
        match &self.end {
            End::Answer([]) => f.write_char('-'),
            End::Answer(content) => Escaped(content).fmt(f),
            End::Reason(reason) => reason.fmt(f),
        }?;
        self.too_slow.map_or(Ok(()), |too_slow| write!(f, ": {too_slow}"))
    }
}

/// Bytes of a client as one word of printable ASCII.
///
/// All others, and those that quote or escape in shells and log readers, are written
/// as `\xNN`: white space, controls, everything beyond ASCII (which holds controls and
/// marks that turn the direction of text), quotes, and the backslash itself.
struct Escaped<'a>(&'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = |byte: &u8| byte.is_ascii_graphic() && !b"\\\"'`".contains(byte);
        for run in self.0.chunk_by(|one, next| is_plain(one) == is_plain(next)) {
            match str::from_utf8(run) {
                Ok(plain) if run.iter().all(is_plain) => f.write_str(plain)?,
                _ => run.iter().try_for_each(|byte| write!(f, "\\x{byte:02x}"))?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use streamsum::handler::Abort;
    use streamsum::proto::Reject;

    fn escaped(text: &str) -> String {
        Escaped(text.as_bytes()).to_string()
    }

    #[test]
    fn nothing_but_printable_ascii_comes_through() {
        assert_eq!(escaped("/a-b?c=%20&d[1]"), "/a-b?c=%20&d[1]");
        assert_eq!(escaped("/a b\r\nc\t"), r"/a\x20b\x0d\x0ac\x09");
        assert_eq!(escaped("\u{1b}[2J\u{7f}\0"), r"\x1b[2J\x7f\x00");
        assert_eq!(escaped("\u{85}\u{9b}\u{202e}"), r"\xc2\x85\xc2\x9b\xe2\x80\xae");
        assert_eq!(escaped("\"'`\\"), r"\x22\x27\x60\x5c");
        assert_eq!(escaped("\u{e9}"), r"\xc3\xa9");
        for byte in 0..=255 {
            let shown = Escaped(&[byte]).to_string();
            assert!(shown.bytes().all(|byte| byte.is_ascii_graphic()), "{byte:#x} {shown}");
        }
    }

    fn entry<'a>(end: End<'a>) -> Entry<'a> {
        Entry {
            peer: &"[::1]:9",
            method: Some("PUT"),
            target: Some("/a"),
            status: Some(200),
            received: 1_048_576,
            duration: Duration::from_nanos(12_345_678),
            end,
            too_slow: None,
        }
    }

    #[test]
    fn columns() {
        let line = entry(End::Answer(b"97ccb418d79d7f69c71d145bd88c643c")).to_string();
        let columns: Vec<_> = line.split(' ').collect();
        let expected = [
            "[::1]:9",
            "PUT",
            "/a",
            "200",
            "1048576",
            "12.345ms",
            "97ccb418d79d7f69c71d145bd88c643c",
        ];
        assert_eq!(columns, expected);
    }

    #[test]
    fn what_is_unknown_is_a_dash() {
        let end = End::Reason(&Abort::Reset);
        let line = Entry { method: None, target: None, status: None, ..entry(end) }.to_string();
        assert_eq!(line, format!("[::1]:9 - - - 1048576 12.345ms {}", Abort::Reset));
        assert!(entry(End::Answer(b"")).to_string().ends_with(" 12.345ms -"));
    }

    #[test]
    fn reasons_come_last_as_they_have_spaces() {
        for reject in Reject::ALL {
            let line = entry(End::Reason(&reject)).to_string();
            let last = line.splitn(7, ' ').last();
            assert_eq!(last, Some(reject.reason()));
        }
    }

    #[test]
    fn the_numbers_of_a_deadline_follow_its_reason() {
        let reason = Reject::BodyTimeout;
        let too_slow = "17 bytes in 30.1s, none for 30.0s";
        let line = Entry { too_slow: Some(&too_slow), ..entry(End::Reason(&reason)) }.to_string();
        let end = " the content did not arrive in time: 17 bytes in 30.1s, none for 30.0s";
        assert!(line.ends_with(end), "{line}");
    }

    #[test]
    fn short_times_keep_their_digits() {
        let at = |micros| {
            let duration = Duration::from_micros(micros);
            Entry { duration, ..entry(End::Answer(b"")) }.to_string()
        };
        assert!(at(7).contains(" 0.007ms "));
        assert!(at(60_000_000).contains(" 60000.000ms "));
    }

    #[test]
    fn an_answer_cannot_end_its_line() {
        assert!(entry(End::Answer(b"a\nb c")).to_string().ends_with(r" a\x0ab\x20c"));
    }
}
