//! Runs `tests/answers/*.md` through the client's side of the protocol core, cut in every way, and
//! compares the core with the oracle.

use streamsum::proto::client::Fault;
use testkit::answers::client::Client;
use testkit::answers::{self, Case};
use testkit::cases::{body_line, escaped};
use testkit::checks::answer::{check, refusal};
use testkit::naive::answer::{Head, Outcome, Reading, read};
use testkit::random::Random;

use crate::mutants::mutate;

/// Answers longer than this are not cut at every place.
const LONG: usize = 2 << 10;

/// Mutants of each case.
const MUTANTS: usize = 60;

/// What is put in.
const INTERESTING: &[&[u8]] = &[
    b"\r",
    b"\n",
    b"\r\n",
    b"\r\n\r\n",
    b"\0",
    b" ",
    b"\t",
    b":",
    b",",
    b";",
    b"=",
    b"\"",
    b"\\",
    b"0",
    b"1",
    b"9",
    b"a",
    b"f",
    b"x",
    b"+",
    b"-",
    b"\x7f",
    b"\x80",
    b"\xff",
    b"100",
    b"101",
    b"103",
    b"204",
    b"205",
    b"304",
    b"HTTP/1.0 ",
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.2",
    b"HTTP/2.0",
    b"HTTP/1.1 102\r\n\r\n",
    b"chunked",
    b"close",
    b"Connection: close\r\n",
    b"Content-Length: 1\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"0\r\n\r\n",
];

fn whole(_: usize, arrival: &[u8]) -> Vec<&[u8]> {
    vec![arrival]
}

