//! Many peers, many operations, many seeds.
//!
//! `SIM_SEED=7 cargo test --test engine seeds` plays that seed alone, and `SIM_SEEDS=10000`
//! so many of them; with `-- --nocapture` a table shows which ends were reached.

use std::env;
use std::ops::Range;
use std::thread;

use testkit::random::Random;
use testkit::sim::Reached;
#[cfg(unix)]
use testkit::sim::keeping::{self, Kept};
use testkit::sim::passing::{self, Passed};
use testkit::sim::workers::{self, Seen};
use testkit::sim::world::{Scale, Weather, play};

const SCALE: Scale = Scale { peers: 100, operations: 2_000 };
const SEEDS: u64 = 100;

/// Says how to see a failure again.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("to see this again: SIM_SEED={} cargo test --test engine seeds", self.0);
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

fn play_all<const DRAINS: bool>(weather: Weather) -> Reached {
    let mut reached = Reached::default();
    for seed in seeds() {
        let _seed = Seed(seed);
        reached.add(play::<DRAINS>(Random::new(seed), SCALE, weather));
    }
    reached
}

/// Over sockets that a short read drains and over such that read as they please, with
/// and without trouble from outside.
#[test]
fn every_seed_ends_well_and_all_ends_are_reached() {
    let games = [
        ("calm, drains", play_all::<true> as fn(Weather) -> Reached, Weather::Calm),
        ("calm", play_all::<false>, Weather::Calm),
        ("stormy, drains", play_all::<true>, Weather::Stormy),
        ("stormy", play_all::<false>, Weather::Stormy),
    ];
    let mut reached = Reached::default();
    thread::scope(|scope| {
        let players = games.map(|(name, play_all, weather)| {
            let player = thread::Builder::new().name(name.to_owned());
            player.spawn_scoped(scope, move || play_all(weather)).expect("a thread")
        });
        for player in players {
            reached.add(player.join().expect("every game ends well"));
        }
    });
    println!("{reached}");
    if number("SIM_SEED").is_none() {
        assert_eq!(reached.missing(), [""; 0], "ends that were never reached");
    }
}

/// Several engines that are fed by one acceptor.
#[test]
fn every_seed_of_several_workers_ends_well() {
    let mut all = Seen::default();
    for seed in seeds() {
        let _seed = Seed(seed);
        all.add(workers::play(Random::new(seed)));
    }
    println!("{all:?}");
    if number("SIM_SEED").is_none() {
        let Seen { answered, displaced, waited, passed_over, refused } = all;
        assert!(
            [answered, displaced, waited, passed_over, refused].iter().all(|times| *times > 0),
            "{all:?}"
        );
    }
}

/// A handler that is a resident, whose links are in the poll.
#[test]
fn every_seed_with_a_resident_ends_well() {
    let mut all = Passed::default();
    for seed in seeds() {
        let _seed = Seed(seed);
        all.add(passing::play(Random::new(seed)));
    }
    println!("{all:?}");
    if number("SIM_SEED").is_none() {
        assert!(all.is_complete(), "{all:?}");
    }
}

/// A handler that keeps uploads, and a disk that does what it likes.
#[cfg(unix)]
#[test]
fn every_seed_with_a_disk_ends_well() {
    let mut all = Kept::default();
    for seed in seeds() {
        let _seed = Seed(seed);
        all.add(keeping::play(Random::new(seed)));
    }
    println!("{all:?}");
    if number("SIM_SEED").is_none() {
        assert!(all.is_complete(), "{all:?}");
    }
}
