//! The ruler that only hashes: what one core can do, with streamsum's own MD5 and nothing
//! to receive. It hashes what the loader would upload, 64 KiB of every upload in turn.
//!
//! `hasher UPLOADS BYTES`: says when it is ready, and begins at a line of input.

use std::env;
use std::error::Error;
use std::io::{self, Write};

use streamsum::md5::{Input, Kernel, Md5};
use streamsum_bench::plan;

/// Bytes of an upload that are hashed at a time.
const TURN: u64 = 64 << 10;

struct Upload {
    md5: Md5,
    at: usize,
    left: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [uploads, bytes] = arguments.as_slice() else { return Err("hasher UPLOADS BYTES".into()) };
    let (uploads, bytes): (usize, u64) = (uploads.parse()?, bytes.parse()?);
    let pattern = plan::cycle();
    let upload = |at| Upload { md5: Md5::new(), at: plan::start(at), left: bytes };
    let mut uploads: Vec<Upload> = (0..uploads).map(upload).collect();
    let kernel = Kernel::detect();

    println!("ready");
    io::stdin().read_line(&mut String::new())?;
    while uploads.iter().any(|upload| upload.left > 0) {
        let unfinished = uploads.iter_mut().filter(|upload| upload.left > 0);
        kernel.update_many(unfinished.map(|upload| upload.turn(&pattern)));
    }
    let mut output = io::stdout().lock();
    for upload in uploads {
        writeln!(output, "{}", upload.md5.finish())?;
    }
    // Accounts are read while the process lives.
    io::stdin().read_line(&mut String::new())?;
    Ok(())
}

impl Upload {
    fn turn<'a>(&'a mut self, pattern: &'a [u8]) -> Input<'a> {
        let rest = &pattern[self.at..];
        let taken = rest.len().min(self.left.min(TURN) as usize);
        self.left -= taken as u64;
        self.at = (self.at + taken) % pattern.len();
        Input { stream: &mut self.md5, bytes: &rest[..taken], last: self.left == 0 }
    }
}
