//! What the kernel has accounted to a process, and to all of them.

use std::fs;
use std::io;
use std::time::Duration;

use nix::time::ClockId;
use nix::unistd::Pid;

/// CPU time of a process: all its threads, user and system, to the nanosecond.
///
/// # Errors
///
/// When there is no such process.
pub fn cpu_time(process: u32) -> io::Result<Duration> {
    let pid = Pid::from_raw(i32::try_from(process).map_err(io::Error::other)?);
    Ok(ClockId::pid_cpu_clock_id(pid)?.now()?.into())
}

/// The most memory that a process had resident so far (`VmHWM`), in KiB.
///
/// # Errors
///
/// When there is no such process.
pub fn peak_memory(process: u32) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
    number.and_then(|number| number.parse().ok()).ok_or_else(|| io::Error::other("no VmHWM"))
}

/// CPU time of all processes together, on all cores: what the machine was kept busy with,
/// and what its host took from it. In steps of 10 ms.
///
/// # Errors
///
/// When `/proc/stat` cannot be read.
pub fn machine_time() -> io::Result<Duration> {
    /// Of a tick, on every architecture that this runs on (`USER_HZ`).
    const MILLISECONDS: u64 = 10;
    const USER_NICE_SYSTEM_STEAL: [usize; 4] = [1, 2, 3, 8];
    let stat = fs::read_to_string("/proc/stat")?;
    let columns: Vec<&str> = stat.lines().next().unwrap_or_default().split_whitespace().collect();
    let ticks = |column: usize| columns.get(column).and_then(|ticks| ticks.parse::<u64>().ok());
    let ticks: Option<u64> = USER_NICE_SYSTEM_STEAL.into_iter().map(ticks).sum();
    let ticks = ticks.ok_or_else(|| io::Error::other("no CPU time in /proc/stat"))?;
    Ok(Duration::from_millis(ticks * MILLISECONDS))
}
