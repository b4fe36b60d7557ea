//! One request and its answer: what is known of it while it lasts, and the handler's side.

use std::ops::Range;

use super::Moment;
use crate::handler::{Outcome, PeerAddr, Report, UploadId};
use crate::proto::Response;

/// The handler's side of the current request.
#[derive(Debug)]
pub(super) enum Upload<U> {
    None,
    /// The verdict is to come.
    Waiting(U),
    Taking(U),
    /// A piece was taken in part.
    Paused(U),
    /// A piece of it is with the handler.
    Lent,
    /// The handler answers later.
    Late,
}

impl<U> Upload<U> {
    pub(super) fn take(&mut self) -> Option<U> {
        match std::mem::replace(self, Upload::None) {
            Upload::Waiting(upload) | Upload::Taking(upload) | Upload::Paused(upload) => {
                Some(upload)
            }
            Upload::None | Upload::Lent | Upload::Late => None,
        }
    }
}

/// What is known of a request while it lasts.
#[derive(Debug)]
pub(super) struct Record {
    /// None of a request that is refused within its head.
    pub(super) id: Option<UploadId>,
    pub(super) begun: Moment,
    pub(super) received: u64,
    pub(super) named: Named,
}

impl Record {
    /// What is told of the request when it is over.
    pub(super) fn report<'a>(
        &'a self,
        peer: PeerAddr,
        now: Moment,
        response: Option<&'a Response>,
        outcome: Outcome,
    ) -> Report<'a> {
        Report {
            id: self.id,
            peer,
            method: self.named.method(),
            target: self.named.target(),
            response,
            received: self.received,
            duration: now.since(self.begun),
            outcome,
            too_slow: None,
        }
    }
}

/// Method and target, as far as they are kept.
#[derive(Debug, Default)]
pub(super) struct Named(Option<Box<str>>);

impl Named {
    /// Methods that anybody uses are shorter.
    const LONGEST_METHOD: usize = 32;

    pub(super) fn new(method: &str, target: &str, kept_target: usize) -> Self {
        if kept_target == 0 {
            return Self(None);
        }
        let method = cut(method, Self::LONGEST_METHOD);
        let target = cut(target, kept_target);
        let mut line = String::with_capacity(method.len() + 1 + target.len());
        line.extend([method, " ", target]);
        Self(Some(line.into_boxed_str()))
    }

    pub(super) fn method(&self) -> Option<&str> {
        Some(self.0.as_deref()?.split_once(' ')?.0)
    }

    pub(super) fn target(&self) -> Option<&str> {
        Some(self.0.as_deref()?.split_once(' ')?.1)
    }
}

/// At most `length` bytes of whole characters.
fn cut(text: &str, length: usize) -> &str {
    let mut end = text.len().min(length);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[derive(Clone, Debug)]
pub(super) struct Rest {
    pub(super) range: Range<u32>,
    pub(super) last: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_between_characters() {
        let named = Named::new("PUT", "/\u{fc}\u{fc}", 4);
        assert_eq!((named.method(), named.target()), (Some("PUT"), Some("/\u{fc}")));
        assert_eq!(Named::new("PUT", "/", 0).method(), None);
        assert_eq!(Named::new(&"M".repeat(40), "/", 9).method().map(str::len), Some(32));
    }
}
