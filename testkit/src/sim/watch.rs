//! Holds the engine's deadlines against the clock, by what can be seen from outside:
//! nobody stays for longer than it may, and nobody is turned out sooner.

mod phase;

use std::time::Duration;

use streamsum::engine::Config;
use streamsum::handler::Missed;
use streamsum::proto::Reject;

use super::Client;
use super::erratic::{Ended, Erratic, Patience};
use super::peer::Peer;
use phase::{Phase, content_bytes, head_bytes, phase};

/// The grain of all deadlines.
const SWEEP: Duration = Duration::from_secs(1);

/// How long somebody is idle at least who makes room.
const LEAST_IDLE: Duration = Duration::from_secs(1);

/// A look of the engine at its deadlines.
#[derive(Clone, Copy, Debug)]
struct Sweep {
    /// Since the one before.
    passed: Duration,
    /// True if nothing has happened since.
    in_last_turn: bool,
}

/// A moment of the world.
#[derive(Clone, Copy, Debug)]
struct Moment {
    at: Duration,
    /// Time between sweeps in which the loop was busy elsewhere: who was not served then
    /// may stay longer by it.
    busy: Duration,
}

/// From when a clock counts. Where a pause, or a peer that does not read, came in between
/// it is not known exactly.
#[derive(Clone, Copy, Debug)]
struct Start {
    /// Not before this.
    first: Duration,
    /// Not after this.
    last: Moment,
}

impl Start {
    fn at(now: Moment) -> Self {
        Self { first: now.at, last: now }
    }

    /// The longest that it can have run until `now`.
    fn most(self, now: Moment) -> Duration {
        now.at - self.first
    }

    /// The shortest that it has run until it was looked at for the last time.
    fn least(self, now: Moment) -> Duration {
        let ran = (now.at - self.last.at).saturating_sub(now.busy - self.last.busy);
        ran.saturating_sub(SWEEP)
    }
}

/// What is remembered of one peer from look to look: its phase, and since when it does what.
#[derive(Clone, Debug)]
struct Marks {
    phase: Phase,
    since: Start,
    /// When the handler began to owe a word; the engine may refuse for that in the turn
    /// after the word was said.
    owing: Start,
    /// When a byte came last.
    progress: Start,
    /// When a byte went last, or there was nothing to go.
    written: Start,
    /// What its session was given: bytes, and reasons to write something of its own.
    given: usize,
    taken: usize,
    /// Bytes of the content under way.
    content: usize,
    output: usize,
    /// When there was first something to be written.
    answered: Option<Duration>,
    is_full: bool,
    /// Behind how many bytes of output it took no more.
    stuck_at: Option<usize>,
    /// How many bytes had come when the phase began.
    taken_before: usize,
    /// How many ends of requests were looked at.
    ended: usize,
}

/// What has happened to the loop.
#[derive(Debug)]
pub(crate) struct Watch {
    marks: Vec<Option<Marks>>,
    now: Moment,
    swept: Duration,
    busy_at_sweep: Duration,
    turns: u64,
    /// True if peers may be closed for the sake of an end.
    ends: bool,
    /// Who has made room since the last look.
    gives_way: Option<usize>,
}

/// The world at one moment.
pub(crate) struct View<'a> {
    pub(crate) peers: &'a [Peer],
    pub(crate) handler: &'a Erratic,
    pub(crate) config: &'a Config,
    pub(crate) turns: u64,
    pub(crate) at: Duration,
    /// True if nobody has to wait for room to be read.
    pub(crate) has_room: bool,
    /// True if the engine rests: all that came is dealt with.
    pub(crate) is_settled: bool,
}

impl Watch {
    pub(crate) fn new() -> Self {
        let now = Moment { at: Duration::ZERO, busy: Duration::ZERO };
        Self {
            marks: Vec::new(),
            now,
            swept: now.at,
            busy_at_sweep: now.at,
            turns: 0,
            ends: false,
            gives_way: None,
        }
    }

