//! Many exchanges, many faults, many seeds.
//!
//! `SIM_SEED=7 cargo test --test client seeds` plays that seed alone, and `SIM_SEEDS=10000`
//! so many of them; with `-- --nocapture` a table shows what has happened.

use std::env;
use std::ops::Range;
use std::thread;

use testkit::random::Random;
use testkit::sim::exchanging::{self, Exchanged};

const SEEDS: u64 = 200;

/// Says how to see a failure again.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("to see this again: SIM_SEED={} cargo test --test client seeds", self.0);
        }
    }
}

fn number(variable: &str) -> Option<u64> {
    Some(env::var(variable).ok()?.parse().expect("a number"))
}

fn seeds() -> Range<u64> {
    match number("SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SIM_SEEDS").unwrap_or(SEEDS),
    }
}

#[test]
fn every_seed_ends_well_and_all_has_happened() {
    let mut all = Exchanged::default();
    for seed in seeds() {
        let _seed = Seed(seed);
        all.add(exchanging::play(Random::new(seed)));
    }
    println!("{all:#?}");
    if number("SIM_SEED").is_none() {
        assert_eq!(all.missing(), [""; 0], "what has never happened");
    }
}
