//! Reads `tests/answers/*.md`: what is asked, the bytes of a server, and the log of events they
//! must give.
//!
//! The format is described in `tests/answers/README.md`.

pub mod client;

use streamsum::proto::client::Request;
use streamsum::proto::{Framing, Limits};

use crate::cases::{Section, limit, sections, unescape};

/// One conversation: what is asked, what the server sends, and what has to come of it.
#[derive(Clone, Debug)]
pub struct Case {
    /// `framing.md: a length`
    pub name: String,
    /// The rules of docs/HTTP.md that it covers.
    pub covers: Vec<String>,
    /// What differs from the limits for answers.
    limits: Vec<(String, u64)>,
    /// True if the fields of a head are in the log.
    pub shows_fields: bool,
    /// What is asked, one after the other; perhaps nothing.
    pub asked: Vec<Asked>,
    /// How much of the content is sent before the answer is read; else all of it, but not before a
    /// 100 (Continue) that is asked for.
    pub sent: Option<usize>,
    /// True if the rest of the content is sent once the answer is there.
    pub goes_on: bool,
    /// The bytes of the server, those for each request by themselves.
    pub arrivals: Vec<Vec<u8>>,
    /// The end of the connection follows.
    pub eof: bool,
    /// The log that has to come of it.
    pub events: Vec<String>,
    /// Every byte of ours.
    pub output: Option<Vec<u8>>,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// In capitals.
    pub method: String,
    /// How its content is framed.
    pub framing: Framing,
    /// All of its content.
    pub content: Vec<u8>,
    /// True if the server is asked for 100 (Continue).
    pub expects: bool,
}

impl Asked {
    /// `PUT length=5 expect`
    fn parse(words: &str) -> Self {
        let mut words = words.split_whitespace();
        let method = words.next().expect("a method").to_owned();
        let mut asked = Self { method, framing: Framing::None, content: vec![], expects: false };
        for word in words {
            let sized = |text: &str| text.parse().expect("a number of bytes");
            match word.split_once('=').unwrap_or((word, "")) {
                ("expect", "") => asked.expects = true,
                ("length", size) => {
                    asked.content = content(sized(size));
                    asked.framing = Framing::Length(asked.content.len() as u64);
                }
                ("chunked", size) => {
                    asked.content = content(sized(size));
                    asked.framing = Framing::Chunked;
                }
                _ => panic!("unknown word of a request: {word}"),
            }
        }
        asked
    }

    /// As the library is given it.
    pub fn request(&self) -> Request {
        let request = Request::new(&self.method, "/", "x").expect("a good request line");
        request.content(self.framing).expect_continue(self.expects)
    }
}

/// Letters in their order, over and over.
pub fn content(length: usize) -> Vec<u8> {
    (b'a'..=b'z').cycle().take(length).collect()
}

impl Case {
    /// The limits for answers, but for what the case sets.
    pub fn limits(&self) -> Limits {
        let mut limits = Limits::for_answers();
        for (name, value) in &self.limits {
            let small = || u32::try_from(*value).expect("a limit of 32 bits");
            let smaller = || u16::try_from(*value).expect("a limit of 16 bits");
            match name.as_str() {
                "line" => limits.request_line = small(),
                "head" => limits.head = small(),
                "fields" => limits.fields = smaller(),
                "chunk-overhead" => limits.chunk_overhead = small(),
                "body" => limits.body = Some(*value),
                "interim" => limits.interim = smaller(),
                _ => panic!("{}: unknown limit {name}", self.name),
            }
        }
        limits
    }

    fn new(section: &Section) -> Self {
        let mut case = Self {
            name: section.name.clone(),
            covers: vec![],
            limits: vec![],
            shows_fields: false,
            asked: vec![],
            sent: None,
            goes_on: false,
            arrivals: vec![],
            eof: false,
            events: vec![],
            output: None,
        };
        let asks = |line: &String| line.starts_with("request:");
        if !section.settings.iter().any(asks) {
            case.asked.push(Asked::parse("GET"));
        }
        section.settings.iter().for_each(|line| case.setting(line));
        section.blocks.iter().for_each(|(kind, lines)| case.block(kind, lines));
        case
    }

    fn setting(&mut self, line: &str) {
        let (key, value) = line.split_once(':').unwrap_or((line, ""));
        let words = || value.split_whitespace();
        match (key, value.trim()) {
            ("covers", _) => self.covers = words().map(str::to_owned).collect(),
            ("limits", _) => self.limits = words().map(limit).collect(),
            ("show", "fields") => self.shows_fields = true,
            ("request", "none") => {}
            ("request", words) => self.asked.push(Asked::parse(words)),
            ("sent", number) => self.sent = Some(number.parse().expect("a number of bytes")),
            ("goes-on", "yes") => self.goes_on = true,
            _ => panic!("{}: unknown setting {line}", self.name),
        }
    }

    fn block(&mut self, kind: &str, lines: &[String]) {
        match kind {
            "http" => {
                self.eof = lines.last().is_some_and(|line| line == "EOF");
                let sent = &lines[..lines.len() - usize::from(self.eof)];
                let parts = sent.split(|line| line == "---");
                self.arrivals = parts.map(|part| unescape(&part.concat())).collect();
            }
            "events" => self.events = lines.iter().flat_map(|line| repeated(line)).collect(),
            "output" => self.output = Some(unescape(&lines.concat())),
            _ => panic!("{}: unknown block {kind}", self.name),
        }
    }
}

/// A line of a log, and `{3*line}` as three of them.
fn repeated(line: &str) -> Vec<String> {
    let repeat = line.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')?.split_once('*'));
    let (count, line) = repeat.unwrap_or(("1", line));
    vec![line.to_owned(); count.parse().expect("a count")]
}

/// Every case of every file, in order of file and place.
pub fn all() -> Vec<Case> {
    let cases: Vec<Case> = sections("tests/answers").iter().map(Case::new).collect();
    for case in &cases {
        assert!(!case.covers.is_empty(), "{}: covers nothing", case.name);
        assert!(!case.events.is_empty(), "{}: no events block", case.name);
        assert_eq!(case.arrivals.len(), case.asked.len().max(1), "{}: `---` is off", case.name);
        let namesakes = cases.iter().filter(|other| other.name == case.name).count();
        assert_eq!(namesakes, 1, "{}: the name stands twice", case.name);
    }
    cases
}
