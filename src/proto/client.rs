//! The client's side of a connection: what is asked, in which order, and what the answers mean.
//!
//! Like the server's side it has no socket and no clock. The caller gives a [`Connection`] a
//! [`Request`], writes the content by itself between the bytes that frame it, and gives the bytes
//! that the server sends to [`Connection::receive`], which reports what they mean, one [`Event`]
//! at a time.
//!
//! ```text
//! sending     Idle ─request─► Content ──last byte, or finish──► Sent
//!
//!                     ┌─ 1xx ─┐
//!                     ▼       │
//! receiving   Idle ─► Head ───┴─► Content ──► Over ──reuse──► Idle
//!               │      │            │
//!               └──────┴── Fault ◄──┘
//! ```
//!
//! The two halves do not wait for each other: a final answer may come at any time after the head
//! of its request, also while content is still to be sent. It is the answer then; and the
//! connection cannot be used again, as it is not known where the next request would begin.
//!
//! # Example
//!
//! An upload of known length. Its content is never copied by the connection.
//!
//! ```
//! use streamsum::proto::{Framing, Limits};
//! use streamsum::proto::client::{Connection, Event, Request};
//!
//! let request = Request::new("PUT", "/a", "example.org")?
//!     .field("Content-Type", "text/plain")?
//!     .content(Framing::Length(5));
//! let mut connection = Connection::new(Limits::for_answers());
//!
//! let mut output = Vec::new();
//! connection.request(&request, &mut output);
//! for piece in ["he", "llo"] {
//!     // All of it belongs to the content, and nothing stands before it.
//!     assert_eq!(connection.frame(piece.len(), &mut output), piece.len());
//!     output.extend_from_slice(piece.as_bytes());
//!     connection.sent(piece.len());
//! }
//! assert!(connection.is_sent());
//! assert_eq!(output, b"PUT /a HTTP/1.1\r\nHost: example.org\r\nContent-Type: text/plain\r\n\
//!                      Content-Length: 5\r\n\r\nhello");
//!
//! let mut input = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: \"x\"\r\n\r\nok".to_vec();
//! let step = connection.receive(&mut input)?;
//! let used = step.used;
//! let Event::Head(head) = step.event else { panic!() };
//! assert_eq!((head.status(), head.fields().get("etag")), (200, Some(&b"\"x\""[..])));
//! input.drain(..used);
//! let Event::Content { data, last } = connection.receive(&mut input)?.event else { panic!() };
//! assert_eq!((&input[data], last), (&b"ok"[..], true));
//! assert!(connection.reuse());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod fault;
mod head;
mod request;

use std::ops::Range;

use super::Limits;
use super::syntax::{Body, Chunked, Framing, LARGEST_BODY, Section, SectionScan};

pub use fault::Fault;
pub use head::Head;
pub use request::{InvalidRequest, Request};

/// What [`Connection::receive`] made of its input.
///
/// # Example
///
/// ```
/// use streamsum::proto::Limits;
/// use streamsum::proto::client::{Connection, Event, Request};
///
/// let mut connection = Connection::new(Limits::for_answers());
/// connection.request(&Request::new("GET", "/", "x")?, &mut Vec::new());
/// let mut input = *b"HTTP/1.1 2";
/// let step = connection.receive(&mut input)?;
/// // Half a head stays with the caller.
/// assert!(matches!((step.used, step.event), (0, Event::Wait)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Step<'i> {
    /// Bytes at the front of the input that are not needed after this event. The caller
    /// removes them, and gives the rest again with the next call.
    pub used: usize,
    /// What happened.
    pub event: Event<'i>,
}

