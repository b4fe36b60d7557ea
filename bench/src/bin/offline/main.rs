//! The rulers without a network: what one core can do, with nothing to receive. Those that hash do
//! so with what the loader would upload, 64 KiB of every upload in turn.
//!
//! `offline md5 UPLOADS BYTES`, with streamsum's own MD5, or `offline others UPLOADS BYTES`, with
//! the crates for SHA-256 and CRC-32C, or `offline write UPLOADS BYTES FOLDER`, which writes so
//! many files and hashes nothing, or `offline tls UPLOADS BYTES AUTHORITY CERTIFICATE KEY`, which
//! encrypts and hashes nothing: says when it is ready, and begins at a line of input.

mod tls;

use std::env;
use std::error::Error;
use std::hint;
use std::io::{self, Write};
use std::path::Path;

use sha2::{Digest, Sha256};
use streamsum::md5::{Input, Kernel, Md5};
use streamsum_bench::plan;
use streamsum_load::writing::write_files;

/// Bytes of an upload that are hashed at a time.
const TURN: u64 = 64 << 10;
/// Stands for a digest that nobody asks for.
const ZEROS: &str = "00000000000000000000000000000000";

/// Content of one upload that is still to be hashed.
struct Upload {
    at: usize,
    left: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    const USAGE: &str = "offline md5|others UPLOADS BYTES, or offline write UPLOADS BYTES FOLDER, \
         or offline tls UPLOADS BYTES AUTHORITY CERTIFICATE KEY";
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [kind, uploads, bytes, files @ ..] = arguments.as_slice() else {
        return Err(USAGE.into());
    };
    let (count, bytes): (usize, u64) = (uploads.parse()?, bytes.parse()?);
    let pattern = plan::cycle();
    let upload = |at| Upload { at: plan::start(at), left: bytes };
    let mut uploads: Vec<Upload> = (0..count).map(upload).collect();
    let mut connections = match (kind.as_str(), files) {
        ("tls", [authority, certificate, key]) => {
            tls::connect(count, [authority, certificate, key])?
        }
        _ => Vec::new(),
    };

    println!("ready");
    io::stdin().read_line(&mut String::new())?;
    let digests = match (kind.as_str(), files) {
        ("md5", []) => md5(&mut uploads, &pattern),
        ("others", []) => others(&mut uploads, &pattern),
        ("write", [folder]) => {
            write_files(Path::new(folder), count, bytes)?;
            vec![ZEROS.into(); count]
        }
        ("tls", [_, _, _]) => {
            tls::encrypt(&mut uploads, &mut connections, &pattern)?;
            vec![ZEROS.into(); count]
        }
        _ => return Err(USAGE.into()),
    };
    let mut output = io::stdout().lock();
    for digest in digests {
        writeln!(output, "{digest}")?;
    }
    // Accounts are read while the process lives.
    io::stdin().read_line(&mut String::new())?;
    Ok(())
}

/// The MD5 of each.
fn md5(uploads: &mut [Upload], pattern: &[u8]) -> Vec<String> {
    let kernel = Kernel::detect();
    let mut streams = vec![Md5::new(); uploads.len()];
    while is_unfinished(uploads) {
        let pairs = uploads.iter_mut().zip(&mut streams).filter(|(upload, _)| upload.left > 0);
        kernel.update_many(pairs.map(|(upload, stream)| {
            let bytes = upload.turn(pattern);
            Input { stream, bytes, last: upload.left == 0 }
        }));
    }
    streams.into_iter().map(|stream| stream.finish().to_string()).collect()
}

/// Zeros for each, whose two digests nobody asks for.
fn others(uploads: &mut [Upload], pattern: &[u8]) -> Vec<String> {
    let mut streams = vec![(Sha256::new(), 0); uploads.len()];
    while is_unfinished(uploads) {
        for (upload, (sha_256, crc32c)) in uploads.iter_mut().zip(&mut streams) {
            let bytes = upload.turn(pattern);
            sha_256.update(bytes);
            *crc32c = crc32c::crc32c_append(*crc32c, bytes);
        }
    }
    let zeros = |(sha_256, crc32c): (Sha256, u32)| {
        hint::black_box((sha_256.finalize(), crc32c));
        ZEROS.into()
    };
    streams.into_iter().map(zeros).collect()
}

fn is_unfinished(uploads: &[Upload]) -> bool {
    uploads.iter().any(|upload| upload.left > 0)
}

impl Upload {
    /// What is hashed next.
    fn turn<'p>(&mut self, pattern: &'p [u8]) -> &'p [u8] {
        let rest = &pattern[self.at..];
        let taken = rest.len().min(self.left.min(TURN) as usize);
        self.left -= taken as u64;
        self.at = (self.at + taken) % pattern.len();
        &rest[..taken]
    }
}
