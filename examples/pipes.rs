//! The protocol core alone, over a pair of pipes in memory: no sockets at all.
//!
//! ```text
//! cargo run --no-default-features --example pipes
//! ```

use std::time::UNIX_EPOCH;

use streamsum::md5::Md5;
use streamsum::proto::{Connection, Date, Event, Limits, Response, Step};

/// A server between two pipes.
struct Server {
    connection: Connection,
    stream: Md5,
}

impl Server {
    /// Takes what it can use out of one pipe, and puts its answers into the other.
    fn run(&mut self, from_client: &mut Vec<u8>, to_client: &mut Vec<u8>) {
        // A clock of one's own, so that the same input always gives the same output.
        let date = Date::new(UNIX_EPOCH);
        loop {
            match self.connection.receive(from_client) {
                // A closed connection takes no more input: `receive` then waits for ever.
                Err(reject) => {
                    let _ = self.connection.reject(reject, &reject.response(), &date, to_client);
                }
                Ok(Step { used, event }) => {
                    let (mut is_waiting, mut is_last) = (false, false);
                    match event {
                        Event::Wait | Event::HeadBegun => is_waiting = true,
                        Event::Head(_) => self.connection.accept(to_client),
                        Event::Body { data, last } => {
                            self.stream.update(&from_client[data]);
                            is_last = last;
                        }
                    }
                    from_client.drain(..used);
                    if is_waiting {
                        return;
                    }
                    if is_last {
                        let digest = std::mem::take(&mut self.stream).finish().to_string();
                        let response = Response::text(200, digest);
                        let _ = self.connection.respond(&response, &date, to_client);
                    }
                }
            }
        }
    }
}

fn main() {
    let mut server = Server { connection: Connection::new(Limits::default()), stream: Md5::new() };
    let (mut from_client, mut to_client) = (Vec::new(), Vec::new());
    // However the client's bytes are cut, the answers are the same.
    let sent =
        b"PUT /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n\
                 PUT /b HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na\
                 GET / HTTP/1.1\r\n\r\n";
    for byte in sent {
        from_client.push(*byte);
        server.run(&mut from_client, &mut to_client);
    }
    print!("{}", String::from_utf8_lossy(&to_client));
}
