//! The loop: starts to listen, serves, and drains when a signal says so.

use std::ffi::c_int;
use std::fmt::{self, Write};
use std::io;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Registry, Token};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGXFSZ};
use streamsum::checksum::Checksum;
use streamsum::engine::Now;
use streamsum::handler::Handler;
use streamsum::proto::Reject;
use streamsum::server::{LostListener, Server};

use crate::print;

use super::access::Logged;
use super::descriptors::{self, Limit};
use super::lines::Lines;
use super::listen::{Bound, Endpoint, listen};
use super::settings::{AccessLog, Settings};
use super::signals::{Signals, ignore};
use super::stamp::is_journal;

/// The signals that end the process.
const SIGNALS: Token = Token(0);
/// The signal that asks for the counters.
const COUNTERS: Token = Token(1);
/// The signal that asks to reload.
const HANGUP: Token = Token(2);
const FIRST: Token = Token(3);
/// Signals that end the process in order.
const ENDS: &[c_int] = &[SIGTERM, SIGINT, SIGQUIT];
/// Signals that would end the process and its uploads for no reason: SIGUSR2 has no meaning
/// here, and SIGXFSZ comes when the log has reached the largest size that the system allows
/// a file. The runtime of Rust ignores SIGPIPE already.
const IGNORED: &[c_int] = &[SIGUSR2, SIGXFSZ];
/// Events taken from the system at a time.
const EVENTS: usize = 1024;
/// Bytes of a target in an access line: enough to tell requests apart.
const KEPT_TARGET: usize = 256;
/// How long the process waits at its end for the last lines to be written.
const LAST_LINES: Duration = Duration::from_millis(500);

/// How serving ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    /// All requests under way were finished.
    Drained,
    /// Some were not finished in time.
    Expired,
    /// Some were not finished, because a second signal ended the drain.
    Cut,
}

/// Serves until a signal ends it. True if all requests under way were finished.
///
/// # Errors
///
/// One line of words for the user, if it cannot start.
pub(crate) fn serve(settings: &Settings) -> Result<bool, String> {
    let mut service = Service::start(settings)?;
    let end = service.run();
    service.stop(&end);
    Ok(matches!(end, Ok(Exit::Drained)))
}

type Upload = <Checksum as Handler>::Upload;

struct Service {
    poll: Poll,
    signals: Signals,
    counters: Signals,
    hangups: Signals,
    server: Server<Upload>,
    handler: Logged<Checksum>,
    /// Where it listens, by the number of the listener; emptied when it no longer does.
    endpoints: Vec<Option<Endpoint>>,
    drain_timeout: Option<Duration>,
    phase: Phase,
    /// True if a line has reported that connections cannot be accepted.
    is_short: bool,
    /// True if a line has reported that the limit of connections is reached.
    is_full: bool,
}

enum Phase {
    Serving,
    Draining { until: Option<Instant> },
}

impl Service {
    /// Opens all that it needs, and prints where it listens.
    fn start(settings: &Settings) -> Result<Self, String> {
        let limit = Limit::raised();
        let cannot_start = |wrong: io::Error| format!("cannot start: {}", limit.explain(&wrong));
        let bound = listen_all(settings, limit)?;
        let poll = Poll::new().map_err(cannot_start)?;
        let [signals, counters, hangups] = take_signals(poll.registry()).map_err(cannot_start)?;
        let kept_target = match settings.access_log {
            AccessLog::Off => 0,
            AccessLog::Stderr => KEPT_TARGET,
        };
        // All descriptors but those of connections are open now.
        let auto = limit.connections(descriptors::open());
        let auto = auto.map_err(|wrong| format!("cannot start: {wrong}"))?;
        let connections = settings.connections.unwrap_or(auto);
        let config = settings.config.clone().kept_target(kept_target).connections(connections);
        let mut server = Server::new(poll.registry(), FIRST, config).map_err(cannot_start)?;
        let mut endpoints = Vec::new();
        for Bound { listener, endpoint } in bound {
            server
                .listen(listener)
                .map_err(|wrong| format!("cannot listen on {endpoint}: {wrong}"))?;
            endpoints.push(endpoint);
        }
        let handler = Logged {
            handler: Checksum::default(),
            access_log: settings.access_log,
            lines: Lines::new(!is_journal(), io::stderr()).map_err(cannot_start)?,
        };
        announce(&endpoints);
        let endpoints = endpoints.into_iter().map(Some).collect();
        let drain_timeout = settings.drain_timeout;
        let phase = Phase::Serving;
        Ok(Self {
            poll,
            signals,
            counters,
            hangups,
            server,
            handler,
            endpoints,
            drain_timeout,
            phase,
            is_short: false,
            is_full: false,
        })
    }

