//! The rulers that pass uploads on: what the machine allows one thread that receives them and
//! sends them to an origin. Heads are hardly looked at, nothing is signed, and there are no limits
//! and no deadlines.
//!
//! `forward plain|lanes ADDRESS ORIGIN`: `plain` answers with zeros, `lanes` hashes with
//! streamsum's own lanes, the content of many uploads at once. The origin is `http://ADDRESS`.
//!
//! A client has a connection to the origin beside its own. While the origin does not take what it
//! was given, its client is not read. An upload is answered when the origin has answered.

mod head;
mod link;

use std::collections::VecDeque;
use std::env;
use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::mem;
use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;

use head::Head;
use link::Link;
use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use streamsum::md5::{Input, Kernel, Md5};

/// Bytes of one read, as streamsum has it by default. With 64 KiB the CPU seconds of 32 uploads are
/// a third more, with 63 KiB they are not: loopback's segments hold a little less than 64 KiB.
const READ: usize = 84 << 10;
/// From one buffer to the next: not a power of two, or they would meet in the cache.
const STRIDE: usize = READ + 3 * 64;
/// Clients that are read before the hash runs over all that came.
const BATCH: usize = 32;
const LISTENER: Token = Token(usize::MAX);
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 32\r\nContent-Type: text/plain\r\n\r\n";
const REFUSAL: &[u8] = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n";

/// What a client is at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Head,
    /// So many bytes of content are missing.
    Content(u64),
    /// All content has come, and the origin is to answer.
    Answer,
}

struct Client {
    stream: TcpStream,
    link: Link,
    at: At,
    md5: Md5,
    /// The beginning of a head whose end has not come.
    head: Vec<u8>,
    /// The head for the origin, which goes out with the first content.
    request: Vec<u8>,
    /// What it is to be answered.
    digest: [u8; 32],
    /// True if its socket may have something to read.
    has_input: bool,
    /// True if its turn to be read will come.
    is_queued: bool,
}

/// Content that one client sent, in a buffer.
struct Piece {
    client: usize,
    md5: Md5,
    range: Range<usize>,
    last: bool,
}

struct Ruler {
    kernel: Option<Kernel>,
    origin: SocketAddr,
    clients: Vec<Option<Client>>,
    /// Of clients that have gone.
    links: Vec<Link>,
    ready: VecDeque<usize>,
    buffers: Vec<u8>,
    // Emptied every turn, kept for its memory.
    pieces: Vec<Piece>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [what, address, origin] = arguments.as_slice() else {
        return Err("forward plain|lanes ADDRESS ORIGIN".into());
    };
    let kernel = match what.as_str() {
        "plain" => None,
        "lanes" => Some(Kernel::detect()),
        other => return Err(format!("no such ruler: {other}").into()),
    };
    let mut ruler = Ruler {
        kernel,
        origin: origin.strip_prefix("http://").ok_or("no http:// origin")?.parse()?,
        clients: Vec::new(),
        links: Vec::new(),
        ready: VecDeque::new(),
        buffers: vec![0; BATCH * STRIDE],
        pieces: Vec::new(),
    };
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(1024);
    let mut listener = TcpListener::bind(address.parse()?)?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    loop {
        // Origins may have room while clients go on sending.
        let wait = (!ruler.ready.is_empty()).then_some(Duration::ZERO);
        poll.poll(&mut events, wait)?;
        for event in &events {
            match event.token() {
                LISTENER => ruler.accept(&listener, &poll)?,
                Token(token) => ruler.take_event(token, event),
            }
        }
        ruler.turn();
    }
}

