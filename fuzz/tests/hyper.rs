//! Replays what the target `hyper` has found, and its seeds; holds the rules to their
//! examples, and the table to the rules.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use streamsum_fuzz::hyper::rules::{Rule, table};
use streamsum_fuzz::hyper::{check, edges, explanations};
use testkit::checks::seeds;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

#[test]
fn hyper_files() {
    for seed in [seeds::of("hyper"), seeds::regressions("hyper")].concat() {
        println!("{}", seed.name);
        check(&seed.bytes);
    }
}

#[test]
fn each_rule_has_an_example_that_no_other_explains() {
    for rule in Rule::ALL {
        let path = folder("seeds/hyper").join(rule.file());
        let example = fs::read(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        assert_eq!(explanations(&example), [[*rule]], "{}", rule.file());
    }
    let names: BTreeSet<_> = Rule::ALL.iter().map(|rule| rule.file()).collect();
    assert_eq!(names.len(), Rule::ALL.len(), "each has a file of its own");
}

#[test]
fn the_table_is_that_of_the_rules() {
    let path = folder("hyper-differences.md");
    if std::env::var_os("STREAMSUM_WRITE_TABLE").is_some() {
        fs::write(&path, table()).expect("the table is written");
    }
    let written = fs::read_to_string(&path).expect("the table is there");
    assert_eq!(written, table(), "STREAMSUM_WRITE_TABLE=1 writes it anew");
}

#[test]
fn an_edge_is_behind_or_before_a_delimiter() {
    let mut seen = BTreeSet::new();
    for seed in 0..1_000 {
        let mut data = *b"a: 1\0\0";
        let size = edges::insert(&mut data, 4, seed);
        seen.insert(data[..size].to_vec());
    }
    assert!(seen.contains(&b"a: +1"[..]) && seen.contains(&b"a\r\n: 1"[..]));
    assert!(seen.iter().all(|data| data.starts_with(b"a") && data.ends_with(b"1")));
    assert_eq!(edges::insert(&mut b"a: 1".to_owned(), 4, 0), 4, "there is no room");
}
