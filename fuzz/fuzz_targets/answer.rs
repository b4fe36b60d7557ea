//! Any bytes of a server mean to the client what the oracle reads, however they are cut; and what
//! the client sends meanwhile, piece by piece, is read by the oracle as it was meant.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| testkit::checks::answer::check(data));
