//! A volume, and who works on it: what the handlers of all workers share.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::afterword::OnLeft;
use super::counters::{Counters, Tally};
use super::crew::{Crew, Threads};
use super::kept_upload::{KeptUpload, OnKept};
use super::root::Root;
use super::volume::Volume;

const MAX_WAITING: usize = 16_384;

/// A folder, and the threads that wait for its disk; shared by the handlers of all workers.
///
/// The [module page](super) has an example.
#[derive(Clone)]
pub struct Disk {
    pub(super) volume: Arc<dyn Volume>,
    /// Its threads hold nothing of this but the volume: the last to be dropped is none of them.
    pub(super) crew: Arc<dyn Crew>,
    pub(super) min_free: Option<u64>,
    pub(super) max_waiting: usize,
    pub(super) tally: Arc<Tally>,
    pub(super) on_kept: Option<OnKept>,
    pub(super) on_left: Option<OnLeft>,
}

impl Disk {
    /// Opens a folder that is there, and removes what processes have left unfinished in it that
    /// live no more.
    ///
    /// # Errors
    ///
    /// If it is no folder, cannot be written or synced, its file system takes two names for one, or
    /// there are no threads left.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let root = Arc::new(Root::open(path.as_ref())?);
        Ok(Self::of(root, Threads::start()?))
    }

    /// A volume of the program's own, and who works on it.
    #[must_use]
    pub fn of(volume: impl Volume + 'static, crew: impl Crew + 'static) -> Self {
        let (volume, crew) = (Arc::new(volume), Arc::new(crew));
        let (min_free, max_waiting) = (None, MAX_WAITING);
        Self {
            volume,
            crew,
            min_free,
            max_waiting,
            tally: Arc::default(),
            on_kept: None,
            on_left: None,
        }
    }

    /// Takes no new upload while fewer bytes than this are free: 507, before a client that waits
    /// for 100 Continue has sent any. `None`, which is the default, is no bound.
    #[must_use]
    pub fn min_free(mut self, bytes: impl Into<Option<u64>>) -> Self {
        self.min_free = bytes.into();
        self
    }

    /// Takes no new upload while more than so many tasks wait for the disk: 503. Clients may have left
    /// them, so that connections alone do not bound them. Default 16,384.
    #[must_use]
    pub fn max_waiting(mut self, tasks: usize) -> Self {
        self.max_waiting = tasks;
        self
    }

    /// Has this called with each upload that is kept, when all of it is on disk, and right before
    /// its client hears so: by one of the threads that sync files, so that others wait while it
    /// runs. It hands on what it is told, and does no work of its own. If it panics, the upload is
    /// kept nevertheless. Only the last one that was set is called.
    ///
    /// # Example
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use streamsum::folder::Disk;
    ///
    /// # let path = std::env::temp_dir().join(format!("streamsum-told-{}", std::process::id()));
    /// # std::fs::create_dir_all(&path)?;
    /// let (tell, told) = mpsc::channel();
    /// let disk = Disk::open(&path)?.on_kept(move |upload| {
    ///     // Nobody may listen any more.
    ///     let _ = tell.send((upload.key().clone(), upload.length()));
    /// });
    /// # let _ = (disk, told);
    /// # std::fs::remove_dir_all(path)?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn on_kept(mut self, tell: impl Fn(&KeptUpload<'_>) + Send + Sync + 'static) -> Self {
        self.on_kept = Some(Arc::new(tell));
        self
    }

    /// Has this called with how an upload has ended, in a few words for a log, if its client has
    /// left while it was being kept: that goes on, and nobody else hears of it. It is called by a
    /// thread that syncs files, or by the loop, and hands on what it is told. Only the last one
    /// that was set is called.
    ///
    /// # Example
    ///
    /// ```
    /// use streamsum::folder::Disk;
    ///
    /// # let path = std::env::temp_dir().join(format!("streamsum-left-{}", std::process::id()));
    /// # std::fs::create_dir_all(&path)?;
    /// let disk = Disk::open(&path)?.on_left(|words| eprintln!("{words}"));
    /// # let _ = disk;
    /// # std::fs::remove_dir_all(path)?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn on_left(mut self, tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.on_left = Some(Arc::new(tell));
        self
    }

    /// What has become of the uploads so far, which is cheap to ask. [`Counters`] has an example.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.tally.counters()
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk")
            .field("min_free", &self.min_free)
            .field("max_waiting", &self.max_waiting)
            .finish_non_exhaustive()
    }
}
