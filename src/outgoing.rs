//! Sockets for a [`Client`](crate::client::Client): connecting, and looking names up.
//!
//! A [`Dialer`] opens TCP connections that do not block, in the poll of the loop that its client
//! lives in. Names are looked up by a thread, which is made for the first of them.
//!
//! Each connection is set up so that
//!
//! - what was written is on its way: the kernel takes no more than 128 KiB that it has not sent
//!   (`TCP_NOTSENT_LOWAT`, Linux and Android), so that a slow server is felt at once, and an upload
//!   that is passed on costs no megabytes of the kernel's memory;
//! - it ends by a reset when it is closed, also when the process is killed (`SO_LINGER` of 0): no
//!   server takes half of an upload for all of it. An idle connection ends so, too.
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//! use streamsum::client::{Client, Config, Event, Origin};
//! use streamsum::outgoing::Dialer;
//! use streamsum::proto::client::Request;
//! use streamsum::{Checksum, Now, run::Runner, spawn};
//!
//! let server = spawn("127.0.0.1:0", streamsum::Config::default(), Checksum::new())?;
//! let origin: Arc<Origin> = Arc::new(format!("http://{}", server.address()).parse()?);
//!
//! let config = Config::default().connections(4);
//! let runner = Runner::<()>::new(streamsum::Config::default(), config.connections)?;
//! let mut client = Client::new(config, Dialer::in_runner(&runner)?, Now::now());
//! let exchange = client.start_whole(&origin, Request::new("PUT", "/", origin.authority())?, *b"abc")?;
//! # // A loop of its own, as the runner's would call these as a resident's.
//! # let answer = loop {
//! #     client.work(Now::now());
//! #     if let Some((id, Event::Answered(answer))) = client.next_event() {
//! #         assert_eq!(id, exchange);
//! #         break answer;
//! #     }
//! #     for place in 0..client.places() {
//! #         client.note(place, streamsum::engine::Ready { readable: true, ..Default::default() });
//! #     }
//! # };
//! # assert_eq!(answer.content(), b"900150983cd24fb0d6963f7d28e17f72");
//! # server.stop();
//! # server.join()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod names;
mod stream;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use mio::{Registry, Token};

use crate::client::{Connect, Lookup, Origin};
use crate::run::Runner;
#[cfg(feature = "outgoing-tls")]
use crate::tls::{Tls, Trust};
use names::Names;
use stream::Tcp;

pub use stream::Stream;

/// Opens connections over TCP, and TLS, in a poll. The [module page](self) has an example.
pub struct Dialer {
    registry: Registry,
    /// The token of the first place; those of the others follow.
    first: Token,
    names: Names,
    #[cfg(feature = "outgoing-tls")]
    trust: Option<Trust>,
}

impl Dialer {
    /// For a client that lives in the loop of this runner, whose places are its first. It is woken
    /// when a name was looked up.
    ///
    /// # Errors
    ///
    /// If there are no descriptors left.
    ///
    /// # Panics
    ///
    /// If the runner has no places.
    pub fn in_runner<U>(runner: &Runner<U>) -> io::Result<Self> {
        let handle = runner.handle();
        Ok(Self::new(runner.registry().try_clone()?, runner.token(0), move || handle.wake()))
    }

    /// For a client in any poll. Its sockets have the tokens from `first` on; `wake` has the poll
    /// return, from another thread, when a name was looked up.
    pub fn new(registry: Registry, first: Token, wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            registry,
            first,
            names: Names::new(Arc::new(wake)),
            #[cfg(feature = "outgoing-tls")]
            trust: None,
        }
    }

    /// Has it connect to `https` origins, and believe these authorities. Without this they are
    /// refused, as they are without the feature `outgoing-tls`.
    #[cfg(feature = "outgoing-tls")]
    #[must_use]
    pub fn with_tls(mut self, trust: Trust) -> Self {
        self.trust = Some(trust);
        self
    }

    /// Puts the security that the origin asks for around a connection.
    #[cfg(feature = "outgoing-tls")]
    fn secure(&self, tcp: Tcp, origin: &Origin) -> io::Result<Stream> {
        match &self.trust {
            _ if !origin.is_tls() => Ok(Stream::tcp(tcp)),
            Some(trust) => Tls::new(tcp, origin.host(), trust).map(Stream::tls),
            None => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    #[cfg(not(feature = "outgoing-tls"))]
    #[expect(clippy::unused_self, reason = "with TLS it has whom to trust")]
    fn secure(&self, tcp: Tcp, origin: &Origin) -> io::Result<Stream> {
        if origin.is_tls() { Err(io::ErrorKind::Unsupported.into()) } else { Ok(Stream::tcp(tcp)) }
    }
}

impl Connect for Dialer {
    type Socket = Stream;

    fn look_up(&mut self, origin: &Origin) -> Lookup {
        match origin.address() {
            Some(address) => Lookup::Found([SocketAddr::new(address, origin.port())].into()),
            None => self.names.look_up(origin.host(), origin.port()),
        }
    }

    fn has_news(&mut self) -> bool {
        self.names.has_news()
    }

    fn open(&mut self, to: SocketAddr, origin: &Origin, place: usize) -> io::Result<Stream> {
        let mut tcp = Tcp::connect(to)?;
        tcp.register(&self.registry, Token(self.first.0 + place))?;
        self.secure(tcp, origin)
    }
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialer").field("first", &self.first).finish_non_exhaustive()
    }
}
