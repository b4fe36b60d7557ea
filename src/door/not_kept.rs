//! Why uploads are not kept, for counters.

use std::fmt;

use super::Forbidden;
use crate::handler::{Abort, Outcome};
use crate::proto::{Reject, Response};

/// Declares the reasons from one table: name, status, code, words.
macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident, $status:expr, $code:literal, $words:literal;)*) => {
        /// Why an upload is not kept: each reason is one that whoever operates the server would do
        /// something else about.
        ///
        /// The [`Door`](super::Door) has some of them; the others are for what keeps uploads, such
        /// as a folder. Clients get words that say more.
        ///
        /// # Example
        ///
        /// ```
        /// use streamsum::door::NotKept;
        ///
        /// assert_eq!(NotKept::Exists.status(), Some(412));
        /// assert_eq!(NotKept::Exists.code(), "name-taken");
        /// assert_eq!(NotKept::Exists.to_string(), "its name is taken and not to be replaced");
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum NotKept {
            $($(#[$doc])* $name,)*
        }

        impl NotKept {
            /// Every reason.
            pub const ALL: &[NotKept] = &[$(NotKept::$name),*];

            /// The status that the client gets; `None` if there are several, or none.
            #[must_use]
            pub fn status(self) -> Option<u16> {
                match self {
                    $(NotKept::$name => $status,)*
                }
            }

            /// The reason as one word for programs: of lower-case letters, digits and hyphens.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self {
                    $(NotKept::$name => $code,)*
                }
            }
        }

        /// In words, without a full stop.
        impl fmt::Display for NotKept {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(NotKept::$name => $words,)*
                })
            }
        }
    };
}

reasons! {
    /// The target is no key: [`BadKey`](super::BadKey), a folder with PUT, or too many segments.
    Key, Some(400), "key", "its target is no name for an upload";
    /// `Content-Range`: it would replace the whole by a part.
    Range, Some(400), "content-range", "it is a part of an upload";
    /// A declared digest is malformed, repeated, contradicted by another, or did not come:
    /// [`Fault`](crate::digest::Fault).
    Declaration, Some(400), "digest-declaration", "its digests are not declared as they should be";
    /// The content is not what the client has declared: it was damaged on the way.
    Differs, Some(400), "digest-differs", "its content has another digest than declared";
    /// No token, or none that is valid.
    Token, Some(401), "token", "it has no valid token";
    /// The token has a prefix, and this is not within it.
    Prefix, Some(403), "prefix", "its token is for other names";
    /// A page of another origin that is not allowed, or the preflight of one.
    Origin, Some(403), "origin-foreign", "pages of its origin may not write here";
    /// It is for a host that is none of the [`Hosts`](super::Hosts).
    Host, Some(403), "host-foreign", "its host is not one of this machine";
    /// Neither PUT nor POST.
    Method, Some(405), "method", "it is neither PUT nor POST";
    /// The content came too slowly, or not at all.
    Slow, Some(408), "too-slow", "its content did not arrive in time";
    /// A folder has the name, or something else stands where a folder would have to be.
    Folder, Some(409), "folder", "its name is a folder's, or a file stands where a folder would be";
    /// Neither a length nor chunks.
    NoLength, Some(411), "length-missing", "it has neither a length nor chunks";
    /// The name is taken, and is not to be replaced.
    Exists, Some(412), "name-taken", "its name is taken and not to be replaced";
    /// More content than may be.
    TooLarge, Some(413), "too-large", "its content is too large";
    /// A form, which is an envelope.
    Form, Some(415), "form", "it is a form";
    /// The store has failed.
    Disk, Some(500), "disk", "the disk has failed";
    /// It has its name, or not: the store has failed at the last step.
    Unknown, Some(500), "unknown", "it is not known whether it is kept";
    /// `aws-chunked`, a copy, one of several requests, what a query asks an object store for, or a
    /// condition that is not supported.
    Unsupported, Some(501), "unsupported", "it asks for what is not supported";
    /// No descriptor is left for its file.
    Descriptors, Some(503), "no-descriptor", "too many files are open";
    /// The store was too slow to begin.
    Late, Some(503), "late", "it was not begun in time";
    /// The disk is full, or less is free than has to be.
    NoRoom, Some(507), "no-room", "there is no room for it";
    /// The protocol has refused it within its content; the engine counts why.
    Malformed, None, "malformed", "its content is malformed";
    /// Its client has left before it was whole.
    BrokenOff, None, "broken-off", "its client has left";
    /// The server has ended before it was whole.
    ShutDown, None, "shut-down", "the server has ended";
}

