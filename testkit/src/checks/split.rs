//! Any bytes give the same events and the same answers however they are cut.

use super::choices::Choices;
use super::conversation::play;
use super::plan::Plan;

/// A plan, and then the bytes of a client.
pub fn check(data: &[u8]) {
    let mut choices = Choices::new(data);
    let plan = Plan::choose(&mut choices);
    let input = choices.bytes(usize::MAX);
    let whole = play(&plan, &[input]);
    let bytes: Vec<&[u8]> = input.chunks(1).collect();
    assert_eq!(play(&plan, &bytes), whole, "left byte by byte, right whole");
    let pieces = plan.pieces(input);
    assert_eq!(play(&plan, &pieces), whole, "left in pieces, right whole: {pieces:?}");
}
