//! Requests that are due at fixed times, whatever the server does (an open loop).
//!
//! Latency counts from when a request was due, not from when it could be sent: a server
//! that pauses is charged with all requests that should have been made meanwhile.
//! (Otherwise a slow answer would keep the loader from asking, and so hide others:
//! coordinated omission.)

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use mio::{Events, Token};

use super::connection::{Connection, Received, Sent};
use super::flow::Flow;
use super::{Digests, Failure, INPUT, Loader};
use crate::plan::Plan;

/// The longest latency that is told from longer ones: an hour, in nanoseconds.
const LONGEST: u64 = 3_600_000_000_000;
/// Significant digits of a latency.
const DIGITS: u8 = 3;

/// How late answers came.
#[derive(Clone, Debug)]
pub struct Kept {
    /// From when a request was due to its whole answer, in nanoseconds.
    pub latency: Histogram<u64>,
    /// From when a request was due to when the loader took note of that.
    pub lateness: Histogram<u64>,
    /// Until the last answer.
    pub time: Duration,
    pub answers: u64,
    /// Bytes sent in the uploads beside.
    pub flowed: u64,
}

/// What is due.
#[derive(Clone, Copy, Debug)]
pub struct Schedule<'a> {
    /// Single requests.
    pub plan: &'a Plan,
    /// So many a second.
    pub rate: f64,
    pub time: Duration,
    /// Uploads over and over, and so many bytes of content a second in all of them.
    pub beside: Option<(&'a Plan, f64)>,
}

/// An empty histogram of nanoseconds.
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST, DIGITS).expect("bounds that a histogram can have")
}

/// Keeps to a schedule. A server that answers nothing for so long as `patience` after that
/// has stalled.
///
/// The loader does not sleep between requests: it would wake up later than they are due.
///
/// # Errors
///
/// At the first answer that is wrong or missing.
pub fn run(
    schedule: &Schedule<'_>,
    address: SocketAddr,
    digests: Digests,
    patience: Duration,
) -> Result<Kept, Failure> {
    let Schedule { plan, rate, time, beside } = *schedule;
    let Loader { mut answers, mut poll, mut connections, .. } =
        Loader::connect(plan, address, digests)?;
    let flow = |(uploads, rate)| {
        Flow::connect(uploads, rate, address, digests, poll.registry(), connections.len())
    };
    let mut flow = beside.map(flow).transpose()?;
    let bursts = &plan.bursts;
    let requests = (time.as_secs_f64() * rate) as u64;
    let due = |request: u64| Duration::from_secs_f64(request as f64 / rate);
    let mut events = Events::with_capacity(1024);
    let mut input = vec![0; INPUT];
    let mut kept = Kept {
        latency: histogram(),
        lateness: histogram(),
        time: Duration::ZERO,
        answers: 0,
        flowed: 0,
    };
    let mut next = 0;
    // Requests that no connection was free for, by when they were due.
    let mut waiting: VecDeque<Duration> = VecDeque::new();
    let mut free: VecDeque<usize> = (0..connections.len()).collect();
    let mut asked_at = vec![Duration::ZERO; connections.len()];
    let begun = Instant::now();
    while kept.answers < requests {
        let now = begun.elapsed();
        if now > time + patience {
            return Err(Failure::Stalled);
        }
        while next < requests && due(next) <= now {
            record(&mut kept.lateness, now - due(next));
            waiting.push_back(due(next));
            next += 1;
        }
        while let (Some(&due), Some(&at)) = (waiting.front(), free.front()) {
            waiting.pop_front();
            free.pop_front();
            asked_at[at] = due;
            let connection = &mut connections[at];
            connection.begin((connection.burst() + 1) % bursts.len());
            send(connection, plan)?;
        }
        if let Some(flow) = &mut flow {
            flow.send(now)?;
        }
        match poll.poll(&mut events, Some(Duration::ZERO)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            result => result?,
        }
        for event in &events {
            if let Some(flow) = flow.as_mut().filter(|flow| flow.owns(event.token())) {
                flow.note(event, &mut input)?;
                continue;
            }
            let Token(at) = event.token();
            let connection = &mut connections[at];
            if event.is_writable() && connection.unblock() {
                send(connection, plan)?;
            }
            let closed = event.is_read_closed() || event.is_error();
            if !event.is_readable() && !closed {
                continue;
            }
            match connection.receive(closed, &mut input, bursts, &mut answers)? {
                Received::Less => {}
                Received::Wish => return Err(Failure::Unasked),
                Received::All => {
                    record(&mut kept.latency, begun.elapsed() - asked_at[at]);
                    kept.answers += 1;
                    free.push_back(at);
                }
            }
        }
    }
    kept.time = begun.elapsed();
    kept.flowed = flow.map_or(0, |flow| flow.sent());
    Ok(kept)
}

/// Sends what the socket takes.
fn send(connection: &mut Connection, plan: &Plan) -> Result<(), Failure> {
    while connection.send(&plan.bursts)? == Sent::Some {}
    Ok(())
}

fn record(histogram: &mut Histogram<u64>, time: Duration) {
    histogram.saturating_record(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
}
