//! Requests over real sockets: IPv4, IPv6 and Unix, with clients over std.

use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Barrier};

use mio::{Events, Poll, Token};
use streamsum::checksum::Checksum;
use streamsum::engine::{Config, Now};
use streamsum::handler::PeerAddr;
use streamsum::proto::Limits;
use streamsum::server::Server;
use streamsum::thread;
use testkit::client::{Address, put, put_chunked};
use testkit::content::{content, digest};
use testkit::serving::{Seen, Serving, listen};

const BODILESS: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";

#[test]
fn content_by_length() {
    // covers: 11.2 18.6
    let server = Serving::everywhere(Config::default());
    for address in server.addresses() {
        let mut client = address.connect();
        for length in [0, 1, 55, 56, 63, 64, 65, 4096, 65_535, 65_536, 65_537, 300_000] {
            let content = content(length, length as u64);
            let answer = client.exchange(&put(&content));
            answer.is_digest_of(&content);
            assert_eq!(answer.field("Connection"), None);
        }
    }
}

#[test]
fn chunks_of_every_size() {
    // covers: 10.1 13.1
    let server = Serving::everywhere(Config::default());
    let content = content(100_000, 7);
    for address in server.addresses() {
        let mut client = address.connect();
        for sizes in [&[1][..], &[15, 1, 16, 17], &[4096], &[65_536], &[1 << 20], &[1, 70_000]] {
            client.exchange(&put_chunked(&content, sizes)).is_digest_of(&content);
        }
    }
}

#[test]
fn a_chunked_request_cut_anywhere() {
    let server = Serving::everywhere(Config::default());
    let content = content(90, 3);
    let mut request = put_chunked(&content, &[1, 16, 30]);
    // An extension, and a trailer section with a field.
    let last = request.len() - b"0\r\n\r\n".len();
    request.truncate(last);
    request.extend_from_slice(b"0;a=\"b\"\r\nTrailing: field\r\n\r\n");
    for address in server.addresses() {
        let mut client = address.connect();
        for cut in 1..request.len() {
            let (first, second) = request.split_at(cut);
            let before = server.ask(|server, _| server.stats().bytes_read);
            client.send(first);
            // Only what was read by itself was cut.
            server.until(move |server| server.stats().bytes_read == before + cut as u64);
            client.send(second);
            client.answer().is_digest_of(&content);
        }
    }
}

#[test]
fn ten_uploads_on_one_connection() {
    let server = Serving::everywhere(Config::default());
    for (place, address) in server.addresses().iter().enumerate() {
        let mut client = address.connect();
        for seed in 0..10 {
            let content = content(50_000, seed);
            client.exchange(&put(&content)).is_digest_of(&content);
        }
        let stats = server.ask(|server, _| server.stats().clone());
        assert_eq!(stats.connections, place as u64 + 1);
        assert_eq!(stats.answers, (place as u64 + 1) * 10);
    }
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    // covers: 19.1 20.2
    let server = Serving::everywhere(Config::default());
    let contents: Vec<_> = (0..50).map(|n| content(n * 400, n as u64)).collect();
    let even = |n: usize| n.is_multiple_of(2);
    let requests: Vec<_> = contents
        .iter()
        .enumerate()
        .map(|(n, content)| if even(n) { put(content) } else { put_chunked(content, &[100]) })
        .collect();
    for address in server.addresses() {
        let mut client = address.connect();
        client.send(&requests.concat());
        client.half_close();
        contents.iter().for_each(|content| client.answer().is_digest_of(content));
        client.ends();
    }
}

