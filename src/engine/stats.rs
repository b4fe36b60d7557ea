//! Counters, for those who watch a running engine.

use std::fmt;
use std::iter::Sum;
use std::ops::AddAssign;

use crate::proto::Reject;

/// What an engine has done since it began.
///
/// A thing counts when the engine has decided it: an answer when it is handed to the
/// connection, though its bytes may still wait. Bytes count when a socket has given or taken
/// them.
///
/// # Example
///
/// ```
/// use streamsum::engine::{Config, Engine, Now};
/// # use std::io::{self, Read, Write};
/// # struct Wire;
/// # impl Read for Wire { fn read(&mut self, _: &mut [u8]) -> io::Result<usize> { Ok(0) } }
/// # impl Write for Wire {
/// #     fn write(&mut self, b: &[u8]) -> io::Result<usize> { Ok(b.len()) }
/// #     fn flush(&mut self) -> io::Result<()> { Ok(()) }
/// # }
/// # impl streamsum::engine::Socket for Wire {
/// #     fn short_read_drains(&self) -> bool { false }
/// #     fn finish_writing(&mut self) -> io::Result<()> { Ok(()) }
/// # }
///
/// let engine = Engine::<Wire, ()>::new(Config::default(), Now::now())?;
/// let stats = engine.stats();
/// assert_eq!((stats.requests, stats.refused(streamsum::proto::Reject::HeadTimeout)), (0, 0));
/// assert!(stats.to_string().starts_with("connections=0 displaced=0 requests=0 "));
/// # Ok::<(), streamsum::engine::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Connections taken in.
    pub connections: u64,
    /// Idle ones of these that were closed to make room for others.
    pub displaced: u64,
    /// Heads that were complete and good.
    pub requests: u64,
    /// Answers given by the handler.
    pub answers: u64,
    /// Those of them for which [`Handler::verify`](crate::handler::Handler::verify) has found
    /// a fault.
    pub faults: u64,
    /// Requests refused by the protocol or by a deadline.
    pub refusals: u64,
    /// Requests that broke off without an answer.
    pub aborts: u64,
    /// Bytes read, framing included.
    pub bytes_read: u64,
    /// Bytes written.
    pub bytes_written: u64,
    /// Turns taken.
    pub turns: u64,
    /// Calls of [`Handler::consume`](crate::handler::Handler::consume).
    pub waves: u64,
    /// Pieces in all of these; by waves, this is how wide they are.
    pub pieces: u64,
    refused: [u64; Reject::ALL.len()],
}

impl Stats {
    /// How many of the refusals were for this reason.
    #[must_use]
    pub fn refused(&self, reason: Reject) -> u64 {
        self.refused.get(reason as usize).copied().unwrap_or_default()
    }

    pub(super) fn count_refusal(&mut self, reason: Reject) {
        self.refusals += 1;
        if let Some(count) = self.refused.get_mut(reason as usize) {
            *count += 1;
        }
    }
}

/// Adds each counter of another engine, those of the reasons included.
///
/// # Example
///
/// ```
/// use streamsum::engine::Stats;
///
/// let mut all = Stats::default();
/// let mut one = Stats::default();
/// one.requests = 2;
/// all += &one;
/// all += &one;
/// assert_eq!(all.requests, 4);
/// ```
impl AddAssign<&Stats> for Stats {
    fn add_assign(&mut self, other: &Stats) {
        // Every field is named, so that a new one does not compile until it is added.
        let Stats {
            connections,
            displaced,
            requests,
            answers,
            faults,
            refusals,
            aborts,
            bytes_read,
            bytes_written,
            turns,
            waves,
            pieces,
            refused,
        } = other;
        self.connections += connections;
        self.displaced += displaced;
        self.requests += requests;
        self.answers += answers;
        self.faults += faults;
        self.refusals += refusals;
        self.aborts += aborts;
        self.bytes_read += bytes_read;
        self.bytes_written += bytes_written;
        self.turns += turns;
        self.waves += waves;
        self.pieces += pieces;
        for (count, more) in self.refused.iter_mut().zip(refused) {
            *count += more;
        }
    }
}

