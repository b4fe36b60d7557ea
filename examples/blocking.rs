//! The protocol core alone, over blocking sockets, with a thread for each connection:
//! `cargo run --no-default-features --example blocking -- 127.0.0.1:8080`

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::{Duration, SystemTime};
use std::{env, mem, thread};

use streamsum::md5::Md5;
use streamsum::proto::{After, Connection, Date, End, Event, Limits, Response, Step};

fn serve(mut socket: TcpStream) -> io::Result<()> {
    socket.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut connection = Connection::new(Limits::default());
    let (mut input, mut stream) = (Vec::new(), Md5::new());
    loop {
        let now = Date::new(SystemTime::now());
        let (mut is_waiting, mut after, mut output) = (false, None, Vec::new());
        match connection.receive(&mut input) {
            Err(reject) => {
                after = Some(connection.reject(reject, &reject.response(), &now, &mut output));
            }
            Ok(Step { used, event }) => {
                match event {
                    Event::Wait | Event::HeadBegun => is_waiting = true,
                    Event::Head(_) => connection.accept(&mut output),
                    Event::Body { data, last } => {
                        stream.update(&input[data]);
                        if last {
                            let digest = mem::take(&mut stream).finish().to_string();
                            let response = Response::text(200, digest);
                            after = Some(connection.respond(&response, &now, &mut output));
                        }
                    }
                }
                input.drain(..used);
            }
        }
        socket.write_all(&output)?;
        if let Some(After::Close(_)) = after {
            // What is still under way is read, or the answer might be lost with it.
            socket.shutdown(Shutdown::Write)?;
            return io::copy(&mut socket.take(1 << 20), &mut io::sink()).map(drop);
        }
        if is_waiting {
            let mut bytes = [0; 16 << 10];
            let read = socket.read(&mut bytes)?;
            input.extend_from_slice(&bytes[..read]);
            if read == 0 && connection.ended() == End::Clean {
                return Ok(());
            }
        }
    }
}

fn main() -> io::Result<()> {
    let listener = TcpListener::bind(env::args().nth(1).as_deref().unwrap_or("127.0.0.1:8080"))?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        let (socket, _) = listener.accept()?;
        thread::spawn(|| serve(socket));
    }
}
