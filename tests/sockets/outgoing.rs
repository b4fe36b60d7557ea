//! Requests out of a loop, over real sockets, to a scripted store.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use mio::{Events, Poll, Token, Waker};
use streamsum::Now;
use streamsum::client::{Answer, Client, Config, Event, ExchangeId, Failure, Origin};
use streamsum::engine::Ready;
use streamsum::outgoing::Dialer;
use streamsum::proto::Framing;
use streamsum::proto::client::Request;
use testkit::client::PATIENCE;
use testkit::content::content;
use testkit::store::serve::Serving;
use testkit::store::{Act, Answer as Scripted, End, Rule, Store, Then};

const PLACES: usize = 4;
const WAKER: Token = Token(PLACES);

/// A client in a loop of its own.
pub(crate) struct Loop {
    poll: Poll,
    events: Events,
    pub(crate) client: Client<Dialer>,
}

impl Loop {
    pub(crate) fn new(config: Config, with: impl FnOnce(Dialer) -> Dialer) -> Self {
        let poll = Poll::new().expect("a poll");
        let waker = Waker::new(poll.registry(), WAKER).expect("a waker");
        let registry = poll.registry().try_clone().expect("a registry");
        let dialer = Dialer::new(registry, Token(0), move || waker.wake().expect("a poll"));
        let client = Client::new(config.connections(PLACES), with(dialer), Now::now());
        Self { poll, events: Events::with_capacity(16), client }
    }

    fn plain(config: Config) -> Self {
        Self::new(config, |dialer| dialer)
    }

    /// The next event of an exchange.
    #[track_caller]
    pub(crate) fn event(&mut self, of: ExchangeId) -> Event {
        let end = Now::now().monotonic + PATIENCE;
        loop {
            self.client.work(Now::now());
            if let Some((id, event)) = self.client.next_event() {
                assert_eq!(id, of, "nothing else is under way");
                return event;
            }
            assert!(Now::now().monotonic < end, "it ends");
            let due = self.client.deadline().expect("it has something to do");
            let timeout = due.saturating_duration_since(Now::now().monotonic);
            self.poll.poll(&mut self.events, Some(timeout)).expect("a poll");
            for event in self.events.iter().filter(|event| event.token() != WAKER) {
                let ready = Ready {
                    readable: event.is_readable(),
                    writable: event.is_writable(),
                    read_closed: event.is_read_closed(),
                    error: event.is_error(),
                    ..Ready::default()
                };
                self.client.note(event.token().0, ready);
            }
        }
    }

