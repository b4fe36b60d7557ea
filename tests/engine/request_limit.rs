//! A limited number of requests on a connection: what comes of the last, and behind it.

use super::{CLOSE, CONTINUE, digest, last_digest, put, recording};
use streamsum::engine::Config;
use streamsum::proto::{Limits, Response};
use testkit::sim::{Driver, Recorder, text};

fn limited(requests: u32) -> Driver<Recorder> {
    let limits = Limits::default().requests(requests);
    recording(Config::default().limits(limits))
}

// covers: 18.11 19.2
#[test]
fn nothing_is_begun_behind_the_last() {
    let mut driver = limited(2);
    let client = driver.connect();
    driver.send(&client, put("/a", "a") + &put("/b", "bb") + &put("/c", "c") + "\0");
    assert_eq!(client.take_output(), digest("a") + &last_digest("bb"));
    let expected = [
        "begin PUT /a",
        "consume /a a 1 last",
        "finish /a",
        "ended /a 200 Answered(Reuse) 1 bytes",
        "begin PUT /b",
        "consume /b bb 2 last",
        "finish /b",
        "ended /b 200 Answered(Close(RequestLimit)) 2 bytes",
    ];
    assert_eq!(driver.handler.take_log(), expected);
}

// covers: 18.11 21.1 21.2
#[test]
fn what_is_sent_behind_the_last_resets_nothing() {
    let mut driver = limited(1);
    let client = driver.connect();
    driver.send(&client, put("/a", "a"));
    assert_eq!(client.take_output(), last_digest("a"));
    assert!(client.sees_half_close());
    driver.handler.take_log();
    driver.send(&client, put("/b", &"b".repeat(300_000)));
    assert_eq!((client.untaken(), client.take_output()), (0, String::new()));
    assert!(client.sees_half_close());
    client.finish();
    driver.settle();
    assert!(client.is_closed() && !client.is_cut_off());
    assert_eq!(driver.handler.take_log(), [""; 0]);
    assert!(driver.engine.is_empty());
}

// covers: 18.11
#[test]
fn each_connection_counts_for_itself() {
    let mut driver = limited(3);
    let clients = [driver.connect(), driver.connect()];
    for _ in 0..2 {
        for client in &clients {
            driver.send(client, put("/a", "a"));
            assert_eq!(client.take_output(), digest("a"));
        }
    }
    for client in &clients {
        assert!(!client.sees_end());
        driver.send(client, put("/a", "a"));
        assert_eq!(client.take_output(), last_digest("a"));
        assert!(client.sees_half_close());
    }
}

// covers: 18.11 16.1
#[test]
fn the_last_is_asked_for_its_content_and_may_be_answered_late() {
    let mut driver = limited(1);
    let client = driver.connect();
    driver.send(
        &client,
        "PUT /late HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n",
    );
    assert_eq!(client.take_output(), CONTINUE);
    driver.send(&client, "a".to_owned() + &put("/b", "b"));
    assert_eq!(client.take_output(), "");
    let id = driver.handler.id("/late");
    assert!(driver.engine.answer(id, Response::text(200, "done")));
    driver.settle();
    assert_eq!(client.take_output(), text("200 OK", CLOSE, "done"));
    assert!(client.sees_half_close());
    assert_eq!(driver.handler.logged("begin"), ["begin PUT /late"]);
    let ended = ["ended /late 200 Answered(Close(RequestLimit)) 1 bytes"];
    assert_eq!(driver.handler.logged("ended"), ended);
}

// covers: 18.11 18.7 27.2
#[test]
fn a_drain_ends_the_last_once() {
    let mut driver = limited(2);
    let (begun, ended) = (driver.connect(), driver.connect());
    driver.send(&begun, put("/a", "a") + &put("/b", "bb")[..20]);
    driver.send(&ended, put("/a", "a") + &put("/b", "bb"));
    begun.take_output();
    ended.take_output();
    driver.handler.take_log();
    driver.engine.drain();
    driver.settle();
    // The answer of one is out, and the connection waits for the client's end as ever.
    assert!(ended.sees_half_close());
    driver.send(&begun, put("/b", "bb")[20..].to_owned() + &put("/c", "c"));
    assert_eq!(begun.take_output(), last_digest("bb"));
    assert_eq!(
        driver.handler.logged("ended"),
        ["ended /b 200 Answered(Close(KeepAliveDisabled)) 2 bytes"]
    );
    for client in [begun, ended] {
        client.finish();
        driver.settle();
        assert!(client.is_closed() && !client.is_cut_off());
    }
    assert!(driver.engine.is_empty());
}
