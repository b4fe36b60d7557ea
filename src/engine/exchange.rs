//! One request while it lasts: what is known of it, and what the handler has made for it.

use std::ops::Range;
use std::time::Duration;

use super::time::Moment;
use crate::handler::{Outcome, PeerAddr, Report, Terms, UploadId};
use crate::proto::{Response, cut};

/// A request that is under way, with what the handler has made for it.
#[derive(Debug)]
pub(super) struct Exchange<U> {
    pub(super) record: Record,
    pub(super) upload: U,
}

/// What is known of a request while it lasts.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) id: UploadId,
    pub(super) begun: Moment,
    pub(super) received: u64,
    pub(super) named: Named,
    /// What the handler has set for it.
    pub(super) terms: Option<Terms>,
}

impl Record {
    /// How long the handler may take for a verdict or an answer that it gives later.
    pub(super) fn late(&self, configured: Option<Duration>) -> Option<Duration> {
        self.terms.as_ref().map_or(configured, |terms| terms.late_or(configured))
    }

    /// Bytes of content that may still come before the request pauses.
    pub(super) fn credit(&self) -> u64 {
        self.terms.as_ref().and_then(Terms::credit).unwrap_or(u64::MAX)
    }

    /// The handler has taken so much, and has perhaps set a credit for what comes next.
    pub(super) fn take(&mut self, bytes: u64, credit: Option<u64>) {
        self.received += bytes;
        match (credit, &mut self.terms) {
            (Some(_), terms) => terms.get_or_insert_default().set_credit(credit),
            (None, Some(terms)) => {
                terms.set_credit(terms.credit().map(|left| left.saturating_sub(bytes)));
            }
            (None, None) => {}
        }
    }

    /// The handler sets no bound any more to what comes.
    pub(super) fn lift_credit(&mut self) {
        if let Some(terms) = &mut self.terms {
            terms.set_credit(None);
        }
    }

    /// How long the client may send no byte of content.
    pub(super) fn body_timeout(&self, configured: Option<Duration>) -> Option<Duration> {
        self.terms.as_ref().map_or(configured, |terms| terms.body_timeout_or(configured))
    }

    /// What the handler is told of the request when it is over.
    pub(super) fn report<'a>(
        &'a self,
        peer: PeerAddr,
        now: Moment,
        response: Option<&'a Response>,
        outcome: Outcome,
    ) -> Report<'a> {
        Report {
            id: Some(self.id),
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

/// Content that the handler has not taken, or was not offered yet.
#[derive(Clone, Debug)]
pub(super) struct Rest {
    /// Where it lies in the peer's buffer, which is of at most 16 MiB.
    range: Range<u32>,
}

impl Rest {
    pub(super) fn new(range: Range<usize>) -> Self {
        Self { range: range.start as u32..range.end as u32 }
    }

    pub(super) fn range(&self) -> Range<usize> {
        self.range.start as usize..self.range.end as usize
    }

    /// It was moved to the front of a buffer.
    pub(super) fn move_to_front(&mut self) {
        self.range = 0..self.range.end - self.range.start;
    }
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
