//! TCP and Unix sockets behind one type.

use std::fmt;
use std::io::{self, IoSlice, Read, Write};
use std::net::{self, Shutdown, SocketAddr};
#[cfg(unix)]
use std::os::unix;
use std::sync::Arc;

use mio::event::Source;
use mio::net::{TcpListener, TcpStream};
#[cfg(unix)]
use mio::net::{UnixListener, UnixStream};
use mio::{Interest, Registry, Token};

use super::connected::Wrap;
use crate::engine::Socket;
use crate::handler::PeerAddr;

/// Where connections come from.
///
/// # Example
///
/// ```
/// use streamsum::server::Listener;
/// use streamsum::{Checksum, Config, thread::spawn_on};
///
/// // With any socket options, or from a supervisor.
/// let socket = std::net::TcpListener::bind("127.0.0.1:0")?;
/// let server = spawn_on([Listener::from(socket)], Config::default(), |_| Checksum::new())?;
/// println!("listening on {}", server.address());
/// # server.stop();
/// # server.join()?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// The file of a Unix socket belongs to the caller, who removes it before binding it again.
#[derive(Debug)]
#[non_exhaustive]
pub enum Listener {
    /// TCP over IPv4, IPv6, or both.
    Tcp(TcpListener),
    /// A Unix socket.
    #[cfg(unix)]
    Unix(UnixListener),
    /// One of these whose streams are wrapped: see [`Listener::wrapped_by`].
    Wrapping(Wrapping),
}

/// A [`Listener`] and what becomes of its streams. [`Listener::wrapped_by`] has an example.
pub struct Wrapping {
    listener: Box<Listener>,
    wrap: Wrap,
}

impl fmt::Debug for Wrapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wrapping").field("listener", &self.listener).finish_non_exhaustive()
    }
}

/// A connection that a [`Listener`] has accepted, or that the caller gives to
/// [`Server::adopt`](super::Server::adopt).
///
/// # Example
///
/// ```
/// use streamsum::{engine::Socket, server::Stream};
///
/// fn assert_socket<S: Socket>() {}
/// assert_socket::<Stream>();
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Stream {
    /// Over TCP, with `TCP_NODELAY`: answers are written in one go.
    Tcp(TcpStream),
    /// Over a Unix socket.
    #[cfg(unix)]
    Unix(UnixStream),
}

impl From<TcpStream> for Stream {
    fn from(stream: TcpStream) -> Self {
        Stream::Tcp(stream)
    }
}

impl From<net::TcpStream> for Stream {
    fn from(stream: net::TcpStream) -> Self {
        TcpStream::from_std(stream).into()
    }
}

#[cfg(unix)]
impl From<UnixStream> for Stream {
    fn from(stream: UnixStream) -> Self {
        Stream::Unix(stream)
    }
}

#[cfg(unix)]
impl From<unix::net::UnixStream> for Stream {
    fn from(stream: unix::net::UnixStream) -> Self {
        UnixStream::from_std(stream).into()
    }
}

impl Stream {
    /// Sets it not to block, and to send answers at once.
    pub(super) fn into_nonblocking(self) -> io::Result<Self> {
        match self {
            Stream::Tcp(stream) => {
                let stream = net::TcpStream::from(stream);
                stream.set_nonblocking(true)?;
                // It fails only where the connection is gone, which a read will tell.
                let _ = stream.set_nodelay(true);
                Ok(stream.into())
            }
            #[cfg(unix)]
            Stream::Unix(stream) => {
                let stream = unix::net::UnixStream::from(stream);
                stream.set_nonblocking(true)?;
                Ok(stream.into())
            }
        }
    }
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Listener::Tcp(listener)
    }
}

impl From<net::TcpListener> for Listener {
    fn from(listener: net::TcpListener) -> Self {
        TcpListener::from_std(listener).into()
    }
}