    fn run(&mut self) -> io::Result<Exit> {
        let mut events = Events::with_capacity(EVENTS);
        let mut failure = None;
        loop {
            self.wait(&mut events)?;
            let now = Now::now();
            self.handler.lines.set_time(now.wall);
            let mut signals = 0;
            for event in &events {
                match event.token() {
                    SIGNALS => signals += self.signals.take(),
                    COUNTERS if self.counters.take() > 0 => self.report_counters(),
                    // Reported, as the sender may expect a reload.
                    HANGUP if self.hangups.take() > 0 => {
                        self.note(format_args!("SIGHUP: there is nothing to reload"));
                    }
                    _ => drop(self.server.note(event)),
                }
            }
            for _ in 0..signals {
                if let Phase::Draining { .. } = self.phase {
                    return Ok(Exit::Cut);
                }
                self.drain(now);
            }
            let turned = self.server.turn(now, &mut self.handler);
            self.report_shortage();
            self.report_fullness();
            self.report_lost_listeners();
            if let Err(wrong) = turned {
                // No client can connect any more, but those that are connected lose
                // nothing.
                self.note(format_args!("the last listener failed: {wrong}"));
                self.drain(now);
                failure = Some(wrong);
            }
            self.handler.lines.flush();
            if let Some(end) = self.end(now) {
                return failure.map_or(Ok(end), Err);
            }
        }
    }

    /// Waits for events, until the server or the drain is due.
    fn wait(&mut self, events: &mut Events) -> io::Result<()> {
        let now = Now::now();
        let left = match self.phase {
            Phase::Draining { until: Some(until) } => {
                Some(until.saturating_duration_since(now.monotonic))
            }
            _ => None,
        };
        let timeout = match (self.server.timeout(now), left) {
            (Some(due), Some(left)) => Some(due.min(left)),
            (due, left) => due.or(left),
        };
        match self.poll.poll(events, timeout) {
            // A signal, which is an event in the next round.
            Err(wrong) if wrong.kind() == io::ErrorKind::Interrupted => {
                events.clear();
                Ok(())
            }
            polled => polled,
        }
    }

    fn drain(&mut self, now: Now) {
        // Before the listeners are closed: see `SocketFile`.
        self.endpoints.clear();
        self.server.drain(now);
        // Both are over: nothing is accepted any more.
        (self.is_short, self.is_full) = (false, false);
        let until = self.drain_timeout.and_then(|time| now.monotonic.checked_add(time));
        self.phase = Phase::Draining { until };
        let most = self.drain_timeout.map_or("as long as it takes".into(), |time| {
            format!("for at most {}", humantime::format_duration(time))
        });
        self.note(format_args!("draining {most}; another signal ends at once"));
    }

    fn report_counters(&mut self) {
        let open = self.server.connections();
        let stats = self.server.stats().clone();
        self.note(format_args!("open={open} {stats}"));
        for reason in Reject::ALL {
            let times = stats.refused(*reason);
            if times > 0 {
                let status = reason.status();
                self.note(format_args!("refused={times} status={status} {reason}"));
            }
        }
    }

