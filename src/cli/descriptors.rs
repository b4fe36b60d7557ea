//! How many descriptors there may be, and how many of them are left for connections.

use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// Connections at a time, unless set: what one process can serve with memory to spare.
const MAX_CONNECTIONS: u64 = 100_000;
/// Descriptors that stay free beside those that are open at the start. The server opens one
/// more, for its handle of the poll, and after that only connections; the others are for
/// files that the C library opens for a moment, such as those in `/etc`.
const MARGIN: u64 = 4;
/// EMFILE, on all of Unix.
const TOO_MANY: i32 = 24;

/// Descriptors that the loops of the workers open at the start. Each has a poll, what wakes it,
/// and a handle of the poll, but the [`MARGIN`] has room for that of the first.
pub(super) fn of_loops(workers: usize) -> u64 {
    3 * workers as u64 - 1
}

/// The number of descriptors that this process may have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit(u64);

impl Limit {
    /// Raises the soft limit to the hard one first.
    pub(super) fn raised() -> Self {
        let limit = rlimit::increase_nofile_limit(u64::MAX)
            .or_else(|_| rlimit::Resource::NOFILE.get_soft());
        // Every Unix grants at least this.
        Self(limit.unwrap_or(256))
    }

    /// How many connections there may be beside `open` descriptors, unless set.
    ///
    /// # Errors
    ///
    /// One line of words for the user, if it is none.
    pub(super) fn connections(self, open: u64) -> Result<usize, String> {
        match self.0.saturating_sub(open + MARGIN).min(MAX_CONNECTIONS) {
            0 => Err(format!(
                "the limit of {} descriptors leaves none for connections: {open} are open, and \
                 {MARGIN} stay free",
                self.0
            )),
            connections => Ok(connections as usize),
        }
    }

    /// The error in words, with the limit if that was the cause.
    pub(super) fn explain(self, wrong: &io::Error) -> String {
        match wrong.raw_os_error() {
            Some(TOO_MANY) => format!("{wrong}; the limit of {} descriptors is too low", self.0),
            _ => wrong.to_string(),
        }
    }
}

/// How many descriptors are open, inherited ones included.
pub(super) fn open() -> u64 {
    let listed = ["/proc/self/fd", "/dev/fd"].into_iter().find_map(|list| {
        // The list has its own descriptor, too.
        Some((fs::read_dir(list).ok()?.count() as u64).saturating_sub(1))
    });
    // Not every system has such a list, and not every list has all; but each descriptor gets
    // the lowest number that is free.
    let lowest = io::stderr().as_fd().try_clone_to_owned().map_or(0, |free| free.as_raw_fd());
    listed.unwrap_or(0).max(lowest.unsigned_abs().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    // covers: 30.4
    #[test]
    fn connections_follow_the_limit_of_descriptors() {
        let connections = |limit, open| Limit(limit).connections(open);
        assert_eq!(connections(64, 14), Ok(46));
        assert_eq!(connections(100_017, 14), Ok(99_999));
        assert_eq!(
            [connections(100_018, 14), connections(u64::MAX, 14)],
            [Ok(100_000), Ok(100_000)]
        );
        assert_eq!(connections(19, 14), Ok(1));
    }

    // covers: 30.7
    #[test]
    fn limit_that_leaves_no_connections_is_reported() {
        let none = "the limit of 18 descriptors leaves none for connections: 14 are open, and 4 \
                    stay free";
        assert_eq!(Limit(18).connections(14), Err(none.into()));
        assert!(Limit(0).connections(14).is_err());
        let short = Limit(8).explain(&io::Error::from_raw_os_error(TOO_MANY));
        assert!(short.ends_with("; the limit of 8 descriptors is too low"), "{short}");
        let other = io::Error::from(io::ErrorKind::AddrInUse);
        assert_eq!(Limit(8).explain(&other), other.to_string());
    }

    #[test]
    fn open_descriptors_are_counted() {
        // Other tests open and close theirs meanwhile.
        const MANY: usize = 300;
        let before = open();
        let file = io::stderr().as_fd().try_clone_to_owned().expect("a descriptor");
        let more: Vec<_> = (0..MANY).map(|_| file.try_clone().expect("another")).collect();
        let after = open();
        drop(more);
        assert!(before >= 3 && after.abs_diff(before + MANY as u64) < 100, "{before} {after}");
    }
}
