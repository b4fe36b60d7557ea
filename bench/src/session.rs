//! A whole run: every work, by every contestant, in rounds.

use std::io;

use crate::contestant::{Contestant, Sinks};
use crate::cores::{Cores, Place};
use crate::descriptors;
use crate::loader::Failure;
use crate::measure::{growth, latency, memory, passing, start, throughput};
use crate::progress::Progress;
use crate::race::{self, Race};
use crate::results::Results;
use crate::workload::{Work, Workload};

/// Who takes part in what.
pub struct Session {
    pub contestants: Vec<Contestant>,
    /// Whose rate others are measured at, whether it takes part or not.
    pub baseline: Option<Contestant>,
    /// What takes uploads that are passed on; none if nobody does that.
    pub sinks: Option<Sinks>,
    pub workloads: Vec<Workload>,
    pub rounds: usize,
}

impl Session {
    /// Runs it. A contestant's failure is part of the results.
    ///
    /// # Errors
    ///
    /// When this machine does not allow it.
    pub fn run(&self) -> io::Result<Results> {
        let connections = self.workloads.iter().map(Workload::descriptors).max();
        descriptors::raise(connections.unwrap_or_default())?;
        let cores = Cores::find()?;
        let entrants = |workload: &Workload| {
            self.contestants.iter().filter(|it| race::is_for(workload, it)).count()
        };
        let all: usize = self.workloads.iter().map(entrants).sum();
        let progress = Progress::new(all * self.rounds);
        let race =
            Race { contestants: &self.contestants, rounds: self.rounds, progress: &progress };
        let mut results = Results::default();
        for workload in &self.workloads {
            self.race(workload, &race, &cores, &mut results)?;
        }
        progress.end();
        Ok(results)
    }

    fn race(
        &self,
        workload: &Workload,
        race: &Race<'_>,
        cores: &Cores,
        results: &mut Results,
    ) -> io::Result<()> {
        // Digests are worked out on all cores.
        cores.go_to_loader(Place::AllCores)?;
        match &workload.work {
            Work::Throughput(load) => {
                let plan = load.traffic.plan();
                let measure = |it: &Contestant| throughput::measure(it, load, &plan, cores);
                results.throughput.push(race.run(workload, measure));
            }
            Work::Passing(passing) => {
                let (traffic, plan) = (passing.traffic, passing.traffic.plan());
                let sinks = self.sinks.as_ref().ok_or_else(|| io::Error::other("no sink"))?;
                let measure = |it: &Contestant| passing::measure(it, traffic, &plan, sinks, cores);
                results.passing.push(race.run(workload, measure));
            }
            Work::Latency(pace) => {
                let plans = latency::plans(pace);
                let baseline =
                    self.baseline.as_ref().ok_or_else(|| io::Error::other("not there").into());
                let due = baseline.and_then(|it| latency::due(it, pace, &plans, cores));
                let measure = |it: &Contestant| match &due {
                    Ok(due) => latency::measure(it, &plans, *due, pace.time, cores),
                    Err(failure) => Err(Failure::NoRate(failure.to_string())),
                };
                results.latency.push(race.run(workload, measure));
            }
            Work::Memory(crowd) => {
                let measure = |it: &Contestant| memory::measure(it, *crowd, cores);
                results.memory.push(race.run(workload, measure));
            }
            Work::Growth(growth) => {
                let plan = growth.traffic.plan();
                let measure = |it: &Contestant| growth::measure(it, growth, &plan, cores);
                results.growth.push(race.run(workload, measure));
            }
            Work::Start => {
                let measure = |it: &Contestant| start::measure(it, cores);
                results.start.push(race.run(workload, measure));
            }
        }
        Ok(())
    }
}
