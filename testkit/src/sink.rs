//! A server that takes uploads and forgets them, at as little cost as the kernel allows: where
//! uploads go to in a benchmark of whoever passes them on.
//!
//! It takes PUT at any path, with content by length or in chunks, on many connections that are
//! kept, and answers 200 with the same ETag each time. It verifies nothing.

mod connection;
mod wire;

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::mem::MaybeUninit;
use std::net::SocketAddr;
#[cfg(feature = "tls")]
use std::sync::Arc;
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

use connection::{Connection, Stand};
use wire::Wire;

const LISTENER: Token = Token(0);

/// Bytes that one call drops at most. The room is never touched, and so never really there.
const ROOM: usize = 1 << 20;

/// The server, on one thread, with a loop of its caller's.
#[derive(Debug)]
pub struct Sink {
    poll: Poll,
    events: Events,
    listener: TcpListener,
    connections: BTreeMap<Token, Connection>,
    next: usize,
    /// Those that had more to read than was read in one go.
    unfinished: Vec<Token>,
    room: Box<[MaybeUninit<u8>]>,
    #[cfg(feature = "tls")]
    tls: Option<Arc<rustls::ServerConfig>>,
}

impl Sink {
    /// Listens at an address.
    ///
    /// # Errors
    /// What the system says.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut listener = TcpListener::bind(address)?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        Ok(Self {
            poll,
            events: Events::with_capacity(256),
            listener,
            connections: BTreeMap::new(),
            next: 1,
            unfinished: Vec::new(),
            room: Box::new_uninit_slice(ROOM),
            #[cfg(feature = "tls")]
            tls: None,
        })
    }

    /// Speaks TLS on connections that are made from now on. Content is decrypted then, and
    /// costs what that costs.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn with_tls(self, config: Arc<rustls::ServerConfig>) -> Self {
        Self { tls: Some(config), ..self }
    }

    /// Where it listens.
    ///
    /// # Errors
    /// What the system says.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Waits, at most for so long, and serves what has come.
    ///
    /// # Errors
    /// What the system says of the listener and of waiting. A connection that fails is closed.
    pub fn turn(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        let timeout = if self.unfinished.is_empty() { timeout } else { Some(Duration::ZERO) };
        match self.poll.poll(&mut self.events, timeout) {
            Err(wrong) if wrong.kind() != ErrorKind::Interrupted => return Err(wrong),
            _ => {}
        }
        let mut ready = std::mem::take(&mut self.unfinished);
        ready.extend(self.events.iter().map(mio::event::Event::token));
        ready.sort_unstable();
        ready.dedup();
        for token in ready {
            if token == LISTENER {
                self.accept()?;
            } else if let Some(connection) = self.connections.get_mut(&token) {
                match connection.serve(&mut self.room) {
                    Ok(Stand::Waits) => {}
                    Ok(Stand::HasMore) => self.unfinished.push(token),
                    Ok(Stand::Over) | Err(_) => drop(self.connections.remove(&token)),
                }
            }
        }
        Ok(())
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let mut stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(wrong) if wrong.kind() == ErrorKind::WouldBlock => return Ok(()),
                // One that is gone already is none.
                Err(wrong) if wrong.kind() == ErrorKind::ConnectionAborted => continue,
                Err(wrong) => return Err(wrong),
            };
            let token = Token(self.next);
            self.next += 1;
            stream.set_nodelay(true)?;
            self.poll.registry().register(&mut stream, token, Interest::READABLE)?;
            let wire = self.wire(stream)?;
            self.connections.insert(token, Connection::new(wire));
        }
    }

    fn wire(&self, stream: TcpStream) -> io::Result<Wire> {
        #[cfg(feature = "tls")]
        if let Some(config) = &self.tls {
            let session = rustls::ServerConnection::new(config.clone());
            let session = session.map_err(io::Error::other)?;
            return Ok(Wire::Tls(Box::new(wire::tls::Tls::new(session, stream))));
        }
        let _ = self;
        Ok(Wire::Plain(stream))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread::{self, JoinHandle};

    use super::*;
    use crate::client::{Address, Client, put, put_chunked};
    use crate::content::content;

    struct Running {
        address: SocketAddr,
        is_over: Arc<AtomicBool>,
        thread: Option<JoinHandle<()>>,
    }

    impl Running {
        fn start() -> Self {
            Self::run(Sink::bind("127.0.0.1:0".parse().expect("an address")).expect("a sink"))
        }

        fn run(mut sink: Sink) -> Self {
            let address = sink.address().expect("an address");
            let is_over = Arc::new(AtomicBool::new(false));
            let theirs = is_over.clone();
            let thread = thread::spawn(move || {
                while !theirs.load(Ordering::SeqCst) {
                    sink.turn(Some(Duration::from_millis(10))).expect("it works");
                }
            });
            Self { address, is_over, thread: Some(thread) }
        }

        fn connect(&self) -> Client {
            Address::Tcp(self.address).connect()
        }
    }

    impl Drop for Running {
        fn drop(&mut self) {
            self.is_over.store(true, Ordering::SeqCst);
            let ended = self.thread.take().expect("once").join();
            assert!(ended.is_ok() || thread::panicking());
        }
    }

    #[track_caller]
    fn assert_taken(answer: &crate::client::Received) {
        assert_eq!((answer.status, &*answer.content), (200, ""), "{}", answer.head);
        let etag = "\"d41d8cd98f00b204e9800998ecf8427e\"";
        assert_eq!((answer.field("etag"), answer.field("content-length")), (Some(etag), Some("0")));
    }

    #[test]
    fn uploads_of_any_length_are_taken_on_one_connection() {
        let sink = Running::start();
        let mut client = sink.connect();
        // More than is dropped at once, and than a socket holds.
        let large = content(9 << 20, 1);
        for content in [&b""[..], b"a", &large, b"b", &large[..70_000]] {
            assert_taken(&client.exchange(&put(content)));
            assert_taken(&client.exchange(&put_chunked(content, &[1, 100_000, 2_000_000])));
        }
    }

    #[test]
    fn uploads_sent_behind_each_other_are_told_apart() {
        let sink = Running::start();
        let mut client = sink.connect();
        let both = [put(b"abc"), put_chunked(b"abcdef", &[4]), put(&[b'x'; 40_000])].concat();
        for byte in &both[..200] {
            client.send(&[*byte]);
        }
        client.send(&both[200..]);
        for _ in 0..3 {
            assert_taken(&client.answer());
        }
        client.send(&put(b"end"));
        assert_taken(&client.answer());
    }

    #[test]
    fn continue_is_sent_when_it_is_asked_for() {
        let sink = Running::start();
        let mut client = sink.connect();
        let head =
            b"PUT /x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
        assert_eq!(client.exchange(head).status, 100);
        assert_taken(&client.exchange(b"abc"));
    }

    #[test]
    fn a_connection_ends_if_the_client_wants_it_or_sends_no_request() {
        let sink = Running::start();
        let mut client = sink.connect();
        let close =
            b"PUT /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc";
        assert_taken(&client.exchange(close));
        client.ends();
        for request in [
            "rubbish\r\n\r\n",
            "PUT / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
            "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        ] {
            let mut client = sink.connect();
            client.send(request.as_bytes());
            client.ends();
        }
    }

    /// What is sent is not read back, and yet is what the session of the client made of it.
    #[cfg(feature = "tls")]
    #[test]
    fn uploads_are_taken_over_tls() {
        use std::io::{Read, Write};

        use rustls::pki_types::CertificateDer;
        use rustls::pki_types::pem::PemObject;

        let file = |name| crate::cases::repository().join("src/tls/tests").join(name);
        let config = crate::tls::server_config(&file("server.pem"), &file("server.key"));
        let sink = Sink::bind("127.0.0.1:0".parse().expect("an address")).expect("a sink");
        let sink = Running::run(sink.with_tls(config.expect("a certificate")));
        let mut roots = rustls::RootCertStore::empty();
        let authority = CertificateDer::from_pem_file(file("ca.pem")).expect("a certificate");
        roots.add(authority).expect("a certificate");
        let config = rustls::ClientConfig::builder().with_root_certificates(roots);
        let name = "localhost".try_into().expect("a name");
        let session = rustls::ClientConnection::new(config.with_no_client_auth().into(), name);
        let stream = std::net::TcpStream::connect(sink.address).expect("a connection");
        stream.set_read_timeout(Some(crate::client::PATIENCE)).expect("an open socket");
        let mut stream = rustls::StreamOwned::new(session.expect("a session"), stream);
        let large = content(3 << 20, 1);
        for content in [&b""[..], &large, b"x"] {
            for request in [put(content), put_chunked(content, &[100_000])] {
                stream.write_all(&request).expect("the sink reads");
                let mut answer = [0; 80];
                stream.read_exact(&mut answer).expect("an answer");
                assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
                assert!(answer.ends_with(b"Content-Length: 0\r\n\r\n"));
            }
        }
    }

    #[test]
    fn several_are_served_at_once() {
        let sink = Running::start();
        let mut clients: Vec<Client> = (0..20).map(|_| sink.connect()).collect();
        let request = put(&content(200_000, 2));
        for client in &mut clients {
            client.send(&request[..100_000]);
        }
        for client in &mut clients {
            client.send(&request[100_000..]);
            assert_taken(&client.answer());
        }
    }
}
