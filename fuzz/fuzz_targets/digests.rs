//! Digests that a client declares are verified as the oracle's slow rules say, however the
//! request is cut, and the connection is kept wherever the next request is certain.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| testkit::checks::digests::check(data));
