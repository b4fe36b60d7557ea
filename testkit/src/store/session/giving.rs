//! An answer on its way out, with all that a script does to it.

use std::time::Duration;

use super::exchange::Exchange;
use super::{Act, Answer, End, Link, State, Step};
use crate::store::answer::{Writing, reason};
use crate::store::output::{cut, drip};
use crate::store::{Framing, Operation, Space, time};

impl Exchange {
    /// Gives an answer; behind it the connection ends if `end` says so. What it gives back
    /// holds if it does not end.
    pub(super) fn give(
        &mut self,
        link: &mut Link,
        state: &mut State,
        answer: Answer,
        end: Option<End>,
    ) -> Option<(Duration, End)> {
        let mut answer = answer;
        if self.acts.has(&Act::KmsEtag) && is_success(&answer) && self.stores() {
            answer = answer.with("x-amz-server-side-encryption", "aws:kms");
        }
        let logged = &mut state.log.requests[self.request];
        logged.status = Some(answer.status);
        logged.received_before_answer = Some(logged.received);
        let closes = self.acts.find(|act| match act {
            Act::Close(end) => Some(*end),
            _ => None,
        });
        let end = end.or(closes).or(self.head.asks_to_close().then_some(End::Fin));
        let (bytes, needs_end) = self.written(link, state, &answer, end.is_some());
        let mut steps = self.before();
        steps.extend(bytes);
        let end = end.or(needs_end.then_some(End::Fin));
        steps.extend(end.map(Step::End));
        link.output.push(steps, link.now);
        self.acts.find(|act| match act {
            Act::EndIdle { after, end } => Some((*after, *end)),
            _ => None,
        })
    }

    fn stores(&self) -> bool {
        matches!(
            self.subject.operation,
            Operation::PutObject
                | Operation::UploadPart
                | Operation::CreateMultipartUpload
                | Operation::CompleteMultipartUpload
        )
    }

    /// What comes before the final answer.
    fn before(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        for act in self.acts.iter() {
            match act {
                Act::Delay(time) => steps.push(Step::Wait(*time)),
                Act::Interim(statuses) => steps.extend(interim(statuses)),
                _ => {}
            }
        }
        steps
    }

    /// The final answer and what comes behind it. True if the connection has to end then.
    fn written(
        &self,
        link: &Link,
        state: &State,
        answer: &Answer,
        says_close: bool,
    ) -> (Vec<Step>, bool) {
        let space = self.acts.find(|act| match act {
            Act::WhiteSpace { place, every, times } => Some((*place, *every, *times)),
            _ => None,
        });
        let framed = self.acts.find(|act| match act {
            Act::Framed(framing) => Some(*framing),
            _ => None,
        });
        let usual = if space.is_some() { Framing::Chunked(1000) } else { Framing::Length };
        let (place, every, times) = space.unwrap_or((Space::First, Duration::ZERO, 0));
        let writing = Writing {
            is_head: self.head.method == "HEAD",
            date: time::http_date(link.now + state.config.ahead),
            request_id: (!state.config.is_plain).then(|| format!("{:016X}", self.request)),
            resource: self.head.path().to_owned(),
            framing: framed.unwrap_or(usual),
            malformed: self.acts.find(|act| match act {
                Act::Malformed(how) => Some(*how),
                _ => None,
            }),
            says_close,
        };
        let written = writing.write(answer, place, times);
        let mut steps = vec![Step::Bytes(written.start)];
        for space in written.spaces {
            steps.extend([Step::Wait(every), Step::Bytes(space)]);
        }
        steps.push(Step::Bytes(written.rest));
        (self.shaped(steps), written.ends)
    }

    /// In pieces, cut, or with something behind it.
    fn shaped(&self, mut steps: Vec<Step>) -> Vec<Step> {
        for act in self.acts.iter() {
            match act {
                Act::Pieces(size) => {
                    steps.insert(0, Step::Pieces(*size));
                    steps.push(Step::Whole);
                }
                Act::Drip { bytes, every } => steps = drip(steps, *bytes, *every),
                _ => {}
            }
        }
        for act in self.acts.iter() {
            match act {
                Act::BytesBehind(bytes) => steps.push(Step::Bytes(bytes.clone())),
                Act::EndInAnswer { after, end } => return cut(steps, *after, *end),
                _ => {}
            }
        }
        steps
    }
}

/// Answers of these statuses, without fields.
pub(super) fn interim(statuses: &[u16]) -> Vec<Step> {
    let head = |status: &u16| format!("HTTP/1.1 {status} {}\r\n\r\n", reason(*status));
    statuses.iter().map(|status| Step::Bytes(head(status).into())).collect()
}

fn is_success(answer: &Answer) -> bool {
    (200..300).contains(&answer.status)
}
