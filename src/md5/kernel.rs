//! The compressions that there are, and which of them this CPU gets.
//!
//! This is the only file with `unsafe`: for calls of functions that were compiled for
//! CPUs with certain features, and for vector registers seen as arrays.
#![allow(unsafe_code)]

use std::fmt;

use super::{Input, lanes};

/// How blocks are compressed: the entrance for many streams at once.
///
/// A value is a choice, made once and copied about. Whatever the choice, the
/// digests are the same.
///
/// | name | for | streams side by side |
/// |---|---|---|
/// | `avx512` | x86-64 with AVX-512 F and VL | 16 |
/// | `avx2` | x86-64 with AVX2 | 8 |
/// | `avx512vl` | x86-64 with AVX-512 F and VL | 1 |
/// | `integer` | x86-64 | 1 |
/// | `md-5` | every CPU | 1 |
///
/// The last few streams of a batch, too few for lanes, go one by one through the fastest
/// of the other three.
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
#[derive(Clone, Copy)]
pub struct Kernel(&'static Parts);

struct Parts {
    name: &'static str,
    /// How many lanes there are, and what compresses their blocks.
    many: Option<(usize, lanes::Many)>,
    /// What compresses the blocks of one stream.
    alone: fn() -> lanes::Alone,
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

static PORTABLE: Parts = Parts { name: "md-5", many: None, alone: || ::md5::block_api::compress };

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
        Self(&PORTABLE)
    }

    /// The fastest kernel for one stream.
    pub(super) fn single() -> Self {
        #[cfg(target_arch = "x86_64")]
        return Self(x86_64::single());
        #[cfg(not(target_arch = "x86_64"))]
        return Self::scalar();
    }

    /// Every kernel that this CPU can run, for tests and comparisons: first
    /// [`Kernel::scalar`], last the one of [`Kernel::detect`].
    pub fn available() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let others = x86_64::available();
        #[cfg(not(target_arch = "x86_64"))]
        let others = std::iter::empty();
        std::iter::once(&PORTABLE).chain(others).map(Self)
    }

    /// Its name in the table above.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// How many streams go side by side.
    #[must_use]
    pub fn lanes(self) -> usize {
        self.0.many.map_or(1, |(lanes, _)| lanes)
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
        let Parts { many, alone, .. } = self.0;
        // The iterator's own type would make a copy of the scheduling for every caller.
        let inputs: &mut dyn Iterator<Item = Input<'a>> = &mut inputs.into_iter();
        match many {
            Some((count, compress)) => lanes::run(*count, compress, alone(), inputs),
            None => lanes::one_by_one(alone(), inputs),
        }
    }
}