    /// The loop has other things to do.
    pub(crate) fn be_busy(&mut self, time: Duration) {
        self.now.busy += time;
    }

    /// From now on anybody may be closed at any time.
    pub(crate) fn expect_ends(&mut self) {
        self.ends = true;
    }

    /// This one may be closed now, if it was idle for long enough.
    pub(crate) fn expect_to_give_way(&mut self, number: usize) {
        self.gives_way = Some(number);
    }

    /// Looks at everybody. To be called before time goes on.
    pub(crate) fn look(&mut self, view: &View<'_>) {
        self.now.at = view.at;
        let passed = view.at - self.swept;
        let mut sweep = None;
        if view.turns > self.turns && passed >= SWEEP {
            sweep = Some(Sweep { passed, in_last_turn: view.turns == self.turns + 1 });
            if self.now.busy > self.busy_at_sweep {
                self.now.busy = self.busy_at_sweep + passed;
            }
            (self.swept, self.busy_at_sweep) = (view.at, self.now.busy);
        }
        self.turns = view.turns;
        self.marks.resize(view.peers.len(), None);
        for (number, peer) in view.peers.iter().enumerate() {
            let Some(client) = &peer.client else { continue };
            self.look_at(number, client, sweep, view);
        }
        self.gives_way = None;
    }

    fn look_at(&mut self, number: usize, client: &Client, sweep: Option<Sweep>, view: &View<'_>) {
        let peer = &view.peers[number];
        let now = self.now;
        let marks = self.marks[number].get_or_insert_with(|| Marks::new(now));
        if marks.phase == Phase::Gone {
            return;
        }
        let phase = phase(number, peer, client, view.handler);
        if let Some(sweep) = sweep {
            marks.stand_still(sweep, phase, client, now, view);
        }
        let ended = view.handler.ended_of(number);
        for ended in &ended[marks.ended..] {
            let because = marks.judge(ended, peer, client, now, view.config);
            assert!(because.is_empty(), "peer {number}: {because}: {ended:?}, {marks:?}");
        }
        let is_next = ended.len() > marks.ended;
        marks.ended = ended.len();
        if phase == Phase::Gone {
            let was_broken = ended.last().is_some_and(Ended::is_unread);
            let gives_way = self.gives_way == Some(number) && marks.is_idle(now);
            let may_be_gone = marks.may_be_gone(client, now, view.config);
            let is_due = self.ends || was_broken || gives_way || may_be_gone;
            assert!(is_due, "peer {number} was closed for no reason: {marks:?}");
        }
        let content = content_bytes(number, phase, peer, client, view.handler);
        marks.update(phase, is_next, content, client, now);
        if view.is_settled && view.has_room {
            let because = marks.overdue(now, number, view);
            assert!(because.is_empty(), "peer {number} is late: {because}: {marks:?}, {now:?}");
        }
    }
}

fn passed(limit: Option<Duration>, time: Duration) -> bool {
    limit.is_some_and(|limit| time >= limit)
}

impl Marks {
    fn new(now: Moment) -> Self {
        Self {
            phase: Phase::First,
            since: Start::at(now),
            owing: Start::at(now),
            progress: Start::at(now),
            written: Start::at(now),
            given: 0,
            taken: 0,
            content: 0,
            output: 0,
            answered: None,
            is_full: false,
            stuck_at: None,
            taken_before: 0,
            ended: 0,
        }
    }

