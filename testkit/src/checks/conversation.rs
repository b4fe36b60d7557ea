//! Plays a client's bytes to the protocol core and writes down, in the oracle's words,
//! what the core made of them. What has to hold for every call is asserted on the way.

use std::ops::Range;
use std::time::{Duration, UNIX_EPOCH};

use streamsum::md5::{Digest, Md5};
use streamsum::proto::{
    self, After, Awaits, CloseReason, Connection, Date, End, Event, Fields, Reject, Response,
    Version,
};

use super::plan::{Finish, Plan};
use crate::naive::{self, Field, Framing, Outcome, Reading, Request};
use crate::response::{self, CONTINUE, Method};

/// What nobody may look at once a connection is closed or has refused a request.
const GOOD: &[u8] = b"GET /good HTTP/1.1\r\nHost: x\r\n\r\n";

/// What came of it. Two cuts of the same input give equal ones.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Played {
    pub(crate) reading: Reading,
    /// Of the content of each request that ended.
    pub(crate) digests: Vec<Digest>,
    /// The refusal.
    pub(crate) reject: Option<Reject>,
    afters: Vec<After>,
    /// Our bytes without interim responses.
    answers: Vec<u8>,
    /// When all was given, but for the FIN.
    awaits: Awaits,
}

/// Gives the pieces to a connection, one after the other, and answers each request with
/// the digest of its content.
pub(crate) fn play(plan: &Plan<'_>, pieces: &[&[u8]]) -> Played {
    let mut server = Server {
        plan,
        connection: Connection::new(plan.limits),
        pending: Vec::new(),
        hash: Md5::new(),
        is_open: true,
        played: Played {
            reading: Reading { requests: Vec::new(), outcome: Outcome::Open },
            digests: Vec::new(),
            reject: None,
            afters: Vec::new(),
            answers: Vec::new(),
            awaits: Awaits::Idle,
        },
    };
    for piece in pieces {
        server.pending.extend_from_slice(piece);
        while server.is_open && server.step() {}
        if !server.is_open {
            server.ignore();
        }
    }
    server.finish();
    server.played
}

struct Server<'p> {
    plan: &'p Plan<'p>,
    connection: Connection,
    pending: Vec<u8>,
    hash: Md5,
    is_open: bool,
    played: Played,
}

/// An event that has let go of the input.
enum Seen {
    Wait,
    HeadBegun,
    Head(Request),
    Body { data: Range<usize>, last: bool },
}

