//! What the fuzz targets check: a module for each, with a `check` that panics when what its
//! first line says does not hold. Plain `cargo test` replays what they have found.
//!
//! Only the checks of the targets `hyper`, `hyper_client` and `dictionary` stand in the package of the targets: no
//! other server, and no other parser of structured fields, enters the library's own tests.

pub mod answer;
mod choices;
pub mod chunked;
mod conversation;
pub mod digests;
pub mod head;
#[cfg(feature = "door")]
pub mod keys;
pub mod md5;
mod plan;
pub mod response;
pub mod script;
pub mod seeds;
pub mod split;
