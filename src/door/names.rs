//! Names of our own, for uploads that have none.
#![warn(clippy::indexing_slicing, clippy::expect_used)]
#![cfg_attr(test, allow(clippy::indexing_slicing, clippy::expect_used))]

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Key;

/// Makes names for uploads to a folder, such as `20261130-182348-123-0000-9f3c61d2a07be845`: the
/// date and the time in UTC with milliseconds, the number of the name within its millisecond, and
/// 64 random bits.
///
/// Names sort by their time as text, on one machine as over several. Those of one `Names` sort in
/// the order in which they were made, within a millisecond too, and while the clock is behind the
/// latest name by a minute or less: until it has caught up, names keep that time. A clock that was
/// set back by more is followed, and then names sort by it.
///
/// They are unique over processes and machines: two are equal by chance only if they have the
/// same millisecond, the same number and the same random bits. Whoever must not overwrite can still
/// ask the store not to. They are no secret.
///
/// Lower-case letters, digits and hyphens are legal in every file system, and none folds them.
///
/// # Example
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use streamsum::door::Names;
///
/// let mut names = Names::new();
/// let now = UNIX_EPOCH + Duration::from_millis(1_796_063_028_123);
/// let (first, second) = (names.next(now), names.next(now));
/// assert!(first.starts_with("20261130-182348-123-0000-"));
/// assert!(second.starts_with("20261130-182348-123-0001-"));
/// assert!(first.len() == Names::LENGTH && first < second);
/// ```
#[derive(Debug)]
pub struct Names {
    /// Its keys are random, drawn from the system.
    random: RandomState,
    /// Names made so far: what is hashed for random bits.
    made: u64,
    /// Milliseconds since 1970 in the latest name.
    millis: u64,
    /// The number that the next name of this millisecond gets.
    number: u64,
}

/// The last millisecond with a year of four digits: 9999-12-31T23:59:59.999Z.
const LAST_MILLI: u64 = 253_402_300_799_999;

/// Numbers of a millisecond; a name beyond them belongs to the next one.
const NUMBERS: u64 = 10_000;

/// How many milliseconds the clock may be behind and not be followed: more than it is corrected by
/// while it runs, and less than a wrong time would be noticed in names.
const STEP_BACK: u64 = 60_000;

impl Names {
    /// Bytes of each name.
    pub const LENGTH: usize = "20261130-182348-123-0000-9f3c61d2a07be845".len();

    /// Random bits are drawn here, and nowhere later.
    #[must_use]
    pub fn new() -> Self {
        Self { random: RandomState::new(), made: 0, millis: 0, number: 0 }
    }

    /// Makes the next name. A time before 1970 or after 9999 counts as the nearest between.
    pub fn next(&mut self, now: SystemTime) -> String {
        self.advance(now);
        let number = self.number;
        self.number += 1;
        self.made += 1;
        let random = self.random.hash_one(self.made);
        let time = UNIX_EPOCH + Duration::from_millis(self.millis);
        // 2026-11-30T18:23:48.123Z
        let text = humantime::format_rfc3339_millis(time).to_string();
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let (date, rest) = digits.split_at(8);
        let (time, millis) = rest.split_at(6);
        format!("{date}-{time}-{millis}-{number:04}-{random:016x}")
    }

    /// A key with the next name in a folder, as [`Place::Within`](super::Place::Within) has it:
    /// `None` is the root. It keeps to the rules by which the folder was found.
    pub fn key_in(&mut self, folder: Option<&Key>, now: SystemTime) -> Key {
        Key::within(folder, &self.next(now))
    }

    /// Chooses the millisecond and the number of the next name.
    fn advance(&mut self, now: SystemTime) {
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX).min(LAST_MILLI);
        if millis > self.millis || self.millis - millis > STEP_BACK {
            (self.millis, self.number) = (millis, 0);
        } else if self.number == NUMBERS {
            (self.millis, self.number) = ((self.millis + 1).min(LAST_MILLI), 0);
        }
    }
}

