//! What the handler sets for one request in place of what is configured.

use std::time::Duration;

use super::{CONTINUE, digest, put, put_chunked, recording};
use streamsum::engine::{Config, Timeouts};
use streamsum::handler::Terms;
use streamsum::proto::Limits;
use testkit::sim::{Driver, Recorder};

fn limited(configured: impl Into<Option<u64>>, own: impl Into<Option<u64>>) -> Driver<Recorder> {
    let limits = Limits::default().body(configured);
    let mut driver = recording(Config::default().limits(limits));
    driver.handler.terms = Some(Terms::new().body_limit(own));
    driver
}

fn is_too_large(output: &str) -> bool {
    output.starts_with("HTTP/1.1 413 ")
}

#[test]
fn a_limit_of_its_own_takes_the_place_of_the_configured_one() {
    for (configured, own, most) in
        [(None, Some(3), 3), (Some(2), Some(5), 5), (Some(5), Some(2), 2)]
    {
        for target in ["/a", "/wait"] {
            for length in 1..8 {
                let content = "x".repeat(length);
                for request in [put(target, &content), put_chunked(target, &content, 1)] {
                    let mut driver = limited(configured, own);
                    let client = driver.connect();
                    driver.send(&client, &request);
                    if target == "/wait" {
                        assert!(driver.engine.resume(driver.handler.id(target)));
                        driver.settle();
                    }
                    let output = client.take_output();
                    assert_eq!(
                        is_too_large(&output),
                        length > most,
                        "{length} of {most}: {output}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_request_may_have_no_limit() {
    let mut driver = limited(2, None);
    let client = driver.connect();
    driver.send(&client, put("/a", "abc") + &put_chunked("/b", "abc", 1));
    assert_eq!(client.take_output(), digest("abc") + &digest("abc"));
}

#[test]
fn a_limit_is_said_in_place_of_100_continue() {
    let mut driver = limited(None, 2);
    let client = driver.connect();
    let head = "PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";
    driver.send(&client, head);
    assert!(is_too_large(&client.take_output()));
    let mut driver = limited(2, 3);
    let client = driver.connect();
    driver.send(&client, head);
    assert_eq!(client.take_output(), CONTINUE);
}

#[test]
fn a_limit_is_for_one_request() {
    let mut driver = limited(2, 4);
    let client = driver.connect();
    driver.send(&client, put("/a", "abc"));
    driver.handler.terms = None;
    assert_eq!(client.take_output(), digest("abc"));
    driver.handler.take_log();
    driver.send(&client, put("/b", "abc"));
    assert!(is_too_large(&client.take_output()));
    assert_eq!(driver.handler.logged("begin"), ["begin PUT /b over the limit"]);
}

#[test]
fn content_may_stall_for_as_long_as_the_handler_says() {
    let seconds = Duration::from_secs;
    let of_its_own = |own: Terms, configured: u64| {
        let timeouts = Timeouts::default().body(seconds(configured));
        let mut driver = recording(Config::default().timeouts(timeouts));
        driver.handler.terms = Some(own);
        let client = driver.connect();
        // A byte of it would have to be followed at the least rate.
        driver.send(&client, put("/a", "abc").trim_end_matches("abc"));
        (driver, client)
    };
    for (own, configured, second) in [(5, 30, 5), (90, 30, 90)] {
        let (mut driver, client) = of_its_own(Terms::new().body_timeout(seconds(own)), configured);
        driver.advance_secs((second - 1) as f64);
        assert!(!client.sees_end(), "at {} s", second - 1);
        driver.advance_secs(1.0);
        let output = client.take_output();
        assert!(output.starts_with("HTTP/1.1 408 "), "{output}");
        let ended = driver.handler.logged("ended").concat();
        assert!(ended.ends_with(&format!("none for {second}.0s")), "{ended}");
    }
    let (mut driver, client) = of_its_own(Terms::new().body_timeout(None), 30);
    driver.advance_secs(10_000.0);
    assert!(!client.sees_end());
}
