//! A handler that writes down what happens, and does what a request's target says.

use std::collections::VecDeque;
use std::time::Duration;

use streamsum::handler::{
    Content, Finished, Handler, Outcome, Piece, Refused, Reply, Report, Request, Terms, UploadId,
    Verdict,
};
use streamsum::proto::Response;
use streamsum::resident::Resident;

use super::{Client, Keeps};
use crate::content::digest;

/// A request, and its content so far.
#[derive(Debug)]
pub struct Received {
    id: UploadId,
    target: String,
    bytes: Vec<u8>,
}

/// Answers with the MD5 of the content, unless the target is one of these:
///
/// - `/wait…`: the verdict comes later, within [`Recorder::patience`]
/// - `/refuse…`: 403 without the content
/// - `/late…` and `…-late`: the answer comes later, likewise
/// - `/bits…`: of each piece as many bytes are taken as [`Recorder::bits`] says, and behind it
///   as many may come as [`Recorder::credits`] says
/// - `/keep…`: likewise, and what is taken is kept
/// - `/full…`: likewise, and the piece that brings the content to [`Recorder::room`] is
///   answered with 507
#[derive(Debug, Default)]
pub struct Recorder {
    log: Vec<String>,
    /// All requests that have begun.
    ids: Vec<(String, UploadId)>,
    /// How many bytes are taken of the next pieces for `/bits…`; then all.
    pub bits: VecDeque<usize>,
    /// How much may come behind the next pieces for `/bits…`; then nothing is said.
    pub credits: VecDeque<u64>,
    /// What was kept for `/keep…`.
    pub kept: VecDeque<Content>,
    /// How much content of `/full…` is taken before it is answered.
    pub room: usize,
    /// What refused requests get; `None` leaves it to the engine.
    pub dress: Option<Response>,
    /// What is set for each request that begins; `None` sets nothing.
    pub terms: Option<Terms>,
    /// The deadline of late verdicts and answers; `None` leaves it to the engine.
    pub patience: Option<Option<Duration>>,
    /// True if the handler says that it never leaves content. It may not, then.
    pub takes_all: bool,
    /// Somebody whose output is looked at when content comes.
    pub watched: Option<Client>,
    /// What had been written to them by then.
    pub seen: Vec<u8>,
    /// How many pieces each batch had.
    pub batches: Vec<usize>,
}

impl Recorder {
    /// What happened since the last call.
    pub fn take_log(&mut self) -> Vec<String> {
        std::mem::take(&mut self.log)
    }

    /// The lines of the log that begin with a word, since the last [`Recorder::take_log`].
    pub fn logged(&self, word: &str) -> Vec<&str> {
        self.log.iter().map(String::as_str).filter(|line| line.starts_with(word)).collect()
    }

    /// The last request of a target.
    pub fn id(&self, target: &str) -> UploadId {
        let found = self.ids.iter().rev().find(|(known, _)| known == target);
        found.expect("a request that has begun").1
    }
}

impl Resident for Recorder {}

impl Keeps for Recorder {
    fn keeps(&self) -> bool {
        !self.kept.is_empty()
    }
}

impl Handler for Recorder {
    type Upload = Received;

    fn begin(&mut self, request: Request<'_>) -> Verdict<Received> {
        let target = request.head().target().to_owned();
        let over = if request.exceeds_body_limit() { " over the limit" } else { "" };
        self.log.push(format!("begin {} {target}{over}", request.head().method()));
        self.ids.push((target.clone(), request.id()));
        if target.starts_with("/refuse") {
            return Verdict::Answer(Response::text(403, "refused"));
        }
        let waits = target.starts_with("/wait");
        let content = Received { id: request.id(), target, bytes: Vec::new() };
        let terms = match self.patience {
            Some(limit) => Some(self.terms.clone().unwrap_or_default().late(limit)),
            None => self.terms.clone(),
        };
        match terms {
            Some(terms) if waits => Verdict::WaitOn(content, terms),
            Some(terms) => Verdict::TakeOn(content, terms),
            None if waits => Verdict::Wait(content),
            None => Verdict::Take(content),
        }
    }

    fn consume(&mut self, pieces: &mut [Piece<Received>]) {
        self.batches.push(pieces.len());
        if let Some(client) = &self.watched {
            self.seen = client.output();
        }
        for piece in pieces {
            let mut length = piece.data().len();
            let is_full = piece.upload().target.starts_with("/full");
            let is_kept = piece.upload().target.starts_with("/keep");
            let in_bits = is_kept || piece.upload().target.starts_with("/bits");
            if is_full || in_bits {
                length = length.min(self.bits.pop_front().unwrap_or(usize::MAX));
                piece.take(length);
            }
            let last = if piece.last() { " last" } else { "" };
            let (content, data) = piece.parts();
            let shown = String::from_utf8_lossy(&data[..data.len().min(32)]).into_owned();
            self.log.push(format!("consume {} {shown} {length}{last}", content.target));
            content.bytes.extend(&data[..length]);
            let is_full = is_full && content.bytes.len() >= self.room;
            if is_kept {
                self.kept.push_back(piece.keep());
            }
            if in_bits && let Some(credit) = self.credits.pop_front() {
                piece.credit(credit);
            }
            if is_full {
                piece.answer(Response::text(507, "full"));
            }
        }
    }

    fn finish(&mut self, message: Finished<'_>, content: Received) -> Reply {
        assert_eq!(message.received(), content.bytes.len() as u64);
        assert_eq!(message.id(), content.id);
        let mut line = format!("finish {}", content.target);
        for (name, value) in message.trailers().iter() {
            line += &format!(" {name}={}", String::from_utf8_lossy(value));
        }
        self.log.push(line);
        if content.target.starts_with("/late") || content.target.ends_with("-late") {
            return self.patience.map_or(Reply::Later, Reply::LaterWithin);
        }
        Reply::Now(Response::text(200, digest(&content.bytes)))
    }

    fn refused(&mut self, refusal: &Refused<'_, Received>, response: Response) -> Response {
        let Some(dress) = &self.dress else { return response };
        let of = refusal.upload.map_or("-", |content| content.target.as_str());
        let slow = refusal.too_slow.map_or(String::new(), |too_slow| format!(": {too_slow}"));
        let (reject, status) = (refusal.reject, response.status());
        self.log.push(format!("refused {of} {reject:?} {status}{slow}"));
        assert!(self.ids.iter().any(|(_, id)| *id == refusal.id), "a request that has begun");
        dress.clone()
    }

    fn may_leave_content(&self) -> bool {
        !self.takes_all
    }

    fn ended(&mut self, report: &Report<'_>, upload: Option<Received>) {
        let name = report.id.map_or("-", |id| {
            let found = self.ids.iter().find(|(_, known)| *known == id);
            found.expect("a request that has begun").0.as_str()
        });
        let status = report.response.map_or(0, Response::status);
        let how = match report.outcome {
            Outcome::Answered(after) => format!("Answered({after:?})"),
            other => format!("{other:?}"),
        };
        let back = if upload.is_some() { " upload" } else { "" };
        let kept = match (report.method, report.target) {
            (Some(method), Some(target)) => format!(" as {method} {target}"),
            _ => String::new(),
        };
        let after = match report.duration {
            Duration::ZERO => String::new(),
            duration => format!(" after {duration:?}"),
        };
        let received = report.received;
        let slow = report.too_slow.map_or(String::new(), |too_slow| format!(": {too_slow}"));
        let how = format!("{status} {how} {received} bytes{after}{back}{kept}{slow}");
        self.log.push(format!("ended {name} {how}"));
    }
}
