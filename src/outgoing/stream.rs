//! Connections to origins: TCP, and TLS on it.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use mio::event::Source;
use mio::net::TcpStream;
use mio::{Registry, Token};
use socket2::SockRef;

use crate::engine::Socket;
use crate::server;
#[cfg(feature = "outgoing-tls")]
use crate::tls::Tls;

/// Bytes that the kernel takes beyond what it has sent. Less costs speed, more is memory that
/// "written" does not speak of.
#[cfg(any(target_os = "linux", target_os = "android"))]
const NOT_SENT: u32 = 128 << 10;

/// A connection to an origin. Until it is connected, and has finished its handshake if it is one of
/// TLS, its calls fail with [`WouldBlock`](ErrorKind::WouldBlock), and then with why it is not.
///
/// # Example
///
/// ```
/// use streamsum::client::Connect;
/// use streamsum::outgoing::{Dialer, Stream};
///
/// fn assert_opens<C: Connect<Socket = Stream>>() {}
/// assert_opens::<Dialer>();
/// ```
#[derive(Debug)]
pub struct Stream(Kind);

#[derive(Debug)]
enum Kind {
    Tcp(Tcp),
    #[cfg(feature = "outgoing-tls")]
    Tls(Box<Tls<Tcp>>),
}

impl Stream {
    pub(super) fn tcp(tcp: Tcp) -> Self {
        Self(Kind::Tcp(tcp))
    }

    #[cfg(feature = "outgoing-tls")]
    pub(super) fn tls(tls: Tls<Tcp>) -> Self {
        Self(Kind::Tls(Box::new(tls)))
    }

    fn socket(&self) -> &dyn Socket {
        match &self.0 {
            Kind::Tcp(tcp) => tcp,
            #[cfg(feature = "outgoing-tls")]
            Kind::Tls(tls) => &**tls,
        }
    }

    fn socket_mut(&mut self) -> &mut dyn Socket {
        match &mut self.0 {
            Kind::Tcp(tcp) => tcp,
            #[cfg(feature = "outgoing-tls")]
            Kind::Tls(tls) => &mut **tls,
        }
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.socket_mut().read(into)
    }
}

impl Write for Stream {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.socket_mut().write(from)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Socket for Stream {
    fn short_read_drains(&self) -> bool {
        self.socket().short_read_drains()
    }

    fn finish_writing(&mut self) -> io::Result<()> {
        self.socket_mut().finish_writing()
    }

    fn wants_write(&self) -> bool {
        self.socket().wants_write()
    }

    fn transmit(&mut self) -> io::Result<usize> {
        self.socket_mut().transmit()
    }

    fn wants_read(&self) -> bool {
        self.socket().wants_read()
    }
}

/// A TCP connection that is being made, or is made.
#[derive(Debug)]
pub(super) struct Tcp(server::Stream);

impl Tcp {
    pub(super) fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        let socket = SockRef::from(&stream);
        socket.set_linger(Some(Duration::ZERO))?;
        socket.set_tcp_nodelay(true)?;
        #[cfg(any(target_os = "linux", target_os = "android"))]
        socket.set_tcp_notsent_lowat(NOT_SENT)?;
        Ok(Self(stream.into()))
    }

    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.0.register(registry, token, server::Stream::INTEREST)
    }
}

/// Not Linux alone has a word for a connection that is being made.
fn while_connecting<T>(result: io::Result<T>) -> io::Result<T> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotConnected => Err(ErrorKind::WouldBlock.into()),
        result => result,
    }
}

impl Read for Tcp {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while_connecting(self.0.read(into))
    }
}

impl Write for Tcp {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        while_connecting(self.0.write(from))
    }

    /// Records of TLS go together.
    fn write_vectored(&mut self, from: &[IoSlice<'_>]) -> io::Result<usize> {
        while_connecting(self.0.write_vectored(from))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Socket for Tcp {
    fn short_read_drains(&self) -> bool {
        self.0.short_read_drains()
    }

    /// A client never does it: a server could take it for the end of the content.
    fn finish_writing(&mut self) -> io::Result<()> {
        self.0.finish_writing()
    }
}
