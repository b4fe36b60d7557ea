//! What lives in the loop of a server beside it: its decisions, its deadlines, its say in a
//! drain; and what the loop tells from between two turns.

use std::cell::Cell;
use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use streamsum::checksum::Checksum;
use streamsum::engine::{Config, Now, Phase};
use streamsum::handler::{Finished, Handler, Piece, Reply, Request, UploadId, Verdict};
use streamsum::proto::Response;
use streamsum::resident::{Decisions, Pair, Resident};
use streamsum::run::{Handle, Runner, Status};
use testkit::client::{Address, PATIENCE, put};

/// A loop on a thread of its own, which gives back what it was lent when it ends.
fn run<P>(config: Config, part: P) -> (SocketAddr, Handle, JoinHandle<P>)
where
    P: Handler + Resident + Send + 'static,
    P::Upload: Send,
{
    let mut runner = Runner::new(config, 0).expect("a loop");
    let address = runner.server_mut().bind("127.0.0.1:0").expect("a port");
    let handle = runner.handle();
    let thread = thread::spawn(move || {
        let mut part = part;
        runner.run(&mut part).expect("a good end");
        part
    });
    (address, handle, thread)
}

/// A handler that puts off what it is asked until it works.
#[derive(Default)]
struct Unhurried {
    to_take: Vec<UploadId>,
    to_answer: Vec<(UploadId, usize)>,
}

impl Handler for Unhurried {
    type Upload = usize;

    fn begin(&mut self, request: Request<'_>) -> Verdict<usize> {
        self.to_take.push(request.id());
        Verdict::Wait(0)
    }

    fn consume(&mut self, pieces: &mut [Piece<usize>]) {
        for piece in pieces {
            let (length, data) = piece.parts();
            *length += data.len();
        }
    }

    fn finish(&mut self, message: Finished<'_>, length: usize) -> Reply {
        self.to_answer.push((message.id(), length));
        Reply::Later
    }
}

impl Resident for Unhurried {
    fn deadline(&self, now: Now) -> Option<Instant> {
        let has_work = !self.to_take.is_empty() || !self.to_answer.is_empty();
        has_work.then_some(now.monotonic)
    }

    fn work(&mut self, _: Now, decisions: &mut Decisions) {
        for id in self.to_take.drain(..) {
            decisions.resume(id);
        }
        for (id, length) in self.to_answer.drain(..) {
            decisions.answer(id, Response::text(200, format!("{length} bytes")));
        }
    }
}

#[test]
fn handler_decides_and_answers_when_it_works() {
    let (address, handle, thread) = run(Config::default(), Unhurried::default());
    let mut clients = [(); 3].map(|()| Address::Tcp(address).connect());
    for client in &mut clients {
        client.send(&put(b"abc"));
    }
    for client in &mut clients {
        let answer = client.answer();
        assert_eq!((answer.status, answer.content.as_str()), (200, "3 bytes"));
    }
    handle.drain();
    thread.join().expect("no panic");
}

/// Is idle only when it was asked for the third time.
#[derive(Default)]
struct Reluctant(Cell<u32>);

impl Resident for Reluctant {
    fn deadline(&self, now: Now) -> Option<Instant> {
        Some(now.monotonic)
    }

    fn is_idle(&self) -> bool {
        self.0.set(self.0.get() + 1);
        self.0.get() == 3
    }
}

#[test]
fn drain_waits_until_a_resident_is_idle() {
    let part = Pair::new(Checksum::new(), (Reluctant::default(), ()));
    let (_, handle, thread) = run(Config::default(), part);
    handle.drain();
    let part = thread.join().expect("no panic");
    assert_eq!(part.resident.0.0.get(), 3);
}

#[test]
fn stop_waits_for_no_resident() {
    let part = Pair::new(Checksum::new(), Reluctant(Cell::new(3)));
    let (_, handle, thread) = run(Config::default(), part);
    handle.stop();
    thread.join().expect("no panic");
}

/// Looks at the counters whenever it works.
struct Watching {
    handle: Handle,
    turns: u64,
    bytes_read: u64,
    most_turns: u64,
    most_bytes: u64,
}

impl Resident for Watching {
    fn work(&mut self, _: Now, _: &mut Decisions) {
        let stats = self.handle.stats();
        self.most_turns = self.most_turns.max(stats.turns - self.turns);
        self.most_bytes = self.most_bytes.max(stats.bytes_read - self.bytes_read);
        (self.turns, self.bytes_read) = (stats.turns, stats.bytes_read);
    }
}

/// So a timer of its own is as late as one turn lasts.
#[test]
fn resident_works_before_each_turn_of_a_flood() {
    const MAX_TURN: usize = 64 << 10;
    let config = Config::default().buffer(16 << 10).lone_buffer(16 << 10).max_turn(MAX_TURN);
    let mut runner = Runner::new(config, 0).expect("a loop");
    let address = runner.server_mut().bind("127.0.0.1:0").expect("a port");
    let handle = runner.handle();
    let flooding: Vec<_> = (0..4)
        .map(|_| {
            thread::spawn(move || {
                let content = vec![b'x'; 4 << 20];
                Address::Tcp(address).connect().exchange(&put(&content)).is_digest_of(&content);
            })
        })
        .collect();
    let ending = thread::spawn({
        let handle = handle.clone();
        move || {
            let ended: Vec<_> = flooding.into_iter().map(JoinHandle::join).collect();
            handle.stop();
            ended.into_iter().for_each(|ended| ended.expect("no panic"));
        }
    });
    let watching = Watching { handle, turns: 0, bytes_read: 0, most_turns: 0, most_bytes: 0 };
    let mut part = Pair::new(Checksum::new(), watching);
    runner.run(&mut part).expect("a good end");
    ending.join().expect("digests");
    let Watching { turns, most_turns, most_bytes, .. } = part.resident;
    assert!(turns > 100, "it was a flood: {turns} turns");
    assert_eq!(most_turns, 1);
    assert!(most_bytes <= (MAX_TURN + (16 << 10)) as u64, "{most_bytes} bytes in a turn");
}

fn inspect(handle: &Handle) -> Status {
    let (tell, told) = mpsc::channel();
    handle.inspect(move |status| tell.send(status).expect("somebody listens"));
    told.recv_timeout(PATIENCE).expect("it tells")
}

#[test]
fn handle_tells_what_is_under_way() {
    let config = Config::default().kept_target(256);
    let (address, handle, thread) = run(config, Pair::alone(Checksum::new()));
    let mut client = Address::Tcp(address).connect();
    client.send(b"PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc");
    let status = std::iter::repeat_with(|| inspect(&handle))
        .find(|status| status.uploads.iter().any(|upload| upload.received == 3))
        .expect("it goes on for ever");
    assert_eq!((status.connections, handle.connections()), (1, 1));
    assert!(status.shortage.is_none() && status.lost_listeners.is_empty());
    let [upload] = &status.uploads[..] else { panic!("{status:?}") };
    assert_eq!((upload.method.as_deref(), upload.target.as_deref()), (Some("PUT"), Some("/a")));
    assert_eq!((upload.length, upload.phase), (Some(9), Phase::Receiving));
    client.send(b"defghi");
    client.answer().is_digest_of(b"abcdefghi");
    handle.stop();
    thread.join().expect("no panic");
    let status = inspect(&handle);
    assert_eq!((status.connections, status.uploads.len()), (0, 0), "nobody is left to tell");
}
