//! A server in a loop on a thread of its own, which tests can ask and wait for.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;

use mio::{Events, Poll, Token, Waker};
use streamsum::checksum::{Checksum, Upload};
use streamsum::engine::{Config, Now};
use streamsum::handler::{
    Finished, Handler, Outcome, PeerAddr, Piece, Reply, Report, Request, Verdict,
};
use streamsum::proto::Response;
use streamsum::server::{Listener, Server};

use crate::client::{Address, PATIENCE};

const WAKER: Token = Token(0);
const SERVER: Token = Token(1);

/// Looked at after every turn until it is done.
type Question<H> = Box<dyn FnMut(&mut Server<<H as Handler>::Upload>, &mut H) -> bool + Send>;

/// A server that runs until this is dropped.
pub struct Serving<H: Handler> {
    waker: Waker,
    /// None is the end.
    questions: Option<Sender<Question<H>>>,
    thread: Option<JoinHandle<()>>,
    addresses: Vec<Address>,
}

impl Serving<Checksum> {
    /// On IPv4, IPv6 and a Unix socket.
    pub fn everywhere(config: Config) -> Self {
        Self::start(config, &["127.0.0.1:0", "[::1]:0", "unix"], Checksum::default())
    }
}

impl Serving<Watched> {
    /// Likewise, and tells what the handler sees.
    pub fn watched(config: Config) -> (Self, Receiver<Seen>) {
        let (tell, seen) = mpsc::channel();
        let handler = Watched { checksum: Checksum::default(), tell };
        (Self::start(config, &["127.0.0.1:0", "[::1]:0", "unix"], handler), seen)
    }
}

impl<H: Handler + Send + 'static> Serving<H>
where
    H::Upload: Send + 'static,
{
    /// On listeners that are made here, with std alone.
    pub fn start(config: Config, places: &[&str], handler: H) -> Self {
        let (addresses, listeners): (Vec<_>, Vec<_>) =
            places.iter().map(|place| listen(place)).unzip();
        let poll = Poll::new().expect("a poll");
        let waker = Waker::new(poll.registry(), WAKER).expect("a waker");
        let mut server = Server::new(poll.registry(), SERVER, config).expect("a server");
        for listener in listeners {
            server.listen(listener).expect("a listener is taken");
        }
        let (questions, asked) = mpsc::channel();
        let thread = std::thread::spawn(move || run(poll, server, handler, &asked));
        Self { waker, questions: Some(questions), thread: Some(thread), addresses }
    }

    /// Where it listens, in the order of the places that were given.
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// The first TCP address among them.
    pub fn tcp(&self) -> SocketAddr {
        self.addresses
            .iter()
            .find_map(|address| match address {
                Address::Tcp(address) => Some(*address),
                Address::Unix(_) => None,
            })
            .expect("a TCP address")
    }

    /// What the server or its handler says between two turns.
    pub fn ask<T: Send + 'static>(
        &self,
        mut question: impl FnMut(&mut Server<H::Upload>, &mut H) -> T + Send + 'static,
    ) -> T {
        let (tell, told) = mpsc::channel();
        let questions = self.questions.as_ref().expect("it runs");
        let once: Question<H> = Box::new(move |server, handler| {
            // Nobody listens where a test has given up.
            let _ = tell.send(question(server, handler));
            true
        });
        questions.send(once).expect("the server runs");
        self.waker.wake().expect("a waker");
        told.recv_timeout(PATIENCE).expect("the server runs")
    }

    /// Waits until something is true of the server between two turns.
    #[track_caller]
    pub fn until(&self, mut condition: impl FnMut(&Server<H::Upload>) -> bool + Send + 'static) {
        let (tell, told) = mpsc::channel();
        let questions = self.questions.as_ref().expect("it runs");
        let again: Question<H> = Box::new(move |server, _| {
            let holds = condition(server);
            if holds {
                let _ = tell.send(());
            }
            holds
        });
        questions.send(again).expect("the server runs");
        self.waker.wake().expect("a waker");
        told.recv_timeout(PATIENCE).expect("it becomes true in the end");
    }
}

