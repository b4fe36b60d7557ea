//! Replays what the fuzz targets have found (`fuzz/regressions`), and their seeds.

use testkit::checks::{chunked, head, md5, response, script, seeds, split};

/// Runs the check of a target over its inputs, of which there has to be one at least.
fn replay(target: &str, check: fn(&[u8])) {
    let inputs = [seeds::of(target), seeds::regressions(target)].concat();
    assert!(!inputs.is_empty(), "{target} has no inputs");
    for seed in inputs {
        println!("{target}: {}", seed.name);
        check(&seed.bytes);
    }
}

#[test]
fn chunked_files() {
    replay("chunked", chunked::check);
}

#[test]
fn head_files() {
    replay("head", head::check);
}

#[test]
fn md5_files() {
    replay("md5", md5::check);
}

#[test]
fn response_files() {
    replay("response", response::check);
}

#[test]
fn script_files() {
    replay("script", script::check);
}

#[test]
fn split_files() {
    replay("split", split::check);
}
