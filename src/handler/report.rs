//! How a request ended, as the handler is told.

use std::fmt;
use std::time::Duration;

use super::{PeerAddr, UploadId};
use crate::proto::{After, Reject, Response};

/// How a request ended, for a log or for counters.
///
/// # Example
///
/// ```
/// use streamsum::handler::{Outcome, Report};
///
/// fn line(report: &Report<'_>) -> String {
///     let status = report.response.map_or(0, |response| response.status());
///     match report.outcome {
///         Outcome::Answered(_) => format!("{} {status}", report.peer),
///         Outcome::Refused(reject) => format!("{} {status} {reject}", report.peer),
///         Outcome::Aborted(abort) => format!("{} broken off: {abort}", report.peer),
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Report<'a> {
    /// `None` if the head was never complete.
    pub id: Option<UploadId>,
    /// Who sent it.
    pub peer: PeerAddr,
    /// The method, cut after 32 bytes, if it is known and
    /// [`Config::kept_target`](crate::engine::Config::kept_target) is not 0.
    pub method: Option<&'a str>,
    /// The request target, likewise, cut after that many bytes.
    pub target: Option<&'a str>,
    /// The answer that was given to the connection.
    pub response: Option<&'a Response>,
    /// Bytes of content that the handler took.
    pub received: u64,
    /// From the end of the head to the end of the request, as exact as a turn is short.
    pub duration: Duration,
    /// How it ended.
    pub outcome: Outcome,
    /// The numbers behind a 408; otherwise `None`.
    pub too_slow: Option<TooSlow>,
}

/// The three ways in which a request can end. [`Report`] has an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The handler answered it.
    Answered(After),
    /// The server refused it, and the answer gives the reason.
    Refused(Reject),
    /// The connection broke before there was an answer.
    Aborted(Abort),
}

/// How little came, in how long, of a request that was refused with 408.
///
/// # Example
///
/// ```
/// use streamsum::handler::{Report, TooSlow};
///
/// fn line(report: &Report<'_>) -> Option<String> {
///     let TooSlow { bytes, time, missed, .. } = report.too_slow?;
///     // Or all in words, such as: 1024 bytes in 30.1s, none for 30.0s
///     Some(format!("{bytes} bytes in {time:?} are too few: {missed:?}"))
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TooSlow {
    /// Bytes of the head, or of the content with its framing.
    pub bytes: u64,
    /// How long the peer had for them, up to the end of the deadline; for content from its
    /// first byte on, if there was one. Time in which the engine did not read does not
    /// count.
    pub time: Duration,
    /// The bound that the peer missed.
    pub missed: Missed,
}

/// The bound out of [`Timeouts`](crate::engine::Timeouts) that a slow peer missed.
/// [`TooSlow`] has an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Missed {
    /// All of it within this time.
    Whole(Duration),
    /// A byte within this time.
    Byte(Duration),
    /// At least so many bytes a second on average.
    Rate(u64),
}

impl fmt::Display for TooSlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes in {}, ", self.bytes, Tenths(self.time))?;
        match self.missed {
            Missed::Whole(limit) => write!(f, "not all within {}", Tenths(limit)),
            Missed::Byte(limit) => write!(f, "none for {}", Tenths(limit)),
            Missed::Rate(rate) => write!(f, "less than {rate} a second"),
        }
    }
}

/// A time as `30.1s`, without the code that writes floating point.
struct Tenths(Duration);

impl fmt::Display for Tenths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}s", self.0.as_secs(), self.0.subsec_millis() / 100)
    }
}

/// Why a connection was given up without an answer.
///
/// # Example
///
/// ```
/// use streamsum::handler::Abort;
///
/// assert_eq!(Abort::Reset.to_string(), "connection reset");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Abort {
    /// The peer, or the network, broke the connection.
    Reset,
    /// The peer took too long to read what was sent to it.
    NotReading,
    /// The engine was shut down.
    Shutdown,
}

impl fmt::Display for Abort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Abort::Reset => "connection reset",
            Abort::NotReading => "the client stopped reading",
            Abort::Shutdown => "shut down",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_slow_shows_its_numbers() {
        let of = |missed| {
            let time = Duration::from_millis(30_160);
            TooSlow { bytes: 1024, time, missed }.to_string()
        };
        let limit = Duration::from_secs(30);
        assert_eq!(of(Missed::Whole(limit)), "1024 bytes in 30.1s, not all within 30.0s");
        assert_eq!(of(Missed::Byte(limit)), "1024 bytes in 30.1s, none for 30.0s");
        assert_eq!(of(Missed::Rate(240)), "1024 bytes in 30.1s, less than 240 a second");
    }
}
