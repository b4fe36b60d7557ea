//! The 64 steps of RFC 1321 §3.4, written once for words of any width: a `u32` for one
//! stream, a vector register for as many streams as it has lanes.

/// The table T of RFC 1321 §3.4: the whole part of 2³² · |sin(i)|, `i` in radians from 1.
#[rustfmt::skip]
pub(super) static T: [u32; 64] = [
    0xd76a_a478, 0xe8c7_b756, 0x2420_70db, 0xc1bd_ceee, 0xf57c_0faf, 0x4787_c62a, 0xa830_4613, 0xfd46_9501,
    0x6980_98d8, 0x8b44_f7af, 0xffff_5bb1, 0x895c_d7be, 0x6b90_1122, 0xfd98_7193, 0xa679_438e, 0x49b4_0821,
    0xf61e_2562, 0xc040_b340, 0x265e_5a51, 0xe9b6_c7aa, 0xd62f_105d, 0x0244_1453, 0xd8a1_e681, 0xe7d3_fbc8,
    0x21e1_cde6, 0xc337_07d6, 0xf4d5_0d87, 0x455a_14ed, 0xa9e3_e905, 0xfcef_a3f8, 0x676f_02d9, 0x8d2a_4c8a,
    0xfffa_3942, 0x8771_f681, 0x6d9d_6122, 0xfde5_380c, 0xa4be_ea44, 0x4bde_cfa9, 0xf6bb_4b60, 0xbebf_bc70,
    0x289b_7ec6, 0xeaa1_27fa, 0xd4ef_3085, 0x0488_1d05, 0xd9d4_d039, 0xe6db_99e5, 0x1fa2_7cf8, 0xc4ac_5665,
    0xf429_2244, 0x432a_ff97, 0xab94_23a7, 0xfc93_a039, 0x655b_59c3, 0x8f0c_cc92, 0xffef_f47d, 0x8584_5dd1,
    0x6fa8_7e4f, 0xfe2c_e6e0, 0xa301_4314, 0x4e08_11a1, 0xf753_7e82, 0xbd3a_f235, 0x2ad7_d2bb, 0xeb86_d391,
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

/// Steps by four: the states, then for each step its word and its place in the table.
macro_rules! steps {
    ($mix:ident $s0:literal $s1:literal $s2:literal $s3:literal, $a:ident $b:ident $c:ident $d:ident, $t:ident:
        $($w0:ident $i0:literal, $w1:ident $i1:literal, $w2:ident $i2:literal, $w3:ident $i3:literal;)*) => {$(
        step!($mix $a $b $c $d, $w0, $t[$i0], $s0);
        step!($mix $d $a $b $c, $w1, $t[$i1], $s1);
        step!($mix $c $d $a $b, $w2, $t[$i2], $s2);
        step!($mix $b $c $d $a, $w3, $t[$i3], $s3);
    )*};
}

/// Four words of every lane.
macro_rules! words {
    ($blocks:ident, $column:literal) => {
        transpose([
            quarter(&$blocks, $column, 0),
            quarter(&$blocks, $column, 1),
            quarter(&$blocks, $column, 2),
            quarter(&$blocks, $column, 3),
        ])
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
macro_rules! compress {
    ($states:ident, $runs:ident, $count:ident) => {
        static ZEROS: Block = [0; 64];
        let [in_a, in_b, in_c, in_d] = $states;
        let (mut a, mut b, mut c, mut d) = (load(in_a), load(in_b), load(in_c), load(in_d));
        for at in 0..$count {
            let blocks = $runs.map(|run: &[Block]| run.get(at).unwrap_or(&ZEROS));
            let t = std::hint::black_box(&$crate::md5::steps::T);
            let (a0, b0, c0, d0) = (a, b, c, d);
            let [w0, w1, w2, w3] = words!(blocks, 0);
            steps! { f 7 12 17 22, a b c d, t: w0 0, w1 1, w2 2, w3 3; }
            let [w4, w5, w6, w7] = words!(blocks, 1);
            steps! { f 7 12 17 22, a b c d, t: w4 4, w5 5, w6 6, w7 7; }
            let [w8, w9, w10, w11] = words!(blocks, 2);
            steps! { f 7 12 17 22, a b c d, t: w8 8, w9 9, w10 10, w11 11; }
            let [w12, w13, w14, w15] = words!(blocks, 3);
            steps! { f 7 12 17 22, a b c d, t: w12 12, w13 13, w14 14, w15 15; }
            steps! { g 5 9 14 20, a b c d, t:
                w1 16, w6 17, w11 18, w0 19;
                w5 20, w10 21, w15 22, w4 23;
                w9 24, w14 25, w3 26, w8 27;
                w13 28, w2 29, w7 30, w12 31;
            }
            steps! { h 4 11 16 23, a b c d, t:
                w5 32, w8 33, w11 34, w14 35;
                w1 36, w4 37, w7 38, w10 39;
                w13 40, w0 41, w3 42, w6 43;
                w9 44, w12 45, w15 46, w2 47;
            }
            steps! { i 6 10 15 21, a b c d, t:
                w0 48, w7 49, w14 50, w5 51;
                w12 52, w3 53, w10 54, w1 55;
                w8 56, w15 57, w6 58, w13 59;
                w4 60, w11 61, w2 62, w9 63;
            }
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
        for (at, t) in (1..).map(f64::from).zip(T) {
            assert_eq!((at.sin().abs() * 2_f64.powi(32)) as u32, t, "T[{at}]");
        }
    }
}
