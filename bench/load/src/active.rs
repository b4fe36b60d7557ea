//! Uploads at full speed, whose rate is measured.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::answer::Answer;
use crate::content::{self, LONGEST_PART};

/// Each body is its part so many times: 64 MiB.
const TIMES: usize = (64 << 20) / LONGEST_PART;

/// Different bodies, at most: a digest takes a moment.
const MOST_BODIES: usize = 8;

/// How long they run before it counts.
const WARM_UP: Duration = Duration::from_secs(1);
const SAMPLE: Duration = Duration::from_secs(1);
/// A server that does not answer for so long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Active {
    address: SocketAddr,
    bodies: Vec<Body>,
}

#[derive(Clone)]
struct Body {
    part: &'static [u8],
    digest: String,
}

/// Bytes that all of them have sent.
#[derive(Debug, Default)]
pub struct Sent(AtomicU64);

impl Sent {
    /// Waits for a while, and gives the bytes a second meanwhile.
    pub fn sample(&self) -> f64 {
        let (start, before) = (Instant::now(), self.0.load(Ordering::Relaxed));
        thread::sleep(SAMPLE);
        (self.0.load(Ordering::Relaxed) - before) as f64 / start.elapsed().as_secs_f64()
    }
}

impl Active {
    /// Computes the digests, so that this costs nothing later. Many uploads share a few.
    pub fn new(address: SocketAddr, count: usize, pattern: &'static [u8]) -> Self {
        let parts = (0..MOST_BODIES).map(|number| content::part(pattern, number, LONGEST_PART));
        let bodies = parts.map(|part| Body { part, digest: content::digest(part, TIMES) });
        let bodies: Vec<Body> = bodies.take(count).collect();
        Self { address, bodies: bodies.into_iter().cycle().take(count).collect() }
    }

    /// Uploads as long as `measure` runs, and lets each upload come to its end.
    ///
    /// # Errors
    ///
    /// If an upload fails.
    pub fn run<T>(&self, measure: impl FnOnce(&Sent) -> T) -> io::Result<T> {
        let (sent, ended) = (Sent::default(), AtomicBool::new(false));
        thread::scope(|scope| {
            let uploads: Vec<_> = self
                .bodies
                .iter()
                .map(|body| scope.spawn(|| upload_on(self.address, body, &sent, &ended)))
                .collect();
            thread::sleep(WARM_UP);
            let measured = measure(&sent);
            ended.store(true, Ordering::Release);
            let ends = uploads.into_iter().map(|upload| upload.join().expect("no upload panics"));
            ends.collect::<io::Result<()>>().map(|()| measured)
        })
    }
}

/// Uploads a body again and again over one connection, each time with its answer.
fn upload_on(address: SocketAddr, body: &Body, sent: &Sent, ended: &AtomicBool) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let length = body.part.len() * TIMES;
    while !ended.load(Ordering::Acquire) {
        write!(stream, "PUT / HTTP/1.1\r\nHost: active\r\nContent-Length: {length}\r\n\r\n")?;
        for _ in 0..TIMES {
            stream.write_all(body.part)?;
            sent.0.fetch_add(body.part.len() as u64, Ordering::Relaxed);
        }
        Answer::default().await_from(&mut stream, &body.digest)?;
    }
    Ok(())
}
