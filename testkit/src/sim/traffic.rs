//! What a client of the simulation sends, and what it may expect.

use streamsum::proto::Reject;

use super::faults::{self, bad_chunks, bad_head};
use crate::random::Random;
use crate::response::{Answer, Method};

/// A request, and how the handler is told by its target to treat it.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) bytes: Vec<u8>,
    pub(crate) content: Vec<u8>,
    pub(crate) method: Method,
    pub(crate) fault: Fault,
    /// True if the handler refuses it without its content.
    pub(crate) refused: bool,
    /// True if the handler may answer a piece of its content.
    pub(crate) gives_up: bool,
    pub(crate) has_content: bool,
    pub(crate) expects_continue: bool,
    pub(crate) asks_close: bool,
    pub(crate) is_http10: bool,
}

impl Request {
    /// True if this is the answer to what is wrong with it.
    pub(crate) fn is_refused_as(&self, answer: &Answer<'_>) -> bool {
        match self.fault {
            Fault::None => false,
            Fault::Head(reject) | Fault::Length(reject) | Fault::Content(reject) => {
                let has_reason = self.method == Method::Other;
                let reason = if has_reason { reject.reason().as_bytes() } else { b"" };
                answer.response.status == reject.status() && answer.response.content == reason
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// It never begins, and is refused for this.
    Head(Reject),
    /// It begins, and is refused for the length that it declares when it is taken.
    Length(Reject),
    /// It begins, and behind some chunks there is what it is refused for.
    Content(Reject),
}

/// How a client ends when it has sent all it wants to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Finish,
    Reset,
    /// Not at all: it is not heard of again.
    Silence,
}

#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) requests: Vec<Request>,
    /// Where each of them ends in all their bytes.
    ends: Vec<usize>,
    /// All requests' bytes, perhaps cut short.
    pub(crate) bytes: Vec<u8>,
    pub(crate) ending: Ending,
}

impl Plan {
    pub(crate) fn new(peer: usize, random: &mut Random) -> Self {
        let mut requests = Vec::new();
        for number in 0..=random.below(8) {
            let request = request(&format!("/{peer}/{number}"), random);
            let is_last = request.fault != Fault::None;
            requests.push(request);
            if is_last {
                break;
            }
        }
        let parts: Vec<&[u8]> =
            requests.iter().map(|request: &Request| &request.bytes[..]).collect();
        let mut bytes = parts.concat();
        if random.chance(20) {
            bytes.truncate(random.below(bytes.len()));
        }
        let ending = match random.below(100) {
            0..10 => Ending::Reset,
            10..40 => Ending::Silence,
            _ => Ending::Finish,
        };
        let mut end = 0;
        let ends = requests.iter().map(|request: &Request| {
            end += request.bytes.len();
            end
        });
        Self { ends: ends.collect(), requests, bytes, ending }
    }

    /// Where a request ends in the client's bytes.
    pub(crate) fn end_of(&self, number: usize) -> usize {
        self.ends[number]
    }

    /// Where a request's content begins, chunk lines included.
    pub(crate) fn content_of(&self, number: usize) -> usize {
        let head = self.requests[number].bytes.windows(4).position(|four| four == b"\r\n\r\n");
        self.start_of(number) + head.expect("a head has an end") + 4
    }

    /// Where the next head ends from which content is expected to be asked for.
    pub(crate) fn next_expectation(&self, sent: usize) -> Option<usize> {
        let expecting = |number: &usize| self.requests[*number].expects_continue;
        let ends = (0..self.requests.len()).filter(expecting).map(|one| self.content_of(one));
        ends.filter(|end| (sent + 1..=self.bytes.len()).contains(end)).min()
    }

