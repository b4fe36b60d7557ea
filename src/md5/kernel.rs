//! The compressions that there are, and which of them this CPU gets.

#[cfg(target_arch = "x86_64")]
mod x86_64;

use std::fmt;

use super::{Input, lanes};

/// How blocks are compressed: the entrance for many streams at once.
///
/// A value is a choice, made once and copied about. Whatever the choice, the
/// digests are the same.
///
/// | name | for | streams side by side |
/// |---|---|---|
/// | `avx512` | x86-64 with AVX-512 F and VL | 32, 16 or 2 |
/// | `avx2` | x86-64 with AVX2 | 16, 8 or 2 |
/// | `integer` | x86-64 | 2 |
/// | `avx512vl` | x86-64 with AVX-512 F and VL | 1 |
/// | `md-5` | every CPU | 1 |
///
/// Each uses the fewest lanes that all of a batch fit in. The last stream of all goes
/// through the fastest of the other three.
///
/// # Example
///
/// ```
/// use streamsum::md5::{Input, Kernel, Md5};
///
/// let mut streams = vec![Md5::new(); 40];
/// for kernel in Kernel::available() {
///     let inputs = streams.iter_mut().map(|stream| Input { stream, bytes: b"abc", last: false });
///     kernel.update_many(inputs);
/// }
/// let bytes = 3 * Kernel::available().count() as u64;
/// assert!(streams.iter().all(|stream| stream.len() == bytes));
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Kernel(Kind);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Portable,
    #[cfg(target_arch = "x86_64")]
    X86(x86_64::Kind),
}

/// The one kernel of a build that is to be tested with it throughout.
const FORCED: Option<&str> = if cfg!(streamsum_kernel = "md-5") {
    Some("md-5")
} else if cfg!(streamsum_kernel = "integer") {
    Some("integer")
} else if cfg!(streamsum_kernel = "avx512vl") {
    Some("avx512vl")
} else if cfg!(streamsum_kernel = "avx2") {
    Some("avx2")
} else {
    None
};

impl Kernel {
    /// The fastest of these kernels that this CPU can run.
    ///
    /// The CPU is asked at run time, once in the life of the program: an executable that
    /// was built for any x86-64 takes what it finds.
    ///
    /// In a build with `--cfg streamsum_kernel="avx2"` or another of the names above it is
    /// that one, where the CPU can run it: for running all tests with it.
    #[must_use]
    pub fn detect() -> Self {
        let fits = |kernel: &Self| FORCED.is_none_or(|forced| kernel.name() == forced);
        Self::available().filter(fits).last().unwrap_or_else(Self::scalar)
    }

    /// The portable kernel, one stream after another, whatever the CPU: the
    /// compression of the crate md-5. For comparisons.
    #[must_use]
    pub fn scalar() -> Self {
        Self(Kind::Portable)
    }

    /// Every kernel that this CPU can run, for tests and comparisons: first
    /// [`Kernel::scalar`], last the one of [`Kernel::detect`].
    pub fn available() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let others = x86_64::Kind::available().map(Kind::X86);
        #[cfg(not(target_arch = "x86_64"))]
        let others = std::iter::empty();
        std::iter::once(Kind::Portable).chain(others).map(Self)
    }

    /// Its name in the table above.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Portable => "md-5",
            #[cfg(target_arch = "x86_64")]
            Kind::X86(kind) => kind.name(),
        }
    }

    /// How many streams go side by side at most.
    #[must_use]
    pub fn lanes(self) -> usize {
        match self.0 {
            Kind::Portable => 1,
            #[cfg(target_arch = "x86_64")]
            Kind::X86(kind) => kind.many().map_or(1, |[.., widest]| widest.lanes()),
        }
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
        // The iterator's own type would make a copy of the scheduling for every caller.
        let inputs: &mut dyn Iterator<Item = Input<'a>> = &mut inputs.into_iter();
        match self.0 {
            Kind::Portable => lanes::one_by_one(::md5::block_api::compress, inputs),
            #[cfg(target_arch = "x86_64")]
            Kind::X86(kind) => {
                let alone = kind.alone();
                let alone = |state: &mut _, run: &_| alone.compress(state, run);
                match kind.many() {
                    Some(many) => lanes::run(&many.map(width), alone, inputs),
                    None => lanes::one_by_one(alone, inputs),
                }
            }
        }
    }
}

