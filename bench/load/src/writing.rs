//! Files written as a server has to that keeps uploads, and nothing else done: what keeping the
//! same uploads costs at least.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use testkit::content::content;

/// As long as streamsum's own.
const BUFFER: usize = 84 << 10;

/// Writes `count` new files of `length` bytes each, `write-0` and so on. They get their content
/// in turn, a piece at a time of one buffer.
///
/// # Errors
///
/// When one is there already, or cannot be written.
pub fn write_files(folder: &Path, count: usize, length: u64) -> io::Result<()> {
    let buffer = content(BUFFER, 0);
    let name = |number| folder.join(format!("write-{number}"));
    let mut files =
        (0..count).map(|number| File::create_new(name(number))).collect::<Result<Vec<_>, _>>()?;
    let mut left = length;
    while left > 0 {
        let piece = &buffer[..left.min(BUFFER as u64) as usize];
        for file in &mut files {
            file.write_all(piece)?;
        }
        left -= piece.len() as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{env, fs, process};

    use super::*;

    #[test]
    fn files_have_their_length() {
        let folder = env::temp_dir().join(format!("streamsum-writing-{}", process::id()));
        fs::create_dir(&folder).unwrap();
        let length = 2 * BUFFER as u64 + 5;
        write_files(&folder, 3, length).unwrap();
        let twice = write_files(&folder, 3, length);
        let lengths = ["write-0", "write-1", "write-2"]
            .map(|name| fs::metadata(folder.join(name)).map(|found| found.len()).unwrap_or(0));
        let files = fs::read_dir(&folder).unwrap().count();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!((lengths, files), ([length; 3], 3));
        assert_eq!(twice.unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    }
}
