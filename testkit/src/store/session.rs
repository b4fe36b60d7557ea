//! One connection, as the store sees it: bytes in, bytes out, and the time from outside.

mod exchange;
mod giving;
mod input;

use std::time::{Duration, SystemTime};

use super::log;
use super::output::{Output, Step};
use super::request::{Head, Subject};
use super::script::{Acts, Asked};
use super::state::State;
use super::{Act, Answer, Cut, End, Refuses, Side, Store, Then, content};
use exchange::{Exchange, Next};
use input::Input;

/// A head that has more bytes is refused.
const LONGEST_HEAD: usize = 16 << 10;

/// No more is read as long as so many bytes wait for an answer to what came before them.
const MOST_UNUSED: usize = 1 << 20;

/// A connection to a [`Store`]. However its bytes are cut, what comes of them is the same.
///
/// Whoever drives it hands over what was received, sends what is to be sent, tells the time
/// when [`Session::deadline`] has come, and ends the connection as [`Session::end`] says, once
/// all is sent.
#[derive(Debug)]
pub struct Session {
    store: Store,
    link: Link,
    phase: Phase,
}

/// What all phases have.
#[derive(Debug)]
struct Link {
    /// Which of the log's connections it is.
    number: usize,
    now: SystemTime,
    input: Input,
    output: Output,
    pause: Pause,
    /// Requests whose head came.
    requests: usize,
    /// True if the client has sent more before it had its answer.
    is_hasty: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pause {
    No,
    Until(SystemTime),
    ForGood,
}

#[derive(Debug)]
enum Phase {
    Head(Idle),
    Content(Box<Exchange>),
    /// The content is read; the answer is due, or some of it.
    Answered {
        /// Which of the log's requests it is, if one came.
        request: Option<usize>,
        /// How the connection ends if no request follows for so long.
        idle: Option<(Duration, End)>,
    },
    /// All that comes is dropped.
    Over,
}

/// Between two requests.
#[derive(Debug)]
struct Idle {
    end: Option<(SystemTime, End)>,
    /// After so many bytes of the head.
    end_in_head: Option<(usize, End)>,
    /// So many bytes of input were looked through for the end of the head.
    searched: usize,
}

impl Session {
    pub(super) fn new(store: Store, now: SystemTime) -> Self {
        let number = {
            let mut state = store.state();
            state.log.connections.push(log::Connection::default());
            state.log.connections.len() - 1
        };
        let (output, pause) = (Output::new(now), Pause::No);
        let (input, requests, is_hasty) = (Input::default(), 0, false);
        let link = Link { number, now, input, output, pause, requests, is_hasty };
        let mut session =
            Self { store, link, phase: Phase::Answered { request: None, idle: None } };
        session.act(|_, _, _| {});
        session
    }

    /// Which of the log's connections it is.
    pub fn number(&self) -> usize {
        self.link.number
    }

    /// Takes what came.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.act(|link, _, state| {
            state.log.connections[link.number].received += bytes.len() as u64;
            link.input.push(bytes);
        });
    }

    /// The client has ended the connection.
    pub fn client_ended(&mut self, end: End) {
        self.act(|link, phase, state| link.client_ended(phase, state, end));
    }

    /// What time it is, which must not go back.
    pub fn advance(&mut self, now: SystemTime) {
        self.act(|link, phase, state| link.advance(phase, state, now));
    }

    /// When there is something to do, even if nothing comes.
    pub fn deadline(&self) -> Option<SystemTime> {
        let pause = match self.link.pause {
            Pause::Until(end) => Some(end),
            Pause::No | Pause::ForGood => None,
        };
        let own = match &self.phase {
            Phase::Head(idle) => idle.end.map(|(time, _)| time),
            Phase::Content(exchange) => exchange.deadline(),
            Phase::Answered { .. } | Phase::Over => None,
        };
        [pause, own, self.link.output.deadline()].into_iter().flatten().min()
    }

    /// True if it takes more bytes. If not, they are to be left where they are.
    pub fn reads(&self) -> bool {
        self.link.pause == Pause::No && self.link.input.len() < MOST_UNUSED
    }

    /// What is to be sent now; empty if nothing is. Each piece is to be sent by itself.
    pub fn to_send(&self) -> &[u8] {
        self.link.output.to_send()
    }

    /// So many of these bytes are sent.
    pub fn sent(&mut self, count: usize) {
        self.link.output.sent(count);
    }

    /// How the store ends the connection, once all is sent.
    pub fn end(&self) -> Option<End> {
        self.link.output.end().filter(|_| self.to_send().is_empty())
    }

    /// Does something, then all that can be done.
    fn act(&mut self, what: impl FnOnce(&mut Link, &mut Phase, &mut State)) {
        let mut state = self.store.state();
        what(&mut self.link, &mut self.phase, &mut state);
        while self.link.step(&mut self.phase, &mut state) {}
        drop(state);
        self.store.notify();
    }
}

