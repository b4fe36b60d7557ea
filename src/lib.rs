//! streamsum hashes HTTP uploads as they arrive.
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub mod buf;
pub mod checksum;
pub mod engine;
pub mod handler;
pub mod md5;
pub mod proto;
pub mod server;
pub mod thread;
