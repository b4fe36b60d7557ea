//! A server on a thread of its own, for programs without a loop.
//!
//! [`spawn`] binds an address; [`spawn_on`] takes listeners, and gives the handler a
//! [`Handle`], by which other threads answer, resume, drain and read counters.
//!
//! It is written against the public interface of [`server`](crate::server) alone, with a
//! [`mio::Waker`] for what comes from outside, so its source shows how to write another
//! loop.
//!
//! # Example
//!
//! Finishes what is under way, but not for ever.
//!
//! ```
//! use std::time::{Duration, Instant};
//! use streamsum::{Checksum, Config, spawn};
//!
//! let server = spawn("127.0.0.1:0", Config::default(), Checksum::new())?;
//! // Uploads come and go; then:
//! server.drain();
//! let deadline = Instant::now() + Duration::from_secs(30);
//! while !server.is_finished() && Instant::now() < deadline {
//!     std::thread::sleep(Duration::from_millis(10));
//! }
//! server.stop();
//! server.join()?;
//! # Ok::<(), std::io::Error>(())
//! ```

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use mio::{Events, Poll, Token, Waker};

use crate::engine::{Config, Now, Stats};
use crate::handler::{Handler, UploadId};
use crate::proto::Response;
use crate::server::{Listener, Server};

const WAKER: Token = Token(0);
const SERVER: Token = Token(1);

const RUN: u8 = 0;
const DRAIN: u8 = 1;
const STOP: u8 = 2;

/// Binds `address`, the first of those given that can be bound, and serves on a new thread
/// until the server is drained or stopped, or the program ends.
///
/// # Errors
///
/// If no address can be bound, or there are no descriptors or threads left; or as with
/// [`Server::new`] if no server can work with `config`.
///
/// # Example
///
/// ```
/// use std::io::{Read, Write};
/// use streamsum::{checksum::Checksum, engine::Config, thread};
///
/// let server = thread::spawn("127.0.0.1:0", Config::default(), Checksum::default())?;
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
pub fn spawn<H>(address: impl ToSocketAddrs, config: Config, handler: H) -> io::Result<Spawned>
where
    H: Handler + Send + 'static,
    H::Upload: Send,
{
    let listener = TcpListener::bind(address)?;
    spawn_on([listener.into()], config, |_| handler)
}

/// Serves on a new thread the connections of listeners that the caller has made: Unix
/// sockets, sockets with options of their own, sockets that a supervisor has passed on.
///
/// `handler` makes the handler from its [`Handle`]: a handler that decides or answers later
/// passes the [`Handle`] on to the thread that will.
///
/// # Errors
///
/// If a listener cannot be registered, there are more than 64, or there are no
/// descriptors or threads left; or as with [`Server::new`] if no server can work with
/// `config`.
///
/// # Example
///
/// ```
/// use std::io::{Read, Write};
/// use std::sync::mpsc;
/// use streamsum::engine::Config;
/// use streamsum::handler::{Finished, Handler, Piece, Reply, Request, UploadId, Verdict};
/// use streamsum::proto::Response;
/// use streamsum::thread;
///
/// /// Has another thread answer.
/// struct Ask(mpsc::Sender<UploadId>);
///
/// impl Handler for Ask {
///     type Upload = ();
///     fn begin(&mut self, _: Request<'_>) -> Verdict<()> {
///         Verdict::Take(())
///     }
///     fn consume(&mut self, _: &mut [Piece<()>]) {}
///     fn finish(&mut self, message: Finished<'_>, _: ()) -> Reply {
///         match self.0.send(message.id()) {
///             Ok(()) => Reply::Later,
///             Err(_) => Reply::Now(Response::text(503, "nobody is there to ask")),
///         }
///     }
/// }
///
/// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// let server = thread::spawn_on([listener.into()], Config::default(), |handle| {
///     let (asking, asked) = mpsc::channel();
///     std::thread::spawn(move || {
///         for id in asked {
///             handle.answer(id, Response::text(202, "seen"));
///         }
///     });
///     Ask(asking)
/// })?;
/// # let mut client = std::net::TcpStream::connect(server.address())?;
/// # client.write_all(b"PUT / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc")?;
/// # let mut answer = String::new();
/// # client.read_to_string(&mut answer)?;
/// # assert!(answer.starts_with("HTTP/1.1 202 ") && answer.ends_with("seen"), "{answer}");
/// # server.stop();
/// # server.join()?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn spawn_on<H>(
    listeners: impl IntoIterator<Item = Listener>,
    config: Config,
    handler: impl FnOnce(Handle) -> H,
) -> io::Result<Spawned>
where
    H: Handler + Send + 'static,
    H::Upload: Send,
{
    let poll = Poll::new()?;
    let shared = Arc::new(Shared {
        waker: Waker::new(poll.registry(), WAKER)?,
        order: AtomicU8::new(RUN),
        max_commands: config.connections,
        inbox: Mutex::default(),
        stats: Mutex::default(),
    });
    let mut server = Server::new(poll.registry(), SERVER, config)?;
    let mut addresses = Vec::new();
    for listener in listeners {
        match &listener {
            Listener::Tcp(tcp) => addresses.push(tcp.local_addr()?),
            #[cfg(unix)]
            Listener::Unix(_) => {}
        }
        server.listen(listener)?;
    }
    let handle = Handle { shared: Arc::clone(&shared) };
    let handler = handler(handle.clone());
    let thread = Builder::new()
        .name("streamsum".into())
        .spawn(move || run(poll, server, handler, &shared))?;
    Ok(Spawned { addresses, handle, thread })
}

