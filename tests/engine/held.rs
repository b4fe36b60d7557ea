//! Bytes kept for peers from turn to turn, and what happens at their bound.

use super::{digest, put, recording};
use streamsum::engine::{Config, Timeouts};
use streamsum::proto::Limits;
use testkit::sim::{Client, Driver, Recorder};

/// With these the least bound is twice `ASK`.
const BUFFER: usize = 4 << 10;
const HEAD: u32 = 16 << 10;
const ASK: usize = 2 * HEAD as usize;

fn tightest(buffer: usize) -> Config {
    let limits = Limits::default().head(HEAD);
    Config::default().limits(limits).buffer(buffer).max_held(2 * ASK)
}

/// Nothing has to be kept of content that a handler takes at once.
fn tight_and_takes_all(buffer: usize) -> Driver<Recorder> {
    let mut driver = recording(tightest(buffer));
    driver.handler.takes_all = true;
    driver
}

fn tight() -> Driver<Recorder> {
    recording(tightest(BUFFER))
}

fn half_head(length: usize) -> String {
    format!("PUT /a HTTP/1.1\r\nHost: x\r\nX: {}", "x".repeat(length))
}

/// Half heads until nobody is read any more; with those that were not.
fn fill(driver: &mut Driver<Recorder>) -> (Vec<Client>, Vec<Client>) {
    let clients: Vec<Client> = (0..100).map(|_| driver.connect()).collect();
    for client in &clients {
        driver.send(client, half_head(3_000));
    }
    clients.into_iter().partition(|client| client.untaken() == 0)
}

#[test]
fn uploads_go_on_over_the_bound() {
    let mut driver = tight_and_takes_all(BUFFER);
    let uploader = driver.connect();
    let content = "y".repeat(50_000);
    let request = put("/up", &content);
    driver.send(&uploader, &request[..5_000]);
    let (_, unread) = fill(&mut driver);
    assert!(!unread.is_empty());
    driver.send(&uploader, &request[5_000..]);
    assert_eq!(uploader.take_output(), digest(&content));
    assert_eq!(uploader.untaken(), 0);
}

/// Of a buffer that is large for what is left in it a part is given back, unless it is small.
#[test]
fn a_small_buffer_is_kept_however_little_is_left_in_it() {
    let half = "PUT /b HTTP/1.1\r\n";
    for (length, held) in [(512, 1_024), (513, half.len())] {
        let mut driver = recording(Config::default());
        let client = driver.connect();
        let request = format!("PUT /a HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "x".repeat(700));
        driver.send(&client, &request[..length]);
        assert_eq!(driver.engine.held(), length);
        // It grows to twice as much.
        driver.send(&client, &request[length..length + 1]);
        driver.send(&client, request[length + 1..].to_owned() + half);
        assert_eq!(driver.engine.held(), held, "after {length} bytes");
    }
}

/// A handler that may leave content has room set aside for it from its first piece on.
#[test]
fn the_bound_is_not_passed_by_content_that_is_left_for_the_first_time() {
    let mut driver = tight();
    let uploads: Vec<Client> = (0..20).map(|_| driver.connect()).collect();
    let request = put("/bits", &"y".repeat(50_000));
    for client in &uploads {
        driver.send(client, &request[..request.len() - 50_000]);
    }
    let (read, unread) = fill(&mut driver);
    assert!(!unread.is_empty());
    driver.handler.bits = [0; 20].into();
    for client in &uploads {
        client.send(&request[request.len() - 50_000..]);
    }
    // The driver holds the account against its bound after every turn.
    driver.settle();
    assert_eq!(driver.handler.logged("consume").len(), 0, "there is no room for their content");
    read.iter().chain(&unread).for_each(Client::reset);
    driver.settle();
    let paused = driver.handler.logged("consume").len();
    assert!((1..20).contains(&paused), "{paused} of them have left content");
}

#[test]
fn the_bound_is_not_passed_by_what_comes_behind_uploads() {
    let mut driver = tight_and_takes_all(ASK);
    let uploads: Vec<Client> = (0..20).map(|_| driver.connect()).collect();
    let request = put("/late", &"y".repeat(1_000));
    for client in &uploads {
        driver.send(client, &request[..500]);
    }
    let (_, unread) = fill(&mut driver);
    assert!(!unread.is_empty());
    let behind = put("/b", "b").repeat(2_000);
    for client in &uploads {
        driver.send(client, request[500..].to_owned() + &behind);
    }
    assert!(uploads.iter().all(|client| client.taken() >= request.len()), "none is held up");
}

#[test]
fn heads_are_timed_though_they_are_not_read() {
    let mut driver = tight();
    let (read, unread) = fill(&mut driver);
    driver.advance_secs(10.0);
    assert!(read.iter().all(|client| client.take_output().starts_with("HTTP/1.1 408 ")));
    assert!(unread.iter().all(|client| !client.sees_end()), "nobody had looked at what they sent");
    assert!(unread.iter().any(|client| client.untaken() == 0), "there is room for some of them");
    driver.advance_secs(200.0);
    assert!(unread.iter().all(|client| client.take_output().starts_with("HTTP/1.1 408 ")));
    assert!(driver.engine.is_empty());
    assert_eq!(driver.engine.held(), 0);
}

/// Those who hold all the room can still come to an end, one after the other.
#[test]
fn half_heads_that_fill_the_room_are_ended_when_the_rest_has_come() {
    let config = tightest(BUFFER).timeouts(Timeouts::default().head(None));
    let mut driver = recording(config);
    let (read, unread) = fill(&mut driver);
    assert!(!unread.is_empty());
    for client in read.iter().chain(&unread) {
        client.send("x".repeat(8_000) + "\r\n\r\n");
    }
    driver.settle();
    for client in read.iter().chain(&unread) {
        assert_eq!(client.take_output(), digest(""));
    }
    assert_eq!(driver.engine.held(), 0);
}

#[test]
fn reserve_passes_to_next_peer_though_the_one_before_keeps_a_little() {
    let mut driver = tight();
    let (read, unread) = fill(&mut driver);
    assert!(driver.engine.held() > ASK, "the last of them is in it");
    let last = read.last().unwrap();
    driver.send(last, "\r\n\r\nP");
    assert_eq!(last.take_output(), digest(""));
    assert_eq!(unread.iter().filter(|client| client.untaken() == 0).count(), 1);
}

#[test]
fn reserve_passes_to_next_peer_when_the_handler_pauses_the_one_before() {
    let mut driver = recording(tightest(BUFFER).timeouts(Timeouts::default().head(None)));
    let paused = driver.connect();
    let head = "PUT /bits HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    driver.send(&paused, head);
    while driver.engine.held() + BUFFER <= ASK {
        let client = driver.connect();
        driver.send(&client, half_head(3_000));
    }
    driver.handler.bits = [10].into();
    driver.send(&paused, "3c\r\n".to_owned() + &"y".repeat(60) + "\r\n");
    assert_eq!(driver.handler.logged("consume").len(), 1, "it was read into the reserve");
    assert!(driver.engine.held() <= ASK, "what it keeps fits beside it");
    let next = driver.connect();
    driver.send(&next, half_head(3_000));
    assert_eq!(next.untaken(), 0);
}

/// Nor is room held by one who always sends some of the next request with the last.
#[test]
fn what_a_large_head_took_is_given_back_though_the_next_has_begun() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    for part in [half_head(30_000).as_bytes(), &[b'x'; 30_000]] {
        driver.send(&client, part);
    }
    assert!(driver.engine.held() > 60_000);
    driver.send(&client, "\r\n\r\nP");
    for _ in 0..100 {
        assert_eq!(client.take_output(), digest(""));
        assert!(driver.engine.held() <= 1 << 10, "{}", driver.engine.held());
        driver.send(&client, [&put("/a", "")[1..], "P"].concat());
    }
}

