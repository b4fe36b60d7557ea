//! Reads that end though more is there: before urgent data of TCP, and behind bytes with
//! which a descriptor is passed over a Unix socket. No event tells again of what lies behind.

use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use streamsum::checksum::Checksum;
use streamsum::engine::{Config, Timeouts};
use testkit::client::{Address, Client, PATIENCE, put_chunked};
use testkit::content::content;
use testkit::serving::Serving;

/// Often enough that it comes before, while and after the server reads.
const OFTEN: usize = 200;

/// No deadline, so that what is not read fails the test.
fn patient() -> Config {
    let timeouts = Timeouts::default().head(None).idle(None).body(None).min_rate(None);
    Config::default().timeouts(timeouts)
}

/// An upload in chunks, with a trailer section.
struct Upload {
    request: Vec<u8>,
    content: Vec<u8>,
}

impl Upload {
    fn new() -> Self {
        let content = content(3_000, 1);
        let mut request = put_chunked(&content, &[1_000]);
        let end = request.len() - b"\r\n".len();
        request.splice(end.., *b"Trailing: field\r\n\r\n");
        Self { request, content }
    }

    /// Places with what lies there: what comes beside the stream comes in front of these bytes.
    fn places(&self) -> [(&'static str, usize); 7] {
        let find = |part: &[u8]| {
            let found = self.request.windows(part.len()).position(|window| window == part);
            found.expect("a part of it")
        };
        let content = find(b"3e8\r\n") + b"3e8\r\n".len();
        [
            ("the request line", find(b"/f HTTP")),
            ("a field", find(b"Host") + 2),
            ("a chunk size", find(b"3e8\r\n") + 1),
            ("content", content + 500),
            ("the end of a chunk", content + 1_000),
            ("the trailer section", find(b"Trailing") + 3),
            ("the end", self.request.len()),
        ]
    }

    /// Sends it with something in between, and gets the digest.
    #[track_caller]
    fn send(&self, client: &mut Client, place: usize, beside: impl FnOnce(&mut Client, &[u8])) {
        let (before, behind) = self.request.split_at(place);
        beside(client, before);
        client.send(behind);
        client.answer().is_digest_of(&self.content);
    }
}

#[test]
fn urgent_data_keeps_nobody_from_the_digest() {
    // covers: 33.1 33.2
    let server = Serving::everywhere(patient());
    let upload = Upload::new();
    let tcp = server.addresses().iter().filter(|address| matches!(address, Address::Tcp(_)));
    for address in tcp {
        for (name, place) in upload.places() {
            println!("urgent data in {name}, over {address:?}");
            for round in 0..OFTEN {
                let mut client = address.connect();
                upload.send(&mut client, place, |client, before| {
                    client.send(before);
                    wait_a_little(round);
                    client.send_urgent();
                });
                // The connection is as good as any.
                upload.send(&mut client, upload.request.len(), |client, all| client.send(all));
            }
        }
    }
    server.until(|server| server.is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn descriptors_keep_nobody_from_the_digest_and_are_closed() {
    // covers: 33.2 33.3
    let server = Serving::start(patient(), &["unix"], Checksum::default());
    let upload = Upload::new();
    for (name, place) in upload.places() {
        println!("a descriptor before {name}");
        for round in 0..OFTEN {
            let (passed, mut kept) = UnixStream::pair().expect("two sockets");
            kept.set_read_timeout(Some(PATIENCE)).expect("an open socket");
            let mut client = server.addresses()[0].connect();
            upload.send(&mut client, place, |client, before| {
                client.send_along(before, passed.as_fd());
                wait_a_little(round);
            });
            drop(passed);
            assert_eq!(kept.read(&mut [0]).expect("nobody has the other end"), 0);
        }
    }
    server.until(|server| server.is_empty());
}

/// Spends a little time, more in later rounds.
fn wait_a_little(round: usize) {
    for _ in 0..round * 20 {
        std::hint::spin_loop();
    }
}
