//! Counters, for those who watch a folder.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::{KeepError, failure};
use crate::door::NotKept;

/// What has become of the uploads that were sent to a folder, by way of whichever worker, since it
/// was opened.
///
/// Each counts once, when it is decided: it is kept, or it is not for one
/// [reason](Counters::not_kept), the first that there was. So one whose client leaves while it is
/// being synced is kept. What the protocol refuses before its head is whole and good is not sent to
/// a folder.
///
/// # Example
///
/// ```
/// use streamsum::door::NotKept;
/// use streamsum::folder::Disk;
///
/// # let path = std::env::temp_dir().join(format!("streamsum-count-{}", std::process::id()));
/// # std::fs::create_dir_all(&path)?;
/// let disk = Disk::open(&path)?;
/// let counters = disk.counters();
/// assert_eq!((counters.kept, counters.not_kept(NotKept::NoRoom)), (0, 0));
/// assert_eq!(counters.to_string(), "kept=0 replaced=0 bytes_kept=0 not_kept=0 disk_failures=0");
/// # std::fs::remove_dir_all(path)?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Uploads that are kept.
    pub kept: u64,
    /// Those of them that have replaced what had their name.
    pub replaced: u64,
    /// Bytes of content of all that are kept, the replaced included.
    pub bytes_kept: u64,
    /// Calls of the system that have failed for an upload: where the disk is full, or descriptors
    /// are short, too; and whether or not its client was still there to hear of it.
    pub disk_failures: u64,
    not_kept: [u64; NotKept::ALL.len()],
}

impl Counters {
    /// How many uploads are not kept for this reason.
    #[must_use]
    pub fn not_kept(&self, reason: NotKept) -> u64 {
        self.not_kept.get(reason as usize).copied().unwrap_or_default()
    }

    /// How many are not kept for whatever reason.
    #[must_use]
    pub fn all_not_kept(&self) -> u64 {
        self.not_kept.iter().sum()
    }
}

/// One line, `name=value` for each counter; `not_kept` is for all reasons.
impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kept, replaced, bytes_kept, disk_failures, .. } = self;
        let not_kept = self.all_not_kept();
        write!(f, "kept={kept} replaced={replaced} bytes_kept={bytes_kept} ")?;
        write!(f, "not_kept={not_kept} disk_failures={disk_failures}")
    }
}

/// The counters as threads count them.
///
/// No two of them have to agree at any moment, so that no order is needed.
#[derive(Debug)]
pub(super) struct Tally {
    kept: AtomicU64,
    replaced: AtomicU64,
    bytes_kept: AtomicU64,
    disk_failures: AtomicU64,
    not_kept: [AtomicU64; NotKept::ALL.len()],
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            kept: AtomicU64::default(),
            replaced: AtomicU64::default(),
            bytes_kept: AtomicU64::default(),
            disk_failures: AtomicU64::default(),
            not_kept: [const { AtomicU64::new(0) }; NotKept::ALL.len()],
        }
    }
}

impl Tally {
    pub(super) fn counters(&self) -> Counters {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counters {
            kept: read(&self.kept),
            replaced: read(&self.replaced),
            bytes_kept: read(&self.bytes_kept),
            disk_failures: read(&self.disk_failures),
            not_kept: self.not_kept.each_ref().map(read),
        }
    }