#[test]
fn http_1_0_is_closed_unless_it_asks() {
    // covers: 18.3 18.4 18.12 5.5
    let server = Serving::everywhere(Config::default());
    for address in server.addresses() {
        let mut client = address.connect();
        let kept = b"PUT / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc";
        for _ in 0..2 {
            let answer = client.exchange(kept);
            answer.is_digest_of(b"abc");
            assert_eq!(answer.field("Connection"), Some("keep-alive"));
            assert_eq!(answer.field("Keep-Alive"), Some("timeout=75"));
        }
        let answer = client.exchange(b"PUT / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc");
        answer.is_digest_of(b"abc");
        assert_eq!(answer.field("Connection"), Some("close"));
        assert!(answer.head.starts_with("HTTP/1.1 200 OK\r\n"));
        client.ends();
    }
}

#[test]
fn head_gets_the_head_alone() {
    // covers: 24.2
    let server = Serving::everywhere(Config::default());
    for address in server.addresses() {
        let mut client = address.connect();
        client.send(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
        client.send(&put(b"abc"));
        let answer = client.answer_to_head();
        assert_eq!((answer.status, answer.field("Content-Length")), (200, Some("32")));
        // The next head begins right behind.
        client.answer().is_digest_of(b"abc");
    }
}

#[test]
fn no_content_in_every_form() {
    // covers: 12.1 12.2 16.3
    let server = Serving::everywhere(Config::default());
    for address in server.addresses() {
        let mut client = address.connect();
        for request in [
            BODILESS,
            b"POST / HTTP/1.1\r\nHost: x\r\n\r\n",
            b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
            b"PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n",
            b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ] {
            client.exchange(request).is_digest_of(b"");
        }
    }
}

#[test]
fn a_client_that_waits_for_100_continue_gets_it() {
    // covers: 16.1
    let server = Serving::everywhere(Config::default());
    let content = content(200_000, 1);
    for address in server.addresses() {
        let mut client = address.connect();
        for framing in ["Content-Length: 200000", "Transfer-Encoding: chunked"] {
            let head =
                format!("PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n{framing}\r\n\r\n");
            client.send(head.as_bytes());
            let interim = client.answer();
            assert_eq!(interim.head, "HTTP/1.1 100 Continue");
            if framing.starts_with("Content") {
                client.send(&content);
            } else {
                client.send(b"30d40\r\n");
                client.send(&content);
                client.send(b"\r\n0\r\n\r\n");
            }
            client.answer().is_digest_of(&content);
        }
    }
}

#[test]
fn a_refusal_comes_instead_of_100_continue() {
    // covers: 16.5 25.3
    let limits = Limits::default().body(10);
    let server = Serving::everywhere(Config::default().limits(limits));
    for address in server.addresses() {
        let mut client = address.connect();
        client.send(b"PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n");
        client.send(b"Content-Length: 11\r\n\r\n");
        let answer = client.answer();
        assert_eq!((answer.status, answer.field("Connection")), (413, Some("close")));
        client.ends();
    }
}

#[test]
fn large_content() {
    let server = Serving::everywhere(Config::default());
    let content = content(32 << 20, 5);
    for address in server.addresses() {
        let mut client = address.connect();
        client.exchange(&put(&content)).is_digest_of(&content);
        client.exchange(&put_chunked(&content, &[1 << 16, 5000])).is_digest_of(&content);
    }
}

#[test]
fn many_clients_at_once_get_each_its_own_digest() {
    // covers: 29.1
    const CLIENTS: usize = 64;
    let server = Serving::everywhere(Config::default());
    for address in server.addresses() {
        let start = Arc::new(Barrier::new(CLIENTS));
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let (address, start) = (address.clone(), Arc::clone(&start));
                std::thread::spawn(move || {
                    let content = content(100_000 + number * 1013, number as u64);
                    let mut client = address.connect();
                    start.wait();
                    for _ in 0..3 {
                        client.exchange(&put(&content)).is_digest_of(&content);
                    }
                })
            })
            .collect();
        clients.into_iter().for_each(|client| client.join().expect("its own digest"));
    }
}

