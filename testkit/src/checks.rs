//! What the fuzz targets check: a module for each, with a `check` that panics when what its
//! first line says does not hold. Plain `cargo test` replays what they have found.
//!
//! Only the check of the target `hyper` stands in the package of the targets: no other
//! server enters the library's own tests.

mod choices;
pub mod chunked;
mod conversation;
pub mod digests;
pub mod head;
pub mod md5;
mod plan;
pub mod response;
pub mod script;
pub mod seeds;
pub mod split;