#[test]
fn what_an_answer_holds_back_is_counted() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    let behind = put("/b", "b").repeat(10);
    driver.send(&client, put("/late", "") + &behind);
    assert_eq!(driver.engine.held(), behind.len());
    client.reset();
    driver.settle();
    assert_eq!(driver.engine.held(), 0);
}

#[test]
fn a_drip_fed_head_costs_a_few_growths() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    let head = format!("PUT /a HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "x".repeat(60_000));
    let (mut growths, mut before) = (0, 0);
    for byte in head.as_bytes().chunks(1) {
        driver.send(&client, byte);
        let held = driver.engine.held();
        growths += usize::from(held > before);
        before = held;
        assert!(held <= 128 << 10, "{held}");
    }
    assert!((2..=10).contains(&growths), "{growths}");
    assert_eq!(client.take_output(), digest(""));
    assert_eq!(driver.engine.held(), 0);
}

#[test]
fn a_head_over_its_limit_is_not_held() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    driver.send(&client, half_head(70_000));
    assert!(client.take_output().starts_with("HTTP/1.1 431 "));
    assert_eq!(driver.engine.held(), 0);
}

#[test]
fn half_heads_over_the_bound_are_not_read_until_there_is_room() {
    let mut driver = tight();
    assert_eq!(driver.engine.config().max_held, 2 * ASK);
    let (read, unread) = fill(&mut driver);
    assert!(read.len() > 5 && unread.len() > 10, "{} {}", read.len(), unread.len());
    assert!(unread.iter().all(|client| client.taken() == 0));
    read.iter().for_each(Client::reset);
    driver.settle();
    let (read, unread): (Vec<Client>, Vec<Client>) =
        unread.into_iter().partition(|client| client.untaken() == 0);
    assert!(read.len() > 5 && !unread.is_empty(), "{} {}", read.len(), unread.len());
    read.iter().for_each(Client::reset);
    driver.settle();
    for client in &unread {
        driver.send(client, "\r\n\r\n");
        assert_eq!(client.take_output(), digest(""));
    }
    assert_eq!(driver.engine.held(), 0);
}

#[test]
fn answers_are_written_to_those_that_are_not_read() {
    let mut driver = tight();
    let client = driver.connect();
    client.set_window(0);
    driver.send(&client, put("/a", "abc"));
    let (_, unread) = fill(&mut driver);
    assert!(!unread.is_empty());
    driver.send(&client, put("/b", "b"));
    assert_eq!(client.taken(), put("/a", "abc").len(), "there is no room for another head");
    client.widen(10_000);
    driver.settle();
    assert_eq!(client.take_output(), digest("abc"));
}
