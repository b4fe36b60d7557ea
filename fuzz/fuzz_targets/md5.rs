//! Any mix of streams, cuts and kernels gives the digests of the crate md-5.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| testkit::checks::md5::check(data));
