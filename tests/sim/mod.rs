//! A world for the engine: scripted sockets, an edge-triggered poll and a clock that
//! only moves when it is told to.
//!
//! [`Driver`] is for tests that tell one story; [`world`] plays many peers at once, from
//! a seed or a script; [`watch`] holds its deadlines against the clock, and [`audit`] what came of it
//! against what was sent.
// Each test that includes this module uses its own part of it.
#![allow(dead_code, unused_imports)]

mod answers;
mod audit;
mod clock;
mod driver;
mod erratic;
mod faults;
mod reached;
mod recorder;
mod socket;
mod traffic;
mod watch;
pub(crate) mod world;

pub(crate) use answers::{Answer, Method, answers, text};
pub(crate) use clock::Clock;
pub(crate) use driver::Driver;
pub(crate) use reached::Reached;
pub(crate) use recorder::Recorder;
pub(crate) use socket::{Client, Socket};
pub(crate) use testkit::random::Random;

/// The digest of content in one piece, by other code than the engine's.
pub(crate) fn md5(content: &[u8]) -> String {
    use md5::Digest;
    md5::Md5::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}
