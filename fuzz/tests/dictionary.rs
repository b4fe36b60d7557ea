//! Replays what the target `dictionary` has found, and its seeds.

use sfv::visitor::Ignored;
use streamsum_fuzz::dictionary::check;
use testkit::checks::seeds;
use testkit::naive::dictionary::read;

#[test]
fn dictionary_files() {
    for seed in [seeds::of("dictionary"), seeds::regressions("dictionary")].concat() {
        println!("{}", seed.name);
        check(&seed.bytes);
    }
}

/// The one difference: if it goes away, so does what the check does about it.
#[test]
fn sfv_takes_padding_of_which_a_part_is_missing() {
    let value = "a=:YQ=:";
    assert!(sfv::Parser::new(value).parse_dictionary_with_visitor(Ignored).is_ok());
    assert_eq!(read(value.as_bytes()), None);
}
