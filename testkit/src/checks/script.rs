//! Whatever many peers, the handler and the clock do, every upload gets its digest or its
//! refusal, nobody is forgotten, every deadline is met, and all memory comes back.

use crate::random::Random;
use crate::sim::world::{Scale, Weather, play};

/// As many as a queue or a batch needs to go wrong; a game of more is too long for a
/// fuzzer.
const MOST_PEERS: usize = 8;

const MOST_OPERATIONS: usize = 300;

/// Plays the simulation of [`sim`](crate::sim) with the fuzzer's bytes for decisions. The first
/// byte says in which world, and [`sim::world`](crate::sim::world) what all the others are for.
pub fn check(data: &[u8]) {
    let (first, script) = data.split_first().unwrap_or((&0, &[]));
    let weather = if first & 1 == 0 { Weather::Calm } else { Weather::Stormy };
    let play = if first & 2 == 0 { play::<true> } else { play::<false> };
    let peers = 1 + usize::from(first >> 2) % MOST_PEERS;
    play(Random::scripted(script), Scale { peers, operations: MOST_OPERATIONS }, weather);
}
