//! The seeds of the fuzz targets: a file for each case of `tests/cases` and of `tests/answers` and
//! each target that the case is for, made when it is needed, and those of `fuzz/seeds`, written by
//! hand.

use std::collections::BTreeMap;
use std::fs;

use streamsum::proto::{Framing, Limits};

use crate::answers;
use crate::cases::{self, Case};

/// All fuzz targets.
pub const TARGETS: [&str; 12] = [
    "answer",
    "chunked",
    "dictionary",
    "digests",
    "head",
    "hyper",
    "hyper_client",
    "keys",
    "md5",
    "response",
    "script",
    "split",
];

/// An input of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed {
    /// That of its file: no two seeds of a target have the same.
    pub name: String,
    /// What the target is given.
    pub bytes: Vec<u8>,
}

/// Where a target begins.
pub fn of(target: &str) -> Vec<Seed> {
    let mut seeds = match target {
        "answer" => of_answers(answer_plan),
        "hyper_client" => of_answers(|case| vec![asked(case)]),
        _ => of_cases().remove(target).unwrap_or_default(),
    };
    seeds.extend(files("seeds", target));
    seeds
}

/// What a target has found.
pub fn regressions(target: &str) -> Vec<Seed> {
    files("regressions", target)
}

/// The files of `fuzz/<folder>/<target>`; none if that is not there.
fn files(folder: &str, target: &str) -> Vec<Seed> {
    let folder = cases::repository().join("fuzz").join(folder).join(target);
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let seed = |entry: fs::DirEntry| Seed {
        name: entry.file_name().to_string_lossy().into_owned(),
        bytes: fs::read(entry.path()).expect("a file"),
    };
    entries.map(|entry| seed(entry.expect("an entry of the folder"))).collect()
}

/// Cases with a longer input have no seed: mutations of it would be slow.
const LONGEST: usize = 4 << 10;

/// Which targets the cases of a file are for, those of `chunked` aside: these are found
/// by their heads.
const FOR: [(&str, &[&str]); 20] = [
    ("chunked", &["split", "hyper"]),
    ("connection", &["head", "hyper"]),
    ("content-length", &["head", "hyper"]),
    ("ends", &["split", "hyper"]),
    ("expect", &["head", "split", "hyper"]),
    ("fields", &["head", "hyper"]),
    ("framing", &["head", "split", "hyper"]),
    ("host", &["head", "hyper"]),
    ("ignored", &["head", "hyper"]),
    ("limits", &["head", "split", "hyper"]),
    ("lines", &["head", "hyper"]),
    ("methods", &["head", "hyper"]),
    ("pipelining", &["head", "split", "hyper"]),
    ("request-limit", &["split", "hyper"]),
    ("request-line", &["head", "hyper"]),
    ("responses", &["split", "hyper"]),
    ("start", &["head", "split", "hyper"]),
    ("target", &["head", "hyper"]),
    ("trailers", &["split", "hyper"]),
    ("version", &["head", "hyper"]),
];

/// Those that are made of cases, by target.
fn of_cases() -> BTreeMap<&'static str, Vec<Seed>> {
    let mut seeds: BTreeMap<&str, Vec<Seed>> = BTreeMap::new();
    let mut namesakes = BTreeMap::new();
    for case in cases::all().iter().filter(|case| case.input().len() <= LONGEST) {
        let (file, title) = case.name.split_once(".md: ").expect("file.md: name");
        let mut name = format!("{file}--{}", words(title));
        // Some titles differ in their signs alone.
        let count: &mut u32 = namesakes.entry(name.clone()).or_default();
        *count += 1;
        if *count > 1 {
            name = format!("{name}-{count}");
        }
        let targets = FOR.iter().find(|(known, _)| *known == file);
        let targets = targets.map_or(&["head", "hyper"][..], |(_, targets)| targets);
        let mut add = |target: &'static str, bytes: Vec<u8>| {
            seeds.entry(target).or_default().push(Seed { name: name.clone(), bytes });
        };
        for &target in targets {
            let plan = if target == "hyper" { Vec::new() } else { plan(case, 0) };
            add(target, [plan, case.input()].concat());
        }
        if let Some((length, coded)) = behind_chunked_head(case) {
            add("chunked", [plan(case, length), coded].concat());
        }
    }
    seeds
}

