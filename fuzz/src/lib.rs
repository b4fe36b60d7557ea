//! What the fuzz targets `hyper`, `hyper_client` and `dictionary` check. What the others check is in
//! `testkit::checks`, so that plain `cargo test` replays what they have found; hyper and sfv enter
//! this package alone, and the tests of this package replay what these targets have found.

#[macro_use]
mod table;

pub mod dictionary;
pub mod hyper;
pub mod hyper_client;
