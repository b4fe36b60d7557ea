//! An upload that is kept, as whoever is told of it sees it.

use std::sync::Arc;
use std::time::SystemTime;

use crate::digest::Value;
use crate::door::{Holder, Key};
use crate::handler::{PeerAddr, Request};

/// Bytes of a media type that are told: with its parameters it seldom has more than a hundred.
const LONGEST_TYPE: usize = 256;

/// An upload that has just been kept: see [`Disk::on_kept`](super::Disk::on_kept), which has an
/// example.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct KeptUpload<'a> {
    pub(super) key: &'a Key,
    pub(super) length: u64,
    pub(super) has_replaced: bool,
    pub(super) time: SystemTime,
    pub(super) holder: Option<&'a Holder>,
    pub(super) known: &'a Known,
}

/// What is remembered of an upload only to be told.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) peer: PeerAddr,
    pub(super) content_type: Option<Box<str>>,
    /// None before the message has ended.
    pub(super) digests: Box<[Value]>,
}

impl Known {
    pub(super) fn of(request: &Request<'_>) -> Self {
        let content_type = content_type(request.head().fields().get("Content-Type"));
        Self { peer: request.peer(), content_type, digests: Box::default() }
    }
}

impl<'a> KeptUpload<'a> {
    /// Its name: the path of its file, relative to the folder. [`Key::to_target`] is the path by
    /// which a client would name it.
    #[must_use]
    pub fn key(&self) -> &'a Key {
        self.key
    }

    /// The length of its content in bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The digests of its content: the MD5, those that the
    /// [`Checksum`](crate::checksum::Checksum) was made for, and those that the client has
    /// declared.
    #[must_use]
    pub fn digests(&self) -> &'a [Value] {
        &self.known.digests
    }

    /// True if it has taken the place of a file of its name.
    #[must_use]
    pub fn has_replaced(&self) -> bool {
        self.has_replaced
    }

    /// When it was kept.
    #[must_use]
    pub fn time(&self) -> SystemTime {
        self.time
    }

    /// Whose token was shown; `None` if none is needed.
    #[must_use]
    pub fn holder(&self) -> Option<&'a Holder> {
        self.holder
    }

    /// Who sent it.
    #[must_use]
    pub fn peer(&self) -> PeerAddr {
        self.known.peer
    }

    /// What the client says that it is, its `Content-Type`: printable ASCII. `None` if it says
    /// nothing, or something that is none, or that is longer than 256 bytes. Nobody has looked
    /// whether it is so.
    #[must_use]
    pub fn content_type(&self) -> Option<&'a str> {
        self.known.content_type.as_deref()
    }
}

/// What a client says that its upload is, if it can be told.
fn content_type(value: Option<&[u8]>) -> Option<Box<str>> {
    let is_printable = |byte: &u8| matches!(byte, b' '..=b'~');
    let value = value.filter(|value| !value.is_empty() && value.len() <= LONGEST_TYPE)?;
    let text = std::str::from_utf8(value).ok().filter(|_| value.iter().all(is_printable))?;
    Some(text.into())
}

/// Whoever wants to be told.
pub(super) type OnKept = Arc<dyn Fn(&KeptUpload<'_>) + Send + Sync>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_that_can_be_told_is_short_and_printable() {
        let told = |value: &str| content_type(Some(value.as_bytes())).map(String::from);
        let plain = "text/plain; charset=\"utf-8\"";
        assert_eq!(told(plain).as_deref(), Some(plain));
        let longest = "a".repeat(LONGEST_TYPE);
        assert_eq!(told(&longest), Some(longest.clone()));
        for value in ["", "a\tb", "é", &(longest + "a")] {
            assert_eq!(told(value), None, "{value}");
        }
        assert_eq!(content_type(None), None);
    }
}
