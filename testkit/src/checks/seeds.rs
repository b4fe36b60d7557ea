//! Makes seeds of `tests/cases`: a file for each case and each target that it is for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use crate::cases::{self, Case};
use streamsum::proto::Limits;

/// Cases with a longer input have no seed: mutations of it would be slow.
const LONGEST: usize = 4 << 10;

/// Which targets the cases of a file are for, those of `chunked` aside: these are found
/// by their heads.
const TARGETS: [(&str, &[&str]); 20] = [
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

/// Seeds by their places in `fuzz/seeds`: `chunked/trailers--two-fields`.
pub fn of_cases() -> BTreeMap<String, Vec<u8>> {
    let mut seeds = BTreeMap::new();
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
        let targets = TARGETS.iter().find(|(known, _)| *known == file);
        let targets = targets.map_or(&["head", "hyper"][..], |(_, targets)| targets);
        let mut add = |target: &str, seed: Vec<u8>| {
            let twice = seeds.insert(format!("{target}/{name}"), seed);
            assert!(twice.is_none(), "{target}/{name} stands twice");
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

/// What is wrong with the files of `fuzz/seeds`: those that are missing, stale, or made of
/// a case that is gone. Seeds that were made by hand have no `--` in their names.
pub fn stale() -> Vec<String> {
    let expected = of_cases();
    let mut wrong: BTreeSet<String> = on_disk().into_iter().collect();
    for (place, seed) in expected {
        let same = fs::read(folder().join(&place)).is_ok_and(|found| found == seed);
        if same {
            wrong.remove(&place);
        } else {
            wrong.insert(place);
        }
    }
    wrong.into_iter().collect()
}

pub fn folder() -> PathBuf {
    cases::repository().join("fuzz/seeds")
}

/// The places of all seeds that were made of cases.
fn on_disk() -> Vec<String> {
    let mut places = Vec::new();
    for target in fs::read_dir(folder()).expect("fuzz/seeds is there") {
        let target = target.expect("a folder of seeds");
        for seed in fs::read_dir(target.path()).expect("a folder of seeds") {
            let name = seed.expect("a seed").file_name();
            let (target, name) = (target.file_name(), name.to_string_lossy().into_owned());
            if name.contains("--") {
                places.push(format!("{}/{name}", target.to_string_lossy()));
            }
        }
    }
    places
}

/// The bytes that `conversation::Plan` reads, for an input without its first bytes.
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
    let ours = [case.eof, false, case.early.is_some(), case.retire];
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
