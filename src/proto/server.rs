//! The server's side of a connection: which requests are taken, in which order, and what is
//! answered.

mod head;
mod reject;
mod response;
mod target;

use std::mem;
use std::num::NonZeroU16;
use std::ops::Range;
use std::time::Duration;

use super::Limits;
use super::syntax::{Body, Chunked, Fields, Framing, Section, SectionScan, Version, is_tchar};
use response::Persistence;

pub use head::Head;
pub use reject::{CloseReason, Reject};
pub(crate) use response::cut;
pub use response::{Date, InvalidField, Response};

/// Empty lines that are skipped before a request line. RFC 9112 §2.2 asks for at least one:
/// old clients send it after the content of a POST.
const MOST_EMPTY_LINES: u8 = 4;

/// What [`Connection::receive`] made of its input.
///
/// # Example
///
/// ```
/// use streamsum::proto::{Connection, Event, Limits};
///
/// let mut connection = Connection::new(Limits::default());
/// let mut input = *b"GET / HT";
/// let step = connection.receive(&mut input)?;
/// // Half a head stays with the caller.
/// assert!(matches!((step.used, step.event), (0, Event::HeadBegun)));
/// # Ok::<(), streamsum::proto::Reject>(())
/// ```
#[derive(Debug)]
pub struct Step<'i> {
    /// Bytes at the front of the input that are not needed after this event. The caller
    /// removes them, and gives the rest again with the next call.
    pub used: usize,
    /// What happened.
    pub event: Event<'i>,
}

/// What the peer's bytes mean.
///
/// Events depend on the bytes alone, with two exceptions. How the bytes were cut decides
/// how much content comes in one event, and whether a head is reported when it begins:
/// see [`Event::HeadBegun`].
///
/// # Example
///
/// ```
/// use streamsum::proto::{Connection, Event, Limits};
///
/// let mut input = *b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
/// let mut connection = Connection::new(Limits::default());
/// assert!(matches!(connection.receive(&mut input)?.event, Event::Head(_)));
/// connection.accept(&mut Vec::new());
/// // A request without content ends in the same way as any other.
/// let Event::Body { data, last } = connection.receive(&mut [])?.event else { panic!() };
/// assert!(data.is_empty() && last);
/// # Ok::<(), streamsum::proto::Reject>(())
/// ```
#[derive(Debug)]
pub enum Event<'i> {
    /// Nothing new. Needed is more input than was given, or the call that
    /// [`Connection::awaits`] names.
    Wait,
    /// A head has begun, and its end is not in the input. Given once for such a head, before
    /// anything else of it; never for a head that is complete, or refused, in the call that
    /// sees its first byte, so that a request which arrives whole costs no more calls.
    ///
    /// Like [`Event::Wait`] it asks for more input, and its [`Step::used`] counts the empty
    /// lines that were skipped. Another call without more input gives [`Event::Wait`]. A
    /// caller that sets no time limit for a head treats both alike.
    HeadBegun,
    /// A whole head. Next comes [`Connection::accept`] or [`Connection::respond`].
    Head(Head<'i>),
    /// Content.
    Body {
        /// Where it lies in the input as the call left it: the data of several chunks
        /// are joined. A range rather than a slice, so that the caller may move its
        /// buffer while it holds this.
        data: Range<usize>,
        /// True if the message ends with it. Next comes [`Connection::respond`].
        last: bool,
    },
}

/// What a response does to its connection.
///
/// # Example
///
/// ```
/// use streamsum::proto::{After, CloseReason, Connection, Date, Limits};
///
/// let mut connection = Connection::new(Limits::default());
/// let reject = connection.receive(&mut [0x16, 0x03, 0x01]).unwrap_err();
/// let date = Date::new(std::time::UNIX_EPOCH);
/// let after = connection.reject(reject, &reject.response(), &date, &mut Vec::new());
/// assert_eq!(after, After::Close(CloseReason::Rejected(reject)));
/// ```
#[must_use = "the connection may have to be closed"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// The next request may come, or is in the input already.
    Reuse,
    /// The caller must close the connection once the response is written; input is ignored
    /// from now on. The client may still be sending, and a reset could then destroy the
    /// answer: shut down writing first, and read on for a while (RFC 9112 §9.6).
    Close(CloseReason),
}

