//! Whole requests through streamsum's core against hyper, over memory: neither has sockets,
//! neither hashes; both read the head, drain the content and answer with 32 bytes.
//!
//! ```text
//! cargo bench --manifest-path bench/Cargo.toml --bench requests [-- FILTER]
//! ```

mod ours;
mod peer;
#[path = "../heads/samples.rs"]
mod samples;
#[path = "../side_by_side/mod.rs"]
mod side_by_side;
mod wire;

use std::hint::black_box;

use ours::Ours;
use peer::Peer;
use side_by_side::Comparison;
use wire::{Case, Wire};

const ANSWER: &str = "97ccb418d79d7f69c71d145bd88c643c";

fn main() {
    let mut comparison = Comparison::new("requests", "hyper");
    for case in wire::cases() {
        compare(&mut comparison, &case);
    }
    comparison.finish();
}

fn compare(comparison: &mut Comparison, case: &Case) {
    let (wire, wire_of_peer) = (Wire::default(), Wire::default());
    let (mut ours, mut peer) = (Ours::new(&wire, ANSWER), Peer::new(&wire_of_peer, ANSWER));

    wire.send(&case.bytes);
    assert_eq!(ours.serve(), case.content);
    assert_eq!(wire.count_answers(ANSWER), Some(case.requests));
    // It is asked for more than there will be, as nobody knows how many they are.
    wire_of_peer.send(&case.bytes);
    assert_eq!(peer.serve(usize::MAX), case.content);
    assert_eq!(wire_of_peer.count_answers(ANSWER), Some(case.requests));
    let answers = wire_of_peer.answered();

    let run_peer = || {
        wire_of_peer.clear();
        wire_of_peer.send(&case.bytes);
        black_box(peer.serve(answers));
    };
    let run_ours = || {
        wire.clear();
        wire.send(&case.bytes);
        black_box(ours.serve());
    };
    comparison.case(&case.name, run_peer, vec![("streamsum", Box::new(run_ours))]);
    // Nothing was lost on the way.
    assert_eq!(wire.count_answers(ANSWER), Some(case.requests));
    assert_eq!(wire_of_peer.count_answers(ANSWER), Some(case.requests));
}
