//! Replays what the fuzz targets have found, and their seeds: each file of
//! `fuzz/regressions/<target>` and `fuzz/seeds/<target>`.

use std::fs;
use std::path::Path;

use testkit::checks::{chunked, head, md5, response, script, seeds, split};

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
fn chunked_files() {
    replay("chunked", chunked::check);
}

#[test]
fn head_files() {
    replay("head", head::check);
}

#[test]
fn md5_files() {
    replay("md5", md5::check);
}

#[test]
fn response_files() {
    replay("response", response::check);
}

#[test]
fn script_files() {
    replay("script", script::check);
}

#[test]
fn split_files() {
    replay("split", split::check);
}

#[test]
fn seeds_are_those_of_the_cases() {
    let stale = seeds::stale();
    assert!(
        stale.is_empty(),
        "stale, missing or left over in fuzz/seeds: {stale:#?}\n\
         cargo run --manifest-path fuzz/Cargo.toml --example seeds"
    );
}
