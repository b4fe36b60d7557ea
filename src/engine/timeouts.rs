//! How long peers may take, each with its default and the reason for it.

use std::time::Duration;

/// How long a peer may take; `None` is for ever.
///
/// The engine checks them once a second. A clock stands still while the engine itself does
/// not read, or does not run at all, so that overload never cuts off an honest peer. It
/// also stands still while the handler pauses an upload, for however long that is. Only
/// a peer that waits for room to keep the rest of a head or of a trailer section is timed
/// all the same: what it keeps then makes room for others.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use streamsum::engine::{Config, Timeouts};
///
/// let timeouts = Timeouts::default().idle(Duration::from_secs(5)).min_rate(None);
/// let config = Config::default().timeouts(timeouts);
/// assert_eq!(config.timeouts.head, Some(Duration::from_secs(10)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// For a whole head, from its first byte on; for the first request from the
    /// connection on, where [`Timeouts::idle`] stands in if this is `None`. Default
    /// 10 s: many round trips of the slowest link.
    pub head: Option<Duration>,
    /// For the next request to begin. Default 75 s: more than the 60 s for which balancers
    /// keep a connection by default, as the side that closes first loses the requests that
    /// are under way to it. A client that asks to be kept alive gets the whole seconds of
    /// it in its answers, so that it closes first.
    pub idle: Option<Duration>,
    /// Without a byte of content, also before the first one: only this limits a source that
    /// thinks before it begins. Default 30 s: a phone that changes cells is back by then,
    /// and most programs that work before they write have begun. A handler may set another
    /// time for a request: [`Terms::body_timeout`](crate::handler::Terms::body_timeout).
    pub body: Option<Duration>,
    /// The least average rate of content in bytes a second, counted from its first byte,
    /// once [`Timeouts::rate_grace`] has passed. Default 240: below any modem, and well
    /// above the rate of clients that only keep connections busy.
    pub min_rate: Option<u64>,
    /// For this time from the first byte of content on, any rate is taken. Default 20 s, so
    /// that short content passes however slowly it comes.
    pub rate_grace: Duration,
    /// Without a byte taken by the peer of what is written to it. What it sends meanwhile
    /// does not count. Default 30 s.
    pub write: Option<Duration>,
    /// For a late verdict or answer of the handler, unless that says otherwise for a request:
    /// [`Terms::late`](crate::handler::Terms::late),
    /// [`Reply::LaterWithin`](crate::handler::Reply::LaterWithin). Default 60 s, then the
    /// client gets 503.
    pub late: Option<Duration>,
    /// After the last answer: without a byte from the peer. Default 5 s: by then lost
    /// segments were sent again.
    pub linger_silence: Duration,
    /// After the last answer: in all, including the time in which others are served.
    /// Default 30 s: in that time a client that reads nothing before it has written all
    /// sends 100 MB at 30 Mbit/s.
    pub linger: Duration,
    /// After the last answer: at most so many bytes are read and thrown away; then the
    /// engine reads no more from the peer. Default none: many clients write all they have
    /// before they read, and never see the answer if they have more. These bytes cost what
    /// an upload costs, without the hashing.
    pub max_linger: Option<u64>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            head: Some(Duration::from_secs(10)),
            idle: Some(Duration::from_secs(75)),
            body: Some(Duration::from_secs(30)),
            min_rate: Some(240),
            rate_grace: Duration::from_secs(20),
            write: Some(Duration::from_secs(30)),
            late: Some(Duration::from_secs(60)),
            linger_silence: Duration::from_secs(5),
            linger: Duration::from_secs(30),
            max_linger: None,
        }
    }
}

/// Each setting by its name; [`Timeouts`] says what they mean.
impl Timeouts {
    /// Sets [`Timeouts::head`](field@Timeouts::head); `None` turns it off.
    #[must_use]
    pub fn head(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.head = time.into();
        self
    }

    /// Sets [`Timeouts::idle`](field@Timeouts::idle); `None` turns it off.
    #[must_use]
    pub fn idle(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.idle = time.into();
        self
    }

    /// Sets [`Timeouts::body`](field@Timeouts::body); `None` turns it off.
    #[must_use]
    pub fn body(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.body = time.into();
        self
    }

    /// Sets [`Timeouts::min_rate`](field@Timeouts::min_rate); `None` turns it off.
    #[must_use]
    pub fn min_rate(mut self, bytes: impl Into<Option<u64>>) -> Self {
        self.min_rate = bytes.into();
        self
    }

    /// Sets [`Timeouts::rate_grace`](field@Timeouts::rate_grace).
    #[must_use]
    pub fn rate_grace(mut self, time: Duration) -> Self {
        self.rate_grace = time;
        self
    }

    /// Sets [`Timeouts::write`](field@Timeouts::write); `None` turns it off.
    #[must_use]
    pub fn write(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.write = time.into();
        self
    }

    /// Sets [`Timeouts::late`](field@Timeouts::late); `None` turns it off.
    #[must_use]
    pub fn late(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.late = time.into();
        self
    }

    /// Sets [`Timeouts::linger_silence`](field@Timeouts::linger_silence).
    #[must_use]
    pub fn linger_silence(mut self, time: Duration) -> Self {
        self.linger_silence = time;
        self
    }

    /// Sets [`Timeouts::linger`](field@Timeouts::linger).
    #[must_use]
    pub fn linger(mut self, time: Duration) -> Self {
        self.linger = time;
        self
    }

    /// Sets [`Timeouts::max_linger`](field@Timeouts::max_linger); `None` turns it off.
    #[must_use]
    pub fn max_linger(mut self, bytes: impl Into<Option<u64>>) -> Self {
        self.max_linger = bytes.into();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_method_sets_its_field() {
        let seconds = Duration::from_secs;
        let timeouts = Timeouts::default().head(seconds(1)).idle(seconds(2)).body(seconds(3));
        let timeouts =
            timeouts.min_rate(4).rate_grace(seconds(5)).write(seconds(6)).late(seconds(7));
        let timeouts = timeouts.linger_silence(seconds(8)).linger(seconds(9)).max_linger(10);
        let times = [timeouts.head, timeouts.idle, timeouts.body, timeouts.write, timeouts.late];
        assert_eq!(times, [1, 2, 3, 6, 7].map(|time| Some(seconds(time))));
        assert_eq!((timeouts.min_rate, timeouts.max_linger), (Some(4), Some(10)));
        let others = [timeouts.rate_grace, timeouts.linger_silence, timeouts.linger];
        assert_eq!(others, [5, 8, 9].map(seconds));
        assert_eq!(timeouts.min_rate(None).min_rate, None);
    }
}
