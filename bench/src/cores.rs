//! Which cores server and loader run on.
//!
//! A thread is pinned before it starts a server, which inherits that, and all the
//! server's threads with it.

use std::io;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

/// Where a contestant's server runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// On a core of its own, and the loader on another.
    OneCore,
    /// On all cores, and the loader too.
    AllCores,
    /// On the loader's core: what the work needs beside a server.
    BesideLoader,
}

/// The cores that this process may use.
#[derive(Clone, Copy, Debug)]
pub struct Cores {
    all: CpuSet,
    server: CpuSet,
    loader: CpuSet,
}

impl Cores {
    /// The first for servers, the second for the loader.
    ///
    /// # Errors
    ///
    /// When there are not two.
    pub fn find() -> io::Result<Self> {
        let all = sched_getaffinity(Pid::from_raw(0))?;
        let mut found = (0..CpuSet::count()).filter(|core| all.is_set(*core).unwrap_or(false));
        let (Some(server), Some(loader)) = (found.next(), found.next()) else {
            return Err(io::Error::other("one core for servers and one for the loader are needed"));
        };
        Ok(Self { all, server: only(server)?, loader: only(loader)? })
    }

    /// Moves this thread, and what it starts from now on, to where servers run.
    ///
    /// # Errors
    ///
    /// When the kernel refuses.
    pub fn go_to_server(&self, place: Place) -> io::Result<()> {
        go_to(match place {
            Place::OneCore => &self.server,
            Place::AllCores => &self.all,
            Place::BesideLoader => &self.loader,
        })
    }

    /// Moves this thread to where the loader runs.
    ///
    /// # Errors
    ///
    /// When the kernel refuses.
    pub fn go_to_loader(&self, place: Place) -> io::Result<()> {
        go_to(match place {
            Place::OneCore | Place::BesideLoader => &self.loader,
            Place::AllCores => &self.all,
        })
    }
}

fn only(core: usize) -> io::Result<CpuSet> {
    let mut set = CpuSet::new();
    set.set(core)?;
    Ok(set)
}

fn go_to(cores: &CpuSet) -> io::Result<()> {
    Ok(sched_setaffinity(Pid::from_raw(0), cores)?)
}
