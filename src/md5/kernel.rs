//! One compression over the blocks of all lanes, and which one this CPU gets.

use super::{Block, Input, lanes};

/// The states of `N` lanes, word by word: first every lane's A, then every
/// lane's B, as the lanes of a vector register want them.
pub(super) type States<const N: usize> = [[u32; N]; 4];

/// How blocks are compressed: the entrance for many streams at once.
///
/// A value is a choice, made once and copied about. Whatever the choice, the
/// digests are the same.
///
/// # Example
///
/// ```
/// use streamsum::md5::{Input, Kernel, Md5};
///
/// let mut streams = vec![Md5::new(); 40];
/// let inputs = streams.iter_mut().map(|stream| Input { stream, bytes: b"abc", last: false });
/// Kernel::detect().update_many(inputs);
/// assert!(streams.iter().all(|stream| stream.len() == 3));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Scalar,
}

impl Kernel {
    /// The fastest of these kernels that this CPU can run: at present the portable one,
    /// on every CPU.
    pub fn detect() -> Self {
        Self::scalar()
    }

    /// The portable kernel, one stream after another, whatever the CPU.
    pub fn scalar() -> Self {
        Self(Kind::Scalar)
    }

    /// Adds each input's bytes to its stream, as many streams side by side as
    /// the kernel has lanes.
    ///
    /// `inputs` is pulled as lanes fall free: it may be of any length, and
    /// nothing is allocated for it. Long and short inputs may be mixed, since
    /// a lane takes its next stream as soon as it is through with one.
    ///
    /// # Panics
    ///
    /// When a stream has already been ended by an input with `last`. The other
    /// streams of the batch are then of no more use, nor are they when
    /// `inputs` itself panics.
    pub fn update_many<'a>(self, inputs: impl IntoIterator<Item = Input<'a>>) {
        match self.0 {
            Kind::Scalar => lanes::run(scalar, inputs),
        }
    }
}

/// Compresses the blocks of one lane.
fn scalar(states: &mut States<1>, [run]: [&[Block]; 1]) {
    let mut state = states.map(|[word]| word);
    ::md5::block_api::compress(&mut state, run);
    *states = state.map(|word| [word]);
}
