//! The loop: starts to listen, serves, and drains when a signal says so.

use std::fmt::Write;
use std::io;
use std::time::Duration;

use streamsum::checksum::Upload;
use streamsum::engine::{Config, Now};
use streamsum::run::{Round, Runner};
use streamsum::server::LostListener;

use crate::print;

use super::access::{Logged, Writes};
use super::descriptors::{self, Limit};
use super::keeping::{Keeper, Keeping};
use super::lines::Lines;
use super::listen::{Bound, Endpoint, listen};
use super::operator::{Asked, Operator, Phase};
use super::settings::{AccessLog, Settings};
use super::stamp::is_journal;
use super::workers::{Left, Others};

/// Bytes of a target in an access line: enough to tell requests apart.
const KEPT_TARGET: usize = 256;
/// Descriptors beside those of files that may be open at a time, when uploads are kept. Each of four
/// threads that name files has all folders on the way to one, at most 32 and the one that they are
/// in: if others remove some meanwhile, it syncs them last. Each of two that make files has two, one
/// in the other. And there are the folder with its lock, the socket of `--on-kept`, and the token
/// file. Threads that write open nothing.
const FOR_FOLDERS: usize = 4 * 33 + 2 * 2 + 4;
/// How long the process waits at its end for the last lines to be written, and for what is kept to
/// be told.
const LAST_LINES: Duration = Duration::from_millis(500);

/// Serves until a signal ends it. True if all requests under way were finished.
///
/// # Errors
///
/// One line of words for the user, if it cannot start.
pub(crate) fn serve(settings: &Settings) -> Result<bool, String> {
    let mut service = Service::start(settings)?;
    let served = service.run();
    Ok(service.stop(served))
}

/// The first worker, which speaks for all, and the others.
struct Service {
    runner: Runner<Upload>,
    part: Logged<Keeping, Option<Operator>>,
    others: Others,
    /// Connections that there may be.
    connections: usize,
    /// How many lost listeners were reported.
    lost: usize,
    /// True if a line has reported that connections cannot be accepted.
    is_short: bool,
    /// True if a line has reported that the limit of connections is reached.
    is_full: bool,
}

impl Service {
    /// Opens all that it needs, starts the other workers, and prints where it listens.
    fn start(settings: &Settings) -> Result<Self, String> {
        let limit = Limit::raised();
        let cannot_start = |wrong: io::Error| format!("cannot start: {}", limit.explain(&wrong));
        let bound = listen_all(settings, limit)?;
        let mut signals = Asked::new().map_err(cannot_start)?;
        let config = config(settings, limit)?;
        let connections = config.connections;
        let group = Runner::group(config, settings.workers(), Asked::PLACES);
        let mut group = group.map_err(cannot_start)?.into_iter();
        let Some(mut runner) = group.next() else { unreachable!("a group has a first") };
        signals.register(runner.registry(), |place| runner.token(place)).map_err(cannot_start)?;
        let endpoints = listen_by(&mut runner, bound)?;
        let lines = Lines::new(!is_journal(), io::stderr()).map_err(cannot_start)?;
        let keeper = Keeper::new(settings, &endpoints, &lines)?;
        let mut others = Others::default();
        for other in group {
            let handler = keeper.handler(other.handle());
            let part = logged(settings, handler, lines.for_another(), None);
            others.start(other, part).map_err(cannot_start)?;
        }
        let reload = keeper.reload(&lines).map_err(cannot_start)?;
        announce(&endpoints);
        let (handle, ledger, drain) = (runner.handle(), keeper.ledger(), settings.drain_timeout);
        let operator = Operator::new(signals, handle, ledger, endpoints, drain, reload);
        let handler = keeper.handler(runner.handle());
        let part = logged(settings, handler, lines, Some(operator));
        Ok(Self { runner, part, others, connections, lost: 0, is_short: false, is_full: false })
    }

    /// True if it has ended as it was asked to, and false if the drain has taken too long.
    fn run(&mut self) -> io::Result<bool> {
        let mut failure = None;
        loop {
            let round = self.runner.round(&mut self.part)?;
            self.report();
            let mut end = self.has_expired().then_some(false);
            match round {
                Round::End => end = Some(true),
                Round::Deaf(wrong) => {
                    // No client can connect any more, but those that are connected lose
                    // nothing.
                    let (operator, lines) = self.operator_with_lines();
                    lines.note(format_args!("the last listener failed: {wrong}"));
                    operator.drain(Now::now(), lines);
                    failure = Some(wrong);
                }
                _ => {}
            }
            self.part.lines.flush();
            if let Some(end) = end {
                return failure.map_or(Ok(end), Err);
            }
        }
    }

    fn operator_with_lines(&mut self) -> (&mut Operator, &mut Lines) {
        let Logged { resident: Some(operator), lines, .. } = &mut self.part else {
            unreachable!("the first worker has it")
        };
        (operator, lines)
    }

