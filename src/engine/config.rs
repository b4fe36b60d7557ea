//! Every bound of the engine, each with its default and the reason for it.

use std::fmt;
use std::io;
use std::time::Duration;

use super::timeouts::Timeouts;
use crate::proto::Limits;

/// Below this a read costs more for the call than for the bytes.
const SMALLEST_BUFFER: u64 = 4 << 10;
/// No cache holds more, and positions fit 32 bits.
const LARGEST_BUFFER: u64 = 16 << 20;
/// Deadlines are looked at once a second.
const SHORTEST_TIME: Duration = Duration::from_secs(1);

/// The bounds of an [`Engine`](super::Engine).
///
/// # Example
///
/// ```
/// use streamsum::engine::Config;
///
/// let config = Config::default().connections(1_000).batch(16);
/// assert_eq!((config.connections, config.buffer), (1_000, 86_016));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// What one connection may send.
    pub limits: Limits,
    /// Connections at a time, at least 1. When all places are taken, the peer that has been
    /// idle for longest, and for at least a second, gives way to a newcomer; while there is
    /// none, newcomers wait in the backlog: see
    /// [`Server::turn`](crate::server::Server::turn). An engine leaves this to its owner.
    /// Default 100,000: about 40 MB while they hold uploads.
    pub connections: usize,
    /// Bytes of one read, and of one pooled buffer. Default 84 KiB. At least 4 KiB, at most
    /// 16 MiB.
    ///
    /// With 32 uploads at once over loopback, the speed as a multiple of that with 48 KiB was
    /// 0.9 with 32, 1.0 with 64 to 76, 1.15 with 80, 1.2 with 84 and 88, and 1.25 with 96 (AMD
    /// with AVX-512, Reno). On an AMD with AVX2 alone it was 1.15 to 1.2 with 64, and no more
    /// with 96. A full batch takes so many buffers: 84 KiB is the most that leaves a server
    /// below 5 MiB.
    pub buffer: usize,
    /// Bytes of one read of an upload while no other peer is ready. Default 96 KiB. At least
    /// [`buffer`](field@Config::buffer), at most 16 MiB.
    ///
    /// With one upload over loopback, the speed in GB/s was 0.51 with 48 KiB, 0.52 with 64 to
    /// 256 (AMD with AVX-512, Reno); 0.49 with 48, 0.53 with 96 and 0.42 with 128 and 192 on an
    /// AMD with AVX2 alone, where the system needed 2.5 times as long for the longer reads; and
    /// 5 % more with 192 than with 48 (Intel, BBR).
    pub lone_buffer: usize,
    /// Peers whose content is handed over together, each with a pooled buffer. Default 32:
    /// a kernel has at most so many lanes. With 32 uploads at once that was 45 % faster
    /// than 16 of 64 KiB, and no slower with anything else.
    pub batch: usize,
    /// Bytes that one turn may read before it returns; each request and each look at a peer
    /// counts as 1 KiB, and the last read may exceed the limit. Default 2,688 KiB: a full batch
    /// of full buffers, which takes a few milliseconds at most, so that an embedder's own timers
    /// run on time under any load. With 2 MiB, 32 uploads were 5 to 12 % slower. At least one
    /// buffer.
    pub max_turn: usize,
    /// Bytes of unfinished heads and trailer sections, of content that the handler has left or
    /// [keeps](crate::handler::Piece::keep), and of what waits behind an unfinished answer, all
    /// peers together. Default 64 MiB. When it is full, peers between requests are not read until
    /// there is room, and uploads are read so that nothing of them has to be kept, or in small
    /// steps. A reserve of what one peer needs at most, twice the largest head or a buffer,
    /// serves one peer at a time, so that one always gets on. At least twice that:
    /// [`Config::least_held`].
    pub max_held: usize,
    /// Bytes of output that may wait for one peer before it is not read any more.
    /// Default 16 KiB: about a hundred answers.
    pub max_output: usize,
    /// Bytes of each request target that are kept for
    /// [`Handler::ended`](crate::handler::Handler::ended) and
    /// [`Engine::uploads`](super::Engine::uploads). Default 0: neither method nor target is
    /// kept.
    pub kept_target: usize,
    /// How long peers may take.
    pub timeouts: Timeouts,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            connections: 100_000,
            buffer: 84 << 10,
            lone_buffer: 96 << 10,
            batch: 32,
            max_turn: 32 * (84 << 10),
            max_held: 64 << 20,
            max_output: 16 << 10,
            kept_target: 0,
            timeouts: Timeouts::default(),
        }
    }
}

