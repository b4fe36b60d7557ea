//! HMAC (RFC 2104) over SHA-256.

use crate::naive::digests::digest;

/// Bytes of a block of SHA-256.
const BLOCK: usize = 64;

pub(super) fn hmac_sha_256(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = if key.len() > BLOCK { digest("sha-256", key) } else { key.to_vec() };
    block.resize(BLOCK, 0);
    let padded = |pad: u8| block.iter().map(|byte| byte ^ pad).collect::<Vec<u8>>();
    let inner = digest("sha-256", &[&padded(0x36), message].concat());
    digest("sha-256", &[padded(0x5c), inner].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::operations::hex;

    /// RFC 4231 sections 4.2, 4.3 and 4.7.
    #[test]
    fn examples_of_the_rfc() {
        let long = [0xaa; 131];
        for (key, message, expected) in [
            (
                &[0x0b; 20][..],
                "Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe",
                "what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                &long,
                "Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ] {
            assert_eq!(hex(&hmac_sha_256(key, message.as_bytes())), expected, "{message}");
        }
    }
}
