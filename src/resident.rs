//! What lives in a server's loop beside it: a [`Resident`], which has sockets and timers of its
//! own in the same poll, and decides on requests from there.
//!
//! It names no poll: like the engine, it is told of readiness and of the time. [`run`](crate::run)
//! lends it to the loop.

use std::time::Instant;

use crate::handler::{
    Finished, Handler, Piece, Refused, Reply, Report, Request, UploadId, Verdict,
};
use crate::link::Ready;
use crate::now::Now;
use crate::proto::Response;

/// A part of a program in the loop of a server, such as a timer, a listener of another kind, or
/// the connections on which a handler passes uploads on.
///
/// Once a round the loop shows it what happened to its sockets, has it
/// [work](Resident::work), and then the server takes its turn. None of the methods may block:
/// one thread serves all.
///
/// A handler may be a resident itself. The loop then lends that one object in turns: to note
/// and to work, as a resident; in the server's turn, as a handler. So what `consume` leaves for
/// `work` needs no lock. A handler without anything of the kind says
/// `impl Resident for MyHandler {}`; a [`Pair`] joins a handler and residents that do not know
/// each other.
///
/// # Example
///
/// Gives up what waits for an answer when an hour is over.
///
/// ```
/// use std::time::{Duration, Instant};
/// use streamsum::Now;
/// use streamsum::handler::UploadId;
/// use streamsum::proto::Response;
/// use streamsum::resident::{Decisions, Resident};
///
/// struct Hourly { next: Instant, waiting: Vec<UploadId> }
///
/// impl Resident for Hourly {
///     fn deadline(&self, _: Now) -> Option<Instant> {
///         Some(self.next)
///     }
///
///     fn work(&mut self, now: Now, decisions: &mut Decisions) {
///         if now.monotonic >= self.next {
///             self.next += Duration::from_secs(3600);
///             for id in self.waiting.drain(..) {
///                 decisions.answer(id, Response::text(503, "the hour is over"));
///             }
///         }
///     }
/// }
/// # let _ = Hourly { next: Instant::now(), waiting: Vec::new() }.is_idle();
/// ```
pub trait Resident {
    /// How many tokens of the loop's poll it uses: constant for its life. By default none.
    fn places(&self) -> usize {
        0
    }

    /// Notes what an event said of one of its sockets. Work belongs into
    /// [`work`](Resident::work), which comes when all events of this round were noted.
    ///
    /// `place` is from 0 up to [`places`](Resident::places), in the order of the tokens.
    fn note(&mut self, place: usize, ready: Ready) {
        let _ = (place, ready);
    }

    /// When it is to work next even if nothing is noted; `None` means when something is. It is
    /// asked before each wait. What the server's turn has left for it to do is due now.
    fn deadline(&self, now: Now) -> Option<Instant> {
        let _ = now;
        None
    }

    /// Does what is to be done, once a round and before the server's turn, whether anything was
    /// noted or not. The turn carries out what it decides.
    fn work(&mut self, now: Now, decisions: &mut Decisions) {
        let _ = (now, decisions);
    }

    /// True if a drain may end: it has nothing under way that has to be finished. By default
    /// true: no drain waits for it.
    fn is_idle(&self) -> bool {
        true
    }
}

/// Nobody.
impl Resident for () {}

