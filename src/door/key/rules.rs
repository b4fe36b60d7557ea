//! What a store can take for a key, each setting with its default and the reason for it.

/// What a key has to keep to, beside what every key has to: see [`Place::of`](super::Place::of).
///
/// # Example
///
/// ```
/// use streamsum::door::{BadKey, KeyRules, Place};
///
/// let folder = KeyRules::default();
/// let bucket = KeyRules::default().prefix_length("incoming/".len()).dots(true);
/// assert_eq!(Place::of("/.profile", &folder), Err(BadKey::LeadingDot));
/// assert!(Place::of("/.profile", &bucket).is_ok());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyRules {
    /// Bytes that stand before each key in the store, with the `/` at their end: they count for
    /// [`Key::MAX_LENGTH`](super::Key::MAX_LENGTH). Default 0: a store has no prefix unless one
    /// is given.
    pub prefix_length: usize,
    /// True if a segment may begin with a dot. Default false, as a folder needs it: such names
    /// are hidden, mean something to others (`.ssh`, `.htaccess`), and unfinished files have
    /// them. To an object store they are names like all others.
    pub dots: bool,
}

/// Sets each rule by its name; the fields of [`KeyRules`] say what they mean.
impl KeyRules {
    /// Sets [`KeyRules::prefix_length`](field@KeyRules::prefix_length).
    #[must_use]
    pub fn prefix_length(mut self, bytes: usize) -> Self {
        self.prefix_length = bytes;
        self
    }

    /// Sets [`KeyRules::dots`](field@KeyRules::dots).
    #[must_use]
    pub fn dots(mut self, are_taken: bool) -> Self {
        self.dots = are_taken;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_sets_its_own() {
        let KeyRules { prefix_length, dots } = KeyRules::default();
        assert_eq!((prefix_length, dots), (0, false));
        let KeyRules { prefix_length, dots } = KeyRules::default().prefix_length(7);
        assert_eq!((prefix_length, dots), (7, false));
        let KeyRules { prefix_length, dots } = KeyRules::default().dots(true);
        assert_eq!((prefix_length, dots), (0, true));
    }
}