impl Ruler {
    fn accept(&mut self, listener: &TcpListener, poll: &Poll) -> io::Result<()> {
        loop {
            let (mut stream, _) = match listener.accept() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                result => result?,
            };
            stream.set_nodelay(true)?;
            let free = self.clients.iter().position(Option::is_none);
            let at = free.unwrap_or(self.clients.len());
            let token = Token(2 * at);
            poll.registry().register(&mut stream, token, Interest::READABLE)?;
            let both = Interest::READABLE | Interest::WRITABLE;
            let token = Token(2 * at + 1);
            let link = match self.links.pop() {
                Some(mut link) => {
                    poll.registry().reregister(link.source(), token, both)?;
                    link
                }
                None => {
                    let mut link = Link::open(self.origin)?;
                    poll.registry().register(link.source(), token, both)?;
                    link
                }
            };
            let client = Some(Client {
                stream,
                link,
                at: At::Head,
                md5: Md5::new(),
                head: Vec::new(),
                request: Vec::new(),
                digest: [b'0'; 32],
                has_input: false,
                is_queued: false,
            });
            match free {
                Some(free) => self.clients[free] = client,
                None => self.clients.push(client),
            }
        }
    }

    /// Of a client's own socket, or of its link.
    fn take_event(&mut self, token: usize, event: &Event) {
        let at = token / 2;
        let Some(client) = &mut self.clients[at] else { return };
        if token.is_multiple_of(2) {
            client.has_input = true;
        } else if client.go_on(event).is_err() {
            self.clients[at] = None;
            return;
        }
        self.queue(at);
    }

    /// Has a client read, if it may be and there may be something.
    fn queue(&mut self, at: usize) {
        if let Some(client) = &mut self.clients[at]
            && client.has_input
            && client.at != At::Answer
            && client.link.is_free()
            && !mem::replace(&mut client.is_queued, true)
        {
            self.ready.push_back(at);
        }
    }

    /// Reads once from each client that is ready, as many as there are buffers, hashes, and
    /// writes what came to the origin.
    fn turn(&mut self) {
        let ready = self.ready.len().min(BATCH);
        let Some(kernel) = self.kernel else {
            // One buffer is enough, which so stays in the cache.
            for _ in 0..ready {
                if let Some(piece) = self.read(0) {
                    self.pass_on(piece);
                }
            }
            return;
        };
        let mut pieces = mem::take(&mut self.pieces);
        pieces.extend((0..ready).filter_map(|place| self.read(place)));
        kernel.update_many(pieces.iter_mut().map(|piece| Input {
            stream: &mut piece.md5,
            bytes: &self.buffers[piece.range.clone()],
            last: piece.last,
        }));
        pieces.drain(..).for_each(|piece| self.pass_on(piece));
        self.pieces = pieces;
    }

    /// Reads once from the next client, into one of the buffers.
    fn read(&mut self, place: usize) -> Option<Piece> {
        let at = self.ready.pop_front()?;
        let client = self.clients[at].as_mut()?;
        client.is_queued = false;
        let start = place * STRIDE;
        let buffer = &mut self.buffers[start..start + READ];
        let read = match client.stream.read(buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                client.has_input = false;
                return None;
            }
            Ok(read) if read > 0 => read,
            _ => {
                self.end(at);
                return None;
            }
        };
        client.has_input = read == READ;
        match client.find_content(&buffer[..read]) {
            Ok(Some(range)) => Some(Piece {
                client: at,
                md5: mem::take(&mut client.md5),
                range: start + range.start..start + range.end,
                last: client.at == At::Answer,
            }),
            Ok(None) => {
                self.queue(at);
                None
            }
            Err(_) => {
                self.clients[at] = None;
                None
            }
        }
    }

    fn pass_on(&mut self, piece: Piece) {
        let Some(client) = &mut self.clients[piece.client] else { return };
        match self.kernel {
            Some(_) if piece.last => client.digest = piece.md5.finish().to_hex(),
            _ => client.md5 = piece.md5,
        }
        let sent = client.link.send(&client.request, &self.buffers[piece.range]);
        client.request.clear();
        match sent {
            Ok(()) => self.queue(piece.client),
            Err(_) => self.clients[piece.client] = None,
        }
    }

    /// A client has gone. Between two uploads its link remains, for the next.
    fn end(&mut self, at: usize) {
        if let Some(client) = self.clients[at].take()
            && client.at == At::Head
        {
            self.links.push(client.link);
        }
    }
}

impl Client {
    /// Finds content in what came, up to the end of the message; `None` while there is no head.
    fn find_content(&mut self, input: &[u8]) -> io::Result<Option<Range<usize>>> {
        let mut start = 0;
        if self.at == At::Head {
            let before = self.head.len();
            let head = if before == 0 {
                Head::find(input)
            } else {
                self.head.extend_from_slice(input);
                Head::find(&self.head)
            };
            let Some(head) = head else {
                if before == 0 {
                    self.head.extend_from_slice(input);
                }
                return Ok(None);
            };
            let (Some(path), Some(length)) = (head.second_word(), head.length()) else {
                return Err(io::Error::other("no target or no Content-Length"));
            };
            start = head.size() - before;
            if head.expects() {
                self.stream.write_all(CONTINUE)?;
            }
            write!(
                self.request,
                "PUT {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n"
            )?;
            self.head.clear();
            self.at = At::Content(length);
        }
        let At::Content(left) = self.at else { return Err(ErrorKind::InvalidData.into()) };
        let content = start..input.len();
        let left = left.checked_sub(content.len() as u64);
        // Nobody asks again before the answer.
        let left = left.ok_or(ErrorKind::InvalidData)?;
        self.at = if left == 0 { At::Answer } else { At::Content(left) };
        Ok(Some(content))
    }

    /// Goes on with its link: gives it the rest, and takes an answer on.
    fn go_on(&mut self, event: &Event) -> io::Result<()> {
        if event.is_writable() {
            self.link.flush()?;
        }
        if event.is_readable()
            && let Some(status) = self.link.receive()?
        {
            if self.at != At::Answer || !self.link.is_free() {
                return Err(io::Error::other("an answer too soon"));
            }
            self.answer(status)?;
        }
        Ok(())
    }

    fn answer(&mut self, status: u16) -> io::Result<()> {
        self.at = At::Head;
        // There is always room for the one answer that a client waits for.
        match status {
            200 => self.stream.write_all(&[ANSWER, &self.digest].concat()),
            _ => self.stream.write_all(REFUSAL),
        }
    }
}