/// The counters of several engines together, such as of a server on each of several threads.
///
/// # Example
///
/// ```
/// use streamsum::{Checksum, Config, engine::Stats, spawn};
///
/// let spawn_one = || spawn("127.0.0.1:0", Config::default(), Checksum::new());
/// let servers = [spawn_one()?, spawn_one()?];
/// let stats = servers.each_ref().map(|server| server.stats());
/// let all: Stats = stats.iter().sum();
/// assert_eq!(all.requests, 0);
/// # Ok::<(), std::io::Error>(())
/// ```
impl<'a> Sum<&'a Stats> for Stats {
    fn sum<I: Iterator<Item = &'a Stats>>(all: I) -> Self {
        all.fold(Self::default(), |mut sum, stats| {
            sum += stats;
            sum
        })
    }
}

/// One line, `name=value` for each counter.
impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { connections, displaced, requests, answers, faults, refusals, .. } = self;
        let Self { aborts, bytes_read, bytes_written, turns, waves, pieces, .. } = self;
        write!(f, "connections={connections} displaced={displaced} requests={requests} ")?;
        write!(f, "answers={answers} faults={faults} refusals={refusals} aborts={aborts} ")?;
        write!(f, "bytes_read={bytes_read} bytes_written={bytes_written} ")?;
        write!(f, "turns={turns} waves={waves} pieces={pieces}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_counter_of_its_own() {
        let mut stats = Stats::default();
        for (times, reason) in (1..).zip(Reject::ALL) {
            (0..times).for_each(|_| stats.count_refusal(*reason));
        }
        for (times, reason) in (1..).zip(Reject::ALL) {
            assert_eq!(stats.refused(*reason), times, "{reason:?}");
        }
        let all: u64 = (1..=Reject::ALL.len() as u64).sum();
        assert_eq!(stats.refusals, all);
    }

    /// Counters of which no two are the same.
    fn all_different() -> Stats {
        let mut refused = [0; Reject::ALL.len()];
        (100..).zip(&mut refused).for_each(|(times, count)| *count = times);
        Stats {
            connections: 1,
            displaced: 2,
            requests: 3,
            answers: 4,
            refusals: 5,
            aborts: 6,
            bytes_read: 7,
            bytes_written: 8,
            turns: 9,
            waves: 10,
            pieces: 11,
            faults: 12,
            refused,
        }
    }

    #[test]
    fn every_counter_is_added_to_its_own() {
        let one = all_different();
        let mut sum = Stats::default();
        sum += &one;
        assert_eq!(sum, one);
        let sum: Stats = [&one, &one, &one].into_iter().sum();
        let Stats { connections, displaced, requests, answers, refusals, aborts, .. } = sum;
        assert_eq!(
            [connections, displaced, requests, answers, refusals, aborts],
            [3, 6, 9, 12, 15, 18]
        );
        let Stats { bytes_read, bytes_written, turns, waves, pieces, faults, refused, .. } = sum;
        assert_eq!(
            [bytes_read, bytes_written, turns, waves, pieces, faults],
            [21, 24, 27, 30, 33, 36]
        );
        for (times, count) in (100..).zip(refused) {
            assert_eq!(count, 3 * times);
        }
        assert_eq!([].into_iter().sum::<Stats>(), Stats::default());
    }

    #[test]
    fn a_line_names_every_counter() {
        let stats = Stats { connections: 1, requests: 2, pieces: 10, ..Stats::default() };
        assert_eq!(
            stats.to_string(),
            "connections=1 displaced=0 requests=2 answers=0 faults=0 refusals=0 aborts=0 \
             bytes_read=0 bytes_written=0 turns=0 waves=0 pieces=10"
        );
    }
}
