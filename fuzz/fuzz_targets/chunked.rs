//! Content in chunks, its digest and its trailers are the oracle's, however it is cut.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| testkit::checks::chunked::check(data));