/// A number of lanes, and what compresses the blocks of so many.
#[cfg(target_arch = "x86_64")]
fn width(many: x86_64::Many) -> (usize, impl Fn(&mut lanes::States, &lanes::Runs<'_>, usize)) {
    (many.lanes(), move |states: &mut _, runs: &_, count| many.compress(states, runs, count))
}

/// Feeds one stream, with what is fastest for one.
pub(super) fn update_alone(input: Input<'_>) {
    #[cfg(target_arch = "x86_64")]
    let alone = {
        let alone = x86_64::Alone::fastest();
        move |state: &mut _, run: &_| alone.compress(state, run)
    };
    #[cfg(not(target_arch = "x86_64"))]
    let alone = ::md5::block_api::compress;
    lanes::one_by_one(alone, &mut std::iter::once(input));
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kernel({})", self.name())
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "x86_64")]
    use super::super::lanes::{Runs, States, WIDEST};
    use super::*;
    #[cfg(target_arch = "x86_64")]
    use std::array::from_fn;

    #[test]
    fn the_portable_kernel_is_first_and_the_detected_one_last() {
        let all: Vec<Kernel> = Kernel::available().collect();
        assert_eq!(all.first(), Some(&Kernel::scalar()));
        let forced = all.iter().find(|kernel| Some(kernel.name()) == FORCED);
        assert_eq!(forced.or(all.last()), Some(&Kernel::detect()));
        let lanes: Vec<usize> = all.iter().map(|kernel| kernel.lanes()).collect();
        assert!(lanes.is_sorted(), "{all:?}: {lanes:?}");
    }

    #[test]
    fn a_kernel_is_equal_to_itself_alone() {
        let all: Vec<Kernel> = Kernel::available().collect();
        for kernel in &all {
            assert_eq!(all.iter().filter(|other| *other == kernel).count(), 1, "{kernel:?}");
        }
        assert_eq!(format!("{:?}", Kernel::scalar()), "Kernel(md-5)");
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn the_cpu_gets_what_it_has() {
        let names: Vec<&str> = Kernel::available().map(Kernel::name).collect();
        let mut expected = vec!["md-5"];
        let avx512 = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl");
        expected.extend(avx512.then_some("avx512vl"));
        expected.push("integer");
        expected.extend(is_x86_feature_detected!("avx2").then_some("avx2"));
        expected.extend(avx512.then_some("avx512"));
        assert_eq!(names, expected);
    }

    #[test]
    fn as_many_lanes_as_the_table_says() {
        for kernel in Kernel::available() {
            let lanes = match kernel.name() {
                "avx512" => 32,
                "avx2" => 16,
                "integer" => 2,
                _ => 1,
            };
            assert_eq!(kernel.lanes(), lanes, "{kernel:?}");
        }
    }

    /// Other states and other blocks in every lane, at addresses of any alignment, and
    /// runs of which only the beginning is asked for. One lane may be empty.
    #[cfg(target_arch = "x86_64")]
    fn check(lanes: usize, empty: Option<usize>, compress: impl Fn(&mut States, &Runs<'_>, usize)) {
        let word = |at: usize| (at as u32).wrapping_mul(0x9e37_79b9).rotate_left(at as u32 % 32);
        let bytes: Vec<u8> = (0..8192).map(|at| (word(at) >> 13) as u8).collect();
        for count in 1..=5 {
            let runs: Runs<'_> = from_fn(|lane| {
                let (blocks, _) = bytes[lane * 71..].as_chunks();
                let is_used = lane < lanes && empty != Some(lane);
                if is_used { &blocks[..count + lane % 2] } else { &[] }
            });
            let before: States = from_fn(|of| from_fn(|lane| word(4 * lane + of + count)));
            let mut after = before;
            compress(&mut after, &runs, count);
            for (lane, run) in runs.into_iter().enumerate().filter(|(_, run)| !run.is_empty()) {
                let mut expected = before.map(|words| words[lane]);
                ::md5::block_api::compress(&mut expected, &run[..count]);
                let found = after.map(|words| words[lane]);
                assert_eq!(found, expected, "{count} blocks, lane {lane}, {empty:?} is empty");
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn every_lane_of_every_kernel() {
        for kind in x86_64::Kind::available() {
            println!("{}", kind.name());
            for many in kind.many().into_iter().flatten() {
                for empty in (0..many.lanes()).map(Some).chain([None]) {
                    check(many.lanes(), empty, |states, runs, count| {
                        many.compress(states, runs, count);
                    });
                }
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn every_kernel_with_one_stream() {
        for kind in x86_64::Kind::available() {
            println!("{}", kind.name());
            check(1, None, |states, [run, ..], count| {
                let mut state = states.map(|words| words[0]);
                kind.alone().compress(&mut state, &run[..count]);
                *states = state.map(|word| [word; WIDEST]);
            });
        }
    }
}
