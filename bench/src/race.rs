//! Rounds of measurements: in each, every contestant does every work once.
//!
//! What slows the machine down for a while so strikes all of them, and comparisons are
//! made within a round.

use std::io;
use std::process;
use std::time::Duration;

use crate::clock;
use crate::contestant::Contestant;
use crate::cores::{Cores, Place};
use crate::loader::{Failure, Loader};
use crate::plan::Plan;
use crate::server::Server;
use crate::workload::{Unit, Workload};

/// For one measurement: ten times what the slowest of servers needs.
const PATIENCE: Duration = Duration::from_secs(60);

/// One measurement.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Units a second.
    pub rate: f64,
    /// The server's CPU seconds for a unit.
    pub cost: f64,
    /// The loader's.
    pub loader_cost: f64,
    /// The most memory the server had, in MiB.
    pub memory: f64,
    /// CPU seconds of the server's in a second.
    pub busy: f64,
    /// CPU seconds that neither server nor loader had, in a second.
    pub others: f64,
}

/// All measurements of one contestant at one work, in the order of the rounds.
#[derive(Debug)]
pub struct Entry {
    pub contestant: String,
    pub samples: Vec<Result<Sample, Failure>>,
}

/// Runs all rounds of one work. `note` is told who is next.
///
/// # Errors
///
/// When this thread cannot be moved between the cores.
pub fn run(
    workload: &Workload,
    contestants: &[Contestant],
    rounds: usize,
    cores: &Cores,
    mut note: impl FnMut(usize, &str),
) -> io::Result<Vec<Entry>> {
    // Digests are worked out on all cores.
    cores.go_to_loader(Place::AllCores)?;
    let plan = workload.plan();
    let entry = |contestant: &Contestant| Entry {
        contestant: contestant.name.clone(),
        samples: Vec::new(),
    };
    let mut entries: Vec<Entry> = contestants.iter().map(entry).collect();
    for round in 0..rounds {
        // Everybody comes after somebody else each time.
        let order = (0..contestants.len()).map(|at| (at + round) % contestants.len());
        for at in order {
            note(round, &contestants[at].name);
            entries[at].samples.push(measure(&contestants[at], &plan, workload.unit(), cores));
        }
    }
    Ok(entries)
}

fn measure(
    contestant: &Contestant,
    plan: &Plan,
    unit: Unit,
    cores: &Cores,
) -> Result<Sample, Failure> {
    let server = Server::start(contestant, cores)?;
    let loader = Loader::connect(plan, server.address, contestant.digests)?;
    let clocks = || -> io::Result<[Duration; 3]> {
        let own = clock::cpu_time(process::id())?;
        Ok([clock::cpu_time(server.id())?, own, clock::machine_time()?])
    };
    let before = clocks()?;
    let done = loader.run(PATIENCE)?;
    let after = clocks()?;
    let passed = |clock: usize| (after[clock] - before[clock]).as_secs_f64();
    let [server_cpu, loader_cpu, machine_cpu] = [passed(0), passed(1), passed(2)];
    let memory = clock::peak_memory(server.id())? as f64 / 1024.0;
    let units = match unit {
        Unit::Gigabyte => done.content as f64 / 1e9,
        Unit::Request => done.answers as f64,
    };
    let time = done.time.as_secs_f64();
    Ok(Sample {
        rate: units / time,
        cost: server_cpu / units,
        loader_cost: loader_cpu / units,
        memory,
        busy: server_cpu / time,
        others: (machine_cpu - server_cpu - loader_cpu).max(0.0) / time,
    })
}
