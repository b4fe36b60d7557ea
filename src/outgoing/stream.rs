//! A TCP connection that is being made, or is made.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use mio::event::Source;
use mio::net::TcpStream;
use mio::{Registry, Token};
use socket2::SockRef;

use crate::engine::Socket;
use crate::server;

/// Bytes that the kernel takes beyond what it has sent. Less costs speed, more is memory that
/// "written" does not speak of.
#[cfg(any(target_os = "linux", target_os = "android"))]
const NOT_SENT: u32 = 128 << 10;

/// A TCP connection to an origin. Until it is connected its calls fail with
/// [`WouldBlock`](ErrorKind::WouldBlock), and then with why it is not.
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
pub struct Stream(server::Stream);

impl Stream {
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

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while_connecting(self.0.read(into))
    }
}

impl Write for Stream {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        while_connecting(self.0.write(from))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Socket for Stream {
    fn short_read_drains(&self) -> bool {
        self.0.short_read_drains()
    }

    /// A client never does it: a server could take it for the end of the content.
    fn finish_writing(&mut self) -> io::Result<()> {
        self.0.finish_writing()
    }
}
