//! The report's charts, as SVG: each a pure function of its figures.
//!
//! ```text
//! throughput, latency ── lines ──┬── axis    where ticks stand, and what they say
//! memory ─────────────── bars  ──┴── style   what a server looks like in every chart
//! ```

mod axis;
mod bars;
mod lines;
mod style;

use std::collections::BTreeSet;
use std::fmt;

use axis::{Axis, Scale};

/// A line of a chart: a server's name and its points, in order of x.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub name: String,
    pub points: Vec<(f64, f64)>,
}

/// A bar's name and value.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    pub name: String,
    pub value: f64,
}

/// Why there is no chart.
#[derive(Debug)]
pub enum Error {
    /// There is nothing to draw: no line, no point, no bar.
    Empty,
    /// A figure that has no place on its axis: not a number, below zero, zero where the
    /// axis is logarithmic, or beyond all that can be measured.
    OffAxis { name: String, value: f64 },
    /// The points of a line are not in order of x.
    Disorder { name: String },
    /// The plotting crate could not draw it.
    Drawing(Box<dyn std::error::Error + Send + Sync>),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Empty => f.write_str("nothing to draw"),
            Error::OffAxis { name, value } => write!(f, "{name}: {value} has no place on its axis"),
            Error::Disorder { name } => write!(f, "{name}: points out of order"),
            Error::Drawing(error) => write!(f, "cannot draw: {error}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Drawing(error) => Some(error.as_ref()),
            _ => None,
        }
    }
}

/// Figures beyond these, in any unit, are mistakes of whoever measured.
const LEAST: f64 = 1e-12;
const GREATEST: f64 = 1e15;

/// Draws throughput over the number of uploads at once.
///
/// x is that number, 1 at least, with a tick at each that occurs; y is in GB/s.
///
/// # Errors
///
/// See [`Error`].
pub fn throughput(lines: &[Line]) -> Result<String, Error> {
    let all = points(lines)?;
    check(lines, |(x, _)| x, |uploads| (1.0..=GREATEST).contains(&uploads))?;
    check(lines, |(_, y)| y, |rate| rate == 0.0 || (LEAST..=GREATEST).contains(&rate))?;
    // As bits, positive numbers have the order that they have as numbers.
    let counts: BTreeSet<u64> = all.iter().map(|(uploads, _)| uploads.to_bits()).collect();
    let x = Axis::at(Scale::Logarithm, counts.into_iter().map(f64::from_bits), |count| {
        count.to_string()
    });
    let y = Axis::from_zero(greatest(&all));
    lines::draw("Throughput", ["uploads at once", "GB/s"], [x, y], lines, &[])
}

/// Draws latency over percentiles.
///
/// x is the part of all answers that came within the latency, from 0 to below 1: 0.999
/// for the percentile 99.9; y is in seconds.
///
/// Of a server that did not keep up with what was due, latencies say how long it was asked
/// and nothing else. Those in `behind` are named, with a mark in place of a line.
///
/// # Errors
///
/// See [`Error`]. There is nothing to draw if all are behind.
pub fn latency(lines: &[Line], behind: &[String]) -> Result<String, Error> {
    let all = points(lines)?;
    check(lines, |(x, _)| x, |part| (0.0..1.0).contains(&part))?;
    check(lines, |(_, y)| y, |seconds| (LEAST..=GREATEST).contains(&seconds))?;
    let x = Axis::percentiles(all.iter().map(|(part, _)| *part));
    let y = Axis::decades(all.iter().map(|(_, seconds)| *seconds), axis::duration);
    lines::draw("Latency", ["percentile", "log scale"], [x, y], lines, behind)
}

/// Draws bytes that each connection costs.
///
/// # Errors
///
/// See [`Error`].
pub fn memory(title: &str, bars: &[Bar]) -> Result<String, Error> {
    if bars.is_empty() {
        return Err(Error::Empty);
    }
    for Bar { name, value } in bars {
        if !(0.0..=GREATEST).contains(value) {
            return Err(Error::OffAxis { name: name.clone(), value: *value });
        }
    }
    bars::draw(title, bars)
}

fn points(lines: &[Line]) -> Result<Vec<(f64, f64)>, Error> {
    let all: Vec<_> = lines.iter().flat_map(|line| line.points.iter().copied()).collect();
    if all.is_empty() {
        return Err(Error::Empty);
    }
    // What cannot be compared is found by `check`.
    let disordered = |line: &&Line| line.points.windows(2).any(|pair| pair[0].0 > pair[1].0);
    match lines.iter().find(disordered) {
        Some(line) => Err(Error::Disorder { name: line.name.clone() }),
        None => Ok(all),
    }
}

fn check(
    lines: &[Line],
    of: impl Fn((f64, f64)) -> f64,
    has_place: impl Fn(f64) -> bool,
) -> Result<(), Error> {
    for line in lines {
        for value in line.points.iter().copied().map(&of) {
            if !has_place(value) {
                return Err(Error::OffAxis { name: line.name.clone(), value });
            }
        }
    }
    Ok(())
}

fn greatest(points: &[(f64, f64)]) -> f64 {
    points.iter().map(|(_, y)| *y).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests;
