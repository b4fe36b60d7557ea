//! How late answers come to requests that are due at fixed times.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::clock::Account;
use crate::contestant::Contestant;
use crate::cores::Cores;
use crate::loader::paced::{self, Schedule};
use crate::loader::{Done, Failure, Loader};
use crate::plan::Plan;
use crate::server::Server;
use crate::workload::Pace;

use super::PATIENCE;

/// How often the baseline is measured for its rate.
const TRIES: usize = 3;

/// A server that answers so little of what is due does not keep up.
pub const KEPT_UP: f64 = 0.95;

/// What one measurement found.
#[derive(Clone, Debug)]
pub struct Latency {
    /// From when requests were due to their answers, in nanoseconds.
    pub histogram: Histogram<u64>,
    /// The 99th percentile of the time that the loader itself was late, in nanoseconds.
    pub lateness: f64,
    /// What was due in a second.
    pub due: Rates,
    /// What was done of it.
    pub done: Rates,
    /// The server's CPU seconds for a request.
    pub cost: f64,
    /// CPU seconds that neither server nor loader had, in a second.
    pub others: f64,
}

/// How much of what in a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    pub requests: f64,
    /// Bytes of content in the uploads beside; 0 without any.
    pub bytes: f64,
}

/// What a pace sends.
pub struct Plans {
    requests: Plan,
    uploads: Option<Plan>,
}

impl Latency {
    /// In nanoseconds: so many of a hundred requests took no longer.
    pub fn percentile(&self, percentile: f64) -> f64 {
        self.histogram.value_at_quantile(percentile / 100.0) as f64
    }

    pub fn longest(&self) -> f64 {
        self.histogram.max() as f64
    }

    /// How much was done of what was due, of requests or of uploads, whichever is less.
    pub fn kept(&self) -> f64 {
        let requests = self.done.requests / self.due.requests;
        if self.due.bytes > 0.0 { requests.min(self.done.bytes / self.due.bytes) } else { requests }
    }
}

/// The requests of a pace, and the uploads beside them.
pub fn plans(pace: &Pace) -> Plans {
    Plans {
        requests: Plan::requests(pace.connections, pace.bytes, 1, pace.time),
        uploads: pace.beside.map(|flow| Plan::uploads(flow.uploads, flow.bytes, None)),
    }
}

/// What is due by a pace: a share of what the `baseline` manages in a closed loop, the
/// middle one of several tries.
///
/// # Errors
///
/// When the baseline fails.
pub fn due(
    baseline: &Contestant,
    pace: &Pace,
    plans: &Plans,
    cores: &Cores,
) -> Result<Rates, Failure> {
    let requests = middle(baseline, &plans.requests, |done| done.answers as f64, cores)?;
    let bytes = match &plans.uploads {
        Some(uploads) => middle(baseline, uploads, |done| done.content as f64, cores)?,
        None => 0.0,
    };
    let share = pace.beside.map_or(0.0, |flow| flow.share);
    Ok(Rates { requests: requests * pace.share, bytes: bytes * share })
}

fn middle(
    baseline: &Contestant,
    plan: &Plan,
    of: impl Fn(&Done) -> f64,
    cores: &Cores,
) -> Result<f64, Failure> {
    let mut rates = Vec::new();
    for _ in 0..TRIES {
        let server = Server::start(baseline, cores)?;
        let done = Loader::connect(plan, server.address, server.digests)?.run(PATIENCE)?;
        rates.push(of(&done) / done.time.as_secs_f64());
    }
    rates.sort_by(f64::total_cmp);
    Ok(rates[TRIES / 2])
}

/// Makes so many requests, and uploads so much beside them, for some time.
///
/// # Errors
///
/// When the contestant does not answer all requests.
pub fn measure(
    contestant: &Contestant,
    plans: &Plans,
    due: Rates,
    time: Duration,
    cores: &Cores,
) -> Result<Latency, Failure> {
    let server = Server::start(contestant, cores)?;
    let beside = plans.uploads.as_ref().map(|uploads| (uploads, due.bytes));
    let schedule = Schedule { plan: &plans.requests, rate: due.requests, time, beside };
    let before = Account::of(server.id())?;
    let kept = paced::run(&schedule, server.address, server.digests, PATIENCE)?;
    let spent = Account::of(server.id())?.since(&before);
    let seconds = kept.time.as_secs_f64();
    let done =
        Rates { requests: kept.answers as f64 / seconds, bytes: kept.flowed as f64 / seconds };
    Ok(Latency {
        lateness: kept.lateness.value_at_quantile(0.99) as f64,
        histogram: kept.latency,
        due,
        done,
        cost: spent.program / kept.answers as f64,
        others: spent.others / seconds,
    })
}
