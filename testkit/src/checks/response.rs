//! Any response, to any request, is read by a client as it was meant.
//!
//! The fuzzer draws a conversation: what is asked (methods, versions, persistence, framing,
//! expectations, and what has to be refused), when it is answered or refused, and with what.
//! All that was written is then read back by the one reader of responses and by httparse:
//! each response begins where the one before ends, and nothing is left over.

mod asked;
mod drawn;

use std::time::{Duration, UNIX_EPOCH};

use streamsum::proto::{After, Connection, Date, End, Event, Limits, Reject};

use super::choices::Choices;
use crate::response::{self, Method};
use asked::{FRAMINGS, METHODS, OPTIONS, REFUSED};
use drawn::draw;

/// Limits that a short input can reach.
fn limits() -> Limits {
    Limits::default().request_line(100).head(300).fields(4).chunk_overhead(50).body(1_000)
}

/// Name and value.
type Field = (Vec<u8>, Vec<u8>);

/// What one response has to be for the client.
#[derive(Debug, PartialEq, Eq)]
struct Meant {
    method: Method,
    status: u16,
    fields: Vec<Field>,
    content: Vec<u8>,
}

/// Plays the conversation that the bytes describe, and reads it back.
pub fn check(data: &[u8]) {
    let mut choices = Choices::new(data);
    let drawn = choices.byte();
    let requests = u32::from(drawn % 6);
    let (idle, told) = IDLE[usize::from(drawn / 6) % IDLE.len()];
    let date = Date::new(UNIX_EPOCH + Duration::from_secs(u64::from(choices.byte()) * 123_456_789));
    let limits = limits().requests((requests > 0).then_some(requests));
    let mut connection = Connection::new(limits);
    connection.set_idle_timeout(idle);
    let mut talk = Talk {
        connection,
        date,
        told,
        left: limits.requests,
        keep_alive_disabled: false,
        wire: Vec::new(),
        meant: Vec::new(),
    };
    // At least one, for no input should be without a response.
    while talk.exchange(&mut choices) && !choices.is_empty() {}
    read_back(&talk.wire, &talk.meant);
}

struct Talk {
    connection: Connection,
    date: Date,
    /// What a client that asks to be kept is told.
    told: Option<&'static str>,
    /// Requests until the limit.
    left: Option<u32>,
    keep_alive_disabled: bool,
    wire: Vec<u8>,
    meant: Vec<Meant>,
}

impl Talk {
    /// One request and its answer; tells whether another may follow.
    fn exchange(&mut self, choices: &mut Choices<'_>) -> bool {
        match choices.below(8) {
            0 => self.refused(choices),
            1 => self.given_up(choices),
            _ => self.request(choices),
        }
    }

    /// A request that the library refuses.
    fn refused(&mut self, choices: &mut Choices<'_>) -> bool {
        let (expected, template) = REFUSED[choices.below(REFUSED.len())];
        let method = METHODS[choices.below(METHODS.len())];
        let mut input =
            template.replace("{M}", method).replace("{L}", &"a".repeat(300)).into_bytes();
        let mut at = 0;
        let reject = loop {
            let step = match self.connection.receive(&mut input[at..]) {
                Ok(step) => step,
                Err(reject) => break reject,
            };
            at += step.used;
            match step.event {
                Event::Head(_) => self.connection.accept(&mut self.wire),
                Event::Body { last, .. } => assert!(!last, "{template:?} is a whole request"),
                // The next call waits.
                Event::HeadBegun => {}
                Event::Wait => match self.connection.ended() {
                    End::Truncated(reject) => break reject,
                    End::Clean => panic!("{template:?} is clean"),
                },
            }
        };
        assert_eq!(reject, expected, "{template:?}");
        // Behind too many empty lines, and of what is no HTTP, no method is known.
        let is_known = template.starts_with("{M}");
        let method = if is_known { Method::of(method) } else { Method::Other };
        self.answer(choices, Some(reject), method, Connecting::Closes)
    }

