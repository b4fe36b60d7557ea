//! Latency counts from when requests were due, however long the server keeps the loader
//! from making them.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use streamsum_bench::contestant::Digests;
use streamsum_bench::loader::Failure;
use streamsum_bench::loader::paced::{self, Kept, Schedule};
use streamsum_bench::plan::Plan;
use streamsum_bench::request::HEAD;
use testkit::content;

const CONNECTIONS: usize = 4;
const BYTES: usize = 100;
/// Bytes of an upload beside, and so many a second.
const UPLOAD: usize = 100_000;
const FLOW: f64 = 4e6;
/// Requests a second.
const RATE: f64 = 1000.0;
/// So long the server does nothing at first, and a little longer it is asked.
const PAUSE: Duration = Duration::from_millis(300);
const TIME: Duration = Duration::from_millis(400);

/// How a server treats a connection, once and again until that fails.
type Play = fn(&mut TcpStream) -> io::Result<()>;

/// Asks a server that answers nothing before a pause is over, and uploads to it if there is
/// a play for that.
fn run(patience: Duration, requests: Play, upload: Option<Play>) -> Result<Kept, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let plan = Plan::requests(CONNECTIONS, BYTES, 1, TIME);
    let uploads = Plan::uploads(1, UPLOAD as u64, None);
    let beside = upload.map(|_| (&uploads, FLOW));
    let schedule = Schedule { plan: &plan, rate: RATE, time: TIME, beside };
    let begun = Instant::now();
    thread::scope(|scope| {
        let plays = [requests; CONNECTIONS].into_iter().chain(upload);
        scope.spawn(move || {
            for play in plays {
                let (mut stream, _) = listener.accept().unwrap();
                scope.spawn(move || {
                    thread::sleep(PAUSE.saturating_sub(begun.elapsed()));
                    // Until the loader leaves.
                    while play(&mut stream).is_ok() {}
                });
            }
        });
        paced::run(&schedule, address, Digests::True, patience)
    })
}

fn answer(stream: &mut TcpStream) -> io::Result<()> {
    answer_to::<BYTES>(stream, 0)
}

fn answer_upload(stream: &mut TcpStream) -> io::Result<()> {
    answer_to::<UPLOAD>(stream, 0)
}

fn answer_upload_wrongly(stream: &mut TcpStream) -> io::Result<()> {
    answer_to::<UPLOAD>(stream, 1)
}

/// Hashes content of a known length, but for its first bytes.
fn answer_to<const LENGTH: usize>(stream: &mut TcpStream, skipped: usize) -> io::Result<()> {
    let mut request = vec![0; HEAD + LENGTH];
    stream.read_exact(&mut request)?;
    let content = &request[HEAD + skipped..];
    let digest = content::digest_of_cycle(content, 0, content.len() as u64);
    stream.write_all(&[b"HTTP/1.1 200 OK\r\nContent-Length: 32\r\n\r\n", &digest[..]].concat())
}

#[test]
fn a_pause_is_charged_for_all_that_was_due_in_it() {
    let kept = run(Duration::from_secs(30), answer, None).unwrap();
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
    let failure = run(Duration::from_millis(200), |stream| stream.read_exact(&mut [0]), None);
    assert!(matches!(failure, Err(Failure::Stalled)), "{failure:?}");
}

#[test]
fn uploads_flow_at_their_rate() {
    let kept = run(Duration::from_secs(30), answer, Some(answer_upload)).unwrap();
    assert_eq!(kept.answers, 400);
    let most = FLOW * kept.time.as_secs_f64();
    assert!(kept.flowed >= UPLOAD as u64 && kept.flowed as f64 <= most, "{}", kept.flowed);
}

#[test]
fn an_upload_with_a_wrong_digest_is_found() {
    let failure = run(Duration::from_secs(30), answer, Some(answer_upload_wrongly));
    assert!(matches!(failure, Err(Failure::WrongDigest { .. })), "{failure:?}");
}
