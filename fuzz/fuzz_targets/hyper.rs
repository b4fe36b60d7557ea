//! Of any bytes of a client, hyper reads the messages that we read, or a rule says why not.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| streamsum_fuzz::hyper::check(data));