#[cfg(unix)]
impl From<unix::net::UnixListener> for Listener {
    fn from(listener: unix::net::UnixListener) -> Self {
        UnixListener::from_std(listener).into()
    }
}

#[cfg(unix)]
impl From<UnixListener> for Listener {
    fn from(listener: UnixListener) -> Self {
        Listener::Unix(listener)
    }
}

impl Listener {
    /// Has each stream that it accepts wrapped, for example in a session of TLS. `wrap` gets a
    /// stream that does not block, and is called when its peer gets a place: on the thread that
    /// serves it. If it fails, the connection is closed; [`Server::accept_failures`] counts that.
    ///
    /// The events that the poll tells are those of the stream. What a wrapper has to say of itself
    /// beside them is in [`Socket`].
    ///
    /// [`Server::accept_failures`]: super::Server::accept_failures
    ///
    /// # Example
    ///
    /// Counts what is read, whatever becomes of it.
    ///
    /// ```
    /// use std::io::{self, IoSlice, Read, Write};
    /// use std::sync::atomic::{AtomicU64, Ordering};
    /// use streamsum::engine::Socket;
    /// use streamsum::server::{Listener, Stream};
    /// use streamsum::{Checksum, Config, spawn_on};
    ///
    /// static READ: AtomicU64 = AtomicU64::new(0);
    ///
    /// struct Counted(Stream);
    ///
    /// impl Read for Counted {
    ///     fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
    ///         let n = self.0.read(into)?;
    ///         READ.fetch_add(n as u64, Ordering::Relaxed);
    ///         Ok(n)
    ///     }
    /// }
    /// impl Write for Counted {
    ///     fn write(&mut self, from: &[u8]) -> io::Result<usize> { self.0.write(from) }
    ///     fn flush(&mut self) -> io::Result<()> { self.0.flush() }
    /// }
    /// impl Socket for Counted {
    ///     fn short_read_drains(&self) -> bool { self.0.short_read_drains() }
    ///     fn finish_writing(&mut self) -> io::Result<()> { self.0.finish_writing() }
    /// }
    ///
    /// let listener = Listener::from(std::net::TcpListener::bind("127.0.0.1:0")?);
    /// let listener = listener.wrapped_by(|stream| Ok(Box::new(Counted(stream))));
    /// let server = spawn_on([listener], Config::default(), |_| Checksum::new())?;
    /// # let mut client = std::net::TcpStream::connect(server.address())?;
    /// # client.write_all(b"PUT / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc")?;
    /// # let mut answer = String::new();
    /// # client.read_to_string(&mut answer)?;
    /// # assert!(answer.ends_with("900150983cd24fb0d6963f7d28e17f72"), "{answer}");
    /// # assert_eq!(READ.load(Ordering::Relaxed), 40);
    /// # server.stop();
    /// # server.join()?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn wrapped_by(
        self,
        wrap: impl Fn(Stream) -> io::Result<Box<dyn Socket + Send>> + Send + Sync + 'static,
    ) -> Self {
        Self::Wrapping(Wrapping { listener: Box::new(self), wrap: Arc::new(wrap) })
    }

    /// Where it listens, unless it is a Unix socket.
    pub(crate) fn tcp_address(&self) -> io::Result<Option<SocketAddr>> {
        match self {
            Listener::Tcp(listener) => listener.local_addr().map(Some),
            #[cfg(unix)]
            Listener::Unix(_) => Ok(None),
            Listener::Wrapping(wrapping) => wrapping.listener.tcp_address(),
        }
    }

    /// What its streams are wrapped by.
    pub(super) fn wrap(&self) -> Option<&Wrap> {
        match self {
            Listener::Wrapping(wrapping) => Some(&wrapping.wrap),
            _ => None,
        }
    }

    /// Sets it not to block: an accept that blocks would hold up all peers.
    pub(super) fn into_nonblocking(self) -> io::Result<Self> {
        // mio cannot set it.
        match self {
            Listener::Tcp(listener) => {
                let listener = net::TcpListener::from(listener);
                listener.set_nonblocking(true)?;
                Ok(listener.into())
            }
            #[cfg(unix)]
            Listener::Unix(listener) => {
                let listener = unix::net::UnixListener::from(listener);
                listener.set_nonblocking(true)?;
                Ok(listener.into())
            }
            Listener::Wrapping(Wrapping { listener, wrap }) => {
                let listener = Box::new(listener.into_nonblocking()?);
                Ok(Listener::Wrapping(Wrapping { listener, wrap }))
            }
        }
    }

    pub(super) fn accept(&self) -> io::Result<(Stream, PeerAddr)> {
        match self {
            Listener::Tcp(listener) => {
                let (stream, address) = listener.accept()?;
                // It fails only if the connection is gone, which a read will report.
                let _ = stream.set_nodelay(true);
                Ok((Stream::Tcp(stream), address.into()))
            }
            #[cfg(unix)]
            Listener::Unix(listener) => {
                let (stream, _) = listener.accept()?;
                Ok((Stream::Unix(stream), PeerAddr::Unix))
            }
            Listener::Wrapping(wrapping) => wrapping.listener.accept(),
        }
    }

    fn source(&mut self) -> &mut dyn Source {
        match self {
            Listener::Tcp(listener) => listener,
            #[cfg(unix)]
            Listener::Unix(listener) => listener,
            Listener::Wrapping(wrapping) => wrapping.listener.source(),
        }
    }
}

