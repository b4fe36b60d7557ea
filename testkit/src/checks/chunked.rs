//! Content in chunks, its digest and its trailers are the oracle's, however it is cut.

use super::choices::Choices;
use super::conversation::play;
use super::plan::Plan;
use crate::content::digest;

/// Small enough for every limit.
const HEAD: &[u8] = b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";

/// A plan, and then what comes behind the fixed head.
pub fn check(data: &[u8]) {
    let mut choices = Choices::new(data);
    let plan = Plan::for_the_oracle(&mut choices);
    let coded = choices.bytes(usize::MAX);
    let expected = plan.oracle(&[HEAD, coded].concat());
    assert!(!expected.requests.is_empty(), "the head is good");
    let mut cuts = vec![HEAD];
    cuts.extend(coded.chunks(1));
    for pieces in [cuts, [vec![HEAD], plan.pieces(coded)].concat()] {
        let played = play(&plan, &pieces);
        assert_eq!(played.reading, expected, "left the core, right the oracle: {pieces:?}");
        let ended = expected.requests.iter().filter(|request| request.ended);
        let digests = ended.map(|request| digest(&request.content));
        assert!(digests.eq(played.digests.iter().map(ToString::to_string)));
    }
}
