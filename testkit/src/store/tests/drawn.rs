//! Scripts and conversations from seeds: what comes of them is the same in every cut.

use super::super::{End, Rule, Store};
use super::{put, talk};
use crate::random::Random;

/// Some requests, one behind the other, and how the client ends.
fn conversation(random: &mut Random) -> (Vec<u8>, Option<End>) {
    let mut input = Vec::new();
    for _ in 0..1 + random.below(4) {
        let content = "x".repeat(random.below(1500));
        let fields = *random.pick(&[
            "",
            "Expect: 100-continue\r\n",
            "If-None-Match: *\r\n",
            "Connection: close\r\n",
            "Content-Encoding: aws-chunked\r\n",
        ]);
        match random.below(5) {
            0 => input.extend(b"GET /b/a HTTP/1.1\r\nHost: x\r\n\r\n"),
            1 => input.extend(b"POST /b/a?uploads HTTP/1.1\r\nHost: x\r\n\r\n"),
            _ => input.extend(put(random.pick::<&str>(&["a", "c", "d"]), fields, &content)),
        }
    }
    let end = *random.pick(&[None, Some(End::Fin), Some(End::Reset)]);
    if random.chance(30) {
        let at = random.below(input.len());
        input[at] = *random.pick(b"\r\n 0:%\x00\xff");
    }
    if random.chance(30) {
        input.truncate(random.below(input.len()));
    }
    (input, end)
}

#[test]
fn any_script_does_the_same_in_any_cut() {
    for seed in 0..400 {
        let mut random = Random::new(seed);
        let rules: Vec<Rule> = (0..random.below(4)).map(|_| Rule::draw(&mut random)).collect();
        let (input, end) = conversation(&mut random);
        let fresh = || {
            let store = Store::s3("b");
            rules.iter().for_each(|rule| store.script(rule.clone()));
            store
        };
        let whole = talk(&fresh(), &[&input], end);
        for longest in [1, 10, 1000] {
            let pieces = random.pieces(&input, longest);
            assert_eq!(talk(&fresh(), &pieces, end), whole, "seed {seed}: {rules:?}");
        }
    }
}

/// Each kind of act is drawn by some seed.
#[test]
fn every_act_is_drawn() {
    let mut kinds = std::collections::BTreeSet::new();
    let mut random = Random::new(1);
    for _ in 0..2000 {
        let printed = format!("{:?}", Rule::draw(&mut random).act);
        kinds.insert(printed.split([' ', '(']).next().expect("a name").to_owned());
    }
    assert_eq!(kinds.len(), 33, "{kinds:?}");
}
