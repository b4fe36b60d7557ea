//! The results, as a table in Markdown: medians of the rounds, and ratios within them.

use std::fmt::Write;

use crate::contestant::BASELINE;
use crate::race::{Entry, Sample};
use crate::workload::{Unit, Workload};

/// A server that is so busy has no time left.
const SATURATED: f64 = 0.95;
/// So much of a core for other processes has spoilt a measurement.
const DISTURBED: f64 = 0.1;
/// Columns with words, which stand to the left; numbers stand to the right.
const WORDS: [usize; 3] = [0, 1, REMARK];
const REMARK: usize = 10;
const COLUMNS: [&str; 11] = [
    "work",
    "server",
    "speed",
    "× hyper",
    "spread",
    "busy",
    "CPU",
    "× hyper's",
    "loader's CPU",
    "peak MiB",
    "remark",
];

/// Rows of cells that get as wide as their widest.
pub struct Table {
    rows: Vec<[String; COLUMNS.len()]>,
    failed: bool,
}

impl Table {
    /// A table with headings alone.
    #[must_use]
    pub fn new() -> Self {
        Self { rows: vec![COLUMNS.map(String::from)], failed: false }
    }

    /// Whether a server failed in any round.
    pub fn has_failure(&self) -> bool {
        self.failed
    }

    /// Adds a row for each contestant.
    pub fn add(&mut self, workload: &Workload, entries: &[Entry]) {
        let baseline = entries.iter().find(|entry| entry.contestant == BASELINE);
        for entry in entries {
            let failures: Vec<_> =
                entry.samples.iter().filter_map(|it| it.as_ref().err()).collect();
            let mut row = COLUMNS.map(|_| String::from("–"));
            row[0] = workload.name.into();
            row[1].clone_from(&entry.contestant);
            if let Some(failure) = failures.first() {
                self.failed = true;
                let (count, rounds) = (failures.len(), entry.samples.len());
                row[2] = "FAILED".into();
                row[REMARK] = format!("in {count} of {rounds}: {failure}");
            } else if !entry.samples.is_empty() {
                fill(&mut row, workload.unit(), entry, baseline);
            }
            self.rows.push(row);
        }
    }
}

impl Default for Table {
    fn default() -> Self {
        Self::new()
    }
}

fn fill(row: &mut [String], unit: Unit, entry: &Entry, baseline: Option<&Entry>) {
    let all =
        |of: fn(&Sample) -> f64| -> Vec<f64> { entry.samples.iter().flatten().map(of).collect() };
    let middle = |of| median(&all(of));
    let (rate, cost, loader_cost) =
        (middle(|it| it.rate), middle(|it| it.cost), middle(|it| it.loader_cost));
    let (busy, others) = (middle(|it| it.busy), middle(|it| it.others));
    let cpu = |cost: f64| match unit {
        Unit::Gigabyte => format!("{cost:.2} s/GB"),
        Unit::Request => format!("{:.2} s/100k", cost * 1e5),
    };
    let rates = all(|it| it.rate);
    let (least, most) = rates
        .iter()
        .fold((f64::MAX, f64::MIN), |(least, most), rate| (least.min(*rate), most.max(*rate)));
    row[2] = match unit {
        Unit::Gigabyte => format!("{rate:.2} GB/s"),
        Unit::Request => format!("{:.1} k/s", rate / 1e3),
    };
    row[4] = format!("{:.0} %", (most - least) / rate * 100.0);
    row[5] = format!("{:.0} %", busy * 100.0);
    row[6] = cpu(cost);
    row[8] = cpu(loader_cost);
    row[9] = format!("{:.1}", middle(|it| it.memory));
    if let Some(baseline) = baseline {
        row[3] = ratio(entry, baseline, |it| it.rate);
        row[7] = ratio(entry, baseline, |it| it.cost);
    }
    let mut remarks: Vec<String> = Vec::new();
    if loader_cost >= cost && busy < SATURATED {
        remarks.push("the loader is the limit".into());
    }
    if others >= DISTURBED {
        remarks.push(format!("disturbed: others took {:.0} %", others * 100.0));
    }
    row[REMARK] = remarks.join("; ");
}

