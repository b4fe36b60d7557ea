//! What an embedder writes: a [`Handler`], which decides on each request, takes the
//! content of many uploads at once, and answers.
//!
//! Ownership follows the life of an upload. [`Handler::begin`] makes it,
//! [`Handler::finish`] consumes it, and one that broke off goes to [`Handler::ended`]:
//! truncated content never reaches `finish`.
//!
//! If an upload fails half way, for example because the disk is full, the handler answers
//! it from within [`Handler::consume`], with [`Piece::answer`]. What it learns of at another
//! time it answers by the request's id: see [`Engine::answer`](crate::engine::Engine::answer).
//!
//! # Example
//!
//! Counts the bytes of plain text, and refuses other content.
//!
//! ```
//! use streamsum::handler::{Finished, Handler, Piece, Reply, Request, Verdict};
//! use streamsum::proto::Response;
//!
//! struct Count;
//!
//! impl Handler for Count {
//!     type Upload = u64;
//!
//!     fn begin(&mut self, request: Request<'_>) -> Verdict<u64> {
//!         match request.head().fields().get("content-type") {
//!             Some(b"text/plain") => Verdict::Take(0),
//!             _ => Verdict::Answer(Response::text(415, "plain text is counted here")),
//!         }
//!     }
//!
//!     fn consume(&mut self, pieces: &mut [Piece<u64>]) {
//!         for piece in pieces {
//!             let (count, data) = piece.parts();
//!             *count += data.len() as u64;
//!         }
//!     }
//!
//!     fn finish(&mut self, _: Finished<'_>, count: u64) -> Reply {
//!         Reply::Now(Response::text(200, count.to_string()))
//!     }
//! }
//! # let _ = Count;
//! ```
//!
//! A handler that hashes passes on all pieces at once, so that they share the lanes:
//!
//! ```
//! use streamsum::handler::Piece;
//! use streamsum::md5::{Input, Kernel, Md5};
//!
//! # let kernel = Kernel::detect();
//! # let mut pieces: Vec<Piece<Md5>> = Vec::new();
//! // In `consume`, with a `Kernel` that was detected once:
//! kernel.update_many(pieces.iter_mut().map(|piece| {
//!     let last = piece.last();
//!     let (stream, bytes) = piece.parts();
//!     Input { stream, bytes, last }
//! }));
//! ```

mod content;
mod piece;
mod report;
mod terms;

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use crate::proto::{Fields, Head, Reject, Response};

pub(crate) use content::Account;
pub use content::Content;
pub use piece::Piece;
pub use report::{Abort, Missed, Outcome, Report, TooSlow};
pub use terms::Terms;

/// Decides on requests and takes their content.
///
/// The engine calls all methods within a turn, and none may block: one thread serves all
/// peers. The [module page](self) has an example.
pub trait Handler {
    /// What is kept of a request from its head to its answer.
    type Upload;

