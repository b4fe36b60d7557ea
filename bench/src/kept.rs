//! The folder that a server keeps uploads in.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::loader::Failure;
use crate::plan::Plan;
use crate::request;

/// A file system in memory: disks are not what is raced.
const MEMORY: &str = "/dev/shm";
/// Before the number of the process that made a folder.
const PREFIX: &str = "streamsum-bench-";

/// A new folder in memory. Goes with its value, and what is in it, too.
pub struct Kept(PathBuf);

impl Kept {
    /// Makes it, and removes those of races that were ended before they could.
    ///
    /// # Errors
    ///
    /// When there is no file system in memory.
    pub fn new() -> io::Result<Self> {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        sweep()?;
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let path = Path::new(MEMORY).join(format!("{PREFIX}{}-{number}", process::id()));
        fs::create_dir(&path)?;
        Ok(Self(path))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Finds out whether the content of each upload of a plan, by length, is there under its
    /// name, and nothing else but what is empty, as a lock is.
    ///
    /// # Errors
    ///
    /// At the first that is not.
    pub fn check(&self, plan: &Plan) -> Result<(), Failure> {
        for (upload, burst) in plan.bursts.iter().enumerate() {
            let name = request::name(upload);
            let wrong = |why: &str| Failure::NotKept(format!("{name}: {why}"));
            let file = File::open(self.0.join(&name)).map_err(|it| wrong(&it.to_string()))?;
            if !burst.is_content(file)? {
                return Err(wrong("not what was sent"));
            }
        }
        let mut filled = 0;
        for entry in fs::read_dir(&self.0)? {
            filled += usize::from(entry?.metadata()?.len() > 0);
        }
        let others = filled.saturating_sub(plan.bursts.len());
        if others > 0 {
            return Err(Failure::NotKept(format!("more files than uploads: {others}")));
        }
        Ok(())
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // If it is gone already, that is as well.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Gigabytes would stay until the machine is started again.
fn sweep() -> io::Result<()> {
    for entry in fs::read_dir(MEMORY)? {
        let entry = entry?;
        let name = entry.file_name();
        let made_by = || name.to_str()?.strip_prefix(PREFIX)?.split('-').next()?.parse().ok();
        let Some(made_by): Option<u32> = made_by() else { continue };
        if !Path::new("/proc").join(made_by.to_string()).exists() {
            // Another race may do the same.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::HEAD;

    /// A plan of two uploads, and a folder that has what they send.
    fn kept() -> (Plan, Kept) {
        let (plan, kept) = (Plan::uploads(2, 1_000_003, None), Kept::new().unwrap());
        for (upload, burst) in plan.bursts.iter().enumerate() {
            let mut wire: Vec<u8> = Vec::new();
            while (wire.len() as u64) < burst.wire_length() {
                burst.slices(wire.len() as u64).iter().for_each(|it| wire.extend_from_slice(it));
            }
            fs::write(kept.path().join(request::name(upload)), &wire[HEAD..]).unwrap();
        }
        (plan, kept)
    }

    fn wrong(plan: &Plan, kept: &Kept) -> String {
        kept.check(plan).unwrap_err().to_string()
    }

    #[test]
    fn what_was_sent_is_there() {
        let (plan, kept) = kept();
        fs::write(kept.path().join(".lock"), "").unwrap();
        kept.check(&plan).unwrap();
    }

    #[test]
    fn a_file_that_is_missing_or_another_is_found() {
        let (plan, kept) = kept();
        let path = kept.path().join(request::name(1));
        let right = fs::read(&path).unwrap();
        for at in [0, right.len() / 2, right.len() - 1] {
            let mut other = right.clone();
            other[at] ^= 1;
            fs::write(&path, other).unwrap();
            assert_eq!(wrong(&plan, &kept), "not kept: upload-1: not what was sent", "at {at}");
        }
        for other in [&right[..right.len() - 1], &[&right[..], b"x"].concat(), b""] {
            fs::write(&path, other).unwrap();
            assert_eq!(wrong(&plan, &kept), "not kept: upload-1: not what was sent");
        }
        fs::remove_file(&path).unwrap();
        assert!(wrong(&plan, &kept).starts_with("not kept: upload-1: No such file"));
    }

    #[test]
    fn what_is_left_beside_them_is_found() {
        let (plan, kept) = kept();
        fs::write(kept.path().join(".unfinished"), "x").unwrap();
        assert_eq!(wrong(&plan, &kept), "not kept: more files than uploads: 1");
    }

    #[test]
    fn folders_of_races_that_are_gone_are_removed() {
        // No process has a number as large.
        let left = Path::new(MEMORY).join(format!("{PREFIX}{}-0", u32::MAX));
        fs::create_dir_all(left.join("inner")).unwrap();
        let (one, other) = (Kept::new().unwrap(), Kept::new().unwrap());
        assert!(!left.exists());
        let paths = [&one, &other].map(|it| it.path().to_path_buf());
        assert!(paths.iter().all(|path| path.exists()));
        drop((one, other));
        assert!(paths.iter().all(|path| !path.exists()));
    }
}
