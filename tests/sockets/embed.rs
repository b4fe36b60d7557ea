//! Servers inside somebody else's loop.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token, Waker};
use streamsum::checksum::Checksum;
use streamsum::engine::{Config, Now, Timeouts};
use streamsum::handler::{Finished, Handler, Piece, Reply, Report, Request, UploadId, Verdict};
use streamsum::proto::{Limits, Response};
use streamsum::server::Server;
use testkit::client::{Address, Client, PATIENCE, put, put_chunked};
use testkit::content::content;

const WAKER: Token = Token(0);
const ECHO: Token = Token(1);
const SERVER: Token = Token(2);

fn any() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

fn poll(poll: &mut Poll, events: &mut Events, timeout: Option<Duration>) {
    if let Err(error) = poll.poll(events, timeout) {
        assert_eq!(error.kind(), ErrorKind::Interrupted, "{error}");
    }
}

/// Tells a loop that its clients have ended, though it be by a panic.
struct Told<'a> {
    done: &'a AtomicBool,
    waker: &'a Waker,
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Release);
        self.waker.wake().unwrap();
    }
}

// ---- beside other sockets and a timer ----

/// An embedder's own business: echoes datagrams, counts ticks.
struct Business {
    echo: UdpSocket,
    echoed: u32,
    next_tick: Instant,
    ticks: u32,
}

impl Business {
    const PERIOD: Duration = Duration::from_millis(1);

    fn on(&mut self, event: &Event) {
        assert_eq!(event.token(), ECHO, "an event of nobody's");
        let mut datagram = [0; 64];
        loop {
            match self.echo.recv_from(&mut datagram) {
                Ok((n, peer)) => {
                    self.echo.send_to(&datagram[..n], peer).expect("room for a datagram");
                    self.echoed += 1;
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}");
                    return;
                }
            }
        }
    }

    fn tick(&mut self, now: Instant) {
        if now >= self.next_tick {
            self.ticks += 1;
            self.next_tick = now + Self::PERIOD;
        }
    }

    fn is_enough(&self) -> bool {
        self.echoed >= 200 && self.ticks >= 50
    }
}

#[test]
fn datagrams_and_a_timer_are_served_while_uploads_run() {
    let mut own = Poll::new().unwrap();
    let mut echo = UdpSocket::bind(any()).unwrap();
    own.registry().register(&mut echo, ECHO, Interest::READABLE).unwrap();
    let place = echo.local_addr().unwrap();
    let mut server = Server::new(own.registry(), SERVER, Config::default()).unwrap();
    let address = Address::Tcp(server.bind(any()).unwrap());
    let enough = AtomicBool::new(false);

    thread::scope(|scope| {
        for seed in 0..4 {
            let (address, enough) = (&address, &enough);
            scope.spawn(move || {
                let content = content(1 << 20, seed);
                let (by_length, chunked) = (put(&content), put_chunked(&content, &[9000]));
                let mut client = address.connect();
                while !enough.load(Ordering::Acquire) {
                    client.exchange(&by_length).is_digest_of(&content);
                    client.exchange(&chunked).is_digest_of(&content);
                }
            });
        }
        scope.spawn(|| ping(place, &enough));

        let mut handler = Checksum::default();
        let mut events = Events::with_capacity(64);
        let mut business = Business { echo, echoed: 0, next_tick: Instant::now(), ticks: 0 };
        let mut uploaded = false;
        while !(uploaded && server.is_empty()) {
            let now = Now::now();
            let tick = business.next_tick.saturating_duration_since(now.monotonic);
            let timeout = server.timeout(now).map_or(tick, |server| server.min(tick));
            poll(&mut own, &mut events, Some(timeout));
            for event in &events {
                if !server.note(event) {
                    business.on(event);
                }
            }
            business.tick(Instant::now());
            server.turn(Now::now(), &mut handler).unwrap();
            uploaded = server.stats().answers >= 8;
            enough.store(uploaded && business.is_enough(), Ordering::Release);
        }
    });
}

/// Sends a datagram after the other, each when the one before has come back.
fn ping(place: SocketAddr, enough: &AtomicBool) {
    let socket = std::net::UdpSocket::bind(any()).unwrap();
    socket.connect(place).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut number = 0_u32;
    while !enough.load(Ordering::Acquire) && number < 1000 {
        socket.send(&number.to_be_bytes()).unwrap();
        let mut back = [0; 64];
        let n = socket.recv(&mut back).expect("an echo");
        assert_eq!(back[..n], number.to_be_bytes());
        number += 1;
    }
}

