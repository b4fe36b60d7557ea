//! Tables in Markdown: a row for each contestant at each work.

mod growth;
mod latency;
mod memory;
mod passing;
mod start;
mod throughput;

use std::fmt::{self, Write};

use crate::contestant::BASELINE;
use crate::figures::Figures;
use crate::goals::Judged;
use crate::race::{Entry, Outcome, Raced};

/// So much of a core for other processes has spoilt a measurement.
pub const DISTURBED: f64 = 0.1;
/// What stands where there is no figure.
const NOTHING: &str = "–";

/// How the measurements of one kind of work are shown.
pub trait Shown: Sized {
    /// Who the others are compared with.
    const BASELINE: &'static str = BASELINE;
    /// The headings between those of work and server and that of remarks.
    const HEADINGS: &'static [&'static str];

    /// What stands under them.
    fn cells(figures: &Figures<'_, Self>) -> Vec<String>;

    /// What spoils the figures.
    fn remarks(figures: &Figures<'_, Self>) -> Vec<String>;
}

/// Rows of cells that get as wide as their widest.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// The works of one kind.
    pub fn of<S: Shown>(raced: &[Raced<S>]) -> Self {
        let headings = ["work", "server"].iter().chain(S::HEADINGS).chain(&["remark"]);
        let mut rows = vec![headings.map(|&heading| heading.into()).collect()];
        for Raced { workload, entries } in raced {
            let baseline = entries.iter().find(|entry| entry.contestant == S::BASELINE);
            for entry in entries {
                let (mut cells, remark) = row(entry, baseline);
                cells.resize(S::HEADINGS.len(), NOTHING.into());
                let names = [workload.name.clone(), entry.contestant.clone()];
                rows.push(names.into_iter().chain(cells).chain([remark]).collect());
            }
        }
        Self { rows }
    }

    /// What is to be reached, and what was.
    pub fn of_goals(judged: &[Judged]) -> Self {
        let row = |it: &Judged| {
            let remark = if it.is_reached { "" } else { "missed" };
            let [work, ratio, wanted] = [&it.work, &it.ratio, &it.wanted].map(String::clone);
            vec![work, ratio, wanted, format!("{:.2}", it.found), remark.to_owned()]
        };
        let headings = ["work", "ratio", "wanted", "found", "remark"].map(String::from);
        let rows = [headings.to_vec()].into_iter().chain(judged.iter().map(row)).collect();
        Self { rows }
    }
}

/// The cells of one contestant, perhaps not all, and the remark.
fn row<S: Shown>(entry: &Entry<S>, baseline: Option<&Entry<S>>) -> (Vec<String>, String) {
    let rounds = match &entry.outcome {
        Outcome::LeftOut(reason) => return (vec!["left out".into()], (*reason).into()),
        Outcome::Rounds(rounds) => rounds.len(),
    };
    if let Some((failure, count)) = entry.failure() {
        return (vec!["FAILED".into()], format!("in {count} of {rounds}: {failure}"));
    }
    let figures = Figures::new(entry, baseline);
    if figures.is_empty() {
        return (Vec::new(), String::new());
    }
    (S::cells(&figures), S::remarks(&figures).join("; "))
}

/// A ratio to the baseline, small ones with the digits that tell them apart.
fn ratio(ratio: Option<f64>) -> String {
    match ratio {
        Some(ratio) if ratio < 0.01 => format!("{ratio:.4}"),
        Some(ratio) if ratio < 0.1 => format!("{ratio:.3}"),
        Some(ratio) => format!("{ratio:.2}"),
        None => NOTHING.into(),
    }
}

fn percent(part: f64) -> String {
    // A part of nothing is none.
    if part.is_finite() { format!("{:.0} %", part * 100.0) } else { NOTHING.into() }
}

/// CPU seconds for a request.
fn cost_of_requests(cost: f64) -> String {
    format!("{:.2} s/100k", cost * 1e5)
}

