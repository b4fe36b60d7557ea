//! A server from outside, as `/proc` has it.

use std::fs;
use std::io;

/// The resident memory of a process (`VmRSS`), in KiB.
///
/// # Errors
///
/// If there is no such process, or no Linux.
pub fn resident_kib(id: u32) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
    number.ok_or_else(|| io::Error::other("no VmRSS in the process's status"))
}

/// How many descriptors a process has open.
///
/// # Errors
///
/// As [`resident_kib`], or if the process is somebody else's.
pub fn descriptors(id: u32) -> io::Result<usize> {
    Ok(fs::read_dir(format!("/proc/{id}/fd"))?.count())
}
