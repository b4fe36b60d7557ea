//! What each target of `keys.md` names.

use std::collections::BTreeSet;

use streamsum::door::{BadKey, KeyRules, Names, Place};
use streamsum::proto::{Connection, Event, Limits};
use testkit::cases::unescape;
use testkit::checks;
use testkit::naive::keys::{self, Meaning};
use testkit::random::Random;

/// A line of the table, with the rules of its section.
struct Row {
    number: usize,
    target: String,
    named: String,
    rules: KeyRules,
}

fn text(escaped: &str) -> String {
    String::from_utf8(unescape(escaped)).expect("UTF-8")
}

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut rules = KeyRules::default();
    let mut is_table = false;
    for (at, line) in include_str!("keys.md").lines().enumerate() {
        if line.starts_with("## ") {
            rules = KeyRules::default();
        } else if line.starts_with("```") {
            is_table = !is_table;
        } else if is_table {
            let (target, named) = line.split_once("  ").expect("two columns");
            let (target, named) = (text(target), text(named.trim_start()));
            rows.push(Row { number: at + 1, target, named, rules });
        } else if let Some(length) = line.strip_prefix("prefix-length: ") {
            rules = rules.prefix_length(length.parse().expect("a number of bytes"));
        } else if let Some(dots) = line.strip_prefix("dots: ") {
            rules = rules.dots(dots == "yes");
        }
    }
    rows
}

/// A place as the table has it.
fn named(place: Result<Place, BadKey>) -> String {
    match place {
        Ok(Place::Named(key)) => format!("key {key}"),
        Ok(Place::Within(Some(folder))) => format!("within {folder}"),
        Ok(Place::Within(None)) => "root".into(),
        Err(bad) => bad.code().into(),
    }
}

#[test]
fn each_target_names_what_the_table_says() {
    let rows = rows();
    let wrong: Vec<String> = rows
        .iter()
        .filter_map(|row| {
            let got = named(Place::of(&row.target, &row.rules));
            (got != row.named).then(|| format!("line {}: {} → {got}", row.number, row.target))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(rows.len() >= 200, "{} targets", rows.len());
    let distinct: BTreeSet<_> =
        rows.iter().map(|row| (&row.target, row.rules.prefix_length, row.rules.dots)).collect();
    assert_eq!(distinct.len(), rows.len(), "a target stands twice");
    let codes: BTreeSet<&str> = rows
        .iter()
        .map(|row| row.named.as_str())
        .filter(|named| named.starts_with("key-"))
        .collect();
    assert_eq!(codes.len(), 11, "each rule has an example: {codes:?}");
}

/// The table is right by the oracle as well.
#[test]
fn the_oracle_says_the_same() {
    for row in rows() {
        let KeyRules { prefix_length, dots, .. } = row.rules;
        let rules = keys::Rules { prefix_length, dots, own_name: Names::LENGTH };
        let agrees = match keys::judge(row.target.as_bytes(), &rules) {
            Ok(Meaning::Key(key)) => row.named == format!("key {key}"),
            Ok(Meaning::Within(Some(folder))) => row.named == format!("within {folder}"),
            Ok(Meaning::Within(None)) => row.named == "root",
            Err(broken) => broken.contains(row.named.as_str()),
        };
        assert!(agrees, "line {}: {}", row.number, row.target);
    }
}

/// No example is one that a server could not meet.
#[test]
fn each_target_can_stand_in_a_request() {
    for row in rows() {
        let method = if row.target == "*" { "OPTIONS" } else { "PUT" };
        let mut input = format!("{method} {} HTTP/1.1\r\nHost: x\r\n\r\n", row.target).into_bytes();
        let mut connection = Connection::new(Limits::default());
        let received = connection.receive(&mut input).map(|received| received.event);
        let Ok(Event::Head(head)) = received else { panic!("line {}: {received:?}", row.number) };
        assert_eq!(head.target(), row.target);
    }
}

/// What mutants of targets get, beside what other targets have.
const PARTS: [&str; 24] = [
    "/",
    "//",
    ".",
    "..",
    "/../",
    "/.",
    "%",
    "%2",
    "%2F",
    "%2f",
    "%2e",
    "%5C",
    "\\",
    "%00",
    "%7f",
    "%25",
    "?",
    "+",
    "\u{fc}",
    "%C3%BC",
    "%C3",
    "%BC",
    "http://h",
    "a/a/a/a/a/a/a/a",
];

/// What holds for any target, on many that are like those of the table.
#[test]
fn the_oracle_agrees_on_mutants_of_the_table() {
    let mut random = Random::new(6);
    let rows: Vec<Row> = rows().into_iter().filter(|row| row.target.len() < 2_048).collect();
    for row in &rows {
        for _ in 0..100 {
            let mut target = row.target.clone();
            for _ in 0..=random.below(3) {
                let boundaries = target.char_indices().map(|(at, _)| at).chain([target.len()]);
                let boundaries: Vec<usize> = boundaries.collect();
                let (one, other) = (*random.pick(&boundaries), *random.pick(&boundaries));
                let from = one.min(other);
                let to = if random.chance(70) { from } else { one.max(other) };
                let part = *random.pick(&PARTS);
                target.replace_range(from..to, if random.chance(20) { "" } else { part });
            }
            let prefix =
                if random.chance(20) { random.below(1_032) } else { row.rules.prefix_length };
            let prefix = u16::try_from(prefix).expect("below 1,032").to_le_bytes();
            let dots = u8::from(row.rules.dots ^ random.chance(20));
            checks::keys::check(&[&[dots, prefix[0], prefix[1]], target.as_bytes()].concat());
        }
    }
}
