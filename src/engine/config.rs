//! Every bound of the engine, each with its default and the reason for it.

use std::time::{Duration, Instant, SystemTime};

use crate::proto::Limits;

/// The bounds of an [`Engine`](super::Engine).
///
/// # Example
///
/// ```
/// use streamsum::engine::Config;
///
/// let config = Config { connections: 1_000, ..Config::default() };
/// assert_eq!(config.buffer, 49_152);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// What one connection may send.
    pub limits: Limits,
    /// Connections at a time. Over it none is accepted, and the backlog is the brake.
    /// Default 100,000: about 40 MB while they hold uploads.
    pub connections: usize,
    /// Bytes of one read, and of one pooled buffer. Default 48 KiB: half of what Linux lets
    /// wait in a socket at first, so that two reads of the same length empty it; and
    /// uploads whose reads are equally long share lanes to their ends. With 32 uploads at
    /// once 48 KiB was 6 % faster than 32 and 10 % than 64. From 4 KiB to 16 MiB are used.
    pub buffer: usize,
    /// Peers whose content is handed over together, each with a pooled buffer. Default
    /// 32: as many MD5 streams as there are lanes at most. With 32 uploads at once that
    /// was 45 % faster than 16 of 64 KiB, and no slower with anything else. At least 1 is used.
    pub batch: usize,
    /// Bytes that one turn may read before it returns, each request and each look at a
    /// peer counted as 1 KiB; the last read may go over it. Default 2 MiB: a few
    /// milliseconds, so that an embedder's own timers run on time under any load, and a
    /// batch that reads all it may. At least one buffer is used.
    pub turn_bytes: usize,
    /// Bytes of unfinished heads and trailer sections, and of what waits behind an
    /// unfinished answer, all peers together. Default 64 MiB. When it is full, peers
    /// between requests are not read until there is room, and uploads are read in small
    /// steps. What one peer needs at most, twice the largest head or a buffer, is left to
    /// one peer at a time, so that somebody always gets on. At least twice that is used.
    pub held: usize,
    /// Bytes of output that may wait for one peer before it is not read any more.
    /// Default 16 KiB: about a hundred answers.
    pub output: usize,
    /// Bytes of each request target that are kept for
    /// [`Handler::ended`](crate::handler::Handler::ended). Default 0: method and target
    /// are not kept at all.
    pub kept_target: usize,
    /// How long peers may take.
    pub timeouts: Timeouts,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            connections: 100_000,
            buffer: 48 << 10,
            batch: 32,
            turn_bytes: 2 << 20,
            held: 64 << 20,
            output: 16 << 10,
            kept_target: 0,
            timeouts: Timeouts::default(),
        }
    }
}

/// How long a peer may take; `None` is for ever.
///
/// They are looked at once a second. A clock stands still while the engine itself does
/// not read, or is not run at all, so that overload never cuts off an honest peer; and
/// while an upload is paused by a partial take, for however long that is. Only who waits for
/// room to keep the rest of a head or of a trailer section is timed all the same: when its
/// time is up there is room.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use streamsum::engine::{Config, Timeouts};
///
/// let timeouts = Timeouts { idle: Some(Duration::from_secs(5)), ..Timeouts::default() };
/// let config = Config { timeouts, ..Config::default() };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For a whole head, from its first byte on; for the first request from the
    /// connection on, where [`Timeouts::idle`] stands in if this is `None`. Default
    /// 10 s: many round trips of the slowest link.
    pub head: Option<Duration>,
    /// For the next request to begin. Default 60 s: clients that pool connections
    /// rarely keep one for longer.
    pub idle: Option<Duration>,
    /// Without a byte of content. Default 30 s: a phone that changes cells is back by
    /// then.
    pub stall: Option<Duration>,
    /// The least average rate of content in bytes a second, once
    /// [`Timeouts::rate_grace`] has passed. Default 240: below any modem, and well
    /// above what keeps connections busy for the sake of it.
    pub rate: Option<u64>,
    /// How long any rate is taken. Default 20 s, so that short content passes however
    /// slowly it comes.
    pub rate_grace: Duration,
    /// Without the peer's taking a byte of what is written to it, whatever it sends
    /// meanwhile. Default 30 s.
    pub write: Option<Duration>,
    /// For a late verdict or answer of the handler. Default 60 s, then the client gets
    /// 503.
    pub late: Option<Duration>,
    /// After an early answer: without a byte from the peer. Default 2 s.
    pub linger_silence: Duration,
    /// After an early answer: altogether. Default 10 s.
    pub linger: Duration,
    /// After an early answer: bytes that are read and thrown away, before the peer is
    /// left waiting. Default 1 MiB, more than is under way on most links.
    pub linger_bytes: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            head: Some(Duration::from_secs(10)),
            idle: Some(Duration::from_secs(60)),
            stall: Some(Duration::from_secs(30)),
            rate: Some(240),
            rate_grace: Duration::from_secs(20),
            write: Some(Duration::from_secs(30)),
            late: Some(Duration::from_secs(60)),
            linger_silence: Duration::from_secs(2),
            linger: Duration::from_secs(10),
            linger_bytes: 1 << 20,
        }
    }
}

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