#[test]
fn each_case_gives_its_log_and_output() {
    let mut failures = Vec::new();
    for case in answers::all() {
        let client = Client::run(&case, whole);
        if client.log != case.events {
            failures.push(format!(
                "{}\n  expected\n    {}\n  but it was\n    {}",
                case.name,
                case.events.join("\n    "),
                client.log.join("\n    ")
            ));
        }
        if case.output.as_ref().is_some_and(|output| *output != client.output) {
            failures.push(format!("{}\n  output {}", case.name, escaped(&client.output)));
        }
    }
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn each_case_gives_the_same_byte_by_byte() {
    for case in answers::all() {
        let bytes = Client::run(&case, |_, arrival| arrival.chunks(1).collect());
        assert_eq!(bytes.log, case.events, "{}", case.name);
    }
}

#[test]
fn each_case_gives_the_same_cut_in_two_at_every_place() {
    for case in answers::all() {
        for (cut_one, arrival) in case.arrivals.iter().enumerate() {
            let mut random = Random::new(arrival.len() as u64);
            let cuts: Vec<usize> = match arrival.len() {
                0..=LONG => (0..=arrival.len()).collect(),
                _ => (0..64).map(|_| random.below(arrival.len())).collect(),
            };
            for cut in cuts {
                let in_two = Client::run(&case, |number, arrival| match number == cut_one {
                    true => vec![&arrival[..cut], &arrival[cut..]],
                    false => vec![arrival],
                });
                assert_eq!(in_two.log, case.events, "{} cut at {cut}", case.name);
            }
        }
    }
}

#[test]
fn each_case_gives_the_same_in_random_pieces() {
    for case in answers::all() {
        for (seed, longest) in [(1, 3), (2, 16), (3, 100)] {
            let pieces =
                Client::run(&case, |_, arrival| Random::new(seed).pieces(arrival, longest));
            assert_eq!(pieces.log, case.events, "{} seed {seed}", case.name);
        }
    }
}

#[test]
fn the_oracle_agrees_on_each_case() {
    for case in answers::all().iter().filter(|case| is_plain(case)) {
        let (expected, fault) = without_fault(&case.events);
        let (log, outcome) = oracle_log(case, &case.arrivals[0]);
        assert_eq!(log, expected, "{}", case.name);
        assert_eq!(outcome_of(fault, &log), outcome, "{}", case.name);
    }
}

#[test]
fn the_oracle_agrees_on_mutants_of_each_case() {
    let mut random = Random::new(1);
    for case in answers::all().iter().filter(|case| is_plain(case)) {
        let input = &case.arrivals[0];
        for _ in 0..if input.len() > LONG { 0 } else { MUTANTS } {
            let mutated = mutate(input.clone(), INTERESTING, &mut random);
            let mut mutant = case.clone();
            mutant.arrivals = vec![mutated.clone()];
            mutant.eof = random.below(2) == 0;
            mutant.shows_fields = true;
            let longest = if random.below(2) == 0 { usize::MAX >> 1 } else { 40 };
            let seed = random.number();
            let cut = |_, arrival| Random::new(seed).pieces(arrival, longest);
            let played = Client::run(&mutant, cut).log;
            let (log, fault) = without_fault(&played);
            let (expected, outcome) = oracle_log(&mutant, &mutated);
            let about = format!("{}\nmutant \"{}\"", case.name, escaped(&mutated));
            assert_eq!(log, expected, "left the client, right the oracle\n{about}");
            assert_eq!(outcome_of(fault, &log), outcome, "{about}");
        }
    }
}

/// The check of the fuzz target `answer`, on what a fuzzer might give it.
#[test]
fn the_check_of_the_fuzzer_holds_on_mutants_with_random_plans() {
    let mut random = Random::new(2);
    for case in answers::all() {
        let input = case.arrivals.concat();
        for _ in 0..if input.len() > LONG { 0 } else { 15 } {
            let mut data = random.bytes(6);
            // Few cuts and sendings, so that the rest is the server's.
            data.extend([random.below(4) as u8, random.below(6) as u8]);
            data.extend(random.bytes(random.clone().below(12)));
            data.extend(mutate(input.clone(), INTERESTING, &mut random));
            check(&data);
        }
    }
}

/// Whether the oracle can read it: it knows of one answer, to a request that was sent whole.
fn is_plain(case: &Case) -> bool {
    case.asked.len() == 1 && case.sent.is_none() && !case.asked[0].expects
}

/// What the oracle says, in the words of the log, but for a fault.
fn oracle_log(case: &Case, input: &[u8]) -> (Vec<String>, Outcome) {
    let to_head = case.asked[0].method == "HEAD";
    let reading = read(input, case.eof, to_head, &case.limits().into());
    let Reading { interim, head, content, outcome, persists, left } = reading;
    let mut log = Vec::new();
    interim.iter().for_each(|head| log.extend(head_lines("interim", head, case.shows_fields)));
    let goes_to_end = head.as_ref().is_some_and(|_| outcome == Outcome::Over && !persists)
        && case.eof
        && left == 0
        && is_framed_by_end(head.as_ref(), to_head);
    head.iter().for_each(|head| log.extend(head_lines("head", head, case.shows_fields)));
    log.extend(body_line(&content));
    match outcome {
        Outcome::Over => {
            if !goes_to_end {
                log.push("end".to_owned());
            }
            if case.eof {
                log.push(if goes_to_end { "eof answer" } else { "eof clean" }.to_owned());
            }
            if left > 0 {
                log.push(format!("left \"{}\"", escaped(&input[input.len() - left..])));
            }
            let is_reusable = persists && left == 0 && !case.eof;
            log.push(if is_reusable { "reuse" } else { "close" }.to_owned());
        }
        Outcome::Waits => log.push("waits".to_owned()),
        Outcome::NoAnswer | Outcome::Truncated | Outcome::Refused(_) => {}
    }
    (log, outcome)
}

/// Whether no field says where the content of a good head ends.
fn is_framed_by_end(head: Option<&Head>, to_head: bool) -> bool {
    let frames = |(name, _): &(Vec<u8>, Vec<u8>)| {
        let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
        is("content-length") || is("transfer-encoding")
    };
    head.is_some_and(|head| {
        !to_head && !matches!(head.status, 204 | 304) && !head.fields.iter().any(frames)
    })
}

fn head_lines(kind: &str, head: &Head, shows_fields: bool) -> Vec<String> {
    let version = if head.old { "HTTP/1.0" } else { "HTTP/1.1" };
    let reason = match head.reason.len() {
        length @ 201.. => format!("{length} bytes"),
        _ => escaped(&head.reason),
    };
    let mut lines = vec![format!("{kind} {version} {} {reason}", head.status)];
    if shows_fields {
        let line = |(name, value): &(Vec<u8>, Vec<u8>)| {
            format!("field {}: {}", String::from_utf8_lossy(name), escaped(value))
        };
        lines.extend(head.fields.iter().map(line));
    }
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

/// The log without its last line, if that is a fault.
fn without_fault(log: &[String]) -> (Vec<String>, Option<String>) {
    match log.split_last() {
        Some((last, before)) if last.starts_with("fault ") => {
            (before.to_vec(), last.strip_prefix("fault ").map(str::to_owned))
        }
        _ => (log.to_vec(), None),
    }
}

/// What a log says at its end, in the words of the oracle, which knows no reasons.
fn outcome_of(fault: Option<String>, log: &[String]) -> Outcome {
    let all = [
        Fault::StatusLine,
        Fault::Version,
        Fault::SwitchingProtocols,
        Fault::TooManyInterim,
        Fault::LineEnd,
        Fault::HeadTooLarge,
        Fault::TooManyFields,
        Fault::FieldLine,
        Fault::Length,
        Fault::LengthRepeated,
        Fault::LengthAndCoding,
        Fault::Coding,
        Fault::Chunk,
        Fault::ContentTooLarge,
    ];
    match fault.as_deref() {
        None if log.last().is_some_and(|line| line == "waits") => Outcome::Waits,
        None => Outcome::Over,
        Some("NoAnswer") => Outcome::NoAnswer,
        Some("Truncated") => Outcome::Truncated,
        Some(name) => {
            let fault = all.iter().find(|fault| format!("{fault:?}") == name);
            Outcome::Refused(refusal(*fault.expect("a fault of bytes")))
        }
    }
}
