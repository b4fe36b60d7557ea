//! A server on the protocol core that answers each request with the digest of its
//! content, and keeps the log that cases are compared with.

use std::time::{Duration, UNIX_EPOCH};

use streamsum::proto::{
    After, Awaits, CloseReason, Connection, Date, End, Event, Fields, Framing, Head, Reject,
    Response, Version,
};

use super::{Case, body_line, escaped};
use crate::content::digest;
use crate::response::CONTINUE;

/// Input longer than this is not compared byte for byte after each call.
const LONG: usize = 2 << 10;

/// What comes of a case, however it is cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcomes {
    /// What happened, in the words of the cases.
    pub log: Vec<String>,
    /// All output but interim responses, escaped.
    pub answers: String,
}

/// A server that answers each request with the digest of its content.
pub struct Server<'c> {
    case: &'c Case,
    connection: Connection,
    pending: Vec<u8>,
    content: Vec<u8>,
    open: bool,
    /// What has happened, in the words of the cases.
    pub log: Vec<String>,
    /// All bytes that it has written.
    pub output: Vec<u8>,
    /// The output without interim responses.
    answers: Vec<u8>,
}

impl<'c> Server<'c> {
    /// The server at the end of a case whose bytes arrive as given.
    pub fn run<'i>(case: &'c Case, arrivals: impl IntoIterator<Item = &'i [u8]>) -> Self {
        let mut connection = Connection::new(case.limits());
        connection.set_idle_timeout(case.idle);
        let mut server = Server {
            case,
            connection,
            pending: Vec::new(),
            content: Vec::new(),
            open: true,
            log: Vec::new(),
            output: Vec::new(),
            answers: Vec::new(),
        };
        for arrival in arrivals {
            server.pending.extend_from_slice(arrival);
            while server.open && server.step() {}
        }
        if case.eof && server.open {
            server.end_of_stream();
        }
        server.log_content();
        server
    }

    /// What does not depend on how the input was cut.
    pub fn outcomes(self) -> Outcomes {
        Outcomes { log: self.log, answers: escaped(&self.answers) }
    }

    /// One call; tells whether another may give more.
    fn step(&mut self) -> bool {
        let given = self.pending.len();
        let before = if given <= LONG { self.pending.clone() } else { Vec::new() };
        let step = match self.connection.receive(&mut self.pending) {
            Ok(step) => step,
            Err(reject) => {
                self.refuse(reject);
                return false;
            }
        };
        let used = step.used;
        assert!(used <= given, "{}: used {used} of {given} bytes", self.case.name);
        let again = match step.event {
            // Whether a head is reported when it begins depends on the cut: not in the log.
            Event::Wait | Event::HeadBegun => false,
            Event::Head(head) => {
                self.log.extend(head_lines(&head, &self.case.show));
                self.decide();
                true
            }
            Event::Body { data, last } => {
                assert!(data.start <= data.end && data.end <= used, "{}: {data:?}", self.case.name);
                self.content.extend_from_slice(&self.pending[data]);
                if last {
                    self.finish();
                }
                true
            }
        };
        if !before.is_empty() {
            assert_eq!(self.pending[used..], before[used..], "{}: touched", self.case.name);
        }
        self.pending.drain(..used);
        again
    }

    fn decide(&mut self) {
        assert_eq!(self.connection.awaits(), Awaits::Decision);
        if self.case.disable_keep_alive {
            self.connection.disable_keep_alive();
        }
        match self.case.early {
            Some(status) => self.answer(&Response::text(status, "not now")),
            None => {
                let before = self.output.len();
                self.connection.accept(&mut self.output);
                let interim = &self.output[before..];
                assert!(
                    interim.is_empty() || interim == CONTINUE.as_bytes(),
                    "{}",
                    escaped(interim)
                );
            }
        }
    }

    fn finish(&mut self) {
        assert_eq!(self.connection.awaits(), Awaits::Response);
        let response = Response::text(200, digest(&self.content));
        self.log_content();
        self.log.extend(field_lines("trailer", &self.connection.trailers()));
        self.log.push("end".to_owned());
        self.answer(&response);
    }

    fn answer(&mut self, response: &Response) {
        let respond = |connection: &mut Connection, date: &Date, out: &mut Vec<u8>| {
            connection.respond(response, date, out)
        };
        let after = match self.write(respond) {
            After::Reuse => "reuse".to_owned(),
            After::Close(reason) => format!("close {reason:?}"),
        };
        self.log.push(format!("answer {} {after}", response.status()));
    }

    fn refuse(&mut self, reject: Reject) {
        self.log_content();
        self.log.push(format!("reject {} {reject:?}", reject.status()));
        self.reject(reject);
    }

    fn reject(&mut self, reject: Reject) {
        assert_eq!(self.connection.awaits(), Awaits::Rejection);
        let response = reject.response();
        let after =
            self.write(|connection, date, out| connection.reject(reject, &response, date, out));
        assert_eq!(after, After::Close(CloseReason::Rejected(reject)));
    }

    /// Has the connection write an answer.
    fn write(
        &mut self,
        answer: impl FnOnce(&mut Connection, &Date, &mut Vec<u8>) -> After,
    ) -> After {
        let date = Date::new(UNIX_EPOCH + Duration::from_secs(784_111_777));
        let before = self.output.len();
        let after = answer(&mut self.connection, &date, &mut self.output);
        self.answers.extend_from_slice(&self.output[before..]);
        self.open = after == After::Reuse;
        assert_eq!(self.open, self.connection.awaits() != Awaits::Nothing);
        after
    }

    fn end_of_stream(&mut self) {
        match self.connection.ended() {
            End::Clean => self.log.push("eof clean".to_owned()),
            End::Truncated(reject) => {
                assert_eq!(reject, Reject::Truncated);
                self.log_content();
                self.log.push("eof truncated".to_owned());
                self.reject(reject);
            }
        }
    }

    fn log_content(&mut self) {
        self.log.extend(body_line(&std::mem::take(&mut self.content)));
    }
}

fn head_lines(head: &Head<'_>, show: &[String]) -> Vec<String> {
    let version = match head.version() {
        Version::Http10 => "HTTP/1.0",
        Version::Http11 => "HTTP/1.1",
    };
    let framing = match head.framing() {
        Framing::None => "none".to_owned(),
        Framing::Length(length) => format!("length {length}"),
        Framing::Chunked => "chunked".to_owned(),
    };
    let target = escaped(head.target().as_bytes());
    let mut lines = vec![format!("head {} {target} {version} {framing}", head.method())];
    if show.iter().any(|what| what == "authority") {
        let authority = head.authority().map_or("-".to_owned(), |value| format!("\"{value}\""));
        lines.push(format!("authority {authority}"));
    }
    if show.iter().any(|what| what == "fields") {
        lines.extend(field_lines("field", &head.fields()));
    }
    lines
}

fn field_lines(kind: &str, fields: &Fields<'_>) -> Vec<String> {
    fields.iter().map(|(name, value)| field_line(kind, name, value)).collect()
}

/// A field as the log shows it.
pub fn field_line(kind: &str, name: &str, value: &[u8]) -> String {
    format!("{kind} {name}: {}", escaped(value)).trim_end().to_owned()
}
