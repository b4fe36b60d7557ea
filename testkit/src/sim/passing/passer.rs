//! A handler that is a resident, too: what it takes it passes on over links of its own.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use md5::{Digest, Md5};
use streamsum::engine::{Now, Ready};
use streamsum::handler::{
    Finished, Handler, Outcome, Piece, Reply, Report, Request, UploadId, Verdict,
};
use streamsum::proto::Response;
use streamsum::resident::{Decisions, Resident};

use crate::content;
use crate::random::Random;
use crate::sim::{Keeps, Socket};

/// The word of a store that has kept an upload.
pub(super) const KEPT: u8 = b'k';

/// The word of a store that has not.
pub(super) const FAILED: u8 = b'f';

/// So long it waits for a store's word.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// How often its timer is due.
const TICK: Duration = Duration::from_millis(250);

/// How far the upload of a place has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its content comes, and goes on to the store.
    Passing,
    /// Likewise, and the store takes no more for now.
    Full,
    /// The store has all of it, and owes a word since then.
    Whole { digest: String, since: Option<Instant> },
    /// The store has said its word, or the link is of no use.
    Answered { kept: bool },
}

/// One link to the store. It carries one upload at a time.
#[derive(Debug)]
pub(super) struct Place {
    /// `None` if it is broken, or was given up.
    pub(super) socket: Option<Socket<false>>,
    ready: Ready,
    pub(super) upload: Option<(UploadId, usize, Stage)>,
}

impl Place {
    fn is_free(&self) -> bool {
        self.socket.is_some() && self.upload.is_none()
    }

    fn give_up(&mut self) {
        self.socket = None;
        self.ready = Ready::default();
    }

    /// Writes what the link takes; `None` if it is broken.
    fn write(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut written = 0;
        while written < bytes.len() {
            match self.socket.as_mut()?.write(&bytes[written..]) {
                Ok(0) => return None,
                Ok(length) => written += length,
                Err(error) => match error.kind() {
                    ErrorKind::Interrupted => {}
                    ErrorKind::WouldBlock => {
                        self.ready.writable = false;
                        break;
                    }
                    _ => return None,
                },
            }
        }
        Some(written)
    }