    /// Time does not count in which the loop slept, or the peer was not served; both are
    /// known in sweeps, of which there was one.
    fn stand_still(
        &mut self,
        sweep: Sweep,
        phase: Phase,
        client: &Client,
        now: Moment,
        view: &View<'_>,
    ) {
        let is_paused = self.phase == Phase::Paused && phase == Phase::Paused;
        let can_read = matches!(phase, Phase::First | Phase::Idle | Phase::Head | Phase::Body);
        // Its bytes were there, and noted, and the turn was over before it was read.
        let is_queued = sweep.in_last_turn
            && can_read
            && !client.is_full()
            && client.untaken() > 0
            && !client.has_news()
            && view.has_room;
        // A sweep expects another within a second.
        let asleep = sweep.passed.saturating_sub(2 * SWEEP);
        let time = if is_paused || is_queued { sweep.passed } else { asleep };
        let later = |start: Duration, time: Duration| (start + time).min(now.at);
        self.answered = self.answered.map(|answered| later(answered, time));
        for start in [&mut self.owing, &mut self.written] {
            start.first = later(start.first, time);
        }
        // With a bound of nothing it is not read as long as anything waits for it; of a
        // session it is not known whether anything does.
        let is_over = view.config.max_output == 0
            && self.is_full
            && client.is_full()
            && !client.has_session();
        let is_unread = is_over && can_read && phase == self.phase;
        let time = if is_unread { sweep.passed } else { time };
        for start in [&mut self.since, &mut self.progress] {
            start.first = later(start.first, time);
        }
    }

    /// `is_next` tells that a request has ended meanwhile.
    fn update(
        &mut self,
        phase: Phase,
        is_next: bool,
        content: usize,
        client: &Client,
        now: Moment,
    ) {
        let goes_on = self.phase == Phase::Paused && phase == Phase::Body && !is_next;
        let is_same = phase == self.phase && !is_next;
        if goes_on || (is_same && self.is_full && !client.is_full()) {
            // While nothing is read no clock of reading runs.
            self.since.last = now;
            self.progress.last = now;
        } else if !is_same && phase != Phase::Paused {
            self.since = Start::at(now);
            if matches!(phase, Phase::Verdict | Phase::Answer) {
                self.owing = self.since;
            }
            self.progress = Start::at(now);
            self.taken_before = self.taken;
        }
        if phase == Phase::Body && is_same && self.content == 0 && content > 0 {
            // The first byte, from which the rate counts.
            self.since = Start::at(now);
        }
        self.content = content;
        if self.phase == Phase::Paused && phase != Phase::Paused {
            self.written.last = now;
        }
        self.phase = phase;
        if client.taken() > self.taken {
            self.taken = client.taken();
            self.progress = Start::at(now);
        }
        if is_next || phase == Phase::Body && !is_same {
            self.answered.get_or_insert(now.at);
        }
        let given = client.times_owed() + client.output_len() + client.stuck();
        if given > self.given {
            // The engine has seen that something was taken, if only by the session; or if
            // nothing waited already, its time begins.
            self.given = given;
            self.written.last = now;
            self.answered.get_or_insert(now.at);
        }
        if client.output_len() > self.output {
            self.output = client.output_len();
            self.written = Start::at(now);
        } else if client.is_full() && self.stuck_at != Some(self.output) {
            // Some of it may have been waiting since the last write, or the first answer.
            let first = if self.output > 0 { Some(self.written.first) } else { self.answered };
            self.written = Start { first: first.unwrap_or(now.at), last: now };
        }
        if client.is_full() {
            self.stuck_at = Some(self.output);
        }
        self.is_full = client.is_full();
    }

