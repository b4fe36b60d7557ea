//! What becomes of newcomers when all places are taken, in a loop whose clock is the test's.

use std::time::Duration;

use mio::{Events, Poll, Token};
use streamsum::checksum::Checksum;
use streamsum::engine::{Config, Now};
use streamsum::handler::Handler;
use streamsum::server::Server;
use testkit::client::{Address, Client, PATIENCE, put};

/// A server that rests wakes up two times a second, or three.
const MOST_SLEEPS: usize = 100;

struct Loop {
    poll: Poll,
    server: Server<<Checksum as Handler>::Upload>,
    handler: Checksum,
    address: Address,
    sleeps: usize,
    start: Now,
    now: Now,
}

impl Loop {
    fn new(connections: usize) -> Self {
        let poll = Poll::new().unwrap();
        let config = Config::default().connections(connections);
        let mut server = Server::new(poll.registry(), Token(0), config).unwrap();
        let address = Address::Tcp(server.bind("127.0.0.1:0").unwrap());
        let start = Now::now();
        let handler = Checksum::default();
        Self { poll, server, handler, address, sleeps: 0, start, now: start }
    }

    fn turn(&mut self, longest: Duration) {
        let mut events = Events::with_capacity(64);
        // What is due later does not become due: this clock stands still.
        let is_due = self.server.timeout(self.now) == Some(Duration::ZERO);
        let timeout = if is_due { Duration::ZERO } else { longest };
        self.poll.poll(&mut events, Some(timeout)).unwrap();
        assert!(timeout.is_zero() || !events.is_empty(), "nothing happens");
        for event in &events {
            self.server.note(event);
        }
        self.server.turn(self.now, &mut self.handler).unwrap();
    }

    /// Turns until as many requests were answered as that.
    fn until_answers(&mut self, count: u64) {
        while self.server.stats().answers < count {
            self.turn(PATIENCE);
        }
    }

    fn connect(&self) -> Client {
        self.address.connect()
    }

    /// A whole exchange over a connection that is kept.
    fn serve(&mut self, client: &mut Client) {
        client.send(&put(b"abc"));
        self.until_answers(self.server.stats().answers + 1);
        client.answer().is_digest_of(b"abc");
    }

    /// Clients that were answered one after the other, a tenth of a second apart.
    fn idle(&mut self, count: usize) -> Vec<Client> {
        let mut clients: Vec<Client> = (0..count).map(|_| self.connect()).collect();
        for client in &mut clients {
            self.serve(client);
            self.pass(Duration::from_millis(100));
        }
        clients
    }

    fn pass(&mut self, time: Duration) {
        self.now.monotonic += time;
        self.now.wall += time;
    }

    /// Time goes on to the next deadline, without any event but those of who has come.
    fn sleep(&mut self) {
        self.sleeps += 1;
        assert!(self.sleeps < MOST_SLEEPS, "it does not rest");
        self.turn(Duration::ZERO);
        if let Some(time) = self.server.timeout(self.now) {
            self.pass(time);
        }
        self.turn(Duration::ZERO);
    }

    fn elapsed(&self) -> Duration {
        self.now.monotonic - self.start.monotonic
    }

    fn counts(&self) -> (usize, u64, u64) {
        let stats = self.server.stats();
        (self.server.connections(), stats.connections, stats.displaced)
    }
}

// covers: 28.7
#[test]
fn a_newcomer_gets_the_place_of_the_longest_idle_when_its_second_is_over() {
    let mut looped = Loop::new(3);
    let mut clients = looped.idle(3);
    // The first to come is not the longest idle any more.
    let [first, second, third] = &mut clients[..] else { unreachable!("three have come") };
    looped.serve(first);
    let mut newcomer = looped.connect();
    newcomer.send(&put(b"new"));
    while looped.server.stats().displaced == 0 {
        assert!(looped.elapsed() < Duration::from_secs(2), "nobody makes room");
        assert_eq!(looped.counts(), (3, 3, 0));
        looped.sleep();
    }
    // It was idle from 100 ms on, and the engine counts in microseconds.
    let due = Duration::from_millis(1_100);
    assert!(looped.elapsed().abs_diff(due) <= Duration::from_micros(1), "{:?}", looped.elapsed());
    second.ends();

    looped.until_answers(5);
    newcomer.answer().is_digest_of(b"new");
    for client in [first, third, &mut newcomer] {
        looped.serve(client);
    }
    assert_eq!(looped.counts(), (3, 4, 1));
}

