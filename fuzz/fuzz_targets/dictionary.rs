//! The oracle and sfv take or refuse the same dictionaries, and find the same in them.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| streamsum_fuzz::dictionary::check(data));
