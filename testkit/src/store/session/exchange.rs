//! One request from the end of its head to that of its content.

use std::time::{Duration, SystemTime};

use md5::{Digest, Md5};

use super::giving::interim;
use super::{
    Act, Acts, Answer, End, Head, Link, Pause, Phase, Refuses, State, Step, Subject, Then, content,
    log,
};
use crate::naive::digests::digest;
use crate::store::Operation;
use crate::store::content::{Decoder, Framing, Taken};
use crate::store::operations::{Doing, Received, hex};
use crate::store::signature::Verifier;

/// What comes next.
pub(super) enum Next {
    /// There may be more to do at once.
    More,
    /// Something has to come, or time has to pass.
    Wait,
    Phase(Phase),
}

/// What happens when so much content has come.
#[derive(Clone, Debug)]
enum Stage {
    End(End),
    Answer(Answer, Then),
    Interim(Vec<u16>),
    Stop(Option<Duration>),
}

#[derive(Debug)]
pub(super) struct Exchange {
    /// Which of the log's requests it is.
    pub(super) request: usize,
    pub(super) head: Head,
    pub(super) subject: Subject,
    pub(super) acts: Acts,
    framing: Framing,
    decoder: Decoder,
    /// Bytes of content.
    received: u64,
    md5: Md5,
    /// The content, as long as it is kept.
    kept: Option<Vec<u8>>,
    /// By the bytes of content before them.
    stages: Vec<(u64, Stage)>,
    /// The SHA-256 of the content in hexadecimal digits, if it is signed.
    signed_content: Option<String>,
    /// What is answered at the end of the content.
    refusal: Option<Answer>,
    /// True if the answer was given before the end of the content.
    is_answered: bool,
    last_byte: SystemTime,
}

impl Exchange {
    pub(super) fn new(
        link: &Link,
        state: &mut State,
        head: Head,
        subject: Subject,
        framing: content::Framing,
        acts: Acts,
    ) -> Self {
        let request = state.log.requests.len();
        state.log.connections[link.number].requests += 1;
        state.log.requests.push(log::Request {
            connection: link.number,
            number: link.requests,
            time: link.now,
            method: head.method.clone(),
            target: head.target.clone(),
            fields: head.fields.clone(),
            operation: subject.operation,
            bucket: subject.bucket.clone(),
            key: subject.key.clone(),
            signed_by: None,
            received: 0,
            is_complete: false,
            was_continued: false,
            received_before_answer: None,
            status: None,
            is_done: false,
            cut: None,
        });
        for fault in faults(&head, &subject, state.config.is_plain) {
            state.fault(link.number, &fault);
        }
        let stages = stages(&acts);
        let decoder = Decoder::new(framing);
        let (md5, kept) = (Md5::new(), Some(Vec::new()));
        let (received, signed_content, refusal) = (0, None, None);
        let (is_answered, last_byte) = (false, link.now);
        Self {
            request,
            head,
            subject,
            acts,
            framing,
            decoder,
            received,
            md5,
            kept,
            stages,
            signed_content,
            refusal,
            is_answered,
            last_byte,
        }
    }

    pub(super) fn request(&self) -> usize {
        self.request
    }

    /// What follows the head at once.
    pub(super) fn judge_head(&mut self, link: &mut Link, state: &mut State) -> Option<Phase> {
        if let Some(end) = self.acts.find(|act| match act {
            Act::EndBehindHead(end) => Some(*end),
            _ => None,
        }) {
            self.stages.insert(0, (0, Stage::End(end)));
            return None;
        }
        let scripted = self.acts.find(|act| match act {
            Act::Refuse(answer, then) => Some((answer.clone(), *then)),
            Act::Redirect(place, then) => {
                let location = format!("{place}{}", self.head.target);
                let answer = Answer::error("TemporaryRedirect").with("Location", &location);
                Some((Answer { status: 307, ..answer }, *then))
            }
            _ => None,
        });
        if let Some((answer, then)) = scripted {
            return self.answer_early(link, state, answer, then);
        }
        let judged = self.judge_signature(link, state);
        let judged = judged.and_then(|()| self.doing(link, state).judge_head(self.framing));
        if let Err(answer) = judged {
            if state.config.refuses == Refuses::Early && !self.decoder.is_done() {
                return self.answer_early(link, state, answer, Then::End(End::Fin));
            }
            self.refusal = Some(answer);
        }
        self.go_on(link, state);
        None
    }

