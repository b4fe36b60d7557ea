//! The rate of the active uploads, and what it took.

use std::fmt;
use std::io;

use crate::active::Active;
use crate::busy::{Busy, Shares};

/// One measurement.
pub struct Rate {
    /// Bytes a second, one for each second.
    samples: Vec<f64>,
    server: Option<Shares>,
    loader: Shares,
}

impl Rate {
    pub const TITLES: &str = "           GB/s   least, most   server busy, waiting   loader busy  GB by second of the server's CPU";

    /// # Errors
    ///
    /// If an upload fails, or the system does not tell how busy a process is.
    pub fn measure(active: &Active, seconds: usize, pid: Option<u32>) -> io::Result<Self> {
        active.run(|sent| {
            let busy = || -> io::Result<_> {
                Ok((pid.map(Busy::of).transpose()?, Busy::of(std::process::id())?))
            };
            let before = busy()?;
            let samples = (0..seconds).map(|_| sent.sample()).collect();
            let after = busy()?;
            let server = after.0.zip(before.0).map(|(after, before)| after.since(before));
            Ok(Self { samples, server, loader: after.1.since(before.1) })
        })?
    }

    fn mean(&self) -> f64 {
        self.samples.iter().sum::<f64>() / self.samples.len().max(1) as f64
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: f64| format!("{:.0} %", share * 100.0);
        let gigabytes = |rate: f64| format!("{:.3}", rate / 1e9);
        let least = self.samples.iter().copied().fold(f64::INFINITY, f64::min);
        let most = self.samples.iter().copied().fold(0.0, f64::max);
        let this = std::slice::from_ref(self);
        write!(
            f,
            "{:>7}  {}, {}  {:>12}  {:>7}  {:>12}  {}",
            gigabytes(median_of(this)),
            gigabytes(least),
            gigabytes(most),
            self.server.map_or("-".into(), |shares| percent(shares.used)),
            self.server.map_or("-".into(), |shares| percent(shares.waited)),
            percent(self.loader.used),
            by_cpu(this).map_or("-".into(), gigabytes)
        )
    }
}

/// Bytes a second, in the median over all samples.
pub fn median_of(rates: &[Rate]) -> f64 {
    let mut samples: Vec<f64> = rates.iter().flat_map(|rate| &rate.samples).copied().collect();
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(0.0)
}

/// The share of a CPU that the server needs beside the uploads: what is left when the time
/// for as many bytes is taken away.
pub fn server_share(alone: &[Rate], beside: &[Rate]) -> Option<f64> {
    let by_cpu = by_cpu(alone)?;
    let shares = beside.iter().map(|rate| Some(rate.server?.used - rate.mean() / by_cpu));
    Some(shares.sum::<Option<f64>>()? / beside.len().max(1) as f64)
}

/// How much of the time the server waited for a CPU, on which others were.
pub fn server_waited(alone: &[Rate], beside: &[Rate]) -> Option<f64> {
    let rates = alone.iter().chain(beside);
    let waited = rates.map(|rate| Some(rate.server?.waited)).sum::<Option<f64>>()?;
    Some(waited / (alone.len() + beside.len()).max(1) as f64)
}

/// Bytes for each second that the server's CPU worked, if that is known.
fn by_cpu(rates: &[Rate]) -> Option<f64> {
    let bytes: f64 = rates.iter().map(Rate::mean).sum();
    let share: f64 = rates.iter().map(|rate| Some(rate.server?.used)).sum::<Option<f64>>()?;
    Some(bytes / share)
}
