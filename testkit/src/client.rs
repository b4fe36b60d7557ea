//! Clients over real sockets and std, for whom everything is right or panics.

mod beside;

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use crate::content::digest;
use crate::response::{self, Method, Response};

/// Nothing is timed: but what would hang for ever fails after so long.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A request with content by length.
pub fn put(content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let head = format!("PUT /f HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n");
    [head.as_bytes(), content].concat()
}

/// A request with content in chunks of the given sizes, taken in turn.
pub fn put_chunked(content: &[u8], sizes: &[usize]) -> Vec<u8> {
    let mut request = b"PUT /f HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    let mut rest = content;
    for size in sizes.iter().cycle() {
        let (chunk, behind) = rest.split_at(rest.len().min(*size));
        if chunk.is_empty() {
            break;
        }
        request.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        request.extend_from_slice(chunk);
        request.extend_from_slice(b"\r\n");
        rest = behind;
    }
    request.extend_from_slice(b"0\r\n\r\n");
    request
}

/// Where a server listens.
#[derive(Clone, Debug)]
pub enum Address {
    /// IPv4 or IPv6.
    Tcp(SocketAddr),
    /// The file of a Unix socket.
    Unix(PathBuf),
}

impl Address {
    /// A new connection, which is not patient for ever.
    pub fn connect(&self) -> Client {
        let socket = match self {
            Address::Tcp(address) => {
                let stream = TcpStream::connect(address).expect("a connection");
                stream.set_nodelay(true).expect("an open socket");
                stream.set_read_timeout(Some(PATIENCE)).expect("an open socket");
                stream.set_write_timeout(Some(PATIENCE)).expect("an open socket");
                Socket::Tcp(stream)
            }
            Address::Unix(path) => {
                let stream = UnixStream::connect(path).expect("a connection");
                stream.set_read_timeout(Some(PATIENCE)).expect("an open socket");
                stream.set_write_timeout(Some(PATIENCE)).expect("an open socket");
                Socket::Unix(stream)
            }
        };
        Client { socket, wire: Vec::new() }
    }
}

/// A client's socket.
#[derive(Debug)]
pub enum Socket {
    /// Over IPv4 or IPv6, without delay.
    Tcp(TcpStream),
    /// Over a Unix socket.
    Unix(UnixStream),
}

impl Socket {
    /// As that of std.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        match self {
            Socket::Tcp(stream) => stream.shutdown(how),
            Socket::Unix(stream) => stream.shutdown(how),
        }
    }

    /// As that of std.
    pub fn set_nonblocking(&self, on: bool) {
        match self {
            Socket::Tcp(stream) => stream.set_nonblocking(on),
            Socket::Unix(stream) => stream.set_nonblocking(on),
        }
        .expect("an open socket");
    }

    /// As that of std.
    pub fn try_clone(&self) -> Socket {
        match self {
            Socket::Tcp(stream) => Socket::Tcp(stream.try_clone().expect("a descriptor")),
            Socket::Unix(stream) => Socket::Unix(stream.try_clone().expect("a descriptor")),
        }
    }
}

impl Read for Socket {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(stream) => stream.read(into),
            Socket::Unix(stream) => stream.read(into),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(stream) => stream.write(from),
            Socket::Unix(stream) => stream.write(from),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A response as it came.
#[derive(Debug)]
pub struct Received {
    /// 100 to 599.
    pub status: u16,
    /// With the status line, without the empty line.
    pub head: String,
    /// Names and values.
    fields: Vec<(String, String)>,
    /// All of it, which has to be text.
    pub content: String,
}

impl Received {
    fn new(wire: &[u8], response: &Response<'_>) -> Self {
        let text = |bytes: &[u8]| str::from_utf8(bytes).expect("text").to_owned();
        Self {
            status: response.status,
            head: text(&wire[..response.head_length - b"\r\n\r\n".len()]),
            fields: response.fields.iter().map(|(name, value)| (text(name), text(value))).collect(),
            content: text(response.content),
        }
    }

    /// The value of a field, which must not stand twice.
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut found = self.fields.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name));
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} twice: {}", self.head);
        value
    }

    /// Asserts that it is the digest of that content.
    #[track_caller]
    pub fn is_digest_of(&self, content: &[u8]) {
        assert_eq!((self.status, &*self.content), (200, &*digest(content)), "{}", self.head);
    }
}

/// A connection whose answers are read one at a time.
#[derive(Debug)]
pub struct Client {
    socket: Socket,
    /// What has come and belongs to none of the answers read so far.
    wire: Vec<u8>,
}

impl Client {
    /// Its socket.
    pub fn socket(&self) -> &Socket {
        &self.socket
    }

    /// Without what was read of it and not used.
    pub fn into_socket(self) -> Socket {
        self.socket
    }

    /// Sends all of it.
    #[track_caller]
    pub fn send(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).expect("the server reads");
    }

    /// Ends what it sends, and reads on.
    #[track_caller]
    pub fn half_close(&self) {
        self.socket.shutdown(Shutdown::Write).expect("an open socket");
    }

    /// Sends a request and reads its answer.
    #[track_caller]
    pub fn exchange(&mut self, request: &[u8]) -> Received {
        self.send(request);
        self.answer()
    }

    /// The next response; an interim one (1xx) is one of its own.
    #[track_caller]
    pub fn answer(&mut self) -> Received {
        self.answer_to(Method::Other)
    }

    /// The answer to HEAD.
    #[track_caller]
    pub fn answer_to_head(&mut self) -> Received {
        self.answer_to(Method::Head)
    }

    #[track_caller]
    fn answer_to(&mut self, method: Method) -> Received {
        loop {
            match response::read(&self.wire, method) {
                Ok(Some(response)) => {
                    let (received, length) =
                        (Received::new(&self.wire, &response), response.length);
                    self.wire.drain(..length);
                    return received;
                }
                Ok(None) => {
                    let n = self.read_more().expect("an answer");
                    assert_ne!(n, 0, "it ended within an answer: {}", self.wire.escape_ascii());
                }
                Err(wrong) => panic!("{wrong}: {}", self.wire.escape_ascii()),
            }
        }
    }

    fn read_more(&mut self) -> io::Result<usize> {
        let mut part = [0; 8 << 10];
        let n = loop {
            match self.socket.read(&mut part) {
                // By a signal, which says nothing of the server.
                Err(wrong) if wrong.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.wire.extend_from_slice(&part[..n]);
        Ok(n)
    }

    /// Asserts that nothing more comes, and that the connection ends properly.
    #[track_caller]
    pub fn ends(&mut self) {
        self.try_to_end().expect("a proper end");
        assert!(self.wire.is_empty(), "{}", self.wire.escape_ascii());
    }

    /// Waits for the end, whatever comes before it.
    ///
    /// # Errors
    ///
    /// If the connection ends otherwise.
    pub fn try_to_end(&mut self) -> io::Result<()> {
        self.socket.read_to_end(&mut self.wire).map(drop)
    }

    /// Waits for an answer and leaves all but its first byte in the socket.
    #[track_caller]
    pub fn leave_unread(&mut self) {
        self.socket.read_exact(&mut [0]).expect("an answer");
    }

    /// True if nothing has come that was not read yet.
    pub fn has_nothing(&mut self) -> bool {
        self.socket.set_nonblocking(true);
        let read = self.read_more();
        self.socket.set_nonblocking(false);
        let is_empty = matches!(read, Err(error) if error.kind() == io::ErrorKind::WouldBlock);
        is_empty && self.wire.is_empty()
    }
}