/// Each setting by its name; [`Config`] says what they mean.
impl Config {
    /// Sets [`Config::limits`](field@Config::limits).
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets [`Config::connections`](field@Config::connections).
    #[must_use]
    pub fn connections(mut self, most: usize) -> Self {
        self.connections = most;
        self
    }

    /// Sets [`Config::buffer`](field@Config::buffer).
    #[must_use]
    pub fn buffer(mut self, bytes: usize) -> Self {
        self.buffer = bytes;
        self
    }

    /// Sets [`Config::lone_buffer`](field@Config::lone_buffer).
    #[must_use]
    pub fn lone_buffer(mut self, bytes: usize) -> Self {
        self.lone_buffer = bytes;
        self
    }

    /// Sets [`Config::batch`](field@Config::batch).
    #[must_use]
    pub fn batch(mut self, peers: usize) -> Self {
        self.batch = peers;
        self
    }

    /// Sets [`Config::max_turn`](field@Config::max_turn).
    #[must_use]
    pub fn max_turn(mut self, bytes: usize) -> Self {
        self.max_turn = bytes;
        self
    }

    /// Sets [`Config::max_held`](field@Config::max_held).
    #[must_use]
    pub fn max_held(mut self, bytes: usize) -> Self {
        self.max_held = bytes;
        self
    }

    /// Sets [`Config::max_output`](field@Config::max_output).
    #[must_use]
    pub fn max_output(mut self, bytes: usize) -> Self {
        self.max_output = bytes;
        self
    }

    /// Sets [`Config::kept_target`](field@Config::kept_target).
    #[must_use]
    pub fn kept_target(mut self, bytes: usize) -> Self {
        self.kept_target = bytes;
        self
    }

    /// Sets [`Config::timeouts`](field@Config::timeouts).
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }
}

impl Config {
    /// Checks that an engine can work with these settings, as
    /// [`Engine::new`](super::Engine::new) does.
    ///
    /// # Errors
    ///
    /// The first setting that is out of its range.
    ///
    /// # Example
    ///
    /// ```
    /// use std::time::Duration;
    /// use streamsum::engine::{Config, ConfigError, Timeouts};
    ///
    /// assert_eq!(Config::default().check(), Ok(()));
    /// let hasty = Timeouts::default().idle(Duration::ZERO);
    /// let wrong = Config::default().timeouts(hasty).check();
    /// assert_eq!(wrong, Err(ConfigError::TooShort { setting: "timeouts.idle" }));
    /// ```
    pub fn check(&self) -> Result<(), ConfigError> {
        // Every field is named, so that a new one does not compile until its range is decided;
        // one that is `_` may have any value.
        let Self {
            limits,
            connections,
            buffer,
            lone_buffer,
            batch,
            max_turn,
            max_held,
            max_output: _,
            kept_target: _,
            timeouts,
        } = self;
        let (buffer, lone_buffer) = (*buffer as u64, *lone_buffer as u64);
        check_limits(limits)?;
        at_least(1, "connections", *connections as u64)?;
        at_least(SMALLEST_BUFFER, "buffer", buffer)?;
        at_least(buffer, "lone_buffer", lone_buffer)?;
        at_most(LARGEST_BUFFER, "buffer", buffer)?;
        at_most(LARGEST_BUFFER, "lone_buffer", lone_buffer)?;
        at_least(1, "batch", *batch as u64)?;
        at_least(buffer, "max_turn", *max_turn as u64)?;
        at_least(self.least_held() as u64, "max_held", *max_held as u64)?;
        check_timeouts(timeouts)
    }

    /// The least that [`Config::max_held`](field@Config::max_held) may be with this buffer
    /// and this limit of heads.
    #[must_use]
    pub fn least_held(&self) -> usize {
        self.most_kept().saturating_mul(2)
    }

    /// The most that one visit to a peer may ask to keep: a read, or the growth of a head
    /// that has doubled up to its limit.
    pub(super) fn most_kept(&self) -> usize {
        self.buffer.max((self.limits.head as usize).saturating_mul(2))
    }
}

