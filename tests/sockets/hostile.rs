//! Peers that are slow, broken, half-closed, or no HTTP clients at all.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::sync::mpsc::Receiver;

use streamsum::engine::{Config, Timeouts};
use streamsum::handler::{Abort, Outcome};
use streamsum::proto::{Limits, Reject};
use testkit::client::{Address, Client, PATIENCE, Received, put};
use testkit::content::content;
use testkit::descriptors;
use testkit::serving::{Seen, Serving, next_end};

const BODILESS: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const HALF: &[u8] = b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc";
const HALF_CHUNKED: &[u8] =
    b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabc";

/// No deadline, so that whatever ends a request was seen and not waited for.
fn patient() -> Config {
    let timeouts = Timeouts::default().head(None).idle(None).body(None).min_rate(None).write(None);
    Config::default().timeouts(timeouts)
}

fn small_limit() -> Config {
    patient().limits(Limits::default().body(1000))
}

// ---- early refusals ----

#[test]
fn a_flooding_client_that_reads_sees_the_refusal() {
    // covers: 21.1 21.3 25.3
    let server = Serving::everywhere(small_limit());
    for address in server.addresses() {
        for framing in ["Content-Length: 67108864", "Transfer-Encoding: chunked"] {
            let mut client = address.connect();
            let mut writing = client.socket().try_clone();
            let head = format!("PUT / HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n4000000\r\n");
            let flood = std::thread::spawn(move || {
                let part = [b'x'; 1 << 16];
                let mut sent = writing.write_all(head.as_bytes());
                // Until the other thread has seen enough.
                while sent.is_ok() {
                    sent = writing.write_all(&part);
                }
            });
            let answer = client.answer();
            assert_eq!((answer.status, answer.field("Connection")), (413, Some("close")));
            client.ends();
            client.socket().shutdown(Shutdown::Both).expect("an open socket");
            flood.join().expect("it only writes");
        }
    }
}

#[test]
fn a_client_that_writes_all_before_it_reads_sees_the_refusal() {
    // covers: 21.1 21.3
    const ALL: usize = 32 << 20;
    let server = Serving::everywhere(small_limit());
    for address in server.addresses() {
        let mut client = address.connect();
        client.send(&put(&vec![b'x'; ALL]));
        assert_eq!(client.answer().status, 413);
        client.ends();
    }
    server.until(|server| server.is_empty());
}

#[test]
fn a_refusal_in_the_head_reaches_a_client_that_goes_on_sending() {
    let server = Serving::everywhere(patient());
    for address in server.addresses() {
        let mut client = address.connect();
        client.send(b"PUT / HTTP/1.1\r\nHost: x\r\nHost: y\r\nContent-Length: 500000\r\n\r\n");
        client.send(&content(500_000, 1));
        assert_eq!(client.answer().status, 400);
        client.ends();
    }
}

// ---- truncated content ----

#[track_caller]
fn was_truncated(answer: &Received, seen: &Receiver<Seen>) {
    assert_eq!((answer.status, answer.field("Connection")), (400, Some("close")));
    let outcome = Outcome::Refused(Reject::Truncated);
    let Seen::Ended { outcome: was, received, had_upload } = next_end(seen) else {
        panic!("a truncated message was finished");
    };
    assert_eq!((was, had_upload), (outcome, true));
    assert!(received <= 3);
}

#[test]
fn content_cut_off_by_an_end_gets_no_digest() {
    // covers: 15.1 15.3 15.4
    let (server, seen) = Serving::watched(patient());
    for address in server.addresses() {
        for request in [HALF, HALF_CHUNKED] {
            let mut client = address.connect();
            client.send(request);
            client.half_close();
            was_truncated(&client.answer(), &seen);
            client.ends();
        }
    }
}

// Closing a socket with something unread resets the connection: that is how these
// clients break off.

