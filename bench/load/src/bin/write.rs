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
use std::fs::File;
use std::io::Write;
use std::path::Path;

use testkit::content::content;

/// As long as the server's.
const BUFFER: usize = 84 << 10;

fn main() -> Result<(), Box<dyn Error>> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let [folder, count, length] = given.as_slice() else {
        return Err("usage: write FOLDER COUNT SIZE".into());
    };
    let (count, length) = (count.parse::<usize>()?, length.parse::<usize>()?);
    let buffer = content(BUFFER, 0);
    let name = |number| Path::new(folder).join(format!("write-{number}"));
    let mut files =
        (0..count).map(|number| File::create_new(name(number))).collect::<Result<Vec<_>, _>>()?;
    let mut left = length;
    while left > 0 {
        let piece = &buffer[..left.min(BUFFER)];
        for file in &mut files {
            file.write_all(piece)?;
        }
        left -= piece.len();
    }
    Ok(())
}