/// What to say of CPU seconds that others took in a second.
fn disturbance(others: f64) -> Option<String> {
    (others >= DISTURBED).then(|| format!("disturbed: others took {}", percent(others)))
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.first().map_or(0, Vec::len);
        // Words stand to the left, numbers to the right.
        let is_words = |column: usize| column < 2 || column == columns - 1;
        let width = |column: usize| {
            self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for (at, row) in self.rows.iter().enumerate() {
            let mut line = String::from("|");
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                // What would end the cell, in words that a server chose.
                let cell = cell.replace('|', "/").replace(['\n', '\r'], " ");
                if is_words(column) {
                    write!(line, " {cell:<width$} |")?;
                } else {
                    write!(line, " {cell:>width$} |")?;
                }
            }
            writeln!(f, "{line}")?;
            if at == 0 {
                let rules = widths.iter().enumerate().map(|(column, width)| {
                    let end = if is_words(column) { "" } else { ":" };
                    format!("{end:->0$}", width + 2)
                });
                writeln!(f, "|{}|", rules.collect::<Vec<_>>().join("|"))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::figures::tests::entry;
    use crate::loader::Failure;
    use crate::workload;

    /// The row of the last of some contestants, without work and server.
    pub(crate) fn last_row<S: Shown>(entries: Vec<Entry<S>>) -> Vec<String> {
        let workload = workload::all(true).remove(0);
        let mut table = Table::of(&[Raced { workload, entries }]);
        table.rows.pop().unwrap().split_off(2)
    }

    #[test]
    fn goals_that_were_missed_are_marked() {
        let judged = |found, is_reached| Judged {
            work: "small".into(),
            ratio: "speed of it, × other".into(),
            wanted: "≥ 1.00".into(),
            found,
            is_reached,
        };
        let text = Table::of_goals(&[judged(1.234, true), judged(0.996, false)]).to_string();
        let rows: Vec<&str> = text.lines().skip(2).collect();
        assert_eq!(
            rows,
            [
                "| small | speed of it, × other | ≥ 1.00 |  1.23 |        |",
                "| small | speed of it, × other | ≥ 1.00 |  1.00 | missed |",
            ]
        );
    }

    struct Seconds(f64);

    impl Shown for Seconds {
        const HEADINGS: &'static [&'static str] = &["time", "× hyper"];

        fn cells(figures: &Figures<'_, Self>) -> Vec<String> {
            let time = |it: &Self| it.0;
            vec![format!("{} s", figures.median(time)), ratio(figures.ratio(time))]
        }

        fn remarks(_: &Figures<'_, Self>) -> Vec<String> {
            vec!["first".into(), "second".into()]
        }
    }

    fn hyper() -> Entry<Seconds> {
        entry("hyper", vec![Ok(Seconds(2.0)), Ok(Seconds(4.0)), Ok(Seconds(2.0))])
    }

    #[test]
    fn figures_stand_beside_those_of_the_baseline() {
        let it = entry("it", vec![Ok(Seconds(3.0)), Ok(Seconds(2.0)), Ok(Seconds(4.0))]);
        assert_eq!(last_row(vec![hyper(), it]), ["3 s", "1.50", "first; second"]);
    }

    #[test]
    fn one_failed_round_fails_all() {
        let it = entry("it", vec![Ok(Seconds(1.0)), Err(Failure::Closed), Ok(Seconds(1.0))]);
        let row = last_row(vec![hyper(), it]);
        assert_eq!(row, ["FAILED", "–", "in 1 of 3: closed with answers due"]);
    }

    #[test]
    fn small_ratios_are_told_apart() {
        let ratios = [12.345, 0.5, 0.0456, 0.00456].map(|it| ratio(Some(it)));
        assert_eq!(ratios, ["12.35", "0.50", "0.046", "0.0046"]);
        assert_eq!(ratio(None), "–");
    }

    #[test]
    fn who_is_left_out_is_shown() {
        let it = Entry { contestant: "it".into(), outcome: Outcome::LeftOut("no network") };
        assert_eq!(last_row(vec![hyper(), it]), ["left out", "–", "no network"]);
    }

    #[test]
    fn a_server_cannot_break_the_table() {
        let answered = String::from("a | b\n| c");
        let failure = Failure::WrongDigest { answered, expected: "d".into() };
        let it = entry::<Seconds>("it", vec![Err(failure)]);
        let workload = workload::all(true).remove(0);
        let text = Table::of(&[Raced { workload, entries: vec![it] }]).to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        let bars = |line: &str| line.matches('|').count();
        assert_eq!([bars(lines[0]), bars(lines[2])], [6, 6], "{text}");
    }
}