#[test]
fn a_half_closed_client_gets_its_answer() {
    // covers: 20.1 20.3
    let server = Serving::everywhere(Config::default());
    for address in server.addresses() {
        for request in [put(b"abc"), put_chunked(b"abc", &[1]), BODILESS.to_vec()] {
            let mut client = address.connect();
            client.send(&request);
            client.half_close();
            let answer = client.answer();
            assert_eq!(answer.status, 200);
            client.ends();
        }
        // With nothing asked, nothing is said.
        let mut silent = address.connect();
        silent.half_close();
        silent.ends();
    }
    server.until(|server| server.is_empty());
}

#[test]
fn the_handler_is_told_who_connected() {
    let (server, seen) = Serving::watched(Config::default());
    for address in server.addresses() {
        let mut client = address.connect();
        client.exchange(BODILESS).is_digest_of(b"");
        let expected = match client.socket() {
            testkit::client::Socket::Tcp(stream) => PeerAddr::Tcp(stream.local_addr().unwrap()),
            testkit::client::Socket::Unix(_) => PeerAddr::Unix,
        };
        assert_eq!(seen.recv(), Ok(Seen::Begun(expected)));
        assert_eq!(seen.recv(), Ok(Seen::Finished));
        assert!(matches!(seen.recv(), Ok(Seen::Ended { had_upload: false, .. })));
    }
}

#[test]
fn listeners_with_options_of_the_callers_own() {
    let server = Serving::start(
        Config::default(),
        &["127.0.0.1:0", "127.0.0.1:0", "unix", "unix"],
        Checksum::default(),
    );
    let mut clients: Vec<_> = server.addresses().iter().map(Address::connect).collect();
    for (seed, client) in clients.iter_mut().enumerate() {
        let content = content(1000, seed as u64);
        client.exchange(&put(&content)).is_digest_of(&content);
    }
    assert_eq!(server.ask(|server, _| server.connections()), 4);

    // One more while it runs.
    let (late, listener) = listen("127.0.0.1:0");
    let mut listener = Some(listener);
    let taken = server.ask(move |server, _| server.listen(listener.take().unwrap()).is_ok());
    assert!(taken);
    late.connect().exchange(&put(b"abc")).is_digest_of(b"abc");
}

#[test]
fn port_0_is_told_as_the_one_that_was_chosen() {
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let poll = mio::Poll::new().unwrap();
    let mut server = Server::<()>::new(poll.registry(), mio::Token(0), Config::default()).unwrap();
    let (one, other) = (server.bind(any).unwrap(), server.bind(any).unwrap());
    assert!(one.port() != 0 && other.port() != 0 && one != other);
    // A port that is taken is an error, and spoils nothing.
    assert!(server.bind(one).is_err());
    assert!(server.timeout(Now::now()).is_some());
}

#[test]
fn over_the_limit_connections_wait_in_the_backlog() {
    // covers: 25.8 28.1
    for place in ["127.0.0.1:0", "unix"] {
        let config = Config::default().connections(2);
        let server = Serving::start(config, &[place], Checksum::default());
        let address = server.addresses().first().unwrap();
        let (mut one, mut other) = (address.connect(), address.connect());
        // None that is idle, who would make room.
        one.exchange(BODILESS).is_digest_of(b"");
        one.send(&put(b"abc")[..put(b"abc").len() - 1]);
        other.exchange(BODILESS).is_digest_of(b"");
        let mut third = address.connect();
        third.send(&put(b"abc"));
        // Many turns go by.
        for _ in 0..100 {
            other.exchange(BODILESS).is_digest_of(b"");
        }
        other.send(&put(b"abc")[..put(b"abc").len() - 1]);
        assert!(third.has_nothing());
        assert_eq!(server.ask(|server, _| server.stats().connections), 2);
        drop(other);
        third.answer().is_digest_of(b"abc");
        one.exchange(b"c").is_digest_of(b"abc");
        assert_eq!(server.ask(|server, _| server.connections()), 2);
    }
}

