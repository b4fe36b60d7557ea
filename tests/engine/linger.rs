//! The end of a connection on our side: the last answer must survive what the client
//! still has under way.

use super::{put, recording, refusal};
use streamsum::engine::Config;
use testkit::sim::{Client, Driver, Recorder};

/// A client whose upload of endless length was refused at its head.
fn refused() -> (Driver<Recorder>, Client) {
    let mut driver = recording(Config::default());
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
    assert!(driver.engine.is_idle());
}

// covers: 21.2 26.6
#[test]
fn two_seconds_of_silence_end_it() {
    let (mut driver, client) = refused();
    driver.advance_secs(1.9);
    assert!(client.sees_half_close());
    driver.send(&client, "x");
    driver.advance_secs(1.9);
    assert!(client.sees_half_close());
    driver.advance_secs(1.1);
    assert!(client.is_closed());
}

#[test]
fn an_event_without_bytes_does_not_break_the_silence() {
    let (mut driver, client) = refused();
    driver.advance_secs(1.0);
    driver.note_spuriously(&client);
    driver.advance_secs(0.9);
    assert!(client.sees_half_close());
    driver.advance_secs(0.2);
    assert!(client.is_closed());
}

// covers: 21.2
#[test]
fn ten_seconds_end_it_though_bytes_come() {
    let (mut driver, client) = refused();
    for _ in 0..9 {
        driver.advance_secs(1.0);
        driver.send(&client, "x");
        assert!(client.sees_half_close());
    }
    driver.advance_secs(1.0);
    assert!(client.is_closed());
}

// covers: 21.3
#[test]
fn a_mebibyte_is_read_and_no_more() {
    let (mut driver, client) = refused();
    let before = client.taken();
    for _ in 0..30 {
        driver.send(&client, "x".repeat(100_000));
    }
    let taken = client.taken() - before;
    assert!(((1 << 20)..(1 << 20) + (64 << 10)).contains(&taken), "{taken}");
    // The client gets the time to read the answer, though it is silent now.
    driver.advance_secs(9.0);
    assert!(client.sees_half_close());
    driver.advance_secs(1.0);
    assert!(client.is_closed());
}

#[test]
fn a_reset_ends_it() {
    let (mut driver, client) = refused();
    client.reset();
    driver.settle();
    assert!(driver.engine.is_idle());
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
    driver.advance_secs(1.5);
    assert!(client.sees_half_close());
    for _ in 0..7 {
        driver.send(&client, "x");
        driver.advance_secs(1.0);
    }
    assert!(client.sees_half_close());
}
