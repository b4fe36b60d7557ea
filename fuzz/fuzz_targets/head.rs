//! A head is taken or refused just as the oracle's slow rules say, and has one framing.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| testkit::checks::head::check(data));