/// What the server's bytes mean. How they were cut decides how much content comes in one event,
/// and nothing else.
///
/// # Example
///
/// ```
/// use streamsum::proto::Limits;
/// use streamsum::proto::client::{Connection, Event, Request};
///
/// let mut connection = Connection::new(Limits::for_answers());
/// connection.request(&Request::new("HEAD", "/", "x")?, &mut Vec::new());
/// let mut input = *b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n";
/// assert!(matches!(connection.receive(&mut input)?.event, Event::Head(_)));
/// // An answer without content ends in the same way as any other.
/// let Event::Content { data, last } = connection.receive(&mut [])?.event else { panic!() };
/// assert!(data.is_empty() && last);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub enum Event<'i> {
    /// Nothing new: more input is needed, or there is nothing to wait for.
    Wait,
    /// The head of an interim answer, such as 100 (Continue): another one follows
    /// (RFC 9110 §15.2).
    Interim(Head<'i>),
    /// The head of the final answer.
    Head(Head<'i>),
    /// Content of the final answer.
    Content {
        /// Where it lies in the input as the call left it: the data of several chunks are
        /// joined.
        data: Range<usize>,
        /// True if the answer ends with it. Next comes [`Connection::reuse`].
        last: bool,
    },
}

/// What the end of the server's bytes means.
///
/// # Example
///
/// ```
/// use streamsum::proto::Limits;
/// use streamsum::proto::client::{Connection, End};
///
/// assert_eq!(Connection::new(Limits::for_answers()).ended(), Ok(End::Clean));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Between answers. An idle connection is closed without a word (RFC 9112 §9.5).
    Clean,
    /// Of an answer whose content goes to the end of its connection (RFC 9112 §6.3): it is
    /// complete.
    Answer,
}

/// The client's side of one connection, request after request (RFC 9112). Requests are not
/// pipelined.
///
/// It keeps no buffer of its own: input that it cannot use yet stays with the caller. The
/// [module page](self) shows a whole exchange.
#[derive(Debug)]
pub struct Connection {
    limits: Limits,
    sending: Sending,
    receiving: Receiving,
    /// True if the answer has no content, whatever its fields say.
    asked_for_head: bool,
    /// True if the last answer leaves the connection open.
    persists: bool,
}

/// How far the request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sending {
    Idle,
    /// So many bytes of content are left.
    Length {
        left: u64,
    },
    /// So many bytes of the chunk are left whose line was written last.
    Chunked {
        left: u64,
        has_begun: bool,
    },
    Sent,
}

/// How far the answer has come.
#[derive(Debug)]
enum Receiving {
    Idle,
    Head {
        scan: SectionScan,
        interim: u16,
    },
    Content(Body),
    /// Content up to the end of the connection, of which so much has come.
    ToEnd {
        received: u64,
    },
    Over,
    Broken(Fault),
}

