//! The rulers: what the machine allows, without a parser, limits or deadlines. One
//! thread, epoll, and nothing but the loader's own requests understood.
//!
//! `ruler receive|lanes ADDRESS`: `receive` answers with zeros, `lanes` hashes with
//! streamsum's own lanes, the content of many uploads at once.

mod message;

use std::collections::VecDeque;
use std::env;
use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::mem;
use std::ops::Range;

use message::Message;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use streamsum::md5::{Input, Kernel, Md5};

/// Bytes of one read, as streamsum has it by default: what else is best for one is for both.
const READ: usize = 84 << 10;
/// From one buffer to the next: not a power of two, or they would meet in the cache.
const STRIDE: usize = READ + 3 * 64;
/// Connections that are read before the hash runs over all that came.
const BATCH: usize = 32;
const LISTENER: Token = Token(usize::MAX);
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 32\r\nContent-Type: text/plain\r\n\r\n";

struct Connection {
    stream: TcpStream,
    message: Message,
    md5: Md5,
    output: Vec<u8>,
    is_ready: bool,
}

/// What one connection sent.
struct Row {
    connection: usize,
    /// What of the buffer has not been looked at.
    rest: Range<usize>,
    was_full: bool,
}

struct Piece {
    row: usize,
    md5: Md5,
    range: Range<usize>,
    last: bool,
}

struct Ruler {
    kernel: Option<Kernel>,
    connections: Vec<Option<Connection>>,
    ready: VecDeque<usize>,
    buffers: Vec<u8>,
    // Emptied every turn, kept for their memory.
    rows: Vec<Row>,
    pieces: Vec<Piece>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [what, address] = arguments.as_slice() else {
        return Err("ruler receive|lanes ADDRESS".into());
    };
    let kernel = match what.as_str() {
        "receive" => None,
        "lanes" => Some(Kernel::detect()),
        other => return Err(format!("no such ruler: {other}").into()),
    };
    let mut ruler = Ruler {
        kernel,
        connections: Vec::new(),
        ready: VecDeque::new(),
        buffers: vec![0; BATCH * STRIDE],
        rows: Vec::new(),
        pieces: Vec::new(),
    };
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(1024);
    let mut listener = TcpListener::bind(address.parse()?)?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            match event.token() {
                LISTENER => ruler.accept(&listener, &poll)?,
                Token(at) => ruler.note(at),
            }
        }
        while !ruler.ready.is_empty() {
            ruler.turn();
        }
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
            let free = self.connections.iter().position(Option::is_none);
            let at = free.unwrap_or(self.connections.len());
            poll.registry().register(&mut stream, Token(at), Interest::READABLE)?;
            let connection = Some(Connection {
                stream,
                message: Message::new(),
                md5: Md5::new(),
                output: Vec::new(),
                is_ready: false,
            });
            match free {
                Some(free) => self.connections[free] = connection,
                None => self.connections.push(connection),
            }
        }
    }

    fn note(&mut self, at: usize) {
        if let Some(connection) = &mut self.connections[at]
            && !mem::replace(&mut connection.is_ready, true)
        {
            self.ready.push_back(at);
        }
    }

    /// Reads, hashes, answers.
    fn turn(&mut self) {
        self.read();
        while self.find_pieces() {
            self.hash();
        }
        let mut rows = mem::take(&mut self.rows);
        for row in rows.drain(..) {
            let Some(connection) = &mut self.connections[row.connection] else { continue };
            // There is always room for the few answers that a client waits for.
            let written = connection.stream.write_all(&connection.output);
            connection.output.clear();
            if written.is_err() {
                self.connections[row.connection] = None;
            } else if row.was_full {
                self.note(row.connection);
            }
        }
        self.rows = rows;
    }

    /// Reads once from each that is ready, as many as there are buffers.
    fn read(&mut self) {
        for (place, buffer) in self.buffers.chunks_exact_mut(STRIDE).enumerate() {
            let Some(at) = self.ready.pop_front() else { break };
            let Some(connection) = &mut self.connections[at] else { continue };
            connection.is_ready = false;
            let start = place * STRIDE;
            match connection.stream.read(&mut buffer[..READ]) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Ok(0) | Err(_) => self.connections[at] = None,
                Ok(read) => self.rows.push(Row {
                    connection: at,
                    rest: start..start + read,
                    was_full: read == READ,
                }),
            }
        }
    }

    /// Finds content that can be hashed at once: of each connection up to the first
    /// message that does not end.
    fn find_pieces(&mut self) -> bool {
        for (place, row) in self.rows.iter_mut().enumerate() {
            let Some(connection) = &mut self.connections[row.connection] else { continue };
            while !row.rest.is_empty() {
                let (taken, content) = connection.message.step(&self.buffers[row.rest.clone()]);
                let start = row.rest.start;
                row.rest.start += taken;
                let Some(content) = content else { continue };
                let range = start + content.range.start..start + content.range.end;
                let md5 = mem::take(&mut connection.md5);
                self.pieces.push(Piece { row: place, md5, range, last: content.last });
                if !content.last {
                    break;
                }
            }
        }
        !self.pieces.is_empty()
    }

    fn hash(&mut self) {
        if let Some(kernel) = self.kernel {
            kernel.update_many(self.pieces.iter_mut().map(|piece| Input {
                stream: &mut piece.md5,
                bytes: &self.buffers[piece.range.clone()],
                last: piece.last,
            }));
        }
        for piece in self.pieces.drain(..) {
            let Some(connection) = &mut self.connections[self.rows[piece.row].connection] else {
                continue;
            };
            if piece.last {
                let digest = match self.kernel {
                    Some(_) => piece.md5.finish().to_hex(),
                    None => [b'0'; 32],
                };
                connection.output.extend_from_slice(ANSWER);
                connection.output.extend_from_slice(&digest);
            } else {
                connection.md5 = piece.md5;
            }
        }
    }
}