fn check_limits(limits: &Limits) -> Result<(), ConfigError> {
    let Limits { request_line, head, fields, chunk_overhead: _, body: _, interim: _, requests: _ } =
        *limits;
    at_least(1, "limits.request_line", u64::from(request_line))?;
    at_least(1, "limits.head", u64::from(head))?;
    at_least(1, "limits.fields", u64::from(fields))
}

fn check_timeouts(timeouts: &Timeouts) -> Result<(), ConfigError> {
    let Timeouts {
        head,
        idle,
        body,
        min_rate,
        rate_grace,
        write,
        late,
        linger_silence,
        linger,
        max_linger: _,
    } = *timeouts;
    at_least(1, "timeouts.min_rate", min_rate.unwrap_or(u64::MAX))?;
    for (setting, time) in [
        ("timeouts.head", head),
        ("timeouts.idle", idle),
        ("timeouts.body", body),
        ("timeouts.write", write),
        ("timeouts.late", late),
        ("timeouts.rate_grace", Some(rate_grace)),
        ("timeouts.linger", Some(linger)),
        ("timeouts.linger_silence", Some(linger_silence)),
    ] {
        if time.is_some_and(|time| time < SHORTEST_TIME) {
            return Err(ConfigError::TooShort { setting });
        }
    }
    Ok(())
}

fn at_least(least: u64, setting: &'static str, value: u64) -> Result<(), ConfigError> {
    if value < least { Err(ConfigError::TooSmall { setting, least }) } else { Ok(()) }
}

fn at_most(most: u64, setting: &'static str, value: u64) -> Result<(), ConfigError> {
    if value > most { Err(ConfigError::TooLarge { setting, most }) } else { Ok(()) }
}

/// A setting with which no engine can work.
///
/// # Example
///
/// ```
/// use streamsum::engine::{Config, Engine, Now};
/// # use streamsum::server::Stream as Socket;
///
/// let config = Config::default().max_turn(1_000);
/// let wrong = Engine::<Socket, ()>::new(config, Now::now()).unwrap_err();
/// assert_eq!(wrong.to_string(), "max_turn must be at least 86016");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// A number or a size in bytes is too small.
    TooSmall {
        /// The name of its field in [`Config`], such as `max_held` or `limits.head`.
        setting: &'static str,
        /// The least that works, beside what else is set.
        least: u64,
    },
    /// A number or a size in bytes is too large.
    TooLarge {
        /// The name of its field in [`Config`], such as `max_held` or `limits.head`.
        setting: &'static str,
        /// The most that works.
        most: u64,
    },
    /// A time is under a second, and deadlines are looked at once a second.
    TooShort {
        /// The name of its field in [`Config`], such as `timeouts.idle`.
        setting: &'static str,
    },
}

impl ConfigError {
    /// The name of the setting's field in [`Config`], such as `limits.head`.
    #[must_use]
    pub fn setting(&self) -> &'static str {
        match self {
            Self::TooSmall { setting, .. }
            | Self::TooLarge { setting, .. }
            | Self::TooShort { setting } => setting,
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooSmall { setting, least } => write!(f, "{setting} must be at least {least}"),
            Self::TooLarge { setting, most } => write!(f, "{setting} must be at most {most}"),
            Self::TooShort { setting } => write!(f, "{setting} must be at least a second"),
        }
    }
}

impl std::error::Error for ConfigError {}

