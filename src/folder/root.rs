//! The folder on disk: files that have no name yet, and how they get it.
//!
//! ```text
//! create ─► content ─► fsync ─► make folders ─► link to an unfinished name ─► rename ─► fsync
//! unnamed   of many    of the   and fsync what  or to the name itself, if it  over the  of the
//! file      pieces     file     they are in     must not replace another      name      folder
//! ```
//!
//! All paths are walked from one open folder, component by component, and no link is followed: no
//! key leads out of it. Where the file system has no unnamed files, they have an unfinished name
//! from the start.
//!
//! Unfinished names begin with `.streamsum-`, and with a word of their process, which keeps a file
//! of that word locked as long as it lives. When a folder is opened, what processes have left that
//! live no more is removed: nothing of one that lives is ever touched.

use std::collections::HashSet;
use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{
    AtFlags, CWD, FileType, FlockOperation, Mode, OFlags, flock, fstat, fstatvfs, fsync, linkat,
    mkdirat, openat, renameat, statat, unlinkat,
};
use rustix::io::Errno;

use crate::door::Key;

/// How the names begin that nobody else is to use.
const UNFINISHED: &str = ".streamsum-";
const LOCK: &str = ".lock";
/// For the owner to write and his group to read; less what the umask takes.
const FILE_MODE: u32 = 0o640;
/// For a folder that is made; less what the umask takes.
const FOLDER_MODE: u32 = 0o777;

/// An open folder.
#[derive(Debug)]
pub(super) struct Root {
    dir: Arc<OwnedFd>,
    /// How the unfinished names of this process begin.
    word: String,
    serial: AtomicU64,
    synced: Synced,
    /// True if a file can be without a name until it is whole.
    has_unnamed: bool,
    /// Locked, so that nobody takes this process for dead.
    _lock: OwnedFd,
}

/// A file that is not kept yet; it is gone when this is dropped.
#[derive(Debug)]
pub(super) struct Unfinished {
    file: File,
    name: Option<Name>,
}

/// An unfinished name, which is removed with this.
#[derive(Debug)]
struct Name {
    dir: Arc<OwnedFd>,
    text: String,
}

/// Why a file was not kept under its name.
#[derive(Debug)]
pub(super) enum KeepError {
    /// There is one of that name already, which is not to be replaced.
    Exists,
    /// A folder has that name.
    IsFolder,
    /// A file, or a link, stands where a folder would have to be.
    NotFolder,
    /// The name may stand for what was there before, or for the upload.
    Unknown(io::Error),
    Disk(io::Error),
}

impl From<Errno> for KeepError {
    fn from(wrong: Errno) -> Self {
        Self::Disk(wrong.into())
    }
}

impl From<io::Error> for KeepError {
    fn from(wrong: io::Error) -> Self {
        Self::Disk(wrong)
    }
}

