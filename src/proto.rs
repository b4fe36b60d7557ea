//! HTTP/1.1 without sockets and without a clock: as a server sees it, and in [`client`] as a
//! client does.
//!
//! The caller gives a [`Connection`] the bytes that a peer sent, and the connection reports
//! what they mean, one [`Event`] at a time. The caller gives it an answer, and the connection
//! writes the bytes of the answer into a vector. All else is the caller's: it reads, writes,
//! waits and keeps the time.
//!
//! ```text
//!        ┌──────────────── Reuse ───────────────┐
//!        ▼                                      │
//!      Head ──► Decide ──accept──► Body ──► Respond ──► Closed
//!        │         ├─────respond─────┼──────────┴──────────▲
//!        └─────────┴───── Reject ────┴────────reject───────┘
//! ```
//!
//! A caller may [reject](Connection::reject) a request in every state but the last, for a
//! reason of its own such as the time.
//!
//! # Example
//!
//! Two requests, pipelined; the first one's content is in chunks.
//!
//! ```
//! use streamsum::proto::{After, Connection, Date, Event, Limits, Response};
//!
//! let mut input = b"PUT /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n\
//!                   3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n\
//!                   GET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".to_vec();
//! let date = Date::new(std::time::UNIX_EPOCH);
//! let mut connection = Connection::new(Limits::default());
//! let mut output = Vec::new();
//! let mut content = Vec::new();
//!
//! loop {
//!     let step = connection.receive(&mut input)?;
//!     let used = step.used;
//!     match step.event {
//!         Event::Wait | Event::HeadBegun => break,
//!         Event::Head(_) => connection.accept(&mut output),
//!         Event::Body { data, last } => {
//!             content.extend_from_slice(&input[data]);
//!             if last {
//!                 let length = content.drain(..).count();
//!                 let response = Response::text(200, format!("{length} bytes"));
//!                 if let After::Close(_) = connection.respond(&response, &date, &mut output) {
//!                     break;
//!                 }
//!             }
//!         }
//!     }
//!     input.drain(..used);
//! }
//!
//! let output = String::from_utf8(output).unwrap();
//! assert!(output.contains("\r\n\r\n5 bytesHTTP/1.1 200 OK\r\n"));
//! assert!(output.ends_with("Connection: close\r\n\r\n0 bytes"));
//! # Ok::<(), streamsum::proto::Reject>(())
//! ```
#![warn(clippy::indexing_slicing, clippy::expect_used)]
#![cfg_attr(test, allow(clippy::indexing_slicing))]

pub mod client;
mod limits;
mod server;
mod syntax;

pub use limits::Limits;
pub(crate) use server::cut;
pub use server::{
    After, Awaits, CloseReason, Connection, Date, End, Event, Head, InvalidField, Reject, Response,
    Step, request_line,
};
pub use syntax::{Fields, Framing, Version};
pub(crate) use syntax::{is_tchar, list_members, parts};
