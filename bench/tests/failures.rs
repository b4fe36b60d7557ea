//! A server that does not do its work is found out, however fast it is.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use streamsum_bench::contestant::Digests;
use streamsum_bench::loader::{Failure, Loader};
use streamsum_bench::plan::Plan;
use streamsum_bench::request::HEAD;

/// For a server that is expected to answer.
const LONG: Duration = Duration::from_secs(30);
const BYTES: usize = 100_000;

/// Plays the second of two connections to a server that treats the first one well.
fn race(patience: Duration, play: impl FnOnce(&mut TcpStream, &[u8]) + Send) -> Failure {
    let plan = Plan::uploads(2, BYTES as u64, None);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let loader = Loader::connect(&plan, address, Digests::True).unwrap();
    thread::scope(|scope| {
        let plan = &plan;
        scope.spawn(move || {
            let (mut good, _) = listener.accept().unwrap();
            take_all(&mut good, plan);
            good.write_all(&answer(&plan.bursts[0].digests[0])).unwrap();
            let (mut bad, _) = listener.accept().unwrap();
            play(&mut bad, &answer(&plan.bursts[1].digests[0]));
            // Open until the loader leaves.
            let _ = bad.read_to_end(&mut Vec::new());
        });
        loader.run(patience).unwrap_err()
    })
}

fn take_all(stream: &mut TcpStream, plan: &Plan) {
    let mut request = vec![0; plan.bursts[0].wire_length() as usize];
    stream.read_exact(&mut request).unwrap();
}

fn answer(digest: &[u8]) -> Vec<u8> {
    [b"HTTP/1.1 200 OK\r\nContent-Length: 32\r\n\r\n", digest].concat()
}

fn take(stream: &mut TcpStream) {
    take_all(stream, &Plan::uploads(1, BYTES as u64, None));
}

#[test]
fn a_wrong_digest() {
    let failure = race(LONG, |stream, right| {
        take(stream);
        let mut wrong = right.to_vec();
        *wrong.last_mut().unwrap() ^= 1;
        stream.write_all(&wrong).unwrap();
    });
    assert!(matches!(failure, Failure::WrongDigest { .. }), "{failure:?}");
}

#[test]
fn the_digest_of_another_upload() {
    let other = Plan::uploads(2, BYTES as u64, None).bursts[0].digests[0];
    let failure = race(LONG, |stream, _| {
        take(stream);
        stream.write_all(&answer(&other)).unwrap();
    });
    assert!(matches!(failure, Failure::WrongDigest { .. }), "{failure:?}");
}

#[test]
fn a_dropped_answer() {
    let failure = race(LONG, |stream, _| {
        take(stream);
        stream.shutdown(Shutdown::Write).unwrap();
    });
    assert!(matches!(failure, Failure::Closed), "{failure:?}");
}

#[test]
fn half_an_answer() {
    let failure = race(LONG, |stream, right| {
        take(stream);
        stream.write_all(&right[..right.len() - 1]).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
    });
    assert!(matches!(failure, Failure::Closed), "{failure:?}");
}

#[test]
fn an_answer_that_never_comes() {
    let failure = race(Duration::from_millis(200), |stream, _| take(stream));
    assert!(matches!(failure, Failure::Stalled), "{failure:?}");
}

#[test]
fn two_answers_to_one_request() {
    let failure = race(LONG, |stream, right| {
        take(stream);
        stream.write_all(&[right, right].concat()).unwrap();
    });
    assert!(matches!(failure, Failure::Unasked), "{failure:?}");
}

#[test]
fn content_that_nobody_asked_for() {
    let plan = Plan::expecting(1, 1000, Duration::ZERO);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let loader = Loader::connect(&plan, address, Digests::True).unwrap();
    thread::scope(|scope| {
        let digest = &plan.bursts[0].digests[0];
        scope.spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.read_exact(&mut [0; HEAD]).unwrap();
            stream.write_all(&answer(digest)).unwrap();
            // The content never comes.
            assert_eq!(stream.read_to_end(&mut Vec::new()).unwrap_or_default(), 0);
        });
        let failure = loader.run(LONG).unwrap_err();
        assert!(matches!(failure, Failure::Unasked), "{failure:?}");
    });
}

#[test]
fn a_refusal() {
    let failure = race(LONG, |stream, _| {
        take(stream);
        stream.write_all(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n").unwrap();
    });
    assert!(matches!(failure, Failure::Status(503)), "{failure:?}");
}
