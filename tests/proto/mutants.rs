//! Changes to the bytes of a case.

use testkit::random::Random;

/// Changes one to four places.
pub(crate) fn mutate(mut input: Vec<u8>, interesting: &[&[u8]], random: &mut Random) -> Vec<u8> {
    for _ in 0..=random.below(4) {
        let at = random.below(input.len() + 1);
        let piece = interesting[random.below(interesting.len())];
        let end = (at + 1).min(input.len());
        match random.below(5) {
            0 => drop(input.splice(at..end, piece.iter().copied())),
            1 => drop(input.splice(at..at, piece.iter().copied())),
            2 => drop(input.drain(at..end)),
            3 => input[at..end].iter_mut().for_each(|byte| *byte ^= 1 << random.below(8)),
            _ => {
                let copied = input[at..(at + random.below(20)).min(input.len())].to_vec();
                let to = random.below(input.len() + 1);
                input.splice(to..to, copied);
            }
        }
    }
    input
}
