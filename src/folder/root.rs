//! The folder on disk: files that have no name yet, and how they get it.
//!
//! ```text
//! create ─► content ─► fsync ─► link to an ─► make folders ─► rename over the name, ─► fsync
//! unnamed   of many    of the   unfinished    and fsync what  or link to it, if it    of the
//! file      pieces     file     name          they are in     must not replace        folder
//! ```
//!
//! All paths are walked from one open folder, component by component, and no link is followed: no
//! key leads out of it. Where the file system has no unnamed files, they have an unfinished name
//! from the start.
//!
//! Another process may move or remove folders meanwhile. A file goes where the folder went that was
//! open for it, as if it had been kept before; a folder that is gone is made again.
//!
//! Unfinished names begin with `.streamsum-`, and with a word of their process, which keeps a file
//! of that word locked as long as it lives. When a folder is opened, what processes have left that
//! live no more is removed: nothing of one that lives is ever touched.

mod lock;
mod synced;

use std::fs::File;
use std::io;
use std::mem;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, RawMode, fstatvfs, linkat, mkdirat, openat, renameat,
    statat, unlinkat,
};
#[cfg(target_os = "linux")]
use rustix::fs::{RenameFlags, renameat_with};
use rustix::io::Errno;

use super::volume::KeepError;
use crate::door::Key;
use lock::{Home, dead, hold, sweep};
use synced::{Identity, SyncError, Synced, is_loss, sync};

/// For the owner to write and his group to read; less what the umask takes.
const FILE_MODE: RawMode = 0o640;
/// For a folder that is made; less what the umask takes.
const FOLDER_MODE: RawMode = 0o777;
/// How often the folders of a file are made that somebody removes at the same time.
const TRIES: u32 = 1_000;
/// Ends of names that are two, and what is wrong with a file system for which they are one.
const TWO: [(&str, &str, &str); 2] = [
    ("CASE", "case", "`a` and `A`"),
    ("\u{e9}", "e\u{301}", "`é` as one character of Unicode and as two"),
];

/// An open folder.
#[derive(Debug)]
pub(super) struct Root {
    home: Arc<Home>,
    identity: Identity,
    serial: AtomicU64,
    synced: Synced,
    /// True if a file can be without a name until it is whole.
    has_unnamed: bool,
}

/// A file that is not kept yet; it is gone when this is dropped.
#[derive(Debug)]
pub(super) struct Unfinished {
    file: File,
    /// Most have none while their content comes, and there are many.
    name: Option<Box<Name>>,
}

/// An unfinished name, which is removed with this.
#[derive(Debug)]
struct Name {
    home: Arc<Home>,
    text: String,
}

impl From<SyncError> for KeepError {
    fn from(wrong: SyncError) -> Self {
        match wrong {
            SyncError::Lost => Self::Lost,
            SyncError::Failed(wrong) => disk(wrong),
        }
    }
}