/// A resident that is chosen at run time, or a handler that is one itself.
///
/// # Example
///
/// ```
/// use std::time::{Duration, Instant};
/// use streamsum::Now;
/// use streamsum::engine::Ready;
/// use streamsum::resident::{Decisions, Resident};
///
/// /// Has one socket, and work a second after it told of something.
/// #[derive(Default)]
/// struct Echo { noted: bool, due: Option<Instant> }
///
/// impl Resident for Echo {
///     fn places(&self) -> usize {
///         1
///     }
///     fn note(&mut self, _: usize, ready: Ready) {
///         self.noted = ready.readable;
///     }
///     fn deadline(&self, _: Now) -> Option<Instant> {
///         self.due
///     }
///     fn work(&mut self, now: Now, _: &mut Decisions) {
///         self.due = self.noted.then(|| now.monotonic + Duration::from_secs(1));
///     }
///     fn is_idle(&self) -> bool {
///         self.due.is_none()
///     }
/// }
///
/// let mut resident: Box<dyn Resident> = Box::new(Echo::default());
/// resident.note(0, Ready { readable: true, ..Ready::default() });
/// let now = Now::now();
/// resident.work(now, &mut Decisions::default());
/// assert_eq!(resident.deadline(now), Some(now.monotonic + Duration::from_secs(1)));
/// assert!(!resident.is_idle() && resident.places() == 1);
/// ```
impl<R: Resident + ?Sized> Resident for Box<R> {
    fn places(&self) -> usize {
        (**self).places()
    }

    fn note(&mut self, place: usize, ready: Ready) {
        (**self).note(place, ready);
    }

    fn deadline(&self, now: Now) -> Option<Instant> {
        (**self).deadline(now)
    }

    fn work(&mut self, now: Now, decisions: &mut Decisions) {
        (**self).work(now, decisions);
    }

    fn is_idle(&self) -> bool {
        (**self).is_idle()
    }
}

/// Two residents, of which the first has the first tokens.
///
/// # Example
///
/// ```
/// use streamsum::engine::Ready;
/// use streamsum::resident::Resident;
///
/// /// Has two sockets.
/// #[derive(Default)]
/// struct Two([bool; 2]);
///
/// impl Resident for Two {
///     fn places(&self) -> usize {
///         2
///     }
///     fn note(&mut self, place: usize, ready: Ready) {
///         self.0[place] = ready.readable;
///     }
/// }
///
/// let mut both = (Two::default(), Two::default());
/// assert_eq!(both.places(), 4);
/// both.note(3, Ready { readable: true, ..Ready::default() });
/// assert_eq!((both.0.0, both.1.0), ([false, false], [false, true]));
/// ```
impl<A: Resident, B: Resident> Resident for (A, B) {
    fn places(&self) -> usize {
        self.0.places() + self.1.places()
    }

    fn note(&mut self, place: usize, ready: Ready) {
        match place.checked_sub(self.0.places()) {
            None => self.0.note(place, ready),
            Some(place) => self.1.note(place, ready),
        }
    }

    fn deadline(&self, now: Now) -> Option<Instant> {
        let both = [self.0.deadline(now), self.1.deadline(now)];
        both.into_iter().flatten().min()
    }

    fn work(&mut self, now: Now, decisions: &mut Decisions) {
        self.0.work(now, decisions);
        self.1.work(now, decisions);
    }

    fn is_idle(&self) -> bool {
        self.0.is_idle() && self.1.is_idle()
    }
}

/// What was decided on requests, to be carried out together.
///
/// # Example
///
/// ```
/// use streamsum::handler::UploadId;
/// use streamsum::proto::Response;
/// use streamsum::resident::Decisions;
///
/// fn decide(ready: &[UploadId], failed: &[UploadId], decisions: &mut Decisions) {
///     for id in ready {
///         decisions.resume(*id);
///     }
///     for id in failed {
///         decisions.answer(*id, Response::text(507, "the disk is full"));
///     }
/// }
/// # let mut decisions = Decisions::default();
/// # decide(&[], &[], &mut decisions);
/// # assert!(decisions.is_empty());
/// ```
#[derive(Debug, Default)]
pub struct Decisions {
    pub(crate) list: Vec<(UploadId, Decision)>,
}

/// What was decided on one request.
#[derive(Debug)]
pub(crate) enum Decision {
    Resume,
    Answer(Response),
}

impl Decisions {
    /// Goes on with a request that waits for its verdict, or that is paused: see
    /// [`Engine::resume`](crate::engine::Engine::resume).
    pub fn resume(&mut self, id: UploadId) {
        self.list.push((id, Decision::Resume));
    }

