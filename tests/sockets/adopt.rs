//! Connections that the caller has accepted, and by which listener others came.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};

use mio::{Events, Poll, Token};
use streamsum::engine::{Config, Now};
use streamsum::handler::{Finished, Handler, PeerAddr, Piece, Reply, Request, Verdict};
use streamsum::proto::Response;
use streamsum::server::Server;
use testkit::client::PATIENCE;

/// Answers with the number of the listener.
struct Which;

impl Handler for Which {
    type Upload = ();

    fn begin(&mut self, request: Request<'_>) -> Verdict<()> {
        Response::text(200, format!("by {:?}", request.listener())).into()
    }

    fn consume(&mut self, _: &mut [Piece<()>]) {}

    fn finish(&mut self, _: Finished<'_>, (): ()) -> Reply {
        unreachable!("every request is answered at once")
    }
}

struct Loop {
    poll: Poll,
    server: Server<()>,
}

impl Loop {
    fn new(config: Config) -> Self {
        let poll = Poll::new().unwrap();
        let server = Server::new(poll.registry(), Token(0), config).unwrap();
        Self { poll, server }
    }

    fn adopt(&mut self, ends: &(TcpStream, TcpStream)) -> std::io::Result<()> {
        let stream = ends.1.try_clone().unwrap();
        let peer = PeerAddr::from(ends.1.peer_addr().unwrap());
        self.server.adopt(stream, peer, Now::now())
    }

    /// Sends a request and serves until it is answered.
    fn exchange(&mut self, client: &mut TcpStream) -> String {
        client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let answers = self.server.stats().answers;
        let mut events = Events::with_capacity(8);
        while self.server.stats().answers == answers {
            self.poll.poll(&mut events, Some(PATIENCE)).unwrap();
            events.iter().for_each(|event| assert!(self.server.note(event)));
            self.server.turn(Now::now(), &mut Which).unwrap();
        }
        let mut answer = [0; 1024];
        let length = client.read(&mut answer).unwrap();
        let answer = String::from_utf8(answer[..length].to_vec()).unwrap();
        answer.split("\r\n\r\n").nth(1).unwrap().to_owned()
    }
}

/// Both ends of a connection that the test has accepted.
fn accepted() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (client, listener.accept().unwrap().0)
}

#[test]
fn requests_tell_by_which_listener_they_came() {
    let mut looped = Loop::new(Config::default());
    let addresses = [0, 1].map(|expected| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(looped.server.listen(listener).unwrap(), expected);
        address
    });
    for (number, address) in addresses.iter().enumerate().rev() {
        let mut client = TcpStream::connect(address).unwrap();
        assert_eq!(looped.exchange(&mut client), format!("by Some({number})"));
    }
}

#[test]
fn an_adopted_connection_is_served() {
    let mut looped = Loop::new(Config::default());
    let mut ends = accepted();
    looped.adopt(&ends).unwrap();
    assert_eq!(looped.exchange(&mut ends.0), "by None");
    assert_eq!(looped.server.connections(), 1);
}

#[test]
fn a_connection_is_not_adopted_while_all_places_are_taken() {
    let mut looped = Loop::new(Config::default().connections(1));
    let first = accepted();
    looped.adopt(&first).unwrap();
    let wrong = looped.adopt(&accepted()).unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::QuotaExceeded);
    assert_eq!(looped.server.connections(), 1);
}
