//! What the engine counts, and shows of itself.

use super::{put, recording};
use streamsum::engine::Config;
use streamsum::proto::Reject;

#[test]
fn each_connection_request_byte_and_end_is_counted_once() {
    let mut driver = recording(Config::default());
    let [answered, refused, broken] = [(); 3].map(|()| driver.connect());

    let requests = put("/a", "abc") + &put("/b", "");
    let refusal = "GET / HTTP/2.0\r\n\r\n";
    let late = "what comes behind a refusal";
    let half = "PUT /c HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc";
    // Some of it behind a part of a head that is kept.
    driver.send(&answered, &requests[..10]);
    driver.send(&answered, &requests[10..]);
    driver.send(&refused, refusal);
    driver.send(&refused, late);
    driver.send(&broken, half);
    broken.reset();
    driver.settle();

    let stats = driver.engine.stats();
    assert_eq!((stats.connections, stats.requests, stats.answers), (3, 3, 2));
    assert_eq!((stats.refusals, stats.refused(Reject::MajorVersion), stats.aborts), (1, 1, 1));
    let read = requests.len() + refusal.len() + late.len() + half.len();
    assert_eq!(stats.bytes_read, read as u64);
    let written = answered.take_output().len() + refused.take_output().len();
    assert_eq!(stats.bytes_written, written as u64);
}

#[test]
fn each_turn_is_counted_and_each_batch_that_has_a_piece() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    driver.turn();
    client.send(put("/a", "abc"));
    driver.turn();
    let stats = driver.engine.stats();
    assert_eq!((stats.turns, stats.waves, stats.pieces), (2, 1, 1));
}

#[test]
fn an_engine_shows_how_much_it_has_to_do() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    driver.note_spuriously(&client);
    let shown = format!("{:?}", driver.engine);
    assert!(shown.starts_with("Engine { connections: 1, queued: 1, held: 0, "), "{shown}");
    assert!(shown.contains("stats: Stats { connections: 1, displaced: 0, requests: 0,"), "{shown}");
}
