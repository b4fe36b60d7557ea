//! Base64 (RFC 4648 section 4), as docs/HTTP.md 34.12 has it.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// What `text` encodes. Padding may be missing, but what is there has to be right; the spare
/// bits of the last character are ignored. `None` if it is no base64.
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let length = text.iter().position(|&byte| byte == b'=').unwrap_or(text.len());
    let (letters, padding) = text.split_at(length);
    let right: &[u8] = match length % 4 {
        0 => b"",
        2 => b"==",
        3 => b"=",
        _ => return None,
    };
    if !padding.is_empty() && padding != right {
        return None;
    }
    let mut bits = Vec::new();
    for letter in letters {
        let value = ALPHABET.iter().position(|known| known == letter)?;
        bits.extend((0..6).rev().map(|bit| value >> bit & 1));
    }
    let byte = |bits: &[usize]| bits.iter().fold(0, |byte, &bit| byte << 1 | bit as u8);
    Some(bits.chunks_exact(8).map(byte).collect())
}

/// With padding, and all spare bits 0.
pub fn encode(bytes: &[u8]) -> Vec<u8> {
    let mut bits: Vec<u8> =
        bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    bits.resize(bits.len().next_multiple_of(6), 0);
    let value = |bits: &[u8]| bits.iter().fold(0, |value, &bit| value << 1 | usize::from(bit));
    let mut text: Vec<u8> = bits.chunks(6).map(|bits| ALPHABET[value(bits)]).collect();
    text.resize(text.len().next_multiple_of(4), b'=');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648 section 10.
    #[test]
    fn examples_of_the_rfc() {
        let texts = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
        for (length, text) in texts.into_iter().enumerate() {
            let bytes = &b"foobar"[..length];
            assert_eq!(encode(bytes), text.as_bytes());
            assert_eq!(decode(text.as_bytes()).as_deref(), Some(bytes), "{text}");
            let bare = text.trim_end_matches('=');
            assert_eq!(decode(bare.as_bytes()).as_deref(), Some(bytes), "{bare}");
        }
        assert_eq!(decode(b"+/+/"), Some(vec![0xfb, 0xff, 0xbf]));
    }

    #[test]
    fn spare_bits_are_ignored() {
        for text in ["Zg==", "Zh==", "Zn==", "Zv", "Zm8=", "Zm9=", "Zm+", "Zm/="] {
            let bytes = decode(text.as_bytes()).expect(text);
            assert_eq!(bytes, b"fo"[..bytes.len()], "{text}");
        }
    }

    #[test]
    fn what_is_none() {
        let none = [
            "=",
            "====",
            "Z",
            "Z===",
            "Zg=",
            "Zg===",
            "Zm8==",
            "Zm9v=",
            "Zm9v==",
            "Zm9v====",
            "Zm9vY",
            "Zg==Zg==",
            "Zm 9v",
            " Zm9v",
            "Zm9v ",
            "Zm-v",
            "Zm_v",
            "Zm9v,",
            "Zm\u{e4}v",
            "Z=g=",
        ];
        for text in none {
            assert_eq!(decode(text.as_bytes()), None, "{text}");
        }
    }
}
