//! How late answers come to requests that are due at fixed times.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::clock::Account;
use crate::contestant::Contestant;
use crate::cores::Cores;
use crate::loader::{Failure, Loader, paced};
use crate::plan::Plan;
use crate::server::Server;
use crate::workload::Pace;

use super::PATIENCE;

/// How often the baseline is measured for its rate.
const TRIES: usize = 3;

/// What one measurement found.
#[derive(Clone, Debug)]
pub struct Latency {
    /// From when requests were due to their answers, in nanoseconds.
    pub histogram: Histogram<u64>,
    /// The 99th percentile of the time that the loader itself was late, in nanoseconds.
    pub lateness: f64,
    /// Requests a second that were due.
    pub due: f64,
    /// Those that were answered.
    pub rate: f64,
    /// The server's CPU seconds for a request.
    pub cost: f64,
    /// CPU seconds that neither server nor loader had, in a second.
    pub others: f64,
}

impl Latency {
    /// In nanoseconds: so many of a hundred requests took no longer.
    pub fn percentile(&self, percentile: f64) -> f64 {
        self.histogram.value_at_quantile(percentile / 100.0) as f64
    }

    pub fn longest(&self) -> f64 {
        self.histogram.max() as f64
    }
}

/// The requests of a pace.
pub fn plan(pace: &Pace) -> Plan {
    Plan::requests(pace.connections, pace.bytes, 1, pace.time)
}

/// How many requests a second are due by a pace: a share of what the `baseline` manages in
/// a closed loop, the middle one of several tries.
///
/// # Errors
///
/// When the baseline fails.
pub fn rate(
    baseline: &Contestant,
    pace: &Pace,
    plan: &Plan,
    cores: &Cores,
) -> Result<f64, Failure> {
    let mut rates = Vec::new();
    for _ in 0..TRIES {
        let server = Server::start(baseline, cores)?;
        let done = Loader::connect(plan, server.address, server.digests)?.run(PATIENCE)?;
        rates.push(done.answers as f64 / done.time.as_secs_f64());
    }
    rates.sort_by(f64::total_cmp);
    Ok(rates[TRIES / 2] * pace.share)
}

/// Makes so many requests a second for some time.
///
/// # Errors
///
/// When the contestant does not answer them all.
pub fn measure(
    contestant: &Contestant,
    plan: &Plan,
    due: f64,
    time: Duration,
    cores: &Cores,
) -> Result<Latency, Failure> {
    let server = Server::start(contestant, cores)?;
    let before = Account::of(server.id())?;
    let kept = paced::run(plan, server.address, server.digests, due, time, PATIENCE)?;
    let spent = Account::of(server.id())?.since(&before);
    let seconds = kept.time.as_secs_f64();
    Ok(Latency {
        lateness: kept.lateness.value_at_quantile(0.99) as f64,
        histogram: kept.latency,
        due,
        rate: kept.answers as f64 / seconds,
        cost: spent.program / kept.answers as f64,
        others: spent.others / seconds,
    })
}