    fn judge_signature(&mut self, link: &Link, state: &mut State) -> Result<(), Answer> {
        let config = &state.config;
        if config.keys.is_empty() {
            return Ok(());
        }
        let now = link.now + config.ahead;
        let signed =
            Verifier { keys: &config.keys, region: &config.region, now }.judge(&self.head)?;
        self.signed_content = signed.content;
        state.log.requests[self.request].signed_by = Some(signed.by);
        Ok(())
    }

    /// The 100 (Continue), or what comes in its place.
    fn go_on(&mut self, link: &mut Link, state: &mut State) {
        let is_asked = self.head.expects_continue() && !self.decoder.is_done();
        let mut steps = Vec::new();
        for act in self.acts.iter() {
            match act {
                Act::EndAtContinue(end) if is_asked => {
                    self.stages.insert(0, (0, Stage::End(*end)));
                    return;
                }
                Act::NoContinue if is_asked => return,
                Act::LateContinue(time) if is_asked => steps.push(Step::Wait(*time)),
                _ => {}
            }
        }
        if is_asked || self.acts.has(&Act::UnaskedContinue) {
            state.log.requests[self.request].was_continued = true;
            steps.push(Step::Bytes(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec()));
            link.output.push(steps, link.now);
        }
    }

    /// Answers before the end of the content.
    fn answer_early(
        &mut self,
        link: &mut Link,
        state: &mut State,
        answer: Answer,
        then: Then,
    ) -> Option<Phase> {
        self.is_answered = true;
        let end = match then {
            Then::End(end) => Some(end),
            Then::ReadOn => None,
            Then::StopReading => {
                link.pause = Pause::ForGood;
                None
            }
        };
        let idle = self.give(link, state, answer, end);
        end.map(|_| self.answered(idle))
    }

    /// Takes some of the input.
    pub(super) fn take(&mut self, link: &mut Link, state: &mut State) -> Next {
        if let Some((after, stage)) = self.stages.first()
            && *after <= self.received
        {
            let stage = stage.clone();
            self.stages.remove(0);
            return self.enter(link, state, stage);
        }
        if self.decoder.is_done() {
            return Next::Phase(self.finish(link, state));
        }
        if link.input.is_empty() {
            return Next::Wait;
        }
        let most = self.stages.first().map_or(u64::MAX, |(after, _)| after - self.received);
        self.last_byte = link.now;
        match self.decoder.take(&link.input, most) {
            Ok(Taken::Content(taken)) => {
                let content = link.input.take(taken);
                self.note(state, content);
            }
            Ok(Taken::Framing(taken)) => {
                link.input.take(taken);
            }
            Err(what) => {
                state.fault(link.number, what);
                let answer = Answer::error("IncompleteBody");
                let next = self.answer_early(link, state, answer, Then::End(End::Fin));
                return next.map_or(Next::Wait, Next::Phase);
            }
        }
        Next::More
    }