    /// What is wrong with an end, as far as it is one that a deadline may bring about; nothing
    /// is wrong with others.
    fn judge(
        &self,
        ended: &Ended,
        peer: &Peer,
        client: &Client,
        now: Moment,
        config: &Config,
    ) -> &'static str {
        let timeouts = &config.timeouts;
        let total = self.since.most(now);
        if ended.is_unread() {
            let is_due = passed(timeouts.write, self.written.most(now));
            return if is_due { "" } else { "given up too soon" };
        }
        let is_due = match ended.reject() {
            Some(Reject::Late) => passed(ended.patience.limit(timeouts.late), self.owing.most(now)),
            Some(Reject::HeadTimeout) => passed(timeouts.head, total),
            Some(Reject::BodyTimeout) => {
                let too_slow = ended.too_slow.expect("numbers");
                let number = ended.number.expect("a request that has begun");
                let before = peer.plan.content_of(number) as u64;
                // Lingering may have read on since.
                let bytes = self.taken as u64 - before..=client.taken() as u64 - before;
                if !bytes.contains(&too_slow.bytes) || too_slow.time > total {
                    return "the wrong numbers";
                }
                match too_slow.missed {
                    Missed::Byte(_) => {
                        passed(ended.stall.limit(timeouts.body), self.progress.most(now))
                    }
                    Missed::Rate(rate) => {
                        let least = rate as f64 * total.as_secs_f64();
                        let is_slow = (too_slow.bytes as f64) < least;
                        too_slow.bytes > 0 && total >= timeouts.rate_grace && is_slow
                    }
                    _ => false,
                }
            }
            _ => true,
        };
        if is_due { "" } else { "refused too soon" }
    }

    /// True if a peer may be closed to make room.
    fn is_idle(&self, now: Moment) -> bool {
        let idle = self.since.most(now).min(self.written.most(now));
        self.phase == Phase::Idle && idle >= LEAST_IDLE
    }

    /// True if a peer may be closed at all.
    fn may_be_gone(&self, client: &Client, now: Moment, config: &Config) -> bool {
        let timeouts = &config.timeouts;
        let total = self.since.most(now);
        let silent = self.progress.most(now);
        if client.has_reset() || client.has_finished() {
            return true;
        }
        // Room that came and went before a write was tried is none.
        let is_stuck = self.is_full || self.stuck_at == Some(self.output);
        if is_stuck && passed(timeouts.write, self.written.most(now)) {
            return true;
        }
        match self.phase {
            Phase::First => passed(timeouts.head.or(timeouts.idle), total),
            // It is not idle as long as it reads.
            Phase::Idle => passed(timeouts.idle, total.min(self.written.most(now))),
            Phase::Lingering => total >= timeouts.linger || silent >= timeouts.linger_silence,
            _ => false,
        }
    }

    /// For which deadline a peer should be gone.
    fn overdue(&self, now: Moment, number: usize, view: &View<'_>) -> &'static str {
        let timeouts = &view.config.timeouts;
        let peer = &view.peers[number];
        let own = view.handler.open_of(number).map(|open| (open.patience, open.stall));
        let (patience, stall) = own.unwrap_or((Patience::AsConfigured, Patience::AsConfigured));
        let client = peer.client.as_ref().expect("it has connected");
        let total = self.since.least(now);
        let silent = self.progress.least(now);
        let late_if = |is_late: bool, which| if is_late { which } else { "" };
        if self.phase == Phase::Paused || self.phase == Phase::Gone {
            return "";
        }
        if self.is_full {
            let is_late = passed(timeouts.write, self.written.least(now));
            return late_if(is_late, "write");
        }
        match self.phase {
            Phase::First => {
                let is_head = head_bytes(0, peer, client) > 0;
                let limit = if is_head { timeouts.head } else { timeouts.head.or(timeouts.idle) };
                late_if(passed(limit, total), "first head")
            }
            Phase::Idle => {
                let idle = total.min(self.written.least(now));
                late_if(passed(timeouts.idle, idle), "idle")
            }
            Phase::Head => late_if(passed(timeouts.head, total), "head"),
            Phase::Verdict | Phase::Answer => {
                let limit = patience.limit(timeouts.late);
                late_if(passed(limit, total), "late")
            }
            Phase::Lingering => {
                let taken = (self.taken - self.taken_before) as u64;
                let reads = timeouts.max_linger.is_none_or(|limit| taken < limit);
                let is_late =
                    total >= timeouts.linger || (reads && silent >= timeouts.linger_silence);
                late_if(is_late, "linger")
            }
            Phase::Body if passed(stall.limit(timeouts.body), silent) => "stall",
            Phase::Body => {
                let bytes = self.content as f64;
                let is_slow = |rate: u64| bytes < rate as f64 * total.as_secs_f64();
                let is_due = self.content > 0 && total >= timeouts.rate_grace;
                late_if(is_due && timeouts.min_rate.is_some_and(is_slow), "rate")
            }
            Phase::Closing | Phase::Paused | Phase::Gone => "",
        }
    }
}
