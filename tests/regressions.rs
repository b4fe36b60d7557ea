//! Replays what the fuzz targets have found, and their seeds: each file of
//! `fuzz/regressions/<target>` and `fuzz/seeds/<target>`.
// The modules are public in the package of the targets.
#![allow(unreachable_pub)]

#[path = "../fuzz/src/choices.rs"]
mod choices;
#[path = "../fuzz/src/md5.rs"]
mod md5;

use std::fs;
use std::path::Path;

/// Runs the check of a target over its files, of which there has to be one at least.
fn replay(target: &str, check: fn(&[u8])) {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let mut replayed = 0;
    for folder in ["regressions", "seeds"] {
        let Ok(entries) = fs::read_dir(fuzz.join(folder).join(target)) else { continue };
        for entry in entries {
            let path = entry.expect("an entry of the folder").path();
            println!("{}", path.display());
            check(&fs::read(path).expect("a file"));
            replayed += 1;
        }
    }
    assert!(replayed > 0, "{target} has no files");
}

#[test]
fn md5_files() {
    replay("md5", md5::check);
}
