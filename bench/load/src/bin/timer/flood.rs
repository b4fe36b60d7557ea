//! One thread that keeps many connections as busy as it can.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use streamsum_load::answer::Answer;
use testkit::content::digest;

/// Bytes of one write.
const WRITE: usize = 64 << 10;

/// New connections come in bursts that any backlog holds.
const BURST: usize = 64;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// One upload that never ends.
    Uploads,
    /// Requests of one byte, one behind the other, without waiting for answers.
    TinyRequests,
}

pub(crate) struct Flood {
    begun: Arc<AtomicBool>,
    ended: Arc<AtomicBool>,
    thread: JoinHandle<io::Result<()>>,
}

impl Flood {
    pub(crate) fn start(address: SocketAddr, count: usize, kind: Kind) -> Self {
        let (begun, ended) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let (tell, told) = (Arc::clone(&begun), Arc::clone(&ended));
        let thread = std::thread::spawn(move || {
            let flooding = connect(address, count, kind);
            tell.store(true, Ordering::Release);
            flooding?.run(&told)
        });
        Self { begun, ended, thread }
    }

    /// Whether all connections are there.
    pub(crate) fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Acquire)
    }

    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    pub(crate) fn join(self) -> io::Result<()> {
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

struct Flooding {
    poll: Poll,
    peers: Vec<Peer>,
    /// Those that may be written to.
    writable: VecDeque<usize>,
    /// Sent again and again, after the head.
    content: Vec<u8>,
}

struct Peer {
    stream: TcpStream,
    /// Position in the content.
    at: usize,
    queued: bool,
}

fn connect(address: SocketAddr, count: usize, kind: Kind) -> io::Result<Flooding> {
    const ONE: &[u8] = b"PUT / HTTP/1.1\r\nHost: flood\r\nContent-Length: 1\r\n\r\nx";
    let (head, content) = match kind {
        Kind::Uploads => (
            &b"PUT / HTTP/1.1\r\nHost: flood\r\nContent-Length: 9223372036854775807\r\n\r\n"[..],
            vec![b'x'; WRITE],
        ),
        Kind::TinyRequests => (&b""[..], ONE.repeat(WRITE / ONE.len())),
    };
    let poll = Poll::new()?;
    let mut peers = Vec::with_capacity(count);
    while peers.len() < count {
        let mut stream = std::net::TcpStream::connect(address)?;
        if peers.len() % BURST == 0 {
            // The answer says that those before were accepted.
            stream.write_all(ONE)?;
            Answer::default().await_from(&mut stream, &digest(b"x"))?;
        }
        stream.write_all(head)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        let interest = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut stream, Token(peers.len()), interest)?;
        peers.push(Peer { stream, at: 0, queued: false });
    }
    Ok(Flooding { poll, peers, writable: VecDeque::new(), content })
}

impl Flooding {
    fn run(mut self, ended: &AtomicBool) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        while !ended.load(Ordering::Acquire) {
            let wait =
                if self.writable.is_empty() { Duration::from_millis(100) } else { Duration::ZERO };
            self.poll.poll(&mut events, Some(wait))?;
            for event in &events {
                let number = event.token().0;
                if event.is_readable() {
                    self.discard(number)?;
                }
                if event.is_writable() {
                    self.queue(number);
                }
            }
            self.write_to_each()?;
        }
        Ok(())
    }

    fn queue(&mut self, number: usize) {
        let Some(peer) = self.peers.get_mut(number) else { return };
        if !std::mem::replace(&mut peer.queued, true) {
            self.writable.push_back(number);
        }
    }

    fn discard(&mut self, number: usize) -> io::Result<()> {
        let Some(peer) = self.peers.get_mut(number) else { return Ok(()) };
        let mut answers = [0; 16 << 10];
        loop {
            match peer.stream.read(&mut answers) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    fn write_to_each(&mut self) -> io::Result<()> {
        for _ in 0..self.writable.len() {
            let Some(number) = self.writable.pop_front() else { break };
            let Some(peer) = self.peers.get_mut(number) else { continue };
            match peer.stream.write(self.content.get(peer.at..).unwrap_or_default()) {
                Ok(n) => {
                    peer.at = (peer.at + n) % self.content.len();
                    self.writable.push_back(number);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => peer.queued = false,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
