//! What a handler sets for one request, in place of what the configuration says.

use std::time::Duration;

/// What holds for one request in place of [`Config`](crate::engine::Config), from
/// [`Handler::begin`](super::Handler::begin) on. What is not set stays as it is configured.
///
/// Times are rounded up to whole seconds, and are a second at least: deadlines are looked at
/// once a second.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use streamsum::handler::{Request, Terms, Verdict};
///
/// fn begin(request: Request<'_>) -> Verdict<()> {
///     match request.head().fields().get("authorization") {
///         // Who is known may send a film, and pause for longer.
///         Some(_) => {
///             let terms = Terms::new().body_limit(50 << 30);
///             Verdict::TakeOn((), terms.body_timeout(Duration::from_secs(120)))
///         }
///         None => Verdict::TakeOn((), Terms::new().body_limit(1 << 20)),
///     }
/// }
/// # let _ = begin;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms(Box<Own>);

/// Each is `None` unless it was set; `Some(None)` is no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Own {
    body_limit: Option<Option<u64>>,
    body_timeout: Option<Option<Duration>>,
    late: Option<Option<Duration>>,
    /// Bytes of content that may still come before the upload pauses.
    credit: Option<u64>,
}

impl Terms {
    /// All as it is configured.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the most bytes of content, in place of
    /// [`Limits::body`](crate::proto::Limits::body); `None` is no limit. A client that
    /// declares or sends more gets 413.
    #[must_use]
    pub fn body_limit(mut self, bytes: impl Into<Option<u64>>) -> Self {
        self.0.body_limit = Some(bytes.into());
        self
    }

    /// Sets how long the client may send no byte of content, in place of
    /// [`Timeouts::body`](crate::engine::Timeouts::body); `None` is for ever.
    #[must_use]
    pub fn body_timeout(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.0.body_timeout = Some(time.into().map(whole_seconds));
        self
    }

    /// Sets how long the handler itself may take for a verdict or an answer that it gives
    /// later, in place of [`Timeouts::late`](crate::engine::Timeouts::late); `None` is for
    /// ever. [`Reply::LaterWithin`](super::Reply::LaterWithin) sets it anew for the answer.
    #[must_use]
    pub fn late(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.0.late = Some(time.into().map(whole_seconds));
        self
    }
}

/// What the engine asks.
impl Terms {
    pub(crate) fn body_limit_or(&self, configured: Option<u64>) -> Option<u64> {
        self.0.body_limit.unwrap_or(configured)
    }

    pub(crate) fn body_timeout_or(&self, configured: Option<Duration>) -> Option<Duration> {
        self.0.body_timeout.unwrap_or(configured)
    }

    /// Bytes of content that may still come before the upload pauses; `None` is no bound.
    pub(crate) fn credit(&self) -> Option<u64> {
        self.0.credit
    }

    pub(crate) fn set_credit(&mut self, bytes: Option<u64>) {
        self.0.credit = bytes;
    }

    pub(crate) fn late_or(&self, configured: Option<Duration>) -> Option<Duration> {
        self.0.late.unwrap_or(configured)
    }
}

fn whole_seconds(time: Duration) -> Duration {
    let rounded = time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0));
    Duration::from_secs(rounded.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_a_second_at_least_and_rounded_up() {
        let cases = [(0, 1), (1, 1), (999, 1), (1000, 1), (1001, 2), (90_000, 90)];
        for (millis, seconds) in cases {
            let time = Duration::from_millis(millis);
            let terms = Terms::new().late(time).body_timeout(time);
            let expected = Some(Duration::from_secs(seconds));
            assert_eq!((terms.late_or(None), terms.body_timeout_or(None)), (expected, expected));
        }
        let longest = Terms::new().late(Duration::MAX).late_or(None);
        assert_eq!(longest, Some(Duration::from_secs(u64::MAX)));
    }

    #[test]
    fn what_is_not_set_stays_as_configured() {
        let second = Some(Duration::from_secs(1));
        let terms = Terms::new();
        let all =
            (terms.late_or(second), terms.body_timeout_or(second), terms.body_limit_or(Some(1)));
        assert_eq!(all, (second, second, Some(1)));
        let terms = terms.late(None).body_timeout(None).body_limit(None);
        let all =
            (terms.late_or(second), terms.body_timeout_or(second), terms.body_limit_or(Some(1)));
        assert_eq!(all, (None, None, None));
    }
}
