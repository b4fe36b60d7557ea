//! What whoever operates the server asks for by signals: the end, the counters, a reload. It
//! lives in the loop of the first worker, and acts for all.

use std::ffi::c_int;
use std::io;
use std::time::{Duration, Instant};

use mio::{Registry, Token};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGXFSZ};
use streamsum::engine::Now;
use streamsum::proto::Reject;
use streamsum::run::Handle;

use super::access::Writes;
use super::keeping::Ledger;
use super::lines::Lines;
use super::listen::Endpoint;
use super::signals::{Signals, ignore};

/// Signals that end the process in order.
const ENDS: &[c_int] = &[SIGTERM, SIGINT, SIGQUIT];
/// Signals that would end the process and its uploads for no reason: SIGUSR2 has no meaning
/// here, and SIGXFSZ comes when the log has reached the largest size that the system allows
/// a file. The runtime of Rust ignores SIGPIPE already.
const IGNORED: &[c_int] = &[SIGUSR2, SIGXFSZ];

/// The signals that end the process, that ask for the counters, and that ask to reload: each
/// is a place in the loop.
pub(super) struct Asked([Signals; 3]);

const END: usize = 0;
const COUNTERS: usize = 1;
const RELOAD: usize = 2;

impl Asked {
    pub(super) const PLACES: usize = 3;

    /// From now on none of these signals ends the process by itself.
    pub(super) fn new() -> io::Result<Self> {
        let ends = Signals::new(ENDS)?;
        let counters = Signals::new(&[SIGUSR1])?;
        let hangups = Signals::new(&[SIGHUP])?;
        ignore(IGNORED)?;
        Ok(Self([ends, counters, hangups]))
    }

    pub(super) fn register(
        &mut self,
        registry: &Registry,
        token: impl Fn(usize) -> Token,
    ) -> io::Result<()> {
        let mut places = self.0.iter_mut().enumerate();
        places.try_for_each(|(place, one)| one.register(registry, token(place)))
    }
}

/// Has what can be reloaded read again, which leaves a line; does not wait for that.
pub(super) type Reload = Box<dyn Fn() + Send>;

/// Does what signals ask for.
pub(super) struct Operator {
    signals: Asked,
    /// How many of each have come since the last work.
    came: [usize; Asked::PLACES],
    handle: Handle,
    ledger: Ledger,
    workers: usize,
    /// Where the server listens, by the number of the listener; emptied when it no longer does.
    endpoints: Vec<Option<Endpoint>>,
    drain_timeout: Option<Duration>,
    /// `None` if there is nothing to reload.
    reload: Option<Reload>,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Serving,
    Draining {
        until: Option<Instant>,
    },
    /// A second signal has ended the drain.
    Cut,
}

impl Operator {
    pub(super) fn new(
        signals: Asked,
        handle: Handle,
        ledger: Ledger,
        endpoints: Vec<Endpoint>,
        drain_timeout: Option<Duration>,
        reload: Option<Reload>,
    ) -> Self {
        let endpoints = endpoints.into_iter().map(Some).collect();
        let came = [0; Asked::PLACES];
        let (workers, phase) = (handle.running(), Phase::Serving);
        Self { signals, came, handle, ledger, workers, endpoints, drain_timeout, reload, phase }
    }

    /// Has the server end when the requests under way are finished.
    pub(super) fn drain(&mut self, now: Now, lines: &mut Lines) {
        // Before the listeners are closed: see `SocketFile`.
        self.endpoints.clear();
        self.handle.drain();
        let until = self.drain_timeout.and_then(|time| now.monotonic.checked_add(time));
        self.phase = Phase::Draining { until };
        let most = self.drain_timeout.map_or("as long as it takes".into(), |time| {
            format!("for at most {}", humantime::format_duration(time))
        });
        lines.note(format_args!("draining {most}; another signal ends at once"));
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    /// What a listener is bound to that does not listen any more.
    pub(super) fn take_endpoint(&mut self, number: usize) -> Option<Endpoint> {
        self.endpoints.get_mut(number).and_then(Option::take)
    }

    /// Has all workers end at once.
    pub(super) fn stop(&mut self) {
        self.endpoints.clear();
        self.handle.stop();
    }

    /// True if a worker has ended that was not asked to.
    fn has_lost_one(&self) -> bool {
        self.workers > 1 && self.phase == Phase::Serving && self.handle.running() < self.workers
    }

    fn report_counters(&self, lines: &mut Lines) {
        let (open, stats) = (self.handle.connections(), self.handle.stats());
        lines.note(format_args!("open={open} {stats}"));
        for reason in Reject::ALL {
            let times = stats.refused(*reason);
            if times > 0 {
                let (status, code) = (reason.status(), reason.code());
                lines.note(format_args!("refused={times} status={status} reason={code} {reason}"));
            }
        }
        self.ledger.report(lines);
    }

    pub(super) fn into_ledger(self) -> Ledger {
        self.ledger
    }

    fn note(&mut self, place: usize) {
        if let (Some(came), Some(signals)) =
            (self.came.get_mut(place), self.signals.0.get_mut(place))
        {
            *came += signals.take();
        }
    }

    /// When the drain is over at the latest.
    fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Draining { until } => until,
            Phase::Serving | Phase::Cut => None,
        }
    }

    fn work(&mut self, now: Now, lines: &mut Lines) {
        let came = std::mem::take(&mut self.came);
        if came[COUNTERS] > 0 {
            self.report_counters(lines);
        }
        if came[RELOAD] > 0 {
            match &self.reload {
                Some(reload) => reload(),
                // Reported, as the sender may expect a reload.
                None => lines.note(format_args!("SIGHUP: there is nothing to reload")),
            }
        }
        for _ in 0..came[END] {
            if self.phase != Phase::Serving {
                self.phase = Phase::Cut;
                return self.handle.stop();
            }
            self.drain(now, lines);
        }
        if self.has_lost_one() {
            lines.note(format_args!("a worker has failed"));
            self.drain(now, lines);
        }
    }

    /// The last one to end is the one that hears the signals.
    fn is_idle(&self) -> bool {
        self.workers == 1 || self.handle.running() == 1
    }
}

/// The first worker has one, and the others have not. They share one type, lest the engine be
/// compiled twice.
impl Writes for Option<Operator> {
    const PLACES: usize = Asked::PLACES;

    fn note(&mut self, place: usize) {
        if let Some(operator) = self {
            operator.note(place);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.as_ref().and_then(Operator::deadline)
    }

    fn work(&mut self, now: Now, lines: &mut Lines) {
        if let Some(operator) = self {
            operator.work(now, lines);
        }
    }

    fn is_idle(&self) -> bool {
        self.as_ref().is_none_or(Operator::is_idle)
    }
}
