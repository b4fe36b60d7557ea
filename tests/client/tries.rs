//! What is tried again, and what is told of it in the end.

use std::time::Duration;

use streamsum::client::{Config, Event, Failure};

use crate::story::Story;

#[test]
fn exchanges_between_two_tries_are_among_those_that_may_wait() {
    let mut story = Story::new(Config::default().waiting(2));
    story.client.connect_mut().refuses = true;
    for _ in 0..2 {
        story.client.start(&story.origin, Story::request("GET")).unwrap();
        assert_eq!(story.work(), []);
    }
    let third = story.client.start(&story.origin, Story::request("GET"));
    assert_eq!(third, Err(Failure::Busy));
}

#[test]
fn that_a_server_may_have_acted_on_an_earlier_try_is_told_in_the_end() {
    let mut story = Story::new(Config::default());
    story.client.start_whole(&story.origin, Story::request("PUT"), *b"hello").unwrap();
    assert_eq!(story.work(), []);
    let sent = "PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
    assert_eq!(story.wire().take_output(), sent);
    story.wire().reset();
    story.client.connect_mut().refuses = true;
    let events = story.wait(Duration::from_secs(30));
    let [Event::Failed(failure)] = &events[..] else { panic!("{events:?}") };
    assert!(failure.may_have_acted(), "{failure:?}");
}
