//! A thousand connections at once: none is refused, and a few turns take them all in.
//!
//! "At once" is without any clock: all of them are there before the server gets to accept
//! the first.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use mio::{Events, Poll, Token};
use socket2::{Domain, Socket, Type};
use streamsum::checksum::Checksum;
use streamsum::engine::{Config, Now};
use streamsum::server::Server;
use testkit::binary::Running;
use testkit::client::PATIENCE;
use testkit::content::{content, digest};
use testkit::descriptors;

use crate::STREAMSUM;

/// Unless the system's own bound on backlogs is lower.
const CLIENTS: usize = 1000;
/// What the library accepts in one turn.
const A_TURN: usize = 256;

fn clients() -> usize {
    let bound = fs::read_to_string("/proc/sys/net/core/somaxconn").expect("Linux has one");
    CLIENTS.min(bound.trim().parse().expect("a number"))
}

/// For both ends of every connection.
const DESCRIPTORS: u64 = 2 * CLIENTS as u64 + 100;

struct Client {
    stream: TcpStream,
    content: Vec<u8>,
}

impl Client {
    /// Connects, which the backlog alone must make possible, and sends an upload of its own.
    fn send(address: SocketAddr, number: usize) -> Self {
        let mut stream =
            TcpStream::connect_timeout(&address, PATIENCE).expect("room in the backlog");
        stream.set_read_timeout(Some(PATIENCE)).expect("an open socket");
        let content = content(10 + number % 100, number as u64);
        let length = content.len();
        let head = format!(
            "PUT / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
        );
        stream.write_all(&[head.as_bytes(), &content].concat()).expect("room to send");
        Self { stream, content }
    }

    fn expect_digest(mut self) {
        let mut answer = String::new();
        self.stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.ends_with(&format!("\r\n\r\n{}", digest(&self.content))), "{answer}");
    }
}

// covers: 28.1
#[test]
fn a_burst_is_accepted_in_as_few_turns_as_its_portions_are() {
    descriptors::make_room_for(DESCRIPTORS);
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    listener.bind(&any.into()).expect("a port");
    listener.listen(CLIENTS as i32).expect("a listener");
    listener.set_nonblocking(true).expect("an open socket");
    let listener = mio::net::TcpListener::from_std(listener.into());
    let address = listener.local_addr().expect("its address");

    let mut poll = Poll::new().expect("a poll");
    let mut events = Events::with_capacity(2 * CLIENTS);
    let mut handler = Checksum::default();
    let mut server = Server::new(poll.registry(), Token(0), Config::default()).expect("a server");
    server.listen(listener).expect("room for a listener");

    let clients: Vec<Client> = (0..clients()).map(|number| Client::send(address, number)).collect();
    let count = clients.len();
    // The last turns are for the answers to those whom the one before has accepted: all of
    // them, and then those who were fewer than go together.
    for turn in 1..=count.div_ceil(A_TURN) + 2 {
        let timeout = server.timeout(Now::now()).map_or(PATIENCE, |time| time.min(PATIENCE));
        poll.poll(&mut events, Some(timeout)).expect("events");
        for event in &events {
            server.note(event);
        }
        server.turn(Now::now(), &mut handler).expect("a listener");
        assert_eq!(server.stats().connections, count.min(turn * A_TURN) as u64, "turn {turn}");
    }
    assert_eq!(server.stats().answers, count as u64);
    clients.into_iter().for_each(Client::expect_digest);
}

// covers: 28.3
#[test]
fn the_backlog_of_the_binary_holds_a_burst() {
    descriptors::make_room_for(DESCRIPTORS);
    let (running, address) = STREAMSUM.local(&["--access-log", "off"]);
    let address = address.parse().expect("an address");
    stop(&running);
    let clients: Vec<Client> = (0..clients()).map(|number| Client::send(address, number)).collect();
    running.signal("CONT");
    clients.into_iter().for_each(Client::expect_digest);
}

/// Keeps the process from running until it is told to continue.
fn stop(running: &Running) {
    running.signal("STOP");
    let stat = format!("/proc/{}/stat", running.child.id());
    // The signal is taken a moment after it was sent.
    let mut state = None;
    while state != Some('T') {
        assert_ne!(state, Some('Z'), "it has ended");
        std::thread::yield_now();
        let stat = fs::read_to_string(&stat).expect("the process");
        // What comes before is the name, which may hold anything.
        state = stat.rsplit_once(") ").and_then(|(_, fields)| fields.chars().next());
    }
}
