//! Listeners that fail for good: the others go on, and so do those who have connected.
//! Only on Linux can a listening socket be shut down from within a test.

use std::io::ErrorKind;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;

use mio::{Events, Poll, Token};
use streamsum::checksum::Checksum;
use streamsum::engine::{Config, Now};
use streamsum::handler::Handler;
use streamsum::server::Server;
use streamsum::thread;
use testkit::client::{Address, Client, PATIENCE, put};
use testkit::scratch::Folder;

/// With options of one's own set, one forgets that a listener must not block.
#[test]
fn a_listener_that_would_block_does_not_hold_up_the_loop() {
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = Address::Tcp(tcp.local_addr().unwrap());
    let folder = Folder::make();
    let path = folder.place("sock");
    let unix = UnixListener::bind(&path).unwrap();
    let listeners = [tcp.into(), unix.into()];
    let server = thread::spawn_on(listeners, Config::default(), |_| Checksum::new()).unwrap();
    for address in [address, Address::Unix(path)] {
        address.connect().exchange(&put(b"abc")).is_digest_of(b"abc");
    }
    server.stop();
    server.join().unwrap();
}

struct Loop {
    poll: Poll,
    events: Events,
    server: Server<<Checksum as Handler>::Upload>,
    handler: Checksum,
}

impl Loop {
    fn new() -> Self {
        let poll = Poll::new().unwrap();
        let server = Server::new(poll.registry(), Token(0), Config::default()).unwrap();
        Self { poll, events: Events::with_capacity(64), server, handler: Checksum::default() }
    }

    /// Listens on a socket of which the test keeps a second handle.
    fn listen(&mut self) -> TcpListener {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let second = listener.try_clone().unwrap();
        self.server.listen(mio::net::TcpListener::from_std(listener)).unwrap();
        second
    }

    /// Waits for events and takes one turn.
    fn turn(&mut self) -> std::io::Result<()> {
        self.poll.poll(&mut self.events, Some(PATIENCE)).unwrap();
        assert!(!self.events.is_empty(), "nothing happens");
        for event in &self.events {
            self.server.note(event);
        }
        self.server.turn(Now::now(), &mut self.handler)
    }

    /// An upload over a connection that is kept.
    fn serve(&mut self, client: &mut Client) {
        let before = self.server.stats().answers;
        client.send(&put(b"abc"));
        while self.server.stats().answers == before {
            self.turn().unwrap();
        }
        client.answer().is_digest_of(b"abc");
    }

    fn lost(&mut self) -> Vec<(usize, ErrorKind)> {
        let lost = self.server.lost_listeners();
        lost.map(|lost| (lost.number, lost.error.kind())).collect()
    }
}

fn connect(listener: &TcpListener) -> Client {
    Address::Tcp(listener.local_addr().unwrap()).connect()
}

/// Makes accepting fail with EINVAL from now on.
fn shut_down(listener: TcpListener) {
    TcpStream::from(OwnedFd::from(listener)).shutdown(Shutdown::Both).unwrap();
}

// covers: 28.5
#[test]
fn one_listener_fails_and_the_others_go_on() {
    let mut looped = Loop::new();
    let [first, second, third] = [(); 3].map(|()| looped.listen());
    let mut before = connect(&second);
    looped.serve(&mut before);

    shut_down(second);
    looped.turn().unwrap();
    assert_eq!(looped.lost(), [(1, ErrorKind::InvalidInput)]);
    assert_eq!(looped.lost(), [], "each is told once");

    looped.serve(&mut before);
    looped.serve(&mut connect(&first));
    looped.serve(&mut connect(&third));

    // The number of each stays what it was.
    shut_down(third);
    looped.turn().unwrap();
    assert_eq!(looped.lost(), [(2, ErrorKind::InvalidInput)]);
    looped.serve(&mut connect(&first));
}

// covers: 28.5
#[test]
fn the_last_listener_fails_and_connections_go_on() {
    let mut looped = Loop::new();
    let [first, second] = [(); 2].map(|()| looped.listen());
    let mut before = connect(&first);
    looped.serve(&mut before);

    shut_down(first);
    looped.turn().unwrap();
    assert_eq!(looped.lost(), [(0, ErrorKind::InvalidInput)]);
    shut_down(second);
    let wrong = looped.turn().expect_err("nobody listens");
    assert_eq!((wrong.kind(), looped.lost()), (ErrorKind::InvalidInput, vec![]));

    // Told once, and no reason to end with requests under way.
    looped.serve(&mut before);
    looped.server.drain(Now::now());
    looped.server.turn(Now::now(), &mut looped.handler).unwrap();
    before.ends();
    assert!(looped.server.is_empty());
}

#[test]
fn listeners_that_fail_together_are_told_all() {
    let mut looped = Loop::new();
    let [first, second] = [(); 2].map(|()| looped.listen());
    shut_down(first);
    shut_down(second);
    let mut wrong = looped.turn();
    while wrong.is_ok() {
        wrong = looped.turn();
    }
    assert_eq!(wrong.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(looped.lost().len(), 1);
    // It listens again on another one.
    let third = looped.listen();
    looped.serve(&mut connect(&third));
}
