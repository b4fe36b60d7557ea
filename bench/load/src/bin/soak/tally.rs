//! What has been done so far, by kind of load and by status.

use std::fmt::{self, Display, Formatter};
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts of one kind of load.
#[derive(Default)]
pub(crate) struct Counts {
    connections: AtomicU64,
    /// Requests whose answers came and were as expected.
    answered: AtomicU64,
    /// Requests that their client gave up, or whose answers it never read.
    given_up: AtomicU64,
}

/// Counts of all kinds.
pub(crate) struct Tally {
    kinds: Vec<(&'static str, Counts)>,
    /// Answers by status.
    statuses: Vec<AtomicU64>,
}

/// What a connection counts into.
#[derive(Clone, Copy)]
pub(crate) struct Counter<'a> {
    counts: &'a Counts,
    statuses: &'a [AtomicU64],
}

impl Tally {
    pub(crate) fn new(kinds: impl Iterator<Item = &'static str>) -> Self {
        let kinds = kinds.map(|name| (name, Counts::default())).collect();
        Self { kinds, statuses: (0..600).map(|_| AtomicU64::new(0)).collect() }
    }

    /// The counter of the kind of this name, which must have been among those given.
    pub(crate) fn of(&self, name: &str) -> Counter<'_> {
        let found = self.kinds.iter().find(|(kind, _)| *kind == name);
        let (_, counts) = found.expect("every kind is counted");
        Counter { counts, statuses: &self.statuses }
    }

    pub(crate) fn answered(&self) -> u64 {
        self.sum(|counts| &counts.answered)
    }

    pub(crate) fn connections(&self) -> u64 {
        self.sum(|counts| &counts.connections)
    }

    fn sum(&self, of: impl Fn(&Counts) -> &AtomicU64) -> u64 {
        self.kinds.iter().map(|(_, counts)| read(of(counts))).sum()
    }
}

impl Counter<'_> {
    pub(crate) fn connected(self) {
        self.counts.connections.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn answered(self, status: u16) {
        self.counts.answered.fetch_add(1, Ordering::Relaxed);
        if let Some(status) = self.statuses.get(usize::from(status)) {
            status.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn gave_up(self, requests: u64) {
        self.counts.given_up.fetch_add(requests, Ordering::Relaxed);
    }
}

impl Display for Tally {
    /// As a table.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<28}{:>13}{:>13}{:>13}", "", "connections", "answered", "unanswered")?;
        let mut row = |name: &str, numbers: [u64; 3]| {
            let [connections, answered, given_up] = numbers;
            writeln!(f, "{name:<28}{connections:>13}{answered:>13}{given_up:>13}")
        };
        for (name, counts) in &self.kinds {
            let Counts { connections, answered, given_up } = counts;
            row(name, [connections, answered, given_up].map(read))?;
        }
        let given_up = self.sum(|counts| &counts.given_up);
        row("all", [self.connections(), self.answered(), given_up])?;
        write!(f, "statuses:")?;
        let seen = self.statuses.iter().map(read).enumerate().filter(|(_, count)| *count > 0);
        for (at, (status, count)) in seen.enumerate() {
            write!(f, "{} {status}: {count}", if at == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

fn read(number: &AtomicU64) -> u64 {
    number.load(Ordering::Relaxed)
}