impl PartialEq for Kernel {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Kernel {}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kernel({})", self.name())
    }
}

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use std::arch::x86_64::*;

    use super::super::Block;
    use super::super::lanes::{Alone, Runs, States, WIDEST};
    use super::Parts;

    static INTEGER: Parts = Parts { name: "integer", many: None, alone: || integer::compress };

    /// Only for a CPU with [`has_avx512`].
    static AVX512VL: Parts = Parts { name: "avx512vl", many: None, alone: || avx512vl };

    /// Only for a CPU with [`has_avx2`].
    static AVX2: Parts = Parts { name: "avx2", many: Some((avx2::LANES, avx2)), alone };

    /// Only for a CPU with [`has_avx512`].
    static AVX512: Parts = Parts { name: "avx512", many: Some((avx512::LANES, avx512)), alone };

    /// This and [`single`] are the only ways to the statics above.
    pub(super) fn available() -> impl Iterator<Item = &'static Parts> {
        let all = [
            (true, &INTEGER),
            (has_avx512(), &AVX512VL),
            (has_avx2(), &AVX2),
            (has_avx512(), &AVX512),
        ];
        all.into_iter().filter_map(|(has, parts)| has.then_some(parts))
    }

    pub(super) fn single() -> &'static Parts {
        if prefers_avx512vl() { &AVX512VL } else { &INTEGER }
    }

    fn alone() -> Alone {
        if prefers_avx512vl() { avx512vl } else { integer::compress }
    }

    /// Only for a CPU with [`has_avx512`].
    fn avx512(states: &mut States, runs: &Runs<'_>, count: usize) {
        // SAFETY: nobody but these statics and `alone` has it; the CPU was asked first.
        unsafe { avx512::compress(states, runs, count) }
    }

    /// Only for a CPU with [`has_avx2`].
    fn avx2(states: &mut States, runs: &Runs<'_>, count: usize) {
        // SAFETY: nobody but these statics and `alone` has it; the CPU was asked first.
        unsafe { avx2::compress(states, runs, count) }
    }

    /// Only for a CPU with [`has_avx512`].
    fn avx512vl(state: &mut [u32; 4], run: &[Block]) {
        // SAFETY: nobody but these statics and `alone` has it; the CPU was asked first.
        unsafe { avx512vl::compress(state, run) }
    }

    fn has_avx2() -> bool {
        is_x86_feature_detected!("avx2")
    }

    fn has_avx512() -> bool {
        is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl")
    }

    /// In vector registers a step is a chain of 4 operations, in general ones of 4 to 5.
    /// Intel's CPUs take one cycle for each, on Zen 5 those on vectors take two. SSE4a is
    /// how to tell AMD's: nobody else has it.
    fn prefers_avx512vl() -> bool {
        has_avx512() && !is_x86_feature_detected!("sse4a")
    }

    /// The operations on words that `compress!` asks for.
    macro_rules! operations {
        ($features:literal $vector:ident: $splat:ident $add:ident $and:ident $or:ident $xor:ident) => {
            #[inline]
            #[target_feature(enable = $features)]
            fn splat(word: u32) -> $vector {
                $splat(word.cast_signed())
            }

            #[inline]
            #[target_feature(enable = $features)]
            fn add(x: $vector, y: $vector) -> $vector {
                $add(x, y)
            }

            #[inline]
            #[target_feature(enable = $features)]
            fn and(x: $vector, y: $vector) -> $vector {
                $and(x, y)
            }

            #[inline]
            #[target_feature(enable = $features)]
            fn or(x: $vector, y: $vector) -> $vector {
                $or(x, y)
            }

            #[inline]
            #[target_feature(enable = $features)]
            fn xor(x: $vector, y: $vector) -> $vector {
                $xor(x, y)
            }

            #[inline]
            #[target_feature(enable = $features)]
            fn not(x: $vector) -> $vector {
                $xor(x, $splat(-1))
            }
        };
    }

    /// The rest of it where registers have `LANES` lanes.
    macro_rules! many {
        ($features:literal $vector:ident: $low32:ident $high32:ident $low64:ident $high64:ident) => {
            #[target_feature(enable = $features)]
            pub(super) fn compress(states: &mut States, runs: &Runs<'_>, count: usize) {
                let (runs, _) = runs.as_chunks::<LANES>();
                let runs = runs[0];
                compress!(states, runs, count);
            }

            #[inline]
            #[target_feature(enable = $features)]
            fn load(words: &[u32; WIDEST]) -> $vector {
                let (words, _) = words.as_chunks::<LANES>();
                // SAFETY: as large, and any bits are valid.
                unsafe { std::mem::transmute::<[u32; LANES], $vector>(words[0]) }
            }

            #[inline]
            #[target_feature(enable = $features)]
            fn store(to: &mut [u32; WIDEST], words: $vector) {
                let (to, _) = to.as_chunks_mut::<LANES>();
                // SAFETY: as large, and any bits are valid.
                to[0] = unsafe { std::mem::transmute::<$vector, [u32; LANES]>(words) };
            }

            /// Within each 128 bits, from four words of a lane to a word of four lanes.
            #[inline]
            #[target_feature(enable = $features)]
            fn transpose([a, b, c, d]: [$vector; 4]) -> [$vector; 4] {
                let (low_ab, low_cd) = ($low32(a, b), $low32(c, d));
                let (high_ab, high_cd) = ($high32(a, b), $high32(c, d));
                [
                    $low64(low_ab, low_cd),
                    $high64(low_ab, low_cd),
                    $low64(high_ab, high_cd),
                    $high64(high_ab, high_cd),
                ]
            }
        };
    }

    /// Four words of a block. The compiler makes one load of it.
    #[inline]
    #[target_feature(enable = "sse2")]
    fn four(block: &Block, column: usize) -> __m128i {
        let (words, _) = block.as_chunks::<8>();
        let [low, high] = [words[2 * column], words[2 * column + 1]].map(i64::from_le_bytes);
        _mm_set_epi64x(high, low)
    }

    mod avx512 {
        use super::*;

        pub(super) const LANES: usize = 16;

        operations! { "avx512f" __m512i:
            _mm512_set1_epi32 _mm512_add_epi32 _mm512_and_si512 _mm512_or_si512 _mm512_xor_si512
        }
        many! { "avx512f" __m512i:
            _mm512_unpacklo_epi32 _mm512_unpackhi_epi32 _mm512_unpacklo_epi64 _mm512_unpackhi_epi64
        }
        // All of a mix is then one instruction, ternary logic.
        use or as join;

        #[inline]
        #[target_feature(enable = "avx512f")]
        fn rotate<const LEFT: i32, const RIGHT: i32>(x: __m512i) -> __m512i {
            _mm512_rol_epi32::<LEFT>(x)
        }

        #[inline]
        #[target_feature(enable = "avx512f")]
        fn quarter(blocks: &[&Block; LANES], column: usize, at: usize) -> __m512i {
            let x = _mm512_castsi128_si512(four(blocks[at], column));
            let x = _mm512_inserti32x4::<1>(x, four(blocks[at + 4], column));
            let x = _mm512_inserti32x4::<2>(x, four(blocks[at + 8], column));
            _mm512_inserti32x4::<3>(x, four(blocks[at + 12], column))
        }
    }

    mod avx2 {
        use super::*;

        pub(super) const LANES: usize = 8;

        operations! { "avx2" __m256i:
            _mm256_set1_epi32 _mm256_add_epi32 _mm256_and_si256 _mm256_or_si256 _mm256_xor_si256
        }
        many! { "avx2" __m256i:
            _mm256_unpacklo_epi32 _mm256_unpackhi_epi32 _mm256_unpacklo_epi64 _mm256_unpackhi_epi64
        }
        // The addition of what is known before goes beside the `and` of what is not.
        use add as join;

        #[inline]
        #[target_feature(enable = "avx2")]
        fn rotate<const LEFT: i32, const RIGHT: i32>(x: __m256i) -> __m256i {
            or(_mm256_slli_epi32::<LEFT>(x), _mm256_srli_epi32::<RIGHT>(x))
        }

        #[inline]
        #[target_feature(enable = "avx2")]
        fn quarter(blocks: &[&Block; LANES], column: usize, at: usize) -> __m256i {
            _mm256_set_m128i(four(blocks[at + 4], column), four(blocks[at], column))
        }
    }

    /// One stream in the first lane of a vector register, for its instructions.
    mod avx512vl {
        use super::*;

        operations! { "avx512f,avx512vl" __m128i:
            _mm_set1_epi32 _mm_add_epi32 _mm_and_si128 _mm_or_si128 _mm_xor_si128
        }
        use or as join;
        use std::convert::identity as transpose;

        #[target_feature(enable = "avx512f,avx512vl")]
        pub(super) fn compress(state: &mut [u32; 4], run: &[Block]) {
            let (runs, count) = ([run], run.len());
            compress!(state, runs, count);
        }

        #[inline]
        #[target_feature(enable = "avx512f,avx512vl")]
        fn load(word: &u32) -> __m128i {
            _mm_cvtsi32_si128(word.cast_signed())
        }

        #[inline]
        #[target_feature(enable = "avx512f,avx512vl")]
        fn store(to: &mut u32, word: __m128i) {
            *to = _mm_cvtsi128_si32(word).cast_unsigned();
        }

        #[inline]
        #[target_feature(enable = "avx512f,avx512vl")]
        fn rotate<const LEFT: i32, const RIGHT: i32>(x: __m128i) -> __m128i {
            _mm_rol_epi32::<LEFT>(x)
        }

        #[inline]
        #[target_feature(enable = "avx512f,avx512vl")]
        fn quarter([block]: &[&Block; 1], column: usize, at: usize) -> __m128i {
            let (words, _) = block.as_chunks();
            load(&u32::from_le_bytes(words[4 * column + at]))
        }
    }

    /// One stream in general registers.
    pub(super) mod integer {
        use super::Block;

        use add as join;
        use std::convert::identity as splat;
        use std::convert::identity as transpose;

        pub(super) fn compress(state: &mut [u32; 4], run: &[Block]) {
            let (runs, count) = ([run], run.len());
            compress!(state, runs, count);
        }

        fn load(word: &u32) -> u32 {
            *word
        }

        fn store(to: &mut u32, word: u32) {
            *to = word;
        }

        fn add(x: u32, y: u32) -> u32 {
            x.wrapping_add(y)
        }

        fn and(x: u32, y: u32) -> u32 {
            x & y
        }

        fn or(x: u32, y: u32) -> u32 {
            x | y
        }

        fn xor(x: u32, y: u32) -> u32 {
            x ^ y
        }

        fn not(x: u32) -> u32 {
            !x
        }

        fn rotate<const LEFT: u32, const RIGHT: u32>(x: u32) -> u32 {
            x.rotate_left(LEFT)
        }

        fn quarter([block]: &[&Block; 1], column: usize, at: usize) -> u32 {
            let (words, _) = block.as_chunks();
            u32::from_le_bytes(words[4 * column + at])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::lanes::{Runs, States, WIDEST};
    use super::*;
    use std::array::from_fn;

    #[test]
    fn the_portable_kernel_is_first_and_the_detected_one_last() {
        let all: Vec<Kernel> = Kernel::available().collect();
        assert_eq!(all.first(), Some(&Kernel::scalar()));
        let forced = all.iter().find(|kernel| Some(kernel.name()) == FORCED);
        assert_eq!(forced.or(all.last()), Some(&Kernel::detect()));
        assert!(all.contains(&Kernel::single()));
        let lanes: Vec<usize> = all.iter().map(|kernel| kernel.lanes()).collect();
        assert!(lanes.is_sorted(), "{all:?}: {lanes:?}");
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn the_cpu_gets_what_it_has() {
        let names: Vec<&str> = Kernel::available().map(Kernel::name).collect();
        let mut expected = vec!["md-5", "integer"];
        let avx512 = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl");
        expected.extend(avx512.then_some("avx512vl"));
        expected.extend(is_x86_feature_detected!("avx2").then_some("avx2"));
        expected.extend(avx512.then_some("avx512"));
        assert_eq!(names, expected);
    }

    /// Other states and other blocks in every lane, at addresses of any alignment, and
    /// runs of which only the beginning is asked for. One lane may be empty.
    fn check(lanes: usize, empty: Option<usize>, compress: impl Fn(&mut States, &Runs<'_>, usize)) {
        let word = |at: usize| (at as u32).wrapping_mul(0x9e37_79b9).rotate_left(at as u32 % 32);
        let bytes: Vec<u8> = (0..4096).map(|at| (word(at) >> 13) as u8).collect();
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

    #[test]
    fn every_lane_of_every_kernel() {
        for kernel in Kernel::available() {
            println!("{kernel:?}");
            let Some((lanes, compress)) = kernel.0.many else { continue };
            assert_eq!(kernel.lanes(), lanes);
            for empty in (0..lanes).map(Some).chain([None]) {
                check(lanes, empty, compress);
            }
        }
    }

    #[test]
    fn every_kernel_with_one_stream() {
        for kernel in Kernel::available() {
            println!("{kernel:?}");
            let compress = (kernel.0.alone)();
            check(1, None, |states, [run, ..], count| {
                let mut state = states.map(|words| words[0]);
                compress(&mut state, &run[..count]);
                *states = state.map(|word| [word; WIDEST]);
            });
        }
    }
}
