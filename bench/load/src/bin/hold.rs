//! What a connection costs a server in memory: opens many, holds them, and compares.
//!
//! `idle` connections have had one request answered and are kept open; those in
//! `upload` have sent a head that announces 1 GiB and the first KiB of it. The server is
//! another process, with `--to` or without; its resident memory is read from `/proc` before and while they are
//! held, if its id is given.
//!
//! ```text
//! cargo run --release -- --listen 127.0.0.1:8080 --access-log off
//! cargo run --release --manifest-path bench/load/Cargo.toml --bin hold -- \
//!     127.0.0.1:8080 10000 upload --pid $(pgrep -x streamsum)
//! ```
//!
//! Start the server afresh for each measurement: what
//! it has once used for connections it uses again. Both processes need a descriptor for each
//! connection (`ulimit -n`). Uploads that stay silent are refused after 20 seconds by the
//! least rate, idle connections closed after 75. Enter ends it.

use std::error::Error;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};

use streamsum_load::answer::Answer;
use streamsum_load::process::resident_kib;
use testkit::content::EMPTY;

const EMPTY_ONE: &[u8] = b"PUT /held HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n";
const LARGE: &[u8] = b"PUT /held HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1073741824\r\n\r\n";
const SENT_OF_IT: usize = 1 << 10;

/// Connections that warm the server up: its buffers belong to no connection.
const WARM_UP: usize = 64;

/// After so many the loader waits for the server, whose backlog may be no longer than
/// 128: what overflows it comes again only after a second.
const BURST: usize = 64;

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Idle,
    Upload,
}

struct Arguments {
    address: SocketAddr,
    count: usize,
    kind: Kind,
    pid: Option<u32>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let Some(arguments) = arguments() else {
        return Err("usage: hold ADDR COUNT idle|upload [--pid PID]".into());
    };
    let Arguments { address, count, kind, pid } = arguments;
    drop(open(address, WARM_UP, kind)?);
    open_one(address, Kind::Idle)?;
    let before = pid.map(resident_kib).transpose()?;

    let held = open(address, count, kind)?;
    // The last to come is served last: its answer says that all before it were served.
    open_one(address, Kind::Idle)?;
    println!("holding {} connections", held.len());
    if let (Some(pid), Some(before)) = (pid, before) {
        let after = resident_kib(pid)?;
        let each = (after as f64 - before as f64) * 1024.0 / held.len() as f64;
        println!("before {before} KiB, after {after} KiB, {each:.0} bytes a connection");
    }

    println!("Enter ends");
    io::stdin().read_line(&mut String::new())?;
    Ok(())
}

fn arguments() -> Option<Arguments> {
    let mut given = std::env::args().skip(1);
    let address = given.next()?.parse().ok()?;
    let count = given.next()?.parse().ok()?;
    let kind = match given.next()?.as_str() {
        "idle" => Kind::Idle,
        "upload" => Kind::Upload,
        _ => return None,
    };
    let pid = match given.next().as_deref() {
        Some("--pid") => Some(given.next()?.parse().ok()?),
        Some(_) => return None,
        None => None,
    };
    Some(Arguments { address, count, kind, pid })
}

fn open(address: SocketAddr, count: usize, kind: Kind) -> io::Result<Vec<TcpStream>> {
    let mut held = Vec::with_capacity(count);
    while held.len() < count {
        if held.len() % BURST == 0 {
            open_one(address, Kind::Idle)?;
        }
        match open_one(address, kind) {
            Ok(stream) => held.push(stream),
            Err(error) => {
                let have = held.len();
                let hint = "each needs a descriptor, here and there: see `ulimit -n`";
                return Err(io::Error::other(format!("after {have} of {count}: {error}; {hint}")));
            }
        }
    }
    Ok(held)
}

fn open_one(address: SocketAddr, kind: Kind) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    match kind {
        Kind::Idle => exchange(&mut stream)?,
        Kind::Upload => {
            let mut bytes = LARGE.to_vec();
            bytes.resize(LARGE.len() + SENT_OF_IT, b'x');
            stream.write_all(&bytes)?;
        }
    }
    Ok(stream)
}

/// One upload of nothing, and its answer to the last byte.
fn exchange(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(EMPTY_ONE)?;
    Answer::default().await_from(stream, EMPTY)
}