impl Root {
    /// Opens a folder, and removes what dead processes have left in it.
    ///
    /// # Errors
    ///
    /// If it is no folder, cannot be written, or does not tell names apart by their case.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let dir = openat(CWD, path, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        sweep(path, &dir)?;
        let (word, lock) = lock(&dir)?;
        // Who has made the folder just now has perhaps not synced it. If that fails, it will fail
        // for uploads, too.
        let _ = fsync(&dir);
        if let Ok(parent) = openat(&dir, "..", OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()) {
            let _ = fsync(parent);
        }
        let dir = Arc::new(dir);
        let mut root = Self {
            dir,
            word,
            serial: AtomicU64::new(0),
            synced: Synced::default(),
            has_unnamed: true,
            _lock: lock,
        };
        root.has_unnamed = root.can_link_unnamed();
        root.check_case()?;
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
            match openat(&*self.dir, &*text, flags, Mode::from_raw_mode(FILE_MODE)) {
                Ok(file) => {
                    let name = Name { dir: Arc::clone(&self.dir), text };
                    return Ok(Unfinished { file: file.into(), name: Some(name) });
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
        Ok(openat(&*self.dir, ".", flags, Mode::from_raw_mode(FILE_MODE))?.into())
    }

    #[cfg(not(target_os = "linux"))]
    fn create_unnamed(&self) -> io::Result<File> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Gives a whole file its name, and waits until both are on disk.
    ///
    /// # Errors
    ///
    /// [`KeepError`]; nothing is left of the file then, unless that is unknown.
    pub(super) fn keep(
        &self,
        unfinished: Unfinished,
        key: &Key,
        replaces: bool,
    ) -> Result<(), KeepError> {
        fsync(&unfinished.file)?;
        let parent = self.make_parents(key)?;
        let Some(name) = key.segments().last() else { unreachable!("a key has a segment") };
        if replaces {
            let from = unfinished.named(self)?;
            renameat(&*self.dir, &*from.text, &parent, name).map_err(|wrong| match wrong {
                Errno::ISDIR | Errno::EXIST | Errno::NOTEMPTY => KeepError::IsFolder,
                other => other.into(),
            })?;
            from.has_moved();
        } else {
            unfinished.link(&parent, name).map_err(|wrong| match wrong {
                Errno::EXIST => KeepError::Exists,
                other => other.into(),
            })?;
        }
        fsync(&parent).map_err(|wrong| KeepError::Unknown(wrong.into()))
    }

    /// Whether a file could get this name now: so that a client hears before it sends that it
    /// cannot. Until the file is [kept](Root::keep) that may change.
    pub(super) fn probe(&self, key: &Key, replaces: bool) -> Result<(), KeepError> {
        let mut folder = self.dir.try_clone().map_err(KeepError::Disk)?;
        let mut segments = key.segments().peekable();
        while let Some(segment) = segments.next() {
            if segments.peek().is_some() {
                folder = match open_folder(&folder, segment) {
                    // It will be made.
                    Err(Errno::NOENT) => return Ok(()),
                    other => other.map_err(not_folder)?,
                };
                continue;
            }
            match statat(&folder, segment, AtFlags::SYMLINK_NOFOLLOW) {
                Err(Errno::NOENT) => {}
                Err(wrong) => return Err(wrong.into()),
                Ok(found) if FileType::from_raw_mode(found.st_mode) == FileType::Directory => {
                    return Err(KeepError::IsFolder);
                }
                Ok(_) if !replaces => return Err(KeepError::Exists),
                Ok(_) => {}
            }
        }
        Ok(())
    }

    /// The folder in which a key's file belongs. It is on disk with all that lead to it, whoever
    /// has made them.
    fn make_parents(&self, key: &Key) -> Result<OwnedFd, KeepError> {
        let mut folder = self.dir.try_clone().map_err(KeepError::Disk)?;
        let mut segments = key.segments().peekable();
        while let Some(segment) = segments.next() {
            if segments.peek().is_none() {
                break;
            }
            let mut opened = open_folder(&folder, segment);
            let is_missing = matches!(opened, Err(Errno::NOENT));
            if is_missing {
                match mkdirat(&folder, segment, Mode::from_raw_mode(FOLDER_MODE)) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(wrong) => return Err(wrong.into()),
                }
                opened = open_folder(&folder, segment);
            }
            let inner = opened.map_err(not_folder)?;
            // If it was there, another upload may have made it, or a process that was killed.
            if is_missing || !self.synced.has(&folder, segment)? {
                fsync(&folder)?;
                self.synced.add(&folder, segment)?;
            }
            folder = inner;
        }
        Ok(folder)
    }

    /// Bytes that are free for this process.
    pub(super) fn free(&self) -> io::Result<u64> {
        let system = fstatvfs(&*self.dir)?;
        Ok(system.f_bavail.saturating_mul(system.f_frsize))
    }

    fn unfinished(&self) -> String {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        format!("{}-{serial}", self.word)
    }

    /// True if an unnamed file can be made here, and given a name.
    fn can_link_unnamed(&self) -> bool {
        let Ok(file) = self.create_unnamed() else { return false };
        let text = self.unfinished();
        let is_linked = Unfinished { file, name: None }.link(&self.dir, &text).is_ok();
        if is_linked {
            drop(Name { dir: Arc::clone(&self.dir), text });
        }
        is_linked
    }

    fn check_case(&self) -> io::Result<()> {
        let name = self.unfinished();
        let (lower, upper) = (format!("{name}-case"), format!("{name}-CASE"));
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        openat(&*self.dir, &*upper, flags, Mode::from_raw_mode(FILE_MODE))?;
        let _upper = Name { dir: Arc::clone(&self.dir), text: upper };
        match statat(&*self.dir, lower, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => Ok(()),
            _ => Err(io::Error::other("its file system takes `a` and `A` for one name")),
        }
    }
}

/// The names go with the process that they are of.
impl Drop for Root {
    fn drop(&mut self) {
        let _ = unlinkat(&*self.dir, format!("{}{LOCK}", self.word), AtFlags::empty());
    }
}

impl Unfinished {
    pub(super) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Links it to a name that must not be there.
    fn link(&self, to: &OwnedFd, name: &str) -> Result<(), Errno> {
        match &self.name {
            Some(own) => linkat(&*own.dir, &*own.text, to, name, AtFlags::empty()),
            None => {
                let path = format!("/proc/self/fd/{}", self.file.as_raw_fd());
                linkat(CWD, path, to, name, AtFlags::SYMLINK_FOLLOW)
            }
        }
    }