/// What a connection needs to go on.
///
/// # Example
///
/// ```
/// use streamsum::proto::{Awaits, Connection, Limits};
///
/// assert_eq!(Connection::new(Limits::default()).awaits(), Awaits::Idle);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Awaits {
    /// The first byte of a request.
    Idle,
    /// The rest of a head.
    Head,
    /// [`Connection::accept`] or [`Connection::respond`].
    Decision,
    /// Content or trailers.
    Body,
    /// [`Connection::respond`].
    Response,
    /// [`Connection::reject`], for the reason that [`Connection::receive`] gives.
    Rejection,
    /// Nothing: it is closed.
    Nothing,
}

/// What the end of the peer's bytes means.
///
/// # Example
///
/// ```
/// use streamsum::proto::{Connection, End, Limits, Reject};
///
/// let mut connection = Connection::new(Limits::default());
/// assert_eq!(connection.ended(), End::Clean);
/// connection.receive(&mut b"GET".to_owned())?;
/// assert_eq!(connection.ended(), End::Truncated(Reject::Truncated));
/// # Ok::<(), Reject>(())
/// ```
#[must_use = "a truncated request is to be rejected"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Between requests, or after a whole request that is not answered yet: a half-closed
    /// connection is no error.
    Clean,
    /// Within a request. Next comes [`Connection::reject`] with this, and until then
    /// [`Connection::receive`] reports it, too.
    Truncated(Reject),
}

/// The server's side of one connection, request after request (RFC 9112).
///
/// It keeps no buffer of its own: input that it cannot use yet stays with the caller.
/// The [module page](super) shows a whole life.
#[derive(Debug)]
pub struct Connection {
    limits: Limits,
    state: State,
    /// Heads that were taken, that of the current request among them.
    requests: u32,
    /// Why the caller takes no request after the current one.
    disabled: Option<CloseReason>,
    method: Method,
    /// Seconds for which the caller keeps it between requests, if responses report that.
    idle_timeout: Option<NonZeroU16>,
}

/// Each state owns what it alone needs.
#[derive(Debug)]
enum State {
    Head { scan: SectionScan, empty_lines: u8 },
    Decide { wish: Wish, interim: Interim, body: Body },
    Body { wish: Wish, body: Body },
    Respond { wish: Wish, length: Option<u64>, trailers: Option<Box<[u8]>> },
    Rejected(Reject),
    Closed,
}

impl State {
    const START: State = State::Head { scan: SectionScan::new(), empty_lines: 0 };
}

/// As far as a response has to know it.
#[derive(Clone, Copy, Debug, Default)]
enum Method {
    /// Its response has no content.
    Head,
    /// Any other, or not known yet.
    #[default]
    Other,
}

/// What the client wants of the connection after the response (RFC 9112 §9.3).
#[derive(Clone, Copy, Debug)]
enum Wish {
    Close(CloseReason),
    /// Persistence, as HTTP/1.1 implies.
    Keep,
    /// Persistence, and to be told how long an idle connection is kept.
    KeepAndTell,
    /// Persistence, which HTTP/1.0 has only if the response says so.
    KeepAlive,
}

impl Wish {
    fn of(judged: &head::Judged<'_>) -> Self {
        match (judged.head.version(), judged.asks_keep_alive) {
            _ if judged.asks_close => Self::Close(CloseReason::PeerAsked),
            (Version::Http10, false) => Self::Close(CloseReason::Http10),
            (Version::Http10, true) => Self::KeepAlive,
            (_, true) => Self::KeepAndTell,
            (_, false) => Self::Keep,
        }
    }

    fn close(self) -> Option<CloseReason> {
        match self {
            Self::Close(reason) => Some(reason),
            Self::Keep | Self::KeepAndTell | Self::KeepAlive => None,
        }
    }
}

