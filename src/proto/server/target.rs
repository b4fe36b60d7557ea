//! The grammar of request targets (RFC 9112 §3.2).

use super::super::syntax::{is_authority, is_excluded_from_target};
use super::Reject;

/// Judges a request target and returns its authority, if it has one.
///
/// It does not take the authority-form of CONNECT, which is refused for its method.
pub(super) fn check<'a>(method: &str, target: &'a [u8]) -> Result<Option<&'a [u8]>, Reject> {
    // It does not stop at the first one: so the compiler can look at many bytes at once.
    let has_bad = target.iter().fold(false, |found, byte| found | is_excluded_from_target(*byte));
    if has_bad {
        return Err(Reject::Target);
    }
    match target {
        b"*" if method == "OPTIONS" => Ok(None),
        [b'/', ..] => Ok(None),
        _ => absolute_form(target).map(Some),
    }
}

fn absolute_form(target: &[u8]) -> Result<&[u8], Reject> {
    let rest = strip_prefix_ignore_case(target, b"http://")
        .or_else(|| strip_prefix_ignore_case(target, b"https://"))
        .ok_or(Reject::Target)?;
    let authority = rest.split(|byte| matches!(byte, b'/' | b'?')).next().unwrap_or_default();
    // An http URI without a host is invalid (RFC 9110 §4.2.1).
    if matches!(authority, [] | [b':', ..]) || !is_authority(authority) {
        return Err(Reject::Host);
    }
    Ok(authority)
}

fn strip_prefix_ignore_case<'a>(bytes: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = bytes.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_in_origin_form_absolute_form_or_asterisk_form() {
        let check = |method, target: &'static str| check(method, target.as_bytes());
        assert_eq!(check("GET", "/"), Ok(None));
        assert_eq!(check("GET", "//a?b%"), Ok(None));
        assert_eq!(check("OPTIONS", "*"), Ok(None));
        assert_eq!(check("GET", "http://a:1/b"), Ok(Some(&b"a:1"[..])));
        assert_eq!(check("GET", "HTTPS://a?b"), Ok(Some(&b"a"[..])));
        for bad in [
            "*", "a", "a:80", "?a", "ftp://a/", "http:/a", "/a#b", "/a##b", "/a\tb", "/a\x7f", "**",
        ] {
            assert_eq!(check("GET", bad), Err(Reject::Target), "{bad}");
        }
        for bad in ["http://", "http:///a", "http://:80/", "http://a@b/", "http://[::1/"] {
            assert_eq!(check("GET", bad), Err(Reject::Host), "{bad}");
        }
    }
}
