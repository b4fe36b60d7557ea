//! Which charts a report has, and what is drawn in them: medians of whoever did not fail.

use crate::chart::{self, Bar, Line};
use crate::figures::Figures;
use crate::loader::paced;
use crate::measure::latency::{KEPT_UP, Latency};
use crate::measure::memory::Memory;
use crate::measure::throughput::Throughput;
use crate::race::{Entry, Raced};
use crate::results::Results;
use crate::workload::{Load, Traffic, Work};

/// Where a latency's line has its points: parts of all answers.
const QUANTILES: [f64; 9] = [0.0, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999];

/// A chart as a file.
pub(super) struct Chart {
    pub(super) file: String,
    /// The title of the section that it belongs to.
    pub(super) section: &'static str,
    pub(super) title: String,
    pub(super) svg: String,
}

/// All for which there are figures.
pub(super) fn of(results: &Results) -> Result<Vec<Chart>, chart::Error> {
    let mut charts = Vec::new();
    let curve = curve(&results.throughput);
    if !curve.is_empty() {
        charts.push(Chart {
            file: "throughput.svg".into(),
            section: "Throughput",
            title: "Throughput over the number of uploads at once".into(),
            svg: chart::throughput(&curve)?,
        });
    }
    for raced in &results.latency {
        let (lines, behind) = percentiles(raced);
        if !lines.is_empty() {
            charts.push(Chart {
                file: format!("{}.svg", raced.workload.name),
                section: "Latency",
                title: format!("Latency: {}", raced.workload.about()),
                svg: chart::latency(&lines, &behind)?,
            });
        }
    }
    for raced in &results.memory {
        let title = format!("Bytes a connection: {}", raced.workload.about());
        let bars = bars(raced);
        if !bars.is_empty() {
            charts.push(Chart {
                file: format!("memory-{}.svg", raced.workload.name),
                section: "Memory",
                svg: chart::memory(&title, &bars)?,
                title,
            });
        }
    }
    Ok(charts)
}

/// Whose every round went well.
fn good<S>(raced: &Raced<S>) -> impl Iterator<Item = &Entry<S>> {
    raced.entries.iter().filter(|entry| entry.failure().is_none() && !entry.rounds().is_empty())
}

/// Without a network they are so fast that the lines of all others would be one.
const OFF_THE_CHART: [&str; 2] = ["ruler-hash", "ruler-digests"];

/// A line for each server that did more than one of the works which make the curve.
fn curve(raced: &[Raced<Throughput>]) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for raced in raced {
        let Work::Throughput(Load {
            traffic: Traffic::Uploads { count, chunks: None, .. },
            beside: None,
            is_kept: false,
        }) = raced.workload.work
        else {
            continue;
        };
        for entry in good(raced).filter(|entry| !OFF_THE_CHART.contains(&&*entry.contestant)) {
            let point = (count as f64, Figures::new(entry, None).median(|it| it.rate));
            match lines.iter_mut().find(|line| line.name == entry.contestant) {
                Some(line) => line.points.push(point),
                None => lines.push(Line { name: entry.contestant.clone(), points: vec![point] }),
            }
        }
    }
    lines.retain(|line| line.points.len() > 1);
    lines
}

/// Of the latencies of all rounds together, in seconds; and who did not keep up.
fn percentiles(raced: &Raced<Latency>) -> (Vec<Line>, Vec<String>) {
    let line = |entry: &Entry<Latency>| {
        let mut all = paced::histogram();
        for sample in entry.rounds().iter().flatten() {
            all += &sample.histogram;
        }
        let latency = |at: f64| all.value_at_quantile(at) as f64 / 1e9;
        // Beyond the last but nine of the samples a percentile says nothing.
        let is_known = |at: &&f64| (1.0 - **at) * all.len() as f64 > 9.5;
        let points = QUANTILES.iter().filter(is_known).map(|&at| (at, latency(at))).collect();
        Line { name: entry.contestant.clone(), points }
    };
    let kept_up =
        |entry: &&Entry<Latency>| Figures::new(entry, None).median(Latency::kept) >= KEPT_UP;
    let (in_time, behind): (Vec<_>, Vec<_>) = good(raced).partition(kept_up);
    let names = behind.into_iter().map(|entry| entry.contestant.clone());
    (in_time.into_iter().map(line).collect(), names.collect())
}