impl Connection {
    /// A connection on which nothing has happened yet. `limits` are for what the server sends:
    /// see [`Limits::for_answers`].
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            sending: Sending::Idle,
            receiving: Receiving::Idle,
            asked_for_head: false,
            persists: true,
        }
    }

    /// True if nothing is under way, so that a request may be sent.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        matches!((self.sending, &self.receiving), (Sending::Idle, Receiving::Idle))
    }

    /// Writes the head of a request. Content may follow at once, or when 100 (Continue) has come.
    ///
    /// # Panics
    ///
    /// Unless the connection [is idle](Connection::is_idle).
    pub fn request(&mut self, request: &Request, out: &mut Vec<u8>) {
        assert!(self.is_idle(), "another exchange is under way");
        request.write(out);
        self.asked_for_head = request.is_head();
        self.sending = match request.framing() {
            Framing::None | Framing::Length(0) => Sending::Sent,
            Framing::Length(left) => Sending::Length { left },
            Framing::Chunked => Sending::Chunked { left: 0, has_begun: false },
        };
        self.receiving = Receiving::Head { scan: SectionScan::new(), interim: 0 };
    }

    /// Says how many of `available` bytes of content may be sent now, and writes what has to stand
    /// before them: for content in chunks a chunk line, if the chunk before is sent whole. The
    /// caller sends them after `out`, as they are, and reports with [`Connection::sent`] how many
    /// of them were sent. A chunk that was begun has to be sent whole.
    ///
    /// For content by length it is no more than what is left of it; after the end, 0.
    pub fn frame(&mut self, available: usize, out: &mut Vec<u8>) -> usize {
        match &mut self.sending {
            Sending::Idle | Sending::Sent => 0,
            Sending::Length { left } => at_most(*left, available),
            Sending::Chunked { left, has_begun } => {
                if *left == 0 && available > 0 {
                    let before = if *has_begun { "\r\n" } else { "" };
                    out.extend_from_slice(format!("{before}{available:x}\r\n").as_bytes());
                    *left = available as u64;
                    *has_begun = true;
                }
                at_most(*left, available)
            }
        }
    }

    /// Counts content that was sent.
    ///
    /// # Panics
    ///
    /// If it is more than what [`Connection::frame`] has allowed.
    pub fn sent(&mut self, n: usize) {
        if n == 0 {
            return;
        }
        match &mut self.sending {
            Sending::Length { left } | Sending::Chunked { left, .. } if n as u64 <= *left => {
                *left -= n as u64;
                if matches!(self.sending, Sending::Length { left: 0 }) {
                    self.sending = Sending::Sent;
                }
            }
            _ => panic!("{n} bytes are more than was framed"),
        }
    }

    /// Writes the end of content in chunks, whose trailer section is empty. Content by length ends
    /// by itself.
    ///
    /// # Panics
    ///
    /// If a chunk, or content by length, is not sent whole.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        match self.sending {
            Sending::Chunked { left: 0, has_begun } => {
                out.extend_from_slice(if has_begun { b"\r\n0\r\n\r\n" } else { b"0\r\n\r\n" });
                self.sending = Sending::Sent;
            }
            Sending::Idle | Sending::Sent => {}
            Sending::Length { left } | Sending::Chunked { left, .. } => {
                panic!("{left} bytes of the content are not sent")
            }
        }
    }

    /// True if the whole request was sent, its content too.
    #[must_use]
    pub fn is_sent(&self) -> bool {
        self.sending == Sending::Sent
    }

    /// Gives the next event in `input`, which is all bytes that arrived and were not used yet.
    /// One call gives one event: call it again until it waits.
    ///
    /// # Errors
    ///
    /// [`Fault`] if the bytes are no answer that can be taken. The connection is of no use then,
    /// and each later call gives the same.
    pub fn receive<'i>(&mut self, input: &'i mut [u8]) -> Result<Step<'i>, Fault> {
        let result = match self.receiving {
            Receiving::Broken(fault) => return Err(fault),
            Receiving::Head { .. } => self.receive_head(input),
            Receiving::Content(_) => self.receive_content(input),
            Receiving::ToEnd { .. } => self.receive_to_end(input),
            Receiving::Over => {
                self.persists &= input.is_empty();
                return Ok(Step { used: 0, event: Event::Wait });
            }
            Receiving::Idle if input.is_empty() => return Ok(Step { used: 0, event: Event::Wait }),
            Receiving::Idle => Err(Fault::Unasked),
        };
        if let Err(fault) = result {
            self.receiving = Receiving::Broken(fault);
        }
        result
    }

    fn receive_head<'i>(&mut self, input: &'i [u8]) -> Result<Step<'i>, Fault> {
        let Receiving::Head { scan, interim } = &mut self.receiving else {
            unreachable!("called only within a head")
        };
        // What never becomes an answer need not be waited for.
        if !input.iter().zip(b"HTTP/").all(|(byte, expected)| byte == expected) {
            return Err(Fault::StatusLine);
        }
        let Some(end) = scan.find_end(input, Section::Head, &self.limits)? else {
            return Ok(Step { used: 0, event: Event::Wait });
        };
        let judged = head::judge(input.get(..end).unwrap_or_default(), scan, self.asked_for_head)?;
        let head = judged.head;
        if head.status() < 200 {
            if *interim >= self.limits.interim {
                return Err(Fault::TooManyInterim);
            }
            let interim = *interim + 1;
            self.receiving = Receiving::Head { scan: SectionScan::new(), interim };
            return Ok(Step { used: end, event: Event::Interim(head) });
        }
        self.persists = judged.persists && self.sending == Sending::Sent;
        self.receiving = match judged.content {
            head::Content::Length(length) if self.is_too_much(length) => {
                Receiving::Broken(Fault::ContentTooLarge)
            }
            head::Content::Length(length) => Receiving::Content(Body::with_length(length)),
            head::Content::Chunked => Receiving::Content(Body::Chunked(Chunked::new())),
            head::Content::ToEnd => Receiving::ToEnd { received: 0 },
        };
        Ok(Step { used: end, event: Event::Head(head) })
    }

    fn is_too_much(&self, length: u64) -> bool {
        self.limits.body.unwrap_or(LARGEST_BODY) < length
    }

    fn receive_content<'i>(&mut self, input: &'i mut [u8]) -> Result<Step<'i>, Fault> {
        let Receiving::Content(body) = &mut self.receiving else {
            unreachable!("called only within content")
        };
        let decoded = body.decode(input, &self.limits)?;
        if decoded.last {
            self.receiving = Receiving::Over;
            self.persists &= decoded.used == input.len();
        } else if decoded.data.is_empty() {
            return Ok(Step { used: decoded.used, event: Event::Wait });
        }
        let event = Event::Content { data: decoded.data, last: decoded.last };
        Ok(Step { used: decoded.used, event })
    }

    /// What is beyond the limit is not given, so that it does not depend on the cuts.
    fn receive_to_end<'i>(&mut self, input: &'i [u8]) -> Result<Step<'i>, Fault> {
        let Receiving::ToEnd { received } = &mut self.receiving else {
            unreachable!("called only within content")
        };
        if input.is_empty() {
            return Ok(Step { used: 0, event: Event::Wait });
        }
        let left = self.limits.body.unwrap_or(LARGEST_BODY).saturating_sub(*received);
        let used = at_most(left, input.len());
        if used == 0 {
            return Err(Fault::ContentTooLarge);
        }
        *received += used as u64;
        Ok(Step { used, event: Event::Content { data: 0..used, last: false } })
    }

    /// The server sends nothing more: call it when all input before the end was used as far as it
    /// could be.
    ///
    /// # Errors
    ///
    /// [`Fault`] if an answer is due, or is not complete.
    pub fn ended(&mut self) -> Result<End, Fault> {
        let fault = match &self.receiving {
            Receiving::Idle => return Ok(End::Clean),
            Receiving::Over => {
                self.persists = false;
                return Ok(End::Clean);
            }
            Receiving::ToEnd { .. } => {
                self.receiving = Receiving::Over;
                return Ok(End::Answer);
            }
            Receiving::Broken(fault) => *fault,
            Receiving::Head { scan, interim: 0 } if !scan.has_begun() => Fault::NoAnswer,
            Receiving::Head { .. } | Receiving::Content(_) => Fault::Truncated,
        };
        self.receiving = Receiving::Broken(fault);
        Err(fault)
    }

    /// True if the final answer has come whole.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.receiving, Receiving::Over)
    }

    /// Makes the connection idle for the next request. False if it cannot be used again, and is to
    /// be closed: the answer is not complete, or says so, or came before the request was sent
    /// whole (RFC 9112 §9.3); or [`Connection::receive`] has seen bytes behind it, which would be
    /// taken for the next answer (RFC 9112 §6.3), or the connection [has
    /// ended](Connection::ended).
    pub fn reuse(&mut self) -> bool {
        let is_reusable = self.is_over() && self.is_sent() && self.persists;
        if is_reusable {
            self.sending = Sending::Idle;
            self.receiving = Receiving::Idle;
        }
        is_reusable
    }
}

fn at_most(left: u64, available: usize) -> usize {
    usize::try_from(left).unwrap_or(usize::MAX).min(available)
}

#[cfg(test)]
mod tests;