impl Server<'_> {
    /// One call; tells whether another may give more.
    fn step(&mut self) -> bool {
        let before = self.pending.clone();
        let certain = self.connection.certain_content();
        let was_idle = self.connection.awaits() == Awaits::Idle;
        let step = match self.connection.receive(&mut self.pending) {
            Ok(step) => step,
            Err(reject) => {
                assert_eq!(self.pending, before, "touched by a refusal");
                self.refused(reject);
                return false;
            }
        };
        let used = step.used;
        let seen = match step.event {
            Event::Wait => Seen::Wait,
            Event::HeadBegun => Seen::HeadBegun,
            Event::Head(head) => Seen::Head(request(&head)),
            Event::Body { data, last } => Seen::Body { data, last },
        };
        assert!(used <= before.len(), "used {used} of {}", before.len());
        assert_eq!(self.pending[used..], before[used..], "touched behind {used}");
        let certain = usize::try_from(certain).unwrap_or(usize::MAX).min(before.len());
        // The oracle knows nothing of cuts. A head that begins and does not end is reported
        // by the call that sees its first byte, and by no other.
        let begins = was_idle && self.connection.awaits() == Awaits::Head;
        assert_eq!(matches!(seen, Seen::HeadBegun), begins);
        let again = match seen {
            Seen::Wait | Seen::HeadBegun => {
                assert_eq!(certain, 0, "content was held back");
                false
            }
            Seen::Head(request) => {
                let named = proto::request_line(&before[..used]).expect("it has a request line");
                assert_eq!(named.0.as_bytes(), request.method);
                assert_eq!(named.1.as_bytes(), request.target);
                let behind = used < before.len();
                self.decide(request, behind);
                true
            }
            Seen::Body { data, last } => {
                assert!(data.start <= data.end && data.end <= used, "{data:?} of {used}");
                let content = self.pending[data].to_vec();
                assert!(content.starts_with(&before[..certain]), "other than certain content");
                self.hash.update(&content);
                self.request().content.extend(content);
                if last {
                    self.end_of_message();
                }
                true
            }
        };
        self.pending.drain(..used);
        again
    }

    fn request(&mut self) -> &mut Request {
        self.played.reading.requests.last_mut().expect("a head came before")
    }

    /// `behind`: whether content, or the next request, came along with the head.
    fn decide(&mut self, request: Request, behind: bool) {
        assert_eq!(self.connection.awaits(), Awaits::Decision);
        let most = self.plan.limits.body.unwrap_or(u64::MAX);
        let is_over = matches!(request.framing, Framing::Length(length) if length > most);
        assert_eq!(self.connection.exceeds_body_limit(), is_over);
        let asked = !behind && !is_over && expects_continue(&request);
        self.played.reading.requests.push(request);
        if self.plan.disable_keep_alive {
            self.connection.disable_keep_alive();
        }
        if self.plan.early {
            self.answer(&Response::text(403, "not now"));
        } else {
            let mut interim = Vec::new();
            self.connection.accept(&mut interim);
            assert_eq!(interim, if asked { CONTINUE.as_bytes() } else { b"" });
        }
    }

    fn end_of_message(&mut self) {
        assert_eq!(self.connection.awaits(), Awaits::Response);
        let trailers = fields(&self.connection.trailers());
        self.request().trailers = trailers;
        self.request().ended = true;
        let digest = std::mem::take(&mut self.hash).finish();
        self.played.digests.push(digest);
        self.answer(&Response::text(200, digest.to_string()));
    }

    fn answer(&mut self, response: &Response) {
        let respond = |connection: &mut Connection, date: &Date, out: &mut Vec<u8>| {
            connection.respond(response, date, out)
        };
        let after = self.write(response, respond);
        self.request().persists = after == After::Reuse;
        if after != After::Reuse {
            self.played.reading.outcome = Outcome::Closed;
        }
    }

    /// A refusal stays, whatever comes.
    fn refused(&mut self, reject: Reject) {
        let mut more = [&self.pending, GOOD].concat();
        for input in [&mut more[..], &mut GOOD.to_vec(), &mut []] {
            let again = self.connection.receive(input).expect_err("it was refused");
            assert_eq!(again, reject);
        }
        // For the log; it may or may not be there.
        let _ = proto::request_line(&self.pending);
        self.played.reading.outcome = Outcome::Refused(reject.status());
        assert_eq!(self.connection.awaits(), Awaits::Rejection);
        self.reject(reject);
    }

    fn reject(&mut self, reject: Reject) {
        self.played.reject = Some(reject);
        let response = reject.response();
        let reject_it = |connection: &mut Connection, date: &Date, out: &mut Vec<u8>| {
            connection.reject(reject, &response, date, out)
        };
        let after = self.write(&response, reject_it);
        assert_eq!(after, After::Close(CloseReason::Rejected(reject)));
    }

    /// Has the connection write this response, and reads it as the client does.
    fn write(
        &mut self,
        response: &Response,
        answer: impl FnOnce(&mut Connection, &Date, &mut Vec<u8>) -> After,
    ) -> After {
        let date = Date::new(UNIX_EPOCH + Duration::from_secs(784_111_777));
        let method = self.method();
        let start = self.played.answers.len();
        let after = answer(&mut self.connection, &date, &mut self.played.answers);
        let answer = &self.played.answers[start..];
        let read = response::read(answer, method).expect("a response").expect("all of it");
        assert_eq!((read.status, read.length), (response.status(), answer.len()), "{method:?}");
        if method == Method::Other {
            assert_eq!(read.content, response.content());
        }
        self.played.afters.push(after);
        self.is_open = after == After::Reuse;
        assert_eq!(self.is_open, self.connection.awaits() == Awaits::Idle);
        assert_eq!(!self.is_open, self.connection.awaits() == Awaits::Nothing);
        after
    }

    /// What the answer that is due answers (docs/HTTP.md 24.2, 24.5).
    fn method(&self) -> Method {
        let is_head = match self.pending_request() {
            Some(request) => request.method == b"HEAD",
            None => self.has_begun_head(),
        };
        if is_head { Method::Head } else { Method::Other }
    }

    /// The request whose head was read, and that is not answered.
    fn pending_request(&self) -> Option<&Request> {
        let requests = &self.played.reading.requests;
        requests.last().filter(|_| requests.len() > self.played.afters.len())
    }

    fn has_begun_head(&self) -> bool {
        let mut begun = self.pending.as_slice();
        while let Some(behind) = begun.strip_prefix(b"\r\n") {
            begun = behind;
        }
        // Behind too many empty lines nobody looks for a method.
        begun.starts_with(b"HEAD ") && self.played.reject != Some(Reject::EmptyLines)
    }

    /// A closed connection takes anything for nothing.
    fn ignore(&mut self) {
        let given = self.pending.len();
        let step = self.connection.receive(&mut self.pending).expect("it is closed");
        assert!(matches!((step.used, step.event), (used, Event::Wait) if used == given));
        self.pending.clear();
    }

    fn finish(&mut self) {
        self.played.awaits = self.connection.awaits();
        if self.is_open {
            // It has said so, and says it again.
            let step = self.connection.receive(&mut self.pending).expect("it waits");
            assert!(matches!((step.used, step.event), (0, Event::Wait)));
        } else {
            self.pending.extend_from_slice(GOOD);
            self.ignore();
        }
        match self.plan.finish {
            Finish::Open => {}
            Finish::Fin => match self.connection.ended() {
                End::Clean if self.is_open => self.played.reading.outcome = Outcome::Clean,
                End::Clean => {}
                End::Truncated(reject) => {
                    assert!(self.is_open && reject == Reject::Truncated);
                    self.played.reading.outcome = Outcome::Truncated;
                    assert_eq!(self.connection.awaits(), Awaits::Rejection);
                    self.reject(reject);
                }
            },
            Finish::Timeout => {
                if self.is_open {
                    self.reject(Reject::HeadTimeout);
                }
            }
        }
    }
}

