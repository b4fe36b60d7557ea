//! Which of all the ways to end were reached, over many games.

use std::collections::HashMap;
use std::fmt::{self, Display};
use std::hash::Hash;

use streamsum::handler::{Abort, Outcome};
use streamsum::proto::{After, CloseReason, Reject};

/// Reasons to close that are not refusals.
const CLOSES: [CloseReason; 5] = [
    CloseReason::PeerAsked,
    CloseReason::Http10,
    CloseReason::ContentUnread,
    CloseReason::KeepAliveDisabled,
    CloseReason::RequestLimit,
];

const ABORTS: [Abort; 3] = [Abort::Reset, Abort::NotReading, Abort::Shutdown];

/// Counts how requests ended.
#[derive(Debug, Default)]
pub struct Reached {
    reused: usize,
    closes: HashMap<CloseReason, usize>,
    rejects: HashMap<Reject, usize>,
    aborts: HashMap<Abort, usize>,
}

impl Reached {
    /// Counts one end.
    pub fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Answered(After::Reuse) => self.reused += 1,
            Outcome::Answered(After::Close(reason)) => *self.closes.entry(reason).or_default() += 1,
            Outcome::Refused(reject) => *self.rejects.entry(reject).or_default() += 1,
            Outcome::Aborted(abort) => *self.aborts.entry(abort).or_default() += 1,
        }
    }

    /// Adds those of another game.
    pub fn add(&mut self, other: Self) {
        fn add<K: Eq + Hash>(to: &mut HashMap<K, usize>, from: HashMap<K, usize>) {
            from.into_iter().for_each(|(key, count)| *to.entry(key).or_default() += count);
        }
        self.reused += other.reused;
        add(&mut self.closes, other.closes);
        add(&mut self.rejects, other.rejects);
        add(&mut self.aborts, other.aborts);
    }

    /// The ways that were never gone.
    pub fn missing(&self) -> Vec<String> {
        fn missing<K: Display + Eq + Hash>(all: &[K], seen: &HashMap<K, usize>) -> Vec<String> {
            all.iter().filter(|key| !seen.contains_key(key)).map(K::to_string).collect()
        }
        let mut all = missing(&CLOSES, &self.closes);
        all.extend(missing(Reject::ALL, &self.rejects));
        all.extend(missing(&ABORTS, &self.aborts));
        all
    }
}

impl Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn table<K: Display + Eq + Hash>(
            f: &mut fmt::Formatter<'_>,
            (kind, keys): (&str, &[K]),
            counts: &HashMap<K, usize>,
        ) -> fmt::Result {
            for key in keys {
                let count = counts.get(key).copied().unwrap_or_default();
                writeln!(f, "{count:>9}  {kind}: {key}")?;
            }
            Ok(())
        }
        writeln!(f, "{:>9}  answered, and the connection was kept", self.reused)?;
        table(f, ("answered and closed", &CLOSES), &self.closes)?;
        table(f, ("refused", Reject::ALL), &self.rejects)?;
        table(f, ("broken off", &ABORTS), &self.aborts)
    }
}
