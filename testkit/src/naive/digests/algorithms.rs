//! What digests are, one byte or one bit after the other.

use md5::{Digest, Md5};

use super::sha;

/// All names that [`digest`] knows.
pub const ALGORITHMS: [&str; 7] =
    ["md5", "sha", "sha-256", "sha-512", "crc32", "crc32c", "crc64nvme"];

/// The digest of all content, the highest byte of a CRC first. Panics at other names than
/// those of [`ALGORITHMS`].
pub fn digest(algorithm: &str, content: &[u8]) -> Vec<u8> {
    match algorithm {
        "md5" => Md5::digest(content).to_vec(),
        "sha" => sha::sha_1(content),
        "sha-256" => sha::sha_256(content),
        "sha-512" => sha::sha_512(content),
        // CRC-32/ISO-HDLC, that of zip.
        "crc32" => crc(0x04c1_1db7, 32, content),
        // CRC-32/ISCSI (RFC 3720 section 12.1).
        "crc32c" => crc(0x1edc_6f41, 32, content),
        "crc64nvme" => crc(0xad93_d235_94c9_3659, 64, content),
        _ => panic!("{algorithm} is no algorithm"),
    }
}

/// How many bytes a digest has.
pub fn length(algorithm: &str) -> usize {
    digest(algorithm, b"").len()
}

/// A CRC of so many bits that takes the lowest bit of a byte first, begins with ones, and is
/// inverted at the end. The polynomial is written with its highest power first.
fn crc(polynomial: u64, bits: u32, content: &[u8]) -> Vec<u8> {
    let ones = u64::MAX >> (64 - bits);
    let reversed = polynomial.reverse_bits() >> (64 - bits);
    let mut register = ones;
    for byte in content {
        for bit in 0..8 {
            let divides = (register ^ u64::from(byte >> bit)) & 1 == 1;
            register >>= 1;
            if divides {
                register ^= reversed;
            }
        }
    }
    let bytes = (register ^ ones).to_be_bytes();
    bytes[8 - bits as usize / 8..].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_digest(algorithm: &str, content: &[u8], expected: &str) {
        let hex: String =
            digest(algorithm, content).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, expected, "{algorithm}");
    }

    /// RFC 1321 section A.5.
    #[test]
    fn md5() {
        assert_digest("md5", b"", "d41d8cd98f00b204e9800998ecf8427e");
        assert_digest("md5", b"message digest", "f96b697d7cb7938d525a2f31aaf161d0");
    }

    const TWO_BLOCKS: &[u8] = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";

    /// RFC 3174 section 7.3.
    #[test]
    fn sha_1() {
        assert_digest("sha", b"", "da39a3ee5e6b4b0d3255bfef95601890afd80709");
        assert_digest("sha", b"abc", "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_digest("sha", TWO_BLOCKS, "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
        let eighty = b"0123456701234567012345670123456701234567012345670123456701234567".repeat(10);
        assert_digest("sha", &eighty, "dea356a2cddd90c7a7ecedc5ebb563934f460452");
        let million = b"a".repeat(1_000_000);
        assert_digest("sha", &million, "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
    }

    /// RFC 6234 section 8.5.
    #[test]
    fn sha_256() {
        let nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_digest("sha-256", b"", nothing);
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_digest("sha-256", b"abc", abc);
        let two = "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1";
        assert_digest("sha-256", TWO_BLOCKS, two);
        let million = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
        assert_digest("sha-256", &b"a".repeat(1_000_000), million);
    }

    /// RFC 6234 section 8.5.
    #[test]
    fn sha_512() {
        let nothing = "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce\
                       47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e";
        assert_digest("sha-512", b"", nothing);
        let abc = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                   2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
        assert_digest("sha-512", b"abc", abc);
        let two = "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018\
                   501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909";
        let content = b"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn\
                        hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu";
        assert_digest("sha-512", content, two);
    }

    /// The check values of the catalogue of CRCs.
    #[test]
    fn crcs() {
        assert_digest("crc32", b"123456789", "cbf43926");
        assert_digest("crc32c", b"123456789", "e3069283");
        assert_digest("crc64nvme", b"123456789", "ae8b14860a799888");
        assert_digest("crc32", b"", "00000000");
        assert_digest("crc64nvme", b"", "0000000000000000");
    }

    /// RFC 3720 section B.4, whose bytes stand in the order of the wire: the lowest first.
    #[test]
    fn crc_32c_of_rfc_3720() {
        assert_digest("crc32c", &[0; 32], "8a9136aa");
        assert_digest("crc32c", &[0xff; 32], "62a8ab43");
    }

    #[test]
    fn lengths() {
        assert_eq!(ALGORITHMS.map(length), [16, 20, 32, 64, 4, 4, 8]);
    }
}
