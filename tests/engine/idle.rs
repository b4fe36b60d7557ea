//! Who gives way to a newcomer, when, and how it ends for it.

use std::time::Duration;

use super::{assert_answer, digest, put, recording};
use streamsum::engine::{Config, Key, Timeouts};
use streamsum::proto::{Limits, Response};
use testkit::content;
use testkit::sim::{Client, Driver, Recorder};

fn default() -> Driver<Recorder> {
    recording(Config::default())
}

/// Who is named to give way; or the time until somebody may be.
fn longest_idle(driver: &mut Driver<Recorder>) -> Result<Key, Duration> {
    let now = driver.clock.now();
    let named = driver.engine.longest_idle(now);
    named.map_err(|again| again - now.monotonic)
}

/// The next one makes room.
#[track_caller]
fn displace(driver: &mut Driver<Recorder>, expected: &Client) {
    let key = longest_idle(driver).expect("somebody is idle");
    assert_eq!(key, driver.key_of(expected));
    assert!(driver.engine.displace(key));
    assert!(expected.is_closed() && !expected.is_cut_off());
    assert_eq!(expected.take_output(), "");
}

/// Clients that were answered one after the other, a tenth of a second apart.
fn answered(driver: &mut Driver<Recorder>, count: usize) -> Vec<Client> {
    let clients: Vec<Client> = (0..count).map(|_| driver.connect()).collect();
    for client in &clients {
        driver.advance_secs(0.1);
        driver.send(client, put("/a", "abc"));
        assert_eq!(client.take_output(), digest("abc"));
    }
    clients
}

// covers: 28.7
#[test]
fn the_longest_idle_gives_way_first() {
    let mut driver = default();
    let clients = answered(&mut driver, 4);
    // It is not the oldest that counts.
    driver.advance_secs(0.1);
    driver.send(&clients[0], put("/a", "abc"));
    clients[0].take_output();
    driver.advance_secs(2.0);
    for place in [1, 2, 3, 0] {
        displace(&mut driver, &clients[place]);
    }
    assert_eq!(longest_idle(&mut driver), Err(Duration::from_secs(1)));
    assert_eq!(driver.engine.stats().displaced, 4);
    assert!(driver.engine.is_empty());
    assert_eq!(driver.handler.logged("ended").len(), 5, "no request was cut off");
}

// covers: 28.7
#[test]
fn nobody_gives_way_within_a_second() {
    let mut driver = default();
    let clients = answered(&mut driver, 2);
    driver.advance_secs(0.4);
    assert_eq!(longest_idle(&mut driver), Err(Duration::from_millis(500)));
    driver.advance_secs(0.499);
    assert_eq!(longest_idle(&mut driver), Err(Duration::from_millis(1)));
    driver.advance_secs(0.001);
    displace(&mut driver, &clients[0]);
    assert_eq!(longest_idle(&mut driver), Err(Duration::from_millis(100)));
    driver.advance_secs(0.1);
    displace(&mut driver, &clients[1]);
}

/// It is neither named, as its next request may lie there, nor left to wait for room.
#[test]
fn who_cannot_be_looked_at_for_want_of_room_stays_idle() {
    let limits = Limits::default().head(4 << 10);
    let timeouts = Timeouts::default().head(None);
    let config = Config::default().limits(limits).timeouts(timeouts).buffer(8 << 10);
    let mut driver = recording(config.max_held(16 << 10));
    let idle = answered(&mut driver, 1).remove(0);
    let half_heads: Vec<Client> = (0..20).map(|_| driver.connect()).collect();
    for client in &half_heads {
        driver.send(client, "PUT /a HTTP/1.1\r\nHost: x\r\nX: ".to_owned() + &"x".repeat(2_000));
    }
    assert!(half_heads.iter().any(|client| client.untaken() > 0), "there is no room");
    driver.advance_secs(2.0);
    assert_eq!(longest_idle(&mut driver), Err(Duration::from_secs(1)));
    driver.advance_secs(72.0);
    assert!(!idle.is_closed());
    driver.advance_secs(2.0);
    assert!(idle.is_closed(), "its time runs");
}

#[test]
fn who_became_idle_since_is_found_when_its_second_is_over() {
    let mut driver = default();
    let client = driver.connect();
    assert_eq!(longest_idle(&mut driver), Err(Duration::from_secs(1)));
    driver.advance_secs(0.3);
    driver.send(&client, put("/a", "abc"));
    client.take_output();
    assert_eq!(longest_idle(&mut driver), Err(Duration::from_millis(700)));
    driver.advance_secs(0.7);
    assert_eq!(longest_idle(&mut driver), Err(Duration::from_millis(300)));
    driver.advance_secs(0.3);
    displace(&mut driver, &client);
}