impl NotKept {
    /// Why an upload is not kept that has ended before it was whole; `None` if somebody has
    /// answered it, who knows.
    ///
    /// # Example
    ///
    /// ```
    /// use streamsum::door::NotKept;
    /// use streamsum::handler::{Abort, Outcome};
    ///
    /// let left = Outcome::Aborted(Abort::Reset);
    /// assert_eq!(NotKept::of(left), Some(NotKept::BrokenOff));
    /// ```
    #[must_use]
    pub fn of(outcome: Outcome) -> Option<Self> {
        Some(match outcome {
            Outcome::Answered(_) => return None,
            Outcome::Aborted(Abort::Shutdown) => Self::ShutDown,
            Outcome::Aborted(_) | Outcome::Refused(Reject::Truncated) => Self::BrokenOff,
            Outcome::Refused(Reject::BodyTimeout) => Self::Slow,
            Outcome::Refused(Reject::BodyTooLarge) => Self::TooLarge,
            Outcome::Refused(Reject::Late) => Self::Late,
            Outcome::Refused(_) => Self::Malformed,
        })
    }
}

impl From<Forbidden> for NotKept {
    fn from(forbidden: Forbidden) -> Self {
        match forbidden {
            Forbidden::Host => Self::Host,
            Forbidden::Origin => Self::Origin,
        }
    }
}

/// A request that was not let in.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Denied {
    /// Why; `None` of a preflight that may go on, which is no upload.
    pub reason: Option<NotKept>,
    /// What the client gets.
    pub response: Response,
}

impl Denied {
    pub(super) fn new(reason: impl Into<NotKept>, response: Response) -> Self {
        Self { reason: Some(reason.into()), response }
    }

    /// With these words for the client.
    pub(super) fn because(reason: NotKept, words: &'static str) -> Self {
        // Those of the door have one each.
        let status = reason.status().unwrap_or(500);
        Self::new(reason, Response::text(status, words))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_code_and_words_of_its_own() {
        let codes = NotKept::ALL.iter().map(|reason| reason.code().to_owned());
        let words = NotKept::ALL.iter().map(ToString::to_string);
        for all in [codes.collect::<Vec<_>>(), words.collect()] {
            let mut sorted = all.clone();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(sorted.len(), NotKept::ALL.len(), "{all:?}");
        }
        for reason in NotKept::ALL {
            let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
            assert!(reason.code().bytes().all(is_plain), "{reason:?}");
        }
    }

    #[test]
    fn what_ends_before_it_is_whole_has_its_reason() {
        for (reject, expected) in [
            (Reject::BodyTooLarge, NotKept::TooLarge),
            (Reject::BodyTimeout, NotKept::Slow),
            (Reject::Late, NotKept::Late),
        ] {
            let found = NotKept::of(Outcome::Refused(reject)).expect("a reason");
            assert_eq!((found, found.status()), (expected, Some(reject.status())));
        }
        let of = |outcome| NotKept::of(outcome).expect("a reason");
        assert_eq!(of(Outcome::Refused(Reject::ChunkSize)), NotKept::Malformed);
        for left in [Outcome::Refused(Reject::Truncated), Outcome::Aborted(Abort::Reset)] {
            assert_eq!(of(left), NotKept::BrokenOff);
        }
        assert_eq!(of(Outcome::Aborted(Abort::Shutdown)), NotKept::ShutDown);
    }
}
