//! The kernels for x86-64.
//!
//! This is the only file with `unsafe`: for calls of functions that were compiled for
//! CPUs with certain features, and for vector registers seen as arrays.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::super::Block;
use super::super::lanes::{Runs, States, WIDEST};

/// A kernel with the proof that this CPU can run it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Avx512Vl(HasAvx512),
    Integer,
    Avx2(HasAvx2),
    Avx512(HasAvx512),
}

/// That this CPU has AVX2. Nothing but [`HasAvx2::detect`] makes one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct HasAvx2(());

/// That this CPU has AVX-512 F and VL. Nothing but [`HasAvx512::detect`] makes one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct HasAvx512(());

/// What compresses the blocks of several streams, with the proof that this CPU can.
#[derive(Clone, Copy)]
pub(super) enum Many {
    /// Two streams fill the time that each other's chain of steps leaves to the CPU.
    Pair,
    Avx2(HasAvx2),
    Avx2Twice(HasAvx2),
    Avx512(HasAvx512),
    Avx512Twice(HasAvx512),
}

/// What compresses the blocks of one stream, with the proof that this CPU can.
#[derive(Clone, Copy)]
pub(super) enum Alone {
    Integer,
    Avx512Vl(HasAvx512),
}

impl HasAvx2 {
    fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx2").then_some(Self(()))
    }
}

impl HasAvx512 {
    fn detect() -> Option<Self> {
        let has = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl");
        has.then_some(Self(()))
    }
}

impl Kind {
    /// All that this CPU can run, the fastest for many streams last.
    pub(super) fn available() -> impl Iterator<Item = Self> {
        let (avx2, avx512) = (HasAvx2::detect(), HasAvx512::detect());
        let all = [
            avx512.map(Self::Avx512Vl),
            Some(Self::Integer),
            avx2.map(Self::Avx2),
            avx512.map(Self::Avx512),
        ];
        all.into_iter().flatten()
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Avx512Vl(_) => "avx512vl",
            Self::Integer => "integer",
            Self::Avx2(_) => "avx2",
            Self::Avx512(_) => "avx512",
        }
    }

    /// Fewest lanes first; `None` if it takes one stream after another.
    pub(super) fn many(self) -> Option<[Many; 3]> {
        match self {
            Self::Avx512Vl(_) => None,
            Self::Integer => Some([Many::Pair; 3]),
            Self::Avx2(has) => Some([Many::Pair, Many::Avx2(has), Many::Avx2Twice(has)]),
            Self::Avx512(has) => Some([Many::Pair, Many::Avx512(has), Many::Avx512Twice(has)]),
        }
    }

    pub(super) fn alone(self) -> Alone {
        match self {
            Self::Avx512Vl(has) => Alone::Avx512Vl(has),
            Self::Integer => Alone::Integer,
            Self::Avx2(_) | Self::Avx512(_) => Alone::fastest(),
        }
    }
}

impl Many {
    pub(super) fn lanes(self) -> usize {
        match self {
            Self::Pair => integer_twice::LANES,
            Self::Avx2(_) => avx2::LANES,
            Self::Avx2Twice(_) => avx2_twice::LANES,
            Self::Avx512(_) => avx512::LANES,
            Self::Avx512Twice(_) => avx512_twice::LANES,
        }
    }

    /// Compresses as many blocks, one at least, from the beginning of each lane's run.
    /// States of empty lanes are left with rubbish.
    pub(super) fn compress(self, states: &mut States, runs: &Runs<'_>, count: usize) {
        match self {
            Self::Pair => integer_twice::compress(states, runs, count),
            // SAFETY: there is a `HasAvx2`, so the CPU has AVX2.
            Self::Avx2(HasAvx2(())) => unsafe { avx2::compress(states, runs, count) },
            // SAFETY: there is a `HasAvx2`, so the CPU has AVX2.
            Self::Avx2Twice(HasAvx2(())) => unsafe { avx2_twice::compress(states, runs, count) },
            // SAFETY: there is a `HasAvx512`, so the CPU has AVX-512 F.
            Self::Avx512(HasAvx512(())) => unsafe { avx512::compress(states, runs, count) },
            // SAFETY: there is a `HasAvx512`, so the CPU has AVX-512 F.
            Self::Avx512Twice(HasAvx512(())) => unsafe {
                avx512_twice::compress(states, runs, count);
            },
        }
    }
}