#[test]
fn draining_closes_the_idle_and_finishes_what_is_under_way() {
    // covers: 18.7 27.1 27.2
    let server = Serving::everywhere(Config::default());
    for address in server.addresses() {
        address.connect().exchange(BODILESS).is_digest_of(b"");
    }
    let mut clients: Vec<_> = server
        .addresses()
        .iter()
        .map(|address| {
            let mut idle = address.connect();
            idle.exchange(BODILESS).is_digest_of(b"");
            let (mut in_head, mut in_body) = (address.connect(), address.connect());
            in_head.send(b"PUT / HT");
            in_body.send(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nab");
            (idle, in_head, in_body)
        })
        .collect();
    let sent = 6 * BODILESS.len() + 3 * (b"PUT / HT".len() + put(b"ab").len() - 1);
    server.until(move |server| server.stats().bytes_read == sent as u64);
    server.ask(|server, _| server.drain(Now::now()));

    for (idle, in_head, in_body) in &mut clients {
        idle.ends();
        in_body.send(b"c");
        in_head.send(b"TP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
        for client in [in_head, in_body] {
            let answer = client.answer();
            answer.is_digest_of(b"abc");
            assert_eq!(answer.field("Connection"), Some("close"));
            client.ends();
        }
    }
    assert!(TcpStream::connect(server.tcp()).is_err(), "nobody listens any more");
    drop(clients);
    server.until(|server| server.is_empty());
}

#[test]
fn a_request_that_waits_in_the_backlog_is_served_before_the_listener_closes() {
    let mut poll = Poll::new().unwrap();
    let mut events = Events::with_capacity(16);
    let mut server = Server::new(poll.registry(), Token(0), Config::default()).unwrap();
    let address = server.bind("127.0.0.1:0").unwrap();
    let mut client = Address::Tcp(address).connect();
    client.send(&put(b"abc"));
    server.drain(Now::now());
    while server.stats().answers == 0 && !server.is_empty() {
        poll.poll(&mut events, server.timeout(Now::now())).unwrap();
        for event in &events {
            server.note(event);
        }
        server.turn(Now::now(), &mut Checksum::default()).unwrap();
    }
    let answer = client.answer();
    answer.is_digest_of(b"abc");
    assert_eq!(answer.field("Connection"), Some("close"));
}

#[test]
fn a_spawned_server_drains_and_ends() {
    let any = "[::1]:0";
    let server = thread::spawn(any, Config::default(), Checksum::default()).unwrap();
    let address = Address::Tcp(server.address());
    let (mut idle, mut busy) = (address.connect(), address.connect());
    idle.exchange(BODILESS).is_digest_of(b"");
    busy.send(b"PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    assert_eq!(busy.answer().status, 100);
    server.drain();
    idle.ends();
    let answer = busy.exchange(b"abc");
    answer.is_digest_of(b"abc");
    assert_eq!(answer.field("Connection"), Some("close"));
    busy.ends();
    drop((idle, busy));
    server.join().unwrap();
}

#[test]
fn a_spawned_server_stops_at_once() {
    let any = "127.0.0.1:0";
    let server = thread::spawn(any, Config::default(), Checksum::default()).unwrap();
    let address = Address::Tcp(server.address());
    let mut busy = address.connect();
    busy.send(b"PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    assert_eq!(busy.answer().status, 100);
    server.drain();
    server.stop();
    server.join().unwrap();
    let mut rest = Vec::new();
    // An end or a reset, but no digest.
    let _ = busy.into_socket().read_to_end(&mut rest);
    assert_eq!(rest, b"");
}

#[test]
fn a_dropped_handle_leaves_the_server_running() {
    let any = "127.0.0.1:0";
    let server = thread::spawn(any, Config::default(), Checksum::default()).unwrap();
    let address = Address::Tcp(server.address());
    drop(server);
    let answer = address.connect().exchange(&put(b"abc"));
    assert_eq!(answer.content, digest(b"abc"));
}
