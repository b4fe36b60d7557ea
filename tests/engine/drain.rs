//! The end of an engine: in order, and at once.

use super::{CLOSE, digest, last_digest, put, recording};
use streamsum::engine::Config;
use streamsum::proto::Response;
use testkit::sim::text;

// covers: 27.1
#[test]
fn idle_peers_are_closed_at_once() {
    let mut driver = recording(Config::default());
    let (silent, served) = (driver.connect(), driver.connect());
    driver.send(&served, put("/a", "abc"));
    assert_eq!(served.take_output(), digest("abc"));
    driver.engine.drain();
    driver.settle();
    assert!(silent.is_closed() && served.is_closed());
    assert!(driver.engine.is_empty());
}

#[test]
fn a_request_that_lies_in_the_socket_is_served() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    driver.settle();
    client.send(put("/a", "abc"));
    // Its event has not been polled for yet.
    driver.engine.drain();
    driver.engine.turn(driver.clock.now(), &mut driver.handler);
    assert_eq!(client.take_output(), last_digest("abc"));
    assert!(client.sees_half_close());
}

// covers: 27.2
#[test]
fn what_is_in_flight_is_finished() {
    let mut driver = recording(Config::default());
    let (half_head, half_body, late) = (driver.connect(), driver.connect(), driver.connect());
    let request = put("/a", "abc");
    driver.send(&half_head, &request[..10]);
    driver.send(&half_body, &request[..request.len() - 1]);
    driver.send(&late, put("/late", "abc"));
    driver.engine.drain();
    driver.settle();
    assert_eq!(driver.engine.connections(), 3);
    driver.send(&half_head, &request[10..]);
    driver.send(&half_body, &request[request.len() - 1..]);
    let id = driver.handler.id("/late");
    assert!(driver.engine.answer(id, Response::text(200, "done")));
    driver.settle();
    assert_eq!(half_head.take_output(), last_digest("abc"));
    assert_eq!(half_body.take_output(), last_digest("abc"));
    assert_eq!(late.take_output(), text("200 OK", CLOSE, "done"));
    for client in [&half_head, &half_body, &late] {
        assert!(client.sees_half_close());
        client.finish();
    }
    driver.settle();
    assert!(driver.engine.is_empty());
}

#[test]
fn nothing_is_begun_behind_the_request_in_flight() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    driver.send(&client, put("/late", "") + &put("/b", "b"));
    driver.engine.drain();
    let id = driver.handler.id("/late");
    assert!(driver.engine.answer(id, Response::text(200, "done")));
    driver.settle();
    assert_eq!(client.take_output(), text("200 OK", CLOSE, "done"));
    assert_eq!(driver.handler.logged("begin"), ["begin PUT /late"]);
}

#[test]
fn a_peer_is_closed_when_it_has_read_its_answer() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    client.set_window(10);
    driver.send(&client, put("/a", "abc"));
    driver.engine.drain();
    driver.settle();
    assert!(!client.sees_end());
    client.widen(1_000);
    driver.settle();
    assert_eq!(client.take_output(), digest("abc"));
    assert!(client.is_closed());
}

#[test]
fn a_peer_that_comes_during_a_drain_is_served_once() {
    let mut driver = recording(Config::default());
    driver.engine.drain();
    let client = driver.connect();
    driver.send(&client, put("/a", "abc") + &put("/b", "b"));
    assert_eq!(client.take_output(), last_digest("abc"));
}

#[test]
fn a_silent_peer_that_comes_during_a_drain_is_closed_in_the_next_turn() {
    let mut driver = recording(Config::default());
    driver.engine.drain();
    let client = driver.connect();
    // No event has been polled for yet.
    driver.engine.turn(driver.clock.now(), &mut driver.handler);
    assert!(client.is_closed());
    assert!(driver.engine.is_empty());
}

#[test]
fn shutting_down_ends_every_request_and_every_connection() {
    let mut driver = recording(Config::default());
    let clients: Vec<_> = (0..5).map(|_| driver.connect()).collect();
    let request = put("/a", "abc");
    driver.send(&clients[0], &request[..request.len() - 1]);
    driver.send(&clients[1], put("/late", "abc"));
    driver.send(&clients[2], put("/wait", "abc"));
    driver.send(&clients[3], "PUT");
    // One of them stands in the queue.
    clients[0].send("c");
    driver.poll();
    driver.handler.take_log();
    driver.engine.shut_down(driver.clock.now(), &mut driver.handler);
    let expected = [
        "ended /a 0 Aborted(Shutdown) 2 bytes upload",
        "ended /late 0 Aborted(Shutdown) 3 bytes",
        "ended /wait 0 Aborted(Shutdown) 0 bytes upload",
    ];
    assert_eq!(driver.handler.take_log(), expected);
    assert!(clients.iter().all(|client| client.is_closed()));
    assert!(driver.engine.is_empty());
    assert_eq!(driver.engine.deadline(driver.clock.now()), None);
    assert_eq!(driver.engine.held(), 0);
}

#[test]
fn peers_that_linger_are_told_from_those_that_are_owed_something() {
    let mut driver = recording(Config::default());
    let (refused, begun) = (driver.connect(), driver.connect());
    driver.send(&begun, &put("/a", "abc")[..20]);
    driver.send(&refused, put("/refuse", "abc"));
    driver.engine.drain();
    driver.settle();
    assert_eq!((driver.engine.connections(), driver.engine.lingering()), (2, 1));
    driver.send(&begun, &put("/a", "abc")[20..]);
    assert_eq!((driver.engine.connections(), driver.engine.lingering()), (2, 2));
}

// covers: 2.5
#[test]
fn an_empty_line_behind_the_content_keeps_no_drain_waiting() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    driver.send(&client, put("/a", "abc"));
    client.send("\r\n");
    driver.engine.drain();
    driver.settle();
    assert!(client.is_closed());
    assert!(driver.engine.is_empty());
}