/// Those that are made of answers to one request: bytes that say what is asked, and those of the
/// server.
fn of_answers(plan: impl Fn(&answers::Case) -> Vec<u8>) -> Vec<Seed> {
    let cases = answers::all();
    let is_short =
        |case: &&answers::Case| case.asked.len() == 1 && case.arrivals[0].len() <= LONGEST;
    let seed = |case: &answers::Case| {
        let (file, title) = case.name.split_once(".md: ").expect("file.md: name");
        let bytes = [plan(case), case.arrivals[0].clone()].concat();
        Seed { name: format!("{file}--{}", words(title)), bytes }
    };
    let mut seeds: Vec<Seed> = cases.iter().filter(is_short).map(seed).collect();
    // Some titles differ in their signs alone.
    seeds.sort_by(|one, other| one.name.cmp(&other.name));
    seeds.dedup_by(|one, other| one.name == other.name);
    seeds
}

/// What `checks::answer` reads before the server's bytes.
fn answer_plan(case: &answers::Case) -> Vec<u8> {
    let (limits, usual) = (case.limits(), Limits::for_answers());
    let small = [
        limits.request_line != usual.request_line,
        limits.head != usual.head,
        limits.fields != usual.fields,
        limits.chunk_overhead != usual.chunk_overhead,
        limits.body != usual.body,
        limits.interim != usual.interim,
    ];
    let asked = &case.asked[0];
    let method = match asked.method.as_str() {
        "GET" => 0,
        "HEAD" => 1,
        "PUT" => 2,
        _ => 3,
    };
    let length = u8::try_from(asked.content.len()).unwrap_or(u8::MAX);
    let framing = match asked.framing {
        Framing::None => 0,
        Framing::Chunked => 1,
        Framing::Length(_) => 2,
    };
    let how = framing | bits(&[false, false, asked.expects, case.eof, case.goes_on]);
    vec![bits(&small), method, length, how, 0, 0, 0]
}

/// What `hyper_client` reads before the server's bytes.
fn asked(case: &answers::Case) -> u8 {
    match case.asked[0].method.as_str() {
        "HEAD" => 1,
        "PUT" => 2,
        _ => 0,
    }
}

/// The bytes that `Plan` reads, for an input without its first bytes.
fn plan(case: &Case, without: usize) -> Vec<u8> {
    let (limits, usual) = (case.limits(), Limits::default());
    let small = [
        limits.request_line != usual.request_line,
        limits.head != usual.head,
        limits.fields != usual.fields,
        limits.chunk_overhead != usual.chunk_overhead,
        limits.body != usual.body,
        limits.requests != usual.requests,
    ];
    let ours = [case.eof, false, case.early.is_some(), case.disable_keep_alive];
    let mut plan = vec![bits(&small), bits(&ours)];
    let mut at = 0;
    let mut lengths = Vec::new();
    for arrival in case.arrivals.iter().take(7) {
        let start = at.max(without);
        at += arrival.len();
        lengths.push(u8::try_from(at.saturating_sub(start)).unwrap_or(u8::MAX));
    }
    // What is left comes in one piece anyhow.
    lengths.pop();
    plan.push(u8::try_from(lengths.len()).expect("a few"));
    plan.extend(lengths);
    plan
}

fn bits(flags: &[bool]) -> u8 {
    flags.iter().enumerate().map(|(bit, &flag)| u8::from(flag) << bit).sum()
}

/// The length of the first head, and what is behind it, if that is chunked content.
fn behind_chunked_head(case: &Case) -> Option<(usize, Vec<u8>)> {
    let first = case.events.first()?;
    let input = case.input();
    let length = input.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
    let is_chunked = first.starts_with("head ") && first.ends_with(" chunked");
    is_chunked.then(|| (length, input[length..].to_vec()))
}

/// A title as the name of a file.
fn words(title: &str) -> String {
    let parts = title.split(|letter: char| !letter.is_ascii_alphanumeric());
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    parts.join("-").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_seeds_of_a_target_have_one_name() {
        for target in TARGETS {
            let seeds = of(target);
            let names: BTreeSet<&str> = seeds.iter().map(|seed| seed.name.as_str()).collect();
            assert_eq!(names.len(), seeds.len(), "{target}");
            assert!(!seeds.is_empty(), "{target}");
        }
    }

    #[test]
    fn each_case_that_is_not_long_is_a_seed() {
        let cases = cases::all();
        let short = cases.iter().filter(|case| case.input().len() <= LONGEST).count();
        let of_cases = of_cases();
        let hyper = of_cases.get("hyper").map_or(0, Vec::len);
        assert_eq!(hyper, short, "all are for hyper");
        assert!(of_cases.keys().all(|target| TARGETS.contains(target)), "{:?}", of_cases.keys());
    }

    #[test]
    fn the_targets_are_those_of_the_package_for_fuzzing() {
        let folder = cases::repository().join("fuzz/fuzz_targets");
        let files = fs::read_dir(folder).expect("the targets");
        let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().replace(".rs", "");
        let names: BTreeSet<String> = files.map(|entry| name(entry.expect("an entry"))).collect();
        assert!(names.iter().eq(TARGETS.iter()), "{names:?}");
    }
}
