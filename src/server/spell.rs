//! A condition that is told once, however often it comes and goes meanwhile.

use std::time::{Duration, Instant};

/// How long a condition has to be away before it is over: who tells of it does so twice in
/// that time at most, also when each connection that ends makes room for the next.
const QUIET: Duration = Duration::from_secs(1);

/// From when a condition is met until it has not been met for a while.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spell {
    /// When it is over unless it is met again; none while it is not on.
    ends: Option<Instant>,
}

impl Spell {
    /// The condition is met now.
    pub(super) fn meet(&mut self, now: Instant) {
        self.ends = Some(now + QUIET);
    }

    /// The condition is not met now.
    pub(super) fn miss(&mut self, now: Instant) {
        self.ends = self.ends.filter(|ends| now < *ends);
    }

    pub(super) fn is_on(&self) -> bool {
        self.ends.is_some()
    }

    /// When it is to be looked at again.
    pub(super) fn ends(&self) -> Option<Instant> {
        self.ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_over_a_second_after_it_was_met_for_the_last_time() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut spell = Spell::default();
        spell.miss(at(0));
        assert!(!spell.is_on());
        spell.meet(at(0));
        spell.miss(at(900));
        spell.meet(at(950));
        spell.miss(at(1_949));
        assert!(spell.is_on());
        assert_eq!(spell.ends(), Some(at(1_950)));
        spell.miss(at(1_950));
        assert_eq!((spell.is_on(), spell.ends()), (false, None));
    }
}
