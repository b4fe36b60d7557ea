//! Contestants measured side by side: a few calls of the one, a few of the other, and so on.
//!
//! The harness would time one contestant for seconds and then the other, and machines don't
//! keep still for so long. So what it is given to measure is a ratio: the CPU time of a
//! contestant as a part of its peer's, in slices of a fraction of a millisecond that take
//! turns. Whatever disturbs the machine disturbs both. Absolute times are not kept.

use std::cell::{OnceCell, RefCell};
use std::time::Duration;

use criterion::measurement::{Measurement, ValueFormatter};
use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use nix::time::{ClockId, clock_gettime};

/// How many ratios a figure is made of, unless the command line asks for others.
const SAMPLES: usize = 40;
/// As many there are even with `--quick`; with `--test` there is one.
const FEWEST: usize = 3;
/// How long a contestant is called before it is the other's turn.
const SLICE: Duration = Duration::from_micros(200);

/// What is called, again and again; the peer or somebody who is measured against it.
pub(crate) type Work<'w> = (&'static str, Box<dyn FnMut() + 'w>);

/// A benchmark program: cases, and a table of them at its end.
pub(crate) struct Comparison {
    criterion: Criterion<Share>,
    title: &'static str,
    peer: &'static str,
    rows: Vec<Row>,
}

struct Row {
    case: String,
    contestant: &'static str,
    /// Speeds as multiples of the peer's, in order.
    speeds: Vec<f64>,
}

impl Comparison {
    /// A comparison with `peer`; arguments come from the command line.
    pub(crate) fn new(title: &'static str, peer: &'static str) -> Self {
        let criterion = Criterion::default()
            .with_measurement(Share { formatter: Formatter { peer } })
            .sample_size(SAMPLES)
            .warm_up_time(Duration::from_millis(300))
            .measurement_time(Duration::from_millis(1500))
            // So much comes from where the linker puts things.
            .noise_threshold(0.05)
            .configure_from_args();
        Self { criterion, title, peer, rows: Vec::new() }
    }

    /// Measures each of `others`, all of which do the work that `peer` does.
    pub(crate) fn case(&mut self, name: &str, mut peer: impl FnMut(), others: Vec<Work<'_>>) {
        let mut group = self.criterion.benchmark_group(self.title);
        group.sampling_mode(SamplingMode::Flat);
        group.throughput(Throughput::Elements(1));
        for (contestant, mut own) in others {
            let ratios = RefCell::new(Vec::new());
            let calls = OnceCell::new();
            group.bench_function(BenchmarkId::new(name, contestant), |bencher| {
                let calls = *calls.get_or_init(|| calls_in_a_slice(&mut peer));
                bencher.iter_custom(|turns| {
                    let (mut of_peer, mut of_own) = (Duration::ZERO, Duration::ZERO);
                    for turn in 0..turns {
                        // Who comes second finds the caches as the first has left them.
                        if turn % 2 == 0 {
                            of_peer += time(calls, &mut peer);
                            of_own += time(calls, &mut own);
                        } else {
                            of_own += time(calls, &mut own);
                            of_peer += time(calls, &mut peer);
                        }
                    }
                    let share = of_own.as_secs_f64() / of_peer.as_secs_f64();
                    ratios.borrow_mut().push(share);
                    share * turns as f64
                });
            });
            // The first of more are from warming up.
            let mut speeds: Vec<f64> =
                ratios.take().into_iter().rev().take(SAMPLES).map(|share| 1.0 / share).collect();
            if speeds.len() >= FEWEST {
                speeds.sort_by(f64::total_cmp);
                self.rows.push(Row { case: name.into(), contestant, speeds });
            }
        }
        group.finish();
    }

    /// Prints the table, unless nothing was measured.
    pub(crate) fn finish(self) {
        if let Some(table) = self.table() {
            println!("{table}");
        }
        self.criterion.final_summary();
    }

    fn table(&self) -> Option<String> {
        /// As wide as `12.34 [12.30, 12.38]`, and as most names.
        const CELL: usize = 20;
        let mut contestants: Vec<&str> = Vec::new();
        let mut cases: Vec<&str> = Vec::new();
        for row in &self.rows {
            if !contestants.contains(&row.contestant) {
                contestants.push(row.contestant);
            }
            if !cases.contains(&row.case.as_str()) {
                cases.push(&row.case);
            }
        }
        let width = cases.iter().map(|case| case.len()).max()?.max(self.title.len());
        let mut lines = vec![
            format!(
                "Speed as a multiple of that of {}: the median of all ratios, and in \
                 brackets the middle half of them.\n",
                self.peer
            ),
            format!("| {:width$} |", self.title),
            format!("|{:-<1$}|", "", width + 2),
        ];
        for contestant in &contestants {
            lines[1] += &format!(" {contestant:>CELL$} |");
            lines[2] += &format!("{:->1$}|", ":", CELL + 2);
        }
        for case in cases {
            let mut line = format!("| {case:width$} |");
            for contestant in &contestants {
                let own = |row: &&Row| row.case == case && row.contestant == *contestant;
                let cell = self.rows.iter().find(own).map(Row::cell).unwrap_or_default();
                line += &format!(" {cell:>CELL$} |");
            }
            lines.push(line);
        }
        Some(lines.join("\n") + "\n")
    }
}

impl Row {
    fn cell(&self) -> String {
        let at = |quarter: usize| self.speeds[self.speeds.len() * quarter / 4];
        format!("{:.2} [{:.2}, {:.2}]", at(2), at(1), at(3))
    }
}

/// CPU time of this thread, which stands still while others have its core.
fn clock() -> Duration {
    let clock = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID);
    clock.expect("Linux has a CPU clock for every thread").into()
}

fn time(calls: u64, work: &mut impl FnMut()) -> Duration {
    let start = clock();
    for _ in 0..calls {
        work();
    }
    clock() - start
}

fn calls_in_a_slice(work: &mut impl FnMut()) -> u64 {
    let mut calls = 1;
    while time(calls, work) < SLICE {
        calls *= 2;
    }
    calls
}

/// A contestant's CPU time as a part of its peer's.
struct Share {
    formatter: Formatter,
}

impl Measurement for Share {
    type Intermediate = ();
    type Value = f64;

    fn start(&self) {}

    fn end(&self, (): ()) -> f64 {
        unreachable!("all time is taken by `iter_custom`")
    }

    fn add(&self, one: &f64, other: &f64) -> f64 {
        one + other
    }

    fn zero(&self) -> f64 {
        0.0
    }

    fn to_f64(&self, value: &f64) -> f64 {
        *value
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        &self.formatter
    }
}

struct Formatter {
    peer: &'static str,
}

impl ValueFormatter for Formatter {
    fn format_value(&self, share: f64) -> String {
        format!("{share:.3} of {}'s", self.peer)
    }

    fn format_throughput(&self, _: &Throughput, share: f64) -> String {
        format!("{:.2} × {}", 1.0 / share, self.peer)
    }

    fn scale_values(&self, _: f64, _: &mut [f64]) -> &'static str {
        ""
    }

    fn scale_throughputs(&self, _: f64, _: &Throughput, values: &mut [f64]) -> &'static str {
        values.iter_mut().for_each(|share| *share = 1.0 / *share);
        "×"
    }

    fn scale_for_machines(&self, _: &mut [f64]) -> &'static str {
        "of the peer's time"
    }
}
