//! What a session has to send, and when.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use super::End;

/// One thing after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// What is behind it comes so much later.
    Wait(Duration),
    Bytes(Vec<u8>),
    /// All that comes until [`Step::Whole`] is given out in pieces of so many bytes.
    Pieces(usize),
    Whole,
    End(End),
}

#[derive(Debug)]
pub(super) struct Output {
    steps: VecDeque<Step>,
    /// When the step before the first of them was done.
    since: SystemTime,
    /// What is due, with the size of its pieces.
    ready: VecDeque<(Vec<u8>, usize)>,
    /// Bytes of the first of these that are sent.
    sent: usize,
    piece: usize,
    end: Option<End>,
}

impl Output {
    pub(super) fn new(now: SystemTime) -> Self {
        let (steps, ready) = (VecDeque::new(), VecDeque::new());
        Self { steps, since: now, ready, sent: 0, piece: usize::MAX, end: None }
    }

    /// Adds steps behind those that are left. None is taken behind an end.
    pub(super) fn push(&mut self, steps: impl IntoIterator<Item = Step>, now: SystemTime) {
        if self.end.is_some() {
            return;
        }
        if self.steps.is_empty() {
            self.since = now;
        }
        self.steps.extend(steps);
        self.advance(now);
    }

    /// Does what is due.
    pub(super) fn advance(&mut self, now: SystemTime) {
        while self.end.is_none() {
            match self.steps.front() {
                Some(Step::Wait(time)) if self.since + *time > now => return,
                Some(_) => {}
                None => return,
            }
            match self.steps.pop_front() {
                Some(Step::Wait(time)) => self.since += time,
                Some(Step::Bytes(bytes)) if !bytes.is_empty() => {
                    self.ready.push_back((bytes, self.piece));
                }
                Some(Step::Pieces(size)) => self.piece = size.max(1),
                Some(Step::Whole) => self.piece = usize::MAX,
                Some(Step::End(end)) => self.cut(end),
                Some(Step::Bytes(_)) | None => {}
            }
        }
    }

    /// Ends behind what is due by now.
    pub(super) fn cut(&mut self, end: End) {
        self.steps.clear();
        self.end.get_or_insert(end);
    }

    /// Sends nothing more, not even what is due.
    pub(super) fn drop_all(&mut self) {
        self.steps.clear();
        self.ready.clear();
        self.sent = 0;
    }

    /// Has no time pass before what waits.
    pub(super) fn hurry(&mut self, now: SystemTime) {
        self.steps.retain(|step| !matches!(step, Step::Wait(_)));
        self.advance(now);
    }

    /// True if something is not due yet.
    pub(super) fn waits(&self) -> bool {
        !self.steps.is_empty()
    }

    /// When the next step is due.
    pub(super) fn deadline(&self) -> Option<SystemTime> {
        match self.steps.front()? {
            Step::Wait(time) => Some(self.since + *time),
            _ => Some(self.since),
        }
    }

    /// The end that has been come to, be there something left to send before it or not.
    pub(super) fn end(&self) -> Option<End> {
        self.end
    }

    pub(super) fn to_send(&self) -> &[u8] {
        let Some((bytes, piece)) = self.ready.front() else { return &[] };
        let rest = &bytes[self.sent..];
        &rest[..rest.len().min(*piece)]
    }

    pub(super) fn sent(&mut self, count: usize) {
        self.sent += count;
        if self.ready.front().is_some_and(|(bytes, _)| self.sent >= bytes.len()) {
            self.ready.pop_front();
            self.sent = 0;
        }
    }
}

/// The first bytes of all that is sent, and then an end.
pub(super) fn cut(steps: Vec<Step>, after: usize, end: End) -> Vec<Step> {
    let mut left = after;
    let mut cut = Vec::new();
    for step in steps {
        match step {
            Step::Bytes(mut bytes) => {
                let is_last = bytes.len() >= left;
                bytes.truncate(left);
                left -= bytes.len();
                cut.push(Step::Bytes(bytes));
                if is_last {
                    break;
                }
            }
            Step::End(_) => break,
            other => cut.push(other),
        }
    }
    cut.push(Step::End(end));
    cut
}

/// The same in pieces of so many bytes, once in so long.
pub(super) fn drip(steps: Vec<Step>, size: usize, every: Duration) -> Vec<Step> {
    let mut slow = Vec::new();
    for step in steps {
        let Step::Bytes(bytes) = step else {
            slow.push(step);
            continue;
        };
        for piece in bytes.chunks(size.max(1)) {
            slow.extend([Step::Bytes(piece.to_vec()), Step::Wait(every)]);
        }
    }
    slow
}
