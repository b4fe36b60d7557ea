//! One request while it lasts: what is known of it, and what the handler has made for it.

use std::ops::Range;
use std::time::Duration;

use super::time::Moment;
use crate::handler::{Outcome, PeerAddr, Report, UploadId};
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
}

impl Record {
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

/// How long the handler may take for a verdict or an answer that it gives later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// As [`Timeouts::late`](super::Timeouts::late) says.
    AsConfigured,
    Seconds(u32),
    Endless,
}

impl Patience {
    /// With a limit of the handler's own; `None` is none.
    pub(super) fn of(limit: Option<Duration>) -> Self {
        let Some(limit) = limit else { return Self::Endless };
        let seconds = limit.as_secs().saturating_add(u64::from(limit.subsec_nanos() > 0));
        Self::Seconds(u32::try_from(seconds.max(1)).unwrap_or(u32::MAX))
    }

    pub(super) fn limit(self, configured: Option<Duration>) -> Option<Duration> {
        match self {
            Self::AsConfigured => configured,
            Self::Seconds(seconds) => Some(Duration::from_secs(seconds.into())),
            Self::Endless => None,
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

/// Content that was offered to the handler and not taken.
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
    fn patience_is_a_second_at_least_and_rounded_up() {
        let limit = |time| Patience::of(Some(time)).limit(None).map(|limit| limit.as_secs());
        let cases = [(0, 1), (1, 1), (999, 1), (1000, 1), (1001, 2), (90_000, 90)];
        for (millis, seconds) in cases {
            assert_eq!(limit(Duration::from_millis(millis)), Some(seconds), "{millis} ms");
        }
        assert_eq!(limit(Duration::MAX), Some(u32::MAX.into()));
        assert_eq!(Patience::of(None).limit(Some(Duration::ZERO)), None);
    }

    #[test]
    fn names_are_cut_between_characters() {
        let named = Named::new("PUT", "/\u{fc}\u{fc}", 4);
        assert_eq!((named.method(), named.target()), (Some("PUT"), Some("/\u{fc}")));
        assert_eq!(Named::new("PUT", "/", 0).method(), None);
        assert_eq!(Named::new(&"M".repeat(40), "/", 9).method().map(str::len), Some(32));
    }
}
