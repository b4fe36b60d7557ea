//! Whether a server wants content, asked before it gets any (RFC 9110 §10.1.1).

use std::time::Duration;

use streamsum::client::{Config, Event};
use streamsum::proto::Framing;

use crate::story::Story;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";
const SECOND: Duration = Duration::from_millis(1_100);

fn put(asks: bool) -> String {
    let expect = if asks { "Expect: 100-continue\r\n" } else { "" };
    format!("PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n{expect}\r\n")
}

/// A story with an idle connection that has carried one exchange.
fn used() -> Story {
    let mut story = Story::new(Config::default());
    story.client.start(&story.origin, Story::request("GET")).unwrap();
    assert_eq!(story.work(), []);
    story.wire().take_output();
    story.wire().send(OK);
    assert!(matches!(&story.work()[..], [Event::Answered(answer)] if answer.status() == 200));
    story
}

#[test]
fn little_content_on_a_fresh_connection_is_not_asked_for() {
    let mut story = Story::new(Config::default());
    let request = Story::request("PUT").content(Framing::Length(3));
    let id = story.client.start(&story.origin, request).unwrap();
    assert_eq!(story.work(), [Event::Room]);
    assert_eq!(story.client.write(id, b"abc"), 3);
    assert_eq!(story.wire().take_output(), put(false) + "abc");
}

#[test]
fn content_waits_for_the_100_where_it_is_asked_for() {
    let mut story = Story::new(Config::default().ask_from(3));
    let request = Story::request("PUT").content(Framing::Length(3));
    let id = story.client.start(&story.origin, request).unwrap();
    assert_eq!(story.work(), []);
    assert_eq!(story.wire().take_output(), put(true));
    assert_eq!(story.client.write(id, b"abc"), 0);
    story.wire().send(CONTINUE);
    assert_eq!(story.work(), [Event::Room]);
    assert_eq!(story.client.write(id, b"abc"), 3);
    assert_eq!(story.wire().take_output(), "abc");
}

#[test]
fn a_server_that_is_silent_on_a_fresh_connection_gets_the_content_anyway() {
    let mut story = Story::new(Config::default().ask_from(3).idle(Duration::ZERO));
    for asks in [true, false] {
        let request = Story::request("PUT").content(Framing::Length(3));
        let id = story.client.start(&story.origin, request).unwrap();
        let told = if asks { story.wait(SECOND) } else { story.work() };
        assert_eq!(told, [Event::Room], "asked: {asks}");
        assert_eq!(story.client.write(id, b"abc"), 3);
        // The second time it is not asked any more, for ten minutes.
        assert_eq!(story.wire().take_output(), put(asks) + "abc");
        story.wire().send(OK);
        assert!(matches!(&story.work()[..], [Event::Answered(_)]));
        story.wait(SECOND);
    }
}

#[test]
fn one_that_is_silent_on_a_used_connection_is_asked_on_a_fresh_one() {
    let mut story = used();
    let request = Story::request("PUT").content(Framing::Length(3));
    let id = story.client.start(&story.origin, request).unwrap();
    assert_eq!(story.work(), []);
    let old = story.wire();
    assert_eq!(old.take_output(), put(true), "the connection was used before");
    assert_eq!(story.wait(SECOND), [Event::Room]);
    assert!(old.is_closed());
    assert_eq!(story.client.write(id, b"abc"), 3);
    assert_eq!(story.wire().take_output(), put(false) + "abc");
}

#[test]
fn a_store_that_is_gone_has_not_acted_on_what_it_never_asked_for() {
    let mut story = used();
    story.client.connect_mut().refuses = true;
    let request = Story::request("PUT").content(Framing::Length(3));
    story.client.start(&story.origin, request).unwrap();
    let events = story.wait(Duration::from_secs(30));
    let [Event::Failed(failure)] = &events[..] else { panic!("{events:?}") };
    assert!(!failure.may_have_acted(), "{failure:?}");
}

#[test]
fn a_used_connection_that_has_died_is_replaced_at_once() {
    for dies_in_head in [false, true] {
        let mut story = used();
        let old = story.wire();
        if !dies_in_head {
            // The look before use finds it.
            old.finish();
        }
        let request = Story::request("PUT").content(Framing::Length(3));
        let id = story.client.start(&story.origin, request).unwrap();
        if dies_in_head {
            assert_eq!(story.work(), []);
            assert_eq!(old.take_output(), put(true));
            old.reset();
        }
        assert_eq!(story.work(), [Event::Room], "no time goes by");
        assert!(old.is_closed());
        assert_eq!(story.client.write(id, b"abc"), 3);
        assert_eq!(story.wire().take_output(), put(false) + "abc");
    }
}

#[test]
fn a_final_answer_in_place_of_the_100_ends_the_exchange_and_its_connection() {
    let mut story = Story::new(Config::default().ask_from(3));
    let request = Story::request("PUT").content(Framing::Length(3));
    let id = story.client.start(&story.origin, request).unwrap();
    assert_eq!(story.work(), []);
    story.wire().send("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    let events = story.work();
    let [Event::Answered(answer)] = &events[..] else { panic!("{events:?}") };
    assert!(answer.status() == 403 && answer.is_early());
    assert!(story.wire().is_closed() && !story.wire().sees_half_close());
    assert_eq!(story.client.write(id, b"abc"), 0);
}
