//! Charts in SVG.

use std::fmt;

/// A line of a chart: a server's name and its points, in order of x.
pub struct Line {
    pub name: String,
    pub points: Vec<(f64, f64)>,
}

/// A bar's name and value.
pub struct Bar {
    pub name: String,
    pub value: f64,
}

/// Why a chart could not be drawn.
#[derive(Debug)]
pub enum Error {}

impl fmt::Display for Error {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl std::error::Error for Error {}

/// Gigabytes a second over the number of uploads at once.
///
/// # Errors
///
/// When it cannot be drawn.
pub fn throughput(_: &[Line]) -> Result<String, Error> {
    Ok(empty())
}

/// Microseconds over the percentile.
///
/// # Errors
///
/// When it cannot be drawn.
pub fn latency(_: &[Line]) -> Result<String, Error> {
    Ok(empty())
}

/// Bytes a connection.
///
/// # Errors
///
/// When it cannot be drawn.
pub fn memory(_: &str, _: &[Bar]) -> Result<String, Error> {
    Ok(empty())
}

fn empty() -> String {
    "<svg xmlns=\"http://www.w3.org/2000/svg\"/>\n".into()
}
