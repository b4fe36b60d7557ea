//! Writes the seeds that are made of `tests/cases` into `fuzz/seeds`, and removes those
//! whose cases are gone:
//!
//! ```text
//! cargo run --manifest-path fuzz/Cargo.toml --example seeds
//! ```

use std::{fs, io};

use testkit::checks::seeds;

fn main() -> io::Result<()> {
    let stale = seeds::stale();
    let of_cases = seeds::of_cases();
    for place in &stale {
        let path = seeds::folder().join(place);
        match of_cases.get(place) {
            Some(seed) => {
                fs::create_dir_all(path.parent().expect("a folder for each target"))?;
                fs::write(path, seed)?;
            }
            None => fs::remove_file(path)?,
        }
    }
    println!("{} seeds, {} written or removed", of_cases.len(), stale.len());
    Ok(())
}
