//! Many peers, many operations, many seeds.
//!
//! `SIM_SEED=7 cargo test --test engine seeds` plays that seed alone.

use crate::sim::world::{Scale, Weather, play};

const SCALE: Scale = Scale { peers: 32, operations: 400 };
const SEEDS: u64 = 150;

fn play_all<const DRAINS: bool>(weather: Weather) {
    match std::env::var("SIM_SEED") {
        Ok(seed) => play::<DRAINS>(seed.parse().expect("a number"), SCALE, weather),
        Err(_) => (0..SEEDS).for_each(|seed| play::<DRAINS>(seed, SCALE, weather)),
    }
}

#[test]
fn calm_over_sockets_that_a_short_read_drains() {
    play_all::<true>(Weather::Calm);
}

#[test]
fn calm_over_sockets_that_read_as_they_please() {
    play_all::<false>(Weather::Calm);
}

#[test]
fn stormy_over_sockets_that_a_short_read_drains() {
    play_all::<true>(Weather::Stormy);
}

#[test]
fn stormy_over_sockets_that_read_as_they_please() {
    play_all::<false>(Weather::Stormy);
}
