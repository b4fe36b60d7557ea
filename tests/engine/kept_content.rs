//! Content that the handler keeps, and how much it lets come.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{digest, put, put_chunked, recording};
use streamsum::engine::Config;
use streamsum::proto::{Limits, Response};
use testkit::sim::{Client, Driver, Recorder};

const BUFFER: usize = 4 << 10;

fn small_buffers() -> Driver<Recorder> {
    recording(Config::default().buffer(BUFFER).lone_buffer(BUFFER))
}

fn numbers(length: usize) -> String {
    (0..).flat_map(|n: u32| format!("{n} ").into_bytes()).take(length).map(char::from).collect()
}

/// What was kept, in its order, and forgotten now.
fn take_kept(driver: &mut Driver<Recorder>) -> String {
    driver
        .handler
        .kept
        .drain(..)
        .map(|content| String::from_utf8_lossy(&content).into_owned())
        .collect()
}

/// Resumes until the answer has come; how often.
fn resume_to_the_end(driver: &mut Driver<Recorder>, client: &Client, target: &str) -> usize {
    let mut times = 0;
    while client.output_len() == 0 {
        assert!(driver.engine.resume(driver.handler.id(target)), "it waits for the handler");
        driver.settle();
        times += 1;
    }
    times
}

#[test]
fn kept_content_stays_as_it_was() {
    let content = numbers(100_000);
    for request in [
        put("/keep", &content),
        put_chunked("/keep", &content, 700),
        put_chunked("/keep", &content, 9),
    ] {
        for step in [1, 3_000, 100_000] {
            let mut driver = small_buffers();
            let client = driver.connect();
            for part in request.as_bytes().chunks(step) {
                driver.send(&client, part);
            }
            assert_eq!(client.take_output(), digest(&content));
            assert_eq!(take_kept(&mut driver), content, "in steps of {step}");
            assert_eq!(driver.engine.held(), 0);
        }
    }
}

#[test]
fn what_follows_kept_content_is_not_lost() {
    let content = numbers(3_000);
    let mut driver = small_buffers();
    let client = driver.connect();
    // The content fills most of the buffer, and the next requests follow in it.
    driver.send(&client, put("/keep", &content) + &put("/b", "b") + &put("/keep", "c") + "PUT /d");
    driver.send(&client, " HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nd");
    let expected = [&content, "b", "c", "d"].map(digest).concat();
    assert_eq!(client.take_output(), expected);
    assert_eq!(take_kept(&mut driver), content + "c");
}

#[test]
fn of_what_is_taken_in_part_that_part_is_kept() {
    for taken in [0, 1, 500, 2_999, 3_000] {
        let content = numbers(3_000);
        let mut driver = small_buffers();
        driver.handler.bits = [taken].into();
        let client = driver.connect();
        driver.send(&client, put("/keep", &content) + &put("/b", "b"));
        if taken < 3_000 {
            assert_eq!(*driver.handler.kept[0], content.as_bytes()[..taken]);
            assert_eq!(resume_to_the_end(&mut driver, &client, "/keep"), 1);
        }
        assert_eq!(client.take_output(), digest(&content) + &digest("b"));
        assert_eq!(take_kept(&mut driver), content);
    }
}

/// What is kept and what is left take no more memory together than the read has set aside.
#[test]
fn kept_content_and_what_is_left_fit_into_the_memory_of_their_read() {
    // A part of the content.
    let content = numbers(3_000);
    let mut driver = small_buffers();
    driver.handler.bits = [2_500].into();
    let client = driver.connect();
    driver.send(&client, put("/keep", &content) + &put("/b", "b"));
    assert_eq!(driver.engine.held(), 3_000 + put("/b", "b").len());
    // The second of two requests, which most of the buffer is.
    let mut driver = small_buffers();
    let client = driver.connect();
    driver.send(&client, put("/keep", &numbers(700)) + &put("/keep", &numbers(2_800)));
    assert_eq!((driver.handler.kept.len(), driver.engine.held()), (2, 3_500));
    // Content behind the rest of a head, and before the beginning of the next.
    let mut driver = small_buffers();
    let client = driver.connect();
    let padding = "x".repeat(1_000);
    let next = format!("PUT /b HTTP/1.1\r\nX: {}", "x".repeat(500));
    driver.send(&client, format!("PUT /keep HTTP/1.1\r\nHost: x\r\nX: {padding}"));
    driver.send(&client, "\r\nContent-Length: 400\r\n\r\n".to_owned() + &numbers(400) + &next);
    assert_eq!(driver.engine.held(), 400 + next.len());
}