fn request(head: &proto::Head<'_>) -> Request {
    Request {
        method: head.method().into(),
        target: head.target().into(),
        old: head.version() == Version::Http10,
        fields: fields(&head.fields()),
        authority: head.authority().map(Into::into),
        framing: match head.framing() {
            proto::Framing::None => Framing::None,
            proto::Framing::Length(length) => Framing::Length(length),
            proto::Framing::Chunked => Framing::Chunked,
        },
        content: Vec::new(),
        trailers: Vec::new(),
        ended: false,
        persists: false,
    }
}

fn fields(fields: &Fields<'_>) -> Vec<Field> {
    let all: Vec<Field> =
        fields.iter().map(|(name, value)| (name.into(), value.to_vec())).collect();
    // One name stands for all: there may be thousands.
    if let Some((name, _)) = fields.iter().last() {
        let list: Vec<&[u8]> = fields.list(name).collect();
        assert_eq!(list, naive::list(&all, name), "left the core, right the oracle");
    }
    all
}

/// True if the client waits to be asked for its content (docs/HTTP.md 16).
fn expects_continue(request: &Request) -> bool {
    let is_due = !matches!(request.framing, Framing::None | Framing::Length(0));
    let says_so = |(name, value): &Field| {
        name.eq_ignore_ascii_case(b"expect")
            && value.to_ascii_lowercase().windows(12).any(|part| part == b"100-continue")
    };
    // Another expectation is refused, so that the words cannot be a part of one.
    is_due && !request.old && request.fields.iter().any(says_so)
}
