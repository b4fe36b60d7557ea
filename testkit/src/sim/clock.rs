//! Time as the tests tell it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use streamsum::engine::Now;

/// Stands still until it is told otherwise.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    base: Instant,
    elapsed: Duration,
}

impl Clock {
    /// Sun, 06 Nov 1994 08:49:37 GMT.
    const START: Duration = Duration::from_secs(784_111_777);

    pub(crate) fn new() -> Self {
        Self { base: Instant::now(), elapsed: Duration::ZERO }
    }

    /// As the engine is told it.
    pub fn now(&self) -> Now {
        let wall: SystemTime = UNIX_EPOCH + Self::START + self.elapsed;
        Now { monotonic: self.base + self.elapsed, wall }
    }

    /// Since the test began.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// Lets time go by.
    pub fn advance(&mut self, time: Duration) {
        self.elapsed += time;
    }
}
