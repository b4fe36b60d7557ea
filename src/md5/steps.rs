//! The 64 steps of RFC 1321 §3.4, written once for words of any width: a `u32` for one
//! stream, a vector register for as many streams as it has lanes.

/// The table T of RFC 1321 §3.4: the whole part of 2³² · |sin(i)|, `i` in radians from 1;
/// by rounds, and of each round four steps at a time.
#[rustfmt::skip]
pub(super) static T: [[[u32; 4]; 4]; 4] = [
    [
        [0xd76a_a478, 0xe8c7_b756, 0x2420_70db, 0xc1bd_ceee],
        [0xf57c_0faf, 0x4787_c62a, 0xa830_4613, 0xfd46_9501],
        [0x6980_98d8, 0x8b44_f7af, 0xffff_5bb1, 0x895c_d7be],
        [0x6b90_1122, 0xfd98_7193, 0xa679_438e, 0x49b4_0821],
    ],
    [
        [0xf61e_2562, 0xc040_b340, 0x265e_5a51, 0xe9b6_c7aa],
        [0xd62f_105d, 0x0244_1453, 0xd8a1_e681, 0xe7d3_fbc8],
        [0x21e1_cde6, 0xc337_07d6, 0xf4d5_0d87, 0x455a_14ed],
        [0xa9e3_e905, 0xfcef_a3f8, 0x676f_02d9, 0x8d2a_4c8a],
    ],
    [
        [0xfffa_3942, 0x8771_f681, 0x6d9d_6122, 0xfde5_380c],
        [0xa4be_ea44, 0x4bde_cfa9, 0xf6bb_4b60, 0xbebf_bc70],
        [0x289b_7ec6, 0xeaa1_27fa, 0xd4ef_3085, 0x0488_1d05],
        [0xd9d4_d039, 0xe6db_99e5, 0x1fa2_7cf8, 0xc4ac_5665],
    ],
    [
        [0xf429_2244, 0x432a_ff97, 0xab94_23a7, 0xfc93_a039],
        [0x655b_59c3, 0x8f0c_cc92, 0xffef_f47d, 0x8584_5dd1],
        [0x6fa8_7e4f, 0xfe2c_e6e0, 0xa301_4314, 0x4e08_11a1],
        [0xf753_7e82, 0xbd3a_f235, 0x2ad7_d2bb, 0xeb86_d391],
    ],
];

/// The auxiliary functions of RFC 1321 §3.4. The two terms of `g` have no bit in common, so
/// that `join` may be `or` and may be `add`.
macro_rules! mix {
    (f $x:ident $y:ident $z:ident) => {
        or(and($x, $y), and(not($x), $z))
    };
    (g $x:ident $y:ident $z:ident) => {
        join(and(not($z), $y), and($z, $x))
    };
    (h $x:ident $y:ident $z:ident) => {
        xor($x, xor($y, $z))
    };
    (i $x:ident $y:ident $z:ident) => {
        xor($y, or($x, not($z)))
    };
}

/// `a = b + ((a + mix(b, c, d) + word + t) <<< s)`
macro_rules! step {
    ($mix:ident $a:ident $b:ident $c:ident $d:ident, $word:ident, $t:expr, $s:literal) => {
        let sum = add(add($a, add($word, splat($t))), mix!($mix $b $c $d));
        $a = add($b, rotate::<$s, { 32 - $s }>(sum));
    };
}

/// Four steps: the states, then the words and the constants.
macro_rules! four_steps {
    ($mix:ident $s0:literal $s1:literal $s2:literal $s3:literal, $a:ident $b:ident $c:ident $d:ident,
        $words:expr, $t:expr) => {
        let ([w0, w1, w2, w3], [t0, t1, t2, t3]) = ($words, $t);
        step!($mix $a $b $c $d, w0, t0, $s0);
        step!($mix $d $a $b $c, w1, t1, $s1);
        step!($mix $c $d $a $b, w2, t2, $s2);
        step!($mix $b $c $d $a, w3, t3, $s3);
    };
}

/// Four words of every lane.
macro_rules! words {
    ($blocks:ident, $column:expr) => {
        transpose([
            quarter(&$blocks, $column, 0),
            quarter(&$blocks, $column, 1),
            quarter(&$blocks, $column, 2),
            quarter(&$blocks, $column, 3),
        ])
    };
}

