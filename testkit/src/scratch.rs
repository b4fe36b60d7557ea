//! Files of a test's own: what curl uploads, where a Unix socket is to be.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

/// A new and empty folder, which goes with all that is in it when this is dropped.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes one among the temporary files of the system.
    pub fn make() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("streamsum-{}-{number}", process::id()));
        fs::create_dir(&path).expect("a folder of its own");
        Self { path }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where a file of this name is, or may be made.
    pub fn place(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// A new file with this content.
    pub fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.place(name);
        fs::write(&path, content).expect("a temporary file");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}
