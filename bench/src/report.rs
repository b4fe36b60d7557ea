//! The report: Markdown, with charts in files beside it.

mod charts;

use std::fmt::{self, Write};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::chart;
use crate::environment::Environment;
use crate::results::{Results, Section};

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
    Io(PathBuf, io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chart(error) => write!(f, "cannot draw a chart: {error}"),
            Self::Io(path, error) => write!(f, "cannot write {}: {error}", path.display()),
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
    /// Writes `report.md` and its charts into a directory; says where the report is.
    ///
    /// # Errors
    ///
    /// When a chart cannot be drawn or a file cannot be written.
    pub fn write(&self, directory: &Path) -> Result<PathBuf, Error> {
        let put = |path: PathBuf, text: &str| {
            fs::write(&path, text).map_err(|error| Error::Io(path.clone(), error))?;
            Ok(path)
        };
        let charts = charts::of(&self.results)?;
        for chart in &charts {
            put(directory.join(&chart.file), &chart.svg)?;
        }
        put(directory.join("report.md"), &self.markdown(&charts))
    }

    fn markdown(&self, charts: &[charts::Chart]) -> String {
        let mut text = String::from("# A race of servers that hash uploads\n\n");
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
                let _ = writeln!(text, "\n![{}]({})", chart.title, chart.file);
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
        write!(f, "\n{}", self.table)
    }
}