    /// Its unfinished name, which it gets if it has none.
    fn named(mut self, root: &Root) -> Result<Name, Errno> {
        if let Some(name) = self.name.take() {
            return Ok(name);
        }
        loop {
            let text = root.unfinished();
            match self.link(&root.dir, &text) {
                Ok(()) => return Ok(Name { dir: Arc::clone(&root.dir), text }),
                // Somebody else's: the next is free.
                Err(Errno::EXIST) => {}
                Err(wrong) => return Err(wrong),
            }
        }
    }
}

impl Name {
    /// It is another's name now, or nobody's.
    fn has_moved(mut self) {
        self.text.clear();
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        if !self.text.is_empty() {
            let _ = unlinkat(&*self.dir, &*self.text, AtFlags::empty());
        }
    }
}

/// Names of folders that are known to be on disk, with the folders that they are in.
#[derive(Debug, Default)]
struct Synced(Mutex<HashSet<(u64, u64, Box<str>)>>);

impl Synced {
    /// A folder that is forgotten costs a sync.
    const MOST: usize = 4096;

    fn has(&self, within: &OwnedFd, name: &str) -> Result<bool, Errno> {
        let entry = entry(within, name)?;
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&entry))
    }

    fn add(&self, within: &OwnedFd, name: &str) -> Result<(), Errno> {
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

/// Why a folder on the way to a file cannot be opened.
fn not_folder(wrong: Errno) -> KeepError {
    match wrong {
        Errno::NOTDIR | Errno::LOOP | Errno::MLINK => KeepError::NotFolder,
        other => other.into(),
    }
}

fn open_folder(within: &OwnedFd, name: &str) -> Result<OwnedFd, Errno> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(within, name, flags, Mode::empty())
}