impl Root {
    /// Opens a folder, and removes what dead processes have left in it.
    ///
    /// # Errors
    ///
    /// If it is no folder, cannot be written or synced, or takes two names for one.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let dir = openat(CWD, path, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        sweep(&dir, dead(&dir)?)?;
        sync_with_parent(&dir)?;
        let identity = Identity::of(&dir)?;
        let mut root = Self {
            home: Arc::new(Home::new(dir)?),
            identity,
            serial: AtomicU64::new(0),
            synced: Synced::default(),
            has_unnamed: true,
        };
        root.has_unnamed = root.can_link_unnamed();
        for (one, other, what) in TWO {
            if !root.tells_apart(one, other)? {
                let wrong = format!("its file system takes {what} for one name");
                return Err(io::Error::other(wrong));
            }
        }
        Ok(root)
    }

    /// Makes a file.
    pub(super) fn create(&self) -> io::Result<Unfinished> {
        if self.has_unnamed {
            let file = self.create_unnamed()?;
            return Ok(Unfinished { file, name: None });
        }
        loop {
            let text = self.unfinished();
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
            match openat(&self.home.dir, &*text, flags, Mode::from_raw_mode(FILE_MODE)) {
                Ok(file) => {
                    let name = Box::new(Name { home: Arc::clone(&self.home), text });
                    if hold(&file)? {
                        return Ok(Unfinished { file: file.into(), name: Some(name) });
                    }
                }
                // Somebody else's: the next is free.
                Err(Errno::EXIST) => {}
                Err(wrong) => return Err(wrong.into()),
            }
        }
    }

    #[cfg(target_os = "linux")]
    fn create_unnamed(&self) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::TMPFILE | OFlags::CLOEXEC;
        Ok(openat(&self.home.dir, ".", flags, Mode::from_raw_mode(FILE_MODE))?.into())
    }

    #[cfg(not(target_os = "linux"))]
    fn create_unnamed(&self) -> io::Result<File> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Gives a whole file its name, and waits until both are on disk. True if it has replaced
    /// another.
    ///
    /// # Errors
    ///
    /// [`KeepError`]; nothing is left of the file then, unless that is unknown.
    pub(super) fn keep(
        &self,
        unfinished: Unfinished,
        key: &Key,
        replaces: bool,
    ) -> Result<bool, KeepError> {
        // Never again if it fails: the next would succeed, though content may be lost.
        sync(&unfinished.file).map_err(disk)?;
        let mut unfinished = unfinished;
        if replaces {
            unfinished.get_name(self).map_err(disk)?;
        }
        let mut kept = self.give_name(&mut unfinished, key, replaces, true);
        for _ in 1..TRIES {
            // Somebody has removed a folder since it was opened.
            if !kept.as_ref().is_err_and(KeepError::is_missing) {
                break;
            }
            kept = self.give_name(&mut unfinished, key, replaces, false);
        }
        kept
    }

    /// True if it has replaced another.
    ///
    /// Syncs the folders on the way first, as long as nothing has changed that is not on disk; or
    /// last, so that a folder is empty for a short moment alone, in which others may remove it.
    fn give_name(
        &self,
        unfinished: &mut Unfinished,
        key: &Key,
        replaces: bool,
        syncs_first: bool,
    ) -> Result<bool, KeepError> {
        let Some(name) = key.segments().last() else { unreachable!("a key has a segment") };
        let mut way = Vec::new();
        let (parent, identity) = self.make_parents(key, |step| {
            if syncs_first {
                return self.sync_step(&step);
            }
            way.push(step);
            Ok(())
        })?;
        let mut has_replaced = false;
        if replaces {
            has_replaced = unfinished.rename(&parent, name)?;
        } else {
            unfinished.link(&parent, name).map_err(|wrong| match wrong {
                Errno::EXIST => KeepError::Exists,
                other => not_linked(other),
            })?;
        }
        let synced = way.iter().try_for_each(|step| self.sync_step(step));
        let synced = synced.and_then(|()| Ok(self.synced.sync(&parent, identity)?));
        synced.map_err(KeepError::unknown)?;
        Ok(has_replaced)
    }

    /// Whether a file could get this name now: so that a client hears before it sends that it
    /// cannot. Until the file is [kept](Root::keep) that may change.
    pub(super) fn probe(&self, key: &Key, replaces: bool) -> Result<(), KeepError> {
        let mut folder = self.home.dir.try_clone().map_err(KeepError::Disk)?;
        self.synced.trust(self.identity)?;
        let mut segments = key.segments().peekable();
        while let Some(segment) = segments.next() {
            if segments.peek().is_some() {
                folder = match open_folder(&folder, segment) {
                    // It will be made.
                    Err(Errno::NOENT) => return Ok(()),
                    other => other.map_err(not_folder)?,
                };
                self.identify(&folder)?;
                continue;
            }
            match statat(&folder, segment, AtFlags::SYMLINK_NOFOLLOW) {
                Err(Errno::NOENT) => {}
                Err(wrong) => return Err(disk(wrong)),
                Ok(found) if FileType::from_raw_mode(found.st_mode) == FileType::Directory => {
                    return Err(KeepError::IsFolder);
                }
                Ok(_) if !replaces => return Err(KeepError::Exists),
                Ok(_) => {}
            }
        }
        Ok(())
    }

    /// Which folder this is, if files can be linked to it and kept there.
    fn identify(&self, folder: &OwnedFd) -> Result<Identity, KeepError> {
        let identity = Identity::of(folder).map_err(disk)?;
        if identity.system != self.identity.system {
            return Err(KeepError::OtherFileSystem);
        }
        self.synced.trust(identity)?;
        Ok(identity)
    }

    /// The folder in which a key's file belongs; `unsynced` has each step to it that is not known
    /// to be on disk, whoever has made it.
    fn make_parents(
        &self,
        key: &Key,
        mut unsynced: impl FnMut(Step) -> Result<(), KeepError>,
    ) -> Result<(OwnedFd, Identity), KeepError> {
        // Opened for this file alone: what was lost is reported once to each that is open.
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut folder = openat(&self.home.dir, ".", flags, Mode::empty()).map_err(disk)?;
        let mut identity = self.identity;
        self.synced.trust(identity)?;
        let mut segments = key.segments().peekable();
        while let Some(segment) = segments.next() {
            if segments.peek().is_none() {
                break;
            }
            let mut opened = open_folder(&folder, segment);
            let mut is_ours = false;
            if matches!(opened, Err(Errno::NOENT)) {
                match mkdirat(&folder, segment, Mode::from_raw_mode(FOLDER_MODE)) {
                    Ok(()) => is_ours = true,
                    Err(Errno::EXIST) => {}
                    Err(wrong) => return Err(disk(wrong)),
                }
                opened = open_folder(&folder, segment);
            }
            let inner = opened.map_err(not_folder)?;
            let within = (mem::replace(&mut folder, inner), identity);
            identity = self.identify(&folder)?;
            // If it was there, another upload may have made it, or a process that was killed.
            if is_ours || !self.synced.has(within.1, segment, identity) {
                unsynced(Step { within, name: segment.into(), folder: identity, is_ours })?;
            }
        }
        Ok((folder, identity))
    }

    fn sync_step(&self, step: &Step) -> Result<(), KeepError> {
        let (within, identity) = &step.within;
        match step.is_ours {
            true => self.synced.sync(within, *identity)?,
            false => self.synced.sync_of_others(within, *identity)?,
        }
        self.synced.add(*identity, &step.name, step.folder);
        Ok(())
    }

    /// Bytes that are free for this process.
    pub(super) fn free(&self) -> io::Result<u64> {
        let system = fstatvfs(&self.home.dir)?;
        Ok(system.f_bavail.saturating_mul(system.f_frsize))
    }

    fn unfinished(&self) -> String {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        format!("{}-{serial}", self.home.word)
    }

    /// True if an unnamed file can be made here, and given a name.
    fn can_link_unnamed(&self) -> bool {
        let Ok(file) = self.create_unnamed() else { return false };
        let text = self.unfinished();
        let is_linked = Unfinished { file, name: None }.link(&self.home.dir, &text).is_ok();
        if is_linked {
            drop(Name { home: Arc::clone(&self.home), text });
        }
        is_linked
    }

    /// True if names that end so are two.
    fn tells_apart(&self, one: &str, other: &str) -> io::Result<bool> {
        let name = self.unfinished();
        let (one, other) = (format!("{name}-{one}"), format!("{name}-{other}"));
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = openat(&self.home.dir, &*one, flags, Mode::from_raw_mode(FILE_MODE))?;
        let _one = Name { home: Arc::clone(&self.home), text: one };
        hold(&file)?;
        let found = statat(&self.home.dir, other, AtFlags::SYMLINK_NOFOLLOW);
        Ok(matches!(found, Err(Errno::NOENT)))
    }
}

