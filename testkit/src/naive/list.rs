//! Lists in the values of fields (RFC 9110 sections 5.6.1 and 5.6.4).

use super::{Field, trim, values};

/// The members of a list over all lines of that name, as they came, without the empty ones.
pub fn list(fields: &[Field], name: &str) -> Vec<Vec<u8>> {
    values(fields, name).into_iter().flat_map(members).filter(|member| !member.is_empty()).collect()
}

/// Those of one line, the empty ones too.
fn members(value: &[u8]) -> Vec<Vec<u8>> {
    let mut members = vec![Vec::new()];
    let mut rest = value;
    while let Some((&first, behind)) = rest.split_first() {
        let length = if first == b'"' { quoted_string(rest) } else { 1 };
        if first == b',' {
            members.push(Vec::new());
        } else {
            members.last_mut().expect("there is always one").extend(&rest[..length]);
        }
        rest = &behind[length - 1..];
    }
    members.iter().map(|member| trim(member).to_vec()).collect()
}

/// The length of the quoted string that `text` begins with. One that is not closed is all of
/// `text`.
fn quoted_string(text: &[u8]) -> usize {
    // Without its quoted pairs it ends at the next quote.
    let mut plain = text.to_vec();
    for at in 1..plain.len() {
        if plain[at] == b'\\' {
            plain[at..].iter_mut().take(2).for_each(|byte| *byte = b'-');
        }
    }
    let end = plain.iter().skip(1).position(|&byte| byte == b'"');
    end.map_or(text.len(), |end| end + 2)
}
