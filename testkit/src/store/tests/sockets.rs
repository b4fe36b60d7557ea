//! The same over sockets.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use socket2::SockRef;

use super::super::serve::{Layer, Serving};
use super::super::{Act, Answer, Cut, End, Rule, Side, Store};
use super::put;
use crate::client::{Address, Client, PATIENCE};
use crate::content::{content, digest};

fn connect(serving: &Serving) -> Client {
    Address::Tcp(serving.address()).connect()
}

#[test]
fn a_put_over_a_socket_becomes_an_object() {
    let serving = Serving::start(&Store::plain());
    let sent = content(300_000, 1);
    let mut client = connect(&serving);
    for key in ["a", "c"] {
        let head = format!(
            "PUT /{key} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 300000\r\n\r\n"
        );
        assert_eq!(client.exchange(head.as_bytes()).status, 100);
        let answer = client.exchange(&sent);
        let etag = format!("\"{}\"", digest(&sent));
        assert_eq!((answer.status, answer.field("etag")), (200, Some(&*etag)));
        let object = serving.store().object("", key).expect("an object");
        assert_eq!(object.content.as_deref(), Some(&*sent));
    }
    assert_eq!(serving.store().log().connections.len(), 1);
}

#[test]
fn it_is_seen_how_a_client_ends() {
    let serving = Serving::start(&Store::s3("b"));
    let request = put("a", "", "hello");
    for (number, end) in [End::Fin, End::Reset].into_iter().enumerate() {
        let mut stream = TcpStream::connect(serving.address()).expect("a connection");
        stream.write_all(&request[..request.len() - 2]).expect("the store reads");
        serving.store().wait_until(|log| {
            log.requests.get(number).is_some_and(|request| request.received == 3)
        });
        if end == End::Reset {
            SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("an open socket");
        }
        drop(stream);
        let cut = Some(Cut { by: Side::Client, end });
        serving.store().wait_until(|log| log.connections[number].end == cut);
    }
    assert!(serving.store().keys("b").is_empty());
}

#[test]
fn a_store_ends_a_connection_by_fin_or_by_reset() {
    for end in [End::Fin, End::Reset] {
        let store = Store::s3("b");
        store.script(Rule::always(Act::EndInContent { after: 3, end }));
        let serving = Serving::start(&store);
        let mut stream = TcpStream::connect(serving.address()).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("an open socket");
        stream.write_all(&put("a", "", "hello")).expect("the store reads");
        let read = stream.read(&mut [0; 10]);
        assert_eq!(read.ok(), (end == End::Fin).then_some(0));
        store.wait_until(|log| log.connections[0].end == Some(Cut { by: Side::Store, end }));
    }
}

#[test]
fn time_passes_for_a_store_by_itself() {
    let store = Store::s3("b");
    let pause = Duration::from_millis(20);
    store.script(Rule::always(Act::Delay(pause)));
    store.script(Rule::always(Act::EndIdle { after: pause, end: End::Fin }));
    let serving = Serving::start(&store);
    let mut client = connect(&serving);
    assert_eq!(client.exchange(&put("a", "", "hello")).status, 200);
    store.wait_until(|log| log.connections[0].end.is_some());
}

#[test]
fn a_client_that_resets_is_seen_by_a_store_that_does_not_read() {
    let store = Store::s3("b");
    store.script(Rule::always(Act::StopReading { after: 2, time: None }));
    let serving = Serving::start(&store);
    let mut stream = TcpStream::connect(serving.address()).expect("a connection");
    stream.write_all(&put("a", "", "hello")).expect("room in the socket");
    store.wait_until(|log| log.bytes_received("a") == 2);
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("an open socket");
    drop(stream);
    let cut = Some(Cut { by: Side::Client, end: End::Reset });
    store.wait_until(|log| log.connections[0].end == cut);
}

/// Adds one to each byte on the way.
struct Shifted(TcpStream);

impl Read for Shifted {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = self.0.read(into)?;
        into[..count].iter_mut().for_each(|byte| *byte = byte.wrapping_add(1));
        Ok(count)
    }
}

impl Write for Shifted {
    fn write(&mut self, from: &[u8]) -> std::io::Result<usize> {
        let bytes: Vec<u8> = from.iter().map(|byte| byte.wrapping_sub(1)).collect();
        self.0.write(&bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Layer for Shifted {
    fn say_end(&mut self) {
        self.0.write_all(b".").expect("an open connection");
    }
}

#[test]
fn something_may_lie_on_the_connections() {
    let store = Store::s3("b");
    store.script(Rule::always(Act::Close(End::Fin)));
    store.script(Rule::always(Act::Answer(Answer::status(299))));
    let serving = Serving::layered(&store, "127.0.0.1:0", |stream| Ok(Shifted(stream)));
    let mut stream = TcpStream::connect(serving.address()).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("an open socket");
    let request: Vec<u8> = put("a", "", "").iter().map(|byte| byte.wrapping_sub(1)).collect();
    stream.write_all(&request).expect("the store reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    assert_eq!(answer.pop(), Some(b'.'));
    answer.iter_mut().for_each(|byte| *byte = byte.wrapping_add(1));
    assert!(answer.starts_with(b"HTTP/1.1 299 "), "{}", String::from_utf8_lossy(&answer));
}

#[test]
fn a_store_that_is_dropped_leaves_no_connection() {
    let store = Store::s3("b");
    let serving = Serving::start(&store);
    let address = serving.address();
    let mut idle = connect(&serving);
    assert_eq!(idle.exchange(&put("a", "", "hello")).status, 200);
    drop(serving);
    idle.ends();
    assert!(TcpStream::connect(address).is_err());
}
