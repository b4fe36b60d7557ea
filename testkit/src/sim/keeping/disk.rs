//! A scripted disk: does what it was given when the game says so, in whatever order, and fails
//! when it is told to.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use streamsum::Now;
use streamsum::door::Key;
use streamsum::folder::{Crew, Draft, Duty, KeepError, Task, Volume};
use streamsum::resident::{Decide, Decisions, Resident};

/// Digits of the number with which each content begins, so that a file tells whose it is.
pub(super) const NUMBER: usize = 8;

// As Linux has them, and most others.
const EIO: i32 = 5;
const EMFILE: i32 = 24;
const ENOSPC: i32 = 28;

/// What fails next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// No descriptor for a file.
    Shortage,
    /// Making or writing.
    Broken,
    /// To sync a file, before it has its name.
    Unsynced,
    /// To sync the folder, when it has.
    Unknown,
}

/// What the disk has and does.
#[derive(Debug, Default)]
pub(super) struct State {
    /// By name.
    pub(super) files: BTreeMap<String, Vec<u8>>,
    /// Those who got their name, whether another has it now or not.
    pub(super) kept: Vec<usize>,
    /// How many of them have replaced another.
    pub(super) replaced: u64,
    /// Of whom it is not known whether they are kept.
    pub(super) unknown: Vec<usize>,
    /// What was written of each upload.
    pub(super) written: BTreeMap<usize, usize>,
    /// Files without a name.
    pub(super) drafts: usize,
    /// Bytes that still fit.
    pub(super) room: usize,
    pub(super) trouble: Option<Trouble>,
    /// How many calls have failed, for want of room or otherwise.
    pub(super) full: u64,
    pub(super) failed: u64,
    tasks: Vec<(Duty, Task)>,
    decisions: Decisions,
}

impl State {
    fn fails(&mut self, trouble: Trouble) -> io::Result<()> {
        if self.trouble != Some(trouble) {
            return Ok(());
        }
        self.trouble = None;
        self.failed += 1;
        Err(io::Error::from_raw_os_error(match trouble {
            Trouble::Shortage => EMFILE,
            _ => EIO,
        }))
    }

    pub(super) fn waiting(&self) -> usize {
        self.tasks.len()
    }

    /// True if content of an upload is in the hands of the disk.
    pub(super) fn has_content(&self) -> bool {
        self.tasks.iter().any(|(duty, _)| *duty != Duty::Make)
    }
}

/// The far end of a disk, of its threads and of the loop's mail.
#[derive(Clone, Debug, Default)]
pub(super) struct Script(Arc<Mutex<State>>);

impl Script {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does one of the tasks that wait.
    pub(super) fn run(&self, number: usize) {
        let (_, task) = self.state().tasks.swap_remove(number);
        task.run();
    }
}

impl Crew for Script {
    fn run(&self, duty: Duty, tasks: Vec<Task>) {
        self.state().tasks.extend(tasks.into_iter().map(|task| (duty, task)));
    }

    fn waiting(&self) -> usize {
        self.state().waiting()
    }
}

impl Decide for Script {
    fn decide(&self, decisions: &mut Decisions) {
        self.state().decisions.append(decisions);
    }
}

/// Brings to the loop what was decided.
impl Resident for Script {
    fn deadline(&self, now: Now) -> Option<Instant> {
        (!self.state().decisions.is_empty()).then_some(now.monotonic)
    }

    fn work(&mut self, _: Now, decisions: &mut Decisions) {
        decisions.append(&mut self.state().decisions);
    }
}

impl Volume for Script {
    fn probe(&self, key: &Key, replaces: bool) -> Result<(), KeepError> {
        let is_taken = self.state().files.contains_key(key.as_str());
        if is_taken && !replaces { Err(KeepError::Exists) } else { Ok(()) }
    }

    fn create(&self) -> io::Result<Box<dyn Draft>> {
        let mut state = self.state();
        state.fails(Trouble::Shortage)?;
        state.fails(Trouble::Broken)?;
        state.drafts += 1;
        Ok(Box::new(Unnamed { disk: self.clone(), content: Vec::new() }))
    }

    fn free(&self) -> io::Result<u64> {
        Ok(self.state().room as u64)
    }
}

struct Unnamed {
    disk: Script,
    content: Vec<u8>,
}

impl Unnamed {
    fn number(&self) -> usize {
        let digits = self.content.get(..NUMBER).expect("a piece of that length");
        std::str::from_utf8(digits).expect("digits").parse().expect("a number")
    }
}

impl Draft for Unnamed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let disk = self.disk.clone();
        let mut state = disk.state();
        state.fails(Trouble::Broken)?;
        if state.room < bytes.len() {
            state.full += 1;
            return Err(io::Error::from_raw_os_error(ENOSPC));
        }
        state.room -= bytes.len();
        self.content.extend(bytes);
        if self.content.len() >= NUMBER {
            state.written.insert(self.number(), self.content.len());
        }
        Ok(())
    }

    fn keep(self: Box<Self>, key: &Key, replaces: bool) -> Result<bool, KeepError> {
        let disk = self.disk.clone();
        let mut state = disk.state();
        state.fails(Trouble::Unsynced)?;
        let name = key.as_str().to_owned();
        let is_taken = state.files.contains_key(&name);
        if is_taken && !replaces {
            drop(state);
            return Err(KeepError::Exists);
        }
        let number = self.number();
        // The room of what it replaces is not given back.
        state.files.insert(name, self.content.clone());
        if let Err(wrong) = state.fails(Trouble::Unknown) {
            state.unknown.push(number);
            drop(state);
            return Err(KeepError::Unknown(wrong));
        }
        state.kept.push(number);
        state.replaced += u64::from(is_taken);
        drop(state);
        Ok(is_taken)
    }
}

impl Drop for Unnamed {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        state.drafts -= 1;
    }
}