/// A folder on the way to a file.
#[derive(Debug)]
struct Step {
    within: (OwnedFd, Identity),
    name: Box<str>,
    folder: Identity,
    /// True if it was made since the folder around it was opened.
    is_ours: bool,
}

impl Unfinished {
    pub(super) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Links it to a name that must not be there.
    fn link(&self, to: &OwnedFd, name: &str) -> Result<(), Errno> {
        match &self.name {
            Some(own) => linkat(&own.home.dir, &*own.text, to, name, AtFlags::empty()),
            None => {
                let path = format!("/proc/self/fd/{}", self.file.as_raw_fd());
                linkat(CWD, path, to, name, AtFlags::SYMLINK_FOLLOW)
            }
        }
    }

    /// Has it get an unfinished name, if it has none.
    fn get_name(&mut self, root: &Root) -> Result<(), Errno> {
        if self.name.is_none() {
            hold(&self.file)?;
        }
        while self.name.is_none() {
            let text = root.unfinished();
            match self.link(&root.home.dir, &text) {
                Ok(()) => self.name = Some(Box::new(Name { home: Arc::clone(&root.home), text })),
                // Somebody else's: the next is free.
                Err(Errno::EXIST) => {}
                Err(wrong) => return Err(wrong),
            }
        }
        Ok(())
    }