/// The interim response that the client gets when its request is accepted.
#[derive(Clone, Copy, Debug)]
enum Interim {
    None,
    /// `100 Continue`.
    Continue,
}

impl Connection {
    /// A connection on which nothing has happened yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            state: State::START,
            requests: 0,
            disabled: None,
            method: Method::Other,
            idle_timeout: None,
        }
    }

    /// Sets for how long the caller keeps the connection between two requests. Responses
    /// report it to a client that asks to be kept alive: `Keep-Alive: timeout=75`. They do
    /// not if it is less than a second, or `None`, which is the default.
    ///
    /// It is rounded down to whole seconds, so that a client that obeys it closes first: if
    /// the server closed first, the client's next request could be lost. At most 65,535
    /// seconds are reported.
    ///
    /// # Example
    ///
    /// ```
    /// use std::time::Duration;
    /// use streamsum::proto::{After, Connection, Date, Event, Limits, Response};
    ///
    /// let mut connection = Connection::new(Limits::default());
    /// connection.set_idle_timeout(Some(Duration::from_secs(75)));
    /// let mut input = *b"GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n";
    /// assert!(matches!(connection.receive(&mut input)?.event, Event::Head(_)));
    ///
    /// let (date, mut out) = (Date::new(std::time::UNIX_EPOCH), Vec::new());
    /// let after = connection.respond(&Response::text(200, ""), &date, &mut out);
    /// assert_eq!(after, After::Reuse);
    /// assert!(out.ends_with(b"\r\nConnection: keep-alive\r\nKeep-Alive: timeout=75\r\n\r\n"));
    /// # Ok::<(), streamsum::proto::Reject>(())
    /// ```
    pub fn set_idle_timeout(&mut self, time: Option<Duration>) {
        let seconds = time.map(|time| u16::try_from(time.as_secs()).unwrap_or(u16::MAX));
        self.idle_timeout = seconds.and_then(NonZeroU16::new);
    }

    /// Sets the most bytes of content that a request may have, in place of [`Limits::body`],
    /// from the next decision on: call it when a head was given, and before
    /// [`Connection::accept`]. It stays until it is set again.
    ///
    /// # Example
    ///
    /// ```
    /// use streamsum::proto::{Connection, Limits};
    ///
    /// let mut connection = Connection::new(Limits::default().body(1_000));
    /// let mut input = *b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n";
    /// connection.receive(&mut input)?;
    /// assert!(connection.exceeds_body_limit());
    /// connection.set_body_limit(Some(5_000));
    /// assert!(!connection.exceeds_body_limit());
    /// # Ok::<(), streamsum::proto::Reject>(())
    /// ```
    pub fn set_body_limit(&mut self, bytes: Option<u64>) {
        self.limits.body = bytes;
    }

    /// Gives the next event in `input`, which is all bytes that arrived and were not used
    /// yet.
    ///
    /// One call gives one event: call it again until it waits. The input is lent mutably
    /// because the data of chunks are joined in place.
    ///
    /// # Errors
    ///
    /// [`Reject`] if the request cannot be taken. Next comes [`Connection::reject`] with
    /// this; until then each call gives the same error, and no input is looked at.
    pub fn receive<'i>(&mut self, input: &'i mut [u8]) -> Result<Step<'i>, Reject> {
        let result = match self.state {
            State::Head { .. } => self.receive_head(input),
            State::Body { .. } => self.receive_body(input),
            State::Decide { .. } | State::Respond { .. } => {
                return Ok(Step { used: 0, event: Event::Wait });
            }
            State::Rejected(reject) => return Err(reject),
            State::Closed => return Ok(Step { used: input.len(), event: Event::Wait }),
        };
        if let Err(reject) = result {
            self.state = State::Rejected(reject);
        }
        result
    }

    fn receive_head<'i>(&mut self, input: &'i [u8]) -> Result<Step<'i>, Reject> {
        let State::Head { scan, empty_lines } = &mut self.state else {
            unreachable!("called only within a head")
        };
        let is_new = !scan.has_begun();
        if is_new {
            match input {
                [b'\r', ..] if *empty_lines == MOST_EMPTY_LINES => return Err(Reject::EmptyLines),
                [b'\r', b'\n', rest @ ..] => {
                    *empty_lines += 1;
                    let step = self.receive_head(rest)?;
                    return Ok(Step { used: step.used + 2, ..step });
                }
                [] | [b'\r'] => return Ok(Step { used: 0, event: Event::Wait }),
                [b'\r' | b'\n', ..] => return Err(Reject::LineEnd),
                [first, ..] if !is_tchar(*first) => return Err(Reject::FirstByte),
                _ => {}
            }
        }
        // Set before the head is complete: the request may be refused within it.
        self.method = if input.starts_with(b"HEAD ") { Method::Head } else { Method::Other };
        let Some(end) = scan.find_end(input, Section::Head, &self.limits)? else {
            let event = if is_new { Event::HeadBegun } else { Event::Wait };
            return Ok(Step { used: 0, event });
        };
        let section = input.get(..end).unwrap_or_default();
        let judged = head::judge(section, scan)?;
        self.decide(&judged, input.len() > end);
        Ok(Step { used: end, event: Event::Head(judged.head) })
    }

    fn decide(&mut self, judged: &head::Judged<'_>, content_has_arrived: bool) {
        let framing = judged.head.framing();
        let waits = judged.expects_continue && framing.has_content() && !content_has_arrived;
        let interim = if waits { Interim::Continue } else { Interim::None };
        let body = match framing {
            Framing::None => Body::with_length(0),
            Framing::Length(length) => Body::with_length(length),
            Framing::Chunked => Body::Chunked(Chunked::new()),
        };
        self.requests = self.requests.saturating_add(1);
        self.state = State::Decide { wish: Wish::of(judged), interim, body };
    }

    fn receive_body<'i>(&mut self, input: &'i mut [u8]) -> Result<Step<'i>, Reject> {
        let State::Body { wish, body } = &mut self.state else {
            unreachable!("called only within content")
        };
        let (wish, length) = (*wish, body.length());
        match body.decode(input, &self.limits) {
            Ok(decoded) => {
                if decoded.last {
                    let section = input.get(decoded.trailers).unwrap_or_default();
                    let lines = section.strip_suffix(b"\r\n").unwrap_or_default();
                    let trailers = (!lines.is_empty()).then(|| lines.into());
                    self.state = State::Respond { wish, length, trailers };
                } else if decoded.data.is_empty() {
                    return Ok(Step { used: decoded.used, event: Event::Wait });
                }
                let event = Event::Body { data: decoded.data, last: decoded.last };
                Ok(Step { used: decoded.used, event })
            }
            Err(malformed) => Err(malformed.into()),
        }
    }

    /// True if the request that waits for a decision declares more content than
    /// [`Limits::body`]. [`Connection::accept`] will refuse it, while
    /// [`Connection::respond`] can still give another answer, such as 401.
    #[must_use]
    pub fn exceeds_body_limit(&self) -> bool {
        match self.state {
            State::Decide { body: Body::Length { length, .. }, .. } => {
                self.limits.body.is_some_and(|limit| length > limit)
            }
            _ => false,
        }
    }

    /// Takes the content of the request whose head was given last, and asks for it with
    /// `100 Continue` if the client waits for that (RFC 9110 §10.1.1).
    ///
    /// If it [exceeds the limit](Connection::exceeds_body_limit), the request is refused
    /// instead: the next call of [`Connection::receive`] reports that, as it does every
    /// refusal.
    ///
    /// # Panics
    ///
    /// If no head waits for a decision.
    pub fn accept(&mut self, out: &mut Vec<u8>) {
        let State::Decide { wish, interim, body } = self.state else {
            panic!("there is no head to accept: {:?} is awaited", self.awaits());
        };
        if self.exceeds_body_limit() {
            self.state = State::Rejected(Reject::BodyTooLarge);
            return;
        }
        match interim {
            Interim::Continue => out.extend_from_slice(response::CONTINUE),
            Interim::None => {}
        }
        self.state = State::Body { wish, body };
    }

    /// Writes the answer to the current request and returns what becomes of the connection.
    ///
    /// An answer may come at any time after the head. If it comes before the content was
    /// read, it closes the connection. A request that cannot be taken, or has not come in
    /// time, is for [`Connection::reject`].
    ///
    /// # Panics
    ///
    /// If there is no request to answer.
    pub fn respond(&mut self, response: &Response, date: &Date, out: &mut Vec<u8>) -> After {
        let (wish, unread) = match &self.state {
            State::Decide { wish, body, .. } | State::Body { wish, body } => {
                (*wish, body.is_outstanding())
            }
            State::Respond { wish, .. } => (*wish, false),
            State::Head { .. } | State::Rejected(_) | State::Closed => {
                panic!("there is no request to answer: {:?} is awaited", self.awaits())
            }
        };
        let close = unread
            .then_some(CloseReason::ContentUnread)
            .or(wish.close())
            .or(self.disabled)
            .or(self.is_last_request().then_some(CloseReason::RequestLimit));
        let persistence = match wish {
            _ if close.is_some() => Persistence::Close,
            Wish::KeepAlive => Persistence::KeepAlive(self.idle_timeout),
            Wish::KeepAndTell if self.idle_timeout.is_some() => {
                Persistence::KeepAlive(self.idle_timeout)
            }
            Wish::KeepAndTell | Wish::Keep | Wish::Close(_) => Persistence::Implied,
        };
        self.write(response, date, persistence, out);
        match close {
            Some(reason) => {
                self.state = State::Closed;
                After::Close(reason)
            }
            None => {
                self.state = State::START;
                After::Reuse
            }
        }
    }

    fn is_last_request(&self) -> bool {
        self.limits.requests.is_some_and(|most| self.requests >= most)
    }

    /// Refuses the current request and closes the connection: writes `response`, which is
    /// [`Reject::response`] or one of the caller's own, with `Connection: close`, and without
    /// content if the method is HEAD.
    ///
    /// The reason is the one that [`Connection::receive`] or [`Connection::ended`] has
    /// reported, or one that only the caller can see, such as the time. For the latter a
    /// request may be refused in every state, even before its head is complete.
    ///
    /// # Panics
    ///
    /// If the connection is closed.
    ///
    /// # Example
    ///
    /// ```
    /// use streamsum::proto::{Connection, Date, Limits, Reject};
    ///
    /// let mut connection = Connection::new(Limits::default());
    /// connection.receive(&mut b"GET / HT".to_owned())?;
    /// // The rest has not come in time.
    /// let (date, mut out) = (Date::new(std::time::UNIX_EPOCH), Vec::new());
    /// let reject = Reject::HeadTimeout;
    /// let _ = connection.reject(reject, &reject.response(), &date, &mut out);
    /// assert!(out.starts_with(b"HTTP/1.1 408 Request Timeout\r\n"));
    /// assert!(out.ends_with(b"\r\nConnection: close\r\n\r\nthe head did not arrive in time"));
    /// # Ok::<(), Reject>(())
    /// ```
    pub fn reject(
        &mut self,
        reject: Reject,
        response: &Response,
        date: &Date,
        out: &mut Vec<u8>,
    ) -> After {
        assert!(
            !matches!(self.state, State::Closed),
            "a closed connection has no request to reject"
        );
        self.write(response, date, Persistence::Close, out);
        self.state = State::Closed;
        After::Close(CloseReason::Rejected(reject))
    }

    fn write(
        &mut self,
        response: &Response,
        date: &Date,
        persistence: Persistence,
        out: &mut Vec<u8>,
    ) {
        // The method of the next request is not known yet.
        let answers_head = matches!(mem::take(&mut self.method), Method::Head);
        response.write(date, persistence, answers_head, out);
    }

    /// Judges what it means that the peer sends no more. To be called whenever all its bytes
    /// were given to [`Connection::receive`] and that waits.
    ///
    /// A request that waits for its decision or its answer is not refused. If its content can
    /// no longer come, the call after [`Connection::accept`] reports that.
    pub fn ended(&mut self) -> End {
        let is_truncated = match &self.state {
            State::Head { scan, .. } => scan.has_begun(),
            State::Body { body, .. } => body.is_outstanding(),
            State::Decide { .. } | State::Respond { .. } => false,
            State::Rejected(_) | State::Closed => false,
        };
        if !is_truncated {
            return End::Clean;
        }
        self.state = State::Rejected(Reject::Truncated);
        End::Truncated(Reject::Truncated)
    }

    /// What is needed to go on.
    #[must_use]
    pub fn awaits(&self) -> Awaits {
        match &self.state {
            State::Head { scan, .. } if !scan.has_begun() => Awaits::Idle,
            State::Head { .. } => Awaits::Head,
            State::Decide { .. } => Awaits::Decision,
            State::Body { .. } => Awaits::Body,
            State::Respond { .. } => Awaits::Response,
            State::Rejected(_) => Awaits::Rejection,
            State::Closed => Awaits::Nothing,
        }
    }

    /// How many of the next bytes are content for certain, and nothing else: a caller that
    /// reads at most as many has nothing left over. 0 unless content is awaited.
    #[must_use]
    pub fn certain_content(&self) -> u64 {
        match &self.state {
            State::Body { body, .. } => body.certain(),
            _ => 0,
        }
    }

    /// How many bytes of content the current request has in all, if its head tells: its
    /// Content-Length, or 0 without content. `None` if it is chunked, and between requests.
    ///
    /// # Example
    ///
    /// ```
    /// use streamsum::proto::{Connection, Limits};
    ///
    /// let mut connection = Connection::new(Limits::default());
    /// let mut input = *b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n";
    /// connection.receive(&mut input)?;
    /// connection.accept(&mut Vec::new());
    /// connection.receive(&mut b"abc".to_owned())?;
    /// assert_eq!((connection.content_length(), connection.certain_content()), (Some(9), 6));
    /// # Ok::<(), streamsum::proto::Reject>(())
    /// ```
    #[must_use]
    pub fn content_length(&self) -> Option<u64> {
        match &self.state {
            State::Decide { body, .. } | State::Body { body, .. } => body.length(),
            State::Respond { length, .. } => *length,
            State::Head { .. } | State::Rejected(_) | State::Closed => None,
        }
    }

    /// The trailer section of a message that has ended and is not answered yet; never
    /// merged with the fields of the head (RFC 9110 §6.5.1).
    #[must_use]
    pub fn trailers(&self) -> Fields<'_> {
        match &self.state {
            State::Respond { trailers: Some(lines), .. } => Fields::new(lines),
            _ => Fields::default(),
        }
    }

    /// Heads that were taken so far, that of the current request among them; at most
    /// [`u32::MAX`].
    ///
    /// # Example
    ///
    /// ```
    /// use streamsum::proto::{Connection, Limits};
    ///
    /// let mut connection = Connection::new(Limits::default());
    /// connection.receive(&mut b"GET / HTTP/1.1\r\nHost: x\r\n".to_owned())?;
    /// assert_eq!(connection.requests(), 0);
    /// connection.receive(&mut b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_owned())?;
    /// assert_eq!(connection.requests(), 1);
    /// # Ok::<(), streamsum::proto::Reject>(())
    /// ```
    #[must_use]
    pub fn requests(&self) -> u32 {
        self.requests
    }

    /// Takes no request after the current one: its response has `Connection: close`.
    pub fn disable_keep_alive(&mut self) {
        self.disabled = Some(CloseReason::KeepAliveDisabled);
    }
}

/// Method and target in the first line of a refused head, for a log. `None` if that line is
/// not complete, or does not have the parts of a request line.
///
/// # Example
///
/// ```
/// use streamsum::proto::request_line;
///
/// assert_eq!(request_line(b"PUT /a HTTP/1.1\r\nHost"), Some(("PUT", "/a")));
/// assert_eq!(request_line(b"PUT /a HTTP/1.1"), None);
/// ```
#[must_use]
pub fn request_line(input: &[u8]) -> Option<(&str, &str)> {
    head::method_and_target(input)
}