/// Or its buffer would move with it, for which no room was set aside.
#[test]
fn content_read_in_small_steps_is_kept_as_a_copy() {
    let limits = Limits::default().head(BUFFER as u32);
    let config = Config::default().limits(limits).buffer(6 << 10).lone_buffer(6 << 10);
    let mut driver = recording(config.max_held(16 << 10));
    let client = driver.connect();
    driver.send(&client, put("/keep", &numbers(3 << 10)));
    // Beside that and the reserve there is no room for a buffer, but for a small read.
    driver.send(&client, "PUT /keep HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n");
    client.send(numbers(20_000));
    driver.turn();
    let lengths: Vec<_> = driver.handler.kept.iter().map(|content| content.len()).collect();
    // The last one has the reserve.
    assert_eq!((lengths, driver.engine.held()), (vec![3 << 10, 3 << 10, 6 << 10], 12 << 10));
}

#[test]
fn memory_of_kept_content_is_held_until_it_is_dropped() {
    let mut driver = small_buffers();
    let client = driver.connect();
    // More than half a buffer moves with it; of less there is a copy.
    for (length, held) in [(3_000, BUFFER), (2_049, BUFFER), (2_048, 2_048), (100, 100)] {
        driver.send(&client, put("/keep", &numbers(length)));
        assert_eq!(driver.engine.held(), held);
        driver.handler.kept.clear();
        assert_eq!(driver.engine.held(), 0);
    }
    driver.send(&client, put("/keep", &numbers(3_000)));
    client.reset();
    driver.settle();
    assert!(driver.engine.is_empty());
    assert_eq!(driver.engine.held(), BUFFER, "the connection is gone, and the content is not");
    drop(driver.engine);
    assert_eq!(driver.handler.kept[0].len(), 3_000);
}

/// Room for 8 buffers beside the reserve.
fn tight() -> Driver<Recorder> {
    let limits = Limits::default().head(BUFFER as u32);
    let config = Config::default().limits(limits).buffer(BUFFER).lone_buffer(BUFFER);
    recording(config.max_held(10 * BUFFER))
}

