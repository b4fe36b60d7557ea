//! The binary as a process.
#![cfg(all(unix, feature = "cli"))]

#[cfg(target_os = "linux")]
mod burst;
mod cli;
mod descriptors;
#[cfg(feature = "digests")]
mod digests;
#[cfg(all(target_os = "linux", feature = "folder"))]
mod keep;
mod proxies;
mod signals;
mod times;
mod unix_socket;
mod workers;

use testkit::binary::Binary;

/// The program under test.
const STREAMSUM: Binary = Binary { path: env!("CARGO_BIN_EXE_streamsum") };