impl Stream {
    fn source(&mut self) -> &mut dyn Source {
        match self {
            Stream::Tcp(stream) => stream,
            #[cfg(unix)]
            Stream::Unix(stream) => stream,
        }
    }
}

/// All kinds are registered as mio's own are.
macro_rules! register_as_inner {
    ($kind:ident) => {
        impl Source for $kind {
            fn register(&mut self, to: &Registry, token: Token, of: Interest) -> io::Result<()> {
                self.source().register(to, token, of)
            }

            fn reregister(&mut self, to: &Registry, token: Token, of: Interest) -> io::Result<()> {
                self.source().reregister(to, token, of)
            }

            fn deregister(&mut self, from: &Registry) -> io::Result<()> {
                self.source().deregister(from)
            }
        }
    };
}

register_as_inner!(Listener);
register_as_inner!(Stream);

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.read(into),
            #[cfg(unix)]
            Stream::Unix(stream) => stream.read(into),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.write(from),
            #[cfg(unix)]
            Stream::Unix(stream) => stream.write(from),
        }
    }

    fn write_vectored(&mut self, from: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.write_vectored(from),
            #[cfg(unix)]
            Stream::Unix(stream) => stream.write_vectored(from),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// True where mio reports urgent data, and reports a socket again although no call on it
/// would have blocked.
const REPORTS_URGENT_DATA: bool = cfg!(all(
    any(target_os = "linux", target_os = "android"),
    not(mio_unsupported_force_poll_poll),
));

impl Stream {
    /// What each is registered for.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(crate) const INTEREST: Interest =
        Interest::READABLE.add(Interest::WRITABLE).add(Interest::PRIORITY);
    /// What each is registered for.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub(crate) const INTEREST: Interest = Interest::READABLE.add(Interest::WRITABLE);
}

impl Socket for Stream {
    fn short_read_drains(&self) -> bool {
        match self {
            Stream::Tcp(_) => REPORTS_URGENT_DATA,
            // A read also ends behind bytes that came with a descriptor.
            #[cfg(unix)]
            Stream::Unix(_) => false,
        }
    }

    fn finish_writing(&mut self) -> io::Result<()> {
        match self {
            Stream::Tcp(stream) => stream.shutdown(Shutdown::Write),
            #[cfg(unix)]
            Stream::Unix(stream) => stream.shutdown(Shutdown::Write),
        }
    }
}