/// As [`InvalidInput`](io::ErrorKind::InvalidInput).
impl From<ConfigError> for io::Error {
    fn from(error: ConfigError) -> Self {
        Self::new(io::ErrorKind::InvalidInput, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_method_sets_its_field() {
        let limits = Limits::default().head(8);
        let timeouts = Timeouts::default().idle(None);
        let config = Config::default().limits(limits).connections(1).buffer(2).batch(3);
        let config = config.max_turn(4).max_held(5).max_output(6).kept_target(7).lone_buffer(8);
        let config = config.timeouts(timeouts.clone());
        let Config { connections, buffer, batch, max_turn, max_held, max_output, .. } = config;
        assert_eq!(
            [connections, buffer, batch, max_turn, max_held, max_output],
            [1, 2, 3, 4, 5, 6]
        );
        assert_eq!((config.kept_target, config.lone_buffer), (7, 8));
        assert_eq!((config.limits, config.timeouts), (limits, timeouts));
    }

    #[test]
    fn error_names_a_setting_out_of_its_range() {
        let too_small = |setting, least| Err(ConfigError::TooSmall { setting, least });
        let config = Config::default;
        let limits = |limits| config().limits(limits).check();
        assert_eq!(limits(Limits::default().request_line(0)), too_small("limits.request_line", 1));
        assert_eq!(limits(Limits::default().head(0)), too_small("limits.head", 1));
        assert_eq!(limits(Limits::default().fields(0)), too_small("limits.fields", 1));
        assert_eq!(config().connections(0).check(), too_small("connections", 1));
        assert_eq!(config().batch(0).check(), too_small("batch", 1));
        assert_eq!(config().buffer(4095).check(), too_small("buffer", 4096));
        assert_eq!(
            config().buffer((16 << 20) + 1).lone_buffer(usize::MAX).check(),
            Err(ConfigError::TooLarge { setting: "buffer", most: 16 << 20 })
        );
        assert_eq!(config().lone_buffer(84 << 10).check(), Ok(()));
        assert_eq!(config().lone_buffer(16 << 20).check(), Ok(()));
        assert_eq!(config().lone_buffer(86_015).check(), too_small("lone_buffer", 86_016));
        assert_eq!(
            config().lone_buffer((16 << 20) + 1).check(),
            Err(ConfigError::TooLarge { setting: "lone_buffer", most: 16 << 20 })
        );
        let rate = Timeouts::default().min_rate(0);
        assert_eq!(config().timeouts(rate).check(), too_small("timeouts.min_rate", 1));
    }

    #[test]
    fn max_turn_and_max_held_have_room_for_a_peer() {
        let tight = Config::default().buffer(8192).limits(Limits::default().head(5000));
        assert_eq!(tight.least_held(), 20_000);
        let check =
            |max_turn, max_held| tight.clone().max_turn(max_turn).max_held(max_held).check();
        assert_eq!(check(8192, 20_000), Ok(()));
        let too_small = |setting, least| Err(ConfigError::TooSmall { setting, least });
        assert_eq!(check(8191, 20_000), too_small("max_turn", 8192));
        assert_eq!(check(8192, 19_999), too_small("max_held", 20_000));
        let long_reads = tight.buffer(16_384).max_turn(16_384);
        assert_eq!(long_reads.max_held(32_767).check(), too_small("max_held", 32_768));
    }

    #[test]
    fn time_under_a_second_is_refused() {
        let hasty = Duration::from_millis(999);
        let timeouts = Timeouts::default;
        let second = Duration::from_secs(1);
        for (setting, wrong, right) in [
            ("timeouts.head", timeouts().head(hasty), timeouts().head(second)),
            ("timeouts.idle", timeouts().idle(hasty), timeouts().idle(second)),
            ("timeouts.body", timeouts().body(hasty), timeouts().body(None)),
            ("timeouts.write", timeouts().write(hasty), timeouts().write(None)),
            ("timeouts.late", timeouts().late(hasty), timeouts().late(second)),
            ("timeouts.rate_grace", timeouts().rate_grace(hasty), timeouts().rate_grace(second)),
            ("timeouts.linger", timeouts().linger(hasty), timeouts().linger(second)),
            ("timeouts.linger_silence", timeouts().linger_silence(hasty), timeouts().max_linger(0)),
        ] {
            let check = |timeouts| Config::default().timeouts(timeouts).check();
            assert_eq!(check(wrong), Err(ConfigError::TooShort { setting }));
            assert_eq!(check(right), Ok(()), "{setting}");
        }
    }

    #[test]
    fn config_errors_have_words_and_become_io_errors() {
        let errors = [
            (
                ConfigError::TooSmall { setting: "max_held", least: 7 },
                "max_held must be at least 7",
            ),
            (ConfigError::TooLarge { setting: "buffer", most: 7 }, "buffer must be at most 7"),
            (
                ConfigError::TooShort { setting: "timeouts.idle" },
                "timeouts.idle must be at least a second",
            ),
        ];
        for (error, words) in errors {
            let passed_on = io::Error::from(error);
            assert_eq!(passed_on.kind(), io::ErrorKind::InvalidInput);
            assert_eq!(passed_on.to_string(), words);
            assert_eq!(error.setting(), words.split(' ').next().expect("a word"));
        }
    }
}