    fn phase(&self) -> Phase {
        self.part.resident.as_ref().map_or(Phase::Serving, Operator::phase)
    }

    fn has_expired(&self) -> bool {
        self.part.resident.deadline().is_some_and(|until| until <= Now::now().monotonic)
    }

    /// Reports what has changed; but once nothing is accepted any more, nothing has.
    fn report(&mut self) {
        if self.phase() == Phase::Serving {
            self.report_shortage();
            self.report_fullness();
            self.report_lost_listeners();
        }
    }

    /// Reports when a lack of descriptors or memory begins, and when it is over, but no
    /// attempts in between.
    fn report_shortage(&mut self) {
        let lines = &mut self.part.lines;
        match self.runner.server().shortage() {
            Some(wrong) if !self.is_short => lines.note(format_args!("cannot accept: {wrong}")),
            None if self.is_short => lines.note(format_args!("accepting again")),
            _ => return,
        }
        self.is_short = !self.is_short;
    }

    /// Reports when the limit of connections is reached, and when that is over.
    fn report_fullness(&mut self) {
        let (is_full, most) = (self.runner.server().is_full(), self.connections);
        if is_full == self.is_full {
            return;
        }
        self.is_full = is_full;
        let lines = &mut self.part.lines;
        if is_full {
            lines.note(format_args!("the limit of {most} connections is reached"));
        } else {
            lines.note(format_args!("below the limit of {most} connections again"));
        }
    }

    fn report_lost_listeners(&mut self) {
        let lost = self.runner.lost_listeners();
        let Logged { resident: Some(operator), lines, .. } = &mut self.part else { return };
        for LostListener { number, error, .. } in lost.get(self.lost..).unwrap_or_default() {
            if let Some(endpoint) = operator.take_endpoint(*number) {
                lines.note(format_args!("cannot listen on {endpoint} any more: {error}"));
            }
        }
        self.lost = lost.len();
    }

    /// Ends the requests that are left, with an access line for each, and reports how
    /// serving ended. True if all were finished.
    fn stop(mut self, served: io::Result<bool>) -> bool {
        self.operator_with_lines().0.stop();
        let phase = self.phase();
        let own = Left::at(&self.runner);
        self.part.lines.set_time(Now::now().wall);
        self.runner.shut_down(&mut self.part);
        self.part.lines.flush();
        let left = self.others.join().map(|others| own.and(others));
        let end = served.and_then(|has_ended| Ok((has_ended, left?)));
        let Logged { handler, mut lines, resident, .. } = self.part;
        lines.set_time(Now::now().wall);
        if let Some(operator) = resident {
            operator.into_ledger().close(handler, &mut lines, LAST_LINES);
        }
        let is_good = match end {
            Ok((has_ended, left)) => {
                let cut = left.connections;
                if phase == Phase::Cut {
                    let words = "ended by a second signal; connections cut";
                    lines.note(format_args!("{words}: {cut}"));
                    false
                } else if has_ended || left.lingering == cut {
                    // Clients that linger have had their answers.
                    lines.note(format_args!("drained"));
                    true
                } else {
                    lines.note(format_args!("drain expired; connections cut: {cut}"));
                    false
                }
            }
            Err(wrong) => {
                lines.note(format_args!("cannot go on: {wrong}"));
                false
            }
        };
        lines.close(LAST_LINES);
        is_good
    }
}

/// The settings of the library, for all workers together.
fn config(settings: &Settings, limit: Limit) -> Result<Config, String> {
    let kept_target = match settings.access_log {
        AccessLog::Off => 0,
        AccessLog::Stderr => KEPT_TARGET,
    };
    // All descriptors but those of the loops and of connections are open now.
    let open = descriptors::open() + descriptors::of_loops(settings.workers());
    let auto = limit.connections(open).map_err(|wrong| format!("cannot start: {wrong}"))?;
    // Each upload that is kept has a file besides, and the threads for the disk open folders.
    let auto = if settings.keeps() { (auto.saturating_sub(FOR_FOLDERS) / 2).max(1) } else { auto };
    let connections = settings.connections.unwrap_or(auto);
    Ok(settings.config.clone().kept_target(kept_target).connections(connections))
}

fn logged(
    settings: &Settings,
    handler: Keeping,
    lines: Lines,
    operator: Option<Operator>,
) -> Logged<Keeping, Option<Operator>> {
    let access_log = settings.access_log;
    Logged { handler, access_log, lines, resident: operator }
}

/// Has the first worker accept for all; the place of each is its listener's number.
fn listen_by(runner: &mut Runner<Upload>, bound: Vec<Bound>) -> Result<Vec<Endpoint>, String> {
    let mut endpoints = Vec::new();
    for Bound { listener, endpoint } in bound {
        runner
            .server_mut()
            .listen(listener)
            .map_err(|wrong| format!("cannot listen on {endpoint}: {wrong}"))?;
        endpoints.push(endpoint);
    }
    Ok(endpoints)
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