// ---- two servers ----

/// Counts bytes, for those who show a password.
struct Count;

impl Handler for Count {
    type Upload = u64;

    fn begin(&mut self, request: Request<'_>) -> Verdict<u64> {
        match request.head().fields().get("authorization") {
            Some(b"Bearer sesame") => Verdict::Take(0),
            _ => Verdict::Answer(Response::text(401, "say the word")),
        }
    }

    fn consume(&mut self, pieces: &mut [Piece<u64>]) {
        for piece in pieces {
            let (count, data) = piece.parts();
            *count += data.len() as u64;
        }
    }

    fn finish(&mut self, _: Finished<'_>, count: u64) -> Reply {
        Reply::Now(Response::text(200, count.to_string()))
    }
}

#[test]
fn two_servers_share_a_poll() {
    let mut own = Poll::new().unwrap();
    let waker = Waker::new(own.registry(), WAKER).unwrap();
    let small = Config::default().connections(10);
    let mut hashing = Server::new(own.registry(), SERVER, small.clone()).unwrap();
    let limits = Limits::default().body(1000);
    let behind = Token(hashing.tokens().end);
    let mut counting = Server::new(own.registry(), behind, small.limits(limits)).unwrap();
    assert_eq!(hashing.tokens().start, SERVER.0);
    assert_eq!(counting.tokens().start, behind.0);
    let (hash, count) = (hashing.bind(any()).unwrap(), counting.bind(any()).unwrap());
    let done = AtomicBool::new(false);

    thread::scope(|scope| {
        let (done, waker) = (&done, &waker);
        scope.spawn(move || {
            let _told = Told { done, waker };
            use_both(&Address::Tcp(hash), &Address::Tcp(count));
        });
        let mut events = Events::with_capacity(64);
        while !(done.load(Ordering::Acquire) && hashing.is_empty() && counting.is_empty()) {
            let now = Now::now();
            let timeouts = [hashing.timeout(now), counting.timeout(now)];
            poll(&mut own, &mut events, timeouts.into_iter().flatten().min());
            for event in &events {
                let noted = [hashing.note(event), counting.note(event)];
                let owners = noted.iter().filter(|noted| **noted).count();
                assert_eq!(owners, usize::from(event.token() != WAKER));
            }
            hashing.turn(Now::now(), &mut Checksum::default()).unwrap();
            counting.turn(Now::now(), &mut Count).unwrap();
        }
    });
    assert_eq!((hashing.stats().connections, counting.stats().connections), (10, 30));
    assert_eq!((hashing.stats().refusals, counting.stats().refusals), (0, 10));
}

#[test]
fn requests_of_two_servers_are_told_apart() {
    /// Waits for a verdict on each request, and keeps its name.
    #[derive(Default)]
    struct Ids(Vec<UploadId>);

    impl Handler for Ids {
        type Upload = ();

        fn begin(&mut self, request: Request<'_>) -> Verdict<()> {
            self.0.push(request.id());
            Verdict::Wait(())
        }

        fn consume(&mut self, _: &mut [Piece<()>]) {}

        fn finish(&mut self, _: Finished<'_>, (): ()) -> Reply {
            unreachable!("nobody is let in")
        }
    }

    let mut own = Poll::new().unwrap();
    let mut events = Events::with_capacity(64);
    let mut one = Server::new(own.registry(), Token(0), Config::default()).unwrap();
    let behind = Token(one.tokens().end);
    let mut other = Server::new(own.registry(), behind, Config::default()).unwrap();
    let mut ids = Ids::default();
    let mut clients: Vec<Client> = [one.bind(any()).unwrap(), other.bind(any()).unwrap()]
        .map(|address| Address::Tcp(address).connect())
        .into();
    clients.iter_mut().for_each(|client| client.send(&put(b"abc")));
    while ids.0.len() < 2 {
        poll(&mut own, &mut events, Some(PATIENCE));
        for event in &events {
            assert!(one.note(event) || other.note(event));
        }
        one.turn(Now::now(), &mut ids).unwrap();
        other.turn(Now::now(), &mut ids).unwrap();
    }
    let [first, second] = ids.0[..] else { panic!("two requests: {ids:?}", ids = ids.0) };
    assert_ne!(first, second);
    // Each is known to its own server alone.
    let forbidden = || Response::text(403, "not here");
    let known = [first, second].map(|id| one.answer(id, forbidden()));
    assert_eq!(known.iter().filter(|known| **known).count(), 1);
    let known = [first, second].map(|id| other.answer(id, forbidden()));
    assert_eq!(known.iter().filter(|known| **known).count(), 1);
}

