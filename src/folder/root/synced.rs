//! Which folders are known to be on disk.

use std::collections::HashSet;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, PoisonError};

use rustix::fs::fstat;
use rustix::io::Errno;

/// Names of folders that are known to be on disk, with the folders that they are in.
#[derive(Debug, Default)]
pub(super) struct Synced(Mutex<HashSet<(u64, u64, Box<str>)>>);

impl Synced {
    /// A folder that is forgotten costs a sync.
    const MOST: usize = 4096;

    pub(super) fn has(&self, within: &OwnedFd, name: &str) -> Result<bool, Errno> {
        let entry = entry(within, name)?;
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&entry))
    }

    pub(super) fn add(&self, within: &OwnedFd, name: &str) -> Result<(), Errno> {
        let entry = entry(within, name)?;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= Self::MOST {
            known.clear();
        }
        known.insert(entry);
        Ok(())
    }
}

fn entry(within: &OwnedFd, name: &str) -> Result<(u64, u64, Box<str>), Errno> {
    let found = fstat(within)?;
    Ok((found.st_dev, found.st_ino, name.into()))
}
