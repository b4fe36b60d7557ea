//! Base64, as fields have it (RFC 4648 §4).

/// The bytes that a value stands for. Its padding may be missing, and the spare bits of its last
/// character are ignored, as RFC 9651 §4.2.7 advises.
pub(crate) fn decode(value: &[u8]) -> Option<Box<[u8]>> {
    let characters = match value {
        [rest @ .., b'=', b'='] if value.len().is_multiple_of(4) => rest,
        [rest @ .., b'='] if value.len().is_multiple_of(4) => rest,
        all => all,
    };
    let mut bytes = Vec::with_capacity(characters.len() / 4 * 3 + 2);
    for group in characters.chunks(4) {
        let mut bits = 0;
        for character in group {
            bits = bits << 6 | sextet(*character)?;
        }
        // One character has less than a byte.
        let whole = group.len().checked_sub(1).filter(|bytes| *bytes > 0)?;
        let [_, all @ ..] = (bits << (6 * (4 - group.len()))).to_be_bytes();
        bytes.extend_from_slice(all.get(..whole)?);
    }
    Some(bytes.into())
}

fn sextet(character: u8) -> Option<u32> {
    let value = match character {
        b'A'..=b'Z' => character - b'A',
        b'a'..=b'z' => character - b'a' + 26,
        b'0'..=b'9' => character - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(value.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str) -> Option<String> {
        let bytes = decode(text.as_bytes())?;
        Some(String::from_utf8(bytes.into()).expect("text"))
    }

    #[test]
    fn vectors_of_the_rfc_with_and_without_padding() {
        let vectors = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ];
        for (bytes, text) in vectors {
            assert_eq!(decoded(text).as_deref(), Some(bytes), "{text}");
            assert_eq!(decoded(text.trim_end_matches('=')).as_deref(), Some(bytes), "{text}");
        }
    }

    #[test]
    fn all_characters_have_their_bits() {
        let text = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let bytes = decode(text.as_bytes()).expect("base64");
        let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
        let expected: String = (0..64).map(|value| format!("{value:06b}")).collect();
        assert_eq!(bits, expected);
    }

    #[test]
    fn spare_bits_are_ignored() {
        assert_eq!(decoded("Zh==").as_deref(), Some("f"));
        assert_eq!(decoded("Zm9").as_deref(), Some("fo"));
    }

    #[test]
    fn anything_else_is_malformed() {
        for bad in [
            "Z", "Zm9vY", "=", "==", "====", "Z===", "Zg=", "Zm8==", "Zm9v=", "Zm9v====",
            "Zg==Zg==", "Zm9v\n", " Zm9v", "Zm 9v", "Zm-_", "Zm9v:", "Z=g=", "\u{e9}",
        ] {
            assert_eq!(decoded(bad), None, "{bad}");
        }
    }
}
