//! How many connections this process and its children may open.

use std::io;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Those that are no connections of a work: standard streams, pipes, the poll's own, and
/// those that only come to see whether a server is there.
const OTHERS: usize = 64;

/// How many open files works need that have so many connections at a time.
pub fn needed(connections: usize) -> u64 {
    (connections + OTHERS) as u64
}

/// Raises the limit as far as it may be, for servers too, which inherit it.
///
/// # Errors
///
/// When that is less than `connections` need.
pub fn raise(connections: usize) -> io::Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    let needed = needed(connections);
    if hard < needed {
        let message =
            format!("the works need {needed} open files, the limit is {hard} (ulimit -n)");
        return Err(io::Error::other(message));
    }
    Ok(())
}