    /// Answers a request that has no answer yet: see
    /// [`Engine::answer`](crate::engine::Engine::answer).
    pub fn answer(&mut self, id: UploadId, response: Response) {
        self.list.push((id, Decision::Answer(response)));
    }

    /// Takes over all of another's, and leaves it empty.
    pub fn append(&mut self, other: &mut Self) {
        self.list.append(&mut other.list);
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// True if nothing was decided.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// Takes decisions from any thread to the loops that carry them out, as a
/// [`Handle`](crate::run::Handle) does. A program that has a loop of its own around an
/// [`Engine`](crate::engine::Engine) has its own way there.
///
/// # Example
///
/// ```
/// use std::sync::Mutex;
/// use streamsum::resident::{Decide, Decisions};
///
/// /// What the loop passes to `Engine::decide` before its next turn.
/// #[derive(Default)]
/// struct Waiting(Mutex<Decisions>);
///
/// impl Decide for Waiting {
///     fn decide(&self, decisions: &mut Decisions) {
///         if let Ok(mut waiting) = self.0.lock() {
///             waiting.append(decisions);
///         }
///     }
/// }
/// # Waiting::default().decide(&mut Decisions::default());
/// ```
pub trait Decide: Send + Sync {
    /// Takes all decisions that there is room for at the moment, and those that nobody can carry
    /// out any more, out of `decisions`. What is left is to be offered again.
    fn decide(&self, decisions: &mut Decisions);
}

/// A handler and the residents beside it as one, to be lent to a loop.
///
/// # Example
///
/// ```
/// use streamsum::Checksum;
/// use streamsum::resident::{Pair, Resident};
///
/// let alone = Pair::alone(Checksum::new());
/// assert!(alone.is_idle());
/// ```
#[derive(Clone, Debug)]
pub struct Pair<H, R> {
    /// Serves requests.
    pub handler: H,
    /// Lives in the same loop.
    pub resident: R,
}

impl<H, R> Pair<H, R> {
    /// Joins them.
    pub fn new(handler: H, resident: R) -> Self {
        Self { handler, resident }
    }
}

impl<H> Pair<H, ()> {
    /// A handler with nobody beside it.
    pub fn alone(handler: H) -> Self {
        Self::new(handler, ())
    }
}

impl<H, R: Resident> Resident for Pair<H, R> {
    fn places(&self) -> usize {
        self.resident.places()
    }

    fn note(&mut self, place: usize, ready: Ready) {
        self.resident.note(place, ready);
    }

    fn deadline(&self, now: Now) -> Option<Instant> {
        self.resident.deadline(now)
    }

    fn work(&mut self, now: Now, decisions: &mut Decisions) {
        self.resident.work(now, decisions);
    }

    fn is_idle(&self) -> bool {
        self.resident.is_idle()
    }
}

impl<H: Handler, R> Handler for Pair<H, R> {
    type Upload = H::Upload;

    fn begin(&mut self, request: Request<'_>) -> Verdict<H::Upload> {
        self.handler.begin(request)
    }

    fn consume(&mut self, pieces: &mut [Piece<H::Upload>]) {
        self.handler.consume(pieces);
    }

    fn verify(&mut self, message: &Finished<'_>, upload: &mut H::Upload) -> Option<Response> {
        self.handler.verify(message, upload)
    }

    fn finish(&mut self, message: Finished<'_>, upload: H::Upload) -> Reply {
        self.handler.finish(message, upload)
    }

    fn refused(&mut self, refusal: &Refused<'_, H::Upload>, response: Response) -> Response {
        self.handler.refused(refusal, response)
    }

    fn may_leave_content(&self) -> bool {
        self.handler.may_leave_content()
    }

    fn ended(&mut self, report: &Report<'_>, upload: Option<H::Upload>) {
        self.handler.ended(report, upload);
    }
}
