//! A server on a thread of its own, reached from others.

use std::sync::mpsc::{self, Receiver, Sender};

use streamsum::engine::Config;
use streamsum::handler::{
    Finished, Handler, Outcome, Piece, Reply, Report, Request, UploadId, Verdict,
};
use streamsum::proto::Response;
use streamsum::thread::{self, Handle, Spawned};
use testkit::client::{Address, Client, put};

/// What somebody outside is asked for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Verdict(UploadId),
    Answer(UploadId, usize),
    Ended,
}

/// Lets others decide and answer.
struct Asking(Sender<Asked>);

impl Handler for Asking {
    type Upload = usize;

    fn begin(&mut self, request: Request<'_>) -> Verdict<usize> {
        let _ = self.0.send(Asked::Verdict(request.id()));
        Verdict::Wait(0)
    }

    fn consume(&mut self, pieces: &mut [Piece<usize>]) {
        for piece in pieces {
            let (length, bytes) = piece.parts();
            *length += bytes.len();
        }
    }

    fn finish(&mut self, message: Finished<'_>, length: usize) -> Reply {
        let _ = self.0.send(Asked::Answer(message.id(), length));
        Reply::Later
    }

    fn ended(&mut self, report: &Report<'_>, _: Option<usize>) {
        if matches!(report.outcome, Outcome::Answered(_)) {
            let _ = self.0.send(Asked::Ended);
        }
    }
}

fn asking(config: Config) -> (Spawned, Handle, Receiver<Asked>) {
    let (asking, asked) = mpsc::channel();
    let listeners = ["127.0.0.1:0", "127.0.0.1:0"].map(|address| {
        mio::net::TcpListener::bind(address.parse().unwrap()).expect("a free port").into()
    });
    let server = thread::spawn_on(listeners, config, |_| Asking(asking)).expect("a server");
    let handle = server.handle();
    (server, handle, asked)
}

fn connect(server: &Spawned) -> Client {
    Address::Tcp(server.address()).connect()
}

#[test]
fn handle_decides_and_answers_from_another_thread() {
    let (server, handle, asked) = asking(Config::default());
    assert_eq!(server.addresses().len(), 2);
    for address in server.addresses() {
        let mut client = Address::Tcp(*address).connect();
        client.send(&put(b"abc"));
        let Ok(Asked::Verdict(id)) = asked.recv() else { panic!("no verdict is asked for") };
        assert!(handle.resume(id));
        assert_eq!(asked.recv(), Ok(Asked::Answer(id, 3)));
        assert!(handle.answer(id, Response::text(202, "kept")));
        let answer = client.answer();
        assert_eq!((answer.status, answer.content.as_str()), (202, "kept"));
        assert_eq!(asked.recv(), Ok(Asked::Ended));
        // It is gone, which the server finds out by itself.
        assert!(handle.answer(id, Response::text(500, "twice")));
    }
    server.drain();
    server.join().expect("a good end");
}

#[test]
fn counters_are_those_of_the_last_turn() {
    let (server, handle, asked) = asking(Config::default());
    assert_eq!(server.stats().requests, 0);
    let mut client = connect(&server);
    client.send(&put(b"abc"));
    let Ok(Asked::Verdict(id)) = asked.recv() else { panic!("no verdict is asked for") };
    assert!(handle.answer(id, Response::text(403, "no")));
    assert_eq!(client.answer().status, 403);
    server.stop();
    server.join().expect("a good end");
    let stats = handle.stats();
    assert_eq!((stats.connections, stats.requests, stats.answers), (1, 1, 1));
}

#[test]
fn handle_refuses_commands_after_the_end() {
    let (server, handle, asked) = asking(Config::default());
    let mut client = connect(&server);
    client.send(&put(b"abc"));
    let Ok(Asked::Verdict(id)) = asked.recv() else { panic!("no verdict is asked for") };
    handle.stop();
    server.join().expect("a good end");
    assert!(!handle.resume(id));
    assert!(!handle.answer(id, Response::text(200, "too late")));
    handle.drain();
}

#[test]
fn at_most_as_many_commands_wait_as_connections() {
    let (said, heard) = mpsc::channel();
    let listener = mio::net::TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let config = Config::default().connections(3);
    let flooding = thread::spawn_on([listener.into()], config, |handle| Flooding(handle, said));
    let flooding = flooding.expect("a server");
    let mut client = connect(&flooding);
    client.send(&put(b""));
    assert_eq!(heard.recv(), Ok([true, true, true, false]));
    flooding.stop();
    flooding.join().expect("a good end");
}

/// Sends four commands within one turn.
struct Flooding(Handle, Sender<[bool; 4]>);

impl Handler for Flooding {
    type Upload = ();

    fn begin(&mut self, request: Request<'_>) -> Verdict<()> {
        let _ = self.1.send([(); 4].map(|()| self.0.resume(request.id())));
        Verdict::Take(())
    }

    fn consume(&mut self, _: &mut [Piece<()>]) {}

    fn finish(&mut self, _: Finished<'_>, (): ()) -> Reply {
        Reply::Now(Response::text(200, ""))
    }
}