    /// Decides on a request. Its head is complete, and perhaps none of its content has
    /// arrived. Its declared length is judged [after this](Request::exceeds_body_limit), so
    /// that 401 comes before 413.
    fn begin(&mut self, request: Request<'_>) -> Verdict<Self::Upload>;

    /// Takes content of many uploads at once: at least one piece, and at most one of each
    /// upload.
    ///
    /// Each message ends in one piece that is [`last`](Piece::last), and that may be empty.
    /// If [`Piece::take`] or a [credit](Piece::credit) leaves some of it, the rest comes as
    /// another piece, and only that one is the last. After [`Piece::answer`] none comes. The order of the pieces means
    /// nothing.
    fn consume(&mut self, pieces: &mut [Piece<Self::Upload>]);

    /// Judges a message that has ended as its framing said, and whose pieces were all taken,
    /// by more than its framing: for example by a digest that the client has declared. What it
    /// returns is the answer; then [`Handler::finish`] is not called, and [`Handler::ended`]
    /// has the upload back. So what came damaged does not reach `finish`, as what was
    /// truncated does not. The connection may be kept. By default it returns `None`: all is
    /// well. A handler that stands in front of another passes on what that one says.
    ///
    /// # Example
    ///
    /// ```
    /// use streamsum::handler::{Finished, Handler, Piece, Reply, Request, Verdict};
    /// use streamsum::proto::Response;
    ///
    /// /// Takes nothing that is empty.
    /// struct Full;
    ///
    /// impl Handler for Full {
    ///     type Upload = ();
    ///
    ///     fn verify(&mut self, message: &Finished<'_>, _: &mut ()) -> Option<Response> {
    ///         (message.received() == 0).then(|| Response::text(400, "there is nothing in it"))
    ///     }
    ///     # fn begin(&mut self, _: Request<'_>) -> Verdict<()> { Verdict::Take(()) }
    ///     # fn consume(&mut self, _: &mut [Piece<()>]) {}
    ///     # fn finish(&mut self, _: Finished<'_>, (): ()) -> Reply {
    ///     #     Reply::Now(Response::text(200, ""))
    ///     # }
    /// }
    /// # let _ = Full;
    /// ```
    fn verify(&mut self, message: &Finished<'_>, upload: &mut Self::Upload) -> Option<Response> {
        let _ = (message, upload);
        None
    }

    /// Answers a message that has ended as its framing said, whose pieces were all taken, and
    /// in which [`Handler::verify`] has found no fault.
    fn finish(&mut self, message: Finished<'_>, upload: Self::Upload) -> Reply;

    /// Dresses a refusal: what it returns is what the client gets, with `Connection: close`.
    /// Called once for each request that [`Handler::begin`] has seen and that is refused,
    /// by the protocol or by a deadline, and right before [`Handler::ended`]. `response` is
    /// what the client gets otherwise: the status and the words of `refusal.reject`.
    ///
    /// # Example
    ///
    /// ```
    /// use streamsum::handler::{Finished, Handler, Piece, Refused, Reply, Request, Verdict};
    /// use streamsum::proto::{Reject, Response};
    ///
    /// struct Polite;
    ///
    /// impl Handler for Polite {
    ///     type Upload = ();
    ///
    ///     fn refused(&mut self, refusal: &Refused<'_, ()>, response: Response) -> Response {
    ///         match refusal.reject {
    ///             Reject::BodyTooLarge => {
    ///                 Response::new(413, "application/json", br#"{"most":1048576}"#.as_slice())
    ///             }
    ///             Reject::Late => response.field("Retry-After", "60").expect("a field"),
    ///             _ => response,
    ///         }
    ///     }
    ///     # fn begin(&mut self, _: Request<'_>) -> Verdict<()> { Verdict::Take(()) }
    ///     # fn consume(&mut self, _: &mut [Piece<()>]) {}
    ///     # fn finish(&mut self, _: Finished<'_>, (): ()) -> Reply {
    ///     #     Reply::Now(Response::text(200, ""))
    ///     # }
    /// }
    /// # let _ = Polite;
    /// ```
    fn refused(&mut self, refusal: &Refused<'_, Self::Upload>, response: Response) -> Response {
        let _ = refusal;
        response
    }

    /// True if this handler may leave content behind, or keep it: if it calls [`Piece::take`]
    /// with fewer bytes than a piece has, [`Piece::keep`], or [`Piece::credit`]. Constant for a
    /// handler's life. By default false: then no memory is needed for what is read of an
    /// upload once it was consumed, and uploads are read on when all of
    /// [`Config::max_held`](crate::engine::Config::max_held) is in use.
    ///
    /// A handler that stands in front of another passes on what that one says.
    ///
    /// # Example
    ///
    /// ```
    /// use streamsum::handler::{Finished, Handler, Piece, Reply, Request, Verdict};
    /// use streamsum::proto::Response;
    ///
    /// /// Writes to disks that are slower than the network.
    /// struct Slow;
    ///
    /// impl Handler for Slow {
    ///     type Upload = ();
    ///
    ///     fn may_leave_content(&self) -> bool {
    ///         true
    ///     }
    ///
    ///     fn begin(&mut self, _: Request<'_>) -> Verdict<()> {
    ///         Verdict::Take(())
    ///     }
    ///
    ///     fn consume(&mut self, pieces: &mut [Piece<()>]) {
    ///         for piece in pieces {
    ///             // What the disk takes for now; another thread resumes when it takes more.
    ///             piece.take(piece.data().len().min(4096));
    ///         }
    ///     }
    ///
    ///     fn finish(&mut self, _: Finished<'_>, (): ()) -> Reply {
    ///         Reply::Now(Response::text(201, "written"))
    ///     }
    /// }
    /// # let _ = Slow;
    /// ```
    fn may_leave_content(&self) -> bool {
        false
    }

    /// Learns that a request is over, however it ended. Called exactly once for each
    /// request: after its answer was handed to the connection, or when no answer is
    /// possible any more.
    ///
    /// `upload` is `None` if [`Handler::finish`] had it, or if there never was one; a handler
    /// that has answered a [`Piece`], or found a fault by [`Handler::verify`], gets it back. A
    /// request that was refused before its head was complete has a report, too. An engine that is
    /// dropped reports nothing: [`shut_down`](crate::engine::Engine::shut_down) does.
    ///
    /// The report has method and target only if
    /// [`Config::kept_target`](crate::engine::Config::kept_target) is above 0; by default
    /// it is 0.
    fn ended(&mut self, report: &Report<'_>, upload: Option<Self::Upload>) {
        let _ = (report, upload);
    }
}

/// Identifies a request. No other request of the process ever has the same id, not even one
/// of another engine.
///
/// # Example
///
/// ```
/// use std::collections::HashMap;
/// use streamsum::handler::UploadId;
///
/// // A handler that answers later keeps the id as a key.
/// let waiting: HashMap<UploadId, std::path::PathBuf> = HashMap::new();
/// # assert!(waiting.is_empty());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UploadId {
    pub(crate) engine: NonZeroU32,
    pub(crate) serial: u64,
    /// The peer's place in the engine.
    pub(crate) key: u32,
}

/// Short, and usable in the name of a file: `1-42`.
impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.engine, self.serial)
    }
}

