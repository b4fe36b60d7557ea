//! Writes files as a server with `--to` has to, and does nothing else: what keeping the same
//! uploads costs at least.
//!
//! ```text
//! cargo run --release --manifest-path bench/load/Cargo.toml --bin write -- /dev/shm/folder 32 67108864
//! ```
//!
//! The files are new ones, `write-0` and so on, and get their content in turn, a piece at a time
//! of one buffer that is as long as the server's. What that cost in CPU time, the kernel knows.

use std::error::Error;
use std::path::Path;

use streamsum_load::writing::write_files;

fn main() -> Result<(), Box<dyn Error>> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let [folder, count, length] = given.as_slice() else {
        return Err("usage: write FOLDER COUNT SIZE".into());
    };
    write_files(Path::new(folder), count.parse()?, length.parse()?)?;
    Ok(())
}
