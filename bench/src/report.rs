//! The report: Markdown, with charts in files beside it.

mod charts;
mod folder;

use std::fmt::{self, Write};
use std::io;
use std::path::PathBuf;

use crate::chart;
use crate::environment::Environment;
use crate::results::{Results, Section};

pub use folder::Folder;

/// All that there is to say about a run.
pub struct Report {
    pub environment: Environment,
    /// Who is not there, in sentences.
    pub notes: Vec<String>,
    pub rounds: usize,
    pub results: Results,
}

/// Why a report could not be written.
#[derive(Debug)]
pub enum Error {
    Chart(chart::Error),
    /// This lies where the report was to go, and no race has put it there.
    Foreign(PathBuf),
    Io(PathBuf, io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chart(error) => write!(f, "cannot draw a chart: {error}"),
            Self::Foreign(path) => {
                let path = path.display();
                write!(f, "{path} is no part of a report: --report takes a folder of its own")
            }
            Self::Io(path, error) => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl std::error::Error for Error {}

impl From<chart::Error> for Error {
    fn from(error: chart::Error) -> Self {
        Self::Chart(error)
    }
}

impl Report {
    /// Writes `report.md` and its charts into a folder, in place of an earlier report; says
    /// where the report is.
    ///
    /// # Errors
    ///
    /// When a chart cannot be drawn or a file cannot be written.
    pub fn write(&self, folder: &Folder) -> Result<PathBuf, Error> {
        let charts = charts::of(&self.results)?;
        let files = charts.iter().map(|chart| (&chart.file, &chart.svg));
        folder.replace(&self.markdown(&charts), files)
    }

    fn markdown(&self, charts: &[charts::Chart]) -> String {
        let mut text = format!("{}\n\n", folder::TITLE);
        for (name, value) in self.environment.lines() {
            let _ = writeln!(text, "- {name}: {value}");
        }
        let _ = writeln!(text, "- rounds: {}", self.rounds);
        for note in &self.notes {
            let _ = writeln!(text, "\n{note}.");
        }
        if self.results.has_failure() {
            text.push_str("\nAt least one server FAILED; its speed does not count.\n");
        }
        text.push_str("\nHow to read the tables is in `bench/README.md`.\n");
        for section in self.results.sections() {
            let _ = write!(text, "\n{section}");
            for chart in charts.iter().filter(|chart| chart.section == section.title) {
                let _ = writeln!(text, "\n{}", folder::link(&chart.title, &chart.file));
            }
        }
        text
    }
}

/// What is printed, and stands in the report.
impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "## {}\n", self.title)?;
        for (name, about) in &self.works {
            writeln!(f, "- `{name}`: {about}")?;
        }
        if !self.works.is_empty() {
            writeln!(f)?;
        }
        write!(f, "{}", self.table)
    }
}
