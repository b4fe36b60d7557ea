//! A server on a thread of its own, for programs without a loop.
//!
//! It is written against the public interface of [`server`](crate::server) alone, so it
//! also shows how to write another loop.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread::{Builder, JoinHandle};

use mio::{Events, Poll, Token, Waker};

use crate::engine::{Config, Now};
use crate::handler::Handler;
use crate::server::Server;

const WAKER: Token = Token(0);
const SERVER: Token = Token(1);

const RUN: u8 = 0;
const DRAIN: u8 = 1;
const STOP: u8 = 2;

/// Binds `address` and serves on a new thread until told otherwise.
///
/// Nobody can [`resume`](Server::resume) or [`answer`](Server::answer) from outside
/// here: a handler that decides or answers later, or takes pieces in part, wants a loop
/// of its own around a [`Server`].
///
/// # Errors
///
/// If the address cannot be bound, or there are no descriptors or threads left.
///
/// # Example
///
/// ```
/// use std::io::{Read, Write};
/// use streamsum::{checksum::Checksum, engine::Config, thread};
///
/// let server = thread::spawn("127.0.0.1:0".parse().unwrap(), Config::default(), Checksum::default())?;
///
/// let mut client = std::net::TcpStream::connect(server.address())?;
/// client.write_all(b"PUT / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc")?;
/// let mut answer = String::new();
/// client.read_to_string(&mut answer)?;
/// assert!(answer.ends_with("900150983cd24fb0d6963f7d28e17f72"));
///
/// server.drain();
/// server.join()?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn spawn<H>(address: SocketAddr, config: Config, handler: H) -> io::Result<Spawned>
where
    H: Handler + Send + 'static,
    H::Upload: Send,
{
    let poll = Poll::new()?;
    let waker = Waker::new(poll.registry(), WAKER)?;
    let mut server = Server::new(poll.registry(), SERVER, config)?;
    let address = server.bind(address)?;
    let order = Arc::new(AtomicU8::new(RUN));
    let told = Arc::clone(&order);
    let thread =
        Builder::new().name("streamsum".into()).spawn(move || run(poll, server, handler, &told))?;
    Ok(Spawned { address, waker, order, thread })
}

fn run<H: Handler>(
    mut poll: Poll,
    mut server: Server<H::Upload>,
    mut handler: H,
    order: &AtomicU8,
) -> io::Result<()> {
    let ended = serve(&mut poll, &mut server, &mut handler, order);
    // Whatever ended it, each request under way is reported.
    server.shut_down(Now::now(), &mut handler);
    ended
}

fn serve<H: Handler>(
    poll: &mut Poll,
    server: &mut Server<H::Upload>,
    handler: &mut H,
    order: &AtomicU8,
) -> io::Result<()> {
    let mut events = Events::with_capacity(1024);
    let mut draining = false;
    loop {
        match poll.poll(&mut events, server.timeout(Now::now())) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        for event in &events {
            server.note(event);
        }
        match order.load(Ordering::Acquire) {
            STOP => return Ok(()),
            DRAIN if !draining => {
                draining = true;
                server.drain(Now::now());
            }
            _ => {}
        }
        server.turn(Now::now(), handler)?;
        if draining && server.is_idle() {
            return Ok(());
        }
    }
}

/// A server on its thread. Dropping it leaves the server running.
///
/// [`spawn`] has an example.
#[derive(Debug)]
pub struct Spawned {
    address: SocketAddr,
    waker: Waker,
    order: Arc<AtomicU8>,
    thread: JoinHandle<io::Result<()>>,
}

impl Spawned {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more connections, finishes what is in flight, then ends.
    pub fn drain(&self) {
        self.tell(DRAIN);
    }

    /// Closes everything and ends.
    pub fn stop(&self) {
        self.tell(STOP);
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    ///
    /// What ended the loop, if it was not told to end.
    ///
    /// # Panics
    ///
    /// If the handler has panicked.
    pub fn join(self) -> io::Result<()> {
        match self.thread.join() {
            Ok(ended) => ended,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    /// A later order is never weaker than an earlier one.
    fn tell(&self, order: u8) {
        self.order.fetch_max(order, Ordering::AcqRel);
        // It fails only if the poll is gone, and with it the thread.
        let _ = self.waker.wake();
    }
}
