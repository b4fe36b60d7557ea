//! Rounds of measurements: in each, every contestant does the work once.
//!
//! What slows the machine down for a while so strikes all of them, and comparisons are
//! made within a round.

use crate::contestant::{BASELINE, Contestant, FORWARDER, Fate, Role};
use crate::loader::Failure;
use crate::progress::Progress;
use crate::workload::{Load, Passing, Traffic, Work, Workload};

/// A work that has been raced over.
#[derive(Debug)]
pub struct Raced<S> {
    pub workload: Workload,
    pub entries: Vec<Entry<S>>,
}

/// How one contestant did at it.
#[derive(Debug)]
pub struct Entry<S> {
    pub contestant: String,
    pub outcome: Outcome<S>,
}

/// What came of it.
#[derive(Debug)]
pub enum Outcome<S> {
    /// It does not take part, and why.
    LeftOut(&'static str),
    /// All measurements, in the order of the rounds.
    Rounds(Vec<Result<S, Failure>>),
}

impl<S> Entry<S> {
    /// The measurements that did not fail; nothing of somebody left out.
    pub fn rounds(&self) -> &[Result<S, Failure>] {
        match &self.outcome {
            Outcome::LeftOut(_) => &[],
            Outcome::Rounds(rounds) => rounds,
        }
    }

    /// The first failure, and how many there are.
    pub fn failure(&self) -> Option<(&Failure, usize)> {
        let mut failures = self.rounds().iter().filter_map(|round| round.as_ref().err());
        let first = failures.next()?;
        Some((first, 1 + failures.count()))
    }
}

/// Who are at a work beside those whose content has such a fate: they show what it costs without
/// keeping, or without TLS.
const BESIDE: [(Fate, [&str; 2]); 2] = [
    (Fate::Kept, [BASELINE, "streamsum"]),
    (Fate::PassedOnByTls, [FORWARDER, "streamsum-pass-on"]),
];

/// Whether a contestant is to be seen at a work: one that keeps uploads, or passes them on, at
/// works where that is done, and nowhere else.
pub fn is_for(workload: &Workload, contestant: &Contestant) -> bool {
    let fate = workload.fate();
    let is_named = |names: &[&str]| names.contains(&contestant.name.as_str());
    contestant.fate == fate || BESIDE.iter().any(|(of, names)| *of == fate && is_named(names))
}

/// Who races, and how often.
pub struct Race<'a> {
    pub contestants: &'a [Contestant],
    pub rounds: usize,
    pub progress: &'a Progress,
}

impl Race<'_> {
    /// Runs all rounds of one work.
    pub fn run<S>(
        &self,
        workload: &Workload,
        mut measure: impl FnMut(&Contestant) -> Result<S, Failure>,
    ) -> Raced<S> {
        self.progress.begin(workload);
        let entry = |contestant: &Contestant| Entry {
            contestant: contestant.name.clone(),
            outcome: match left_out(contestant, &workload.work) {
                Some(reason) => Outcome::LeftOut(reason),
                None => Outcome::Rounds(Vec::new()),
            },
        };
        let contestants: Vec<&Contestant> =
            self.contestants.iter().filter(|it| is_for(workload, it)).collect();
        let mut entries: Vec<Entry<S>> = contestants.iter().copied().map(entry).collect();
        for round in 0..self.rounds {
            // Everybody comes after somebody else each time.
            for turn in 0..entries.len() {
                let at = (turn + round) % entries.len();
                let contestant = contestants[at];
                if let Outcome::Rounds(rounds) = &mut entries[at].outcome {
                    self.progress.measure(workload, round, &contestant.name);
                    rounds.push(measure(contestant));
                }
                self.progress.measured();
            }
        }
        Raced { workload: workload.clone(), entries }
    }
}

/// Why a contestant does not take part in a work, if so.
fn left_out(contestant: &Contestant, work: &Work) -> Option<&'static str> {
    let traffic = match work {
        Work::Throughput(Load { traffic, beside: None, .. }) => Some(*traffic),
        Work::Passing(Passing { traffic: Traffic::Uploads { chunks: Some(_), .. }, .. })
            if contestant.role == Role::Ruler =>
        {
            return Some("reads no chunks");
        }
        Work::Passing(Passing { traffic, .. }) => Some(*traffic),
        _ => None,
    };
    match (contestant.role, traffic) {
        (Role::Ruler, Some(Traffic::Expecting { .. })) => Some("has no parser"),
        (Role::Offline, Some(Traffic::Uploads { chunks: None, .. })) => None,
        (Role::Offline, _) => Some("has no network"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload;

    #[test]
    fn who_keeps_or_passes_on_is_at_works_where_that_is_done_and_there_alone() {
        let plain = |name| Contestant::new(name, &["program", "{addr}"]);
        let keeper = Contestant::new("it-keep", &["program", "{addr}", "{folder}"]);
        let passer = |name, origin| Contestant::new(name, &["program", "{addr}", origin]);
        for workload in workload::all(true) {
            let [is_kept, is_passed] = ["keep", "pass"].map(|group| workload.is_named(group));
            let is_tls = workload.name == "pass-tls-32";
            let is_plain = is_passed && !is_tls;
            assert_eq!(is_for(&workload, &keeper), is_kept, "{}", workload.name);
            let [plain_one, tls] = ["{origin}", "{tls-origin}"].map(|it| passer("it", it));
            assert_eq!(is_for(&workload, &plain_one), is_plain, "{}", workload.name);
            assert_eq!(is_for(&workload, &tls), is_tls, "{}", workload.name);
            let ruler = passer("ruler-forward-lanes", "{origin}");
            assert_eq!(is_for(&workload, &ruler), is_passed, "{}", workload.name);
            let is_dropped = !is_kept && !is_passed;
            assert_eq!(is_for(&workload, &plain("it")), is_dropped, "{}", workload.name);
            for name in ["hyper", "streamsum"] {
                assert_eq!(is_for(&workload, &plain(name)), !is_passed, "{}", workload.name);
            }
        }
    }
}
