//! All that a run of the race found, by kind of work.

use crate::goals;
use crate::measure::growth::Grown;
use crate::measure::latency::Latency;
use crate::measure::memory::Memory;
use crate::measure::passing::Passed;
use crate::measure::start::Start;
use crate::measure::throughput::Throughput;
use crate::race::Raced;
use crate::table::{Shown, Table};

/// The works of each kind, in the order in which they were raced over.
#[derive(Debug, Default)]
pub struct Results {
    pub throughput: Vec<Raced<Throughput>>,
    pub passing: Vec<Raced<Passed>>,
    pub latency: Vec<Raced<Latency>>,
    pub memory: Vec<Raced<Memory>>,
    pub growth: Vec<Raced<Grown>>,
    pub start: Vec<Raced<Start>>,
}

/// The works of one kind, to be read.
#[derive(Debug)]
pub struct Section {
    pub title: &'static str,
    /// Each work's name, and what was done.
    pub works: Vec<(String, String)>,
    pub table: Table,
}

impl Results {
    /// One for each kind that there was something of.
    pub fn sections(&self) -> Vec<Section> {
        let sections = [
            section("Throughput", &self.throughput),
            section("Passing on", &self.passing),
            self.goals(),
            section("Latency", &self.latency),
            section("Memory", &self.memory),
            section("Growth", &self.growth),
            section("Start", &self.start),
        ];
        sections.into_iter().flatten().collect()
    }

    /// What streamsum is to reach, and does.
    fn goals(&self) -> Option<Section> {
        let mut judged = goals::judge(&self.throughput, |it| it);
        judged.extend(goals::judge(&self.passing, |it| &it.0));
        let table = Table::of_goals(&judged);
        (!judged.is_empty()).then(|| Section { title: "Goals", works: Vec::new(), table })
    }

    /// Whether anybody failed at anything.
    pub fn has_failure(&self) -> bool {
        fn failed<S>(raced: &[Raced<S>]) -> bool {
            raced.iter().flat_map(|raced| &raced.entries).any(|entry| entry.failure().is_some())
        }
        failed(&self.throughput)
            || failed(&self.passing)
            || failed(&self.latency)
            || failed(&self.memory)
            || failed(&self.growth)
            || failed(&self.start)
    }
}

fn section<S: Shown>(title: &'static str, raced: &[Raced<S>]) -> Option<Section> {
    let about = |raced: &Raced<S>| (raced.workload.name.clone(), raced.workload.about());
    let works: Vec<_> = raced.iter().map(about).collect();
    (!works.is_empty()).then(|| Section { title, works, table: Table::of(raced) })
}
