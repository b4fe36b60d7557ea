//! The binary and the signals that its operators send.

use std::io::{self, Write};
use std::net::TcpStream;

use testkit::binary::{ABC, begin_upload, connect, exchange, read_until, rest};

use testkit::content::EMPTY;

use crate::STREAMSUM;

// covers: 27.1 27.2 27.3
#[test]
fn a_signal_finishes_what_is_under_way() {
    let (running, address) = STREAMSUM.local(&[]);
    let mut idle = connect(&address);
    let mut begun = connect(&address);
    for stream in [&mut idle, &mut begun] {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").expect("it reads");
        assert!(!read_until(stream, EMPTY).contains("Connection: close"));
        running.line();
    }
    begun.write_all(b"PUT /begun HTTP/1.1\r\nContent-Le").expect("it reads");
    let upload = begin_upload(&address);

    running.signal("TERM");
    let line = running.line();
    assert!(line.starts_with("streamsum: draining for at most 30s"), "{line}");
    let wrong = TcpStream::connect(&address).expect_err("nobody listens");
    assert_eq!(wrong.kind(), io::ErrorKind::ConnectionRefused);
    assert_eq!(rest(idle), "");
    let answer = exchange(begun, b"ngth: 3\r\nHost: x\r\n\r\nabc");
    assert!(answer.contains("Connection: close\r\n") && answer.ends_with(ABC), "{answer}");
    let answer = exchange(upload, b"bc");
    assert!(answer.contains("Connection: close\r\n") && answer.ends_with(ABC), "{answer}");
    let (status, left) = running.end();
    assert_eq!((status, left.len()), (Some(0), 3), "{left:?}");
    assert_eq!(left[2], "streamsum: drained");
}

#[test]
fn an_interrupt_is_a_signal_too() {
    let (running, _) = STREAMSUM.local(&[]);
    running.signal("INT");
    let (status, left) = running.end();
    assert_eq!((status, left.len()), (Some(0), 2), "{left:?}");
}

#[test]
fn sigusr1_asks_for_the_counters() {
    let (running, address) = STREAMSUM.local(&["--access-log", "off"]);
    let answer = exchange(connect(&address), b"PUT / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc");
    assert!(answer.ends_with(ABC), "{answer}");
    for _ in 0..2 {
        let answer = exchange(connect(&address), b"GET / HTTP/1.1\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    }
    let idle = connect(&address);
    running.signal("USR1");
    let counters = running.line();
    assert!(counters.starts_with("streamsum: open="), "{counters}");
    assert!(counters.contains(" requests=1 answers=1 faults=0 refusals=2 aborts=0 "), "{counters}");
    assert_eq!(
        running.line(),
        "streamsum: refused=2 status=400 reason=host-missing Host is missing"
    );
    running.signal("TERM");
    drop(idle);
    let (status, left) = running.end();
    assert_eq!((status, left.len()), (Some(0), 2), "{left:?}");
}

// covers: 27.4 30.6
#[test]
fn an_expired_drain_fails() {
    let (running, address) = STREAMSUM.local(&["--drain-timeout", "1s"]);
    let upload = begin_upload(&address);
    running.signal("TERM");
    let (status, left) = running.end();
    assert_eq!((status, left.len()), (Some(1), 3), "{left:?}");
    assert!(left[0].starts_with("streamsum: draining for at most 1s"), "{left:?}");
    assert!(left[1].contains(" PUT /big - "), "{left:?}");
    assert_eq!(left[2], "streamsum: drain expired; connections cut: 1");
    drop(upload);
}

// covers: 27.3
#[test]
fn a_client_that_has_its_answer_and_stays_makes_no_drain_fail() {
    let (running, address) = STREAMSUM.local(&["--drain-timeout", "1s", "--max-body", "8B"]);
    let mut refused = connect(&address);
    let head = b"PUT /long HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n";
    refused.write_all(head).expect("it reads");
    read_until(&mut refused, "the content is too large");
    running.line();
    running.signal("TERM");
    let (status, left) = running.end();
    assert_eq!((status, left.len()), (Some(0), 2), "{left:?}");
    assert_eq!(left[1], "streamsum: drained");
    drop(refused);
}

// covers: 27.5 30.6
#[test]
fn a_second_signal_ends_at_once() {
    let (running, address) = STREAMSUM.local(&["--drain-timeout", "0"]);
    let upload = begin_upload(&address);
    running.signal("TERM");
    let line = running.line();
    assert!(line.starts_with("streamsum: draining as long as it takes"), "{line}");
    running.signal("TERM");
    let (status, left) = running.end();
    assert_eq!((status, left.len()), (Some(1), 2), "{left:?}");
    assert_eq!(left[1], "streamsum: ended by a second signal; connections cut: 1");
    drop(upload);
}

// covers: 27.1
#[test]
fn every_signal_that_asks_for_an_end_drains() {
    for name in ["INT", "QUIT", "TERM"] {
        let (running, address) = STREAMSUM.local(&[]);
        let upload = begin_upload(&address);
        running.signal(name);
        let line = running.line();
        assert!(line.starts_with("streamsum: draining "), "{name}: {line}");
        let answer = exchange(upload, b"bc");
        assert!(answer.ends_with(ABC), "{name}: {answer}");
        let (status, left) = running.end();
        assert_eq!((status, left.len()), (Some(0), 2), "{name}: {left:?}");
    }
}

/// A terminal that closes and a tool that rotates logs send it.
// covers: 27.6
#[test]
fn a_hangup_costs_nobody_an_upload_and_is_told() {
    let (running, address) = STREAMSUM.local(&[]);
    let mut upload = begin_upload(&address);
    for _ in 0..2 {
        running.signal("HUP");
        assert_eq!(running.line(), "streamsum: SIGHUP: there is nothing to reload");
    }
    upload.write_all(b"bc").expect("it reads");
    assert!(!read_until(&mut upload, ABC).contains("Connection: close"));
}

// covers: 27.7
#[test]
fn signals_without_a_meaning_cost_nobody_an_upload() {
    let (running, address) = STREAMSUM.local(&[]);
    let mut upload = begin_upload(&address);
    for name in ["USR2", "PIPE", "XFSZ"] {
        running.signal(name);
    }
    upload.write_all(b"bc").expect("it reads");
    read_until(&mut upload, ABC);
    assert!(running.line().contains(" PUT /big 200 3 "));
    running.signal("TERM");
    let (status, left) = running.end();
    assert_eq!((status, left.len()), (Some(0), 2), "{left:?}");
}
