//! Runs `tests/cases/*.md` through the protocol core, cut in every way; compares the
//! core with the oracle; and holds docs/HTTP.md against what the tests cover.

use std::collections::BTreeSet;
use std::fs;

use testkit::answers;
use testkit::cases::server::{Server, field_line};
use testkit::cases::{self, Case, body_line, escaped, repository};
use testkit::naive::{self, Outcome, Reading};
use testkit::random::Random;

use crate::mutants::mutate;

/// Cases longer than this are not cut at every place.
const LONG: usize = 2 << 10;

/// Mutants of each case.
const MUTANTS: usize = 500;

/// What is put in.
const INTERESTING: &[&[u8]] = &[
    b"\r",
    b"\n",
    b"\r\n",
    b"\0",
    b" ",
    b"\t",
    b":",
    b",",
    b";",
    b"=",
    b"\"",
    b"\\",
    b"#",
    b"%",
    b"/",
    b"*",
    b"@",
    b"[",
    b"]",
    b"0",
    b"1",
    b"9",
    b"a",
    b"f",
    b"x",
    b"+",
    b"-",
    b"_",
    b"\x7f",
    b"\x80",
    b"\xff",
    b"\xc3\xa4",
    b"chunked",
    b"close",
    b"Content-Length: 1\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Expect: 100-continue\r\n",
    b"HTTP/1.0",
    b"HTTP/2.0",
    b"\r\n\r\n",
    b"0\r\n\r\n",
    b"::",
    b"keep-alive",
    b"HEAD ",
    b"CONNECT ",
];

/// What the oracle says, in the words of the log.
fn oracle_log(reading: &Reading, show: &[String]) -> Vec<String> {
    let mut log = Vec::new();
    for request in &reading.requests {
        log.extend(oracle_head_lines(request, show));
        log.extend(body_line(&request.content));
        if request.ended {
            for (name, value) in &request.trailers {
                log.push(field_line("trailer", &String::from_utf8_lossy(name), value));
            }
            log.push("end".to_owned());
            let after = if request.persists { "reuse" } else { "close" };
            log.push(format!("answer 200 {after}"));
        }
    }
    match reading.outcome {
        Outcome::Open | Outcome::Closed => {}
        Outcome::Clean => log.push("eof clean".to_owned()),
        Outcome::Truncated => log.push("eof truncated".to_owned()),
        Outcome::Refused(status) => log.push(format!("reject {status}")),
    }
    log
}

fn oracle_head_lines(request: &naive::Request, show: &[String]) -> Vec<String> {
    let version = if request.old { "HTTP/1.0" } else { "HTTP/1.1" };
    let framing = match request.framing {
        naive::Framing::None => "none".to_owned(),
        naive::Framing::Length(length) => format!("length {length}"),
        naive::Framing::Chunked => "chunked".to_owned(),
    };
    let (method, target) = (String::from_utf8_lossy(&request.method), escaped(&request.target));
    let mut lines = vec![format!("head {method} {target} {version} {framing}")];
    if show.iter().any(|what| what == "authority") {
        let text = |value: &Vec<u8>| format!("\"{}\"", String::from_utf8_lossy(value));
        lines.push(format!("authority {}", request.authority.as_ref().map_or("-".into(), text)));
    }
    if show.iter().any(|what| what == "fields") {
        for (name, value) in &request.fields {
            lines.push(field_line("field", &String::from_utf8_lossy(name), value));
        }
    }
    lines
}

/// The log without the reasons, which the oracle does not know.
fn without_reasons(log: &[String]) -> Vec<String> {
    let shorten = |line: &String| match line.split_once(' ') {
        Some(("reject" | "answer", _)) => {
            let words = if line.starts_with("reject") { 2 } else { 3 };
            line.split(' ').take(words).collect::<Vec<_>>().join(" ")
        }
        _ => line.clone(),
    };
    log.iter().map(shorten).collect()
}

fn in_two(input: &[u8], cut: usize) -> [&[u8]; 2] {
    [&input[..cut], &input[cut..]]
}

