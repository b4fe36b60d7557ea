//! Any mix of streams, cuts and kernels gives the digests of the crate md-5.

use streamsum::md5::{Input, Kernel, Md5};

use super::choices::Choices;
use crate::content::digest;

/// More streams than any kernel has lanes.
const STREAMS: usize = 40;

/// The most that one batch adds to a stream.
const PIECE: usize = 5 * 64 + 2;

/// A stream, and the same bytes in one piece.
#[derive(Default)]
struct Message {
    stream: Md5,
    bytes: Vec<u8>,
    ended: bool,
}

/// Feeds batches to the kernels of this CPU: which streams, how much, with `last` or
/// without, all by the fuzzer's choice.
pub fn check(data: &[u8]) {
    let kernels: Vec<Kernel> = Kernel::available().collect();
    let mut choices = Choices::new(data);
    let count = 1 + choices.below(STREAMS);
    let mut messages: Vec<Message> = (0..count).map(|_| Message::default()).collect();
    while !choices.is_empty() {
        let kernel = kernels[choices.below(kernels.len())];
        let mut batch = Vec::new();
        for message in &mut messages {
            let choice = choices.byte();
            if message.ended || choice.is_multiple_of(4) {
                continue;
            }
            let start = message.bytes.len();
            let length = choices.below(PIECE);
            // Bytes that tell a block from its neighbours, from one of the fuzzer's.
            let first = choices.byte();
            message.bytes.extend((0..length).map(|at| first.wrapping_add((at / 3) as u8)));
            message.ended = choice % 4 == 1;
            let (bytes, last) = (&message.bytes[start..], message.ended);
            batch.push(Input { stream: &mut message.stream, bytes, last });
        }
        kernel.update_many(batch);
    }
    for Message { stream, bytes, .. } in messages {
        assert_eq!(stream.len(), bytes.len() as u64);
        assert_eq!(stream.finish().to_string(), digest(&bytes), "{} bytes", bytes.len());
    }
}
