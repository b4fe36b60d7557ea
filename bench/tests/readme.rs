//! The page tells the truth: it names who takes part in what and every option, and each of
//! its numbers is counted here.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::time::Duration;

use streamsum_bench::contestant::Fate;
use streamsum_bench::measure::latency::KEPT_UP;
use streamsum_bench::options::{self, Command, Options};
use streamsum_bench::server::START;
use streamsum_bench::table::DISTURBED;
use streamsum_bench::workload::{Load, Traffic, Work, Workload};
use streamsum_bench::{contestant, descriptors, workload};
use testkit::content::Hex;

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The text under a heading.
fn section<'p>(page: &'p str, heading: &str) -> &'p str {
    let (_, text) = page.split_once(&format!("\n## {heading}\n")).expect(heading);
    text.split("\n## ").next().unwrap()
}

/// The rows of a table, each with its cells, without the heading.
fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    let rows = text.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
}

/// What stands between backticks.
fn code(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

fn options(arguments: &[&str]) -> Options {
    match options::parse(arguments.iter().map(OsString::from)).unwrap() {
        Command::Run(options) => options,
        Command::Help => panic!("no help was asked for"),
    }
}

#[test]
fn it_names_all_servers() {
    let page = read("README.md");
    let rows = rows(section(&page, "Who takes part"));
    let names: Vec<&str> = rows.flat_map(|row| code(row[0])).collect();
    assert_eq!(names, contestant::NAMES);
}

#[test]
fn it_names_all_works() {
    let page = read("README.md");
    let works = workload::all(false);
    let mut left = works.iter().map(|it| it.name.as_str());
    for row in rows(section(&page, "What they do")) {
        let names = code(row[0]);
        if row[0].contains(" to ") {
            assert_eq!(left.next(), Some(names[0]));
            assert!(left.by_ref().any(|name| name == names[1]), "{}", row[0]);
        } else {
            names.iter().for_each(|name| assert_eq!(left.next(), Some(*name)));
        }
    }
    assert_eq!(left.next(), None);
}

#[test]
fn it_names_all_options() {
    fn option(text: &str) -> Option<&str> {
        text.split_whitespace().next().filter(|word| word.starts_with("--"))
    }
    let (page, help) = (read("README.md"), options::help());
    let table = page.split("\n## ").next().unwrap();
    let told: BTreeSet<&str> = rows(table).filter_map(|row| option(code(row[0])[0])).collect();
    let there: BTreeSet<&str> = help.lines().filter_map(option).collect();
    assert_eq!(told, there);
}

/// A number as a page has it: 10,128.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|it| str::from_utf8(it).unwrap()).collect();
    groups.join(",")
}

fn percent(part: f64) -> String {
    format!("{:.0} %", part * 100.0)
}

/// The phrases that have numbers, with the numbers that they should have.
fn counted() -> Vec<String> {
    let most = workload::all(false).iter().map(Workload::descriptors).max().unwrap();
    let (full, quick) = (options(&[]).rounds, options(&["--quick"]).rounds);
    let kept = |it: &Workload| match &it.work {
        Work::Throughput(Load { traffic: Traffic::Uploads { count, bytes, .. }, .. }) => {
            *count as u64 * bytes
        }
        _ => 0,
    };
    let kept =
        workload::all(false).iter().filter(|it| it.fate() == Fate::Kept).map(kept).max().unwrap();
    assert_eq!(START, Duration::from_secs(START.as_secs()));
    vec![
        format!("{} open files", grouped(descriptors::needed(most))),
        format!("takes {} GiB of memory", kept >> 30),
        format!("{quick} rounds instead of {full}"),
        format!("Content-Length of {}", size_of::<Hex>()),
        format!("within {} seconds", START.as_secs()),
        format!("took {} of a core", percent(DISTURBED)),
        format!("less than {} of what was due", percent(KEPT_UP)),
    ]
}

/// What is a unit, the name of something, or the point between two halves of a scale.
const NO_COUNTS: [&str; 11] = [
    "status 200",
    "exit code is 1",
    "of 10⁹ bytes",
    "above 1 is more",
    "below 100 %",
    "for 100,000 requests",
    "below 1 is cheaper",
    "50 % … most",
    "99th percentile",
    "near to 1",
    "ends with 1",
];

#[test]
fn each_of_its_numbers_is_counted() {
    let page = read("README.md");
    // That section has figures of its own, see below.
    let mut text = page.replace(section(&page, "Where streamsum loses"), "");
    for (start, end) in [("\n```", "\n```"), ("`", "`"), ("](", ")")] {
        while let Some(from) = text.find(start) {
            let inner = from + start.len();
            let to = text[inner..].find(end).expect(start) + inner + end.len();
            text.replace_range(from..to, "");
        }
    }
    let mut text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for phrase in counted().iter().map(String::as_str).chain(NO_COUNTS) {
        assert!(text.contains(phrase), "it does not say {phrase:?}");
        text = text.replace(phrase, "");
    }
    // Digits in names, such as MD5's, stand behind a letter.
    let is_number = |word: &&str| word.starts_with(|first: char| first.is_ascii_digit());
    let words = text.split(|c: char| !c.is_alphanumeric());
    assert_eq!(words.filter(is_number).collect::<Vec<_>>(), [""; 0]);
}

/// A figure of the report that the page leads to: of a server at a work, in some column.
fn figure(report: &str, work: &str, server: &str, column: &str) -> f64 {
    let mut headings = Vec::new();
    for line in report.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        match cells.as_slice() {
            ["work", ..] => headings = cells,
            [own, name, ..] if *own == work && *name == server => {
                let at = headings.iter().position(|heading| *heading == column).expect(column);
                let number = cells[at].split_whitespace().next().unwrap_or_default();
                return number.parse().unwrap();
            }
            _ => {}
        }
    }
    panic!("{server} is not there at {work}");
}

#[test]
fn what_streamsum_loses_stands_in_the_report() {
    let page = read("README.md");
    let text = section(&page, "Where streamsum loses");
    let report = text.split("](").nth(1).unwrap().split(')').next().unwrap();
    let report = read(report);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let speed = |work, server| figure(&report, work, server, "speed");
    let ratio = |work, server| figure(&report, work, server, "× hyper");
    let log = |work| percent(1.0 - speed(work, "streamsum-log") / speed(work, "streamsum"));
    let (small, mixed) = ("latency-small", "latency-mixed");
    for phrase in [
        format!("{:.2} and {:.2} times", ratio("upload-2", "hyper-2"), ratio("upload-2", "go-2")),
        format!("{:.2} with streamsum", ratio("upload-2", "streamsum")),
        format!(
            "({:.2} to {:.2})",
            ratio("upload-1", "hyper-own-hash"),
            ratio("upload-1", "streamsum")
        ),
        format!("are {} slower with it, pipelined ones {}", log("small"), log("pipelined")),
        format!("was {:.1} times hyper's in `{small}`", ratio(small, "streamsum")),
        format!("and {:.1} times in `{mixed}`", ratio(mixed, "streamsum")),
        format!("built for size: {} KiB", figure(&report, "start", "streamsum", "program KiB")),
    ] {
        assert!(text.contains(&phrase), "{phrase}");
    }
}
