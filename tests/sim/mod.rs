//! A world for the engine: scripted sockets, an edge-triggered poll and a clock that
//! only moves when it is told to.
//!
//! [`Driver`] is for tests that tell one story.
// Each test that includes this module uses its own part of it.
#![allow(dead_code)]

mod answers;
mod clock;
mod driver;
mod recorder;
mod socket;

pub(crate) use answers::text;
pub(crate) use clock::Clock;
pub(crate) use driver::Driver;
pub(crate) use recorder::Recorder;
pub(crate) use socket::{Client, Socket};

/// The digest of content in one piece, by other code than the engine's.
pub(crate) fn md5(content: &[u8]) -> String {
    use md5::Digest;
    md5::Md5::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}
