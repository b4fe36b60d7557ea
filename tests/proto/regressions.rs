//! Replays what the fuzz targets have found (`fuzz/regressions`), and their seeds.

#[cfg(feature = "digests")]
use testkit::checks::digests;
#[cfg(feature = "door")]
use testkit::checks::keys;
use testkit::checks::{answer, chunked, head, md5, response, script, seeds, split};

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
fn answer_holds_on_its_seeds_and_regressions() {
    replay("answer", answer::check);
}

#[test]
fn chunked_holds_on_its_seeds_and_regressions() {
    replay("chunked", chunked::check);
}

#[cfg(feature = "digests")]
#[test]
fn digests_holds_on_its_seeds_and_regressions() {
    replay("digests", digests::check);
}

#[test]
fn head_holds_on_its_seeds_and_regressions() {
    replay("head", head::check);
}

#[cfg(feature = "door")]
#[test]
fn keys_holds_on_its_seeds_and_regressions() {
    replay("keys", keys::check);
}

#[test]
fn md5_holds_on_its_seeds_and_regressions() {
    replay("md5", md5::check);
}

#[test]
fn response_holds_on_its_seeds_and_regressions() {
    replay("response", response::check);
}

#[test]
fn script_holds_on_its_seeds_and_regressions() {
    replay("script", script::check);
}

#[test]
fn split_holds_on_its_seeds_and_regressions() {
    replay("split", split::check);
}