impl Alone {
    /// What compresses one stream fastest. In vector registers a step is a chain of 4
    /// operations, in general ones of 4 to 5. Intel's CPUs take one cycle for each, on Zen 5
    /// those on vectors take two. SSE4a is how to tell AMD's: nobody else has it.
    pub(super) fn fastest() -> Self {
        let vectors = HasAvx512::detect().filter(|_| !is_x86_feature_detected!("sse4a"));
        vectors.map_or(Self::Integer, Self::Avx512Vl)
    }

    /// Compresses a run of one stream, one block at least.
    pub(super) fn compress(self, state: &mut [u32; 4], run: &[Block]) {
        match self {
            Self::Integer => integer::compress(state, run),
            // SAFETY: there is a `HasAvx512`, so the CPU has AVX-512 F and VL.
            Self::Avx512Vl(HasAvx512(())) => unsafe { avx512vl::compress(state, run) },
        }
    }
}

/// The operations on words that `compress!` asks for.
macro_rules! operations {
    ($features:literal $vector:ident: $splat:ident $add:ident $and:ident $or:ident $xor:ident) => {
        #[inline]
        #[target_feature(enable = $features)]
        pub(super) fn splat(word: u32) -> $vector {
            $splat(word.cast_signed())
        }

        #[inline]
        #[target_feature(enable = $features)]
        pub(super) fn add(x: $vector, y: $vector) -> $vector {
            $add(x, y)
        }

        #[inline]
        #[target_feature(enable = $features)]
        pub(super) fn and(x: $vector, y: $vector) -> $vector {
            $and(x, y)
        }

        #[inline]
        #[target_feature(enable = $features)]
        pub(super) fn or(x: $vector, y: $vector) -> $vector {
            $or(x, y)
        }

        #[inline]
        #[target_feature(enable = $features)]
        pub(super) fn xor(x: $vector, y: $vector) -> $vector {
            $xor(x, y)
        }

        #[inline]
        #[target_feature(enable = $features)]
        pub(super) fn not(x: $vector) -> $vector {
            $xor(x, $splat(-1))
        }
    };
}

