//! A head is taken or refused just as the oracle's slow rules say, and has one framing.

use super::choices::Choices;
use super::conversation::play;
use super::plan::Plan;
use crate::naive::Request;

/// A plan, and then the bytes of a client: heads, with content between them or none.
pub fn check(data: &[u8]) {
    let mut choices = Choices::new(data);
    let plan = Plan::for_the_oracle(&mut choices);
    let input = choices.bytes(usize::MAX);
    let played = play(&plan, &plan.pieces(input));
    assert_eq!(played.reading, plan.oracle(input), "left the core, right the oracle");
    played.reading.requests.iter().for_each(one_framing);
}

/// Not by the oracle's word alone: what smuggling is made of.
fn one_framing(request: &Request) {
    let named = |name: &str| {
        let same = |field: &&(Vec<u8>, _)| field.0.eq_ignore_ascii_case(name.as_bytes());
        request.fields.iter().filter(same).count()
    };
    assert!(named("content-length") + named("transfer-encoding") <= 1, "two framings");
    assert!(named("host") <= 1, "two hosts");
}
