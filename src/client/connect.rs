//! Where a client gets its sockets from.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use super::Origin;
use crate::link::Socket;

/// The addresses of an origin, in the order in which they are tried.
pub type Addresses = Arc<[SocketAddr]>;

/// What is known of a name.
///
/// # Example
///
/// ```
/// use streamsum::client::Lookup;
///
/// let lookup = Lookup::Found(["127.0.0.1:80".parse()?].into());
/// assert!(matches!(lookup, Lookup::Found(addresses) if addresses.len() == 1));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// It is being looked up.
    Pending,
    /// Its addresses; at least one.
    Found(Addresses),
    /// It has none, or nobody knows.
    Failed(io::ErrorKind),
}

/// Looks names up and opens sockets for a [`Client`](super::Client), and never blocks:
/// `outgoing::Dialer` does it with mio, and tests with sockets of their own.
///
/// # Example
///
/// A server that is always out.
///
/// ```
/// use std::io::{self, ErrorKind};
/// use std::net::SocketAddr;
/// use streamsum::client::{Connect, Lookup, Origin};
/// use streamsum::server::Stream;
///
/// struct Nowhere;
///
/// impl Connect for Nowhere {
///     type Socket = Stream;
///     fn look_up(&mut self, _: &Origin) -> Lookup {
///         Lookup::Failed(ErrorKind::NotFound)
///     }
///     fn open(&mut self, _: SocketAddr, _: &Origin, _: usize) -> io::Result<Stream> {
///         Err(ErrorKind::ConnectionRefused.into())
///     }
/// }
/// # let _ = Nowhere;
/// ```
pub trait Connect {
    /// What it opens. Until it is connected, and has finished a handshake if it has one, its calls
    /// fail with [`WouldBlock`](io::ErrorKind::WouldBlock). When it is dropped while anything is
    /// under way, the server is to see a reset and no proper end, as that could be taken for
    /// the end of the content: with TCP by `SO_LINGER` of 0.
    type Socket: Socket;

    /// The addresses of the origin's host. While it says that they are pending it is asked again:
    /// ten times a second, and when there is [news](Connect::has_news).
    fn look_up(&mut self, origin: &Origin) -> Lookup;

    /// True if a lookup has ended since this was asked the last time. By default never.
    fn has_news(&mut self) -> bool {
        false
    }

    /// Begins to connect. What happens to the socket is to be
    /// [noted](super::Client::note) under `place`.
    ///
    /// # Errors
    ///
    /// If no socket can be had, for example because there are no descriptors left, or if it is
    /// clear at once that nobody is there.
    fn open(
        &mut self,
        address: SocketAddr,
        origin: &Origin,
        place: usize,
    ) -> io::Result<Self::Socket>;
}
