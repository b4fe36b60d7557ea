//! Time, as the caller tells it and as the engine keeps it.

use std::time::{Duration, Instant, SystemTime};

/// The time, told by the caller: the engine has no clock.
///
/// # Example
///
/// ```
/// use streamsum::engine::Now;
///
/// let now = Now::now();
/// assert!(now.monotonic <= Now::now().monotonic);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// For deadlines; must not go back.
    pub monotonic: Instant,
    /// For the Date field alone.
    pub wall: SystemTime,
}

impl Now {
    /// The time as the system tells it.
    #[must_use]
    #[allow(clippy::self_named_constructors, reason = "as in `Instant::now`")]
    pub fn now() -> Self {
        Self { monotonic: Instant::now(), wall: SystemTime::now() }
    }
}

/// Time since the engine began, in microseconds: half the size of an `Instant`, of
/// which every peer holds several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(pub(super) u64);

impl Moment {
    pub(super) fn since(self, earlier: Moment) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    pub(super) fn later_by(self, time: Duration) -> Moment {
        Moment(self.0.saturating_add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX)))
    }
}