/// A word for this process, and the file of that word, locked.
fn lock(dir: &OwnedFd) -> io::Result<(String, OwnedFd)> {
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
fn sweep(path: &Path, dir: &OwnedFd) -> io::Result<()> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::door::{KeyRules, Place};
    use std::io::Write;
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    /// A folder of a test's own.
    struct Scratch(PathBuf);

    impl Scratch {
        fn make() -> Self {
            static NEXT: AtomicU64 = AtomicU64::new(0);
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!("streamsum-root-{}-{number}", process::id());
            let path = std::env::temp_dir().join(name);
            fs::create_dir(&path).expect("a folder");
            Self(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn key(target: &str) -> Key {
        match Place::of(target, &KeyRules::default()) {
            Ok(Place::Named(key)) => key,
            other => panic!("{other:?}"),
        }
    }

    fn keep(root: &Root, target: &str, content: &[u8], replaces: bool) -> Result<(), KeepError> {
        let mut unfinished = root.create().expect("a file");
        unfinished.file().write_all(content).expect("room");
        root.keep(unfinished, &key(target), replaces)
    }

    /// All that is there but locks, as paths relative to the folder, in order.
    fn listed(folder: &Path) -> Vec<String> {
        let mut paths = vec![folder.to_path_buf()];
        let mut files = Vec::new();
        while let Some(path) = paths.pop() {
            if path.symlink_metadata().expect("it is there").is_dir() {
                paths.extend(
                    fs::read_dir(path).expect("a folder").map(|one| one.expect("one").path()),
                );
            } else if !path.to_string_lossy().ends_with(LOCK) {
                let relative = path.strip_prefix(folder).expect("within");
                files.push(relative.to_string_lossy().into_owned());
            }
        }
        files.sort();
        files
    }

    /// Both ways of making files.
    fn both_ways(check: impl Fn(&Root, &Path)) {
        for has_unnamed in [true, false] {
            let scratch = Scratch::make();
            let folder = scratch.0.join("box");
            fs::create_dir(&folder).expect("a folder");
            let mut root = Root::open(&folder).expect("a folder");
            // Where the file system has none, both are the same.
            root.has_unnamed &= has_unnamed;
            check(&root, &folder);
        }
    }

    #[test]
    fn file_is_there_when_it_is_kept_and_not_before() {
        both_ways(|root, folder| {
            let mut unfinished = root.create().expect("a file");
            unfinished.file().write_all(b"abc").expect("room");
            assert!(!folder.join("a").exists());
            root.keep(unfinished, &key("/a/b/c"), true).expect("it is kept");
            assert_eq!(fs::read(folder.join("a/b/c")).expect("the file"), b"abc");
            keep(root, "/a/b/c", b"other", true).expect("it is replaced");
            assert_eq!(fs::read(folder.join("a/b/c")).expect("the file"), b"other");
            keep(root, "/a/d", b"", true).expect("beside it");
            assert_eq!(listed(folder), ["a/b/c", "a/d"]);
        });
    }

    #[test]
    fn file_that_is_dropped_leaves_nothing() {
        both_ways(|root, folder| {
            drop(root.create().expect("a file"));
            assert_eq!(listed(folder), [""; 0]);
        });
    }

    #[test]
    fn unfinished_name_of_somebody_else_is_left_alone() {
        both_ways(|root, folder| {
            let next = root.serial.load(Ordering::Relaxed);
            let others = [next, next + 1].map(|serial| format!("{}-{serial}", root.word));
            for name in &others {
                fs::write(folder.join(name), b"other").expect("a file");
            }
            keep(root, "/a", b"mine", true).expect("it is kept");
            assert_eq!(fs::read(folder.join("a")).expect("the file"), b"mine");
            for name in &others {
                assert_eq!(fs::read(folder.join(name)).expect("it is there"), b"other");
            }
        });
    }

    #[test]
    fn name_that_is_taken_stays_if_it_is_not_to_be_replaced() {
        both_ways(|root, folder| {
            keep(root, "/a", b"first", false).expect("it is free");
            let taken = keep(root, "/a", b"second", false);
            assert!(matches!(taken, Err(KeepError::Exists)), "{taken:?}");
            assert!(matches!(root.probe(&key("/a"), false), Err(KeepError::Exists)));
            root.probe(&key("/a"), true).expect("it may be replaced");
            assert_eq!(fs::read(folder.join("a")).expect("the file"), b"first");
            assert_eq!(listed(folder), ["a"]);
        });
    }

    #[test]
    fn file_is_no_folder_and_a_folder_no_file() {
        both_ways(|root, folder| {
            keep(root, "/a/b", b"", true).expect("it is free");
            for (target, is_folder) in [("/a", true), ("/a/b/c", false), ("/a/b/c/d", false)] {
                for found in [keep(root, target, b"x", true), root.probe(&key(target), true)] {
                    let found = found.expect_err(target);
                    let expected = match is_folder {
                        true => matches!(found, KeepError::IsFolder),
                        false => matches!(found, KeepError::NotFolder),
                    };
                    assert!(expected, "{target}: {found:?}");
                }
            }
            assert_eq!(listed(folder), ["a/b"]);
        });
    }

    #[test]
    fn no_link_is_followed() {
        both_ways(|root, folder| {
            let outside = folder.with_file_name("outside");
            fs::create_dir(&outside).expect("a folder");
            fs::write(outside.join("file"), b"safe").expect("a file");
            symlink(&outside, folder.join("link")).expect("a link");
            symlink(outside.join("file"), folder.join("name")).expect("a link");
            symlink(outside.join("new"), folder.join("loose")).expect("a link");
            let led_out = keep(root, "/link/file", b"x", true);
            assert!(matches!(led_out, Err(KeepError::NotFolder)), "{led_out:?}");
            for name in ["/name", "/loose"] {
                let taken = keep(root, name, b"x", false);
                assert!(matches!(taken, Err(KeepError::Exists)), "{taken:?}");
                keep(root, name, b"mine", true).expect("the link is replaced");
                assert_eq!(fs::read(folder.join(&name[1..])).expect("a file"), b"mine");
            }
            assert_eq!(listed(&outside), ["file"]);
            assert_eq!(fs::read(outside.join("file")).expect("it is there"), b"safe");
        });
    }

    #[test]
    fn what_the_dead_have_left_is_removed_and_nothing_else() {
        let scratch = Scratch::make();
        let folder = scratch.0.join("box");
        fs::create_dir(&folder).expect("a folder");
        let mut living = Root::open(&folder).expect("a folder");
        living.has_unnamed = false;
        let under_way = living.create().expect("a file");
        for name in [".streamsum-1-0.lock", ".streamsum-1-0-7", ".streamsum-1-0-71", ".hidden", "a"]
        {
            fs::write(folder.join(name), b"").expect("a file");
        }
        let second = Root::open(&folder).expect("a second");
        let Name { text, .. } = under_way.name.as_ref().expect("it has one");
        let mut expected = vec![".hidden".to_owned(), text.clone(), "a".to_owned()];
        expected.sort();
        assert_eq!(listed(&folder), expected);
        assert_ne!(living.word, second.word, "two may be in one process");
        drop(second);
        root_keeps(living, under_way, &folder);
    }

    /// The one that lives can go on.
    fn root_keeps(living: Root, under_way: Unfinished, folder: &Path) {
        living.keep(under_way, &key("/b"), true).expect("it was not touched");
        drop(living);
        assert_eq!(listed(folder), [".hidden", "a", "b"]);
        assert_eq!(fs::read_dir(folder).expect("a folder").count(), 3, "no lock is left");
    }

    #[test]
    fn what_is_no_folder_cannot_be_opened() {
        let scratch = Scratch::make();
        let file = scratch.0.join("file");
        fs::write(&file, b"").expect("a file");
        assert!(Root::open(&file).is_err());
        assert!(Root::open(&scratch.0.join("missing")).is_err());
    }
}
