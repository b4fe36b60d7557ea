//! Clients over real sockets and std, for whom everything is right or panics.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use md5::{Digest, Md5};

/// Nothing is timed: but what would hang for ever fails after so long.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The digest as another implementation has it.
pub fn digest(content: &[u8]) -> String {
    Md5::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes that differ with the seed and have no short period.
pub fn content(length: usize, seed: u64) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15 ^ (seed << 17) ^ seed;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut bytes: Vec<u8> = (0..length.div_ceil(8)).flat_map(|_| next()).collect();
    bytes.truncate(length);
    bytes
}

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
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl Address {
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
        Client { socket: BufReader::new(socket) }
    }
}

/// A client's socket.
#[derive(Debug)]
pub enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Socket {
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        match self {
            Socket::Tcp(stream) => stream.shutdown(how),
            Socket::Unix(stream) => stream.shutdown(how),
        }
    }

    pub fn set_nonblocking(&self, on: bool) {
        match self {
            Socket::Tcp(stream) => stream.set_nonblocking(on),
            Socket::Unix(stream) => stream.set_nonblocking(on),
        }
        .expect("an open socket");
    }

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
pub struct Answer {
    pub status: u16,
    /// With the status line, without the empty line.
    pub head: String,
    pub content: String,
}

impl Answer {
    pub fn field(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        let mut found = fields.filter(|(field, _)| field.eq_ignore_ascii_case(name));
        let value = found.next().map(|(_, value)| value);
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
    socket: BufReader<Socket>,
}

impl Client {
    pub fn socket(&self) -> &Socket {
        self.socket.get_ref()
    }

    /// Without what was read of it and not used.
    pub fn into_socket(self) -> Socket {
        self.socket.into_inner()
    }

    #[track_caller]
    pub fn send(&mut self, bytes: &[u8]) {
        self.socket.get_mut().write_all(bytes).expect("the server reads");
    }

    #[track_caller]
    pub fn half_close(&self) {
        self.socket().shutdown(Shutdown::Write).expect("an open socket");
    }

    #[track_caller]
    pub fn exchange(&mut self, request: &[u8]) -> Answer {
        self.send(request);
        self.answer()
    }

    #[track_caller]
    pub fn answer(&mut self) -> Answer {
        let mut answer = self.answer_to_head();
        let length = answer.field("Content-Length").expect("a length").parse().expect("a number");
        let mut content = vec![0; length];
        self.socket.read_exact(&mut content).expect("all content");
        answer.content = String::from_utf8(content).expect("text");
        answer
    }

    /// Nothing but a head is expected.
    #[track_caller]
    pub fn answer_to_head(&mut self) -> Answer {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let n = self.socket.read_line(&mut head).expect("a head");
            assert_ne!(n, 0, "the connection ended within a head: {head:?}");
        }
        let head = head.trim_end().to_owned();
        let status = head.get(9..12).and_then(|digits| digits.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status in {head:?}"));
        Answer { status, head, content: String::new() }
    }

    /// Asserts that nothing more comes, and that the connection ends properly.
    #[track_caller]
    pub fn ends(&mut self) {
        let mut rest = Vec::new();
        self.socket.read_to_end(&mut rest).expect("a proper end");
        assert_eq!(rest, b"", "{:?}", String::from_utf8_lossy(&rest));
    }

    /// Waits for an answer and leaves all but its first byte in the socket.
    #[track_caller]
    pub fn leave_unread(&mut self) {
        self.socket.get_mut().read_exact(&mut [0]).expect("an answer");
    }

    /// Whether nothing has come that was not read yet.
    pub fn has_nothing(&mut self) -> bool {
        self.socket().set_nonblocking(true);
        let nothing = match self.socket.fill_buf() {
            Ok(_) => false,
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        };
        self.socket().set_nonblocking(false);
        nothing
    }
}
