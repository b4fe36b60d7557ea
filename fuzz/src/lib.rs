//! What the fuzz target `hyper` checks. What the others check is in `testkit::checks`, so
//! that plain `cargo test` replays what they have found; hyper enters this package alone,
//! and the tests of this package replay what its target has found.

pub mod hyper;
