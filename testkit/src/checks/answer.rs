//! Any bytes of a server mean to the client what the oracle reads, however they are cut; and what
//! the client sends meanwhile, piece by piece, is read by the oracle as it was meant.

mod played;

use streamsum::proto::client::{Connection, Fault, Request};
use streamsum::proto::{Framing, Limits};

use super::choices::Choices;
use crate::answers::content;
use crate::naive;
use crate::naive::answer::{Outcome, Refusal};
use played::{Played, Reader};

/// Limits that a short input can reach.
fn small_limits() -> Limits {
    Limits::default().request_line(24).head(90).fields(4).chunk_overhead(10).body(20).interim(2)
}

/// Answers after which the connection may be used again.
const GOOD: [&str; 4] = [
    "HTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0\r\nA: b\r\n\r\n",
];

/// All but the server's bytes: a byte for the limits, two for what is asked, one for how it is
/// sent, one for the exchanges before; then the numbers of cuts and of sendings, and one byte for
/// each of these.
#[derive(Debug)]
struct Plan<'d> {
    limits: Limits,
    method: &'static str,
    framing: Framing,
    expects: bool,
    /// The server ends the connection.
    eof: bool,
    /// In the second game all content is sent, if the answer lets it.
    finishes: bool,
    /// Which of the good answers have come before, on the same connection.
    before: Vec<&'static str>,
    /// The lengths of the first pieces that the input arrives in.
    lengths: &'d [u8],
    /// How much is offered, and how much of that is sent.
    sendings: &'d [u8],
}

impl<'d> Plan<'d> {
    fn choose(choices: &mut Choices<'d>) -> Self {
        let made_small = choices.byte();
        let small = small_limits();
        let mut limits = Limits::default();
        for bit in (0..6).filter(|bit| made_small & 1 << bit != 0) {
            match bit {
                0 => limits.request_line = small.request_line,
                1 => limits.head = small.head,
                2 => limits.fields = small.fields,
                3 => limits.chunk_overhead = small.chunk_overhead,
                4 => limits.body = small.body,
                _ => limits.interim = small.interim,
            }
        }
        let method = ["GET", "HEAD", "PUT", "POST"][choices.below(4)];
        let length = usize::from(choices.byte());
        let how = choices.byte();
        let framing = match how & 3 {
            0 => Framing::None,
            1 => Framing::Chunked,
            _ => Framing::Length(length as u64),
        };
        let before = choices.byte();
        let before =
            (0..usize::from(before & 3)).map(|at| GOOD[(usize::from(before >> 2) + at) % 4]);
        let before = before.collect();
        let (cuts, sendings) = (choices.below(8), choices.below(16));
        Self {
            limits,
            method,
            framing,
            expects: how & 4 != 0,
            eof: how & 8 != 0,
            finishes: how & 16 != 0,
            before,
            lengths: choices.bytes(cuts),
            sendings: choices.bytes(sendings),
        }
    }

    fn request(&self) -> Request {
        let request = Request::new(self.method, "/a", "x").expect("a good request line");
        let request = request.field("X-Tag", "1").expect("a good field");
        request.content(self.framing).expect_continue(self.expects)
    }

    /// All the content there may be.
    fn content(&self) -> Vec<u8> {
        match self.framing {
            Framing::None => Vec::new(),
            Framing::Length(length) => content(usize::try_from(length).expect("a byte")),
            Framing::Chunked => content(300),
        }
    }

    /// The input as the plan cuts it; a piece may be empty.
    fn pieces<'i>(&self, input: &'i [u8]) -> Vec<&'i [u8]> {
        let mut pieces = Vec::new();
        let mut rest = input;
        for &length in self.lengths {
            let (piece, behind) = rest.split_at(usize::from(length).min(rest.len()));
            pieces.push(piece);
            rest = behind;
        }
        pieces.push(rest);
        pieces
    }
}

/// A plan, and then the bytes of a server.
pub fn check(data: &[u8]) {
    let mut choices = Choices::new(data);
    let plan = Plan::choose(&mut choices);
    let input = choices.bytes(usize::MAX);
    let expected = naive::answer::read(input, plan.eof, plan.method == "HEAD", &plan.limits.into());
    let bytes: Vec<&[u8]> = input.chunks(1).collect();
    let mut wire = Vec::new();
    for pieces in [vec![input], bytes, plan.pieces(input)] {
        let mut reader = Reader::new(Connection::new(plan.limits));
        wire = send_all(&plan, &mut reader.connection);
        pieces.iter().for_each(|piece| reader.take(piece));
        let played = reader.finish(plan.eof);
        agree(&played, &expected, true, plan.eof);
    }
    read_back(&plan, &wire, &[plan.content()]);
    converse(&plan, input, &expected);
}

/// Writes the request in one piece.
fn send_all(plan: &Plan<'_>, connection: &mut Connection) -> Vec<u8> {
    let mut wire = Vec::new();
    connection.request(&plan.request(), &mut wire);
    let content = plan.content();
    let allowed = connection.frame(content.len(), &mut wire);
    assert_eq!(allowed, content.len());
    wire.extend_from_slice(&content);
    connection.sent(allowed);
    connection.finish(&mut wire);
    assert!(connection.is_sent());
    wire
}

