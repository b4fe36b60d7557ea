//! What streamsum is to reach: ratios to those who did the same work in the same rounds.

use crate::figures::Figures;
use crate::measure::throughput::Throughput;
use crate::race::{Entry, Raced};

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    Speed,
    Cpu,
}

/// One ratio, and what it is to be.
#[derive(Clone, Copy, Debug)]
struct Goal {
    /// The name of a work, or of a group of works; `None` for all.
    work: Option<&'static str>,
    of: Of,
    own: &'static str,
    peer: &'static str,
    /// Whose CPU adds to that of the peer, and how many times.
    beside: Option<(&'static str, f64)>,
    bound: f64,
}

const fn speed(work: Option<&'static str>, own_and_peer: [&'static str; 2], bound: f64) -> Goal {
    let [own, peer] = own_and_peer;
    Goal { work, of: Of::Speed, own, peer, beside: None, bound }
}

const fn cpu(
    work: &'static str,
    own_and_peer: [&'static str; 2],
    beside: Option<(&'static str, f64)>,
    bound: f64,
) -> Goal {
    let [own, peer] = own_and_peer;
    Goal { work: Some(work), of: Of::Cpu, own, peer, beside, bound }
}

/// A server is held against the ruler that hashes as it does, and against its peers.
const GOALS: [Goal; 21] = [
    speed(Some("upload-1"), ["streamsum", "ruler-lanes"], 1.0),
    speed(Some("upload-1"), ["streamsum", "hyper"], 1.15),
    speed(Some("upload-1"), ["streamsum", "go"], 1.05),
    speed(Some("chunked"), ["streamsum", "hyper"], 1.15),
    speed(Some("upload-32"), ["streamsum", "ruler-lanes"], 0.97),
    speed(Some("small"), ["streamsum", "ruler-lanes"], 0.85),
    speed(Some("pipelined"), ["streamsum", "ruler-lanes"], 0.7),
    speed(None, ["streamsum-2", "hyper-2"], 1.0),
    speed(None, ["streamsum-2", "go-2"], 1.0),
    cpu("upload", ["streamsum-2", "streamsum"], None, 1.05),
    cpu("upload-32", ["streamsum-digests", "streamsum"], Some(("ruler-digests", 1.0)), 1.1),
    cpu("keep", ["streamsum-keep", "streamsum"], Some(("ruler-write", 1.2)), 1.0),
    cpu("keep", ["streamsum-keep", "axum-keep"], None, 0.5),
    cpu("keep", ["streamsum-keep", "go-keep"], None, 0.5),
    cpu("pass-32", ["streamsum-pass-on", "ruler-forward-lanes"], None, 1.1),
    cpu("pass-1", ["streamsum-pass-on", "ruler-forward-lanes"], None, 1.05),
    cpu("pass-small", ["streamsum-pass-on", "ruler-forward-lanes"], None, 1.4),
    cpu("pass-32", ["streamsum-pass-on", "go-pass-on"], None, 0.45),
    cpu("pass-chunked-32", ["streamsum-pass-on", "hyper-pass-on"], None, 0.4),
    cpu("pass-small", ["streamsum-pass-on", "hyper-pass-on"], None, 0.4),
    // So TLS may cost a fifth more than rustls alone.
    cpu(
        "pass-tls-32",
        ["streamsum-pass-on-tls", "ruler-forward-lanes"],
        Some(("ruler-tls", 1.09)),
        1.1,
    ),
];

/// A goal at a work, and what was found.
#[derive(Debug, PartialEq)]
pub struct Judged {
    pub work: String,
    /// What is compared, in words.
    pub ratio: String,
    /// The bound, in words.
    pub wanted: String,
    pub found: f64,
    pub is_reached: bool,
}

/// Each goal at each work in which both took part and neither failed.
pub fn judge<S>(raced: &[Raced<S>], of: fn(&S) -> &Throughput) -> Vec<Judged> {
    let mut judged = Vec::new();
    for Raced { workload, entries } in raced {
        for goal in GOALS {
            if goal.work.is_some_and(|name| !workload.is_named(name)) {
                continue;
            }
            judged.extend(goal.judge(&workload.name, entries, of));
        }
    }
    judged
}

impl Goal {
    fn judge<S>(
        &self,
        work: &str,
        entries: &[Entry<S>],
        throughput: fn(&S) -> &Throughput,
    ) -> Option<Judged> {
        let good = |name| {
            let entry = entries.iter().find(|entry| entry.contestant == name)?;
            entry.failure().is_none().then_some(entry)
        };
        let own = good(self.own)?;
        let of = |it: &S| match self.of {
            Of::Speed => throughput(it).rate,
            Of::Cpu => throughput(it).cost,
        };
        let to = |name| Figures::new(own, good(name)).ratio(of);
        let found = match self.beside {
            None => to(self.peer)?,
            // Of a whole its parts' ratios are not known, but those of the parts to it are.
            Some((beside, times)) => 1.0 / (1.0 / to(self.peer)? + times / to(beside)?),
        };
        let (what, sign, is_reached) = match self.of {
            Of::Speed => ("speed", '≥', found >= self.bound),
            Of::Cpu => ("CPU", '≤', found <= self.bound),
        };
        Some(Judged {
            work: work.to_owned(),
            ratio: match self.beside {
                None => format!("{what} of {}, × {}", self.own, self.peer),
                Some((beside, times)) => {
                    let times = if times == 1.0 { String::new() } else { format!("{times} × ") };
                    format!("{what} of {}, × {} and {times}{beside}", self.own, self.peer)
                }
            },
            wanted: format!("{sign} {:.2}", self.bound),
            found,
            is_reached,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::tests::entry;
    use crate::loader::Failure;
    use crate::measure::throughput::THREADS;
    use crate::workload::{self, Unit};

    fn sample(rate: f64, cost: f64) -> Result<Throughput, Failure> {
        Ok(Throughput {
            unit: Unit::Gigabyte,
            rate,
            cost,
            system: 0.5,
            sink_cost: 0.0,
            loader_cost: 1.0,
            memory: 1.0,
            busy: 1.0,
            threads: [0.0; THREADS],
            others: 0.0,
        })
    }

    fn judge_at(work: &str, entries: Vec<Entry<Throughput>>) -> Vec<(String, String, bool)> {
        let workload = workload::all(true).into_iter().find(|it| it.name == work).unwrap();
        let judged = judge(&[Raced { workload, entries }], |it| it);
        judged.into_iter().map(|it| (it.ratio, it.wanted, it.is_reached)).collect()
    }

    #[test]
    fn each_goal_has_its_bound() {
        let entries = || {
            vec![
                entry("hyper", vec![sample(1.0, 1.0)]),
                entry("ruler-lanes", vec![sample(1.02, 1.0)]),
                entry("streamsum", vec![sample(1.01, 1.0)]),
                entry("streamsum-2", vec![sample(1.5, 1.06)]),
            ]
        };
        let found = |ratio: &str, wanted: &str, is_reached| {
            (ratio.to_owned(), wanted.to_owned(), is_reached)
        };
        assert_eq!(
            judge_at("upload-1", entries()),
            [
                found("speed of streamsum, × ruler-lanes", "≥ 1.00", false),
                found("speed of streamsum, × hyper", "≥ 1.15", false),
                found("CPU of streamsum-2, × streamsum", "≤ 1.05", false),
            ]
        );
        assert_eq!(
            judge_at("small", entries())[0],
            found("speed of streamsum, × ruler-lanes", "≥ 0.85", true)
        );
    }

    #[test]
    fn cpu_of_two_adds_up() {
        let entries = |cost| {
            vec![
                entry("streamsum", vec![sample(1.0, 0.6)]),
                entry("ruler-digests", vec![sample(1.0, 0.4)]),
                entry("streamsum-digests", vec![sample(1.0, cost)]),
            ]
        };
        for (cost, is_reached) in [(1.09, true), (1.11, false)] {
            let ratio = "CPU of streamsum-digests, × streamsum and ruler-digests".to_owned();
            let judged = judge_at("upload-32", entries(cost));
            assert_eq!(judged, [(ratio, "≤ 1.10".to_owned(), is_reached)]);
        }
    }

    #[test]
    fn keeping_may_cost_so_much_beside_hashing_and_writing() {
        let entries = |cost| {
            vec![
                entry("streamsum", vec![sample(1.0, 0.4)]),
                entry("axum-keep", vec![sample(1.0, 1.9)]),
                entry("ruler-write", vec![sample(1.0, 0.5)]),
                entry("streamsum-keep", vec![sample(1.0, cost)]),
            ]
        };
        for (cost, within, half) in [(0.94, true, true), (0.96, true, false), (1.01, false, false)]
        {
            let wanted = [
                ("CPU of streamsum-keep, × streamsum and 1.2 × ruler-write", "≤ 1.00", within),
                ("CPU of streamsum-keep, × axum-keep", "≤ 0.50", half),
            ];
            let wanted = wanted.map(|(ratio, bound, is)| (ratio.to_owned(), bound.to_owned(), is));
            assert_eq!(judge_at("keep-32", entries(cost)), wanted);
        }
    }

    #[test]
    fn passing_on_may_cost_a_tenth_more_than_the_ruler_and_less_than_half_of_its_peers() {
        let entries = |cost| {
            vec![
                entry("go-pass-on", vec![sample(1.0, 2.4)]),
                entry("ruler-forward-lanes", vec![sample(1.0, 1.0)]),
                entry("streamsum-pass-on", vec![sample(1.0, cost)]),
            ]
        };
        for (cost, is_near, is_half) in
            [(1.07, true, true), (1.09, true, false), (1.11, false, false)]
        {
            let wanted = [
                ("CPU of streamsum-pass-on, × ruler-forward-lanes", "≤ 1.10", is_near),
                ("CPU of streamsum-pass-on, × go-pass-on", "≤ 0.45", is_half),
            ];
            let wanted = wanted.map(|(ratio, bound, is)| (ratio.to_owned(), bound.to_owned(), is));
            assert_eq!(judge_at("pass-32", entries(cost)), wanted);
        }
    }

    #[test]
    fn who_failed_is_not_judged() {
        let failed = entry("hyper", vec![sample(1.0, 1.0), Err(Failure::Closed)]);
        let own = entry("streamsum", vec![sample(1.0, 1.0), sample(1.0, 1.0)]);
        assert_eq!(judge_at("upload-1", vec![failed, own]), []);
    }
}
