//! Of any bytes of a server, hyper's client reads the answer that ours reads, or a rule says why
//! not.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use streamsum_fuzz::hyper::edges;
use streamsum_fuzz::hyper_client::check;

fuzz_target!(|data: &[u8]| check(data));

// One mutation in four.
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    match seed % 4 {
        0 => edges::insert(data, size, seed / 4),
        _ => fuzzer_mutate(data, size, max_size),
    }
});