    /// A head that is refused by the caller before it is whole, for the time it takes.
    fn given_up(&mut self, choices: &mut Choices<'_>) -> bool {
        let (method, arrived) = (METHODS[choices.below(METHODS.len())], choices.below(20));
        let head = format!("{method} /a HTTP/1.1\r\nHo");
        let mut input = head.as_bytes()[..arrived.min(head.len())].to_vec();
        let step = self.connection.receive(&mut input).expect("the beginning of a head");
        assert_eq!(step.used, 0);
        assert!(match step.event {
            Event::Wait => input.is_empty(),
            Event::HeadBegun => !input.is_empty(),
            _ => false,
        });
        let reject = Reject::ALL[choices.below(Reject::ALL.len())];
        let method = if input.starts_with(b"HEAD ") { Method::Head } else { Method::Other };
        self.answer(choices, Some(reject), method, Connecting::Closes)
    }

    /// A good request, answered or refused by the caller at some point of it.
    fn request(&mut self, choices: &mut Choices<'_>) -> bool {
        let method = METHODS[choices.below(METHODS.len())];
        let (old, expects) = (choices.below(3) == 2, choices.below(4) == 3);
        let (option, closes, keeps) = OPTIONS[choices.below(OPTIONS.len())];
        let (framing, content) = FRAMINGS[choices.below(FRAMINGS.len())];
        let version = if old { "HTTP/1.0" } else { "HTTP/1.1" };
        // HTTP/1.0 has no chunks.
        let (framing, content) =
            if old && framing.contains("chunked") { ("", "") } else { (framing, content) };
        let expect = if expects { "Expect: 100-continue\r\n" } else { "" };
        let head = format!("{method} / {version}\r\nHost: x\r\n{option}{framing}{expect}\r\n");
        // Content comes along with the head, or after it.
        let together = choices.below(2) == 1;
        let stops = choices.below(8);
        if choices.below(16) == 15 {
            self.connection.disable_keep_alive();
            self.keep_alive_disabled = true;
        }

        let mut input = head.clone().into_bytes();
        if together {
            input.extend_from_slice(content.as_bytes());
        }
        let step = self.connection.receive(&mut input).expect("a good head");
        assert!(matches!(step.event, Event::Head(_)), "{head}");
        assert_eq!(step.used, head.len());
        self.left = self.left.map(|left| left - 1);

        let mut whole = content.is_empty();
        if stops > 1 {
            if expects && !old && !together && !content.is_empty() {
                self.meant.push(Meant {
                    method: Method::Other,
                    status: 100,
                    fields: vec![],
                    content: vec![],
                });
            }
            self.connection.accept(&mut self.wire);
            if stops > 2 {
                whole = self.read(content, stops == 3);
            }
        }
        let method = Method::of(method);
        if stops == 1 || stops == 7 {
            let reject = Reject::ALL[choices.below(Reject::ALL.len())];
            return self.answer(choices, Some(reject), method, Connecting::Closes);
        }
        let limited = self.left == Some(0);
        let connecting =
            if !whole || closes || (old && !keeps) || self.keep_alive_disabled || limited {
                Connecting::Closes
            } else if old || (keeps && self.told.is_some()) {
                Connecting::KeepsSaying
            } else {
                Connecting::Keeps
            };
        self.answer(choices, None, method, connecting)
    }

    /// Gives content, a part of it or all, and tells whether it ended.
    fn read(&mut self, content: &str, partly: bool) -> bool {
        let mut content = content.as_bytes().to_vec();
        if partly {
            content.truncate(2);
        }
        let mut at = 0;
        loop {
            let step = self.connection.receive(&mut content[at..]).expect("good content");
            let used = step.used;
            match step.event {
                Event::Body { last: true, .. } => {
                    assert_eq!(at + used, content.len());
                    return true;
                }
                Event::Wait if used == 0 => return false,
                _ => at += used,
            }
        }
    }