impl Default for Names {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::{KeyRules, Place};
    use super::*;

    fn at(millis: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(millis)
    }

    /// 2026-11-30T18:23:48.123Z.
    const NOW: u64 = 1_796_063_028_123;

    #[test]
    fn later_names_sort_after_earlier_ones() {
        let mut names = Names::new();
        let mut last = String::new();
        // It runs, stands still, goes back a little, and catches up.
        let clock = [0, 1, 1, 2, 1, 0, 3, 3, 60_000, 0, 1, 59_999, 60_000, 60_001, 61_001, 1_001];
        for ahead in clock.into_iter().flat_map(|ahead| [ahead; 3]) {
            let name = names.next(at(NOW + ahead));
            assert!(name > last, "{name} after {last}");
            last = name;
        }
    }

    #[test]
    fn more_names_than_a_millisecond_has_numbers_belong_to_the_next() {
        let mut names = Names::new();
        let made: Vec<String> = (0..=2 * NUMBERS).map(|_| names.next(at(NOW))).collect();
        assert!(made.is_sorted());
        let begins = |index: u64, begin: &str| made[index as usize].starts_with(begin);
        assert!(begins(NUMBERS - 1, "20261130-182348-123-9999-"));
        assert!(begins(NUMBERS, "20261130-182348-124-0000-"));
        assert!(begins(2 * NUMBERS, "20261130-182348-125-0000-"));
        assert!(names.next(at(NOW + 2)).starts_with("20261130-182348-125-0001-"));
        assert!(names.next(at(NOW + 3)).starts_with("20261130-182348-126-0000-"));
    }

    #[test]
    fn a_clock_that_was_set_back_by_more_than_a_minute_is_followed() {
        let mut names = Names::new();
        assert!(names.next(at(NOW + STEP_BACK)).starts_with("20261130-182448-123-0000-"));
        assert!(names.next(at(NOW)).starts_with("20261130-182448-123-0001-"));
        assert!(names.next(at(NOW - 1)).starts_with("20261130-182348-122-0000-"));
    }

    #[test]
    fn no_two_names_are_equal() {
        let mut all = HashSet::new();
        for _ in 0..100 {
            let mut names = Names::new();
            // The same time comes again and again.
            for millis in [NOW, NOW - 2 * STEP_BACK, NOW, NOW - 2 * STEP_BACK, NOW] {
                let name = names.next(at(millis));
                assert!(all.insert(name.clone()), "{name}");
                let random = &name[Names::LENGTH - 16..];
                assert!(all.insert(random.to_owned()), "its random bits: {name}");
            }
        }
    }

    #[test]
    fn a_name_is_legal_everywhere_and_has_one_length() {
        let mut names = Names::new();
        let times =
            [at(0), at(NOW), at(LAST_MILLI), at(LAST_MILLI + 1), at(LAST_MILLI << 8), at(0)];
        let before = UNIX_EPOCH - Duration::from_secs(1);
        for time in times.into_iter().chain([before]) {
            let name = names.next(time);
            assert_eq!(name.len(), Names::LENGTH, "{name}");
            let is_legal = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
            assert!(name.bytes().all(is_legal), "{name}");
        }
        assert!(Names::new().next(before).starts_with("19700101-000000-000-0000-"));
        assert!(Names::new().next(at(LAST_MILLI + 1)).starts_with("99991231-235959-999-0000-"));
    }

    #[test]
    fn a_key_in_a_folder_is_a_key() {
        let (mut names, rules) = (Names::default(), KeyRules::default());
        let Ok(Place::Within(folder)) = Place::of("/a/b/", &rules) else { panic!("a folder") };
        for (folder, begin) in [(folder.as_ref(), "a/b/2026"), (None, "2026")] {
            let key = names.key_in(folder, at(NOW));
            assert!(key.as_str().starts_with(begin), "{key}");
            assert_eq!(Place::of(&key.to_target(), &rules), Ok(Place::Named(key)));
        }
    }
}