/// The median of the ratios to the baseline in the same round.
fn ratio(entry: &Entry, baseline: &Entry, of: fn(&Sample) -> f64) -> String {
    let pairs = entry.samples.iter().flatten().zip(baseline.samples.iter());
    let ratios = pairs.filter_map(|(own, other)| Some(of(own) / of(other.as_ref().ok()?)));
    let ratios: Vec<f64> = ratios.collect();
    if ratios.is_empty() { "–".into() } else { format!("{:.2}", median(&ratios)) }
}

/// The middle one, or the mean of the two in the middle.
fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len() % 2 == 1 { values[half] } else { (values[half - 1] + values[half]) / 2.0 }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let width = |column: usize| {
            self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..COLUMNS.len()).map(width).collect();
        for (at, row) in self.rows.iter().enumerate() {
            let mut line = String::from("|");
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                if WORDS.contains(&column) {
                    write!(line, " {cell:<width$} |")?;
                } else {
                    write!(line, " {cell:>width$} |")?;
                }
            }
            writeln!(f, "{line}")?;
            if at == 0 {
                let rules = widths.iter().enumerate().map(|(column, width)| {
                    let end = if WORDS.contains(&column) { "" } else { ":" };
                    format!("{end:->0$}", width + 2)
                });
                writeln!(f, "|{}|", rules.collect::<Vec<_>>().join("|"))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loader::Failure;

    fn entry(contestant: &str, rates: &[f64]) -> Entry {
        let sample = |rate: &f64| {
            let cost = 1.0 / rate;
            Ok(Sample { rate: *rate, cost, loader_cost: 0.1, memory: 2.0, busy: 1.0, others: 0.0 })
        };
        Entry { contestant: contestant.into(), samples: rates.iter().map(sample).collect() }
    }

    #[test]
    fn ratios_are_those_within_rounds() {
        let workload = &crate::workload::all(true)[0];
        let mut table = Table::new();
        table.add(workload, &[entry("hyper", &[1.0, 2.0, 4.0]), entry("it", &[3.0, 4.0, 12.0])]);
        assert_eq!(table.rows[1][2..5], ["2.00 GB/s", "1.00", "150 %"]);
        assert_eq!(table.rows[2][2..5], ["4.00 GB/s", "3.00", "225 %"]);
        assert!(!table.has_failure());
    }

    #[test]
    fn one_failed_round_fails_all() {
        let workload = &crate::workload::all(true)[0];
        let mut table = Table::new();
        let mut it = entry("it", &[3.0, 4.0]);
        it.samples.push(Err(Failure::Closed));
        table.add(workload, &[it]);
        assert_eq!(table.rows[1][2], "FAILED");
        assert_eq!(table.rows[1][REMARK], "in 1 of 3: closed with answers due");
        assert!(table.has_failure());
    }

    #[test]
    fn remarks_say_what_spoils_a_figure() {
        let workload = &crate::workload::all(true)[0];
        let remark = |busy, loader_cost, others| {
            let (rate, cost, memory) = (1.0, 0.2, 2.0);
            let sample = Sample { rate, cost, loader_cost, memory, busy, others };
            let mut table = Table::new();
            table.add(workload, &[Entry { contestant: "it".into(), samples: vec![Ok(sample)] }]);
            table.rows.remove(1)[REMARK].clone()
        };
        assert_eq!(remark(0.5, 0.1, 0.0), "");
        assert_eq!(remark(0.5, 0.3, 0.0), "the loader is the limit");
        assert_eq!(remark(1.0, 0.3, 0.0), "");
        assert_eq!(remark(1.0, 0.1, 0.4), "disturbed: others took 40 %");
    }
}
