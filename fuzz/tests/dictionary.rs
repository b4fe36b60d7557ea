//! Replays what the target `dictionary` has found, and its seeds.

use streamsum_fuzz::dictionary::check;
use testkit::checks::seeds;

#[test]
fn dictionary_files() {
    for seed in [seeds::of("dictionary"), seeds::regressions("dictionary")].concat() {
        println!("{}", seed.name);
        check(&seed.bytes);
    }
}
