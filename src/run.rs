//! The loop of a server: a poll, what wakes it from outside, and what it lends to whom.
//!
//! A [`Runner`] owns the poll and the [`Server`](crate::server::Server) in it. It does not own
//! what serves: one object that is a [`Handler`](crate::handler::Handler) and a
//! [`Resident`] is lent to each of its rounds.
//!
//! ```text
//!            ┌───────────────────────────────────────────────────────────┐
//!            ▼                                                           │
//! poll ─► note, note, note ─► work ─► inbox ─► the server's turn ─► publish
//!         (as resident)       (as resident)    (as handler)
//! ```
//!
//! What other threads want comes by a [`Handle`] into the inbox. What the resident decides comes
//! straight from its `work`, without a lock or a waker. [`spawn`](crate::thread::spawn) is this
//! loop on a thread of its own.
//!
//! # Example
//!
//! A UDP echo in the loop of a server.
//!
//! ```
//! use mio::{Interest, net::UdpSocket};
//! use streamsum::{Checksum, Config, Now};
//! use streamsum::engine::Ready;
//! use streamsum::resident::{Decisions, Pair, Resident};
//! use streamsum::run::Runner;
//!
//! struct Echo(UdpSocket);
//!
//! impl Resident for Echo {
//!     fn places(&self) -> usize {
//!         1
//!     }
//!
//!     // Whatever was noted: an event may be late, and a datagram is cheap to ask for.
//!     fn work(&mut self, _: Now, _: &mut Decisions) {
//!         let mut datagram = [0; 2048];
//!         while let Ok((length, peer)) = self.0.recv_from(&mut datagram) {
//!             let _ = self.0.send_to(&datagram[..length], peer);
//!         }
//!     }
//! }
//!
//! let mut runner = Runner::new(Config::default(), 1)?;
//! let mut socket = UdpSocket::bind("127.0.0.1:0".parse()?)?;
//! runner.registry().register(&mut socket, runner.token(0), Interest::READABLE)?;
//! let address = runner.server_mut().bind("127.0.0.1:0")?;
//! println!("listening on {address}");
//! # let to = socket.local_addr()?;
//! # let handle = runner.handle();
//! # let client = std::thread::spawn(move || {
//! #     let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
//! #     socket.send_to(b"abc", to).unwrap();
//! #     let mut datagram = [0; 8];
//! #     let (length, _) = socket.recv_from(&mut datagram).unwrap();
//! #     handle.stop();
//! #     datagram[..length].to_vec()
//! # });
//! runner.run(&mut Pair::new(Checksum::new(), Echo(socket)))?;
//! # assert_eq!(client.join().unwrap(), b"abc");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod handle;
mod runner;
mod shared;
mod status;
mod workers;

pub use handle::Handle;
pub use runner::{Round, Runner};
pub use status::{OwnedUnderway, Status};

#[cfg(doc)]
use crate::resident::Resident;
