//! Replays what the target `hyper_client` has found, and its seeds, changed a little too; holds the
//! rules to their examples, and the table to the rules.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use streamsum_fuzz::hyper::edges;
use streamsum_fuzz::hyper_client::rules::{Rule, table};
use streamsum_fuzz::hyper_client::{check, explanations};
use testkit::checks::seeds;
use testkit::random::Random;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

#[test]
fn hyper_client_files() {
    for seed in [seeds::of("hyper_client"), seeds::regressions("hyper_client")].concat() {
        println!("{}", seed.name);
        check(&seed.bytes);
    }
}

/// One to three edges of each seed, as the target has them.
#[test]
fn hyper_client_files_with_other_edges() {
    let mut random = Random::new(1);
    for seed in seeds::of("hyper_client").iter().filter(|seed| seed.bytes.len() < 1 << 10) {
        for _ in 0..30 {
            let mut size = seed.bytes.len();
            let mut data = [&seed.bytes[..], &[0; 64]].concat();
            for _ in 0..=random.below(3) {
                size = edges::insert(&mut data, size, random.number() as u32);
            }
            println!("{}: {}", seed.name, data[..size].escape_ascii());
            check(&data[..size]);
        }
    }
}

#[test]
fn each_rule_has_an_example_that_no_other_explains() {
    for rule in Rule::ALL {
        let path = folder("seeds/hyper_client").join(rule.file());
        let example = fs::read(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        assert_eq!(explanations(&example).as_deref(), Some(&[*rule][..]), "{}", rule.file());
    }
    let names: BTreeSet<_> = Rule::ALL.iter().map(|rule| rule.file()).collect();
    assert_eq!(names.len(), Rule::ALL.len(), "each has a file of its own");
}

#[test]
fn the_table_is_that_of_the_rules() {
    let path = folder("hyper-client-differences.md");
    if std::env::var_os("STREAMSUM_WRITE_TABLE").is_some() {
        fs::write(&path, table()).expect("the table is written");
    }
    let written = fs::read_to_string(&path).expect("the table is there");
    assert_eq!(written, table(), "STREAMSUM_WRITE_TABLE=1 writes it anew");
}
