//! How long is waited, and for what.

use std::time::Duration;

use streamsum::client::{Config, Event, Failure};
use streamsum::proto::Framing;

use crate::story::Story;

#[test]
fn one_that_starts_after_a_long_rest_is_not_late() {
    let mut story = Story::new(Config::default());
    story.client.start(&story.origin, Story::request("GET")).unwrap();
    story.jump(Duration::from_secs(31));
    assert_eq!(story.work(), []);
    assert_eq!(story.wire().take_output(), "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
}

#[test]
fn an_answer_that_has_begun_gets_no_more_time() {
    let config = Config::default();
    let mut story = Story::new(config.clone());
    story.client.start(&story.origin, Story::request("GET")).unwrap();
    assert_eq!(story.wait(config.answer - Duration::from_secs(1)), []);
    story.wire().send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nx");
    let events = story.wait(Duration::from_millis(1_200));
    assert_eq!(events, [Event::Failed(Failure::Silent)]);
    assert!(story.wire().is_closed());
}

#[test]
fn what_is_offered_again_gives_a_server_that_takes_nothing_no_more_time() {
    let config = Config::default();
    let mut story = Story::new(config.clone());
    let put = Story::request("PUT").content(Framing::Length(5));
    let id = story.client.start(&story.origin, put).unwrap();
    assert_eq!(story.work(), [Event::Room]);
    story.wire().set_window(0);
    let mut events = Vec::new();
    for _ in 0..=config.write.as_secs() {
        assert_eq!(story.client.write(id, b"hello"), 0);
        events.extend(story.wait(Duration::from_secs(1)));
    }
    assert_eq!(events, [Event::Failed(Failure::Stalled)]);
}