// covers: 28.7
#[test]
fn each_newcomer_costs_one_and_nobody_leaves_for_nobody() {
    let mut looped = Loop::new(4);
    let mut clients = looped.idle(4);
    for _ in 0..30 {
        looped.sleep();
    }
    assert!(looped.elapsed() > Duration::from_secs(20));
    assert_eq!(looped.counts(), (4, 4, 0), "all places are taken, and nobody wants one");

    let mut newcomers = [(); 2].map(|()| looped.connect());
    for newcomer in &mut newcomers {
        newcomer.send(&put(b"new"));
    }
    looped.until_answers(6);
    for newcomer in &mut newcomers {
        newcomer.answer().is_digest_of(b"new");
    }
    assert_eq!(looped.counts(), (4, 6, 2));
    let (gone, left) = clients.split_at_mut(2);
    gone.iter_mut().for_each(Client::ends);
    left.iter_mut().for_each(|client| looped.serve(client));
}

// covers: 25.8 28.7
#[test]
fn a_newcomer_waits_while_all_others_are_at_work() {
    const HEAD: &[u8] =
        b"PUT / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n\r\n";
    let mut looped = Loop::new(2);
    let mut uploads = [(); 2].map(|()| looped.connect());
    for upload in &mut uploads {
        upload.send(HEAD);
        upload.send(b"a");
    }
    while looped.server.stats().requests < 2 {
        looped.turn(PATIENCE);
    }
    let mut newcomer = looped.connect();
    newcomer.send(&put(b"new"));
    while looped.elapsed() < Duration::from_secs(10) {
        looped.sleep();
        assert_eq!(looped.counts(), (2, 2, 0));
    }
    assert!(newcomer.has_nothing() && uploads.iter_mut().all(Client::has_nothing));

    uploads[0].send(b"bc");
    looped.until_answers(1);
    uploads[0].answer().is_digest_of(b"abc");
    uploads[0].ends();
    uploads[0].half_close();
    looped.until_answers(2);
    newcomer.answer().is_digest_of(b"new");
    assert_eq!(looped.counts(), (2, 3, 0));
}

// covers: 28.8
#[test]
fn a_server_is_full_until_there_has_been_room_for_a_second() {
    let mut looped = Loop::new(2);
    assert!(!looped.server.is_full());
    let mut clients = looped.idle(2);
    assert!(looped.server.is_full());
    // A place that is given to somebody else at once is none.
    looped.pass(Duration::from_secs(5));
    let mut newcomer = looped.connect();
    looped.serve(&mut newcomer);
    assert!(looped.server.is_full());

    clients.clear();
    while looped.server.connections() > 1 {
        looped.turn(PATIENCE);
    }
    let start = looped.elapsed();
    while looped.server.is_full() {
        assert!(looped.elapsed() - start <= Duration::from_secs(1), "it is not noticed");
        looped.sleep();
    }
    assert!(looped.elapsed() - start >= Duration::from_millis(999));
}

// covers: 28.8
#[test]
fn a_server_that_drains_is_not_full() {
    let mut looped = Loop::new(1);
    let mut client = looped.connect();
    client.send(&put(b"abc")[..put(b"abc").len() - 1]);
    while looped.server.stats().requests < 1 {
        looped.turn(PATIENCE);
    }
    looped.turn(Duration::ZERO);
    assert!(looped.server.is_full());
    looped.server.drain(looped.now);
    looped.turn(Duration::ZERO);
    assert!(!looped.server.is_full());
}