/// Where a peer connected from.
///
/// # Example
///
/// ```
/// use streamsum::handler::PeerAddr;
///
/// assert_eq!(PeerAddr::Tcp("[::1]:80".parse()?).to_string(), "[::1]:80");
/// assert_eq!(PeerAddr::Unix.to_string(), "unix");
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PeerAddr {
    /// Over TCP; an IPv4 peer of a dual-stack socket is shown as IPv4.
    Tcp(SocketAddr),
    /// Over a Unix socket, where peers have no name.
    Unix,
}

impl PeerAddr {
    /// The address of a TCP peer.
    #[must_use]
    pub fn socket_addr(&self) -> Option<SocketAddr> {
        match self {
            PeerAddr::Tcp(address) => Some(*address),
            PeerAddr::Unix => None,
        }
    }
}

impl From<SocketAddr> for PeerAddr {
    fn from(mut address: SocketAddr) -> Self {
        address.set_ip(address.ip().to_canonical());
        PeerAddr::Tcp(address)
    }
}

impl fmt::Display for PeerAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PeerAddr::Tcp(address) => address.fmt(f),
            PeerAddr::Unix => f.write_str("unix"),
        }
    }
}

/// Where a connection comes from: who is at its other end, and by which listener it came.
///
/// # Example
///
/// ```
/// use streamsum::handler::{Origin, PeerAddr};
///
/// let origin = Origin::from(PeerAddr::Unix);
/// assert_eq!((origin.peer, origin.listener), (PeerAddr::Unix, None));
/// assert_eq!(origin.by_listener(1).listener, Some(1));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Origin {
    /// Who is at its other end.
    pub peer: PeerAddr,
    /// The number of the listener that accepted it: see
    /// [`Server::listen`](crate::server::Server::listen). `None` if the caller did.
    pub listener: Option<u8>,
}

impl Origin {
    /// The same, accepted by the listener of this number.
    #[must_use]
    pub fn by_listener(mut self, number: u8) -> Self {
        self.listener = Some(number);
        self
    }
}

impl From<PeerAddr> for Origin {
    fn from(peer: PeerAddr) -> Self {
        Self { peer, listener: None }
    }
}

/// A request whose head is complete. The [module page](self) has an example.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    pub(crate) id: UploadId,
    pub(crate) origin: Origin,
    pub(crate) head: Head<'a>,
    pub(crate) exceeds_body_limit: bool,
}

impl<'a> Request<'a> {
    /// The id by which it can be resumed or answered later.
    #[must_use]
    pub fn id(&self) -> UploadId {
        self.id
    }

    /// Who sent it.
    #[must_use]
    pub fn peer(&self) -> PeerAddr {
        self.origin.peer
    }

    /// The number of the listener by which its connection came: see
    /// [`Server::listen`](crate::server::Server::listen). `None` if the caller accepted it.
    #[must_use]
    pub fn listener(&self) -> Option<u8> {
        self.origin.listener
    }

    /// Method, target, fields, framing.
    #[must_use]
    pub fn head(&self) -> &Head<'a> {
        &self.head
    }

    /// True if it declares more content than [`Limits::body`](crate::proto::Limits::body).
    /// If the handler answers it, that answer is sent, as for any other request. If the
    /// handler takes it, now or later, the client gets 413, and what [`Handler::begin`]
    /// made goes to [`Handler::ended`]: `begin` need not prepare anything costly for it.
    /// [`Terms::body_limit`] is judged in the same way.
    #[must_use]
    pub fn exceeds_body_limit(&self) -> bool {
        self.exceeds_body_limit
    }
}

/// A handler that is chosen at run time.
///
/// # Example
///
/// ```
/// use streamsum::{Checksum, checksum::Upload, handler::Handler, md5::Kernel};
///
/// let portable = std::env::args().any(|argument| argument == "--portable");
/// let kernel = if portable { Kernel::scalar() } else { Kernel::detect() };
/// let handler: Box<dyn Handler<Upload = Upload>> = Box::new(Checksum::with_kernel(kernel));
/// # fn takes(_: impl Handler) {}
/// # takes(handler);
/// ```
impl<H: Handler + ?Sized> Handler for Box<H> {
    type Upload = H::Upload;

    fn begin(&mut self, request: Request<'_>) -> Verdict<H::Upload> {
        (**self).begin(request)
    }

