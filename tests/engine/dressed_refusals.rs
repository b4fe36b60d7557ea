//! Refusals of requests that the handler has seen, in its own words.

use super::{CLOSE, put, recording, refusal};
use streamsum::engine::Config;
use streamsum::proto::{Limits, Response};
use testkit::sim::{Driver, Recorder, text};

fn dress() -> Response {
    Response::text(429, "sorry").field("Retry-After", "9").expect("a field")
}

fn dressing(config: Config) -> Driver<Recorder> {
    let mut driver = recording(config);
    driver.handler.dress = Some(dress());
    driver
}

fn dressed() -> String {
    text("429 Too Many Requests", "Retry-After: 9\r\nConnection: close\r\n", "sorry")
}

#[test]
fn bad_content_is_refused_in_the_words_of_the_handler() {
    let mut driver = dressing(Config::default());
    let client = driver.connect();
    let head = "PUT /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    driver.send(&client, head.to_owned() + "3\r\nabc\r\nx\r\n");
    assert_eq!(client.take_output(), dressed());
    assert!(client.sees_half_close());
    let expected = [
        "begin PUT /a",
        "consume /a abc 3",
        "refused /a ChunkSize 400",
        "ended /a 429 Refused(ChunkSize) 3 bytes upload",
    ];
    assert_eq!(driver.handler.take_log(), expected);
    assert_eq!(driver.engine.stats().refusals, 1);
}

#[test]
fn too_much_content_is() {
    let mut driver = dressing(Config::default().limits(Limits::default().body(2)));
    let client = driver.connect();
    driver.send(&client, put("/a", "abc"));
    assert_eq!(client.take_output(), dressed());
    let refused = driver.handler.logged("refused");
    assert_eq!(refused, ["refused /a BodyTooLarge 413"]);
}

#[test]
fn content_that_ends_too_early_is() {
    let mut driver = dressing(Config::default());
    let client = driver.connect();
    let request = put("/a", "abc");
    driver.send(&client, &request[..request.len() - 1]);
    client.finish();
    driver.settle();
    assert_eq!(client.take_output(), dressed());
    assert_eq!(driver.handler.logged("refused"), ["refused /a Truncated 400"]);
}

#[test]
fn content_that_is_too_slow_is_and_the_handler_knows_the_numbers() {
    let mut driver = dressing(Config::default());
    let client = driver.connect();
    let request = put("/a", "abc");
    driver.send(&client, &request[..request.len() - 1]);
    driver.advance_secs(30.0);
    assert!(client.take_output().starts_with("HTTP/1.1 429 "));
    let refused = "refused /a BodyTimeout 408: 2 bytes in 20.0s, less than 240 a second";
    assert_eq!(driver.handler.logged("refused"), [refused]);
}

#[test]
fn a_late_verdict_is_with_its_upload_and_a_late_answer_without() {
    for (target, refused) in [("/wait", "refused /wait Late 503"), ("/late", "refused - Late 503")]
    {
        let mut driver = dressing(Config::default());
        let client = driver.connect();
        driver.send(&client, put(target, "abc"));
        driver.advance_secs(60.0);
        assert!(client.take_output().starts_with("HTTP/1.1 429 "));
        assert_eq!(driver.handler.logged("refused"), [refused]);
    }
}

#[test]
fn a_head_that_the_handler_has_not_seen_is_not() {
    let mut driver = dressing(Config::default());
    let client = driver.connect();
    driver.send(&client, "PUT /a HTTP/1.1\r\n\r\n");
    assert_eq!(client.take_output(), refusal("400 Bad Request", "Host is missing"));
    assert_eq!(driver.handler.logged("refused"), [""; 0]);
}

#[test]
fn an_answer_of_the_handler_is_not() {
    let mut driver = dressing(Config::default());
    let client = driver.connect();
    driver.send(&client, put("/refuse", "abc"));
    assert_eq!(client.take_output(), text("403 Forbidden", CLOSE, "refused"));
    assert_eq!(driver.handler.logged("refused"), [""; 0]);
}

#[test]
fn a_handler_in_a_box_dresses_too() {
    let mut handler = Box::new(Recorder::default());
    handler.dress = Some(dress());
    let config = Config::default().limits(Limits::default().body(2));
    let mut driver = Driver::<Box<Recorder>>::new(config, handler);
    let client = driver.connect();
    driver.send(&client, put("/a", "abc"));
    assert_eq!(client.take_output(), dressed());
}
