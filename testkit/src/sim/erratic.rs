//! A handler that does everything a handler may, and holds the engine to its contract.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use md5::Digest;
use streamsum::handler::{
    Abort, Content, Finished, Handler, Outcome, PeerAddr, Piece, Refused, Reply, Report, Request,
    Terms, TooSlow, UploadId, Verdict,
};
use streamsum::proto::{After, CloseReason, Framing, Reject, Response};
use streamsum::resident::Resident;

use super::faults::MOST_CONTENT;
use super::world::FULL;
use super::{Keeps, Reached};
use crate::content;
use crate::random::Random;

/// The field of a refusal that the handler has dressed.
pub(crate) const DRESSED: &str = "X-Refused";

/// What the engine gives back with each piece.
#[derive(Debug)]
pub(crate) struct Work {
    id: UploadId,
    way: String,
    hash: md5::Md5,
    taken: u64,
}

/// Whose turn it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Waiting,
    Taking,
    Paused,
    /// All has come; the answer that is owed.
    Late(String),
    Finished,
    Refused,
    /// The handler has answered a piece, which was the message's last if so, or the message.
    GivenUp {
        was_last: bool,
    },
}

/// A deadline that the handler may set for a request: that of its late word, or for a byte of
/// content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// As the engine is configured.
    AsConfigured,
    /// What the engine was told, in milliseconds.
    Own(Option<u64>),
}

impl Patience {
    fn any(random: &mut Random) -> Self {
        let own = [None, Some(0), Some(300), Some(1_000), Some(2_500), Some(6_000), Some(90_000)];
        if random.chance(60) { Self::AsConfigured } else { Self::Own(*random.pick(&own)) }
    }

    fn told(millis: Option<u64>) -> Option<Duration> {
        millis.map(Duration::from_millis)
    }