    /// Reports when a lack of descriptors or memory begins, and when it is over, but no
    /// attempts in between.
    fn report_shortage(&mut self) {
        let line = match self.server.shortage() {
            Some(wrong) if !self.is_short => format!("cannot accept: {wrong}"),
            None if self.is_short => "accepting again".into(),
            _ => return,
        };
        self.is_short = !self.is_short;
        self.note(format_args!("{line}"));
    }

    /// Reports when the limit of connections is reached, and when that is over.
    fn report_fullness(&mut self) {
        let is_full = self.server.is_full();
        if is_full == self.is_full {
            return;
        }
        self.is_full = is_full;
        let most = self.server.config().connections;
        if is_full {
            self.note(format_args!("the limit of {most} connections is reached"));
        } else {
            self.note(format_args!("below the limit of {most} connections again"));
        }
    }

    fn report_lost_listeners(&mut self) {
        let lost: Vec<_> = self.server.lost_listeners().collect();
        for LostListener { number, error, .. } in lost {
            if let Some(endpoint) = self.endpoints.get_mut(number).and_then(Option::take) {
                self.note(format_args!("cannot listen on {endpoint} any more: {error}"));
            }
        }
    }

    fn end(&self, now: Now) -> Option<Exit> {
        match self.phase {
            Phase::Serving => None,
            Phase::Draining { .. } if self.server.is_empty() => Some(Exit::Drained),
            Phase::Draining { until } => {
                until.filter(|&until| now.monotonic >= until)?;
                // Clients that linger have had their answers.
                let is_done = self.server.lingering() == self.server.connections();
                Some(if is_done { Exit::Drained } else { Exit::Expired })
            }
        }
    }

    /// Ends the requests that are left, with an access line for each, and reports how
    /// serving ended.
    fn stop(mut self, end: &io::Result<Exit>) {
        self.endpoints.clear();
        let left = self.server.connections();
        let now = Now::now();
        self.handler.lines.set_time(now.wall);
        self.server.shut_down(now, &mut self.handler);
        match end {
            Ok(Exit::Drained) => self.note(format_args!("drained")),
            Ok(Exit::Expired) => self.note(format_args!("drain expired; connections cut: {left}")),
            Ok(Exit::Cut) => {
                self.note(format_args!("ended by a second signal; connections cut: {left}"))
            }
            Err(wrong) => self.note(format_args!("cannot go on: {wrong}")),
        }
        self.handler.lines.close(LAST_LINES);
    }

    fn note(&mut self, words: fmt::Arguments<'_>) {
        self.handler.lines.push(format_args!("streamsum: {words}"));
    }
}

/// The signals that end the process, that ask for the counters, and that ask to reload.
fn take_signals(registry: &Registry) -> io::Result<[Signals; 3]> {
    let signals = Signals::new(registry, SIGNALS, ENDS)?;
    let counters = Signals::new(registry, COUNTERS, &[SIGUSR1])?;
    let hangups = Signals::new(registry, HANGUP, &[SIGHUP])?;
    ignore(IGNORED)?;
    Ok([signals, counters, hangups])
}

fn listen_all(settings: &Settings, limit: Limit) -> Result<Vec<Bound>, String> {
    let mut bound = Vec::new();
    for address in settings.addresses() {
        let each = listen(address)
            .map_err(|wrong| format!("cannot listen on {address}: {}", limit.explain(&wrong)))?;
        bound.extend(each);
    }
    Ok(bound)
}

/// Prints a line for each endpoint. Standard output may be closed.
fn announce(endpoints: &[Endpoint]) {
    let mut lines = String::new();
    for endpoint in endpoints {
        let (version, curl) = (env!("CARGO_PKG_VERSION"), endpoint.curl());
        // Writing to a string does not fail.
        let _ = writeln!(lines, "streamsum {version} listens on {endpoint}; try: {curl}");
    }
    print(io::stdout(), &lines);
}