/// The rest of it where a register has `LANES` lanes.
macro_rules! many {
    ($features:literal $vector:ident: $low32:ident $high32:ident $low64:ident $high64:ident) => {
        #[target_feature(enable = $features)]
        pub(super) fn compress(states: &mut States, runs: &Runs<'_>, count: usize) {
            let (runs, _) = runs.as_chunks::<LANES>();
            let runs = runs[0];
            compress!(rolled, states, runs, count);
        }

        #[inline]
        #[target_feature(enable = $features)]
        fn load(words: &[u32; WIDEST]) -> $vector {
            load_part(words, 0)
        }

        #[inline]
        #[target_feature(enable = $features)]
        fn store(to: &mut [u32; WIDEST], words: $vector) {
            store_part(to, words, 0);
        }

        #[inline]
        #[target_feature(enable = $features)]
        pub(super) fn load_part(words: &[u32; WIDEST], part: usize) -> $vector {
            let (words, _) = words.as_chunks::<LANES>();
            // SAFETY: as large, and any bits are valid.
            unsafe { std::mem::transmute::<[u32; LANES], $vector>(words[part]) }
        }

        #[inline]
        #[target_feature(enable = $features)]
        pub(super) fn store_part(to: &mut [u32; WIDEST], words: $vector, part: usize) {
            let (to, _) = to.as_chunks_mut::<LANES>();
            // SAFETY: as large, and any bits are valid.
            to[part] = unsafe { std::mem::transmute::<$vector, [u32; LANES]>(words) };
        }

        /// Within each 128 bits, from four words of a lane to a word of four lanes.
        #[inline]
        #[target_feature(enable = $features)]
        pub(super) fn transpose([a, b, c, d]: [$vector; 4]) -> [$vector; 4] {
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
    pub(super) type Bits = i32;

    operations! { "avx512f" __m512i:
        _mm512_set1_epi32 _mm512_add_epi32 _mm512_and_si512 _mm512_or_si512 _mm512_xor_si512
    }
    many! { "avx512f" __m512i:
        _mm512_unpacklo_epi32 _mm512_unpackhi_epi32 _mm512_unpacklo_epi64 _mm512_unpackhi_epi64
    }
    // All of a mix is then one instruction, ternary logic.
    pub(super) use or as join;

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn rotate<const LEFT: i32, const RIGHT: i32>(x: __m512i) -> __m512i {
        _mm512_rol_epi32::<LEFT>(x)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn quarter(blocks: &[&Block; LANES], column: usize, at: usize) -> __m512i {
        let x = _mm512_castsi128_si512(four(blocks[at], column));
        let x = _mm512_inserti32x4::<1>(x, four(blocks[at + 4], column));
        let x = _mm512_inserti32x4::<2>(x, four(blocks[at + 8], column));
        _mm512_inserti32x4::<3>(x, four(blocks[at + 12], column))
    }
}

mod avx2 {
    use super::*;

    pub(super) const LANES: usize = 8;
    pub(super) type Bits = i32;

    operations! { "avx2" __m256i:
        _mm256_set1_epi32 _mm256_add_epi32 _mm256_and_si256 _mm256_or_si256 _mm256_xor_si256
    }
    many! { "avx2" __m256i:
        _mm256_unpacklo_epi32 _mm256_unpackhi_epi32 _mm256_unpacklo_epi64 _mm256_unpackhi_epi64
    }
    // The addition of what is known before goes beside the `and` of what is not.
    pub(super) use add as join;

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn rotate<const LEFT: i32, const RIGHT: i32>(x: __m256i) -> __m256i {
        or(_mm256_slli_epi32::<LEFT>(x), _mm256_srli_epi32::<RIGHT>(x))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn quarter(blocks: &[&Block; LANES], column: usize, at: usize) -> __m256i {
        _mm256_set_m128i(four(blocks[at + 4], column), four(blocks[at], column))
    }
}

/// All of it for twice the lanes of `$one`. What takes time is the chain from step to step;
/// the chains of two registers go beside each other.
macro_rules! twice {
    ($rolled:ident $one:ident $word:ident $(#[$features:meta])?) => {
        use super::*;

        pub(super) const LANES: usize = 2 * $one::LANES;

        /// Not an array: one of two `u32` is passed as an `u64`, into which it has to be
        /// packed where the compiler is to keep the code small.
        type Two = ($word, $word);

        $(#[$features])?
        pub(super) fn compress(states: &mut States, runs: &Runs<'_>, count: usize) {
            let (runs, _) = runs.as_chunks::<LANES>();
            let runs = runs[0];
            compress!($rolled, states, runs, count);
        }

        #[inline]
        $(#[$features])?
        fn load(words: &[u32; WIDEST]) -> Two {
            ($one::load_part(words, 0), $one::load_part(words, 1))
        }

        #[inline]
        $(#[$features])?
        fn store(to: &mut [u32; WIDEST], words: Two) {
            $one::store_part(to, words.0, 0);
            $one::store_part(to, words.1, 1);
        }

        #[inline]
        $(#[$features])?
        fn splat(word: u32) -> Two {
            ($one::splat(word), $one::splat(word))
        }

        #[inline]
        $(#[$features])?
        fn add(x: Two, y: Two) -> Two {
            ($one::add(x.0, y.0), $one::add(x.1, y.1))
        }

        #[inline]
        $(#[$features])?
        fn and(x: Two, y: Two) -> Two {
            ($one::and(x.0, y.0), $one::and(x.1, y.1))
        }

        #[inline]
        $(#[$features])?
        fn or(x: Two, y: Two) -> Two {
            ($one::or(x.0, y.0), $one::or(x.1, y.1))
        }

        #[inline]
        $(#[$features])?
        fn xor(x: Two, y: Two) -> Two {
            ($one::xor(x.0, y.0), $one::xor(x.1, y.1))
        }

        #[inline]
        $(#[$features])?
        fn join(x: Two, y: Two) -> Two {
            ($one::join(x.0, y.0), $one::join(x.1, y.1))
        }

        #[inline]
        $(#[$features])?
        fn not(x: Two) -> Two {
            ($one::not(x.0), $one::not(x.1))
        }

        #[inline]
        $(#[$features])?
        fn rotate<const LEFT: $one::Bits, const RIGHT: $one::Bits>(x: Two) -> Two {
            ($one::rotate::<LEFT, RIGHT>(x.0), $one::rotate::<LEFT, RIGHT>(x.1))
        }

        #[inline]
        $(#[$features])?
        fn transpose([a, b, c, d]: [Two; 4]) -> [Two; 4] {
            let [a0, b0, c0, d0] = $one::transpose([a.0, b.0, c.0, d.0]);
            let [a1, b1, c1, d1] = $one::transpose([a.1, b.1, c.1, d.1]);
            [(a0, a1), (b0, b1), (c0, c1), (d0, d1)]
        }

        #[inline]
        $(#[$features])?
        fn quarter(blocks: &[&Block; LANES], column: usize, at: usize) -> Two {
            let (halves, _) = blocks.as_chunks();
            ($one::quarter(&halves[0], column, at), $one::quarter(&halves[1], column, at))
        }
    };
}

mod avx512_twice {
    twice! { rolled avx512 __m512i #[target_feature(enable = "avx512f")] }
}

mod avx2_twice {
    twice! { rolled avx2 __m256i #[target_feature(enable = "avx2")] }
}

mod integer_twice {
    twice! { unrolled integer u32 }
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
        compress!(unrolled, state, runs, count);
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
mod integer {
    use super::*;

    pub(super) use add as join;
    pub(super) use std::convert::identity as splat;
    pub(super) use std::convert::identity as transpose;

    pub(super) const LANES: usize = 1;
    pub(super) type Bits = u32;

    pub(super) fn compress(state: &mut [u32; 4], run: &[Block]) {
        let (runs, count) = ([run], run.len());
        compress!(unrolled, state, runs, count);
    }

    fn load(word: &u32) -> u32 {
        *word
    }

    fn store(to: &mut u32, word: u32) {
        *to = word;
    }

    pub(super) fn load_part(words: &[u32; WIDEST], part: usize) -> u32 {
        words[part]
    }

    pub(super) fn store_part(to: &mut [u32; WIDEST], word: u32, part: usize) {
        to[part] = word;
    }

    pub(super) fn add(x: u32, y: u32) -> u32 {
        x.wrapping_add(y)
    }

    pub(super) fn and(x: u32, y: u32) -> u32 {
        x & y
    }

    pub(super) fn or(x: u32, y: u32) -> u32 {
        x | y
    }

    pub(super) fn xor(x: u32, y: u32) -> u32 {
        x ^ y
    }

    pub(super) fn not(x: u32) -> u32 {
        !x
    }

    pub(super) fn rotate<const LEFT: u32, const RIGHT: u32>(x: u32) -> u32 {
        x.rotate_left(LEFT)
    }

    pub(super) fn quarter([block]: &[&Block; 1], column: usize, at: usize) -> u32 {
        let (words, _) = block.as_chunks();
        u32::from_le_bytes(words[4 * column + at])
    }
}
