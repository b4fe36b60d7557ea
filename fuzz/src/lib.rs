//! What the fuzz targets check: a module for each, with a `check` that panics when what
//! its first line says does not hold.
//!
//! The modules name nothing but the library, the standard library and the testkit,
//! so that `tests/regressions.rs` includes them as well: there plain `cargo test` replays
//! what was found. Only `hyper` is replayed by the tests of this package, for no other
//! server enters the library's own.

mod choices;
pub mod chunked;
mod client;
mod conversation;
pub mod head;
pub mod hyper;
pub mod md5;
pub mod response;
pub mod script;
pub mod split;
