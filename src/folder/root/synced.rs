//! Which folders are on disk for sure, and which will never be.

use std::collections::{HashMap, HashSet};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use rustix::fs::Dev;
use rustix::io::Errno;

/// What tells a folder from all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    pub(super) system: System,
    number: u64,
    /// Seconds and nanoseconds: numbers are given again when a folder is gone. `None` if the file
    /// system does not know.
    born: Option<(i64, u32)>,
}

/// Where a file can be linked to without leaving its file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct System {
    device: Dev,
    /// The number of the mount: no link leads from one to another, though both may show the same
    /// file system. `None` before Linux 5.8, and elsewhere.
    mount: Option<u64>,
}

impl Identity {
    pub(super) fn of(folder: impl AsFd) -> Result<Self, Errno> {
        #[cfg(target_os = "linux")]
        match Self::by_statx(folder.as_fd()) {
            // Of an old kernel, or an old sandbox.
            Err(Errno::NOSYS | Errno::PERM) => {}
            other => return other,
        }
        let found = rustix::fs::fstat(folder)?;
        let system = System { device: found.st_dev, mount: None };
        Ok(Self { system, number: found.st_ino, born: None })
    }

    #[cfg(target_os = "linux")]
    fn by_statx(folder: std::os::fd::BorrowedFd<'_>) -> Result<Self, Errno> {
        use rustix::fs::{AtFlags, StatxFlags, makedev, statx};
        let wanted = StatxFlags::INO | StatxFlags::BTIME | StatxFlags::MNT_ID;
        let found = statx(folder, "", AtFlags::EMPTY_PATH, wanted)?;
        let has = |what: StatxFlags| found.stx_mask & what.bits() != 0;
        let device = makedev(found.stx_dev_major, found.stx_dev_minor);
        let mount = has(StatxFlags::MNT_ID).then_some(found.stx_mnt_id);
        let born = (found.stx_btime.tv_sec, found.stx_btime.tv_nsec);
        Ok(Self {
            system: System { device, mount },
            number: found.stx_ino,
            born: has(StatxFlags::BTIME).then_some(born),
        })
    }
}

/// Waits until a file, or the names in a folder, are on disk.
pub(super) fn sync(what: impl AsFd) -> Result<(), Errno> {
    // There `fsync` leaves it in the memory of the drive.
    #[cfg(target_vendor = "apple")]
    return rustix::fs::fcntl_fullfsync(what);
    #[cfg(not(target_vendor = "apple"))]
    rustix::fs::fsync(what)
}

/// True if this error of [`sync`] may mean that something was lost.
///
/// What a disk has refused is reported once; later syncs succeed, though it never gets there. All
/// errors count but those of a sync that was not begun: also `ENOSPC` and `EDQUOT`, by which file
/// systems that find room late report names which they could not write, and `EROFS`, which is
/// what is left of one that has given up.
pub(super) fn is_loss(wrong: Errno) -> bool {
    let is_not_begun = matches!(wrong, Errno::INTR | Errno::INVAL | Errno::NOSYS | Errno::NOTSUP)
        || matches!(wrong, Errno::ACCESS | Errno::PERM);
    !is_not_begun
}

/// What this process knows of the folders in which it keeps files.
#[derive(Debug, Default)]
pub(super) struct Synced {
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The folders that are on disk, by the folder that they are in and their name there.
    known: HashMap<(Identity, Box<str>), Identity>,
    /// Folders whose sync has failed once.
    lost: HashSet<Identity>,
    /// True if there were too many.
    all_lost: bool,
    /// The syncs under way, by their numbers: one of each thread at most.
    under_way: Vec<(u64, Identity)>,
    next: u64,
}

/// Why names in a folder are not known to be on disk.
#[derive(Debug)]
pub(super) enum SyncError {
    /// A sync of it has failed before.
    Lost,
    Failed(Errno),
}

impl Synced {
    /// A folder that is forgotten costs a sync.
    const MOST_KNOWN: usize = 4096;
    /// With more no folder is trusted any more.
    const MOST_LOST: usize = 256;

    /// True if the folder of this name is on disk.
    pub(super) fn has(&self, within: Identity, name: &str, folder: Identity) -> bool {
        self.lock().known.get(&(within, name.into())) == Some(&folder)
    }

    pub(super) fn add(&self, within: Identity, name: &str, folder: Identity) {
        let known = &mut self.lock().known;
        if known.len() >= Self::MOST_KNOWN {
            known.clear();
        }
        known.insert((within, name.into()), folder);
    }

