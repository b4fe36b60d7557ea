//! What becomes of an exchange.

use std::fmt;
use std::io;
use std::sync::Arc;

use crate::proto::Fields;
use crate::proto::client::Fault;

/// What has happened to an exchange. After [`Event::Answered`] and [`Event::Failed`] it is over,
/// and its id means nothing.
///
/// # Example
///
/// ```
/// use streamsum::client::Event;
///
/// fn status(event: &Event) -> Option<u16> {
///     match event {
///         Event::Room => None,
///         Event::Answered(answer) => Some(answer.status()),
///         Event::Failed(failure) => Some(if failure.is_timeout() { 504 } else { 502 }),
///     }
/// }
/// assert_eq!(status(&Event::Room), None);
/// ```
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// Content may be [written](super::Client::write): the server takes it, has asked for it if
    /// it was to, and there is room. Told once, and again after a write that was not taken
    /// whole.
    Room,
    /// The final answer.
    Answered(Answer),
    /// There will be none.
    Failed(Failure),
}

/// A final answer, whole.
///
/// # Example
///
/// ```
/// use streamsum::client::Answer;
///
/// fn is_kept(answer: &Answer) -> bool {
///     // One that came early is a refusal.
///     matches!(answer.status(), 200..300) && answer.fields().get("ETag").is_some()
/// }
/// # let _ = is_kept;
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    pub(super) status: u16,
    pub(super) lines: Box<[u8]>,
    pub(super) content: Vec<u8>,
    pub(super) is_early: bool,
    pub(super) follows_unknown: bool,
}

impl Answer {
    /// The status code, 200 to 999.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The field lines.
    #[must_use]
    pub fn fields(&self) -> Fields<'_> {
        Fields::new(&self.lines)
    }

    /// The content, at most [`Limits::body`](crate::proto::Limits::body) bytes of it.
    #[must_use]
    pub fn content(&self) -> &[u8] {
        &self.content
    }

    /// True if it came before the request was sent whole. Its status is never 2xx then: see
    /// [`Failure::EarlySuccess`].
    #[must_use]
    pub fn is_early(&self) -> bool {
        self.is_early
    }

    /// True if the server may have acted on an earlier try, whose answer was lost: then a refusal
    /// such as 412 may be due to the success of that one.
    #[must_use]
    pub fn follows_unknown(&self) -> bool {
        self.follows_unknown
    }
}

impl fmt::Debug for Answer {
    /// Without its fields and content, which may have secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("content", &self.content.len())
            .field("is_early", &self.is_early)
            .finish_non_exhaustive()
    }
}

/// Why an exchange has no answer.
///
/// # Example
///
/// ```
/// use streamsum::client::Failure;
///
/// assert_eq!(Failure::Busy.to_string(), "no connection became free in time");
/// assert!(!Failure::Busy.may_have_acted());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// All connections were in use for longer than [`Config::wait`](super::Config).
    Busy,
    /// The name of the host could not be looked up.
    Name(io::ErrorKind),
    /// Nobody took the connection, or the handshake failed.
    Connect(Cause),
    /// Nobody took it in time, or the handshake did not end.
    ConnectTimeout,
    /// The connection broke.
    Broken {
        /// How it was noticed.
        cause: Cause,
        /// True if the server has the whole request.
        may_have_acted: bool,
    },
    /// What the server sent is no answer.
    Fault {
        /// What is wrong with it.
        fault: Fault,
        /// True if the server has the whole request.
        may_have_acted: bool,
    },
    /// On a connection that was used before, the server gave no 100 (Continue) in time.
    NoContinue,
    /// The server took no byte for longer than [`Config::write`](super::Config).
    Stalled,
    /// The server gave no answer within [`Config::answer`](super::Config).
    Silent,
    /// The server said that all went well, with this status code, before it had all content.
    EarlySuccess(u16),
}

impl Failure {
    /// True if the server has the whole request, or so much of it that it may have acted on it: what
    /// became of it is not known. Else it was not sent, or in part.
    #[must_use]
    pub fn may_have_acted(&self) -> bool {
        match self {
            Failure::Broken { may_have_acted, .. } | Failure::Fault { may_have_acted, .. } => {
                *may_have_acted
            }
            Failure::Silent | Failure::EarlySuccess(_) => true,
            _ => false,
        }
    }

    /// True if the server was too slow, so that 504 (Gateway Timeout) says it best.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(
            self,
            Failure::ConnectTimeout | Failure::NoContinue | Failure::Stalled | Failure::Silent
        )
    }

    /// True if another try would fail in the same way: nobody to trust, or a certificate that is
    /// not believed.
    pub(super) fn is_permanent(&self) -> bool {
        use io::ErrorKind::{InvalidData, InvalidInput, Unsupported};
        let Failure::Connect(cause) = self else { return false };
        matches!(cause.kind(), InvalidData | InvalidInput | Unsupported)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Busy => f.write_str("no connection became free in time"),
            Failure::Name(kind) => write!(f, "the name was not found: {kind}"),
            Failure::Connect(cause) => write!(f, "no connection: {cause}"),
            Failure::ConnectTimeout => f.write_str("no connection in time"),
            Failure::Broken { cause, .. } => write!(f, "the connection broke: {cause}"),
            Failure::Fault { fault, .. } => write!(f, "no answer: {fault}"),
            Failure::NoContinue => f.write_str("the server did not ask for the content"),
            Failure::Stalled => f.write_str("the server took no more"),
            Failure::Silent => f.write_str("no answer in time"),
            Failure::EarlySuccess(status) => {
                write!(f, "the server answered {status} before it had all content")
            }
        }
    }
}

impl std::error::Error for Failure {}

/// Why a call on a socket has failed, a handshake among them.
///
/// # Example
///
/// ```
/// use std::io::{Error, ErrorKind};
/// use streamsum::client::Cause;
///
/// let cause = Cause::from(Error::new(ErrorKind::InvalidData, "the certificate is for another"));
/// assert_eq!(cause.kind(), ErrorKind::InvalidData);
/// assert_eq!(cause.to_string(), "the certificate is for another");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    kind: io::ErrorKind,
    /// What it says beyond that.
    text: Option<Arc<str>>,
}

impl Cause {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> io::ErrorKind {
        self.kind
    }
}

impl From<io::ErrorKind> for Cause {
    fn from(kind: io::ErrorKind) -> Self {
        Self { kind, text: None }
    }
}

impl From<io::Error> for Cause {
    fn from(error: io::Error) -> Self {
        Self { kind: error.kind(), text: error.get_ref().map(|inner| inner.to_string().into()) }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.text {
            Some(text) => f.write_str(text),
            None => self.kind.fmt(f),
        }
    }
}
