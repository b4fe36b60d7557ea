//! A request target names what the oracle's slow rules say, and no key leads out of the folder
//! that it is joined to.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| testkit::checks::keys::check(data));
