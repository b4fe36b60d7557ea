//! The binary on several threads: as on one, to those outside.

use std::io::Write;
use std::net::TcpStream;
use std::thread;

use testkit::binary::{ABC, PUT_ABC, Running, begin_upload, connect, exchange, read_until, rest};

use crate::STREAMSUM;

fn two_workers(arguments: &[&str]) -> (Running, String) {
    STREAMSUM.local(&[&["--workers", "2"], arguments].concat())
}

#[cfg(target_os = "linux")]
#[test]
fn there_are_as_many_threads_as_workers_and_one_that_writes() {
    let threads = |workers: &str| {
        let (running, address) = STREAMSUM.local(&["--workers", workers]);
        assert!(exchange(connect(&address), PUT_ABC).ends_with(ABC));
        let tasks = format!("/proc/{}/task", running.child.id());
        std::fs::read_dir(tasks).expect("a process").count()
    };
    assert_eq!([threads("1"), threads("3")], [2, 4]);
    let cores = thread::available_parallelism().expect("cores").get();
    assert_eq!(threads("auto"), cores + 1);
}

// covers: 27.1 27.3
#[test]
fn a_signal_finishes_the_uploads_of_all_workers() {
    let (running, address) = two_workers(&[]);
    let uploads: Vec<_> = (0..4).map(|_| begin_upload(&address)).collect();
    running.signal("TERM");
    assert!(running.line().starts_with("streamsum: draining for at most 30s"));
    for upload in uploads {
        let answer = exchange(upload, b"bc");
        assert!(answer.contains("Connection: close\r\n") && answer.ends_with(ABC), "{answer}");
    }
    let (status, left) = running.end();
    assert_eq!((status, left.len()), (Some(0), 5), "{left:?}");
    assert!(left[..4].iter().all(|line| line.contains(" PUT /big 200 3 ")), "{left:?}");
    assert_eq!(left[4], "streamsum: drained");
}

// covers: 27.4
#[test]
fn an_expired_drain_cuts_those_of_all_workers() {
    let (running, address) = two_workers(&["--drain-timeout", "1s"]);
    let uploads: Vec<_> = (0..4).map(|_| begin_upload(&address)).collect();
    running.signal("TERM");
    let (status, left) = running.end();
    assert_eq!((status, left.len()), (Some(1), 6), "{left:?}");
    assert!(left[1..5].iter().all(|line| line.contains(" PUT /big - ")), "{left:?}");
    assert_eq!(left[5], "streamsum: drain expired; connections cut: 4");
    drop(uploads);
}

// covers: 27.5
#[test]
fn a_second_signal_ends_all_workers_at_once() {
    let (running, address) = two_workers(&["--drain-timeout", "0"]);
    let uploads: Vec<_> = (0..4).map(|_| begin_upload(&address)).collect();
    running.signal("TERM");
    assert!(running.line().starts_with("streamsum: draining as long as it takes"));
    running.signal("TERM");
    let (status, left) = running.end();
    assert_eq!((status, left.len()), (Some(1), 5), "{left:?}");
    assert_eq!(left[4], "streamsum: ended by a second signal; connections cut: 4");
    drop(uploads);
}

/// A signal is heard after the first worker has nobody left, too.
#[test]
fn a_second_signal_is_heard_while_the_others_drain() {
    let (running, address) = two_workers(&["--drain-timeout", "0"]);
    // The first upload is on the first worker.
    let first = begin_upload(&address);
    let second = begin_upload(&address);
    running.signal("TERM");
    running.line();
    assert!(exchange(first, b"bc").ends_with(ABC));
    running.line();
    running.signal("TERM");
    let (status, left) = running.end();
    assert_eq!((status, left.len()), (Some(1), 2), "{left:?}");
    // The other one has its answer, and may still linger.
    assert!(left[1].starts_with("streamsum: ended by a second signal; connections cut: "));
    drop(second);
}

#[test]
fn counters_are_those_of_all_workers() {
    let (running, address) = two_workers(&[]);
    let uploads: Vec<_> = (0..4).map(|_| begin_upload(&address)).collect();
    let idle: Vec<TcpStream> = uploads
        .into_iter()
        .map(|mut upload| {
            upload.write_all(b"bc").expect("it reads");
            read_until(&mut upload, ABC);
            running.line();
            upload
        })
        .collect();
    running.signal("USR1");
    let counters = running.line();
    assert!(counters.starts_with("streamsum: open=4 connections=4 "), "{counters}");
    assert!(counters.contains(" requests=4 answers=4 "), "{counters}");
    drop(idle);
}

#[test]
fn limit_of_connections_is_told_for_all_workers() {
    let (running, address) = two_workers(&["--connections", "3", "--access-log", "off"]);
    let mut uploads: Vec<_> = (0..3).map(|_| begin_upload(&address)).collect();
    assert_eq!(running.line(), "streamsum: the limit of 3 connections is reached");
    let mut waiting = connect(&address);
    waiting.write_all(PUT_ABC).expect("room in the backlog");
    assert!(exchange(uploads.remove(0), b"bc").ends_with(ABC));
    assert!(rest(waiting).ends_with(ABC));
    assert_eq!(running.line(), "streamsum: below the limit of 3 connections again");
    drop(uploads);
}

#[test]
fn lines_of_all_workers_are_whole() {
    const CLIENTS: usize = 8;
    const EACH: usize = 200;
    let (running, address) = STREAMSUM.local(&["--workers", "4"]);
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let address = address.clone();
            thread::spawn(move || {
                let mut stream = connect(&address);
                for number in 0..EACH {
                    let head = format!("PUT /{client}/{number} HTTP/1.1\r\nHost: x\r\n");
                    let request = format!("{head}Content-Length: 3\r\n\r\nabc");
                    stream.write_all(request.as_bytes()).expect("it reads");
                    read_until(&mut stream, ABC);
                }
            })
        })
        .collect();
    // Those of each client in their order, though they come among those of others.
    let mut next = [0; CLIENTS];
    for _ in 0..CLIENTS * EACH {
        let line = running.line();
        let columns: Vec<_> = line.split(' ').collect();
        let [_, "PUT", target, "200", "3", _, digest] = columns[..] else { panic!("{line}") };
        assert_eq!(digest, ABC);
        let (client, number) = target[1..].split_once('/').expect("two numbers");
        let client: usize = client.parse().expect("a number");
        assert_eq!(number, next[client].to_string(), "{line}");
        next[client] += 1;
    }
    clients.into_iter().for_each(|client| client.join().expect("answers"));
    running.signal("TERM");
    assert_eq!(running.end().0, Some(0));
}
