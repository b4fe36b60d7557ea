//! What a client has written on one connection, read by code that nobody else uses.

use std::time::Duration;

use super::owner::Plan;

/// One request, as far as it has come.
#[derive(Debug)]
pub(super) struct Seen {
    /// The number of its exchange.
    pub(super) exchange: usize,
    pub(super) expects: bool,
    /// Bytes of its content that have come.
    pub(super) received: usize,
    pub(super) is_complete: bool,
    /// When its first byte came.
    pub(super) begun: Duration,
    /// When its head had come.
    pub(super) head: Duration,
    /// When the first byte behind its head came.
    pub(super) content: Option<Duration>,
    /// When all of it had come.
    pub(super) complete: Option<Duration>,
    /// When the far end had sent a 100 (Continue) for it.
    pub(super) continued: Option<Duration>,
    /// What the far end has sent for it.
    pub(super) said: Vec<u8>,
}

impl Seen {
    /// True if the far end has sent some of a final answer, or what looks like one.
    pub(super) fn has_answer(&self) -> bool {
        let behind = self.said.len().saturating_sub(self.interim().0);
        behind > 0
    }

    /// The length of all interim answers, and how many of them are 100 (Continue).
    fn interim(&self) -> (usize, usize) {
        let (mut length, mut continues) = (0, 0);
        while let Some(rest) = self.said.get(length..)
            && rest.starts_with(b"HTTP/1.1 1")
            && let Some(end) = rest.windows(4).position(|bytes| bytes == b"\r\n\r\n")
        {
            continues += usize::from(rest.starts_with(b"HTTP/1.1 100 "));
            length += end + 4;
        }
        (length, continues)
    }

    /// The far end has sent this.
    pub(super) fn say(&mut self, bytes: &[u8], now: Duration) {
        self.said.extend_from_slice(bytes);
        if self.interim().1 > 0 {
            self.continued.get_or_insert(now);
        }
    }
}

/// Where the next byte belongs.
#[derive(Debug)]
enum At {
    Head,
    Length(usize),
    ChunkLine,
    Chunk(usize),
    ChunkEnd,
    LastEnd,
}

/// Reads requests, and demands that each is what its owner wanted.
#[derive(Debug)]
pub(super) struct Reader {
    at: At,
    /// What came and was not used.
    rest: Vec<u8>,
    begun: Option<Duration>,
    pub(super) seen: Vec<Seen>,
}

impl Reader {
    pub(super) fn new() -> Self {
        Self { at: At::Head, rest: Vec::new(), begun: None, seen: Vec::new() }
    }

    /// True if a head has begun and not ended.
    pub(super) fn is_in_head(&self) -> bool {
        matches!(self.at, At::Head) && !self.rest.is_empty()
    }

    /// The request that came last, if no other has begun.
    pub(super) fn last(&self) -> Option<&Seen> {
        self.seen.last().filter(|_| !self.is_in_head())
    }

    pub(super) fn feed(&mut self, bytes: &[u8], now: Duration, plans: &[Plan]) {
        if bytes.is_empty() {
            return;
        }
        self.rest.extend_from_slice(bytes);
        self.begun.get_or_insert(now);
        while self.step(now, plans) {}
    }

    /// True if something was used.
    fn step(&mut self, now: Duration, plans: &[Plan]) -> bool {
        match self.at {
            At::Head => self.step_head(now, plans),
            At::Length(left) => {
                let taken = self.take_content(left, now, plans);
                self.at = At::Length(left - taken);
                if left == taken {
                    self.complete(now);
                }
                taken > 0
            }
            At::Chunk(left) => {
                let taken = self.take_content(left, now, plans);
                self.at = if left == taken { At::ChunkEnd } else { At::Chunk(left - taken) };
                taken > 0
            }
            At::ChunkLine => self.step_chunk_line(now),
            At::ChunkEnd | At::LastEnd => {
                let is_last = matches!(self.at, At::LastEnd);
                let came = self.rest.len().min(2);
                assert_eq!(self.rest[..came], b"\r\n"[..came], "no end of a chunk");
                if came < 2 {
                    return false;
                }
                self.rest.drain(..2);
                self.at = At::ChunkLine;
                if is_last {
                    self.complete(now);
                }
                true
            }
        }
    }

    fn step_head(&mut self, now: Duration, plans: &[Plan]) -> bool {
        let Some(end) = self.rest.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
            return false;
        };
        let head: Vec<u8> = self.rest.drain(..end + 4).collect();
        let head = String::from_utf8(head).expect("a head is text");
        let (line, fields) = head.split_once("\r\n").expect("a request line");
        let number = line.split([' ', '?']).nth(2).expect("a query");
        let exchange: usize = number.parse().expect("a number");
        let plan = &plans[exchange];
        assert_eq!(line, plan.line(exchange), "another request line");
        let field = |name: &str| {
            let mut lines = fields.lines().filter_map(|line| line.split_once(": "));
            lines.find(|(own, _)| *own == name).map(|(_, value)| value)
        };
        self.at = match (field("Content-Length"), field("Transfer-Encoding")) {
            (None, None) => At::Length(0),
            (Some(length), None) => At::Length(length.parse().expect("a length")),
            (None, Some("chunked")) => At::ChunkLine,
            other => panic!("no framing: {other:?}"),
        };
        if let At::Length(length) = self.at {
            assert!(!plan.is_chunked && length == plan.content.len(), "another length");
        }
        let has_content = !matches!(self.at, At::Length(0));
        let expects = field("Expect") == Some("100-continue");
        assert!(has_content || !expects, "asked without content");
        self.seen.push(Seen {
            exchange,
            expects,
            received: 0,
            is_complete: false,
            begun: self.begun.take().expect("it has begun"),
            head: now,
            content: None,
            complete: None,
            continued: None,
            said: Vec::new(),
        });
        if !has_content {
            self.complete(now);
        }
        true
    }

    fn step_chunk_line(&mut self, now: Duration) -> bool {
        let seen = self.seen.last_mut().expect("it has content");
        if !self.rest.is_empty() {
            seen.content.get_or_insert(now);
        }
        let Some(end) = self.rest.windows(2).position(|bytes| bytes == b"\r\n") else {
            assert!(self.rest.len() < 17, "a long chunk line");
            return false;
        };
        let line: Vec<u8> = self.rest.drain(..end + 2).collect();
        let digits = str::from_utf8(&line[..end]).expect("digits");
        let size = usize::from_str_radix(digits, 16).expect("a size");
        self.at = if size == 0 { At::LastEnd } else { At::Chunk(size) };
        true
    }

    /// Content is always the beginning of what it is to be.
    fn take_content(&mut self, left: usize, now: Duration, plans: &[Plan]) -> usize {
        let taken = left.min(self.rest.len());
        if taken > 0 {
            let seen = self.seen.last_mut().expect("it has content");
            seen.content.get_or_insert(now);
            let right = plans[seen.exchange].content.get(seen.received..seen.received + taken);
            assert_eq!(right, Some(&self.rest[..taken]), "other content");
            seen.received += taken;
            self.rest.drain(..taken);
        }
        taken
    }

    fn complete(&mut self, now: Duration) {
        let seen = self.seen.last_mut().expect("a request");
        seen.is_complete = true;
        seen.complete = Some(now);
        self.at = At::Head;
        self.begun = (!self.rest.is_empty()).then_some(now);
    }
}
