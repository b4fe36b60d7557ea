//! How long it takes a server to take in many connections that come at once.
//!
//! Opens them all without waiting for any, sends a small upload over each as soon as it is
//! connected, and checks every digest. The clock runs from the first `connect` until the
//! last answer is there. A handshake that the server's backlog has no room for is tried again
//! by the system after a second: then it takes longer than that.
//!
//! ```text
//! cargo run --release -- --listen 127.0.0.1:8080 --access-log off
//! cargo run --release --manifest-path bench/load/Cargo.toml --bin burst -- 127.0.0.1:8080 1000 5
//! ```
//!
//! Each connection needs a descriptor, here and there (`ulimit -n`).

use std::error::Error;
use std::io::{self, ErrorKind, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use streamsum_load::answer::Answer;

/// After so long it has failed.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two bursts, for the server to see the end of the connections of the first.
const PAUSE: Duration = Duration::from_millis(500);

fn main() -> Result<(), Box<dyn Error>> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let [address, count, times] = given.as_slice() else {
        return Err("usage: burst ADDR COUNT TIMES".into());
    };
    let (address, count, times) = (address.parse()?, count.parse()?, times.parse::<u32>()?);
    let mut longest = Duration::ZERO;
    for _ in 0..times {
        let Times { opened, connected, answered } = burst(address, count)?;
        println!(
            "{count} opened in {opened:.1?}, connected in {connected:.1?}, answered in {answered:.1?}"
        );
        longest = longest.max(answered);
        std::thread::sleep(PAUSE);
    }
    println!("{count} connections at once: all answered after {} ms at most", longest.as_millis());
    Ok(())
}

/// Since the first `connect`.
struct Times {
    /// Until the last `connect` was called.
    opened: Duration,
    /// Until the last handshake was done.
    connected: Duration,
    /// Until the last answer was there.
    answered: Duration,
}

struct Client {
    stream: TcpStream,
    number: usize,
    is_connected: bool,
    /// As far as it has come; `None` once it was whole.
    answer: Option<Answer>,
}

fn burst(address: SocketAddr, count: usize) -> io::Result<Times> {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(1024);
    let begun = Instant::now();
    let mut clients =
        (0..count).map(|number| connect(address, number, &poll)).collect::<io::Result<Vec<_>>>()?;
    let opened = begun.elapsed();
    let mut connected = opened;
    let mut left = count;
    while left > 0 {
        let rest = PATIENCE.checked_sub(begun.elapsed()).ok_or(ErrorKind::TimedOut)?;
        poll.poll(&mut events, Some(rest))?;
        for event in &events {
            let Some(client) = clients.get_mut(event.token().0) else { continue };
            if !client.is_connected && client.begins()? {
                connected = begun.elapsed();
            }
            left -= usize::from(client.is_connected && client.ends()?);
        }
    }
    Ok(Times { opened, connected, answered: begun.elapsed() })
}

fn connect(address: SocketAddr, number: usize, poll: &Poll) -> io::Result<Client> {
    let mut stream = TcpStream::connect(address)?;
    let interest = Interest::READABLE | Interest::WRITABLE;
    poll.registry().register(&mut stream, Token(number), interest)?;
    Ok(Client { stream, number, is_connected: false, answer: Some(Answer::default()) })
}

impl Client {
    /// Sends the request, if the handshake is done.
    fn begins(&mut self) -> io::Result<bool> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        if self.stream.peer_addr().is_err() {
            return Ok(false);
        }
        let content = self.content();
        let length = content.len();
        let request =
            format!("PUT / HTTP/1.1\r\nHost: burst\r\nContent-Length: {length}\r\n\r\n{content}");
        if self.stream.write(request.as_bytes())? < request.len() {
            return Err(ErrorKind::WriteZero.into());
        }
        self.is_connected = true;
        Ok(true)
    }

    /// Reads what there is; true once, when that is the whole answer.
    fn ends(&mut self) -> io::Result<bool> {
        let digest = self.digest();
        let Some(answer) = &mut self.answer else { return Ok(false) };
        let is_whole = answer.read(&mut self.stream, &digest)?;
        if is_whole {
            self.answer = None;
        }
        Ok(is_whole)
    }

    /// Each sends something else.
    fn content(&self) -> String {
        format!("the content of connection {}", self.number)
    }

    fn digest(&self) -> String {
        testkit::content::digest(self.content().as_bytes())
    }
}