impl<H: Handler> Drop for Serving<H> {
    fn drop(&mut self) {
        self.questions = None;
        let _ = self.waker.wake();
        let ended = self.thread.take().map(JoinHandle::join);
        for address in &self.addresses {
            if let Address::Unix(path) = address {
                let _ = std::fs::remove_file(path);
            }
        }
        if !std::thread::panicking() {
            ended.expect("once").expect("the server does not panic");
        }
    }
}

fn run<H: Handler>(
    mut poll: Poll,
    mut server: Server<H::Upload>,
    mut handler: H,
    asked: &Receiver<Question<H>>,
) {
    let mut events = Events::with_capacity(64);
    let mut open: Vec<Question<H>> = Vec::new();
    loop {
        if let Err(error) = poll.poll(&mut events, server.timeout(Now::now())) {
            assert_eq!(error.kind(), ErrorKind::Interrupted, "{error}");
        }
        for event in &events {
            assert!(server.note(event) || event.token() == WAKER);
        }
        server.turn(Now::now(), &mut handler).expect("the listeners work");
        loop {
            match asked.try_recv() {
                Ok(question) => open.push(question),
                Err(mpsc::TryRecvError::Empty) => break,
                Err(mpsc::TryRecvError::Disconnected) => return,
            }
        }
        open.retain_mut(|question| !question(&mut server, &mut handler));
    }
}

/// A listener at `place`: an address, or `unix` for a socket with a name of its own.
pub fn listen(place: &str) -> (Address, Listener) {
    if place == "unix" {
        let path = unused_path();
        let listener = UnixListener::bind(&path).expect("a Unix socket");
        listener.set_nonblocking(true).expect("an open socket");
        (Address::Unix(path), mio::net::UnixListener::from_std(listener).into())
    } else {
        let listener = TcpListener::bind(place).expect("a TCP socket");
        listener.set_nonblocking(true).expect("an open socket");
        let address = listener.local_addr().expect("a bound socket");
        (Address::Tcp(address), mio::net::TcpListener::from_std(listener).into())
    }
}

fn unused_path() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("streamsum-{}-{number}.sock", std::process::id()))
}

/// What a handler saw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Seen {
    /// A request began, and who sent it.
    Begun(PeerAddr),
    /// All of its content has come.
    Finished,
    /// It is over, however it ended.
    Ended {
        /// How.
        outcome: Outcome,
        /// Bytes of its content.
        received: u64,
        /// True if its upload was handed back: it was not finished.
        had_upload: bool,
    },
}

/// The handler that hashes, and tells.
pub struct Watched {
    checksum: Checksum,
    tell: Sender<Seen>,
}

impl Handler for Watched {
    type Upload = Upload;

    fn begin(&mut self, request: Request<'_>) -> Verdict<Upload> {
        let _ = self.tell.send(Seen::Begun(request.peer()));
        self.checksum.begin(request)
    }

    fn consume(&mut self, pieces: &mut [Piece<Upload>]) {
        self.checksum.consume(pieces);
    }

    fn verify(&mut self, message: &Finished<'_>, upload: &mut Upload) -> Option<Response> {
        self.checksum.verify(message, upload)
    }

    fn finish(&mut self, message: Finished<'_>, upload: Upload) -> Reply {
        let _ = self.tell.send(Seen::Finished);
        self.checksum.finish(message, upload)
    }

    fn ended(&mut self, report: &Report<'_>, upload: Option<Upload>) {
        let (outcome, received) = (report.outcome, report.received);
        let had_upload = upload.is_some();
        let _ = self.tell.send(Seen::Ended { outcome, received, had_upload });
    }
}

/// The next thing seen that is none of [`Seen::Begun`].
#[track_caller]
pub fn next_end(seen: &Receiver<Seen>) -> Seen {
    loop {
        match seen.recv_timeout(PATIENCE).expect("something is seen") {
            Seen::Begun(_) => {}
            other => return other,
        }
    }
}
