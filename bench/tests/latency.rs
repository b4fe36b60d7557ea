//! Latency counts from when requests were due, however long the server keeps the loader
//! from making them.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use streamsum_bench::content;
use streamsum_bench::loader::paced::{self, Kept, Schedule};
use streamsum_bench::loader::{Digests, Failure};
use streamsum_bench::plan::Plan;
use streamsum_bench::request::HEAD;

const CONNECTIONS: usize = 4;
const BYTES: usize = 100;
/// Requests a second.
const RATE: f64 = 1000.0;
/// So long the server does nothing at first, and a little longer it is asked.
const PAUSE: Duration = Duration::from_millis(300);
const TIME: Duration = Duration::from_millis(400);

/// Asks a server that answers nothing before a pause is over.
fn run(patience: Duration, answers: fn(&mut TcpStream) -> io::Result<()>) -> Result<Kept, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let plan = Plan::requests(CONNECTIONS, BYTES, 1, TIME);
    let schedule = Schedule { plan: &plan, rate: RATE, time: TIME, beside: None };
    let begun = Instant::now();
    thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            let listener = &listener;
            scope.spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                thread::sleep(PAUSE.saturating_sub(begun.elapsed()));
                // Until the loader leaves.
                while answers(&mut stream).is_ok() {}
            });
        }
        paced::run(&schedule, address, Digests::True, patience)
    })
}

fn answer(stream: &mut TcpStream) -> io::Result<()> {
    let mut request = [0; HEAD + BYTES];
    stream.read_exact(&mut request)?;
    let digest = content::digest_of_cycle(&request[HEAD..], 0, BYTES as u64);
    stream.write_all(&[b"HTTP/1.1 200 OK\r\nContent-Length: 32\r\n\r\n", &digest[..]].concat())
}

#[test]
fn a_pause_is_charged_for_all_that_was_due_in_it() {
    let kept = run(Duration::from_secs(30), answer).unwrap();
    assert_eq!(kept.answers, 400);
    assert_eq!(kept.latency.len(), 400);
    // Those that were due in the first half of it waited for the other half at least. Had
    // they counted from when they were sent, it would be one for each connection.
    let half = PAUSE.as_nanos() as u64 / 2;
    let late = kept.latency.count_between(half, u64::MAX);
    assert!(late >= 130, "{late} requests of 150");
}

#[test]
fn a_server_that_never_answers_has_stalled() {
    let failure = run(Duration::from_millis(200), |stream| stream.read_exact(&mut [0]));
    assert!(matches!(failure, Err(Failure::Stalled)), "{failure:?}");
}
