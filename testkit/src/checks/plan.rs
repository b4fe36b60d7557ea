//! How a client's bytes are given to the protocol core, drawn from the fuzzer's.

use streamsum::proto::Limits;

use super::choices::Choices;
use crate::naive::{self, Reading};

/// Limits that a short input can reach, the fixed head of `chunked` just fits into.
fn small_limits() -> Limits {
    Limits::default().request_line(24).head(90).fields(4).chunk_overhead(10).body(20).requests(2)
}

/// What follows the client's last byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finish {
    Open,
    Fin,
    /// Patience ends: what is under way is refused.
    Timeout,
}

/// All but the client's bytes. It is made of a byte for the limits, one for what we do,
/// one for the number of cuts, and one for each of these.
#[derive(Clone, Debug)]
pub(crate) struct Plan<'d> {
    pub(crate) limits: Limits,
    pub(crate) finish: Finish,
    /// Answer every head before its content is asked for.
    pub(crate) early: bool,
    /// Disable keep-alive when the first head is there.
    pub(crate) disable_keep_alive: bool,
    /// The lengths of the first pieces that the input arrives in.
    lengths: &'d [u8],
}

impl<'d> Plan<'d> {
    pub(crate) fn choose(choices: &mut Choices<'d>) -> Self {
        let made_small = choices.byte();
        let ours = choices.byte();
        let count = choices.below(8);
        let small = small_limits();
        let mut limits = Limits::default();
        for bit in (0..6).filter(|bit| made_small & 1 << bit != 0) {
            match bit {
                0 => limits.request_line = small.request_line,
                1 => limits.head = small.head,
                2 => limits.fields = small.fields,
                3 => limits.chunk_overhead = small.chunk_overhead,
                4 => limits.body = small.body,
                _ => limits.requests = small.requests,
            }
        }
        Self {
            limits,
            finish: [Finish::Open, Finish::Fin, Finish::Timeout, Finish::Fin]
                [usize::from(ours & 3)],
            early: ours & 4 != 0,
            disable_keep_alive: ours & 8 != 0,
            lengths: choices.bytes(count),
        }
    }

    /// One in which nothing is answered early: of that the oracle knows nothing.
    pub(crate) fn for_the_oracle(choices: &mut Choices<'d>) -> Self {
        Self { early: false, ..Self::choose(choices) }
    }

    /// The input as the plan cuts it; a piece may be empty.
    pub(crate) fn pieces<'i>(&self, input: &'i [u8]) -> Vec<&'i [u8]> {
        let mut pieces = Vec::new();
        let mut rest = input;
        for &length in self.lengths {
            let (piece, behind) = rest.split_at(usize::from(length).min(rest.len()));
            pieces.push(piece);
            rest = behind;
        }
        pieces.push(rest);
        pieces
    }

    /// What the oracle makes of the input; it answers each request when that has ended.
    pub(crate) fn oracle(&self, input: &[u8]) -> Reading {
        assert!(!self.early, "the oracle waits for the content");
        let mut limits = naive::Limits::from(self.limits);
        if self.disable_keep_alive {
            limits.requests = 1;
        }
        let mut reading = naive::read(input, self.finish == Finish::Fin, &limits);
        for request in &mut reading.requests {
            // We know of it when we answer.
            request.persists &= request.ended;
        }
        reading
    }
}
