//! SHA-1, SHA-256 and SHA-512 by RFC 3174 and RFC 6234, in their letters.

/// RFC 3174 section 6.1.
pub(super) fn sha_1(content: &[u8]) -> Vec<u8> {
    let mut state: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    for block in padded(content, 64).chunks(64) {
        let mut w: Vec<u32> = block.chunks(4).map(word).collect();
        for t in 16..80 {
            w.push((w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16]).rotate_left(1));
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (t, w) in w.into_iter().enumerate() {
            let (f, k) = match t / 20 {
                0 => (b & c | !b & d, 0x5a82_7999),
                1 => (b ^ c ^ d, 0x6ed9_eba1),
                2 => (b & c | b & d | c & d, 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6_u32),
            };
            let sum = [a.rotate_left(5), f, e, w, k].into_iter().fold(0, u32::wrapping_add);
            (a, b, c, d, e) = (sum, a, b.rotate_left(30), c, d);
        }
        for (state, letter) in state.iter_mut().zip([a, b, c, d, e]) {
            *state = state.wrapping_add(letter);
        }
    }
    state.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// RFC 6234 section 6.2.
pub(super) fn sha_256(content: &[u8]) -> Vec<u8> {
    // The constants are the first half of those of SHA-512: the same roots of the same primes.
    let mut state = H.map(|word| (word >> 32) as u32);
    for block in padded(content, 64).chunks(64) {
        let mut w: Vec<u32> = block.chunks(4).map(word).collect();
        for t in 16..64 {
            let (x, y) = (w[t - 15], w[t - 2]);
            let first = x.rotate_right(7) ^ x.rotate_right(18) ^ x >> 3;
            let second = y.rotate_right(17) ^ y.rotate_right(19) ^ y >> 10;
            w.push([second, w[t - 7], first, w[t - 16]].into_iter().fold(0, u32::wrapping_add));
        }
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = state;
        for (w, k) in w.into_iter().zip(K) {
            let of_e = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
            let of_a = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
            let (ch, maj) = (e & f ^ !e & g, a & b ^ a & c ^ b & c);
            let k = (k >> 32) as u32;
            let t1 = [h, of_e, ch, k, w].into_iter().fold(0, u32::wrapping_add);
            let t2 = of_a.wrapping_add(maj);
            (h, g, f, e, d, c, b, a) = (g, f, e, d.wrapping_add(t1), c, b, a, t1.wrapping_add(t2));
        }
        for (state, letter) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
            *state = state.wrapping_add(letter);
        }
    }
    state.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// RFC 6234 section 6.4.
pub(super) fn sha_512(content: &[u8]) -> Vec<u8> {
    let mut state = H;
    for block in padded(content, 128).chunks(128) {
        let mut w: Vec<u64> = block.chunks(8).map(long_word).collect();
        for t in 16..80 {
            let (x, y) = (w[t - 15], w[t - 2]);
            let first = x.rotate_right(1) ^ x.rotate_right(8) ^ x >> 7;
            let second = y.rotate_right(19) ^ y.rotate_right(61) ^ y >> 6;
            w.push([second, w[t - 7], first, w[t - 16]].into_iter().fold(0, u64::wrapping_add));
        }
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = state;
        for (w, k) in w.into_iter().zip(K) {
            let of_e = e.rotate_right(14) ^ e.rotate_right(18) ^ e.rotate_right(41);
            let of_a = a.rotate_right(28) ^ a.rotate_right(34) ^ a.rotate_right(39);
            let (ch, maj) = (e & f ^ !e & g, a & b ^ a & c ^ b & c);
            let t1 = [h, of_e, ch, k, w].into_iter().fold(0, u64::wrapping_add);
            let t2 = of_a.wrapping_add(maj);
            (h, g, f, e, d, c, b, a) = (g, f, e, d.wrapping_add(t1), c, b, a, t1.wrapping_add(t2));
        }
        for (state, letter) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
            *state = state.wrapping_add(letter);
        }
    }
    state.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// Whole blocks: a bit 1, bits 0, and the number of bits of the content in an eighth of a block.
fn padded(content: &[u8], block: usize) -> Vec<u8> {
    let bits = content.len() as u128 * 8;
    let number = block / 8;
    let mut padded = [content, &[0x80]].concat();
    while !(padded.len() + number).is_multiple_of(block) {
        padded.push(0);
    }
    padded.extend(&bits.to_be_bytes()[16 - number..]);
    padded
}

fn word(bytes: &[u8]) -> u32 {
    u32::from_be_bytes(bytes.try_into().expect("four bytes"))
}

fn long_word(bytes: &[u8]) -> u64 {
    u64::from_be_bytes(bytes.try_into().expect("eight bytes"))
}

/// RFC 6234 section 6.3: the fractions of the square roots of the first primes.
const H: [u64; 8] = [
    0x6a09_e667_f3bc_c908,
    0xbb67_ae85_84ca_a73b,
    0x3c6e_f372_fe94_f82b,
    0xa54f_f53a_5f1d_36f1,
    0x510e_527f_ade6_82d1,
    0x9b05_688c_2b3e_6c1f,
    0x1f83_d9ab_fb41_bd6b,
    0x5be0_cd19_137e_2179,
];

/// RFC 6234 section 5.2: the fractions of the cube roots of the first primes.
const K: [u64; 80] = [
    0x428a_2f98_d728_ae22,
    0x7137_4491_23ef_65cd,
    0xb5c0_fbcf_ec4d_3b2f,
    0xe9b5_dba5_8189_dbbc,
    0x3956_c25b_f348_b538,
    0x59f1_11f1_b605_d019,
    0x923f_82a4_af19_4f9b,
    0xab1c_5ed5_da6d_8118,
    0xd807_aa98_a303_0242,
    0x1283_5b01_4570_6fbe,
    0x2431_85be_4ee4_b28c,
    0x550c_7dc3_d5ff_b4e2,
    0x72be_5d74_f27b_896f,
    0x80de_b1fe_3b16_96b1,
    0x9bdc_06a7_25c7_1235,
    0xc19b_f174_cf69_2694,
    0xe49b_69c1_9ef1_4ad2,
    0xefbe_4786_384f_25e3,
    0x0fc1_9dc6_8b8c_d5b5,
    0x240c_a1cc_77ac_9c65,
    0x2de9_2c6f_592b_0275,
    0x4a74_84aa_6ea6_e483,
    0x5cb0_a9dc_bd41_fbd4,
    0x76f9_88da_8311_53b5,
    0x983e_5152_ee66_dfab,
    0xa831_c66d_2db4_3210,
    0xb003_27c8_98fb_213f,
    0xbf59_7fc7_beef_0ee4,
    0xc6e0_0bf3_3da8_8fc2,
    0xd5a7_9147_930a_a725,
    0x06ca_6351_e003_826f,
    0x1429_2967_0a0e_6e70,
    0x27b7_0a85_46d2_2ffc,
    0x2e1b_2138_5c26_c926,
    0x4d2c_6dfc_5ac4_2aed,
    0x5338_0d13_9d95_b3df,
    0x650a_7354_8baf_63de,
    0x766a_0abb_3c77_b2a8,
    0x81c2_c92e_47ed_aee6,
    0x9272_2c85_1482_353b,
    0xa2bf_e8a1_4cf1_0364,
    0xa81a_664b_bc42_3001,
    0xc24b_8b70_d0f8_9791,
    0xc76c_51a3_0654_be30,
    0xd192_e819_d6ef_5218,
    0xd699_0624_5565_a910,
    0xf40e_3585_5771_202a,
    0x106a_a070_32bb_d1b8,
    0x19a4_c116_b8d2_d0c8,
    0x1e37_6c08_5141_ab53,
    0x2748_774c_df8e_eb99,
    0x34b0_bcb5_e19b_48a8,
    0x391c_0cb3_c5c9_5a63,
    0x4ed8_aa4a_e341_8acb,
    0x5b9c_ca4f_7763_e373,
    0x682e_6ff3_d6b2_b8a3,
    0x748f_82ee_5def_b2fc,
    0x78a5_636f_4317_2f60,
    0x84c8_7814_a1f0_ab72,
    0x8cc7_0208_1a64_39ec,
    0x90be_fffa_2363_1e28,
    0xa450_6ceb_de82_bde9,
    0xbef9_a3f7_b2c6_7915,
    0xc671_78f2_e372_532b,
    0xca27_3ece_ea26_619c,
    0xd186_b8c7_21c0_c207,
    0xeada_7dd6_cde0_eb1e,
    0xf57d_4f7f_ee6e_d178,
    0x06f0_67aa_7217_6fba,
    0x0a63_7dc5_a2c8_98a6,
    0x113f_9804_bef9_0dae,
    0x1b71_0b35_131c_471b,
    0x28db_77f5_2304_7d84,
    0x32ca_ab7b_40c7_2493,
    0x3c9e_be0a_15c9_bebc,
    0x431d_67c4_9c10_0d4c,
    0x4cc5_d4be_cb3e_42b6,
    0x597f_299c_fc65_7e2a,
    0x5fcb_6fab_3ad6_faec,
    0x6c44_198c_4a47_5817,
];