    /// Answers, and notes what the client has to see.
    fn answer(
        &mut self,
        choices: &mut Choices<'_>,
        reject: Option<Reject>,
        method: Method,
        connecting: Connecting,
    ) -> bool {
        let (response, mut fields) = match reject {
            // The embedding program may dress a refusal.
            Some(reject) if choices.below(2) == 0 => {
                let kind = (b"Content-Type".to_vec(), b"text/plain; charset=utf-8".to_vec());
                let response = reject.response();
                assert_eq!(response.status(), reject.status());
                assert_eq!(response.content(), reject.reason().as_bytes());
                (response, vec![kind])
            }
            _ => draw(choices),
        };
        let status = response.status();
        let content = if status == 205 { &[] } else { response.content() };
        if matches!(status, 204 | 304) {
            fields.remove(0);
        } else {
            let length = content.len().to_string().into_bytes();
            fields.insert(0, (b"Content-Length".to_vec(), length));
        }
        fields.insert(0, (b"Date".to_vec(), self.date.as_str().as_bytes().to_vec()));
        fields.extend(connecting.option().map(|text| (b"Connection".to_vec(), text.to_vec())));
        if let (Connecting::KeepsSaying, Some(told)) = (connecting, self.told) {
            fields.push((b"Keep-Alive".to_vec(), told.into()));
        }
        let has_none = method == Method::Head || matches!(status, 204 | 304);
        let content = if has_none { Vec::new() } else { content.to_vec() };
        let after = match reject {
            Some(reject) => self.connection.reject(reject, &response, &self.date, &mut self.wire),
            None => self.connection.respond(&response, &self.date, &mut self.wire),
        };
        let goes_on = after == After::Reuse;
        assert_eq!(goes_on, connecting != Connecting::Closes, "{after:?}");
        self.meant.push(Meant { method, status, fields, content });
        goes_on
    }
}

/// What becomes of the connection, and what the response says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Connecting {
    Keeps,
    /// To HTTP/1.0, and to whoever asked for it.
    KeepsSaying,
    Closes,
}

impl Connecting {
    fn option(self) -> Option<&'static [u8]> {
        match self {
            Connecting::Keeps => None,
            Connecting::KeepsSaying => Some(b"keep-alive"),
            Connecting::Closes => Some(b"close"),
        }
    }
}

fn read_back(wire: &[u8], meant: &[Meant]) {
    let mut rest = wire;
    for meant in meant {
        let response = response::read(rest, meant.method)
            .unwrap_or_else(|wrong| panic!("{wrong}: {}\nof {meant:?}", rest.escape_ascii()))
            .unwrap_or_else(|| panic!("not whole: {}\nof {meant:?}", rest.escape_ascii()));
        let fields: Vec<_> =
            response.fields.iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
        let content = response.content.to_vec();
        let read = Meant { method: meant.method, status: response.status, fields, content };
        assert_eq!(read, *meant);
        agree(rest, &response);
        rest = &rest[response.length..];
    }
    assert!(rest.is_empty(), "more than was meant: {}", rest.escape_ascii());
}

/// Asserts that httparse reads the same head.
fn agree(wire: &[u8], read: &response::Response<'_>) {
    let mut slots = [httparse::EMPTY_HEADER; 16];
    let mut parsed = httparse::Response::new(&mut slots);
    let head_length = parsed.parse(wire).expect("a response for httparse").unwrap();
    assert_eq!(head_length, read.head_length);
    assert_eq!((parsed.version, parsed.code), (Some(1), Some(read.status)));
    let fields: Vec<_> =
        parsed.headers.iter().map(|field| (field.name.as_bytes(), field.value)).collect();
    assert_eq!(fields, read.fields);
}

/// Idle timeouts, and what is told of them.
const IDLE: [(Option<Duration>, Option<&str>); 5] = [
    (Some(Duration::from_secs(75)), Some("timeout=75")),
    (None, None),
    (Some(Duration::from_millis(1_999)), Some("timeout=1")),
    (Some(Duration::from_millis(999)), None),
    (Some(Duration::MAX), Some("timeout=65535")),
];
