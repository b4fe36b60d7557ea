//! Whatever many peers, the handler and the clock do, every upload gets its digest or its
//! refusal, nobody is forgotten, every deadline is met, and all memory comes back.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| testkit::checks::script::check(data));