/// What the loop and its handles share.
struct Shared {
    waker: Waker,
    order: AtomicU8,
    /// At most so many commands wait: there are never more requests.
    max_commands: usize,
    inbox: Mutex<Inbox>,
    stats: Mutex<Stats>,
}

#[derive(Default)]
struct Inbox {
    commands: Vec<(UploadId, Command)>,
    /// True if the loop has ended, and takes no more commands.
    is_closed: bool,
}

enum Command {
    Resume,
    Answer(Response),
}

impl Shared {
    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stats(&self) -> MutexGuard<'_, Stats> {
        self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        // It fails only if the poll is gone, and with it the thread.
        let _ = self.waker.wake();
    }
}

fn run<H: Handler>(
    mut poll: Poll,
    mut server: Server<H::Upload>,
    mut handler: H,
    shared: &Shared,
) -> io::Result<()> {
    let _closing = Closing(shared);
    let ended = serve(&mut poll, &mut server, &mut handler, shared);
    // However the loop ended, each request under way is reported.
    server.shut_down(Now::now(), &mut handler);
    shared.stats().clone_from(server.stats());
    ended
}

/// Closes the inbox when the loop ends, even by a panic of the handler.
struct Closing<'a>(&'a Shared);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        *self.0.inbox() = Inbox { commands: Vec::new(), is_closed: true };
    }
}

fn serve<H: Handler>(
    poll: &mut Poll,
    server: &mut Server<H::Upload>,
    handler: &mut H,
    shared: &Shared,
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
        let commands = std::mem::take(&mut shared.inbox().commands);
        for (id, command) in commands {
            // A request may have ended while the command for it was under way.
            let _ = match command {
                Command::Resume => server.resume(id),
                Command::Answer(response) => server.answer(id, response),
            };
        }
        match shared.order.load(Ordering::Acquire) {
            STOP => return Ok(()),
            DRAIN if !draining => {
                draining = true;
                server.drain(Now::now());
            }
            _ => {}
        }
        server.turn(Now::now(), handler)?;
        shared.stats().clone_from(server.stats());
        if draining && server.is_empty() {
            return Ok(());
        }
    }
}

/// A server on its thread. Dropping it does not stop the server, which then runs until the
/// program ends.
///
/// [`spawn`] has an example.
#[must_use = "a program that does not join it may end, and the server with it"]
#[derive(Debug)]
pub struct Spawned {
    addresses: Vec<SocketAddr>,
    handle: Handle,
    thread: JoinHandle<io::Result<()>>,
}

impl Spawned {
    /// Where it listens: the address of its first TCP listener.
    ///
    /// # Panics
    ///
    /// If it has none.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        *self.addresses.first().expect("a server with a TCP listener")
    }

    /// The addresses of all its TCP listeners, in the order in which they were given.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// A handle for other threads.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// As [`Handle::stats`].
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.handle.stats()
    }

    /// As [`Handle::drain`].
    pub fn drain(&self) {
        self.handle.drain();
    }

    /// As [`Handle::stop`].
    pub fn stop(&self) {
        self.handle.stop();
    }

    /// True if it has ended, so that [`join`](Spawned::join) does not wait.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    ///
    /// The error that ended the loop, unless it was drained or stopped.
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
}

/// Reaches a server on its thread from any other: cheap to clone and to pass on.
///
/// [`spawn_on`] has an example.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

impl Handle {
    /// Answers a request that has no answer yet: one that waits for its verdict or its
    /// answer, or one whose content still arrives. A handler may call it, too. The next
    /// turn answers, as [`Server::answer`](Server::answer) does.
    ///
    /// Returns false if the server has ended, or if [`Config::connections`] commands wait
    /// for the next turn already. Only [`Handler::ended`] reports whether the request was
    /// still there.
    #[expect(clippy::must_use_candidate, reason = "most callers can do nothing about it")]
    pub fn answer(&self, id: UploadId, response: Response) -> bool {
        self.send(id, Command::Answer(response))
    }

    /// Goes on with a request that waits for its verdict, or of which a piece was taken in
    /// part. The next turn resumes it, as [`Server::resume`](Server::resume) does. Returns
    /// false as [`Handle::answer`] does.
    #[expect(clippy::must_use_candidate, reason = "most callers can do nothing about it")]
    pub fn resume(&self, id: UploadId) -> bool {
        self.send(id, Command::Resume)
    }

    /// The counters, as they were after the last turn.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.stats().clone()
    }

    /// Accepts no more connections, finishes the requests in flight, then ends.
    pub fn drain(&self) {
        self.order(DRAIN);
    }

    /// Closes all connections and ends.
    pub fn stop(&self) {
        self.order(STOP);
    }

    /// A weaker order does not replace a stronger one.
    fn order(&self, order: u8) {
        self.shared.order.fetch_max(order, Ordering::AcqRel);
        self.shared.wake();
    }

    fn send(&self, id: UploadId, command: Command) -> bool {
        let mut inbox = self.shared.inbox();
        if inbox.is_closed || inbox.commands.len() >= self.shared.max_commands {
            return false;
        }
        inbox.commands.push((id, command));
        drop(inbox);
        self.shared.wake();
        true
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}