#[test]
fn content_cut_off_by_a_reset_gets_no_digest() {
    // covers: 15.1
    let (server, seen) = Serving::watched(patient());
    for address in server.addresses() {
        for request in [HALF, HALF_CHUNKED] {
            let mut client = address.connect();
            client.send(BODILESS);
            assert_eq!(next_end(&seen), Seen::Finished);
            assert!(matches!(next_end(&seen), Seen::Ended { .. }));
            client.send(request);
            let begun = seen.recv_timeout(PATIENCE);
            assert!(matches!(begun, Ok(Seen::Begun(_))), "{begun:?}");
            client.leave_unread();
            drop(client);
            let Seen::Ended { outcome, had_upload, .. } = next_end(&seen) else {
                panic!("a truncated message was finished");
            };
            assert_eq!((outcome, had_upload), (Outcome::Aborted(Abort::Reset), true));
        }
    }
    server.until(|server| server.is_empty());
}

// ---- no HTTP ----

#[test]
fn what_is_no_http_is_refused_at_once() {
    // covers: 2.3
    let server = Serving::everywhere(patient());
    for address in server.addresses() {
        for greeting in [
            &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
            b"\0",
            b"\x80\x2e\x01\x00\x02",
            b"(garbage)",
            b" GET / HTTP/1.1\r\n",
            b"\x05\x01\x00",
        ] {
            let mut client = address.connect();
            client.send(greeting);
            let answer = client.answer();
            assert_eq!((answer.status, answer.field("Connection")), (400, Some("close")));
            client.ends();
        }
    }
}

#[test]
fn garbage_without_end_is_refused_and_bounded() {
    let server = Serving::everywhere(patient());
    for address in server.addresses() {
        for seed in 0..50 {
            let mut client = address.connect();
            let mut garbage = content(10_000, seed);
            // Some of it begins like a request.
            if seed % 2 == 0 {
                garbage.splice(..0, *b"PUT / HTTP/1.1\r\nHost: x\r\n");
            }
            client.send(&garbage);
            client.half_close();
            assert_eq!(client.answer().status, 400);
            client.ends();
        }
    }
    server.until(|server| server.is_empty());
}

// ---- connections that come and go ----

#[test]
fn a_thousand_connections_that_open_and_close() {
    const EACH: u64 = 1000;
    let server = Serving::everywhere(patient());
    for (place, address) in server.addresses().iter().enumerate() {
        for number in 0..EACH {
            let mut client = address.connect();
            match number % 4 {
                0 => {}
                1 => client.send(b"\r\n"),
                2 => client.send(b"PUT / HT"),
                _ => client.send(HALF),
            }
        }
        let all = EACH * (place as u64 + 1);
        server.until(move |server| server.stats().connections == all && server.is_empty());
    }
    for address in server.addresses() {
        address.connect().exchange(&put(b"abc")).is_digest_of(b"abc");
    }
}

#[test]
fn a_thousand_connections_at_once_that_close_together() {
    const AT_ONCE: usize = 1000;
    descriptors::make_room_for(2 * AT_ONCE as u64 + 100);
    let server = Serving::everywhere(patient());
    for (place, address) in server.addresses().iter().enumerate() {
        let mut open = Vec::with_capacity(AT_ONCE);
        for _ in 0..AT_ONCE {
            let mut client = address.connect();
            client.exchange(BODILESS).is_digest_of(b"");
            client.send(HALF);
            open.push(client);
        }
        let accepted = AT_ONCE * (place + 1);
        server.until(move |server| server.stats().requests == 2 * accepted as u64);
        drop(open);
        server.until(|server| server.is_empty());
    }
}

// ---- the end, right behind a short read ----

/// Often enough that the end comes before, while and after the server reads.
const OFTEN: usize = 300;

#[test]
fn an_end_right_behind_a_short_read_is_not_lost() {
    // covers: 15.3 20.1
    let (server, seen) = Serving::watched(patient());
    for address in server.addresses() {
        for round in 0..OFTEN {
            let mut client = address.connect();
            client.send(HALF);
            linger_a_little(round);
            client.half_close();
            was_truncated(&client.answer(), &seen);
            client.ends();

            let mut client = address.connect();
            client.send(&put(b"abc"));
            linger_a_little(round);
            client.half_close();
            client.answer().is_digest_of(b"abc");
            client.ends();
            assert_eq!(next_end(&seen), Seen::Finished);
            assert!(matches!(next_end(&seen), Seen::Ended { .. }));
        }
    }
    server.until(|server| server.is_empty());
}