    pub(crate) fn start_of(&self, number: usize) -> usize {
        number.checked_sub(1).map_or(0, |before| self.ends[before])
    }
}

/// How the handler is to treat a request; some are drawn more often than others.
const WAYS: [&str; 10] =
    ["take", "take", "take", "bits", "bits", "wait", "late", "late-wait", "refuse", "give-up"];

fn request(target: &str, random: &mut Random) -> Request {
    if random.chance(4) {
        let (reject, head) = faults::pick(bad_head, random);
        return refused_in_head(head, reject);
    }
    let way = *random.pick(&WAYS);
    let mut request = Request {
        bytes: Vec::new(),
        content: content(random),
        method: Method::Other,
        fault: Fault::None,
        refused: way == "refuse",
        gives_up: way == "give-up",
        has_content: true,
        expects_continue: random.chance(15),
        asks_close: random.chance(3),
        is_http10: random.chance(3),
    };
    let is_chunked = random.chance(40) && !request.is_http10;
    let fault = (is_chunked && random.chance(8)).then(|| faults::pick(bad_chunks, random));
    if let Some((reject, _)) = fault {
        request.fault = Fault::Content(reject);
    }
    if !is_chunked && random.chance(10) {
        request.method = Method::Head;
        request.content.clear();
    }
    if !is_chunked && random.chance(4) {
        request.fault = Fault::Length(Reject::BodyTooLarge);
    }
    let is_over = matches!(request.fault, Fault::Length(_));
    request.has_content = is_chunked || is_over || !request.content.is_empty();
    request.expects_continue &= request.has_content && !request.is_http10;
    request.bytes = bytes(&request, &format!("{target}/{way}"), is_chunked, random);
    if let Some((_, chunks)) = fault {
        request.bytes.extend(chunks.into_bytes());
    }
    // It is refused instead.
    request.expects_continue &= !is_over;
    request
}

fn refused_in_head(head: String, reject: Reject) -> Request {
    Request {
        bytes: head.into_bytes(),
        content: Vec::new(),
        method: Method::Other,
        fault: Fault::Head(reject),
        refused: false,
        gives_up: false,
        has_content: false,
        expects_continue: false,
        asks_close: false,
        is_http10: false,
    }
}

/// Mostly small, as pipelined uploads are; now and then of several reads.
fn content(random: &mut Random) -> Vec<u8> {
    let length = match random.below(100) {
        0..10 => 0,
        10..60 => random.below(100),
        60..90 => random.below(3_000),
        90..99 => random.below(20_000),
        _ => random.below(100_000),
    };
    random.bytes(length)
}

fn bytes(request: &Request, target: &str, is_chunked: bool, random: &mut Random) -> Vec<u8> {
    let method = if request.method == Method::Head { "HEAD" } else { "PUT" };
    let version = if request.is_http10 { "1.0" } else { "1.1" };
    let mut head = format!("{method} {target} HTTP/{version}\r\nHost: x\r\n");
    if request.expects_continue {
        head += "Expect: 100-continue\r\n";
    }
    if request.asks_close {
        head += "Connection: close\r\n";
    }
    if random.chance(10) {
        head += &format!("X-Filler: {}\r\n", "x".repeat(random.below(3_000)));
    }
    if is_chunked {
        let mut bytes = (head + "Transfer-Encoding: chunked\r\n\r\n").into_bytes();
        chunks(&mut bytes, request, random);
        return bytes;
    }
    if let Fault::Length(_) = request.fault {
        head += &format!("Content-Length: {}\r\n", faults::MOST_CONTENT + 1);
    } else if request.has_content || random.chance(50) {
        head += &format!("Content-Length: {}\r\n", request.content.len());
    }
    let mut bytes = (head + "\r\n").into_bytes();
    bytes.extend(&request.content);
    bytes
}

fn chunks(bytes: &mut Vec<u8>, request: &Request, random: &mut Random) {
    let mut rest = &request.content[..];
    while !rest.is_empty() {
        let most = *random.pick(&[20, 200, 2_000, 20_000]);
        let (data, behind) = rest.split_at((1 + random.below(most)).min(rest.len()));
        let extension = if random.chance(10) { ";a=\"b\"" } else { "" };
        bytes.extend(format!("{:x}{extension}\r\n", data.len()).into_bytes());
        bytes.extend(data);
        bytes.extend(b"\r\n");
        rest = behind;
    }
    match request.fault {
        Fault::Content(_) => {}
        _ if random.chance(20) => bytes.extend(b"0\r\nX-Trailer: 1\r\n\r\n"),
        _ => bytes.extend(b"0\r\n\r\n"),
    }
}
