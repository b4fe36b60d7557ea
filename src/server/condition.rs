//! A condition that is reported once, however often it comes and goes meanwhile.

use std::time::{Duration, Instant};

/// How long a condition is not seen before it is over. It begins or ends at most twice in
/// that time, even if each connection that ends makes room for the next.
const QUIET: Duration = Duration::from_secs(1);

/// On from when a condition is seen until it has not been seen for a while.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Condition {
    /// When it is over unless it is seen again; `None` while it is not on.
    ends: Option<Instant>,
}

impl Condition {
    /// Notes that the condition holds now.
    pub(super) fn seen(&mut self, now: Instant) {
        self.ends = Some(now + QUIET);
    }

    /// Notes that the condition does not hold now.
    pub(super) fn not_seen(&mut self, now: Instant) {
        self.ends = self.ends.filter(|ends| now < *ends);
    }

    pub(super) fn is_on(&self) -> bool {
        self.ends.is_some()
    }

    /// When to look at it again.
    pub(super) fn ends(&self) -> Option<Instant> {
        self.ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn condition_is_over_a_second_after_it_was_last_seen() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut condition = Condition::default();
        condition.not_seen(at(0));
        assert!(!condition.is_on());
        condition.seen(at(0));
        condition.not_seen(at(900));
        condition.seen(at(950));
        condition.not_seen(at(1_949));
        assert!(condition.is_on());
        assert_eq!(condition.ends(), Some(at(1_950)));
        condition.not_seen(at(1_950));
        assert_eq!((condition.is_on(), condition.ends()), (false, None));
    }
}
