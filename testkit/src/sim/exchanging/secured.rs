//! TLS on connections of the game: the library's own on one end, rustls's server on the other.

use std::io::{self, Read, Write};
use std::sync::{Arc, OnceLock};

use rustls::{ServerConfig, ServerConnection};
use streamsum::engine::Socket;
use streamsum::tls::{Tls, Trust};

use crate::cases::repository;
use crate::random::Random;
use crate::sim;
use crate::tls::server_config;

/// The client's end of a connection.
#[derive(Debug)]
pub(super) enum Line {
    /// As it is.
    Plain(sim::Socket<false>),
    /// With TLS.
    Secured(Box<Tls<sim::Socket<false>>>),
}

impl Line {
    /// TLS with a server of this name.
    pub(super) fn secured(socket: sim::Socket<false>, host: &str) -> Self {
        static TRUST: OnceLock<Trust> = OnceLock::new();
        let trust = TRUST.get_or_init(|| {
            let authority = repository().join("src/tls/tests/ca.pem");
            Trust::authorities(&std::fs::read(authority).expect("a file")).expect("an authority")
        });
        Self::Secured(Box::new(Tls::new(socket, host, trust).expect("a name")))
    }

    fn socket(&self) -> &dyn Socket {
        match self {
            Self::Plain(socket) => socket,
            Self::Secured(tls) => &**tls,
        }
    }

    fn socket_mut(&mut self) -> &mut dyn Socket {
        match self {
            Self::Plain(socket) => socket,
            Self::Secured(tls) => &mut **tls,
        }
    }
}

impl Read for Line {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.socket_mut().read(into)
    }
}

impl Write for Line {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.socket_mut().write(from)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Socket for Line {
    fn short_read_drains(&self) -> bool {
        self.socket().short_read_drains()
    }

    fn finish_writing(&mut self) -> io::Result<()> {
        self.socket_mut().finish_writing()
    }

    fn wants_write(&self) -> bool {
        self.socket().wants_write()
    }

    fn transmit(&mut self) -> io::Result<usize> {
        self.socket_mut().transmit()
    }

    fn wants_read(&self) -> bool {
        self.socket().wants_read()
    }
}

/// The far end's session.
#[derive(Debug)]
pub(super) struct Session {
    tls: ServerConnection,
    /// Bytes that one record carries at most; 1 for records of one byte.
    record: usize,
}

impl Session {
    pub(super) fn new(random: &mut Random) -> Self {
        static CONFIG: OnceLock<Arc<ServerConfig>> = OnceLock::new();
        let config = CONFIG.get_or_init(|| {
            let file = |name| repository().join("src/tls/tests").join(name);
            server_config(&file("server.pem"), &file("server.key")).expect("a certificate")
        });
        let mut tls = ServerConnection::new(Arc::clone(config)).expect("a session");
        // What is said before the client has shaken hands waits.
        tls.set_buffer_limit(None);
        let short = 1 + random.below(50);
        let record = *random.pick(&[1, short, 16 << 10]);
        Self { tls, record }
    }

    /// What the bytes of the wire say.
    pub(super) fn open(&mut self, mut bytes: &[u8]) -> Vec<u8> {
        let mut plain = Vec::new();
        while !bytes.is_empty() {
            self.tls.read_tls(&mut bytes).expect("bytes in memory");
            self.tls.process_new_packets().expect("the client speaks TLS");
            // It would block when all is read.
            let _ = self.tls.reader().read_to_end(&mut plain);
        }
        plain
    }

    /// Has these bytes said next.
    pub(super) fn say(&mut self, bytes: &[u8]) {
        for record in bytes.chunks(self.record) {
            self.tls.writer().write_all(record).expect("room");
        }
    }

    pub(super) fn say_end(&mut self) {
        self.tls.send_close_notify();
    }

    /// What is to go over the wire.
    pub(super) fn sealed(&mut self) -> Vec<u8> {
        let mut sealed = Vec::new();
        while self.tls.wants_write() {
            self.tls.write_tls(&mut sealed).expect("bytes in memory");
        }
        sealed
    }
}
