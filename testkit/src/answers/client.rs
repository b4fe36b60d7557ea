//! A client on the protocol core that asks what a case says, and keeps the log that cases are
//! compared with.

use streamsum::proto::Version;
use streamsum::proto::client::{Connection, End, Event, Fault, Head};

use super::{Asked, Case};
use crate::cases::server::field_line;
use crate::cases::{body_line, escaped};

/// A client that has asked, and has been given a server's bytes.
pub struct Client<'c> {
    case: &'c Case,
    connection: Connection,
    /// What the server has sent and was not used.
    pending: Vec<u8>,
    /// Of the answer, as far as it is not in the log.
    content: Vec<u8>,
    /// How much of the content of the request was sent.
    sent: usize,
    fault: Option<Fault>,
    /// What has happened, in the words of the cases.
    pub log: Vec<String>,
    /// All bytes that it has written.
    pub output: Vec<u8>,
}

impl<'c> Client<'c> {
    /// The client at the end of a case. `cut` says in which pieces the bytes for each request
    /// arrive.
    pub fn run<'i>(case: &'c Case, cut: impl Fn(usize, &'i [u8]) -> Vec<&'i [u8]>) -> Self
    where
        'c: 'i,
    {
        let mut client = Client {
            case,
            connection: Connection::new(case.limits()),
            pending: Vec::new(),
            content: Vec::new(),
            sent: 0,
            fault: None,
            log: Vec::new(),
            output: Vec::new(),
        };
        for (number, arrival) in case.arrivals.iter().enumerate() {
            let asked = case.asked.get(number);
            asked.iter().for_each(|asked| client.ask(asked));
            for piece in cut(number, arrival) {
                client.pending.extend_from_slice(piece);
                while client.fault.is_none() && client.step(asked) {}
            }
            let is_last = number + 1 == case.arrivals.len();
            if case.eof && is_last {
                client.end();
            }
            client.settle(asked);
            assert!(is_last || client.connection.is_idle(), "{}: cannot go on", case.name);
        }
        client
    }

    fn ask(&mut self, asked: &Asked) {
        self.sent = 0;
        self.connection.request(&asked.request(), &mut self.output);
        match self.case.sent {
            Some(most) => self.send(asked, most),
            None if asked.expects => {}
            None => self.send_all(asked),
        }
    }

    /// Sends up to so much of the content, of which all is offered.
    fn send(&mut self, asked: &Asked, most: usize) {
        let left = &asked.content[self.sent..];
        let allowed = self.connection.frame(left.len(), &mut self.output);
        assert_eq!(allowed, left.len(), "{}", self.case.name);
        let now = &left[..most.min(allowed)];
        self.output.extend_from_slice(now);
        self.connection.sent(now.len());
        self.sent += now.len();
    }

    fn send_all(&mut self, asked: &Asked) {
        self.send(asked, usize::MAX);
        self.connection.finish(&mut self.output);
        assert!(self.connection.is_sent(), "{}", self.case.name);
    }

    /// One call; tells whether another may give more.
    fn step(&mut self, asked: Option<&Asked>) -> bool {
        let before = self.pending.clone();
        let step = match self.connection.receive(&mut self.pending) {
            Ok(step) => step,
            Err(fault) => {
                assert_eq!(self.pending, before, "{}: touched by a fault", self.case.name);
                self.fail(fault);
                return false;
            }
        };
        let used = step.used;
        assert!(used <= before.len(), "{}: used {used} of {}", self.case.name, before.len());
        let mut again = true;
        let mut goes_on = false;
        match step.event {
            Event::Wait => again = false,
            Event::Interim(head) => {
                self.log.extend(head_lines("interim", &head, self.case.shows_fields));
                goes_on = head.status() == 100 && self.case.sent.is_none();
            }
            Event::Head(head) => {
                self.log.extend(head_lines("head", &head, self.case.shows_fields));
            }
            Event::Content { data, last } => {
                assert!(data.start <= data.end && data.end <= used, "{}: {data:?}", self.case.name);
                self.content.extend_from_slice(&self.pending[data]);
                if last {
                    self.log_content();
                    self.log.push("end".to_owned());
                }
            }
        }
        assert_eq!(self.pending[used..], before[used..], "{}: touched", self.case.name);
        self.pending.drain(..used);
        // A second 100 asks for nothing.
        if let Some(asked) = asked.filter(|_| goes_on && !self.connection.is_sent()) {
            self.send_all(asked);
        }
        again
    }

    fn fail(&mut self, fault: Fault) {
        self.log_content();
        self.log.push(format!("fault {fault:?}"));
        self.fault = Some(fault);
    }

    fn end(&mut self) {
        match self.connection.ended() {
            Ok(End::Clean) => self.log.push("eof clean".to_owned()),
            Ok(End::Answer) => {
                self.log_content();
                self.log.push("eof answer".to_owned());
            }
            Err(fault) if self.fault == Some(fault) => {}
            Err(fault) => {
                assert_eq!(self.fault, None, "{}: another fault", self.case.name);
                self.fail(fault);
            }
        }
    }

    /// What is left of the server's bytes, and what becomes of the connection.
    fn settle(&mut self, asked: Option<&Asked>) {
        self.log_content();
        if let Some(asked) = asked.filter(|_| self.case.goes_on) {
            self.send_all(asked);
        }
        if let Some(fault) = self.fault {
            // It stays, whatever comes.
            let mut more = *b"HTTP/1.1 204\r\n\r\n";
            let again = self.connection.receive(&mut more);
            assert_eq!(again.expect_err("it was a fault"), fault, "{}", self.case.name);
            assert!(!self.connection.reuse() && !self.connection.is_idle(), "{}", self.case.name);
            return;
        }
        if self.connection.is_over() && !self.pending.is_empty() {
            self.log.push(format!("left \"{}\"", escaped(&self.pending)));
        }
        let state = match (self.connection.is_idle(), self.connection.is_over()) {
            (true, _) => "idle",
            (_, false) => "waits",
            _ if self.connection.reuse() => "reuse",
            _ => "close",
        };
        assert_eq!(self.connection.is_idle(), matches!(state, "idle" | "reuse"));
        self.log.push(state.to_owned());
    }

    fn log_content(&mut self) {
        self.log.extend(body_line(&std::mem::take(&mut self.content)));
    }
}

fn head_lines(kind: &str, head: &Head<'_>, shows_fields: bool) -> Vec<String> {
    let version = match head.version() {
        Version::Http10 => "HTTP/1.0",
        Version::Http11 => "HTTP/1.1",
    };
    let reason = match head.reason() {
        long if long.len() > 200 => format!("{} bytes", long.len()),
        reason => escaped(reason),
    };
    let line = format!("{kind} {version} {} {reason}", head.status());
    let mut lines = vec![line.trim_end().to_owned()];
    if shows_fields {
        let fields = head.fields();
        lines.extend(fields.iter().map(|(name, value)| field_line("field", name, value)));
    }
    lines
}
