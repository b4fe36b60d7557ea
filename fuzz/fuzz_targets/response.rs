//! Any response, to any request, is read by a client as it was meant.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| testkit::checks::response::check(data));
