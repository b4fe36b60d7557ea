//! How much of a CPU a process has used.

use std::fs;
use std::io;
use std::time::{Duration, Instant};

/// Time on CPUs, all threads together, and when that was read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Busy {
    used: Duration,
    read: Instant,
}

impl Busy {
    /// # Errors
    ///
    /// Where the system does not tell, or there is no such process.
    pub(crate) fn of(pid: u32) -> io::Result<Self> {
        /// Of Linux, on every machine.
        const TICK: Duration = Duration::from_millis(10);
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // What comes before is the name, which may hold anything.
        let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields).split(' ');
        let ticks: Option<u32> =
            fields.skip(11).take(2).map(|field| field.parse::<u32>().ok()).sum();
        let ticks = ticks.ok_or_else(|| io::Error::other("no times in the process's stat"))?;
        Ok(Self { used: TICK * ticks, read: Instant::now() })
    }

    /// The share of a CPU since then.
    pub(crate) fn since(self, before: Self) -> f64 {
        let used = self.used.saturating_sub(before.used);
        used.as_secs_f64() / (self.read - before.read).as_secs_f64()
    }
}
