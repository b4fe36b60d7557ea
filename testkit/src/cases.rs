//! Reads `tests/cases/*.md`: request bytes and the log of events they must give.
//!
//! The format is described in `tests/cases/README.md`.

pub mod server;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use streamsum::proto::Limits;

use crate::content::digest;

/// One conversation: what the client sends, and what has to come of it.
#[derive(Clone, Debug, Default)]
pub struct Case {
    /// `chunked.md: tiny chunks`
    pub name: String,
    /// The rules of docs/HTTP.md that it covers.
    pub covers: Vec<String>,
    /// What differs from the default limits.
    limits: Vec<(String, u64)>,
    /// `fields` or `authority`: what else of a head is in the log.
    pub show: Vec<String>,
    /// Answer every head with this status before its content is read.
    pub early: Option<u16>,
    /// For how long the connection is kept between requests.
    pub idle: Option<Duration>,
    /// Disable keep-alive when the first head is there.
    pub disable_keep_alive: bool,
    /// The bytes of the client as they arrive.
    pub arrivals: Vec<Vec<u8>>,
    /// The client's FIN follows.
    pub eof: bool,
    /// The log that has to come of it.
    pub events: Vec<String>,
    /// Every byte of ours, when the input arrives as in `arrivals`.
    pub output: Option<Vec<u8>>,
}

impl Case {
    /// All bytes of the client.
    pub fn input(&self) -> Vec<u8> {
        self.arrivals.concat()
    }

    /// The default limits, but for what the case sets.
    pub fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        for (name, value) in &self.limits {
            let small = || u32::try_from(*value).expect("a limit of 32 bits");
            match name.as_str() {
                "request-line" => limits.request_line = small(),
                "head" => limits.head = small(),
                "fields" => limits.fields = u16::try_from(*value).expect("a limit of 16 bits"),
                "chunk-overhead" => limits.chunk_overhead = small(),
                "body" => limits.body = Some(*value),
                "requests" => limits.requests = Some(small()),
                _ => panic!("{}: unknown limit {name}", self.name),
            }
        }
        limits
    }

    fn setting(&mut self, line: &str) {
        let (key, value) = line.split_once(':').unwrap_or((line, ""));
        let words = || value.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        match key {
            "covers" => self.covers = words(),
            "show" => self.show = words(),
            "early" => self.early = Some(value.trim().parse().expect("a status")),
            "idle" => self.idle = seconds(value.trim()),
            "disable-keep-alive" => self.disable_keep_alive = value.trim() == "yes",
            "limits" => self.limits = words().iter().map(|word| limit(word)).collect(),
            _ => panic!("{}: unknown setting {line}", self.name),
        }
    }

    fn block(&mut self, kind: &str, lines: &[&str]) {
        match kind {
            "http" => {
                self.eof = lines.last() == Some(&"EOF");
                let sent = &lines[..lines.len() - usize::from(self.eof)];
                self.arrivals = sent
                    .split(|line| *line == "---")
                    .map(|part| unescape(&part.concat()))
                    .collect();
            }
            "events" => self.events = lines.iter().map(|&line| line.to_owned()).collect(),
            "output" => self.output = Some(unescape(&lines.concat())),
            _ => panic!("{}: unknown block {kind}", self.name),
        }
    }
}

/// Every case of every file, in order of file and place.
pub fn all() -> Vec<Case> {
    let cases: Vec<Case> = sections("tests/cases").iter().map(case).collect();
    for case in &cases {
        assert!(!case.covers.is_empty(), "{}: covers nothing", case.name);
        assert!(!case.arrivals.is_empty(), "{}: no http block", case.name);
        assert!(!case.events.is_empty(), "{}: no events block", case.name);
        let namesakes = cases.iter().filter(|other| other.name == case.name).count();
        assert_eq!(namesakes, 1, "{}: the name stands twice", case.name);
    }
    cases
}

/// The root of the package, or of the one that the fuzz package lies in.
pub fn repository() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let is_root = |folder: &&Path| folder.join("tests/cases").is_dir();
    package.ancestors().find(is_root).expect("tests/cases is there")
}