/// What is done for each quarter of a round: in a loop, or written four times.
macro_rules! quarters {
    (rolled $at:ident $body:block) => {
        for $at in 0..4 $body
    };
    (unrolled $at:ident $body:block) => {
        quarters!($at $body 0 1 2 3)
    };
    ($at:ident $body:block $($quarter:literal)*) => {$({
        let $at = $quarter;
        $body
    })*};
}

/// Where four words are found: when rolled they are there twice, four rows apart, which
/// saves a loop from counting in a circle.
macro_rules! row {
    (rolled $row:expr) => {
        $row
    };
    (unrolled $row:expr) => {
        ($row) % 4
    };
}

/// The body of a function that compresses the first `$count` blocks of `$runs` into
/// `$states`, lane by lane; a lane with a shorter run is left with rubbish. It is a macro
/// since a function of its own would not be compiled for the features of the CPU that its
/// caller is compiled for.
///
/// In scope must be, for a word of every lane: `load` and `store` of a word of the
/// states, `splat`, `add`, `and`, `or`, `xor`, `not`, `rotate`; `join`, which is `or` or
/// `add` of words without a bit in common; and of the blocks `quarter`, one of four that
/// `transpose` makes into the same four words of every lane.
///
/// What takes time is the chain from one step to the next: mix, add, rotate, add. All
/// else can be done beside it, if the compiler lets it. But the compiler adds constants
/// last of all, in the chain, where it sees them; so they are hidden from it, for each
/// block anew, lest it copies all of them to its stack before the first.
///
/// `rolled` makes a third of the code. Where a word fills registers the words of a block don't
/// fit in them in any case: it costs nothing with AVX-512, and up to 6 % of the time with AVX2,
/// whose operations share their ports with the loop's. One stream would lose a sixth.
macro_rules! compress {
    ($rolled:ident, $states:ident, $runs:ident, $count:ident) => {
        static ZEROS: Block = [0; 64];
        let [in_a, in_b, in_c, in_d] = $states;
        let (mut a, mut b, mut c, mut d) = (load(in_a), load(in_b), load(in_c), load(in_d));
        // Word 4 * n + m of the blocks is `w[n][m]`.
        let mut w = [[a; 4]; 8];
        for at in 0..$count {
            let blocks = $runs.map(|run: &[Block]| run.get(at).unwrap_or(&ZEROS));
            let [tf, tg, th, ti] = std::hint::black_box(&$crate::md5::steps::T);
            let (a0, b0, c0, d0) = (a, b, c, d);
            quarters!($rolled q {
                let words = words!(blocks, q);
                w[q] = words;
                w[row!($rolled q + 4)] = words;
                four_steps! { f 7 12 17 22, a b c d, words, tf[q] }
            });
            quarters!($rolled q {
                let (m, n) = (row!($rolled q + 1), row!($rolled q + 2));
                four_steps! { g 5 9 14 20, a b c d, [w[q][1], w[m][2], w[n][3], w[q][0]], tg[q] }
            });
            quarters!($rolled q {
                let (l, m, n) = (row!($rolled 5 - q), row!($rolled 6 - q), row!($rolled 7 - q));
                four_steps! { h 4 11 16 23, a b c d, [w[l][1], w[m][0], w[m][3], w[n][2]], th[q] }
            });
            quarters!($rolled q {
                let (l, m, n) = (row!($rolled 4 - q), row!($rolled 5 - q), row!($rolled 7 - q));
                four_steps! { i 6 10 15 21, a b c d, [w[l][0], w[m][3], w[n][2], w[m][1]], ti[q] }
            });
            a = add(a, a0);
            b = add(b, b0);
            c = add(c, c0);
            d = add(d, d0);
        }
        store(in_a, a);
        store(in_b, b);
        store(in_c, c);
        store(in_d, d);
    };
}

#[cfg(test)]
mod tests {
    use super::T;

    #[test]
    fn the_table_is_made_of_sines() {
        for (at, t) in (1..).map(f64::from).zip(T.as_flattened().as_flattened()) {
            assert_eq!((at.sin().abs() * 2_f64.powi(32)) as u32, *t, "T[{at}]");
        }
    }
}