impl Link {
    /// True if something was done, and there may be more.
    fn step(&mut self, phase: &mut Phase, state: &mut State) -> bool {
        if let Some(end) = self.output.end()
            && !matches!(phase, Phase::Over)
        {
            let request = request_of(phase);
            state.note_end(self.number, request, Cut { by: Side::Store, end });
            *phase = Phase::Over;
        }
        if self.pause != Pause::No && !matches!(phase, Phase::Over) {
            return false;
        }
        match phase {
            Phase::Over => {
                state.log.connections[self.number].late += self.input.len() as u64;
                self.input.clear();
                false
            }
            Phase::Answered { .. } if self.output.waits() => {
                if !self.input.is_empty() && !self.is_hasty {
                    self.is_hasty = true;
                    state.fault(self.number, "bytes came before the answer to those before them");
                }
                false
            }
            Phase::Answered { idle, .. } => {
                let idle = *idle;
                *phase = Phase::Head(self.begin_head(state, idle));
                true
            }
            Phase::Head(idle) => match self.take_head(state, idle) {
                Some(next) => {
                    *phase = next;
                    true
                }
                None => self.output.end().is_some(),
            },
            Phase::Content(exchange) => match exchange.take(self, state) {
                Next::More => true,
                Next::Wait => self.output.end().is_some(),
                Next::Phase(next) => {
                    *phase = next;
                    true
                }
            },
        }
    }

    fn begin_head(&mut self, state: &mut State, idle: Option<(Duration, End)>) -> Idle {
        let asked = Asked { connection: self.number, is_reused: self.requests > 0, subject: None };
        let acts = state.script.acts(asked);
        if let Some(bytes) = acts.find(|act| match act {
            Act::BytesBeforeHead(bytes) => Some(bytes.clone()),
            _ => None,
        }) {
            self.output.push([Step::Bytes(bytes)], self.now);
        }
        let end_in_head = acts.find(|act| match act {
            Act::EndInHead { after, end } => Some((*after, *end)),
            _ => None,
        });
        let end = idle.map(|(time, end)| (self.now + time, end));
        Idle { end, end_in_head, searched: 0 }
    }

    /// Takes a head if it has come.
    fn take_head(&mut self, state: &mut State, idle: &mut Idle) -> Option<Phase> {
        let length = head_length(&self.input, &mut idle.searched);
        if !self.input.is_empty() {
            idle.end = None;
        }
        if let Some((after, end)) = idle.end_in_head {
            let come = length.unwrap_or(self.input.len());
            if come >= after {
                state.log.connections[self.number].unfinished_head = after;
                self.input.take(after);
                self.output.cut(end);
                return None;
            }
        }
        if idle.end.is_some_and(|(time, _)| time <= self.now) {
            let (_, end) = idle.end?;
            self.output.cut(end);
            return None;
        }
        let Some(length) = length.filter(|length| *length <= LONGEST_HEAD) else {
            if self.input.len() > LONGEST_HEAD {
                return Some(self.refuse_head(state, "the head is too long"));
            }
            return None;
        };
        let read = Head::read(self.input.take(length)).and_then(|head| Ok((head.framing()?, head)));
        match read {
            Ok((framing, head)) => Some(self.begin(state, head, framing)),
            Err(what) => Some(self.refuse_head(state, what)),
        }
    }

    fn refuse_head(&mut self, state: &mut State, what: &str) -> Phase {
        state.fault(self.number, what);
        let bytes = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        self.output.push([Step::Bytes(bytes.to_vec()), Step::End(End::Fin)], self.now);
        Phase::Answered { request: None, idle: None }
    }

    /// A request begins.
    fn begin(&mut self, state: &mut State, head: Head, framing: content::Framing) -> Phase {
        let subject = Subject::of(&head, &state.config);
        let asked = Asked {
            connection: self.number,
            is_reused: self.requests > 0,
            subject: Some((subject.operation, &subject.key)),
        };
        let acts = state.script.acts(asked);
        let mut exchange = Exchange::new(self, state, head, subject, framing, acts);
        self.requests += 1;
        match exchange.judge_head(self, state) {
            Some(next) => next,
            None => Phase::Content(Box::new(exchange)),
        }
    }

    fn advance(&mut self, phase: &mut Phase, state: &mut State, now: SystemTime) {
        self.now = self.now.max(now);
        self.output.advance(self.now);
        if matches!(self.pause, Pause::Until(end) if end <= self.now) {
            self.pause = Pause::No;
        }
        if let Phase::Content(exchange) = phase
            && let Some(next) = exchange.time_out(self, state)
        {
            *phase = next;
        }
    }

    fn client_ended(&mut self, phase: &mut Phase, state: &mut State, end: End) {
        state.note_end(self.number, request_of(phase), Cut { by: Side::Client, end });
        match phase {
            Phase::Content(exchange) => exchange.cut(self, state, end),
            Phase::Head(_) => {
                state.log.connections[self.number].unfinished_head = self.input.len();
                self.input.clear();
            }
            Phase::Answered { .. } | Phase::Over => {}
        }
        match end {
            End::Reset => {
                self.output.drop_all();
                *phase = Phase::Over;
            }
            // What was asked for is answered before the connection ends.
            End::Fin => self.output.push([Step::End(End::Fin)], self.now),
        }
    }
}

/// The request that is being read or answered, by its number in the log.
fn request_of(phase: &Phase) -> Option<usize> {
    match phase {
        Phase::Content(exchange) => Some(exchange.request()),
        Phase::Answered { request, .. } => *request,
        Phase::Head(_) | Phase::Over => None,
    }
}

/// The length of the head at the start of `input`, its empty line included. `searched` bytes
/// have been looked through before.
fn head_length(input: &[u8], searched: &mut usize) -> Option<usize> {
    let from = searched.saturating_sub(3).min(input.len());
    let found = input[from..].windows(4).position(|window| window == b"\r\n\r\n");
    *searched = input.len();
    found.map(|at| from + at + 4)
}
