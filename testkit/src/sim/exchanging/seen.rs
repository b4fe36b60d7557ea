//! How exchanges have ended, and how often the rare things have happened.

use streamsum::client::Failure;

use super::owner::End;

/// What one game has seen, or several.
#[derive(Clone, Copy, Debug, Default)]
pub struct Exchanged {
    /// Answered with 2xx.
    pub kept: u64,
    /// Answered otherwise, when all was sent.
    pub refused: u64,
    /// Answered otherwise before that.
    pub refused_early: u64,
    /// A success that came early.
    pub early_success: u64,
    /// Not started, as too many wait.
    pub busy: u64,
    /// No connection became free in time.
    pub waited: u64,
    /// The name was not found.
    pub name: u64,
    /// Nobody took the connection.
    pub connect: u64,
    /// Nobody did in time.
    pub connect_timeout: u64,
    /// The connection broke before the server could act.
    pub broken: u64,
    /// It broke when the server may have acted.
    pub broken_after: u64,
    /// The answer was none.
    pub fault: u64,
    /// The server took no more.
    pub stalled: u64,
    /// The server gave no answer.
    pub silent: u64,
    /// Its owner gave it up.
    pub given_up: u64,
    /// The server took some of what was offered.
    pub full: u64,
    /// An idle connection died.
    pub died_idle: u64,
    /// A request was sent on a connection that was used before.
    pub reused: u64,
    /// Content was sent without the 100 (Continue) that was asked for.
    pub went_without: u64,
    /// That 100 (Continue) came late.
    pub late_continue: u64,
    /// It was not asked for any more.
    pub unasked: u64,
    /// A request was sent again at once.
    pub again_at_once: u64,
    /// It was sent again after a while.
    pub again_later: u64,
    /// Content that may be repeated came whole more than once.
    pub repeated: u64,
}

impl Exchanged {
    /// All of it by name.
    fn all(&self) -> [(&'static str, u64); 24] {
        [
            ("kept", self.kept),
            ("refused", self.refused),
            ("refused early", self.refused_early),
            ("early success", self.early_success),
            ("busy", self.busy),
            ("waited", self.waited),
            ("name", self.name),
            ("connect", self.connect),
            ("connect timeout", self.connect_timeout),
            ("broken", self.broken),
            ("broken after", self.broken_after),
            ("fault", self.fault),
            ("stalled", self.stalled),
            ("silent", self.silent),
            ("given up", self.given_up),
            ("full", self.full),
            ("died idle", self.died_idle),
            ("reused", self.reused),
            ("went without", self.went_without),
            ("late continue", self.late_continue),
            ("unasked", self.unasked),
            ("again at once", self.again_at_once),
            ("again later", self.again_later),
            ("repeated", self.repeated),
        ]
    }

    /// Adds what another game has seen.
    pub fn add(&mut self, other: Exchanged) {
        self.kept += other.kept;
        self.refused += other.refused;
        self.refused_early += other.refused_early;
        self.early_success += other.early_success;
        self.busy += other.busy;
        self.waited += other.waited;
        self.name += other.name;
        self.connect += other.connect;
        self.connect_timeout += other.connect_timeout;
        self.broken += other.broken;
        self.broken_after += other.broken_after;
        self.fault += other.fault;
        self.stalled += other.stalled;
        self.silent += other.silent;
        self.given_up += other.given_up;
        self.full += other.full;
        self.died_idle += other.died_idle;
        self.reused += other.reused;
        self.went_without += other.went_without;
        self.late_continue += other.late_continue;
        self.unasked += other.unasked;
        self.again_at_once += other.again_at_once;
        self.again_later += other.again_later;
        self.repeated += other.repeated;
    }

    /// What has never happened.
    pub fn missing(&self) -> Vec<&'static str> {
        let never = self.all().into_iter().filter(|(_, times)| *times == 0);
        never.map(|(name, _)| name).collect()
    }

    pub(super) fn count(&mut self, end: &End) {
        let counter = match end {
            End::Answered { status: 200..300, .. } => &mut self.kept,
            End::Answered { is_early: true, .. } => &mut self.refused_early,
            End::Answered { .. } => &mut self.refused,
            End::GivenUp => &mut self.given_up,
            End::Failed(failure) => match failure {
                Failure::Busy | Failure::NoContinue => &mut self.waited,
                Failure::Name(_) => &mut self.name,
                Failure::Connect(_) => &mut self.connect,
                Failure::ConnectTimeout => &mut self.connect_timeout,
                Failure::Broken { may_have_acted: false, .. } => &mut self.broken,
                Failure::Broken { may_have_acted: true, .. } => &mut self.broken_after,
                Failure::Fault { .. } => &mut self.fault,
                Failure::Stalled => &mut self.stalled,
                Failure::Silent => &mut self.silent,
                Failure::EarlySuccess(_) => &mut self.early_success,
                other => panic!("a failure of another kind: {other:?}"),
            },
        };
        *counter += 1;
    }
}