    /// # Errors
    ///
    /// If a sync of it has failed once.
    pub(super) fn trust(&self, folder: Identity) -> Result<(), SyncError> {
        self.lock().trust(folder)
    }

    /// Waits until the names are on disk that this thread has made in a folder since it opened it.
    pub(super) fn sync(&self, folder: &OwnedFd, identity: Identity) -> Result<(), SyncError> {
        let number = {
            let mut state = self.lock();
            state.trust(identity)?;
            state.next += 1;
            let number = state.next;
            state.under_way.push((number, identity));
            number
        };
        let synced = sync(folder);
        let mut state = self.lock();
        state.under_way.retain(|(other, _)| *other != number);
        if synced.is_err_and(is_loss) {
            state.lose(identity);
        }
        self.ended.notify_all();
        synced.map_err(SyncError::Failed)
    }

    /// As [`sync`](Self::sync), for names that others have made before: their failure may have
    /// been reported to a sync that is under way, and to no other.
    pub(super) fn sync_of_others(
        &self,
        folder: &OwnedFd,
        identity: Identity,
    ) -> Result<(), SyncError> {
        self.sync(folder, identity)?;
        let state = self.lock();
        let last = state.next;
        let is_under_way = |state: &mut State| {
            state.under_way.iter().any(|(number, of)| *number <= last && *of == identity)
        };
        let state = self.ended.wait_while(state, is_under_way);
        state.unwrap_or_else(PoisonError::into_inner).trust(identity)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn trust(&self, folder: Identity) -> Result<(), SyncError> {
        if self.all_lost || self.lost.contains(&folder) { Err(SyncError::Lost) } else { Ok(()) }
    }

    fn lose(&mut self, folder: Identity) {
        if self.lost.len() >= Synced::MOST_LOST {
            self.all_lost = true;
        }
        if !self.all_lost {
            self.lost.insert(folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::Duration;

    fn folder(number: u64) -> Identity {
        Identity { system: System { device: 1, mount: None }, number, born: None }
    }

    #[test]
    fn too_many_that_are_lost_are_all() {
        let synced = Synced::default();
        for number in 0..=Synced::MOST_LOST as u64 {
            synced.trust(folder(1_000_000)).expect("it is another");
            synced.lock().lose(folder(number));
            assert!(matches!(synced.trust(folder(number)), Err(SyncError::Lost)), "{number}");
        }
        assert!(matches!(synced.trust(folder(1_000_000)), Err(SyncError::Lost)));
        assert!(synced.lock().lost.len() <= Synced::MOST_LOST);
    }

    #[test]
    fn a_folder_is_known_by_its_name_and_by_itself() {
        let synced = Synced::default();
        synced.add(folder(1), "a", folder(2));
        assert!(synced.has(folder(1), "a", folder(2)));
        assert!(!synced.has(folder(1), "b", folder(2)));
        assert!(!synced.has(folder(3), "a", folder(2)));
        assert!(!synced.has(folder(1), "a", folder(4)), "another that has the name now");
        for number in 0..=Synced::MOST_KNOWN as u64 {
            synced.add(folder(1), &number.to_string(), folder(number));
        }
        assert!(synced.lock().known.len() <= Synced::MOST_KNOWN);
    }

    /// Another sync that is under way is told of it, and this one is not.
    #[test]
    fn what_others_have_made_waits_for_their_syncs() {
        let opened: OwnedFd = File::open(std::env::temp_dir()).expect("a folder").into();
        for fails in [false, true] {
            let synced = Synced::default();
            synced.lock().under_way.push((0, folder(1)));
            let (tell, told) = channel();
            thread::scope(|scope| {
                scope.spawn(|| tell.send(synced.sync_of_others(&opened, folder(1))));
                synced.sync_of_others(&opened, folder(2)).expect("it waits for none");
                told.recv_timeout(Duration::from_millis(100)).expect_err("it waits");
                let mut state = synced.lock();
                state.under_way.retain(|(number, _)| *number != 0);
                if fails {
                    state.lose(folder(1));
                }
                drop(state);
                synced.ended.notify_all();
                let ended = told.recv().expect("it ends");
                assert_eq!(matches!(ended, Err(SyncError::Lost)), fails, "{ended:?}");
                assert_eq!(ended.is_err(), fails);
            });
        }
    }
}