    pub(super) fn not_kept(&self, reason: NotKept) {
        if let Some(count) = self.not_kept.get(reason as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn disk_failure(&self) {
        self.disk_failures.fetch_add(1, Ordering::Relaxed);
    }
}

/// Counts an upload once, though several threads may find out what becomes of it.
#[derive(Debug)]
pub(super) struct Counted {
    tally: Arc<Tally>,
    is_counted: AtomicBool,
}

impl Counted {
    pub(super) fn new(tally: &Arc<Tally>) -> Self {
        Self { tally: Arc::clone(tally), is_counted: AtomicBool::new(false) }
    }

    pub(super) fn kept(&self, bytes: u64, has_replaced: bool) {
        if self.is_first() {
            self.tally.kept.fetch_add(1, Ordering::Relaxed);
            self.tally.replaced.fetch_add(has_replaced.into(), Ordering::Relaxed);
            self.tally.bytes_kept.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    pub(super) fn not_kept(&self, reason: NotKept) {
        if self.is_first() {
            self.tally.not_kept(reason);
        }
    }

    /// It did not get its name.
    pub(super) fn failed(&self, wrong: &KeepError) {
        match wrong {
            KeepError::Exists => self.not_kept(NotKept::Exists),
            KeepError::IsFolder | KeepError::NotFolder | KeepError::OtherFileSystem => {
                self.not_kept(NotKept::Folder);
            }
            // The call that failed was counted.
            KeepError::Lost => self.not_kept(NotKept::Disk),
            KeepError::Disk(wrong) => self.disk_failed(wrong),
            KeepError::Unknown(wrong) => {
                self.call_failed(wrong);
                self.not_kept(NotKept::Unknown);
            }
        }
    }

    pub(super) fn disk_failed(&self, wrong: &io::Error) {
        let reason = reason(wrong);
        // A name that cannot be is no failure.
        if reason != NotKept::Key {
            self.call_failed(wrong);
        }
        self.not_kept(reason);
    }

    /// But for what no call has said: that less is free than has to be, or that an earlier sync has
    /// failed, which was counted then.
    fn call_failed(&self, wrong: &io::Error) {
        if wrong.raw_os_error().is_some() {
            self.tally.disk_failure();
        }
    }

    fn is_first(&self) -> bool {
        !self.is_counted.swap(true, Ordering::Relaxed)
    }
}

/// As the status is that the client gets.
fn reason(wrong: &io::Error) -> NotKept {
    match failure(wrong).status() {
        507 => NotKept::NoRoom,
        503 => NotKept::Descriptors,
        400 => NotKept::Key,
        _ => NotKept::Disk,
    }
}

#[cfg(test)]
mod tests {
    use super::super::not_kept;
    use super::*;
    use rustix::io::Errno;

    #[test]
    fn every_reason_has_a_counter_of_its_own() {
        let tally = Tally::default();
        for (times, reason) in (1..).zip(NotKept::ALL) {
            (0..times).for_each(|_| tally.not_kept(*reason));
        }
        let counters = tally.counters();
        for (times, reason) in (1..).zip(NotKept::ALL) {
            assert_eq!(counters.not_kept(*reason), times, "{reason:?}");
        }
        let all: u64 = (1..=NotKept::ALL.len() as u64).sum();
        assert_eq!(counters.all_not_kept(), all);
    }

    #[test]
    fn failures_count_as_what_clients_are_told() {
        let raw = |number| io::Error::from_raw_os_error(number);
        let disk = |number| KeepError::Disk(raw(number));
        let min_free = KeepError::Disk(io::ErrorKind::StorageFull.into());
        let (enospc, emfile, eio) = (28, 24, 5);
        for (wrong, reason, failures) in [
            (KeepError::Exists, NotKept::Exists, 0),
            (KeepError::IsFolder, NotKept::Folder, 0),
            (KeepError::NotFolder, NotKept::Folder, 0),
            (KeepError::OtherFileSystem, NotKept::Folder, 0),
            (KeepError::Lost, NotKept::Disk, 0),
            (disk(Errno::NAMETOOLONG.raw_os_error()), NotKept::Key, 0),
            (disk(Errno::MLINK.raw_os_error()), NotKept::NoRoom, 1),
            (disk(enospc), NotKept::NoRoom, 1),
            (disk(emfile), NotKept::Descriptors, 1),
            (disk(eio), NotKept::Disk, 1),
            (KeepError::Unknown(raw(enospc)), NotKept::Unknown, 1),
            (KeepError::Unknown(io::Error::other("lost before")), NotKept::Unknown, 0),
            (min_free, NotKept::NoRoom, 0),
        ] {
            let tally = Arc::new(Tally::default());
            Counted::new(&tally).failed(&wrong);
            let counters = tally.counters();
            assert_eq!((counters.not_kept(reason), counters.all_not_kept()), (1, 1), "{wrong:?}");
            assert_eq!(counters.disk_failures, failures, "{wrong:?}");
            assert_eq!(reason.status(), Some(not_kept(&wrong).status()), "{wrong:?}");
        }
    }

    /// However late it fails.
    #[test]
    fn a_failure_counts_though_the_client_has_left() {
        let tally = Arc::new(Tally::default());
        let upload = Counted::new(&tally);
        upload.not_kept(NotKept::BrokenOff);
        upload.disk_failed(&io::Error::from_raw_os_error(5));
        let counters = tally.counters();
        assert_eq!((counters.all_not_kept(), counters.disk_failures), (1, 1));
    }

    #[test]
    fn an_upload_counts_once_as_what_came_first() {
        let tally = Arc::new(Tally::default());
        let first = Counted::new(&tally);
        first.not_kept(NotKept::NoRoom);
        first.not_kept(NotKept::BrokenOff);
        first.kept(3, true);
        let counters = tally.counters();
        assert_eq!((counters.kept, counters.all_not_kept()), (0, 1));
        assert_eq!(counters.not_kept(NotKept::NoRoom), 1);
        let second = Counted::new(&tally);
        second.kept(3, true);
        second.not_kept(NotKept::BrokenOff);
        Counted::new(&tally).kept(4, false);
        assert_eq!(tally.counters().all_not_kept(), 1);
        let line = "kept=2 replaced=1 bytes_kept=7 not_kept=1 disk_failures=0";
        assert_eq!(tally.counters().to_string(), line);
    }
}
