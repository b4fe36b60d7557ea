//! Keys out of request targets, by all rules for the whole of a path. It knows which rules are
//! broken, and not which of them is to be named.

use std::collections::BTreeSet;

use super::host;

/// What the store under test can take.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Bytes before each key.
    pub prefix_length: usize,
    /// True if a segment may begin with a dot.
    pub dots: bool,
    /// Bytes of a name that is made for an upload.
    pub own_name: usize,
}

/// What a good target names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// This key.
    Key(String),
    /// A key still to be made in this folder, or below none.
    Within(Option<String>),
}

/// True if a head can have this target.
pub fn is_target(target: &[u8]) -> bool {
    host::target(b"OPTIONS", target).is_some()
}

/// What a target names, or the codes of all rules that it breaks.
pub fn judge(target: &[u8], rules: &Rules) -> Result<Meaning, BTreeSet<&'static str>> {
    let end = target.iter().position(|byte| *byte == b'?').unwrap_or(target.len());
    let Some(path) = path(&target[..end]) else { return Err(BTreeSet::from(["key-not-a-path"])) };
    let mut broken = BTreeSet::new();
    let text = decoded(path, &mut broken);
    let names_folder = text.is_empty() || text.ends_with(b"/");
    let key = text.strip_suffix(b"/").unwrap_or(&text);

    let mut forbid = |code, is_broken: bool| {
        if is_broken {
            broken.insert(code);
        }
    };
    forbid("key-not-utf-8", std::str::from_utf8(key).is_err());
    forbid("key-control", key.iter().any(|byte| (0..=0x1f).contains(byte) || *byte == 0x7f));
    forbid("key-backslash", key.contains(&b'\\'));
    // The root alone has no segments.
    let segments: Vec<&[u8]> =
        if text.is_empty() { Vec::new() } else { key.split(|byte| *byte == b'/').collect() };
    let any = |is_broken: &dyn Fn(&[u8]) -> bool| segments.iter().any(|segment| is_broken(segment));
    forbid("key-empty-segment", any(&|segment| segment.is_empty()));
    forbid("key-dot-segment", any(&|segment| [&b"."[..], b".."].contains(&segment)));
    forbid("key-leading-dot", !rules.dots && any(&|segment| segment.first() == Some(&b'.')));
    forbid("key-long-segment", any(&|segment| segment.len() >= 256));
    let made = if names_folder { rules.own_name } else { 0 };
    forbid("key-long", rules.prefix_length + text.len() + made >= 1_025);

    if !broken.is_empty() {
        return Err(broken);
    }
    let key = String::from_utf8(key.to_vec()).expect("it was found to be UTF-8");
    Ok(match names_folder {
        true => Meaning::Within(Some(key).filter(|key| !key.is_empty())),
        false => Meaning::Key(key),
    })
}

/// What is behind the first `/` of the path of a target without a query.
fn path(target: &[u8]) -> Option<&[u8]> {
    let lower = target.to_ascii_lowercase();
    let known = [&b"http://"[..], b"https://"].into_iter().find(|known| lower.starts_with(known));
    let behind_scheme = match known {
        Some(scheme) => &target[scheme.len()..],
        None if target.starts_with(b"/") => target,
        None => return None,
    };
    let slash = behind_scheme.iter().position(|byte| *byte == b'/');
    Some(slash.map_or(&[], |slash| &behind_scheme[slash + 1..]))
}

/// Each `%` begins a part; what cannot be decoded is left out.
fn decoded(path: &[u8], broken: &mut BTreeSet<&'static str>) -> Vec<u8> {
    let mut parts = path.split(|byte| *byte == b'%');
    let mut text = parts.next().unwrap_or_default().to_vec();
    for part in parts {
        match part {
            [high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let digits = [*high, *low].map(char::from);
                let byte = u8::from_str_radix(&String::from_iter(digits), 16).expect("two digits");
                if byte == b'/' {
                    broken.insert("key-encoded-slash");
                }
                text.push(byte);
                text.extend_from_slice(rest);
            }
            _ => {
                broken.insert("key-percent");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules { prefix_length: 0, dots: false, own_name: 41 };

    #[test]
    fn all_broken_rules_are_known() {
        let broken = judge(b"/%zz/%2f/..//\\/%00%ff", &RULES).expect_err("a bad one");
        let all = [
            "key-backslash",
            "key-control",
            "key-dot-segment",
            "key-empty-segment",
            "key-encoded-slash",
            "key-leading-dot",
            "key-not-utf-8",
            "key-percent",
        ];
        assert!(broken.iter().eq(all.iter()), "{broken:?}");
        let long = judge(&[b"/", &[b'a'; 1_025][..]].concat(), &RULES);
        assert_eq!(long, Err(BTreeSet::from(["key-long", "key-long-segment"])));
        assert_eq!(judge(b"*", &RULES), Err(BTreeSet::from(["key-not-a-path"])));
    }

    #[test]
    fn good_targets() {
        let key = |text: &str| Ok(Meaning::Key(text.into()));
        assert_eq!(judge(b"/a%20b/c?d", &RULES), key("a b/c"));
        assert_eq!(judge(b"HTTPS://h/a", &RULES), key("a"));
        assert_eq!(judge(b"http://h/a/", &RULES), Ok(Meaning::Within(Some("a".into()))));
        assert_eq!(judge(b"http://h?a/b", &RULES), Ok(Meaning::Within(None)));
        assert!(is_target(b"*") && is_target(b"/") && !is_target(b"a") && !is_target(b"/ "));
    }
}