#[test]
fn a_reset_right_behind_a_short_read_is_not_lost() {
    let (server, seen) = Serving::watched(patient());
    for address in server.addresses() {
        for round in 0..OFTEN {
            let mut client = address.connect();
            client.send(BODILESS);
            client.leave_unread();
            client.send(HALF);
            linger_a_little(round);
            drop(client);
            // Whether it was begun or not, the first request was finished, and the
            // second never.
            assert_eq!(next_end(&seen), Seen::Finished);
            assert!(matches!(next_end(&seen), Seen::Ended { had_upload: false, .. }));
            server.until(|server| server.is_empty());
            for later in seen.try_iter() {
                assert_ne!(later, Seen::Finished);
            }
        }
    }
}

/// Spends a little time, more in later rounds.
fn linger_a_little(round: usize) {
    for _ in 0..round * 20 {
        std::hint::spin_loop();
    }
}

// ---- peers that do not read ----

#[test]
fn a_client_that_hardly_reads_costs_a_bounded_memory_and_nobody_else() {
    // covers: 19.4
    let config = patient();
    let bound = config.max_output + 2 * config.buffer;
    let server = Serving::everywhere(config);
    for address in server.addresses() {
        let mut other = address.connect();
        let answer = other.exchange(BODILESS);
        let answer_length = answer.head.len() + b"\r\n\r\n".len() + answer.content.len();
        let before = server.ask(|server, _| server.stats().clone());

        let client = address.connect();
        let (mut sent, mut answers) = (0, Vec::new());
        // Rounds are short where the system buffers little.
        let rounds = if matches!(address, Address::Unix(_)) { 12 } else { 2 };
        for _ in 0..rounds {
            sent += write_until_stuck(&client, sent, &mut other);
            let after = server.ask(|server, _| server.stats().clone());
            // The other's requests are read, and their answers written, in full.
            let answered = (after.answers - before.answers) as usize;
            let read = (after.bytes_read - before.bytes_read) as usize;
            let written = (after.bytes_written - before.bytes_written) as usize;
            let (input, output) =
                (read - answered * BODILESS.len(), answered * answer_length - written);
            assert!(input <= bound && output <= bound, "{input} and {output} bytes are kept");
            read_what_there_is(&client, &mut answers);
        }

        // For one that reads in the end, nothing is lost.
        client.half_close();
        client.into_socket().read_to_end(&mut answers).expect("all answers");
        let answers = String::from_utf8(answers).expect("text");
        assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), sent / BODILESS.len());
    }
    server.until(|server| server.is_empty());
}

/// Goes on with pipelined requests until the server takes no more, though it serves
/// another client meanwhile, and returns the number of bytes sent.
fn write_until_stuck(client: &Client, before: usize, other: &mut Client) -> usize {
    let requests = BODILESS.repeat(2000);
    let mut socket = client.socket().try_clone();
    socket.set_nonblocking(true);
    let (mut sent, mut stuck) = (0, 0);
    while stuck < 10 {
        let at = (before + sent) % requests.len();
        match socket.write(requests.get(at..).expect("within")) {
            Ok(n) => (sent, stuck) = (sent + n, 0),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}");
                stuck += 1;
                other.exchange(BODILESS).is_digest_of(b"");
            }
        }
    }
    socket.set_nonblocking(false);
    sent
}

fn read_what_there_is(client: &Client, into: &mut Vec<u8>) {
    let mut socket = client.socket().try_clone();
    socket.set_nonblocking(true);
    let end = socket.read_to_end(into).expect_err("it is open");
    assert_eq!(end.kind(), ErrorKind::WouldBlock);
    socket.set_nonblocking(false);
}
