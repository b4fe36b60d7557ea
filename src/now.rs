//! Time, as the caller tells it.

use std::time::{Instant, SystemTime};

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
