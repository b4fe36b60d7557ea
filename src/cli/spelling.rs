//! Finds the name that the user meant.

/// The one of `known` that is nearest to `name`, if at most half of the letters of `name`
/// have to change: the user hardly meant a name farther away.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|known| (edits(name, known), known))
        .filter(|(edits, _)| *edits <= name.len() / 2)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, known)| known)
}

/// How many letters have to be inserted, removed or changed to make `to` of `from`.
fn edits(from: &str, to: &str) -> usize {
    // For each length, the edits that make the first letters of `to`: from nothing, then
    // from one letter more of `from` in each round.
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (round, letter) in from.bytes().enumerate() {
        let (mut before, mut made) = (round, round + 1);
        let (first, rest) = row.split_first_mut().unwrap_or_else(|| unreachable!("a length of 0"));
        *first = made;
        for (cell, other) in rest.iter_mut().zip(to.bytes()) {
            let changed = before + usize::from(letter != other);
            before = *cell;
            made = changed.min(before + 1).min(made + 1);
            *cell = made;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        for (from, to, count) in [
            ("", "", 0),
            ("a", "", 1),
            ("", "abc", 3),
            ("abc", "abc", 0),
            ("abc", "axc", 1),
            ("abc", "ac", 1),
            ("abc", "bca", 2),
            ("kitten", "sitting", 3),
            ("flaw", "lawn", 2),
        ] {
            assert_eq!((edits(from, to), edits(to, from)), (count, count), "{from} {to}");
        }
    }

    #[test]
    fn nearest_name_is_found_unless_it_is_far() {
        let near = |name| nearest(name, ["max-body", "max-head", "listen"].into_iter());
        assert_eq!(near("max-bdy"), Some("max-body"));
        assert_eq!(near("max-heads"), Some("max-head"));
        assert_eq!(near("lsiten"), Some("listen"));
        assert_eq!([near("port"), near(""), near("x")], [None; 3]);
    }
}
