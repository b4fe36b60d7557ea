//! Hosts and ports, and bytes of a request target (RFC 9112 §3.2, RFC 3986 §3.2).

use super::ByteSet;

/// Bytes that no request target has: controls, white space, and what begins a fragment.
pub(crate) fn is_excluded_from_target(byte: u8) -> bool {
    matches!(byte, 0..=b' ' | b'#' | 0x7f)
}

/// `uri-host [":" *DIGIT]`, as in Host; the host may be empty there. User information
/// is no part of it (RFC 9110 §4.2.4).
pub(crate) fn is_authority(value: &[u8]) -> bool {
    let (host_is_valid, port) = match value {
        [b'[', rest @ ..] => {
            let Some(end) = rest.iter().position(|byte| *byte == b']') else { return false };
            let (literal, port) = rest.split_at(end);
            (is_ip_literal(literal), port.strip_prefix(b"]").unwrap_or_default())
        }
        _ => {
            let end = value.iter().position(|byte| *byte == b':').unwrap_or(value.len());
            let (name, port) = value.split_at(end);
            (is_reg_name(name), port)
        }
    };
    host_is_valid
        && match port {
            [] => true,
            [b':', digits @ ..] => digits.iter().all(u8::is_ascii_digit),
            _ => false,
        }
}

/// IPv6address or IPvFuture, without the brackets.
fn is_ip_literal(literal: &[u8]) -> bool {
    if let [b'v' | b'V', future @ ..] = literal {
        let mut parts = future.splitn(2, |byte| *byte == b'.');
        let (version, address) = (parts.next().unwrap_or_default(), parts.next());
        return !version.is_empty()
            && version.iter().all(u8::is_ascii_hexdigit)
            && address.is_some_and(|address| {
                !address.is_empty()
                    && address.iter().all(|byte| is_unreserved_or_sub_delim(*byte) || *byte == b':')
            });
    }
    std::str::from_utf8(literal).is_ok_and(|text| text.parse::<std::net::Ipv6Addr>().is_ok())
}

/// reg-name, which every IPv4address also is.
fn is_reg_name(mut name: &[u8]) -> bool {
    while let Some(other) = name.iter().position(|byte| !is_unreserved_or_sub_delim(*byte)) {
        name = match name.get(other..) {
            Some([b'%', high, low, rest @ ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                rest
            }
            _ => return false,
        };
    }
    true
}

#[inline]
fn is_unreserved_or_sub_delim(byte: u8) -> bool {
    const MEMBERS: &ByteSet = &ByteSet::alphanumeric_and(b"-._~!$&'()*+,;=");
    MEMBERS.contains(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_a_host_with_or_without_a_port() {
        for good in [
            "",
            ":",
            ":80",
            "a",
            "a:",
            "a:80",
            "1.2.3.4:8080",
            "[::1]",
            "[::1]:",
            "[::1]:80",
            "[::ffff:1.2.3.4]",
            "[v1.a:b]",
            "[VF.~]",
            "a%2Fb",
            "!$&'()*+,;=",
            "under_score",
            "a:99999999999999999999",
        ] {
            assert!(is_authority(good.as_bytes()), "{good}");
        }
        for bad in [
            "a b",
            "a/b",
            "a@b",
            "a:b",
            "a:80:80",
            "a:+80",
            "[::1",
            "::1",
            "[]",
            "[::1]80",
            "[fe80::1%25eth0]",
            "[v.a]",
            "[v1.]",
            "[v1]",
            "[1.2.3.4]",
            "a%2",
            "a%zz",
            "\u{fc}",
            "a,b:c",
            "a\tb",
            "a?b",
            "a#b",
            "\"a\"",
        ] {
            assert!(!is_authority(bad.as_bytes()), "{bad}");
        }
    }
}