/// Sends piece by piece while the answer comes, after some exchanges that went well.
fn converse(plan: &Plan<'_>, input: &[u8], expected: &naive::answer::Reading) {
    let mut connection = Connection::new(plan.limits);
    let mut wire = Vec::new();
    let mut contents = Vec::new();
    for answer in &plan.before {
        wire.extend(send_all(plan, &mut connection));
        contents.push(plan.content());
        let mut reader = Reader::new(connection);
        reader.take(answer.as_bytes());
        let Some(next) = reader.reuse() else { return };
        connection = next;
    }

    let all = plan.content();
    let mut at = 0;
    connection.request(&plan.request(), &mut wire);
    let mut reader = Reader::new(connection);
    let pieces = plan.pieces(input);
    for turn in 0..plan.sendings.len().max(pieces.len()) {
        if let Some(&sending) = plan.sendings.get(turn) {
            at += send_some(&mut reader.connection, &all[at..], sending, &mut wire);
        }
        pieces.get(turn).iter().for_each(|piece| reader.take(piece));
    }
    let was_sent = reader.sent_before_head;
    if plan.finishes {
        while at < all.len() {
            at += send_some(&mut reader.connection, &all[at..], u8::MAX, &mut wire);
        }
        reader.connection.finish(&mut wire);
    }
    let played = reader.finish(plan.eof);
    agree(&played, expected, was_sent, plan.eof);
    contents.push(all[..at].to_vec());
    read_back(plan, &wire, &contents);
}

/// Offers and sends some bytes, and gives how many: a part of what is allowed.
fn send_some(connection: &mut Connection, left: &[u8], sending: u8, wire: &mut Vec<u8>) -> usize {
    let offered = usize::from(sending & 31).min(left.len());
    let allowed = connection.frame(offered, wire);
    assert!(allowed <= offered);
    let now = allowed.min(usize::from(sending >> 5) * 5);
    wire.extend_from_slice(&left[..now]);
    connection.sent(now);
    now
}

/// What the client made of it is what the oracle reads.
fn agree(played: &Played, expected: &naive::answer::Reading, was_sent: bool, eof: bool) {
    assert_eq!(played.interim, expected.interim, "left the core, right the oracle");
    assert_eq!(played.head, expected.head, "left the core, right the oracle");
    assert_eq!(played.content, expected.content, "left the core, right the oracle");
    let outcome = match played.fault {
        None if played.is_over => Outcome::Over,
        None => Outcome::Waits,
        Some(Fault::NoAnswer) => Outcome::NoAnswer,
        Some(Fault::Truncated) => Outcome::Truncated,
        Some(fault) => Outcome::Refused(refusal(fault)),
    };
    assert_eq!(outcome, expected.outcome, "left the core, right the oracle: {:?}", played.fault);
    if outcome == Outcome::Over {
        assert_eq!(played.left, expected.left, "left the core, right the oracle");
    }
    let is_reusable = outcome == Outcome::Over && expected.persists && expected.left == 0;
    assert_eq!(played.is_reusable, is_reusable && was_sent && !eof, "{played:?}");
}

/// A fault in the words of the oracle.
pub fn refusal(fault: Fault) -> Refusal {
    match fault {
        Fault::Version => Refusal::Version,
        Fault::SwitchingProtocols => Refusal::Switching,
        Fault::TooManyInterim => Refusal::Interim,
        Fault::HeadTooLarge | Fault::TooManyFields => Refusal::TooLarge,
        Fault::ContentTooLarge => Refusal::Content,
        Fault::StatusLine
        | Fault::LineEnd
        | Fault::FieldLine
        | Fault::Length
        | Fault::LengthRepeated
        | Fault::LengthAndCoding
        | Fault::Coding
        | Fault::Chunk => Refusal::Malformed,
        _ => panic!("not of bytes: {fault:?}"),
    }
}

/// A server reads the requests as they were meant; all but the last are whole.
fn read_back(plan: &Plan<'_>, wire: &[u8], contents: &[Vec<u8>]) {
    let reading = naive::read(wire, false, &Limits::default().into());
    assert_eq!(reading.outcome, naive::Outcome::Open, "{}", wire.escape_ascii());
    assert_eq!(reading.requests.len(), contents.len(), "{}", wire.escape_ascii());
    for (at, (request, content)) in reading.requests.iter().zip(contents).enumerate() {
        let framing = match plan.framing {
            Framing::None => naive::Framing::None,
            Framing::Length(length) => naive::Framing::Length(length),
            Framing::Chunked => naive::Framing::Chunked,
        };
        assert_eq!((request.method.as_slice(), request.framing), (plan.method.as_bytes(), framing));
        let named = |name: &str| naive::list(&request.fields, name);
        assert_eq!((named("host"), named("x-tag")), (vec![b"x".to_vec()], vec![b"1".to_vec()]));
        assert_eq!(named("expect").len(), usize::from(plan.request().expects_continue()));
        assert_eq!(request.content, *content, "{}", wire.escape_ascii());
        // What follows it would be read as content otherwise.
        assert!(request.ended || at + 1 == contents.len(), "{}", wire.escape_ascii());
        let is_sent = content.len() == plan.content().len();
        assert!(request.ended || plan.framing == Framing::Chunked || !is_sent);
    }
}
