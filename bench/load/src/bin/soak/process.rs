//! The server from outside: its memory and its descriptors, from `/proc`.

use std::fmt::{self, Display, Formatter};
use std::io;
use std::path::PathBuf;

/// The process of the server.
pub(crate) struct Process {
    folder: PathBuf,
}

/// What it holds at one moment.
#[derive(Clone, Copy)]
pub(crate) struct Holding {
    pub(crate) resident_kib: u64,
    pub(crate) descriptors: usize,
}

impl Process {
    pub(crate) fn new(id: u32) -> Self {
        Self { folder: format!("/proc/{id}").into() }
    }

    pub(crate) fn holding(&self) -> io::Result<Holding> {
        Ok(Holding { resident_kib: self.resident_kib()?, descriptors: self.descriptors()? })
    }

    pub(crate) fn descriptors(&self) -> io::Result<usize> {
        Ok(std::fs::read_dir(self.folder.join("fd"))?.count())
    }

    /// `VmRSS`.
    fn resident_kib(&self) -> io::Result<u64> {
        let status = std::fs::read_to_string(self.folder.join("status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        number.ok_or_else(|| io::Error::other("no VmRSS in the process's status"))
    }
}

impl Display for Holding {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} KiB resident, {} descriptors", self.resident_kib, self.descriptors)
    }
}
