//! A world for the engine: scripted sockets, an edge-triggered poll and a clock that
//! only moves when it is told to.
//!
//! [`Driver`] is for tests that tell one story; [`world`] plays many peers at once, from
//! a seed or a script; [`workers`] plays several engines, [`passing`] one with a resident beside
//! it, `keeping` one whose handler keeps uploads on a disk, and `exchanging` a client of others;
//! `watch` holds the engine's deadlines against the clock, and `audit` what came of it against
//! what was sent.

mod answers;
mod audit;
mod clock;
mod driver;
mod erratic;
#[cfg(feature = "tls")]
pub mod exchanging;
mod faults;
#[cfg(all(unix, feature = "folder"))]
pub mod keeping;
pub mod passing;
mod peer;
mod reached;
mod recorder;
mod session;
mod socket;
mod traffic;
mod uploader;
mod watch;
pub mod workers;
pub mod world;

pub use answers::{answers, text};
pub use clock::Clock;
pub use driver::{Driver, Keeps};
pub use reached::Reached;
pub use recorder::Recorder;
pub use socket::{Client, Socket};