    /// The store's word, if it has come.
    fn read(&mut self) -> io::Result<Option<u8>> {
        let Some(socket) = &mut self.socket else { return Ok(None) };
        let mut word = [0];
        loop {
            match socket.read(&mut word) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(_) => return Ok(Some(word[0])),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.ready.readable = false;
                    return Ok(None);
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// What it keeps of an upload itself.
#[derive(Debug)]
pub(super) struct Upload {
    id: UploadId,
    hash: Md5,
}

/// Each upload needs a place, or waits for one.
#[derive(Debug)]
pub(super) struct Passer {
    pub(super) places: Vec<Place>,
    waiting: VecDeque<(UploadId, usize)>,
    /// Those that are to go on though no event will tell.
    stopped: Vec<UploadId>,
    /// Set by its first work, when the clock shows nothing yet.
    tick: Option<Instant>,
    pub(super) ticks: u64,
    /// What each upload was answered, by its number.
    pub(super) told: BTreeMap<usize, u16>,
    /// How many had to wait for a place.
    pub(super) waited: u64,
    /// How many times a store took no more.
    pub(super) full: u64,
    random: Random,
}

impl Passer {
    pub(super) fn new(sockets: Vec<Socket<false>>, random: Random) -> Self {
        let place = |socket| Place { socket: Some(socket), ready: Ready::default(), upload: None };
        Self {
            places: sockets.into_iter().map(place).collect(),
            waiting: VecDeque::new(),
            stopped: Vec::new(),
            tick: None,
            ticks: 0,
            told: BTreeMap::new(),
            waited: 0,
            full: 0,
            random,
        }
    }

    /// The ticks that there should have been by then.
    pub(super) fn ticks_in(time: Duration) -> u64 {
        u64::try_from(time.as_millis() / TICK.as_millis()).expect("not so long")
    }

    fn place_of(&mut self, id: UploadId) -> &mut Place {
        let serves = |place: &&mut Place| place.upload.as_ref().is_some_and(|(own, ..)| *own == id);
        self.places.iter_mut().find(serves).expect("a place that serves it")
    }

    /// One whose timer has run out, or whose link is broken, or about which the store has said
    /// its word.
    fn decide(place: &mut Place, now: Now, decisions: &mut Decisions) {
        let word = if place.ready.readable { place.read() } else { Ok(None) };
        let Some((id, _, stage)) = &mut place.upload else {
            assert!(!matches!(word, Ok(Some(_))), "a word about nothing");
            if word.is_err() {
                place.give_up();
            }
            return;
        };
        let mut answer = |stage: &mut Stage, status, text: String| {
            *stage = Stage::Answered { kept: status == 200 };
            decisions.answer(*id, Response::text(status, text));
        };
        match (word, &mut *stage) {
            (_, Stage::Answered { .. }) => {}
            (Err(_), stage) => {
                answer(stage, 502, "the store is gone".to_owned());
                place.give_up();
            }
            (Ok(Some(KEPT)), Stage::Whole { digest, .. }) => {
                let digest = digest.clone();
                answer(stage, 200, digest);
            }
            (Ok(Some(FAILED)), stage) => answer(stage, 507, "not kept".to_owned()),
            (Ok(Some(word)), stage) => panic!("the word {word} amid {stage:?}"),
            (Ok(None), Stage::Whole { since, .. }) => {
                let since = *since.get_or_insert(now.monotonic);
                if now.monotonic >= since + PATIENCE {
                    answer(stage, 504, "the store says nothing".to_owned());
                    place.give_up();
                }
            }
            (Ok(None), stage @ Stage::Full) if place.ready.writable => {
                *stage = Stage::Passing;
                decisions.resume(*id);
            }
            (Ok(None), _) => {}
        }
    }
}

impl Resident for Passer {
    fn places(&self) -> usize {
        self.places.len()
    }

    fn note(&mut self, place: usize, ready: Ready) {
        let noted = &mut self.places[place].ready;
        noted.readable |= ready.readable;
        noted.writable |= ready.writable;
    }

    fn deadline(&self, now: Now) -> Option<Instant> {
        let can_go_on = !self.waiting.is_empty() && self.places.iter().any(Place::is_free);
        let tick = self.tick.filter(|_| !can_go_on && self.stopped.is_empty());
        let Some(tick) = tick else { return Some(now.monotonic) };
        let due = self.places.iter().filter_map(|place| match place.upload.as_ref()?.2 {
            // Its time begins when it works.
            Stage::Whole { since, .. } => Some(since.map_or(now.monotonic, |at| at + PATIENCE)),
            _ => None,
        });
        due.chain([tick]).min()
    }

    fn work(&mut self, now: Now, decisions: &mut Decisions) {
        let tick = *self.tick.get_or_insert(now.monotonic + TICK);
        assert!(now.monotonic <= tick, "a tick came too late");
        if now.monotonic == tick {
            self.tick = Some(tick + TICK);
            self.ticks += 1;
        }
        for id in self.stopped.drain(..) {
            decisions.resume(id);
        }
        for place in &mut self.places {
            Self::decide(place, now, decisions);
            if place.is_free()
                && let Some((id, number)) = self.waiting.pop_front()
            {
                place.upload = Some((id, number, Stage::Passing));
                decisions.resume(id);
            }
        }
    }

    fn is_idle(&self) -> bool {
        self.places.iter().all(|place| place.upload.is_none())
    }
}

impl Keeps for Passer {}

impl Handler for Passer {
    type Upload = Upload;

    fn may_leave_content(&self) -> bool {
        true
    }

    fn begin(&mut self, request: Request<'_>) -> Verdict<Upload> {
        let id = request.id();
        let number = request.head().target()[1..].parse().expect("a number");
        let upload = Upload { id, hash: Md5::new() };
        match self.places.iter_mut().find(|place| place.is_free()) {
            Some(place) if self.waiting.is_empty() => {
                place.upload = Some((id, number, Stage::Passing));
                Verdict::Take(upload)
            }
            _ => {
                self.waited += 1;
                self.waiting.push_back((id, number));
                Verdict::Wait(upload)
            }
        }
    }

    fn consume(&mut self, pieces: &mut [Piece<Upload>]) {
        for piece in pieces {
            let (id, length, last) = (piece.id(), piece.data().len(), piece.last());
            let place = self.place_of(id);
            let taken = place.write(piece.data());
            let Some((.., stage)) = &mut place.upload else { unreachable!("it serves this one") };
            assert_eq!(*stage, Stage::Passing, "read though the store takes no more");
            let Some(taken) = taken else {
                *stage = Stage::Answered { kept: false };
                place.give_up();
                piece.answer(Response::text(502, "the store is gone"));
                continue;
            };
            if taken < length {
                *stage = Stage::Full;
                self.full += 1;
                piece.take(taken);
            } else if !last && self.random.chance(20) {
                piece.credit(0);
                self.stopped.push(id);
            }
            let (upload, data) = piece.parts();
            upload.hash.update(&data[..taken]);
        }
    }

    fn finish(&mut self, _: Finished<'_>, upload: Upload) -> Reply {
        let digest = content::text(content::hex(upload.hash.finalize().into()));
        let place = self.place_of(upload.id);
        let Some((.., stage)) = &mut place.upload else { unreachable!("it serves this one") };
        *stage = Stage::Whole { digest, since: None };
        Reply::Later
    }

    fn ended(&mut self, report: &Report<'_>, _: Option<Upload>) {
        let Some(id) = report.id else { return };
        self.waiting.retain(|(waiting, _)| *waiting != id);
        self.stopped.retain(|stopped| *stopped != id);
        let serves = |place: &&mut Place| place.upload.as_ref().is_some_and(|(own, ..)| *own == id);
        let Some(place) = self.places.iter_mut().find(serves) else {
            assert!(matches!(report.outcome, Outcome::Aborted(_)), "answered without a place");
            return;
        };
        let Some((_, number, stage)) = place.upload.take() else { unreachable!("it has one") };
        match stage {
            Stage::Answered { kept: true } => {}
            // Half an upload is left on it; and that of one that was not kept.
            _ => place.give_up(),
        }
        if let Some(response) = report.response {
            let again = self.told.insert(number, response.status());
            assert_eq!(again, None, "answered twice");
        }
    }
}
