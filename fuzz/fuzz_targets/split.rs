//! Any bytes give the same events and the same answers however they are cut.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| testkit::checks::split::check(data));
