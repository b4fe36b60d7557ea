//! Listeners whose streams are wrapped, over real sockets.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};

use mio::{Events, Poll, Token};
use streamsum::Checksum;
use streamsum::checksum::Upload;
use streamsum::engine::{Config, Now, Socket};
use streamsum::resident::Pair;
use streamsum::server::{Listener, Server, Stream};
use streamsum::thread::{Spawned, spawn_on, spawn_workers};
use testkit::client::{PATIENCE, put};
use testkit::content::{content, digest};

/// Masks all bytes. As a session of TLS does, it keeps bytes that it has read, and a record that
/// its stream does not take whole.
struct Masked {
    stream: Stream,
    /// What was read and not asked for.
    input: Vec<u8>,
    output: Vec<u8>,
}

const MASK: u8 = 0x55;
const RECORD: usize = 100;

fn masked(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| byte ^ MASK).collect()
}

impl Read for Masked {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.input.is_empty() {
            let mut record = [0; RECORD];
            let length = self.stream.read(&mut record)?;
            self.input = masked(&record[..length]);
        }
        let length = into.len().min(self.input.len()).min(RECORD / 3);
        into[..length].copy_from_slice(&self.input[..length]);
        self.input.drain(..length);
        Ok(length)
    }
}

impl Write for Masked {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        if !self.output.is_empty() {
            return Err(ErrorKind::WouldBlock.into());
        }
        let length = from.len().min(RECORD);
        self.output = masked(&from[..length]);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Socket for Masked {
    fn short_read_drains(&self) -> bool {
        false
    }

    fn finish_writing(&mut self) -> io::Result<()> {
        match self.output.is_empty() {
            true => self.stream.finish_writing(),
            false => Err(ErrorKind::WouldBlock.into()),
        }
    }

    fn wants_write(&self) -> bool {
        !self.output.is_empty()
    }

    fn transmit(&mut self) -> io::Result<usize> {
        let length = self.stream.write(&self.output)?;
        self.output.drain(..length);
        Ok(length)
    }
}

fn mask(stream: Stream) -> io::Result<Box<dyn Socket + Send>> {
    Ok(Box::new(Masked { stream, input: Vec::new(), output: Vec::new() }))
}

fn listen() -> (SocketAddr, Listener) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    (listener.local_addr().expect("its address"), listener.into())
}

/// Sends all, ends, and reads all.
fn exchange(address: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream.write_all(request).expect("it is taken");
    stream.shutdown(Shutdown::Write).expect("it is connected");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an end");
    answer
}

fn serves_both(masked_at: SocketAddr, plain_at: SocketAddr) {
    for length in [0, 1, 300_000] {
        let content = content(length, 7);
        let answer = masked(&exchange(masked_at, &masked(&put(&content))));
        assert!(answer.ends_with(digest(&content).as_bytes()), "{length} bytes");
        let answer = exchange(plain_at, &put(&content));
        assert!(answer.ends_with(digest(&content).as_bytes()), "{length} bytes");
    }
    // Answers that wait are more than one record.
    let many = put(b"abc").repeat(500);
    let answer = masked(&exchange(masked_at, &masked(&many)));
    let digits = digest(b"abc");
    let found = String::from_utf8(answer).expect("answers are text").matches(&digits).count();
    assert_eq!(found, 500);
}

fn end(server: Spawned) {
    server.drain();
    server.join().expect("no error");
}

#[test]
fn a_listener_wraps_its_streams_and_no_others() {
    let ((masked_at, listener), (plain_at, plain)) = (listen(), listen());
    let listeners = [listener.wrapped_by(mask), plain];
    let server = spawn_on(listeners, Config::default(), |_| Checksum::new()).expect("it starts");
    assert_eq!(server.addresses(), [masked_at, plain_at]);
    serves_both(masked_at, plain_at);
    end(server);
}

#[test]
fn streams_are_wrapped_by_the_worker_that_serves_them() {
    let ((masked_at, listener), (plain_at, plain)) = (listen(), listen());
    let listeners = [listener.wrapped_by(mask), plain];
    let make = |_: &_| Ok(Pair::alone(Checksum::new()));
    let server = spawn_workers(listeners, Config::default(), 2, 0, make).expect("it starts");
    let uploads: Vec<TcpStream> = (0..3)
        .map(|_| {
            let mut stream = TcpStream::connect(masked_at).expect("a connection");
            stream.write_all(&masked(&put(b"abc")[..20])).expect("it is taken");
            stream
        })
        .collect();
    serves_both(masked_at, plain_at);
    drop(uploads);
    end(server);
}

#[test]
fn a_stream_that_cannot_be_wrapped_is_closed() {
    let ((address, listener), (plain_at, plain)) = (listen(), listen());
    let listener = listener.wrapped_by(|_| Err(ErrorKind::Other.into()));
    let server =
        spawn_on([listener, plain], Config::default(), |_| Checksum::new()).expect("it starts");
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    assert_eq!(stream.read(&mut [0]).expect("an end"), 0);
    assert!(exchange(plain_at, &put(b"abc")).ends_with(digest(b"abc").as_bytes()));
    assert_eq!(server.stats().connections, 1);
    end(server);
}

#[test]
fn a_stream_that_cannot_be_wrapped_counts_as_a_failure_to_accept() {
    let (address, listener) = listen();
    let mut poll = Poll::new().expect("a poll");
    let mut server: Server<Upload> =
        Server::new(poll.registry(), Token(0), Config::default()).expect("a server");
    server.listen(listener.wrapped_by(|_| Err(ErrorKind::Other.into()))).expect("it listens");
    let _client = TcpStream::connect(address).expect("a connection");
    let mut events = Events::with_capacity(8);
    while server.accept_failures() == 0 {
        poll.poll(&mut events, Some(PATIENCE)).expect("events");
        assert!(!events.is_empty(), "nothing happens");
        for event in &events {
            server.note(event);
        }
        server.turn(Now::now(), &mut Checksum::new()).expect("the listener works");
    }
    assert_eq!((server.accept_failures(), server.connections()), (1, 0));
    assert!(server.shortage().is_none(), "others are accepted meanwhile");
}
