//! How much a server manages in a closed loop, and at what cost.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock::{self, Account};
use crate::contestant::{Contestant, Fate, Role};
use crate::cores::Cores;
use crate::crowd::gather;
use crate::kept::Kept;
use crate::loader::{Done, Failure, Loader};
use crate::offline::Offline;
use crate::plan::Plan;
use crate::server::Server;
use crate::settle::settle;
use crate::workload::{Load, Unit};

use super::PATIENCE;

/// So many threads of a server are looked at.
pub const THREADS: usize = 4;

/// What one measurement found.
#[derive(Clone, Copy, Debug)]
pub struct Throughput {
    pub unit: Unit,
    /// Units a second.
    pub rate: f64,
    /// The server's CPU seconds for a unit.
    pub cost: f64,
    /// The part of these that the kernel had, for the server's system calls.
    pub system: f64,
    /// Those of the sink that it passed content on to, if it did.
    pub sink_cost: f64,
    /// The loader's.
    pub loader_cost: f64,
    /// The most memory the server had, in bytes.
    pub memory: f64,
    /// CPU seconds of the server's in a second.
    pub busy: f64,
    /// The parts of these that its busiest threads had, the busiest first.
    pub threads: [f64; THREADS],
    /// CPU seconds that neither server nor loader had, in a second.
    pub others: f64,
}

impl Throughput {
    /// Whether it is counted in requests.
    pub fn is_of_requests(&self) -> bool {
        self.unit == Unit::Request
    }
}

/// Carries out a plan, which is that of the load.
///
/// # Errors
///
/// When the contestant does not do all of it, or has not kept what it is to keep.
pub fn measure(
    contestant: &Contestant,
    load: &Load,
    plan: &Plan,
    cores: &Cores,
) -> Result<Throughput, Failure> {
    if contestant.fate != Fate::Kept {
        return carry_out(contestant, load, plan, cores);
    }
    let kept = Kept::new()?;
    let keeper = contestant.sending_to(&kept.path().to_string_lossy());
    let found = carry_out(&keeper, load, plan, cores)?;
    if contestant.role == Role::Server {
        kept.check(plan)?;
    }
    Ok(found)
}

fn carry_out(
    contestant: &Contestant,
    load: &Load,
    plan: &Plan,
    cores: &Cores,
) -> Result<Throughput, Failure> {
    let unit = load.traffic.unit();
    if contestant.role == Role::Offline {
        let mut offline = Offline::start(contestant, plan, cores)?;
        return account(offline.id(), None, unit, || offline.run());
    }
    let server = Server::start(contestant, cores)?;
    let beside = load.beside.map(|crowd| gather(crowd, &server)).transpose()?;
    if beside.is_some() {
        settle(&server, PATIENCE)?;
    }
    let loader = Loader::connect(plan, server.address, server.digests)?;
    let throughput = account(server.id(), None, unit, || loader.run(PATIENCE))?;
    if let Some(beside) = beside {
        beside.check()?;
    }
    Ok(throughput)
}

/// Has something done by a program, and perhaps by a sink beside it.
pub(super) fn account(
    program: u32,
    sink: Option<u32>,
    unit: Unit,
    run: impl FnOnce() -> Result<Done, Failure>,
) -> Result<Throughput, Failure> {
    let account = || Account::of_both(program, sink);
    let (before, threads_before) = (account()?, clock::thread_times(program)?);
    let kinds_before = clock::system_and_user(program)?;
    let done = run()?;
    let spent = account()?.since(&before);
    let threads = parts(&threads_before, &clock::thread_times(program)?);
    let kinds = clock::system_and_user(program)?;
    let kind = |at: usize| kinds[at].saturating_sub(kinds_before[at]).as_secs_f64();
    let units = match unit {
        Unit::Gigabyte => done.content as f64 / 1e9,
        Unit::Request => done.answers as f64,
    };
    let time = done.time.as_secs_f64();
    Ok(Throughput {
        unit,
        rate: units / time,
        cost: spent.program / units,
        system: kind(0) / (kind(0) + kind(1)),
        sink_cost: spent.sink / units,
        loader_cost: spent.loader / units,
        memory: clock::peak_memory(program)? as f64,
        busy: spent.program / time,
        threads,
        others: spent.others / time,
    })
}

/// What each of the busiest threads had of what all have spent in between.
fn parts(before: &BTreeMap<u32, Duration>, after: &BTreeMap<u32, Duration>) -> [f64; THREADS] {
    let spent = |(thread, time): (&u32, &Duration)| {
        time.saturating_sub(before.get(thread).copied().unwrap_or_default()).as_secs_f64()
    };
    let mut spent: Vec<f64> = after.iter().map(spent).collect();
    spent.sort_by(|one, other| other.total_cmp(one));
    let all: f64 = spent.iter().sum();
    let mut parts = [0.0; THREADS];
    for (part, spent) in parts.iter_mut().zip(spent).filter(|_| all > 0.0) {
        *part = spent / all;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_of_what_was_spent_in_between() {
        let times = |times: &[(u32, u64)]| -> BTreeMap<u32, Duration> {
            times.iter().map(|(thread, millis)| (*thread, Duration::from_millis(*millis))).collect()
        };
        let before = times(&[(1, 1_000), (2, 10)]);
        assert_eq!(parts(&before, &times(&[(1, 1_000), (2, 20), (3, 30)])), [0.75, 0.25, 0.0, 0.0]);
        assert_eq!(parts(&before, &before), [0.0; THREADS], "nothing");
    }
}
