//! The end of a connection on our side: the last answer must survive what the client
//! still has under way.

use std::time::Duration;

use super::{put, recording, refusal};
use streamsum::engine::{Config, Timeouts};
use testkit::sim::{Client, Driver, Recorder};

/// A client whose upload of endless length was refused at its head.
fn refused() -> (Driver<Recorder>, Client) {
    refused_with(Config::default())
}

fn refused_with(config: Config) -> (Driver<Recorder>, Client) {
    let mut driver = recording(config);
    let client = driver.connect();
    driver.send(&client, "PUT /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999\r\n\r\n");
    assert_eq!(client.take_output(), refusal("403 Forbidden", "refused"));
    assert!(client.sees_half_close());
    (driver, client)
}

// covers: 21.1
#[test]
fn what_still_comes_is_thrown_away() {
    let (mut driver, client) = refused();
    driver.send(&client, "x".repeat(500_000));
    assert_eq!(client.untaken(), 0);
    assert!(client.sees_half_close());
    client.finish();
    driver.settle();
    assert!(client.is_closed() && !client.is_cut_off());
    assert!(driver.engine.is_empty());
}

// covers: 21.2 26.6
#[test]
fn five_seconds_of_silence_end_it() {
    let (mut driver, client) = refused();
    driver.advance_secs(4.9);
    assert!(client.sees_half_close());
    driver.send(&client, "x");
    driver.advance_secs(4.9);
    assert!(client.sees_half_close());
    driver.advance_secs(1.1);
    assert!(client.is_closed());
}

#[test]
fn an_event_without_bytes_does_not_break_the_silence() {
    let (mut driver, client) = refused();
    driver.advance_secs(4.0);
    driver.note_spuriously(&client);
    driver.advance_secs(0.9);
    assert!(client.sees_half_close());
    driver.advance_secs(0.2);
    assert!(client.is_closed());
}

// covers: 21.2 21.3
#[test]
fn thirty_seconds_end_it_though_bytes_come() {
    let (mut driver, client) = refused();
    for _ in 0..29 {
        driver.advance_secs(1.0);
        driver.send(&client, "x".repeat(1 << 20));
        assert_eq!(client.untaken(), 0);
        assert!(client.sees_half_close());
    }
    driver.advance_secs(1.0);
    assert!(client.is_closed());
}

// covers: 21.2
#[test]
fn thirty_seconds_end_a_flood_that_is_never_caught_up_with() {
    let (mut driver, client) = refused_with(Config::default().buffer(48 << 10).max_turn(48 << 10));
    client.send("x".repeat(4 << 20));
    for _ in 0..29 {
        driver.clock.advance(Duration::from_secs(1));
        driver.turn();
        assert!(client.untaken() > 0 && client.sees_half_close());
    }
    driver.clock.advance(Duration::from_secs(1));
    driver.turn();
    assert!(client.is_closed());
}

#[test]
fn a_peer_that_waits_to_be_read_is_not_silent() {
    let (mut driver, client) = refused_with(Config::default().buffer(48 << 10).max_turn(48 << 10));
    // So many others are read before it that it takes minutes.
    let others: Vec<Client> = (0..20).map(|_| driver.connect()).collect();
    for other in &others {
        other.send(put("/a", &"x".repeat(1 << 20)));
    }
    driver.poll();
    client.send("x");
    while client.untaken() > 0 {
        driver.clock.advance(Duration::from_secs(1));
        driver.turn();
        assert!(client.sees_half_close());
    }
    assert!(driver.clock.elapsed() > Duration::from_secs(6), "{:?}", driver.clock.elapsed());
}

// covers: 21.4
#[test]
fn a_limit_of_bytes_ends_the_reading_and_not_the_waiting() {
    let timeouts = Timeouts::default().max_linger(1 << 20);
    let (mut driver, client) = refused_with(Config::default().timeouts(timeouts));
    let before = client.taken();
    for _ in 0..30 {
        driver.send(&client, "x".repeat(100_000));
    }
    let taken = client.taken() - before;
    assert!(((1 << 20)..(1 << 20) + (64 << 10)).contains(&taken), "{taken}");
    // The client gets the time to read the answer, though it is silent now.
    driver.advance_secs(29.0);
    assert!(client.sees_half_close());
    driver.advance_secs(1.0);
    assert!(client.is_closed());
}

// covers: 21.5
#[test]
fn what_is_thrown_away_takes_no_room() {
    let config = Config::default();
    let held = config.least_held();
    let (mut driver, client) = refused_with(config.max_held(held));
    // All of the room is taken, but for the last that is left to one peer.
    let half_head = format!("PUT / HTTP/1.1\r\nX: {}", "x".repeat(30_000));
    let others: Vec<Client> = (0..20).map(|_| driver.connect()).collect();
    others.iter().for_each(|other| other.send(&half_head));
    driver.settle();
    assert!(others.iter().any(|other| other.untaken() > 0), "nobody has to wait for room");
    let before = driver.engine.held();
    client.send("x".repeat(1 << 20));
    while client.untaken() > 0 {
        driver.turn();
        assert_eq!(driver.engine.held(), before);
    }
}

#[test]
fn a_reset_ends_it() {
    let (mut driver, client) = refused();
    client.reset();
    driver.settle();
    assert!(driver.engine.is_empty());
}

#[test]
fn no_second_report_comes_of_it() {
    let (mut driver, client) = refused();
    driver.handler.take_log();
    driver.send(&client, put("/b", "b"));
    client.finish();
    driver.settle();
    assert_eq!(driver.handler.take_log(), [""; 0]);
    assert_eq!(client.take_output(), "");
}

#[test]
fn writing_ends_only_when_all_is_written() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    client.set_window(0);
    driver.send(&client, put("/refuse", "abc"));
    assert!(!client.sees_end());
    client.widen(50);
    driver.settle();
    assert!(!client.sees_end());
    client.widen(500);
    driver.settle();
    assert_eq!(client.take_output(), refusal("403 Forbidden", "refused"));
    assert!(client.sees_half_close());
}

#[test]
fn a_client_that_has_ended_is_not_waited_for() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    client.send(put("/refuse", "abc"));
    client.finish();
    driver.settle();
    assert_eq!(client.take_output(), refusal("403 Forbidden", "refused"));
    assert!(client.is_closed() && !client.is_cut_off());
}

#[test]
fn its_time_begins_when_all_is_written() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    client.set_window(0);
    driver.send(&client, put("/refuse", "abc"));
    driver.advance_secs(15.0);
    client.widen(1_000);
    driver.settle();
    driver.advance_secs(4.5);
    assert!(client.sees_half_close());
    for _ in 0..25 {
        driver.send(&client, "x");
        driver.advance_secs(1.0);
    }
    assert!(client.sees_half_close());
}
