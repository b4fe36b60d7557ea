//! Content on its way, and what a server says meanwhile.

use streamsum::client::{Config, Event, Failure};
use streamsum::proto::Framing;

use crate::story::Story;

#[test]
fn a_rest_and_more_are_taken_in_one_go() {
    let mut story = Story::new(Config::default());
    let request = Story::request("PUT").content(Framing::Chunked);
    let id = story.client.start(&story.origin, request).unwrap();
    story.work();
    story.wire().send("HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(story.work(), [Event::Room]);
    story.wire().take_output();
    // Room for the chunk line and four bytes.
    story.wire().set_window(7);
    assert_eq!(story.client.write(id, b"0123456789"), 4);
    story.wire().set_window(usize::MAX);
    assert_eq!(story.work(), [Event::Room]);
    assert_eq!(story.client.write(id, b"456789abcdef"), 12);
    story.client.finish(id);
    let expected = "a\r\n0123456789\r\n6\r\nabcdef\r\n0\r\n\r\n";
    assert_eq!(story.wire().take_output(), expected);
}

#[test]
fn nothing_written_does_not_use_up_the_room() {
    let mut story = Story::new(Config::default());
    let request = Story::request("PUT").content(Framing::Length(3));
    let id = story.client.start(&story.origin, request).unwrap();
    assert_eq!(story.client.write(id, b""), 0);
    assert_eq!(story.work(), [Event::Room]);
}

#[test]
fn success_before_all_content_is_a_failure() {
    let mut story = Story::new(Config::default());
    let request = Story::request("PUT").content(Framing::Length(3));
    let id = story.client.start(&story.origin, request).unwrap();
    assert_eq!(story.work(), [Event::Room]);
    assert_eq!(story.client.write(id, b"ab"), 2);
    story.wire().send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(story.work(), [Event::Failed(Failure::EarlySuccess(200))]);
    assert!(story.wire().is_closed());
}

#[test]
fn nothing_is_repeated_of_which_content_has_left() {
    let mut story = Story::new(Config::default());
    let request = Story::request("PUT").content(Framing::Length(3));
    let id = story.client.start(&story.origin, request).unwrap();
    assert_eq!(story.work(), [Event::Room]);
    assert_eq!(story.client.write(id, b"ab"), 2);
    story.wire().reset();
    let events = story.work();
    let [Event::Failed(failure)] = &events[..] else { panic!("{events:?}") };
    assert!(!failure.may_have_acted(), "it lacks a byte");
    assert_eq!(story.client.connect_mut().wires.len(), 1);
}

#[test]
fn what_is_empty_is_framed_as_empty() {
    let mut story = Story::new(Config::default());
    let request = Story::request("PUT").content(Framing::Chunked);
    story.client.start_whole(&story.origin, request, *b"").unwrap();
    assert_eq!(story.work(), []);
    let sent = "PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(story.wire().take_output(), sent);
}
