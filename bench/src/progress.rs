//! What is going on, on standard error: a bar on a terminal, lines elsewhere.
//!
//! It is drawn between measurements alone, never during one.

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressStyle};

use crate::workload::Workload;

/// Where a run of the race is.
pub struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Of so many measurements.
    pub fn new(measurements: usize) -> Self {
        let style = ProgressStyle::with_template("{wide_bar} {pos}/{len}, {eta} left  {msg:40}");
        let bar = io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(measurements as u64);
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { bar }
    }

    /// A work begins.
    pub fn begin(&self, workload: &Workload) {
        self.say(&format!("{}: {}", workload.name, workload.about()));
    }

    /// A measurement begins.
    pub fn measure(&self, workload: &Workload, round: usize, contestant: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(format!("{}: {contestant}", workload.name)),
            None => eprintln!("  round {}: {contestant}", round + 1),
        }
    }

    /// A measurement is over, or was left out.
    pub fn measured(&self) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }

    /// Says something in a line of its own.
    pub fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{line}")),
            None => eprintln!("{line}"),
        }
    }

    /// Leaves no bar behind.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