#[test]
fn each_case_gives_its_log_and_output() {
    let mut failures = Vec::new();
    for case in cases::all() {
        let server = Server::run(&case, case.arrivals.iter().map(Vec::as_slice));
        if server.log != case.events {
            failures.push(format!(
                "{}\n  expected\n    {}\n  but it was\n    {}",
                case.name,
                case.events.join("\n    "),
                server.log.join("\n    ")
            ));
        }
        if case.output.as_ref().is_some_and(|output| *output != server.output) {
            failures.push(format!("{}\n  output {}", case.name, escaped(&server.output)));
        }
    }
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn each_case_gives_the_same_byte_by_byte() {
    for case in cases::all() {
        let input = case.input();
        let whole = Server::run(&case, [input.as_slice()]).outcomes();
        let bytes = Server::run(&case, input.chunks(1)).outcomes();
        assert_eq!(bytes, whole, "{}", case.name);
    }
}

#[test]
fn each_case_gives_the_same_cut_in_two_at_every_place() {
    for case in cases::all() {
        let input = case.input();
        let whole = Server::run(&case, [input.as_slice()]).outcomes();
        let mut random = Random::new(input.len() as u64);
        let cuts: Vec<usize> = match input.len() {
            0..=LONG => (0..=input.len()).collect(),
            _ => (0..256).map(|_| random.below(input.len())).collect(),
        };
        for cut in cuts {
            let cut_in_two = Server::run(&case, in_two(&input, cut)).outcomes();
            assert_eq!(cut_in_two, whole, "{} cut at {cut}", case.name);
        }
    }
}

#[test]
fn each_case_gives_the_same_in_random_pieces() {
    for case in cases::all() {
        let input = case.input();
        let whole = Server::run(&case, [input.as_slice()]).outcomes();
        for seed in 1..=3 {
            let longest = [3, 16, 100][seed as usize - 1];
            let pieces = Random::new(seed).pieces(&input, longest);
            let in_pieces = Server::run(&case, pieces).outcomes();
            assert_eq!(in_pieces, whole, "{} seed {seed}", case.name);
        }
    }
}

#[test]
fn the_oracle_agrees_on_each_case() {
    for case in cases::all().iter().filter(|case| is_plain(case)) {
        let reading = naive::read(&case.input(), case.eof, &case.limits().into());
        let expected = without_reasons(&case.events);
        assert_eq!(oracle_log(&reading, &case.show), expected, "{}", case.name);
    }
}

#[test]
fn the_oracle_agrees_on_mutants_of_each_case() {
    let cases = cases::all();
    let mut random = Random::new(1);
    for case in cases.iter().filter(|case| is_plain(case) && case.input().len() <= 2 * LONG) {
        for _ in 0..MUTANTS {
            let mut mutant = case.clone();
            let input = mutate(case.input(), INTERESTING, &mut random);
            mutant.eof = random.below(2) == 0;
            mutant.show = vec!["fields".to_owned(), "authority".to_owned()];
            let reading = naive::read(&input, mutant.eof, &case.limits().into());
            let pieces = match random.below(2) {
                0 => vec![input.as_slice()],
                _ => random.pieces(&input, 40),
            };
            let log = Server::run(&mutant, pieces).log;
            assert_eq!(
                without_reasons(&log),
                oracle_log(&reading, &mutant.show),
                "left the server, right the oracle\n{}\nmutant \"{}\", eof: {}",
                case.name,
                escaped(&input),
                mutant.eof
            );
        }
    }
}

/// Whether the oracle can read it: it answers everything, in time, with 200.
fn is_plain(case: &Case) -> bool {
    case.early.is_none() && !case.disable_keep_alive
}

#[test]
fn every_rule_is_covered_by_a_test() {
    let rules = rules();
    let covered = covered();
    let unknown: Vec<_> = covered.difference(&rules).collect();
    assert!(unknown.is_empty(), "covered, but not in docs/HTTP.md: {unknown:?}");
    let missing: Vec<_> = rules.difference(&covered).collect();
    assert!(missing.is_empty(), "no test covers {missing:?} of docs/HTTP.md");
}

/// The numbers of all rules in docs/HTTP.md.
fn rules() -> BTreeSet<String> {
    let text = fs::read_to_string(repository().join("docs/HTTP.md")).expect("docs/HTTP.md");
    let number = |line: &str| Some(line.strip_prefix("- **")?.split_once("** ")?.0.to_owned());
    let numbers: Vec<String> = text.lines().filter_map(number).collect();
    let rules: BTreeSet<String> = numbers.iter().cloned().collect();
    assert_eq!(rules.len(), numbers.len(), "a number stands twice");
    rules
}

/// What cases and `// covers:` comments of tests name, unit tests among them.
fn covered() -> BTreeSet<String> {
    let of_cases = cases::all().into_iter().flat_map(|case| case.covers);
    let of_answers = answers::all().into_iter().flat_map(|case| case.covers);
    let mut covered: BTreeSet<String> = of_cases.chain(of_answers).collect();
    let mut folders = ["tests", "src"].map(|folder| repository().join(folder)).to_vec();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of tests") {
            let path = entry.expect("a directory entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(path).expect("a test in UTF-8");
                let comments =
                    text.lines().filter_map(|line| line.trim().strip_prefix("// covers:"));
                covered.extend(comments.flat_map(str::split_whitespace).map(str::to_owned));
            }
        }
    }
    covered
}
