//! Settings of an engine: any that work, and small ones more often than not.

use std::time::Duration;

use streamsum::engine::{Config, Timeouts};

use super::Weather;
use crate::random::Random;
use crate::sim::faults;

pub(super) fn config(random: &mut Random, weather: Weather) -> Config {
    let limit = random.chance(20).then(|| 1 + random.below(5) as u32);
    let is_short = weather == Weather::Stormy && random.chance(50);
    let timeouts = match weather {
        Weather::Calm => Timeouts::default(),
        Weather::Stormy => timeouts(random),
    };
    let buffer = *random.pick(&[4 << 10, 8 << 10, 64 << 10]);
    let config = Config::default()
        .limits(faults::limits().requests(limit))
        .timeouts(timeouts)
        .buffer(buffer)
        .lone_buffer(buffer * *random.pick(&[1, 2, 4]))
        .batch(*random.pick(&[1, 2, 5, 16, 32]))
        .max_turn(buffer.max(*random.pick(&[4 << 10, 20_000, 2 << 20])))
        .max_output(*random.pick(&[0, 200, 2_000, 16 << 10]))
        .kept_target(*random.pick(&[0, 4, 100]));
    if is_short { config.clone().max_held(config.least_held()) } else { config }
}

/// Any of them may be off.
fn timeouts(random: &mut Random) -> Timeouts {
    let mut seconds = |choices: &[u64]| Duration::from_secs(*random.pick(choices));
    let mut timeouts = Timeouts::default()
        .head(seconds(&[2, 10]))
        .idle(seconds(&[3, 75]))
        .body(seconds(&[4, 30]))
        .min_rate(240)
        .rate_grace(seconds(&[3, 20]))
        .write(seconds(&[5, 30]))
        .late(seconds(&[6, 60]))
        .linger_silence(seconds(&[1, 5]))
        .linger(seconds(&[2, 30]))
        .max_linger(*random.pick(&[None, Some(20_000)]));
    match random.below(15) {
        0 => timeouts.head = None,
        1 => timeouts.idle = None,
        2 => timeouts.body = None,
        3 => timeouts.min_rate = None,
        4 => timeouts.write = None,
        5 => timeouts.late = None,
        _ => {}
    }
    timeouts
}
