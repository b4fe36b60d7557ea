//! Uploads many bodies at once, checks every digest, and says how long it took.
//!
//! ```text
//! cargo run --release -- --listen 127.0.0.1:8080 --access-log off
//! cargo run --release --manifest-path bench/load/Cargo.toml --bin upload -- 127.0.0.1:8080 64 67108864
//! ```
//!
//! The bodies are all different and come from memory. Each has a thread and a connection
//! of its own, so a few hundred at once are sensible. Ends with 1 if any upload failed.

use std::error::Error;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use streamsum_load::answer::Answer;
use testkit::content::{content, digest_of_cycle, text};

/// What all bodies are cut from.
const PATTERN: usize = 1 << 20;
/// Bytes of one write.
const WRITE: usize = 128 << 10;

/// Content that repeats the pattern, from a place of its own on.
#[derive(Clone, Copy)]
struct Content<'a> {
    pattern: &'a [u8],
    start: usize,
    length: usize,
}

impl<'a> Content<'a> {
    fn parts(self) -> impl Iterator<Item = &'a [u8]> {
        let mut at = self.start % self.pattern.len();
        let mut left = self.length;
        std::iter::from_fn(move || {
            let end = self.pattern.len().min(at + left.min(WRITE));
            let part = self.pattern.get(at..end).filter(|part| !part.is_empty())?;
            left -= part.len();
            at = end % self.pattern.len();
            Some(part)
        })
    }

    fn digest(self) -> String {
        let start = self.start % self.pattern.len();
        text(digest_of_cycle(self.pattern, start, self.length as u64))
    }
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let [address, count, length] = given.as_slice() else {
        return Err("usage: upload ADDR COUNT SIZE".into());
    };
    let (address, count, length) = (address.parse()?, count.parse()?, length.parse()?);
    let pattern = content(PATTERN, 0);
    // Digests are known before the clock starts.
    let barrier = Barrier::new(count + 1);
    let (seconds, failures) = thread::scope(|scope| {
        let uploads: Vec<_> = (0..count)
            .map(|number| {
                let content = Content { pattern: &pattern, start: number * 4099, length };
                let barrier = &barrier;
                scope.spawn(move || {
                    let expected = content.digest();
                    barrier.wait();
                    upload(address, content, &expected)
                })
            })
            .collect();
        barrier.wait();
        let start = Instant::now();
        let ended = uploads.into_iter().map(|upload| upload.join().expect("no upload panics"));
        let failures: Vec<io::Error> = ended.filter_map(Result::err).collect();
        (start.elapsed().as_secs_f64(), failures)
    });

    failures.iter().for_each(|failure| eprintln!("{failure}"));
    let rate = (count * length) as f64 / seconds / 1e9;
    println!(
        "{count} uploads of {length} bytes: {seconds:.2} s, {rate:.2} GB/s, {} failed",
        failures.len()
    );
    Ok(if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn upload(address: SocketAddr, content: Content<'_>, expected: &str) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    let length = content.length;
    write!(
        stream,
        "PUT / HTTP/1.1\r\nHost: upload\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )?;
    for part in content.parts() {
        stream.write_all(part)?;
    }
    Answer::default().await_from(&mut stream, expected)
}
