//! Reads that are not filled: as a rule they have emptied the socket, but not before urgent
//! data.

use super::{digest, last_digest, put, recording, refusal};
use streamsum::engine::Config;
use testkit::sim::{Client, Driver, Recorder};

fn connected() -> (Driver<Recorder>, Client) {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    (driver, client)
}

#[test]
fn nothing_is_read_in_vain_behind_a_short_read() {
    let (mut driver, client) = connected();
    for _ in 0..3 {
        driver.send(&client, put("/a", "abc"));
        assert_eq!(client.take_output(), digest("abc"));
    }
    assert_eq!((client.reads(), client.vain_reads()), (3, 0));
}

// covers: 33.2
#[test]
fn what_lies_behind_urgent_data_is_read() {
    let request = put("/a", "abc");
    for cut in 0..=request.len() {
        for is_noted_before in [false, true] {
            let (mut driver, client) = connected();
            let (before, behind) = request.split_at(cut);
            client.send(before);
            if is_noted_before {
                // The urgent data comes after the event, and before the read.
                driver.poll();
            }
            client.urge();
            client.send(behind);
            driver.settle();
            assert_eq!(client.take_output(), digest("abc"), "{cut}, {is_noted_before}");
            assert_eq!(client.untaken(), 0);
        }
    }
}

#[test]
fn urgent_data_costs_one_read_and_no_more_later_on() {
    let (mut driver, client) = connected();
    let request = put("/a", "abc");
    let (before, behind) = request.split_at(10);
    client.send(before);
    client.urge();
    driver.send(&client, behind);
    assert_eq!((client.reads(), client.vain_reads()), (2, 1));
    driver.send(&client, &request);
    assert_eq!((client.reads(), client.vain_reads()), (3, 1));
    assert_eq!(client.take_output(), digest("abc").repeat(2));
}

#[test]
fn urgent_data_over_and_over_is_read_past() {
    let (mut driver, client) = connected();
    for byte in put("/a", "abc").as_bytes().chunks(1) {
        client.send(byte);
        client.urge();
    }
    client.finish();
    driver.settle();
    assert_eq!(client.take_output(), last_digest("abc"));
    assert!(client.is_closed());
}

#[test]
fn urgent_data_behind_a_buffer_that_is_full_is_remembered() {
    let mut driver = recording(Config::default().buffer(4096).lone_buffer(4096));
    let client = driver.connect();
    let content = "x".repeat(10_000);
    let request = put("/a", &content);
    let (before, behind) = request.split_at(5_000);
    client.send(before);
    client.urge();
    driver.send(&client, behind);
    assert_eq!(client.take_output(), digest(&content));
}

// covers: 21.1
#[test]
fn what_a_refused_client_sends_behind_urgent_data_is_discarded() {
    let (mut driver, client) = connected();
    driver.send(&client, "PUT /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\n");
    assert_eq!(client.take_output(), refusal("403 Forbidden", "refused"));
    client.send("abc");
    client.urge();
    driver.send(&client, "def");
    assert_eq!(client.untaken(), 0);
    client.finish();
    driver.settle();
    assert!(client.is_closed() && !client.is_cut_off());
}