#[test]
fn uploads_are_not_read_while_kept_content_takes_all_room() {
    let content = numbers(20 * BUFFER);
    let mut driver = tight();
    let woken = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&woken);
    driver.engine.set_wake(move || {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    let clients: Vec<Client> = (0..3).map(|_| driver.connect()).collect();
    for client in &clients {
        driver.send(client, put("/keep", &content));
    }
    let mut drops = 0;
    while clients.iter().any(|client| client.output_len() == 0) {
        assert!(driver.engine.held() > 7 * BUFFER, "only room for less than a buffer is left");
        assert_eq!(woken.load(Ordering::Relaxed), drops, "nobody was woken for nothing");
        // Another thread drops it, and the loop is woken at once.
        driver.handler.kept.pop_front();
        drops += 1;
        assert_eq!(woken.load(Ordering::Relaxed), drops);
        driver.turn();
        driver.settle();
    }
    assert!(drops > 40, "{drops}");
    for client in &clients {
        assert_eq!(client.take_output(), digest(&content));
    }
}

#[test]
fn credit_of_nothing_pauses_an_upload() {
    let content = numbers(100_000);
    for request in [put("/bits", &content), put_chunked("/bits", &content, 5_000)] {
        let mut driver = small_buffers();
        driver.handler.credits = [0, 0, 0].into();
        let client = driver.connect();
        driver.send(&client, &request);
        for pieces in 1..=3 {
            assert_eq!(driver.handler.logged("consume").len(), pieces);
            let taken = client.taken();
            driver.advance_secs(1_000.0);
            assert_eq!((client.taken(), client.sees_end()), (taken, false), "it is not read");
            assert!(driver.engine.resume(driver.handler.id("/bits")));
            assert!(!driver.engine.resume(driver.handler.id("/bits")), "it goes on already");
            driver.settle();
        }
        // The date is another one by now.
        let expected = digest(&content);
        let (_, digits) = expected.split_once("\r\n\r\n").unwrap();
        assert!(client.take_output().ends_with(digits));
    }
}

#[test]
fn no_piece_is_longer_than_the_credit() {
    let content = numbers(6_000);
    for request in [put("/bits", &content), put_chunked("/bits", &content, 1_000)] {
        for credit in [1, 10, 999, 1_000, 1_001, 5_000] {
            for step in [1, 700, 10_000] {
                let mut driver = small_buffers();
                let client = driver.connect();
                let (head, content_bytes) = request.split_at(request.find("\r\n\r\n").unwrap() + 4);
                // The first piece comes before there is a credit.
                driver.handler.credits = vec![credit; 3].into();
                driver.send(&client, head);
                for part in content_bytes.as_bytes().chunks(step) {
                    driver.send(&client, part);
                }
                let lengths: Vec<u64> = driver
                    .handler
                    .logged("consume")
                    .iter()
                    .map(|line| {
                        let word = line.split(' ').rev().find(|word| word.parse::<u64>().is_ok());
                        word.unwrap().parse().unwrap()
                    })
                    .collect();
                for window in lengths.windows(2).take(2) {
                    assert!(window[1] <= credit, "{lengths:?} with {credit}");
                }
                if client.output_len() == 0 {
                    assert!(resume_to_the_end(&mut driver, &client, "/bits") >= 1);
                }
                assert_eq!(client.take_output(), digest(&content), "{credit} in steps of {step}");
            }
        }
    }
}

/// What the first credit did not cover comes with the second at once, without a pause.
#[test]
fn a_new_credit_takes_the_place_of_the_former() {
    let content = numbers(3_000);
    let mut driver = small_buffers();
    driver.handler.credits = [100, 50, u64::MAX].into();
    driver.handler.bits = [10, 3_000, 3_000, 3_000].into();
    let client = driver.connect();
    driver.send(&client, put("/bits", &content));
    // It was left, so it waits for the handler whatever the credit is.
    assert_eq!(driver.handler.logged("consume").len(), 1);
    assert!(driver.engine.resume(driver.handler.id("/bits")));
    driver.settle();
    assert_eq!(client.take_output(), digest(&content), "resuming has lifted the first credit");

    let mut driver = small_buffers();
    driver.handler.credits = [100, 50, u64::MAX].into();
    let client = driver.connect();
    driver.send(&client, put("/bits", &content).trim_end_matches(&content[1..]));
    driver.send(&client, &content[1..]);
    assert_eq!(client.take_output(), digest(&content));
    let consumed = driver.handler.logged("consume");
    let ends: Vec<&str> = consumed.iter().map(|line| line.rsplit_once(' ').unwrap().1).collect();
    assert_eq!(ends, ["1", "100", "50", "last"], "{consumed:?}");
}

#[test]
fn the_last_piece_needs_no_credit() {
    let mut driver = small_buffers();
    driver.handler.credits = [0].into();
    let client = driver.connect();
    driver.send(&client, put("/bits", "abc") + &put("/b", "b"));
    assert_eq!(client.take_output(), digest("abc") + &digest("b"));
}

#[test]
fn a_paused_upload_can_be_answered_and_reset() {
    let mut driver = small_buffers();
    driver.handler.credits = [0, 0].into();
    let client = driver.connect();
    driver.send(&client, put("/keep", &numbers(10_000)));
    driver.handler.take_log();
    assert!(driver.engine.answer(driver.handler.id("/keep"), Response::text(507, "full")));
    driver.settle();
    assert!(client.take_output().starts_with("HTTP/1.1 507 "));
    let ended = driver.handler.take_log();
    assert!(ended[0].contains("Answered(Close(ContentUnread))") && ended[0].ends_with(" upload"));
    let other = driver.connect();
    driver.send(&other, put("/keep", &numbers(10_000)));
    other.reset();
    driver.settle();
    assert!(driver.handler.take_log().last().unwrap().contains("Aborted(Reset)"));
    driver.handler.kept.clear();
    assert_eq!(driver.engine.held(), 0);
}
