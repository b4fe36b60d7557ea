//! The locked file by which others see that a process lives, and what is removed of those that do
//! not.

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process;

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, flock, fstat, openat, unlinkat};
use rustix::io::Errno;

use super::FILE_MODE;

/// How the names begin that nobody else is to use.
const UNFINISHED: &str = ".streamsum-";
pub(super) const LOCK: &str = ".lock";

/// A word for this process, and the file of that word, locked.
pub(super) fn lock(dir: &OwnedFd) -> io::Result<(String, OwnedFd)> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    for attempt in 0u32.. {
        // Processes in containers have one number, and one folder perhaps.
        let chance = RandomState::new().hash_one(attempt);
        let word = format!("{UNFINISHED}{}-{chance:016x}", process::id());
        let name = format!("{word}{LOCK}");
        match openat(dir, &*name, flags, Mode::from_raw_mode(FILE_MODE)) {
            Ok(file) => {
                flock(&file, FlockOperation::LockExclusive)?;
                // Before it was locked, somebody may have taken it for a dead one's.
                if fstat(&file)?.st_nlink > 0 {
                    return Ok((word, file));
                }
            }
            // Of another in this process, or on another host.
            Err(Errno::EXIST) => {}
            Err(wrong) => return Err(wrong.into()),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Removes the unfinished names of all whose lock is free.
pub(super) fn sweep(path: &Path, dir: &OwnedFd) -> io::Result<()> {
    let names: Vec<String> = fs::read_dir(path)?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with(UNFINISHED))
        .collect();
    for word in names.iter().filter_map(|name| name.strip_suffix(LOCK)) {
        let name = format!("{word}{LOCK}");
        let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let Ok(file) = openat(dir, &*name, flags, Mode::empty()) else { continue };
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            continue;
        }
        // Another has swept it meanwhile, and its name may be somebody's who lives.
        if fstat(&file).is_ok_and(|found| found.st_nlink == 0) {
            continue;
        }
        let own = format!("{word}-");
        for left in names.iter().filter(|name| name.starts_with(&own) && !name.ends_with(LOCK)) {
            let _ = unlinkat(dir, &**left, AtFlags::empty());
        }
        let _ = unlinkat(dir, &*name, AtFlags::empty());
    }
    Ok(())
}