    /// What it comes to: whole seconds, one at least.
    pub(crate) fn limit(self, configured: Option<Duration>) -> Option<Duration> {
        match self {
            Self::AsConfigured => configured,
            Self::Own(millis) => Some(Duration::from_secs(millis?.div_ceil(1_000).max(1))),
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Open {
    pub(crate) peer: usize,
    pub(crate) number: usize,
    pub(crate) stage: Stage,
    /// How long it may take for the word that it owes, or owed last.
    pub(crate) patience: Patience,
    /// How long the client may send no content.
    pub(crate) stall: Patience,
    /// What was said of its refusal.
    refusal: Option<Response>,
    /// True if the engine was given an answer before the upload had ended.
    pub(crate) is_cut_short: bool,
    /// How much may come before it pauses.
    pub(crate) credit: Option<u64>,
}

impl Open {
    /// True if the handler owes a word.
    pub(crate) fn is_owed(&self) -> bool {
        let is_owed = matches!(self.stage, Stage::Waiting | Stage::Paused | Stage::Late(_));
        is_owed && !self.is_cut_short
    }
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    /// None if it never began.
    pub(crate) number: Option<usize>,
    /// None if there was no answer.
    pub(crate) status: Option<u16>,
    pub(crate) outcome: Outcome,
    /// Of the word that was owed last.
    pub(crate) patience: Patience,
    pub(crate) stall: Patience,
    pub(crate) too_slow: Option<TooSlow>,
}

impl Ended {
    /// Why it was refused, if it was.
    pub(crate) fn reject(&self) -> Option<Reject> {
        match self.outcome {
            Outcome::Refused(reject) => Some(reject),
            Outcome::Answered(_) | Outcome::Aborted(_) => None,
        }
    }

    /// True if nothing comes behind it.
    pub(crate) fn closes(&self) -> bool {
        self.outcome != Outcome::Answered(After::Reuse)
    }

    pub(crate) fn is_unread(&self) -> bool {
        self.outcome == Outcome::Aborted(Abort::NotReading)
    }
}

/// Takes, waits, answers late or in parts, as the last part of the target says.
#[derive(Debug)]
pub(crate) struct Erratic {
    random: Random,
    leaves_content: bool,
    /// Content that was kept, and what it was then.
    kept: Vec<(Content, Vec<u8>)>,
    /// Requests that have begun and not ended.
    pub(crate) open: BTreeMap<UploadId, Open>,
    /// Requests that are over.
    pub(crate) over: BTreeSet<UploadId>,
    /// Of each peer, in order.
    ended: BTreeMap<usize, Vec<Ended>>,
    /// The request of each peer that has begun and not ended.
    current: BTreeMap<usize, UploadId>,
    /// How many requests of each peer have begun.
    begun_of: BTreeMap<usize, usize>,
    pub(crate) begun: usize,
    pub(crate) batches: u64,
    /// Messages in which it has found a fault when they had ended.
    pub(crate) faults: u64,
    pub(crate) pieces: u64,
    /// True if every answer has to be the last of its connection.
    pub(crate) drains: bool,
    pub(crate) reached: Reached,
}

impl Erratic {
    pub(crate) fn new(mut random: Random) -> Self {
        Self {
            leaves_content: random.chance(70),
            random,
            kept: Vec::new(),
            open: BTreeMap::new(),
            over: BTreeSet::new(),
            ended: BTreeMap::new(),
            current: BTreeMap::new(),
            begun_of: BTreeMap::new(),
            begun: 0,
            batches: 0,
            faults: 0,
            pieces: 0,
            drains: false,
            reached: Reached::default(),
        }
    }

    /// True if a peer waits for a word of the handler.
    pub(crate) fn blocks(&self, peer: usize) -> bool {
        self.open_of(peer).is_some_and(Open::is_owed)
    }

    /// A peer's request that has begun and not ended.
    pub(crate) fn open_of(&self, peer: usize) -> Option<&Open> {
        self.open.get(self.current.get(&peer)?)
    }

    /// How many of a peer's requests have begun.
    pub(crate) fn begun_of(&self, peer: usize) -> usize {
        self.begun_of.get(&peer).copied().unwrap_or_default()
    }

    /// How a peer's requests have ended.
    pub(crate) fn ended_of(&self, peer: usize) -> &[Ended] {
        self.ended.get(&peer).map_or(&[], Vec::as_slice)
    }

    /// True if it answers a piece before its message has ended, or at its end.
    fn gives_up(&mut self, piece: &mut Piece<Work>) -> bool {
        piece.upload().way == "give-up" && self.random.chance(30)
    }

    /// Says for some pieces how much may come behind them; true if that is nothing.
    fn allow(&mut self, piece: &mut Piece<Work>, taken: u64) -> bool {
        let sets = self.leaves_content && piece.upload().way == "bits" && self.random.chance(30);
        let open = self.open.get_mut(&piece.id()).expect("a request that has begun");
        open.credit = open.credit.map(|left| left - taken);
        if sets {
            let most = *self.random.pick(&[0, 1, 100, 5_000, u64::MAX]);
            piece.credit(most);
            open.credit = Some(most);
        }
        open.credit == Some(0)
    }

    /// Has a look at content that was kept, and gives back some of it, or all.
    pub(crate) fn give_back(&mut self, most: usize) {
        for (content, bytes) in self.kept.drain(..most.min(self.kept.len())) {
            assert_eq!(*content, *bytes, "content that was kept has changed");
        }
    }

    fn stage(&mut self, id: UploadId) -> &mut Stage {
        &mut self.open.get_mut(&id).expect("a request that has begun and not ended").stage
    }
}

/// The terms of a request; `None` if all is as configured.
fn terms(patience: Patience, stall: Patience) -> Option<Terms> {
    let terms = match patience {
        Patience::AsConfigured => None,
        Patience::Own(millis) => Some(Terms::new().late(Patience::told(millis))),
    };
    match stall {
        Patience::AsConfigured => terms,
        Patience::Own(millis) => {
            Some(terms.unwrap_or_default().body_timeout(Patience::told(millis)))
        }
    }
}

/// A refusal of its own, which says what it stands for.
fn dress(status: u16, reject: Reject) -> Response {
    let response = Response::text(status, dressed_content(reject));
    response.field(DRESSED, reject.reason()).expect("a field")
}

pub(crate) fn dressed_content(reject: Reject) -> String {
    format!("sorry: {reject}")
}

/// Peers are numbered by their ports.
fn number_of(peer: PeerAddr) -> usize {
    let PeerAddr::Tcp(address) = peer else { panic!("a peer without a number") };
    address.port().into()
}

impl Resident for Erratic {}

impl Keeps for Erratic {
    fn keeps(&self) -> bool {
        !self.kept.is_empty()
    }
}

impl Handler for Erratic {
    type Upload = Work;

    fn begin(&mut self, request: Request<'_>) -> Verdict<Work> {
        let parts: Vec<&str> = request.head().target().split('/').collect();
        let [_, peer, number, way] = parts[..] else { panic!("not a target of ours") };
        let (peer, number) = (peer.parse().unwrap(), number.parse().unwrap());
        assert_eq!(number_of(request.peer()), peer, "a request of another peer");
        assert!(self.current.insert(peer, request.id()).is_none(), "two requests at a time");
        assert_eq!(self.begun_of(peer), number, "requests out of order");
        self.begun_of.insert(peer, number + 1);
        let framing = request.head().framing();
        let is_over = matches!(framing, Framing::Length(length) if length > MOST_CONTENT);
        assert_eq!(request.exceeds_body_limit(), is_over);
        let stage = match way {
            "refuse" => Stage::Refused,
            "wait" | "late-wait" => Stage::Waiting,
            _ => Stage::Taking,
        };
        let patience = Patience::any(&mut self.random);
        let stall = Patience::any(&mut self.random);
        let open = Open {
            peer,
            number,
            stage: stage.clone(),
            patience,
            stall,
            refusal: None,
            is_cut_short: false,
            credit: None,
        };
        assert!(!self.over.contains(&request.id()), "an id that was used before");
        assert!(self.open.insert(request.id(), open).is_none(), "an id that is in use");
        self.begun += 1;
        let way = way.to_owned();
        let work = Work { id: request.id(), way, hash: md5::Md5::new(), taken: 0 };
        match stage {
            Stage::Refused => Verdict::Answer(Response::text(403, "refused")),
            Stage::Waiting => match terms(patience, stall) {
                None => Verdict::Wait(work),
                Some(terms) => Verdict::WaitOn(work, terms),
            },
            _ => match terms(patience, stall) {
                None => Verdict::Take(work),
                Some(terms) => Verdict::TakeOn(work, terms),
            },
        }
    }

    fn consume(&mut self, pieces: &mut [Piece<Work>]) {
        assert!(!pieces.is_empty());
        self.batches += 1;
        self.pieces += pieces.len() as u64;
        let ids: BTreeSet<UploadId> = pieces.iter().map(Piece::id).collect();
        assert_eq!(ids.len(), pieces.len(), "two pieces of one upload");
        // Their order means nothing, also on the way back.
        pieces.reverse();
        for piece in pieces {
            let id = piece.id();
            assert_eq!(piece.upload().id, id, "another one's upload");
            assert_eq!(*self.stage(id), Stage::Taking, "content that was not asked for");
            let length = piece.data().len();
            assert!(length > 0 || piece.last(), "an empty piece that is not the last");
            let credit = self.open[&id].credit;
            assert!(credit.is_none_or(|most| length as u64 <= most), "more than was allowed");
            let (gives_up, was_last) = (self.gives_up(piece), piece.last());
            let mut taken = length;
            let takes_part = gives_up || piece.upload().way == "bits";
            if takes_part && self.leaves_content && self.random.chance(40) {
                taken = self.random.below(length + 1);
                piece.take(taken);
            }
            let (work, data) = piece.parts();
            work.hash.update(&data[..taken]);
            work.taken += taken as u64;
            if takes_part && self.leaves_content && self.random.chance(30) {
                let bytes = data[..taken].to_vec();
                self.kept.push((piece.keep(), bytes));
            }
            let pauses = self.allow(piece, taken as u64) && !was_last || taken < length;
            if gives_up {
                piece.answer(Response::text(FULL, "full"));
                *self.stage(id) = Stage::GivenUp { was_last };
            } else if pauses {
                *self.stage(id) = Stage::Paused;
            }
        }
    }

    fn verify(&mut self, message: &Finished<'_>, work: &mut Work) -> Option<Response> {
        assert_eq!((message.id(), message.received()), (work.id, work.taken));
        if work.way != "give-up" || !self.random.chance(30) {
            return None;
        }
        self.faults += 1;
        *self.stage(work.id) = Stage::GivenUp { was_last: true };
        Some(Response::text(FULL, "full"))
    }

    fn finish(&mut self, message: Finished<'_>, work: Work) -> Reply {
        assert_eq!(message.id(), work.id);
        assert_eq!(*self.stage(work.id), Stage::Taking);
        let digest = content::text(content::hex(work.hash.finalize().into()));
        if work.way.starts_with("late") {
            *self.stage(work.id) = Stage::Late(digest);
            let Patience::Own(millis) = Patience::any(&mut self.random) else {
                return Reply::Later;
            };
            let open = self.open.get_mut(&work.id).expect("it has begun");
            open.patience = Patience::Own(millis);
            return Reply::LaterWithin(Patience::told(millis));
        }
        *self.stage(work.id) = Stage::Finished;
        Reply::Now(Response::text(200, digest))
    }

    fn refused(&mut self, refusal: &Refused<'_, Work>, response: Response) -> Response {
        let (id, reject) = (refusal.id, refusal.reject);
        assert_eq!(response, reject.response());
        let open = self.open.get_mut(&id).expect("a request that has begun and not ended");
        let is_gone = matches!(open.stage, Stage::Late(_) | Stage::Finished);
        assert_eq!(refusal.upload.map(|work| work.id), (!is_gone).then_some(id));
        assert_eq!(open.refusal, None, "refused twice");
        let response = match self.random.below(3) {
            0 => response,
            1 => dress(reject.status(), reject),
            _ => dress(429, reject),
        };
        open.refusal = Some(response.clone());
        response
    }

    fn may_leave_content(&self) -> bool {
        self.leaves_content
    }

    fn ended(&mut self, report: &Report<'_>, upload: Option<Work>) {
        let peer = number_of(report.peer);
        let status = report.response.map(Response::status);
        let is_aborted = matches!(report.outcome, Outcome::Aborted(_));
        assert_eq!(is_aborted, status.is_none());
        self.reached.count(report.outcome);
        let is_kept = report.outcome == Outcome::Answered(After::Reuse);
        assert!(!is_kept || !self.drains, "a connection is kept though there is a drain");
        let (mut patience, mut stall) = (Patience::AsConfigured, Patience::AsConfigured);
        let number = report.id.map(|id| {
            self.current.remove(&peer);
            let open = self.open.remove(&id).expect("ended once, after it began");
            assert_eq!(open.peer, peer, "a report of another peer");
            let is_gone = matches!(open.stage, Stage::Late(_) | Stage::Finished | Stage::Refused);
            assert_eq!(upload.is_none(), is_gone, "the upload of {:?}", open.stage);
            let is_refused = matches!(report.outcome, Outcome::Refused(_));
            let refusal = report.response.filter(|_| is_refused);
            assert_eq!(open.refusal.as_ref(), refusal, "refused otherwise");
            if let Stage::GivenUp { was_last } = open.stage {
                assert_eq!(status, Some(FULL), "another answer than that of its piece");
                let is_unread = Outcome::Answered(After::Close(CloseReason::ContentUnread));
                assert_eq!(report.outcome != is_unread, was_last, "{:?}", report.outcome);
            }
            assert!(self.over.insert(id));
            (patience, stall) = (open.patience, open.stall);
            open.number
        });
        self.ended.entry(peer).or_default().push(Ended {
            number,
            status,
            outcome: report.outcome,
            patience,
            stall,
            too_slow: report.too_slow,
        });
    }
}