    #[track_caller]
    pub(crate) fn answer(&mut self, of: ExchangeId) -> Answer {
        match self.event(of) {
            Event::Answered(answer) => answer,
            other => panic!("no answer: {other:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn failure(&mut self, of: ExchangeId) -> Failure {
        match self.event(of) {
            Event::Failed(failure) => failure,
            other => panic!("no failure: {other:?}"),
        }
    }

    /// Sends content when there is room, until all of it is sent or it is over.
    #[track_caller]
    pub(crate) fn stream(&mut self, id: ExchangeId, mut content: &[u8]) -> Event {
        loop {
            match self.event(id) {
                Event::Room => {
                    let taken = self.client.write(id, content);
                    content = &content[taken..];
                    if content.is_empty() {
                        self.client.finish(id);
                    }
                }
                over => return over,
            }
        }
    }
}

pub(crate) fn origin(scheme: &str, serving: &Serving) -> Arc<Origin> {
    Arc::new(format!("{scheme}://{}", serving.address()).parse().expect("an origin"))
}

pub(crate) fn put(origin: &Origin, path: &str) -> Request {
    Request::new("PUT", path, origin.authority()).expect("a request")
}

#[test]
fn content_goes_on_by_length_and_in_chunks_on_one_connection() {
    let serving = Serving::start(&Store::plain());
    let origin = origin("http", &serving);
    let mut own = Loop::plain(Config::default());
    let content = content(3_000_000, 1);
    for (path, framing) in [
        ("/a", Framing::Length(content.len() as u64)),
        ("/b", Framing::Chunked),
        ("/c", Framing::Length(content.len() as u64)),
    ] {
        let request = put(&origin, path).content(framing);
        let id = own.client.start(&origin, request).expect("room");
        let Event::Answered(answer) = own.stream(id, &content) else { panic!("no answer") };
        assert_eq!((answer.status(), answer.is_early()), (200, false), "{path}");
        let object = serving.store().object("", &path[1..]).expect("it is kept");
        assert!(object.content.as_deref() == Some(&content), "{path}");
    }
    let log = serving.store().log();
    assert_eq!((log.connections.len(), log.faults), (1, vec![]));
    // Each was asked for: it is large.
    assert!(log.requests.iter().all(|request| request.field("expect").is_some()));
}

#[test]
fn a_name_is_looked_up_beside_the_loop() {
    let serving = Serving::start(&Store::plain());
    let url = format!("http://localhost:{}", serving.address().port());
    let origin: Arc<Origin> = Arc::new(url.parse().expect("an origin"));
    let mut own = Loop::plain(Config::default());
    let id = own.client.start_whole(&origin, put(&origin, "/a"), *b"abc").expect("room");
    assert_eq!(own.answer(id).status(), 200);
    assert_eq!(serving.store().log().requests[0].field("host"), Some(origin.authority()));
}

#[test]
fn nobody_who_listens_is_a_failure_that_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let origin: Arc<Origin> = Arc::new(format!("http://{address}").parse().expect("an origin"));
    let mut own = Loop::plain(Config::default().tries(2).first_pause(Duration::from_millis(1)));
    let id = own.client.start_whole(&origin, put(&origin, "/a"), *b"abc").expect("room");
    let Failure::Connect(cause) = own.failure(id) else { panic!("another failure") };
    assert_eq!(cause.kind(), ErrorKind::ConnectionRefused);
    assert_eq!(own.client.connections(), 0);
}

#[test]
fn what_is_given_up_ends_by_a_reset() {
    let serving = Serving::start(&Store::plain());
    let origin = origin("http", &serving);
    let mut own = Loop::plain(Config::default());
    let request = put(&origin, "/a").content(Framing::Length(1_000));
    let id = own.client.start(&origin, request).expect("room");
    assert_eq!(own.event(id), Event::Room);
    assert_eq!(own.client.write(id, &[b'x'; 100]), 100);
    serving.store().wait_until(|log| log.bytes_received("a") == 100);
    own.client.give_up(id);
    serving.store().wait_until(|log| log.open() == 0);
    let log = serving.store().log();
    assert_eq!(log.connections[0].client_end, Some(End::Reset));
    assert!(serving.store().keys("").is_empty());
}

#[test]
fn a_refusal_amid_content_is_heard_while_the_store_reads_no_more() {
    let serving = Serving::start(&Store::plain());
    let refusal = Scripted::error("EntityTooLarge");
    let act = Act::AnswerInContent { after: 10, answer: refusal, then: Then::ReadOn };
    serving.store().script(Rule::always(act));
    serving.store().script(Rule::always(Act::StopReading { after: 10, time: None }));
    let origin = origin("http", &serving);
    let mut own = Loop::plain(Config::default());
    let content = content(20_000_000, 1);
    let request = put(&origin, "/a").content(Framing::Length(content.len() as u64));
    let id = own.client.start(&origin, request).expect("room");
    let Event::Answered(answer) = own.stream(id, &content) else { panic!("no answer") };
    assert_eq!((answer.status(), answer.is_early()), (400, true));
    serving.store().wait_until(|log| log.open() == 0);
    assert_eq!(serving.store().log().connections[0].client_end, Some(End::Reset));
}

#[test]
fn a_refusal_is_heard_though_the_connection_breaks_behind_it() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("a head");
            head.extend(byte);
        }
        stream.peek(&mut [0]).expect("content");
        let answer = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(answer).expect("room");
        // It is closed with content in it that nobody has read: a reset.
    });
    let origin: Arc<Origin> = Arc::new(format!("http://{address}").parse().expect("an origin"));
    let mut own = Loop::plain(Config::default());
    let request = put(&origin, "/a").content(Framing::Length(1_000));
    let id = own.client.start(&origin, request).expect("room");
    assert_eq!(own.event(id), Event::Room);
    assert_eq!(own.client.write(id, &[b'x'; 10]), 10);
    // Answer and reset are both there when it is looked at next.
    server.join().expect("it has closed");
    assert_eq!(own.answer(id).status(), 413);
}
