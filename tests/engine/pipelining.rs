//! Requests behind requests, and how bytes come in and go out.

use super::{CONTINUE, digest, last_digest, put, recording, refusal};
use streamsum::engine::Config;
use testkit::sim::{Driver, Recorder};

/// However the ends of reads lie to the ends of heads.
#[test]
fn many_small_requests_are_read_in_large_parts() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    let requests = put("/a", "").repeat(10_000);
    driver.send(&client, &requests);
    assert_eq!(client.taken(), requests.len());
    assert_eq!(client.take_output().matches("HTTP/1.1 200 OK").count(), 10_000);
    let buffer = driver.engine.config().buffer;
    let fewest = requests.len().div_ceil(buffer);
    assert!(client.reads() <= fewest + 1, "{} for {fewest} buffers", client.reads());
    assert_eq!(driver.engine.held(), 0);
}

#[test]
fn answers_to_pipelined_requests_leave_in_one_write() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    driver.send(&client, put("/a", "a") + &put("/b", "") + &put("/c", "ccc"));
    assert_eq!(client.take_output(), digest("a") + &digest("") + &digest("ccc"));
    assert_eq!(client.writes().len(), 1);
}

#[test]
fn answers_leave_when_more_than_the_bound_waits() {
    let answer = digest("a").len();
    let mut driver = recording(Config::default().max_output(answer));
    let client = driver.connect();
    driver.send(&client, put("/a", "a").repeat(4));
    assert_eq!(
        client.writes(),
        [2 * answer, 2 * answer],
        "two are more than the bound, one is not"
    );
}

#[test]
fn good_requests_before_a_bad_one_get_their_answers_first() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    driver.send(&client, put("/a", "a") + "GET / HTTP/1.1\r\n\r\n" + &put("/c", "c"));
    let bad = refusal("400 Bad Request", "Host is missing");
    assert_eq!(client.take_output(), digest("a") + &bad);
    assert_eq!(driver.handler.logged("begin"), ["begin PUT /a"]);
}

#[test]
fn what_follows_a_request_that_closes_is_ignored() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    let closing = "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    driver.send(&client, closing.to_owned() + &put("/b", "b"));
    assert_eq!(client.take_output(), last_digest(""));
    assert_eq!(driver.handler.logged("begin"), ["begin GET /a"]);
}

#[test]
fn continue_comes_behind_the_answers_before_it() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    let expecting =
        "PUT /b HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n";
    driver.send(&client, put("/a", "a") + expecting);
    assert_eq!(client.take_output(), digest("a") + CONTINUE);
}

#[test]
fn head_has_the_length_and_not_the_content() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    driver.send(&client, "HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n".to_owned() + &put("/b", "b"));
    let whole = digest("");
    let head = &whole[..whole.len() - 32];
    assert_eq!(client.take_output(), head.to_owned() + &digest("b"));
}

fn cut_in_every_way<const DRAINS: bool>(longest_read: usize, longest_write: usize) {
    let requests = put("/a", "abc")
        + "PUT /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nx: y\r\n\r\n"
        + &put("/c", "");
    let answers = digest("abc") + &digest("ab") + &last_digest("");
    for step in [1, 2, 3, 17, 100, requests.len()] {
        let mut driver: Driver<Recorder, DRAINS> =
            Driver::new(Config::default(), Recorder::default());
        let client = driver.connect();
        client.set_longest_read(longest_read);
        client.set_longest_write(longest_write);
        let mut parts = requests.as_bytes().chunks(step);
        client.send(parts.next().unwrap_or_default());
        parts.for_each(|part| client.send_later(part));
        client.finish();
        driver.settle();
        assert_eq!(client.take_output(), answers, "{step} bytes at a time");
        assert!(client.is_closed());
    }
}

#[test]
fn bytes_that_come_while_it_reads_are_not_lost() {
    cut_in_every_way::<true>(usize::MAX, usize::MAX);
}

#[test]
fn short_reads_of_a_wrapper_do_not_mean_that_it_is_empty() {
    for longest_read in [1, 5, 64] {
        cut_in_every_way::<false>(longest_read, usize::MAX);
    }
}

#[test]
fn short_writes_are_gone_on_with() {
    cut_in_every_way::<true>(usize::MAX, 1);
    cut_in_every_way::<false>(3, 7);
}

#[test]
fn a_slow_reader_gets_everything_in_order() {
    let mut driver = recording(Config::default().max_output(300));
    let client = driver.connect();
    client.set_window(0);
    let contents: Vec<String> = (0..40).map(|length| "z".repeat(length)).collect();
    driver.send(&client, contents.iter().map(|content| put("/a", content)).collect::<String>());
    while !driver.engine.stats().answers.eq(&40) || client.is_full() {
        client.widen(11);
        driver.settle();
    }
    let expected: String = contents.iter().map(|content| digest(content)).collect();
    assert_eq!(client.take_output(), expected);
}

#[test]
fn a_spurious_note_changes_nothing() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    driver.note_spuriously(&client);
    driver.settle();
    driver.send(&client, &put("/a", "abc")[..20]);
    driver.note_spuriously(&client);
    driver.settle();
    driver.send(&client, &put("/a", "abc")[20..]);
    driver.note_spuriously(&client);
    driver.settle();
    assert_eq!(client.take_output(), digest("abc"));
    assert!(!client.sees_end());
}

#[test]
fn a_note_on_a_key_that_nobody_has_is_ignored() {
    let mut driver = recording(Config::default());
    driver.engine.note(17, streamsum::engine::Ready { readable: true, ..Default::default() });
    driver.turn();
    assert!(driver.engine.is_empty());
}
