//! The loop: starts to listen, serves, and drains when a signal says so.

use std::fmt::Write;
use std::io;
use std::time::Duration;

use streamsum::checksum::Checksum;
use streamsum::engine::Now;
use streamsum::handler::Handler;
use streamsum::run::{Round, Runner};
use streamsum::server::LostListener;

use crate::print;

use super::access::{Logged, Writes};
use super::descriptors::{self, Limit};
use super::lines::Lines;
use super::listen::{Bound, Endpoint, listen};
use super::operator::{Asked, Operator, Phase};
use super::settings::{AccessLog, Settings};
use super::stamp::is_journal;

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
    runner: Runner<Upload>,
    part: Logged<Checksum, Operator>,
    /// How many lost listeners were reported.
    lost: usize,
    /// True if a line has reported that connections cannot be accepted.
    is_short: bool,
    /// True if a line has reported that the limit of connections is reached.
    is_full: bool,
}

impl Service {
    /// Opens all that it needs, and prints where it listens.
    fn start(settings: &Settings) -> Result<Self, String> {
        let limit = Limit::raised();
        let cannot_start = |wrong: io::Error| format!("cannot start: {}", limit.explain(&wrong));
        let bound = listen_all(settings, limit)?;
        let mut signals = Asked::new().map_err(cannot_start)?;
        let kept_target = match settings.access_log {
            AccessLog::Off => 0,
            AccessLog::Stderr => KEPT_TARGET,
        };
        // All descriptors but those of the loop and of connections are open now.
        let auto = limit.connections(descriptors::open() + descriptors::LOOP);
        let auto = auto.map_err(|wrong| format!("cannot start: {wrong}"))?;
        let connections = settings.connections.unwrap_or(auto);
        let config = settings.config.clone().kept_target(kept_target).connections(connections);
        let mut runner = Runner::new(config, Asked::PLACES).map_err(cannot_start)?;
        signals.register(runner.registry(), |place| runner.token(place)).map_err(cannot_start)?;
        let mut endpoints = Vec::new();
        for Bound { listener, endpoint } in bound {
            runner
                .server_mut()
                .listen(listener)
                .map_err(|wrong| format!("cannot listen on {endpoint}: {wrong}"))?;
            endpoints.push(endpoint);
        }
        let lines = Lines::new(!is_journal(), io::stderr()).map_err(cannot_start)?;
        announce(&endpoints);
        let operator = Operator::new(signals, runner.handle(), endpoints, settings.drain_timeout);
        let part = Logged {
            handler: Checksum::default(),
            access_log: settings.access_log,
            lines,
            resident: operator,
        };
        Ok(Self { runner, part, lost: 0, is_short: false, is_full: false })
    }

    fn run(&mut self) -> io::Result<Exit> {
        let mut failure = None;
        loop {
            let round = self.runner.round(&mut self.part)?;
            self.report();
            let mut end = None;
            match round {
                Round::End => end = Some(self.ended()),
                Round::Deaf(wrong) => {
                    // No client can connect any more, but those that are connected lose
                    // nothing.
                    self.part.lines.note(format_args!("the last listener failed: {wrong}"));
                    self.part.resident.drain(Now::now(), &mut self.part.lines);
                    failure = Some(wrong);
                }
                _ => end = self.expired(),
            }
            self.part.lines.flush();
            if let Some(end) = end {
                return failure.map_or(Ok(end), Err);
            }
        }
    }

    fn ended(&self) -> Exit {
        match self.part.resident.phase() {
            Phase::Cut => Exit::Cut,
            Phase::Serving | Phase::Draining { .. } => Exit::Drained,
        }
    }

    /// How serving has ended, if the drain has taken too long.
    fn expired(&self) -> Option<Exit> {
        let until = self.part.resident.deadline()?;
        if Now::now().monotonic < until {
            return None;
        }
        // Clients that linger have had their answers.
        let server = self.runner.server();
        let is_done = server.lingering() == server.connections();
        Some(if is_done { Exit::Drained } else { Exit::Expired })
    }

    /// Reports what has changed; but once nothing is accepted any more, nothing has.
    fn report(&mut self) {
        if self.part.resident.phase() == Phase::Serving {
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
        let server = self.runner.server();
        let (is_full, most) = (server.is_full(), server.config().connections);
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
        for LostListener { number, error, .. } in lost.get(self.lost..).unwrap_or_default() {
            if let Some(endpoint) = self.part.resident.take_endpoint(*number) {
                self.part.lines.note(format_args!("cannot listen on {endpoint} any more: {error}"));
            }
        }
        self.lost = lost.len();
    }

    /// Ends the requests that are left, with an access line for each, and reports how
    /// serving ended.
    fn stop(mut self, end: &io::Result<Exit>) {
        self.part.resident.clear_endpoints();
        let left = self.runner.server().connections();
        self.part.lines.set_time(Now::now().wall);
        self.runner.shut_down(&mut self.part);
        let lines = &mut self.part.lines;
        match end {
            Ok(Exit::Drained) => lines.note(format_args!("drained")),
            Ok(Exit::Expired) => lines.note(format_args!("drain expired; connections cut: {left}")),
            Ok(Exit::Cut) => {
                lines.note(format_args!("ended by a second signal; connections cut: {left}"))
            }
            Err(wrong) => lines.note(format_args!("cannot go on: {wrong}")),
        }
        self.part.lines.close(LAST_LINES);
    }
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
