//! How much of a CPU a process has used, and how long it waited for one.

use std::fs;
use std::io;
use std::time::{Duration, Instant};

/// Time on CPUs, all threads together, and when that was read.
#[derive(Clone, Copy, Debug)]
pub struct Busy {
    used: Duration,
    /// Of its first thread alone.
    waited: Duration,
    read: Instant,
}

impl Busy {
    /// # Errors
    ///
    /// Where the system does not tell, or there is no such process.
    pub fn of(pid: u32) -> io::Result<Self> {
        /// Of Linux, on every machine.
        const TICK: Duration = Duration::from_millis(10);
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // What comes before is the name, which may hold anything.
        let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields).split(' ');
        let ticks: Option<u32> =
            fields.skip(11).take(2).map(|field| field.parse::<u32>().ok()).sum();
        let ticks = ticks.ok_or_else(|| io::Error::other("no times in the process's stat"))?;
        let told = fs::read_to_string(format!("/proc/{pid}/schedstat")).unwrap_or_default();
        let waited = told.split_whitespace().nth(1).and_then(|number| number.parse().ok());
        let waited = Duration::from_nanos(waited.unwrap_or(0));
        Ok(Self { used: TICK * ticks, waited, read: Instant::now() })
    }

    /// What it was since then.
    pub fn since(self, before: Self) -> Shares {
        let time = (self.read - before.read).as_secs_f64();
        let used = self.used.saturating_sub(before.used).as_secs_f64() / time;
        let waited = self.waited.saturating_sub(before.waited).as_secs_f64() / time;
        Shares { used, waited }
    }
}

/// Time on a CPU, and waiting for one, in each second.
#[derive(Clone, Copy, Debug)]
pub struct Shares {
    pub used: f64,
    pub waited: f64,
}
