//! Request targets (RFC 9112 section 3.2) and authorities (RFC 3986 section 3.2).

/// None if the target is bad; otherwise the authority in it, if it has one.
pub(super) fn target<'a>(method: &[u8], target: &'a [u8]) -> Option<Option<&'a [u8]>> {
    let printable = target.iter().all(|&byte| byte > b' ' && byte != 0x7f && byte != b'#');
    if !printable || std::str::from_utf8(target).is_err() {
        return None;
    }
    if target.first() == Some(&b'/') || (target == b"*" && method == b"OPTIONS") {
        return Some(None);
    }
    let scheme = ["http://", "https://"].into_iter().find(|scheme| {
        target
            .get(..scheme.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(scheme.as_bytes()))
    })?;
    let rest = &target[scheme.len()..];
    let end = rest.iter().position(|byte| b"/?".contains(byte)).unwrap_or(rest.len());
    let found = &rest[..end];
    let has_host = !found.is_empty() && found[0] != b':';
    (has_host && authority(found)).then_some(Some(found))
}

/// `uri-host [ ":" port ]`, as in Host.
pub(super) fn authority(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    if let Some(literal) = text.strip_prefix('[') {
        return literal.split_once(']').is_some_and(|(inside, after)| {
            (ipv6(inside) || ip_future(inside)) && (after.is_empty() || port(after))
        });
    }
    match text.find(':') {
        None => reg_name(text),
        Some(colon) => reg_name(&text[..colon]) && port(&text[colon..]),
    }
}

fn port(text: &str) -> bool {
    text.strip_prefix(':').is_some_and(|digits| digits.chars().all(|c| c.is_ascii_digit()))
}

fn unreserved_or_sub_delim(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "-._~!$&'()*+,;=".contains(letter)
}

fn reg_name(text: &str) -> bool {
    let hex = |part: &str| part.chars().take(2).filter(char::is_ascii_hexdigit).count() == 2;
    let mut parts = text.split('%');
    let plain = |part: &str| part.chars().all(unreserved_or_sub_delim);
    parts.next().is_none_or(plain) && parts.all(|part| hex(part) && plain(&part[2..]))
}

fn ip_future(text: &str) -> bool {
    let Some((version, rest)) = text.split_once('.') else { return false };
    let Some(digits) = version.strip_prefix(['v', 'V']) else { return false };
    !digits.is_empty()
        && digits.chars().all(|c| c.is_ascii_hexdigit())
        && !rest.is_empty()
        && rest.chars().all(|c| c == ':' || unreserved_or_sub_delim(c))
}

/// Eight groups, or fewer around one `::`; an IPv4 address may stand for the last two.
fn ipv6(text: &str) -> bool {
    match text.split_once("::") {
        None => groups(text, true) == Some(8),
        Some((left, right)) => match (groups(left, false), groups(right, true)) {
            (Some(left), Some(right)) => left + right <= 7,
            _ => false,
        },
    }
}

/// How many groups of 16 bits there are, if all are well-formed.
fn groups(text: &str, last: bool) -> Option<usize> {
    if text.is_empty() {
        return Some(0);
    }
    let parts: Vec<&str> = text.split(':').collect();
    let mut count = 0;
    for (at, part) in parts.iter().enumerate() {
        let h16 = (1..=4).contains(&part.len()) && part.chars().all(|c| c.is_ascii_hexdigit());
        count += match h16 {
            true => 1,
            false if last && at + 1 == parts.len() && ipv4(part) => 2,
            false => return None,
        };
    }
    Some(count)
}

fn ipv4(text: &str) -> bool {
    let octet = |part: &str| {
        let plain = part.chars().all(|c| c.is_ascii_digit()) && !part.is_empty();
        plain && (part == "0" || !part.starts_with('0')) && part.parse::<u8>().is_ok()
    };
    text.split('.').count() == 4 && text.split('.').all(octet)
}
