//! streamsum hashes HTTP uploads as they arrive: an HTTP/1.1 server on mio, made of
//! floors that can each be used alone.
//!
//! A server with many uploads has many independent streams to hash, and a vector
//! register has room for many of them side by side: [`md5`] hashes up to 32 in about the
//! time of two. So readiness is only *noted*; then the engine takes a *turn*: it
//! reads from all who are ready, hands all their content to the handler at once, and
//! settles the answers.
//!
//! ```text
//! 5   thread          outgoing           a server on a thread of its own · sockets to others
//! 4   run                                the loop, and what it lends to whom
//! 3   server          checksum           the engine over mio  · the handler that hashes
//! 2   engine          client   tls       turns and deadlines · requests to others
//! 1   handler         resident           what an embedder writes
//! 0   proto     md5     digest  buf      HTTP, digests, buffers: no sockets, no clock
//! ```
//!
//! The way of a byte: one read into a pooled buffer, one pass of the hash over it where
//! it lies, and no copy between the two.
//!
//! ```text
//! kernel ──read──► Buf ──range──► Piece ──► Md5 ──► 16 bytes ──► response ──write──► kernel
//! ```
//!
//! # Three ways in
//!
//! **A thread of its own**, for programs without a loop:
//!
//! ```
//! use std::io::{Read, Write};
//! use streamsum::{Checksum, Config, spawn};
//!
//! let server = spawn("127.0.0.1:0", Config::default(), Checksum::new())?;
//!
//! let mut client = std::net::TcpStream::connect(server.address())?;
//! client.write_all(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc")?;
//! let mut answer = String::new();
//! client.read_to_string(&mut answer)?;
//! assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"));
//! assert!(answer.ends_with("\r\n\r\n900150983cd24fb0d6963f7d28e17f72"));
//!
//! server.drain();
//! server.join()?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! [`thread::spawn_workers`] serves on several threads.
//!
//! **In a loop with your own sockets and timers**, which live in it as residents: [`run`] has
//! the loop; or in your own [`mio::Poll`]: [`server`] shows how.
//!
//! **Without sockets**, over anything that has bytes: [`proto`] has the loop.
//!
//! What happens to the content is up to a [`Handler`]: [`handler`] has one, and
//! [`Checksum`] is another.
//!
//! # What each floor needs
//!
//! | floor | of the system | crates |
//! |---|---|---|
//! | [`buf`] | memory | |
//! | [`md5`] | memory; asks std what the CPU can do | md-5 |
//! | [`digest`] | memory | with the feature `digests`: crc32c, crc32fast, crc64fast-nvme, sha1, sha2 |
//! | [`proto`] | memory; dates are made of a `SystemTime` | httparse, httpdate |
//! | [`handler`], [`resident`], [`checksum`] | memory | |
//! | [`placement`] | nothing | |
//! | [`door`] | memory | with the feature `door`: bytesize, humantime, sha2 |
//! | [`folder`] | a folder, threads; Unix | with the feature `folder`: rustix besides |
//! | [`engine`] | memory; sockets are whatever reads and writes, and time is an argument | slab |
//! | [`client`] | memory, likewise | with the feature `outgoing`: slab |
//! | `tls` | memory; the system's certificates | with the feature `outgoing-tls`: rustls, rustls-native-certs |
//! | [`server`] | sockets | mio |
//! | [`run`] | sockets, a clock | mio |
//! | [`outgoing`] | sockets, the system's resolver, a thread | with the feature `outgoing`: mio, socket2 |
//! | [`thread`] | sockets, a clock, a thread | mio |
//!
//! All of them need std. Without it, md5 could not ask for the CPU's vectors, proto would
//! lose its dates, and mio be left out by a feature of which nobody else has a use.
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub mod buf;
pub mod checksum;
#[cfg(feature = "outgoing")]
pub mod client;
pub mod digest;
#[cfg(feature = "door")]
pub mod door;
pub mod engine;
#[cfg(all(unix, feature = "folder"))]
pub mod folder;
pub mod handler;
mod link;
pub mod md5;
mod now;
#[cfg(feature = "outgoing")]
pub mod outgoing;
pub mod placement;
pub mod proto;
pub mod resident;
pub mod run;
pub mod server;
pub mod thread;
#[cfg(feature = "outgoing-tls")]
pub mod tls;

/// The README's program, compiled as a doctest.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;

pub use checksum::Checksum;
pub use engine::{Config, Now, Timeouts};
pub use handler::Handler;
pub use proto::{Limits, Response};
pub use server::Server;
pub use thread::{Handle, Spawned, spawn, spawn_on, spawn_workers};