    /// Moves its unfinished name over one that may be taken. True if it was.
    fn rename(&mut self, to: &OwnedFd, name: &str) -> Result<bool, KeepError> {
        let Some(own) = &mut self.name else { unreachable!("it has got one") };
        own.rename(to, name).map_err(|wrong| match wrong {
            Errno::ISDIR | Errno::EXIST | Errno::NOTEMPTY => KeepError::IsFolder,
            // Something is mounted at the name itself.
            Errno::BUSY => KeepError::OtherFileSystem,
            other => not_linked(other),
        })
    }
}

impl Name {
    /// Gives its file another name instead. True if that was somebody's.
    fn rename(&mut self, to: &OwnedFd, name: &str) -> Result<bool, Errno> {
        let has_replaced = match self.rename_to_new(to, name) {
            Ok(()) => false,
            wrong => {
                // Not every file system can tell; and what is wrong otherwise is so here, too.
                let is_taken = wrong == Err(Errno::EXIST)
                    || statat(to, name, AtFlags::SYMLINK_NOFOLLOW).is_ok();
                renameat(&self.home.dir, &*self.text, to, name)?;
                is_taken
            }
        };
        // It is nobody's name now.
        self.text.clear();
        Ok(has_replaced)
    }

    /// The same, if nobody has the name. So it is known for sure, and costs a new name no call
    /// more than a plain rename.
    #[cfg(target_os = "linux")]
    fn rename_to_new(&self, to: &OwnedFd, name: &str) -> Result<(), Errno> {
        renameat_with(&self.home.dir, &*self.text, to, name, RenameFlags::NOREPLACE)
    }

    #[cfg(not(target_os = "linux"))]
    fn rename_to_new(&self, _: &OwnedFd, _: &str) -> Result<(), Errno> {
        Err(Errno::NOSYS)
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        if !self.text.is_empty() {
            let _ = unlinkat(&self.home.dir, &*self.text, AtFlags::empty());
        }
    }
}

impl KeepError {
    /// True if what should have a name was not there.
    fn is_missing(&self) -> bool {
        matches!(self, Self::Disk(wrong) if wrong.kind() == io::ErrorKind::NotFound)
    }

    /// What is wrong once it has its name.
    fn unknown(self) -> Self {
        match self {
            Self::Disk(wrong) => Self::Unknown(wrong),
            _ => Self::Unknown(io::Error::other("an earlier sync of its folder has failed")),
        }
    }
}

/// Who has made the folder just now has perhaps not synced it, nor who has made what is in it.
///
/// # Errors
///
/// If something was lost: that is not reported again.
fn sync_with_parent(dir: &OwnedFd) -> io::Result<()> {
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
    let parent = openat(dir, "..", flags, Mode::empty());
    for synced in [sync(dir), parent.map_or(Ok(()), sync)] {
        if let Err(wrong) = synced
            && is_loss(wrong)
        {
            let wrong = io::Error::from(wrong);
            return Err(io::Error::new(wrong.kind(), format!("it cannot be synced: {wrong}")));
        }
    }
    // If it has no sync at all, uploads will hear so.
    Ok(())
}

fn disk(wrong: Errno) -> KeepError {
    KeepError::Disk(wrong.into())
}

/// Why a folder on the way to a file cannot be opened.
fn not_folder(wrong: Errno) -> KeepError {
    match wrong {
        Errno::NOTDIR | Errno::LOOP | Errno::MLINK => KeepError::NotFolder,
        other => disk(other),
    }
}

/// Why a file cannot be linked to a folder.
fn not_linked(wrong: Errno) -> KeepError {
    match wrong {
        // Also what has another quota than the rest.
        Errno::XDEV => KeepError::OtherFileSystem,
        other => disk(other),
    }
}

fn open_folder(within: &OwnedFd, name: &str) -> Result<OwnedFd, Errno> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(within, name, flags, Mode::empty())
}

#[cfg(test)]
mod tests;