#[test]
fn a_server_needs_room_for_its_tokens() {
    let own = Poll::new().unwrap();
    let config = Config::default().connections(5);
    let server = |first| Server::<()>::new(own.registry(), Token(first), config.clone());
    // 64 listeners come before the connections.
    let last = usize::MAX - 64 - 5;
    assert_eq!(server(last).unwrap().tokens(), last..usize::MAX);
    let wrong = server(last + 1).unwrap_err();
    assert_eq!(wrong.kind(), std::io::ErrorKind::InvalidInput);
    assert_eq!(wrong.to_string(), "no room for 69 tokens");
}

fn use_both(hash: &Address, count: &Address) {
    const LET_IN: &str = "Host: x\r\nAuthorization: Bearer sesame\r\n";
    for seed in 0..10 {
        let content = content(999, seed);
        let mut hashing = hash.connect();
        let mut counting = count.connect();
        let length = content.len();
        counting
            .send(format!("PUT / HTTP/1.1\r\n{LET_IN}Content-Length: {length}\r\n\r\n").as_bytes());
        hashing.exchange(&put(&content)).is_digest_of(&content);
        assert_eq!(counting.exchange(&content).content, "999");

        // The limits are each server's own.
        let longer = [&content[..], b"xy"].concat();
        hashing.exchange(&put(&longer)).is_digest_of(&longer);
        let head = format!("PUT / HTTP/1.1\r\n{LET_IN}Content-Length: 1001\r\n\r\n");
        assert_eq!(count.connect().exchange(head.as_bytes()).status, 413);

        let answer = count.connect().exchange(&put(&content));
        assert_eq!((answer.status, &*answer.content), (401, "say the word"));
    }
}

// ---- answers from another thread ----

/// What the other thread is asked.
enum Job {
    Admit { id: UploadId, target: String },
    Store { id: UploadId, received: u64 },
}

/// What it says, some time later.
enum Word {
    Resume(UploadId),
    Answer(UploadId, Response),
}

/// Has another thread decide on each request, and answer it.
struct Asking {
    jobs: Sender<Job>,
    open: HashSet<UploadId>,
}

impl Handler for Asking {
    type Upload = ();

    fn begin(&mut self, request: Request<'_>) -> Verdict<()> {
        let (id, target) = (request.id(), request.head().target().to_owned());
        assert!(self.open.insert(id), "a new request has a new id");
        self.jobs.send(Job::Admit { id, target }).unwrap();
        Verdict::Wait(())
    }

    fn consume(&mut self, _: &mut [Piece<()>]) {}

    fn finish(&mut self, message: Finished<'_>, (): ()) -> Reply {
        let (id, received) = (message.id(), message.received());
        self.jobs.send(Job::Store { id, received }).unwrap();
        Reply::Later
    }

    fn ended(&mut self, report: &Report<'_>, _: Option<()>) {
        assert!(self.open.remove(&report.id.unwrap()), "it ends once");
    }
}

/// The other thread.
fn decide(jobs: &Receiver<Job>, words: &Sender<Word>, waker: &Waker) {
    for job in jobs {
        let word = match job {
            // It is never heard of again.
            Job::Admit { target, .. } if target == "/forgotten" => continue,
            Job::Admit { id, target } if target == "/forbidden" => {
                Word::Answer(id, Response::text(403, "not here"))
            }
            Job::Admit { id, .. } => Word::Resume(id),
            Job::Store { id, received } => {
                Word::Answer(id, Response::text(201, format!("{received} stored")))
            }
        };
        words.send(word).unwrap();
        waker.wake().unwrap();
    }
}

