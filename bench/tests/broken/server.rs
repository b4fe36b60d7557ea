//! A server that does not do its work, in one way or another: the race has to find out.
//!
//! `broken WAY ADDRESS [FOLDER]`, which it leaves empty.
//!
//! It understands the loader's uploads by length, a thread for each connection.

use std::env;
use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use md5::{Digest, Md5};
use streamsum_bench::plan;
use streamsum_bench::request::{Framing, HEAD, framing};
use testkit::content::{self, Hex, hex};

#[derive(Clone, Copy)]
enum Way {
    /// In no way: what the others are compared with.
    Honest,
    /// The last digit of each digest is another.
    WrongDigest,
    /// The last byte of everything that is read is not hashed.
    DroppedBytes,
    /// Knows the content of the first upload by heart, and answers before it has come.
    DeclaredLength,
    /// Reads the content but does not hash it.
    Unhashed,
    /// Closes every connection after its first answer, without a word.
    Closing,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [way, address, ..] = arguments.as_slice() else {
        return Err("broken WAY ADDRESS [FOLDER]".into());
    };
    let way = match way.as_str() {
        "honest" => Way::Honest,
        "wrong-digest" => Way::WrongDigest,
        "dropped-bytes" => Way::DroppedBytes,
        "declared-length" => Way::DeclaredLength,
        "unhashed" => Way::Unhashed,
        "closing" => Way::Closing,
        other => return Err(format!("no such way: {other}").into()),
    };
    for stream in TcpListener::bind(address)?.incoming() {
        let stream = stream?;
        // A connection that breaks off concerns its client alone.
        thread::spawn(move || serve(way, stream));
    }
    Ok(())
}

fn serve(way: Way, mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut head = [0; HEAD];
    loop {
        stream.read_exact(&mut head)?;
        let Framing::Length(length) = framing(&head) else { return Ok(()) };
        if let Way::DeclaredLength = way {
            let cycle = plan::cycle();
            answer(&mut stream, content::digest_of_cycle(&cycle, plan::start(0), length))?;
            take(&mut stream, length, |_| ())?;
            continue;
        }
        let mut md5 = Md5::new();
        take(&mut stream, length, |bytes| match way {
            Way::Unhashed => {}
            Way::DroppedBytes => md5.update(&bytes[..bytes.len() - 1]),
            _ => md5.update(bytes),
        })?;
        let mut digest = hex(md5.finalize().into());
        if let Way::WrongDigest = way {
            digest[31] ^= 1;
        }
        answer(&mut stream, digest)?;
        if let Way::Closing = way {
            return Ok(());
        }
    }
}

fn take(stream: &mut TcpStream, length: u64, mut each: impl FnMut(&[u8])) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    let mut left = length;
    while left > 0 {
        let most = left.min(buffer.len() as u64) as usize;
        let read = stream.read(&mut buffer[..most])?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        each(&buffer[..read]);
        left -= read as u64;
    }
    Ok(())
}

fn answer(stream: &mut TcpStream, digest: Hex) -> io::Result<()> {
    stream.write_all(&[b"HTTP/1.1 200 OK\r\nContent-Length: 32\r\n\r\n", &digest[..]].concat())
}
