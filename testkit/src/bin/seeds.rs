//! Writes all seeds of all fuzz targets, each into a folder of its target's name, below
//! `fuzz/corpus` or below the folder that is given:
//!
//! ```text
//! cargo run -p streamsum-testkit --bin seeds
//! ```

use std::path::PathBuf;
use std::{env, fs, io};

use testkit::cases::repository;
use testkit::checks::seeds::{self, TARGETS};

fn main() -> io::Result<()> {
    let given = env::args_os().nth(1).map(PathBuf::from);
    let corpus = given.unwrap_or_else(|| repository().join("fuzz/corpus"));
    let mut count = 0;
    for target in TARGETS {
        let folder = corpus.join(target);
        fs::create_dir_all(&folder)?;
        for seed in seeds::of(target) {
            fs::write(folder.join(seed.name), seed.bytes)?;
            count += 1;
        }
    }
    println!("{count} seeds of {} targets in {}", TARGETS.len(), corpus.display());
    Ok(())
}
