//! Uploads many bodies at once, checks every digest, and says how long it took.
//!
//! ```text
//! cargo run --release -- --listen 127.0.0.1:8080 --access-log off
//! cargo run --release --manifest-path bench/load/Cargo.toml --bin upload -- 127.0.0.1:8080 64 67108864
//! ```
//!
//! The bodies are all different and come from memory. Each has a thread and a connection
//! of its own, so a few hundred at once are sensible. Ends with 1 if any upload failed.
//! The targets are `/upload-0` and so on, so that a server with `--to` has a file of each.
//!
//! With a number of seconds behind the size each body is uploaded again and again, until so
//! long has passed.

use std::error::Error;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

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
    let (address, count, length, seconds) = match given.as_slice() {
        [address, count, length] => (address, count, length, 0),
        [address, count, length, seconds] => (address, count, length, seconds.parse()?),
        _ => return Err("usage: upload ADDR COUNT SIZE [SECONDS]".into()),
    };
    let (address, count, length) = (address.parse()?, count.parse()?, length.parse()?);
    let patience = Duration::from_secs(seconds);
    let pattern = content(PATTERN, 0);
    // Digests are known before the clock starts.
    let barrier = Barrier::new(count + 1);
    let (seconds, ended) = thread::scope(|scope| {
        let uploads: Vec<_> = (0..count)
            .map(|number| {
                let content = Content { pattern: &pattern, start: number * 4099, length };
                let barrier = &barrier;
                scope.spawn(move || {
                    let expected = content.digest();
                    barrier.wait();
                    let start = Instant::now();
                    let mut times = 0;
                    while times == 0 || start.elapsed() < patience {
                        upload(address, number, content, &expected)?;
                        times += 1;
                    }
                    Ok(times)
                })
            })
            .collect();
        barrier.wait();
        let start = Instant::now();
        let ended = uploads.into_iter().map(|upload| upload.join().expect("no upload panics"));
        let ended: Vec<io::Result<usize>> = ended.collect();
        (start.elapsed().as_secs_f64(), ended)
    });

    let uploads: usize = ended.iter().flatten().sum();
    let failures: Vec<io::Error> = ended.into_iter().filter_map(Result::err).collect();
    failures.iter().for_each(|failure| eprintln!("{failure}"));
    let rate = (uploads * length) as f64 / seconds / 1e9;
    println!(
        "{uploads} uploads of {length} bytes: {seconds:.2} s, {rate:.2} GB/s, {} failed",
        failures.len()
    );
    Ok(if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn upload(
    address: SocketAddr,
    number: usize,
    content: Content<'_>,
    expected: &str,
) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    let length = content.length;
    write!(
        stream,
        "PUT /upload-{number} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )?;
    for part in content.parts() {
        stream.write_all(part)?;
    }
    Answer::default().await_from(&mut stream, expected)
}