/// Serves what `clients` do, until that returns; words to peers that are gone are
/// counted.
fn serve_asking(config: Config, clients: impl FnOnce(&Address) + Send) -> usize {
    let mut own = Poll::new().unwrap();
    let waker = Waker::new(own.registry(), WAKER).unwrap();
    let mut server = Server::new(own.registry(), SERVER, config).unwrap();
    let address = Address::Tcp(server.bind(any()).unwrap());
    let done = AtomicBool::new(false);
    let (jobs, asked) = mpsc::channel();
    let (words, said) = mpsc::channel();
    let mut handler = Asking { jobs, open: HashSet::new() };
    let mut too_late = 0;
    thread::scope(|scope| {
        let (done, waker) = (&done, &waker);
        scope.spawn(move || decide(&asked, &words, waker));
        scope.spawn(move || {
            let _told = Told { done, waker };
            clients(&address);
        });
        let mut events = Events::with_capacity(64);
        while !(done.load(Ordering::Acquire) && server.is_empty()) {
            poll(&mut own, &mut events, server.timeout(Now::now()));
            for event in &events {
                assert!(server.note(event) || event.token() == WAKER);
            }
            for word in said.try_iter() {
                let heard = match word {
                    Word::Resume(id) => server.resume(id),
                    Word::Answer(id, response) => server.answer(id, response),
                };
                too_late += usize::from(!heard);
            }
            server.turn(Now::now(), &mut handler).unwrap();
        }
        assert!(handler.open.is_empty(), "every request has ended");
        // Without it the other thread would wait for more jobs.
        drop(handler);
    });
    too_late
}

#[test]
fn another_thread_admits_and_answers() {
    let too_late = serve_asking(Config::default(), |address| {
        let mut client = address.connect();
        for length in [0, 10, 200_000] {
            let answer = client.exchange(&put(&content(length, 1)));
            assert_eq!((answer.status, answer.content), (201, format!("{length} stored")));
        }
        // The 100 waits for the word, too.
        client.send(b"PUT / HTTP/1.1\r\nHost: x\r\n");
        client.send(b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n");
        assert_eq!(client.answer().head, "HTTP/1.1 100 Continue");
        assert_eq!(client.exchange(b"abc").content, "3 stored");
        // Pipelined requests wait for each other, and keep their order.
        let lengths = [5, 0, 70_000, 3];
        let requests = lengths.map(|length| put(&content(length, 2)));
        client.send(&requests.concat());
        for length in lengths {
            assert_eq!(client.answer().content, format!("{length} stored"));
        }
        client.half_close();
        client.ends();
    });
    assert_eq!(too_late, 0);
}

#[test]
fn another_thread_refuses_before_100_continue() {
    // covers: 16.7 18.9
    let too_late = serve_asking(Config::default(), |address| {
        let mut client = address.connect();
        client.send(b"PUT /forbidden HTTP/1.1\r\nHost: x\r\n");
        client.send(b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n");
        let answer = client.answer();
        assert_eq!((answer.status, &*answer.content), (403, "not here"));
        assert_eq!(answer.field("Connection"), Some("close"));
        client.ends();

        // Without content the connection can be used again.
        let mut client = address.connect();
        let bodiless = b"GET /forbidden HTTP/1.1\r\nHost: x\r\n\r\n";
        for _ in 0..3 {
            let answer = client.exchange(bodiless);
            assert_eq!((answer.status, answer.field("Connection")), (403, None));
        }
    });
    assert_eq!(too_late, 0);
}

#[test]
fn a_client_that_goes_while_it_waits_is_reported_and_not_answered() {
    // Nothing but the reset can end what is forgotten.
    let timeouts = Timeouts::default().late(None);
    let config = Config::default().timeouts(timeouts);
    serve_asking(config, |address| {
        for _ in 0..50 {
            let mut client = address.connect();
            client.send(b"GET /forbidden HTTP/1.1\r\nHost: x\r\n\r\n");
            client.leave_unread();
            client.send(b"PUT /forgotten HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n");
            // What is unread makes this a reset.
            drop(client);
        }
    });
}

#[test]
fn a_word_that_never_comes_is_503() {
    // covers: 25.8
    let timeouts = Timeouts::default().late(Duration::from_secs(1));
    let config = Config::default().timeouts(timeouts);
    let too_late = serve_asking(config, |address| {
        let answer = address.connect().exchange(b"GET /forgotten HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!((answer.status, answer.field("Connection")), (503, Some("close")));
    });
    assert_eq!(too_late, 0);
}
