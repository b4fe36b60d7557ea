//! The locks by which others see that a process lives, and what is removed of those that do not.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process;

use rustix::fs::{
    AtFlags, Dir, FlockOperation, Mode, OFlags, flock, fstat, openat, statat, unlinkat,
};
use rustix::io::Errno;

use super::FILE_MODE;

/// How the names begin that nobody else is to use.
const UNFINISHED: &str = ".streamsum-";
pub(super) const LOCK: &str = ".lock";

/// An open folder, and the word of a process that lives in it.
#[derive(Debug)]
pub(super) struct Home {
    pub(super) dir: OwnedFd,
    /// How the unfinished names of this process begin.
    pub(super) word: String,
    /// Of the file of that word, which is there as long as any of these names may be.
    _lock: OwnedFd,
}

impl Home {
    pub(super) fn new(dir: OwnedFd) -> io::Result<Self> {
        let (word, lock) = new_word(&dir)?;
        Ok(Self { dir, word, _lock: lock })
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = unlinkat(&self.dir, format!("{}{LOCK}", self.word), AtFlags::empty());
    }
}

/// A word for this process, and the file of that word, locked.
fn new_word(dir: &OwnedFd) -> io::Result<(String, OwnedFd)> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    for attempt in 0u32.. {
        // Processes in containers have one number, and one folder perhaps.
        let chance = RandomState::new().hash_one(attempt);
        let word = format!("{UNFINISHED}{}-{chance:016x}", process::id());
        let name = format!("{word}{LOCK}");
        match openat(dir, &*name, flags, Mode::from_raw_mode(FILE_MODE)) {
            Ok(file) => {
                if let Err(wrong) = flock(&file, FlockOperation::LockExclusive) {
                    let _ = unlinkat(dir, &*name, AtFlags::empty());
                    return Err(wrong.into());
                }
                // Before it was locked, somebody may have taken it for a dead one's.
                if is_there(&file)? {
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

/// Has nobody sweep this unfinished file while it is open, even if the file of its process's word
/// was removed by somebody. False if it has just been swept.
pub(super) fn hold(file: impl AsFd) -> Result<bool, Errno> {
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => is_there(file),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(wrong) => Err(wrong),
    }
}

/// True if it has a name.
fn is_there(file: impl AsFd) -> Result<bool, Errno> {
    Ok(fstat(file)?.st_nlink > 0)
}

/// What a process has left that lives no more.
#[derive(Debug)]
pub(super) struct Dead {
    word: String,
    /// Nobody else sweeps meanwhile.
    _lock: OwnedFd,
}

/// Those whose lock is free. They make no more names.
pub(super) fn dead(dir: &OwnedFd) -> io::Result<Vec<Dead>> {
    let mut dead = Vec::new();
    for mut name in names(dir)? {
        if name.ends_with(LOCK)
            && let Some(lock) = take(dir, &name)
        {
            name.truncate(name.len() - LOCK.len());
            dead.push(Dead { word: name, _lock: lock });
        }
    }
    Ok(dead)
}

/// Removes their unfinished names; and those without a lock of which nobody has the file open:
/// such are left when somebody has removed the lock.
///
/// The locks go last, so that a sweep which breaks off is made good by the next one.
pub(super) fn sweep(dir: &OwnedFd, dead: Vec<Dead>) -> io::Result<()> {
    // Listed only now: a process that lived before may have made more names since.
    for name in names(dir)? {
        let Some(word) = word_of(&name) else { continue };
        let is_dead = dead.iter().any(|one| one.word == word);
        if is_dead || !has_lock(dir, word) && take(dir, &name).is_some() {
            let _ = unlinkat(dir, &*name, AtFlags::empty());
        }
    }
    for Dead { word, .. } in &dead {
        let _ = unlinkat(dir, format!("{word}{LOCK}"), AtFlags::empty());
    }
    Ok(())
}

fn names(dir: &OwnedFd) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(dir)? {
        if let Ok(name) = entry?.file_name().to_str()
            && name.starts_with(UNFINISHED)
        {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// The word in an unfinished name; `None` if it is another's, or a lock's.
fn word_of(name: &str) -> Option<&str> {
    let mut parts = name.strip_prefix(UNFINISHED)?.splitn(3, '-');
    let (process, chance, _) = (parts.next()?, parts.next()?, parts.next()?);
    let is_word = process.bytes().all(|byte| byte.is_ascii_digit())
        && chance.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_word.then(|| &name[..UNFINISHED.len() + process.len() + 1 + chance.len()])
}

/// True if there may be one.
fn has_lock(dir: &OwnedFd, word: &str) -> bool {
    let found = statat(dir, format!("{word}{LOCK}"), AtFlags::SYMLINK_NOFOLLOW);
    !matches!(found, Err(Errno::NOENT))
}

/// The file of that name, locked; `None` if somebody has it, or it is there no more: then its
/// name may be somebody's who lives.
fn take(dir: &OwnedFd, name: &str) -> Option<OwnedFd> {
    let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = openat(dir, name, flags, Mode::empty()).ok()?;
    hold(&file).is_ok_and(|is_held| is_held).then_some(file)
}