    fn consume(&mut self, pieces: &mut [Piece<H::Upload>]) {
        (**self).consume(pieces);
    }

    fn verify(&mut self, message: &Finished<'_>, upload: &mut H::Upload) -> Option<Response> {
        (**self).verify(message, upload)
    }

    fn finish(&mut self, message: Finished<'_>, upload: H::Upload) -> Reply {
        (**self).finish(message, upload)
    }

    fn refused(&mut self, refusal: &Refused<'_, H::Upload>, response: Response) -> Response {
        (**self).refused(refusal, response)
    }

    fn may_leave_content(&self) -> bool {
        (**self).may_leave_content()
    }

    fn ended(&mut self, report: &Report<'_>, upload: Option<H::Upload>) {
        (**self).ended(report, upload);
    }
}

/// What to do with a request.
///
/// # Example
///
/// ```
/// use streamsum::handler::{Terms, Verdict};
/// use streamsum::proto::Response;
///
/// let verdict: Verdict<()> = Response::text(403, "not here").into();
/// assert!(matches!(verdict, Verdict::Answer(_)));
///
/// // Somebody is asked, who may take ten minutes.
/// let verdict = Verdict::WaitOn((), Terms::new().late(std::time::Duration::from_secs(600)));
/// # let _: Verdict<()> = verdict;
/// ```
#[derive(Debug)]
pub enum Verdict<U> {
    /// Takes the content; a client that waits for `100 Continue` gets it.
    Take(U),
    /// The same, on terms of its own.
    TakeOn(U, Terms),
    /// Decides later: no content is read until
    /// [`resume`](crate::engine::Engine::resume) takes it or
    /// [`answer`](crate::engine::Engine::answer) refuses it. Only a reset tells meanwhile that
    /// the client has left. After [`Timeouts::late`](crate::engine::Timeouts::late) the client
    /// gets 503.
    Wait(U),
    /// The same, on terms of its own.
    WaitOn(U, Terms),
    /// Answers at once, without the content. If there is any, the connection closes
    /// after the answer, in a way that lets the client read it.
    Answer(Response),
}

/// A message that has ended.
#[derive(Clone, Copy, Debug)]
pub struct Finished<'a> {
    pub(crate) id: UploadId,
    pub(crate) received: u64,
    pub(crate) trailers: Fields<'a>,
}

impl<'a> Finished<'a> {
    /// The id of the request.
    #[must_use]
    pub fn id(&self) -> UploadId {
        self.id
    }

    /// The length of its content in bytes.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.received
    }

    /// The trailer section of a chunked message.
    #[must_use]
    pub fn trailers(&self) -> Fields<'a> {
        self.trailers
    }
}

/// A request that is refused: see [`Handler::refused`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Refused<'a, U> {
    /// The id of the request.
    pub id: UploadId,
    /// Why it is refused.
    pub reject: Reject,
    /// The numbers behind a 408; otherwise `None`.
    pub too_slow: Option<TooSlow>,
    /// What [`Handler::begin`] made for it, unless [`Handler::finish`] has had that.
    pub upload: Option<&'a U>,
}

/// When the answer to a finished message comes. The [module page](self) has an example.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use streamsum::handler::Reply;
///
/// // A virus scanner may take longer than `Timeouts::late`, and an archive as long as it likes.
/// let scanned = Reply::LaterWithin(Some(Duration::from_secs(600)));
/// let archived = Reply::LaterWithin(None);
/// # let _ = (scanned, archived);
/// ```
#[derive(Debug)]
pub enum Reply {
    /// The answer.
    Now(Response),
    /// The answer comes with [`answer`](crate::engine::Engine::answer). The peer is not read
    /// until then, so that only a reset tells that it has left. After
    /// [`Timeouts::late`](crate::engine::Timeouts::late) it gets 503.
    Later,
    /// The same, and the client gets 503 after this time; `None` is never. It is rounded as
    /// [`Terms`] are.
    LaterWithin(Option<Duration>),
}

impl<U> From<Response> for Verdict<U> {
    fn from(response: Response) -> Self {
        Verdict::Answer(response)
    }
}

impl From<Response> for Reply {
    fn from(response: Response) -> Self {
        Reply::Now(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv4_peer_of_a_dual_stack_socket_is_shown_as_ipv4() {
        let mapped: SocketAddr = "[::ffff:127.0.0.1]:9".parse().unwrap();
        assert_eq!(PeerAddr::from(mapped).to_string(), "127.0.0.1:9");
    }

    #[test]
    fn upload_id_takes_two_words_and_shows_no_key() {
        let id = UploadId { engine: NonZeroU32::MIN, key: 9, serial: 42 };
        assert_eq!(id.to_string(), "1-42");
        assert_eq!(size_of::<Option<UploadId>>(), 16);
    }
}
