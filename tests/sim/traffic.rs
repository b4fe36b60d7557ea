//! What a client of the simulation sends, and what it may expect.

use super::{Method, Random};

/// A request, and how the handler is told by its target to treat it.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) bytes: Vec<u8>,
    pub(crate) content: Vec<u8>,
    pub(crate) method: Method,
    pub(crate) fault: Fault,
    /// Whether the handler refuses it without its content.
    pub(crate) refused: bool,
    pub(crate) has_content: bool,
    pub(crate) expects_continue: bool,
    pub(crate) asks_close: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// It never begins, and this is the answer.
    Head(u16),
    /// It begins, and its chunks are broken.
    Content,
}

/// How a client ends when it has sent all it wants to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Finish,
    Reset,
}

#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) requests: Vec<Request>,
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
        let mut bytes: Vec<u8> =
            requests.iter().flat_map(|request: &Request| request.bytes.clone()).collect();
        if random.chance(20) {
            bytes.truncate(random.below(bytes.len()));
        }
        let ending = if random.chance(10) { Ending::Reset } else { Ending::Finish };
        Self { requests, bytes, ending }
    }

    /// Where a request ends in the client's bytes.
    pub(crate) fn end_of(&self, number: usize) -> usize {
        self.requests.iter().take(number + 1).map(|request| request.bytes.len()).sum()
    }

    /// Where the next head ends from which content is expected to be asked for.
    pub(crate) fn next_expectation(&self, sent: usize) -> Option<usize> {
        let expecting = |number: &usize| self.requests[*number].expects_continue;
        let ends = (0..self.requests.len()).filter(expecting).map(|number| {
            let head = self.requests[number].bytes.windows(4).position(|four| four == b"\r\n\r\n");
            self.start_of(number) + head.expect("a head has an end") + 4
        });
        ends.filter(|end| (sent + 1..=self.bytes.len()).contains(end)).min()
    }

    pub(crate) fn start_of(&self, number: usize) -> usize {
        self.end_of(number) - self.requests[number].bytes.len()
    }
}

/// Heads that are refused, and how.
const BAD_HEADS: [(&str, u16); 8] = [
    ("GET / HTTP/1.1\r\n\r\n", 400),
    ("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\na", 400),
    ("\u{16}\u{3}\u{1}", 400),
    ("PUT / HTTP/1.1\nHost: x\n\n", 400),
    ("GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505),
    ("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
    ("PUT / HTTP/1.1\r\nHost: x\r\nExpect: wonders\r\n\r\n", 417),
    ("CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", 501),
];

fn request(target: &str, random: &mut Random) -> Request {
    if random.chance(4) {
        let (text, status) = *random.pick(&BAD_HEADS);
        return bad_head(text, status);
    }
    let ways = ["take", "take", "take", "bits", "bits", "wait", "late", "late-wait", "refuse"];
    let way = *random.pick(&ways);
    let mut request = Request {
        bytes: Vec::new(),
        content: content(random),
        method: Method::Other,
        fault: Fault::None,
        refused: way == "refuse",
        has_content: true,
        expects_continue: random.chance(15),
        asks_close: random.chance(3),
    };
    let is_chunked = random.chance(40);
    if is_chunked && random.chance(4) {
        request.fault = Fault::Content;
    }
    if !is_chunked && random.chance(10) {
        request.method = Method::Head;
        request.content.clear();
    }
    request.has_content = is_chunked || !request.content.is_empty();
    request.expects_continue &= request.has_content;
    request.bytes = bytes(&request, &format!("{target}/{way}"), is_chunked, random);
    request
}

fn bad_head(text: &str, status: u16) -> Request {
    Request {
        bytes: text.into(),
        content: Vec::new(),
        method: Method::Other,
        fault: Fault::Head(status),
        refused: false,
        has_content: false,
        expects_continue: false,
        asks_close: false,
    }
}

/// Mostly small, as pipelined uploads are; now and then of several reads.
fn content(random: &mut Random) -> Vec<u8> {
    let length = match random.below(100) {
        0..10 => 0,
        10..60 => random.below(100),
        60..90 => random.below(3_000),
        90..99 => random.below(20_000),
        _ => random.below(150_000),
    };
    random.bytes(length)
}

fn bytes(request: &Request, target: &str, is_chunked: bool, random: &mut Random) -> Vec<u8> {
    let method = if request.method == Method::Head { "HEAD" } else { "PUT" };
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: x\r\n");
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
    if request.has_content || random.chance(50) {
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
        Fault::Content => bytes.extend(b"0x0\r\n\r\n"),
        _ if random.chance(20) => bytes.extend(b"0\r\nX-Trailer: 1\r\n\r\n"),
        _ => bytes.extend(b"0\r\n\r\n"),
    }
}