fn case(section: &Section) -> Case {
    let mut case = Case { name: section.name.clone(), idle: seconds("75"), ..Case::default() };
    section.settings.iter().for_each(|line| case.setting(line));
    for (kind, lines) in &section.blocks {
        case.block(kind, &lines.iter().map(String::as_str).collect::<Vec<_>>());
    }
    case
}

/// A heading of a file of cases, and what stands below it.
#[derive(Debug)]
pub(crate) struct Section {
    /// `chunked.md: tiny chunks`
    pub(crate) name: String,
    /// The lines outside of blocks that are not empty.
    pub(crate) settings: Vec<String>,
    /// Kind and lines of each block.
    pub(crate) blocks: Vec<(String, Vec<String>)>,
}

/// Every section of every file of a folder but its README, in order of file and place.
pub(crate) fn sections(folder: &str) -> Vec<Section> {
    let mut files: Vec<PathBuf> = fs::read_dir(repository().join(folder))
        .expect("a folder of cases")
        .map(|entry| entry.expect("a directory entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .filter(|path| !path.ends_with("README.md"))
        .collect();
    files.sort();
    files.iter().flat_map(|path| file(path)).collect()
}

fn file(path: &Path) -> Vec<Section> {
    let text = fs::read_to_string(path).expect("a case file in UTF-8");
    let title = path.file_name().expect("a file has a name").to_string_lossy();
    let mut sections: Vec<Section> = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix("## ") {
            let name = format!("{title}: {name}");
            sections.push(Section { name, settings: Vec::new(), blocks: Vec::new() });
            continue;
        }
        let Some(section) = sections.last_mut() else { continue };
        match line.strip_prefix("```") {
            Some(kind) => {
                let block = lines.by_ref().take_while(|line| *line != "```").map(str::to_owned);
                section.blocks.push((kind.to_owned(), block.collect()));
            }
            None if line.is_empty() => {}
            None => section.settings.push(line.to_owned()),
        }
    }
    sections
}

fn seconds(word: &str) -> Option<Duration> {
    (word != "off").then(|| Duration::from_secs(word.parse().expect("a number of seconds")))
}

/// `name=number`
pub(crate) fn limit(word: &str) -> (String, u64) {
    let (name, value) = word.split_once('=').expect("name=number");
    (name.to_owned(), value.parse().expect("a number"))
}

/// Undoes escapes (`\r \n \t \0 \" \\ \xHH`) and repeats (`{16384*a}`).
pub fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['\\', '{']) {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at..];
        if rest.starts_with('{') {
            let end = rest.find('}').expect("a repeat ends with }");
            let (count, what) = rest[1..end].split_once('*').expect("{count*text}");
            bytes.extend(unescape(what).repeat(count.parse().expect("a count")));
            rest = &rest[end + 1..];
        } else {
            let (byte, length) = escape(rest);
            bytes.push(byte);
            rest = &rest[length..];
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

/// The byte that an escape stands for, and the escape's length.
fn escape(text: &str) -> (u8, usize) {
    match text.as_bytes()[1] {
        b'r' => (b'\r', 2),
        b'n' => (b'\n', 2),
        b't' => (b'\t', 2),
        b'0' => (0, 2),
        b'x' => (u8::from_str_radix(&text[2..4], 16).expect("two hexadecimal digits"), 4),
        other => (other, 2),
    }
}

/// Bytes as the log shows them.
pub fn escaped(bytes: &[u8]) -> String {
    let mut text = String::new();
    for &byte in bytes {
        match byte {
            b'\r' => text.push_str("\\r"),
            b'\n' => text.push_str("\\n"),
            b'\t' => text.push_str("\\t"),
            0 => text.push_str("\\0"),
            b'"' | b'\\' => text.extend(['\\', char::from(byte)]),
            b' '..=b'~' => text.push(char::from(byte)),
            _ => text.push_str(&format!("\\x{byte:02x}")),
        }
    }
    text
}

/// The log line for the content of a message, none if it is empty.
pub fn body_line(content: &[u8]) -> Option<String> {
    match content.len() {
        0 => None,
        1..=200 => Some(format!("body \"{}\"", escaped(content))),
        length => Some(format!("body {length} bytes md5 {}", digest(content))),
    }
}
