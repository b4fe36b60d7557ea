//! A server on a thread of its own, for programs without a loop.
//!
//! [`spawn`] binds an address; [`spawn_on`] takes listeners, and gives the handler a
//! [`Handle`], by which other threads answer, resume, drain and read counters.
//! [`spawn_workers`] serves on several threads.
//!
//! The loop is a [`Runner`].
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

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::thread::{Builder, JoinHandle};

use crate::engine::{Config, Stats};
use crate::handler::Handler;
use crate::resident::{Pair, Resident};
use crate::run::Runner;
use crate::server::Listener;

pub use crate::run::Handle;

/// Binds `address`, the first of those given that can be bound, and serves on a new thread
/// until the server is drained or stopped, or the program ends.
///
/// # Errors
///
/// If no address can be bound, or there are no descriptors or threads left; or as with
/// [`Runner::new`] if no server can work with `config`.
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
/// descriptors or threads left; or as with [`Runner::new`] if no server can work with
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
    let mut runner = Runner::new(config, 0)?;
    let addresses = listen_on(&mut runner, listeners)?;
    let part = Pair::alone(handler(runner.handle()));
    let handle = runner.handle();
    Ok(Spawned { addresses, handle, threads: vec![start(runner, part)?] })
}

/// Serves on several new threads. Each has a loop, a handler and residents of its own, and each
/// connection belongs to one of them: where the fewest uploads are under way when it comes (see
/// [`placement`](crate::placement)). The limits in `config` are for all of them together.
///
/// `part` makes what is lent to each loop: it gets the [`Runner`], with the
/// [number](Runner::number) of the worker and what residents register with. A handler without
/// residents is a [`Pair::alone`].
///
/// If one panics, or fails, the others are drained.
///
/// # Errors
///
/// As with [`spawn_on`], and the first error of `part`. The settings have to be enough for each
/// worker when they are divided.
///
/// # Example
///
/// ```
/// use streamsum::{Checksum, Config, thread};
///
/// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// let config = Config::default().connections(1_000);
/// let server = thread::spawn_workers([listener.into()], config, 2, 0, |worker| {
///     println!("worker {} begins", worker.number());
///     Ok(Checksum::new())
/// })?;
/// assert_eq!(server.handle().running(), 2);
/// server.drain();
/// server.join()?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn spawn_workers<P>(
    listeners: impl IntoIterator<Item = Listener>,
    config: Config,
    workers: usize,
    places: usize,
    mut part: impl FnMut(&Runner<P::Upload>) -> io::Result<P>,
) -> io::Result<Spawned>
where
    P: Handler + Resident + Send + 'static,
    P::Upload: Send,
{
    let mut group = Runner::group(config, workers, places)?;
    let Some(first) = group.first_mut() else { unreachable!("a group has a first") };
    let handle = first.handle();
    let addresses = listen_on(first, listeners)?;
    let parts = group.iter().map(&mut part).collect::<io::Result<Vec<P>>>()?;
    let mut threads = Vec::new();
    for (runner, part) in group.into_iter().zip(parts) {
        // Nobody else could end those that run already.
        threads.push(start(runner, part).inspect_err(|_| handle.stop())?);
    }
    Ok(Spawned { addresses, handle, threads })
}

fn start<P>(runner: Runner<P::Upload>, mut part: P) -> io::Result<JoinHandle<io::Result<()>>>
where
    P: Handler + Resident + Send + 'static,
    P::Upload: Send,
{
    let name = match runner.number() {
        0 => "streamsum".into(),
        number => format!("streamsum-{number}"),
    };
    Builder::new().name(name).spawn(move || runner.run(&mut part))
}

/// Has a server listen; returns the addresses of the TCP listeners.
fn listen_on<U>(
    runner: &mut Runner<U>,
    listeners: impl IntoIterator<Item = Listener>,
) -> io::Result<Vec<SocketAddr>> {
    let mut addresses = Vec::new();
    for listener in listeners {
        addresses.extend(listener.tcp_address()?);
        runner.server_mut().listen(listener)?;
    }
    Ok(addresses)
}

/// A server on its thread, or on those of its workers. Dropping it does not stop the server, which then runs until the
/// program ends.
///
/// [`spawn`] has an example.
#[must_use = "a program that does not join it may end, and the server with it"]
#[derive(Debug)]
pub struct Spawned {
    addresses: Vec<SocketAddr>,
    handle: Handle,
    threads: Vec<JoinHandle<io::Result<()>>>,
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
        self.threads.iter().all(JoinHandle::is_finished)
    }

    /// Waits until it has ended, with all its workers.
    ///
    /// # Errors
    ///
    /// The first error that ended a loop, unless it was drained or stopped.
    ///
    /// # Panics
    ///
    /// If a handler or a resident has panicked: with what that one said.
    pub fn join(self) -> io::Result<()> {
        let ended: Vec<_> = self.threads.into_iter().map(JoinHandle::join).collect();
        let panics = |one| match one {
            Ok(ended) => ended,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        ended.into_iter().map(panics).fold(Ok(()), io::Result::and)
    }
}