    fn note(&mut self, state: &mut State, content: &[u8]) {
        self.received += content.len() as u64;
        self.md5.update(content);
        // A declared digest is computed from all of it at its end, and XML is read then.
        let is_needed = self.signed_content.is_some()
            || self.head.field("x-amz-checksum-sha256").is_some()
            || self.subject.operation == Operation::CompleteMultipartUpload;
        if self.received > state.config.keeps && !is_needed {
            self.kept = None;
        }
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(content);
        }
        state.log.requests[self.request].received = self.received;
    }

    fn enter(&mut self, link: &mut Link, state: &mut State, stage: Stage) -> Next {
        match stage {
            Stage::End(end) => {
                link.output.cut(end);
                Next::Wait
            }
            // A request has but one answer.
            Stage::Answer(..) if self.is_answered => Next::More,
            Stage::Answer(answer, then) => {
                let next = self.answer_early(link, state, answer, then);
                next.map_or(Next::More, Next::Phase)
            }
            Stage::Interim(statuses) => {
                link.output.push(interim(&statuses), link.now);
                Next::More
            }
            Stage::Stop(time) => {
                link.pause = time.map_or(Pause::ForGood, |time| Pause::Until(link.now + time));
                Next::More
            }
        }
    }

    /// All content has come.
    fn finish(&mut self, link: &mut Link, state: &mut State) -> Phase {
        state.log.requests[self.request].is_complete = true;
        if self.is_answered {
            return self.answered(None);
        }
        // A late 100 (Continue) comes before the answer in any case.
        link.output.hurry(link.now);
        if self.acts.has(&Act::NeverAnswer) {
            return Phase::Over;
        }
        let answer = self.judge_and_do(link, state);
        let idle = self.give(link, state, answer, None);
        self.answered(idle)
    }

    fn answered(&self, idle: Option<(Duration, End)>) -> Phase {
        Phase::Answered { request: Some(self.request), idle }
    }

    fn judge_and_do(&mut self, link: &Link, state: &mut State) -> Answer {
        let scripted = self.acts.find(|act| match act {
            Act::Answer(answer) => Some(answer.clone()),
            _ => None,
        });
        if let Some(answer) = scripted.or(self.refusal.take()) {
            return answer;
        }
        let received = self.content();
        if let Err(refusal) = self.judge_signed_content(&received) {
            return refusal;
        }
        if let Err(refusal) = self.doing(link, state).judge_content(&received) {
            return refusal;
        }
        let (answer, is_done) = self.doing(link, state).run(received);
        state.log.requests[self.request].is_done = is_done;
        let replaced = self.acts.find(|act| match act {
            Act::DoAndAnswer(answer) => Some(answer.clone()),
            _ => None,
        });
        replaced.unwrap_or(answer)
    }

    fn judge_signed_content(&self, received: &Received) -> Result<(), Answer> {
        let Some(signed) = &self.signed_content else { return Ok(()) };
        let content = received.content.as_deref().unwrap_or_default();
        if hex(&digest("sha-256", content)) == *signed {
            Ok(())
        } else {
            Err(Answer::error("XAmzContentSHA256Mismatch"))
        }
    }

    fn content(&mut self) -> Received {
        let md5 = self.md5.clone().finalize().into();
        Received { content: self.kept.take(), length: self.received, md5 }
    }

    fn doing<'s>(&'s self, link: &Link, state: &'s mut State) -> Doing<'s> {
        Doing {
            state,
            head: &self.head,
            subject: &self.subject,
            now: link.now,
            request: self.request,
            has_other_etag: self.acts.has(&Act::WrongEtag) || self.acts.has(&Act::KmsEtag),
            revives: self.acts.has(&Act::ReviveUpload),
        }
    }

    /// The connection was ended by the client amid content.
    pub(super) fn cut(&mut self, link: &mut Link, state: &mut State, end: End) {
        let is_nothing = end == End::Fin && self.received == 0;
        let is_kept_as_nothing = self.acts.has(&Act::KeepNothingOfFin)
            && is_nothing
            && self.head.field("content-type").is_none();
        let is_kept = self.acts.has(&Act::KeepCut) || is_kept_as_nothing;
        if is_kept && !self.is_answered && self.subject.operation == Operation::PutObject {
            let received = self.content();
            self.doing(link, state).run(received);
            state.log.requests[self.request].is_done = true;
        }
        if end == End::Fin {
            state.fault(link.number, "the client ended by FIN amid content");
            if !self.is_answered {
                self.give(link, state, Answer::error("IncompleteBody"), Some(End::Fin));
            }
        }
    }

    /// When the store gives up on a silent client.
    pub(super) fn deadline(&self) -> Option<SystemTime> {
        let time = self.acts.find(|act| match act {
            Act::TimeOut(time) => Some(*time),
            _ => None,
        })?;
        (!self.is_answered).then(|| self.last_byte + time)
    }

    pub(super) fn time_out(&mut self, link: &mut Link, state: &mut State) -> Option<Phase> {
        if self.deadline().is_none_or(|time| time > link.now) {
            return None;
        }
        self.answer_early(link, state, Answer::error("RequestTimeout"), Then::End(End::Fin))
    }
}

fn stages(acts: &Acts) -> Vec<(u64, Stage)> {
    let stage = |act: &Act| match act {
        Act::EndInContent { after, end } => Some((*after, Stage::End(*end))),
        Act::AnswerInContent { after, answer, then } => {
            Some((*after, Stage::Answer(answer.clone(), *then)))
        }
        Act::InterimInContent { after, statuses } => {
            Some((*after, Stage::Interim(statuses.clone())))
        }
        Act::StopReading { after, time } => Some((*after, Stage::Stop(*time))),
        _ => None,
    };
    let mut stages: Vec<_> = acts.iter().filter_map(stage).collect();
    stages.sort_by_key(|(after, _)| *after);
    stages
}

/// What no client of S3 should send.
fn faults(head: &Head, subject: &Subject, is_plain: bool) -> Vec<String> {
    if is_plain {
        return Vec::new();
    }
    let mut faults = Vec::new();
    if subject.value("X-Amz-Signature").is_some() {
        for name in ["date", "x-amz-content-sha256"] {
            if head.field(name).is_some() {
                faults.push(format!("{name} stands beside a presigned URL"));
            }
        }
    }
    if subject.operation == Operation::PutObject && head.field("content-type").is_none() {
        faults.push("a PUT has no Content-Type".to_owned());
    }
    faults
}
