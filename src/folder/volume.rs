//! What a folder is to the handler that keeps uploads in it: a [`Volume`], which makes files
//! without a name, each a [`Draft`].

use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;

use super::root::{Root, Unfinished};
use crate::door::Key;

/// Where files are made, and what they may be named. A folder of the file system is one; a program
/// may have another one, for example in memory for its tests: see [`Disk::of`](super::Disk::of).
///
/// All methods may wait, and are called by the threads of a [`Crew`](super::Crew).
///
/// # Example
///
/// ```
/// use std::io;
/// use streamsum::door::Key;
/// use streamsum::folder::{Draft, KeepError, Volume};
///
/// /// Takes everything, and keeps nothing.
/// struct Nowhere;
///
/// impl Volume for Nowhere {
///     fn probe(&self, _: &Key, _: bool) -> Result<(), KeepError> {
///         Ok(())
///     }
///
///     fn create(&self) -> io::Result<Box<dyn Draft>> {
///         Ok(Box::new(Nowhere))
///     }
///
///     fn free(&self) -> io::Result<u64> {
///         Ok(u64::MAX)
///     }
/// }
///
/// impl Draft for Nowhere {
///     fn write(&mut self, _: &[u8]) -> io::Result<()> {
///         Ok(())
///     }
///
///     fn keep(self: Box<Self>, _: &Key, _: bool) -> Result<bool, KeepError> {
///         Ok(false)
///     }
/// }
/// # let _ = Nowhere.create();
/// ```
pub trait Volume: Send + Sync {
    /// Whether a file could get this name now, and what has it may be replaced: so that a client
    /// hears before it sends that it cannot. Until the file is [kept](Draft::keep) that may change.
    ///
    /// # Errors
    ///
    /// [`KeepError`], as keeping would fail.
    fn probe(&self, key: &Key, replaces: bool) -> Result<(), KeepError>;

    /// Makes a file without a name.
    ///
    /// # Errors
    ///
    /// What the file system says. A full disk is [`io::ErrorKind::StorageFull`].
    fn create(&self) -> io::Result<Box<dyn Draft>>;

    /// Bytes that are free.
    ///
    /// # Errors
    ///
    /// If that cannot be known.
    fn free(&self) -> io::Result<u64>;
}

/// A file that has no name yet. If it is dropped, nothing of it is left.
///
/// [`Volume`] has an example.
pub trait Draft: Send {
    /// Appends content.
    ///
    /// # Errors
    ///
    /// As [`Volume::create`].
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Gives it its name, in place of what had that name if it may be replaced, and waits until
    /// both are where a crash does no harm. True if it has replaced another.
    ///
    /// # Errors
    ///
    /// [`KeepError`]; nothing is left of the file then, unless that is unknown.
    fn keep(self: Box<Self>, key: &Key, replaces: bool) -> Result<bool, KeepError>;
}

/// Why a file was not kept under its name.
///
/// # Example
///
/// ```
/// use streamsum::folder::KeepError;
///
/// assert_eq!(KeepError::IsFolder.to_string(), "that name is a folder's");
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum KeepError {
    /// There is one of that name already, which is not to be replaced.
    Exists,
    /// A folder has that name.
    IsFolder,
    /// A file, or a link, stands where a folder would have to be.
    NotFolder,
    /// A folder on the way is of another file system than the rest, to which no file can be moved.
    OtherFileSystem,
    /// A sync of a folder on the way has failed once: what was lost then is not known, so nothing
    /// is kept there any more.
    Lost,
    /// The name may stand for what was there before, or for the upload.
    Unknown(io::Error),
    /// The file system has failed.
    Disk(io::Error),
}

impl fmt::Display for KeepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exists => "there is an upload of that name already",
            Self::IsFolder => "that name is a folder's",
            Self::NotFolder => "there is no folder where one would have to be",
            Self::OtherFileSystem => "another file system is mounted there",
            Self::Lost => "the folder could not be synced",
            Self::Unknown(_) => "it is not known whether the upload is kept",
            Self::Disk(_) => "it could not be kept",
        })
    }
}

impl Error for KeepError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unknown(wrong) | Self::Disk(wrong) => Some(wrong),
            _ => None,
        }
    }
}

impl From<io::Error> for KeepError {
    fn from(wrong: io::Error) -> Self {
        Self::Disk(wrong)
    }
}

/// A file of a folder.
struct InFolder {
    root: Arc<Root>,
    file: Unfinished,
}

impl Volume for Arc<Root> {
    fn probe(&self, key: &Key, replaces: bool) -> Result<(), KeepError> {
        Root::probe(self, key, replaces)
    }

    fn create(&self) -> io::Result<Box<dyn Draft>> {
        let file = Root::create(self)?;
        Ok(Box::new(InFolder { root: Arc::clone(self), file }))
    }

    fn free(&self) -> io::Result<u64> {
        Root::free(self)
    }
}

impl Draft for InFolder {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.file().write_all(bytes)
    }

    fn keep(self: Box<Self>, key: &Key, replaces: bool) -> Result<bool, KeepError> {
        self.root.keep(self.file, key, replaces)
    }
}
