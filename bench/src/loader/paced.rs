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
use super::{Failure, INPUT, Loader};
use crate::contestant::Digests;
use crate::plan::{Burst, Plan};

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
    let mut queue = Queue::new(rate, time, connections.len());
    let mut events = Events::with_capacity(1024);
    let mut input = vec![0; INPUT];
    let (mut latency, mut lateness, mut answered) = (histogram(), histogram(), 0);
    let begun = Instant::now();
    while answered < queue.requests {
        let now = begun.elapsed();
        if now > time + patience {
            return Err(Failure::Stalled);
        }
        queue.note_due(now, &mut lateness);
        while let Some(at) = queue.assign() {
            let connection = &mut connections[at];
            connection.begin((connection.burst() + 1) % bursts.len());
            send(connection, bursts)?;
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
                send(connection, bursts)?;
            }
            let closed = event.is_read_closed() || event.is_error();
            if !event.is_readable() && !closed {
                continue;
            }
            match connection.receive(closed, &mut input, bursts, &mut answers)? {
                Received::Less => {}
                Received::Wish => return Err(Failure::Unasked),
                Received::All => {
                    record(&mut latency, begun.elapsed() - queue.answered(at));
                    answered += 1;
                }
            }
        }
    }
    let flowed = flow.map_or(0, |flow| flow.sent());
    Ok(Kept { latency, lateness, time: begun.elapsed(), answers: answered, flowed })
}

/// Which requests are due, and which connections are free to make them.
struct Queue {
    rate: f64,
    /// All in all.
    requests: u64,
    /// The first that has not been noted.
    next: u64,
    /// Requests that no connection was free for, by when they were due.
    waiting: VecDeque<Duration>,
    free: VecDeque<usize>,
    /// When the request that each connection is at was due.
    due: Vec<Duration>,
}

impl Queue {
    fn new(rate: f64, time: Duration, connections: usize) -> Self {
        Self {
            rate,
            requests: (time.as_secs_f64() * rate) as u64,
            next: 0,
            waiting: VecDeque::new(),
            free: (0..connections).collect(),
            due: vec![Duration::ZERO; connections],
        }
    }

    /// Takes note of all that has become due.
    fn note_due(&mut self, now: Duration, lateness: &mut Histogram<u64>) {
        while self.next < self.requests {
            let due = Duration::from_secs_f64(self.next as f64 / self.rate);
            let Some(late) = now.checked_sub(due) else { break };
            record(lateness, late);
            self.waiting.push_back(due);
            self.next += 1;
        }
    }

    /// The connection that is to make the request which has waited longest.
    fn assign(&mut self) -> Option<usize> {
        let at = *self.free.front()?;
        self.due[at] = self.waiting.pop_front()?;
        self.free.pop_front();
        Some(at)
    }

    /// Frees a connection; says when its request was due.
    fn answered(&mut self, at: usize) -> Duration {
        self.free.push_back(at);
        self.due[at]
    }
}

/// Sends what the socket takes.
fn send(connection: &mut Connection, bursts: &[Burst]) -> Result<(), Failure> {
    while connection.send(bursts)? == Sent::Some {}
    Ok(())
}

fn record(histogram: &mut Histogram<u64>, time: Duration) {
    histogram.saturating_record(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    #[test]
    fn requests_are_due_one_by_one_and_wait_for_a_free_connection() {
        let mut lateness = histogram();
        let mut queue = Queue::new(1000.0, 5 * MILLISECOND, 2);
        queue.note_due(Duration::ZERO, &mut lateness);
        assert_eq!((queue.assign(), queue.assign()), (Some(0), None));
        queue.note_due(2 * MILLISECOND + MILLISECOND / 2, &mut lateness);
        assert_eq!((queue.assign(), queue.assign()), (Some(1), None));
        // The third has waited since it was due, not since a connection became free.
        assert_eq!(queue.answered(0), Duration::ZERO);
        assert_eq!(queue.assign(), Some(0));
        assert_eq!(queue.answered(0), 2 * MILLISECOND);
        assert_eq!(queue.answered(1), MILLISECOND);
        queue.note_due(1000 * MILLISECOND, &mut lateness);
        assert_eq!((queue.assign(), queue.assign(), queue.assign()), (Some(0), Some(1), None));
        assert_eq!(queue.answered(0), 3 * MILLISECOND);
        assert_eq!((queue.assign(), queue.waiting.len()), (None, 0));
        assert_eq!(lateness.len(), queue.requests);
    }
}
