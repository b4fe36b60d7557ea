//! Sockets with a session of their own between the engine and the wire, as that of TLS is.

use std::time::Duration;

use super::{digest, last_digest, put};
use streamsum::engine::{Config, Timeouts};
use testkit::random::Random;
use testkit::sim::{Client, Driver, Recorder};

type Sessions = Driver<Recorder, false>;

fn recording(config: Config) -> Sessions {
    Driver::new(config, Recorder::default())
}

/// A client whose session takes `most` bytes that the wire does not.
fn connect(driver: &mut Sessions, most: usize, wants: usize) -> Client {
    let client = driver.connect();
    client.begin_session(most, wants, Random::new(1));
    client
}

#[test]
fn output_that_the_socket_keeps_leaves_when_there_is_room() {
    let mut driver = recording(Config::default());
    let client = connect(&mut driver, 1_000, 0);
    client.set_window(10);
    driver.send(&client, put("/a", "abc"));
    assert_eq!(client.output_len(), 10);
    client.widen(10);
    driver.settle();
    assert_eq!(client.output_len(), 20, "before there is room for all");
    client.widen(1_000);
    driver.settle();
    assert_eq!(client.take_output(), digest("abc"));
    assert!(!client.sees_end());
}

#[test]
fn writing_ends_when_the_socket_has_let_go_of_its_output() {
    let mut driver = recording(Config::default());
    let client = connect(&mut driver, 1_000, 0);
    client.set_window(10);
    driver.send(&client, put("/refuse", "abc"));
    driver.advance_secs(1.0);
    assert!(client.output_len() == 10 && !client.sees_end());
    client.widen(1_000);
    driver.settle();
    assert!(client.sees_half_close());
    assert!(client.take_output().ends_with("refused"));
}

#[test]
fn a_read_that_wants_to_write_first_is_tried_again() {
    let mut driver = recording(Config::default());
    let client = connect(&mut driver, 1_000, 0);
    client.owe_output();
    driver.send(&client, put("/a", "abc"));
    assert_eq!(client.take_output(), digest("abc"));
}

#[test]
fn a_write_that_wants_to_read_first_is_tried_again() {
    let mut driver = recording(Config::default());
    for seed in 0..50 {
        let client = driver.connect();
        client.begin_session(1_000, 60, Random::new(seed));
        driver.send(&client, put("/a", "abc"));
        assert_eq!(client.take_output(), digest("abc"), "{seed}");
    }
}

#[test]
fn a_peer_that_does_not_take_what_the_socket_keeps_is_given_up() {
    let mut driver = recording(Config::default());
    let client = connect(&mut driver, 1_000, 0);
    client.set_window(10);
    driver.send(&client, put("/a", "abc"));
    driver.advance_secs(29.0);
    assert!(!client.is_closed());
    driver.advance_secs(2.0);
    assert!(client.is_closed());
}

#[test]
fn a_peer_is_not_idle_while_the_socket_keeps_output() {
    let mut driver = recording(Config::default());
    let client = connect(&mut driver, 1_000, 0);
    client.set_window(10);
    driver.send(&client, put("/a", "abc"));
    driver.advance_secs(2.0);
    assert!(driver.engine.longest_idle(driver.clock.now()).is_err());
    driver.engine.drain();
    driver.settle();
    assert!(!client.is_closed(), "its answer is on its way");
    client.widen(1_000);
    driver.settle();
    assert!(client.is_closed());
    assert_eq!(client.take_output(), digest("abc"));
}

/// However slowly, and though the engine itself has nothing left to write.
#[test]
fn a_peer_that_takes_what_the_socket_keeps_is_not_given_up() {
    let timeouts = Timeouts::default().write(Duration::from_secs(5));
    let mut driver = recording(Config::default().timeouts(timeouts));
    let client = connect(&mut driver, 1_000, 0);
    client.set_window(1);
    driver.send(&client, put("/a", "abc"));
    for _ in 0..20 {
        driver.advance_secs(4.0);
        client.widen(1);
        driver.settle();
    }
    assert_eq!(client.output_len(), 21);
    driver.advance_secs(5.0);
    assert!(client.is_closed());
}

#[test]
fn a_drain_waits_for_what_the_socket_keeps() {
    let mut driver = recording(Config::default());
    let client = connect(&mut driver, 1_000, 0);
    client.set_window(10);
    driver.engine.drain();
    driver.send(&client, put("/a", "abc"));
    client.widen(1_000);
    driver.settle();
    assert_eq!(client.take_output(), last_digest("abc"));
    assert!(client.sees_half_close());
}

/// The time to take output begins with that output: here with a read that is to wait for it, in
/// the turn in which all clocks are looked at, long after the answer.
/// It has time to take it, however long it has been idle by then.
#[test]
fn output_that_an_idle_peer_brings_about_is_timed_from_then_on() {
    let timeouts = Timeouts::default().write(Duration::from_secs(5)).idle(None);
    let mut driver = recording(Config::default().timeouts(timeouts));
    let client = connect(&mut driver, 1_000, 0);
    driver.send(&client, put("/a", "abc"));
    driver.advance_secs(100.0);
    client.set_window(0);
    client.owe_output();
    driver.send(&client, "\r\n");
    driver.advance_secs(4.0);
    assert!(!client.is_closed());
    driver.advance_secs(1.0);
    assert!(client.is_closed(), "it has taken nothing for 5 s");
}

/// Such as a client that asks for new keys again and again.
// covers: 26.1
#[test]
fn output_of_a_session_gives_no_time_for_the_first_head() {
    let mut driver = recording(Config::default());
    let (busy, slow) = (connect(&mut driver, 1_000, 0), connect(&mut driver, 1_000, 0));
    for _ in 0..9 {
        driver.advance_secs(1.0);
        busy.owe_output();
        driver.note_spuriously(&busy);
        driver.settle();
    }
    slow.set_window(0);
    slow.owe_output();
    driver.note_spuriously(&slow);
    driver.settle();
    assert_eq!((busy.times_owed(), slow.times_owed()), (9, 1));
    assert!(!busy.is_closed() && !slow.is_closed());
    driver.advance_secs(1.0);
    assert!(busy.is_closed() && slow.is_closed());
}

#[test]
fn output_that_a_read_brings_about_is_not_as_old_as_the_answer() {
    let timeouts = Timeouts::default().write(Duration::from_secs(5));
    for seed in 0..20 {
        // A turn of four visits may end before the output is flushed.
        let config = Config::default().buffer(4 << 10).max_turn(4 << 10);
        let mut driver = recording(config.timeouts(timeouts.clone()));
        let client = driver.connect();
        client.begin_session(1_000, 50, Random::new(seed));
        driver.send(&client, &put("/refuse", &"x".repeat(1_000))[..100]);
        for second in 0..20 {
            driver.clock.advance(Duration::from_secs(1));
            driver.send(&client, "x");
            assert!(client.sees_half_close() && !client.is_closed(), "{seed}: {second} s");
        }
    }
}