// covers: 28.7
#[test]
fn nobody_gives_way_who_is_not_between_two_requests() {
    let mut driver = recording(Config::default().max_output(10));
    let clients: Vec<Client> = (0..7).map(|_| driver.connect()).collect();
    let [silent, in_head, in_next_head, in_content, waiting, late, not_reading] = &clients[..]
    else {
        unreachable!("so many there are")
    };
    driver.send(in_head, "PUT /");
    driver.send(in_next_head, put("/a", "") + "P");
    driver.send(in_content, &put("/a", "abc")[..put("/a", "abc").len() - 1]);
    driver.send(waiting, put("/wait", ""));
    driver.send(late, put("/late", ""));
    not_reading.set_window(20);
    driver.send(not_reading, put("/a", ""));
    for _ in 0..5 {
        driver.advance_secs(1.0);
        assert_eq!(longest_idle(&mut driver), Err(Duration::from_secs(1)));
        for client in &clients {
            let key = driver.key_of(client);
            assert!(!driver.engine.displace(key));
        }
    }
    assert!(clients.iter().all(|client| !client.sees_end()));

    // Idle is who has taken all of its answer.
    not_reading.set_window(usize::MAX);
    driver.settle();
    not_reading.take_output();
    driver.advance_secs(0.5);
    assert_eq!(longest_idle(&mut driver), Err(Duration::from_millis(500)));
    driver.advance_secs(0.5);
    displace(&mut driver, not_reading);
    let id = driver.handler.id("/late");
    assert!(driver.engine.answer(id, Response::text(200, "")));
    driver.settle();
    late.take_output();
    driver.advance_secs(1.0);
    displace(&mut driver, late);
    assert!(!silent.sees_end());
}

#[test]
fn an_empty_line_is_no_request() {
    let mut driver = default();
    let clients = answered(&mut driver, 2);
    driver.send(&clients[0], "\r\n");
    driver.advance_secs(1.0);
    displace(&mut driver, &clients[0]);
}

// covers: 28.7
#[test]
fn a_request_that_nobody_has_noted_is_served() {
    let mut driver = default();
    let clients = answered(&mut driver, 3);
    driver.advance_secs(2.0);
    // It comes between the poll and the turn.
    clients[0].send(put("/b", "b"));
    displace(&mut driver, &clients[1]);
    driver.settle();
    assert_answer(&clients[0].take_output(), "200 OK", &content::digest(b"b"));
    assert!(!clients[0].sees_end() && !clients[2].sees_end());
}

#[test]
fn who_has_left_unnoted_makes_room_by_itself() {
    let mut driver = default();
    let clients = answered(&mut driver, 3);
    driver.advance_secs(2.0);
    clients[0].finish();
    clients[1].reset();
    displace(&mut driver, &clients[2]);
    driver.settle();
    assert!(driver.engine.is_empty());
    assert_eq!(driver.engine.stats().displaced, 1);
}

#[test]
fn a_key_is_free_at_once() {
    let mut driver = default();
    let clients = answered(&mut driver, 2);
    driver.advance_secs(1.0);
    let key = driver.key_of(&clients[0]);
    displace(&mut driver, &clients[0]);
    assert!(!driver.engine.displace(key), "nobody has it");
    let newcomer = driver.connect();
    assert_eq!(driver.key_of(&newcomer), key);
    assert_eq!(driver.engine.connections(), 2);
    driver.send(&newcomer, put("/b", "b"));
    assert_answer(&newcomer.take_output(), "200 OK", &content::digest(b"b"));
    driver.advance_secs(0.5);
    displace(&mut driver, &clients[1]);
}

/// More than one look at all peers finds.
#[test]
fn thousands_give_way_in_their_order() {
    let mut driver = default();
    let clients: Vec<Client> = (0..3_000).map(|_| driver.connect()).collect();
    for clients in clients.chunks(100) {
        driver.advance_secs(0.01);
        clients.iter().for_each(|client| client.send(put("/a", "")));
        driver.settle();
        clients.iter().for_each(|client| drop(client.take_output()));
    }
    driver.advance_secs(1.0);
    for client in &clients {
        displace(&mut driver, client);
    }
    assert!(driver.engine.is_empty());
}

#[test]
fn memory_that_is_short_keeps_places() {
    let config = Config::default();
    let held = config.least_held();
    let mut driver = recording(config.max_held(held));
    let clients = answered(&mut driver, 2);
    // One that holds a good deal of the room, and the next the rest of it.
    let others: Vec<Client> = (0..20).map(|_| driver.connect()).collect();
    for client in &others {
        driver.send(client, format!("PUT /a HTTP/1.1\r\nHost: x\r\nX: {}", "x".repeat(30_000)));
    }
    driver.advance_secs(1.0);
    assert!(longest_idle(&mut driver).is_err(), "nobody can be read from");
    others.iter().for_each(Client::reset);
    driver.settle();
    driver.advance_secs(1.0);
    displace(&mut driver, &clients[0]);
}
