//! Clients that are refused, and send on as fast as it goes.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Content that is announced: more than a server that is asked to refuse it takes.
const ANNOUNCED: u64 = 1 << 40;
/// Bytes of one write.
const PART: usize = 128 << 10;
/// A server that neither answers nor reads for so long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// What became of them.
#[derive(Debug, Default)]
pub(crate) struct Flood {
    /// Refusals that were read.
    pub(crate) refused: u64,
    /// Bytes that the server, or the system for it, took behind these.
    pub(crate) bytes: u64,
}

impl Flood {
    /// As many clients send as long as `measure` runs.
    ///
    /// # Errors
    ///
    /// If one cannot connect, or is not refused.
    pub(crate) fn run<T>(
        address: SocketAddr,
        count: usize,
        measure: impl FnOnce() -> T,
    ) -> io::Result<(T, Self)> {
        let ended = AtomicBool::new(false);
        thread::scope(|scope| {
            let send = || send_on(address, &ended);
            let clients: Vec<_> = (0..count).map(|_| scope.spawn(send)).collect();
            let measured = measure();
            ended.store(true, Ordering::Release);
            let mut all = Self::default();
            for client in clients {
                let Self { refused, bytes } = client.join().expect("no client panics")?;
                all.refused += refused;
                all.bytes += bytes;
            }
            Ok((measured, all))
        })
    }
}

/// Over one connection after the other, each until the server has had enough.
fn send_on(address: SocketAddr, ended: &AtomicBool) -> io::Result<Flood> {
    let part = vec![0; PART];
    let mut flood = Flood::default();
    while !ended.load(Ordering::Acquire) {
        let mut stream = refused(address)?;
        flood.refused += 1;
        while !ended.load(Ordering::Acquire) {
            // It is reset when its time is up.
            let Ok(n) = stream.write(&part) else { break };
            flood.bytes += n as u64;
        }
    }
    Ok(flood)
}

/// A connection over which a refusal has come.
fn refused(address: SocketAddr) -> io::Result<TcpStream> {
    const STATUS: &[u8] = b"HTTP/1.1 413 ";
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "PUT / HTTP/1.1\r\nHost: refused\r\nContent-Length: {ANNOUNCED}\r\n\r\n")?;
    let mut status = [0; STATUS.len()];
    stream.read_exact(&mut status)?;
    if status != STATUS {
        let wrong = format!("instead of a refusal came {}", status.escape_ascii());
        return Err(io::Error::other(wrong));
    }
    Ok(stream)
}