fn bars(raced: &Raced<Memory>) -> Vec<Bar> {
    let bar = |entry: &Entry<Memory>| Bar {
        name: entry.contestant.clone(),
        value: Figures::new(entry, None).median(|it| it.each),
    };
    good(raced).map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::tests::entry;
    use crate::loader::Failure;
    use crate::measure::latency::Rates;
    use crate::workload::{self, Unit, Workload};

    fn workloads(group: &str) -> Vec<Workload> {
        workload::all(true).into_iter().filter(|it| it.is_named(group)).collect()
    }

    fn sample(rate: f64) -> Throughput {
        let unit = Unit::Gigabyte;
        Throughput {
            unit,
            rate,
            cost: 1.0,
            system: 0.5,
            sink_cost: 0.0,
            loader_cost: 1.0,
            memory: 1.0,
            busy: 1.0,
            threads: [1.0, 0.0, 0.0, 0.0],
            others: 0.0,
        }
    }

    #[test]
    fn the_curve_has_the_medians_of_uploads_by_length() {
        let works =
            workloads("upload").into_iter().chain(workloads("chunked")).chain(workloads("keep"));
        let raced = |workload| Raced {
            workload,
            entries: vec![
                entry("it", vec![Ok(sample(2.0)), Ok(sample(1.0)), Ok(sample(9.0))]),
                entry("broken", vec![Ok(sample(99.0)), Err(Failure::Closed)]),
                entry("ruler-hash", vec![Ok(sample(99.0))]),
            ],
        };
        let lines = curve(&works.map(raced).collect::<Vec<_>>());
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].name, "it");
        let counts = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 256.0];
        assert_eq!(lines[0].points, counts.map(|count| (count, 2.0)));
    }

    #[test]
    fn percentiles_of_few_requests_end_early() {
        let mut histogram = paced::histogram();
        (1..=1000).for_each(|at| histogram.saturating_record(at * 1000));
        let due = Rates { requests: 1.0, bytes: 0.0 };
        let sample = Latency { histogram, lateness: 0.0, due, done: due, cost: 1.0, others: 0.0 };
        let workload = workloads("latency").remove(0);
        let raced = Raced { workload, entries: vec![entry("it", vec![Ok(sample)])] };
        let (lines, behind) = percentiles(&raced);
        assert!(behind.is_empty());
        let (at, latency) = *lines[0].points.last().unwrap();
        assert_eq!(at, 0.99);
        assert!((latency - 990e-6).abs() < 1e-6, "{latency}");
    }

    #[test]
    fn who_did_not_keep_up_has_no_line() {
        let sample = |done: f64| {
            let mut histogram = paced::histogram();
            (1..=100).for_each(|at| histogram.saturating_record(at * 1000));
            let [due, done] = [100.0, done].map(|requests| Rates { requests, bytes: 0.0 });
            Ok(Latency { histogram, lateness: 0.0, due, done, cost: 1.0, others: 0.0 })
        };
        let raced = Raced {
            workload: workloads("latency").remove(0),
            entries: vec![
                entry("it", vec![sample(100.0), sample(20.0), sample(95.0)]),
                entry("slow", vec![sample(100.0), sample(94.0), sample(90.0)]),
                entry("broken", vec![sample(20.0), Err(Failure::Closed)]),
            ],
        };
        let (lines, behind) = percentiles(&raced);
        assert_eq!(lines.iter().map(|line| &line.name).collect::<Vec<_>>(), ["it"]);
        assert_eq!(behind, ["slow"]);
        let results = Results { latency: vec![raced], ..Results::default() };
        let charts = of(&results).unwrap();
        assert!(charts[0].svg.contains("did not keep up") && charts[0].svg.contains("slow"));
    }
}
