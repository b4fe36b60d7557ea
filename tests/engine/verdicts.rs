//! What becomes of a request by the handler's word: take, wait, answer, later.

use super::{CLOSE, CONTINUE, digest, last_digest, put, recording, refusal};
use streamsum::engine::Config;
use streamsum::proto::{Limits, Response};
use streamsum::resident::Decisions;
use testkit::sim::{Driver, Recorder, text};

fn expecting(target: &str, length: usize) -> String {
    format!(
        "PUT {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\
         Expect: 100-continue\r\n\r\n"
    )
}

#[test]
fn take_answers_with_what_finish_says() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    driver.send(&client, put("/a", "abc"));
    assert_eq!(client.take_output(), digest("abc"));
    let log = driver.handler.take_log();
    let expected = [
        "begin PUT /a",
        "consume /a abc 3 last",
        "finish /a",
        "ended /a 200 Answered(Reuse) 3 bytes",
    ];
    assert_eq!(log, expected);
    assert!(!client.sees_end());
}

#[test]
fn take_asks_for_content_at_once() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    driver.send(&client, expecting("/a", 3));
    assert_eq!(client.take_output(), CONTINUE);
    driver.send(&client, "abc");
    assert_eq!(client.take_output(), digest("abc"));
}

#[test]
fn take_does_not_ask_for_content_that_is_there() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    driver.send(&client, expecting("/a", 3) + "a");
    assert_eq!(client.take_output(), "");
    driver.send(&client, "bc");
    assert_eq!(client.take_output(), digest("abc"));
}

#[test]
fn take_of_a_bodiless_request_sees_one_empty_last_piece() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    driver.send(&client, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(client.take_output(), digest(""));
    assert_eq!(driver.handler.logged("consume"), ["consume /a  0 last"]);
}

#[test]
fn wait_reads_nothing_until_resumed() {
    let config = Config::default().buffer(4096);
    let mut driver = recording(config);
    let client = driver.connect();
    let content = "x".repeat(100_000);
    driver.send(&client, put("/wait", &content));
    assert_eq!(client.taken(), 4096, "one read, in which the head was found");
    assert_eq!(driver.handler.logged("consume").len(), 0);
    let id = driver.handler.id("/wait");
    assert!(driver.engine.resume(id));
    driver.settle();
    assert_eq!(client.take_output(), digest(&content));
}

#[test]
fn wait_can_end_in_a_refusal() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    driver.send(&client, expecting("/wait", 3));
    driver.handler.take_log();
    let id = driver.handler.id("/wait");
    assert!(driver.engine.answer(id, Response::text(403, "no")));
    driver.settle();
    assert_eq!(client.take_output(), refusal("403 Forbidden", "no"));
    let expected = ["ended /wait 403 Answered(Close(ContentUnread)) 0 bytes upload"];
    assert_eq!(driver.handler.take_log(), expected);
    assert!(client.sees_half_close());
}

#[test]
fn wait_for_a_bodiless_request_can_end_in_a_refusal_that_keeps_the_connection() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    let behind = put("/b", "abc");
    driver.send(&client, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n".to_owned() + &behind);
    let id = driver.handler.id("/wait");
    assert!(driver.engine.answer(id, Response::text(403, "no")));
    driver.settle();
    assert_eq!(client.take_output(), text("403 Forbidden", "", "no") + &digest("abc"));
}

#[test]
fn answer_leaves_the_content_unread_and_closes() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    driver.send(&client, put("/refuse", "abc"));
    assert_eq!(client.take_output(), refusal("403 Forbidden", "refused"));
    let log = driver.handler.take_log();
    let ended = "ended /refuse 403 Answered(Close(ContentUnread)) 0 bytes";
    assert_eq!(log, ["begin PUT /refuse", ended]);
    assert!(client.sees_half_close());
}

#[test]
fn answer_comes_instead_of_100_continue() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    driver.send(&client, expecting("/refuse", 3));
    assert_eq!(client.take_output(), refusal("403 Forbidden", "refused"));
}

#[test]
fn answer_without_content_keeps_the_connection() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    driver.send(&client, "GET /refuse HTTP/1.1\r\nHost: x\r\n\r\n".to_owned() + &put("/b", "b"));
    assert_eq!(client.take_output(), text("403 Forbidden", "", "refused") + &digest("b"));
}

#[test]
fn later_holds_back_what_is_pipelined_behind() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    driver.send(&client, put("/late", "abc") + &put("/b", "b"));
    assert_eq!(client.take_output(), "");
    assert_eq!(driver.handler.logged("begin"), ["begin PUT /late"]);
    assert!(driver.engine.held() > 0);
    let id = driver.handler.id("/late");
    assert!(driver.engine.answer(id, Response::text(200, "done")));
    driver.settle();
    assert_eq!(client.take_output(), text("200 OK", "", "done") + &digest("b"));
    assert_eq!(driver.engine.held(), 0);
}

#[test]
fn later_does_not_read_on() {
    let config = Config::default().buffer(4096);
    let mut driver = recording(config);
    let client = driver.connect();
    driver.send(&client, put("/late", "abc"));
    let taken = client.taken();
    driver.send(&client, put("/b", "b"));
    assert_eq!(client.taken(), taken);
    let id = driver.handler.id("/late");
    assert!(driver.engine.answer(id, Response::text(200, "done")));
    driver.settle();
    assert_eq!(client.take_output(), text("200 OK", "", "done") + &digest("b"));
}

#[test]
fn later_is_answered_after_a_half_close() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    driver.send(&client, put("/late", "abc"));
    client.finish();
    driver.settle();
    assert!(!client.sees_end());
    let id = driver.handler.id("/late");
    assert!(driver.engine.answer(id, Response::text(200, "done")));
    driver.settle();
    assert_eq!(client.take_output(), text("200 OK", "", "done"));
    assert!(client.is_closed());
}

#[test]
fn answer_in_mid_upload_closes_and_hands_the_upload_back() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    let request = put("/a", "abcdef");
    driver.send(&client, &request[..request.len() - 3]);
    driver.handler.take_log();
    let id = driver.handler.id("/a");
    assert!(driver.engine.answer(id, Response::text(507, "full")));
    assert!(!driver.engine.answer(id, Response::text(507, "full")), "answered twice");
    driver.settle();
    assert_eq!(client.take_output(), refusal("507 Insufficient Storage", "full"));
    let expected = ["ended /a 507 Answered(Close(ContentUnread)) 3 bytes upload"];
    assert_eq!(driver.handler.take_log(), expected);
}

#[test]
fn answer_to_one_that_is_gone_is_false() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    driver.send(&client, put("/a", "abc"));
    let id = driver.handler.id("/a");
    assert!(!driver.engine.answer(id, Response::text(200, "too late")));
    driver.settle();
    assert_eq!(client.take_output(), digest("abc"));

    driver.send(&client, put("/late", "abc"));
    client.reset();
    driver.settle();
    let id = driver.handler.id("/late");
    assert!(!driver.engine.answer(id, Response::text(200, "too late")));
}

#[test]
fn an_old_id_does_not_reach_the_next_peer_of_its_key() {
    let mut driver = recording(Config::default());
    let first = driver.connect();
    driver.send(&first, put("/late", "abc"));
    let key = driver.key_of(&first);
    let old = driver.handler.id("/late");
    first.reset();
    driver.settle();
    assert!(first.is_closed());

    let second = driver.connect();
    assert_eq!(driver.key_of(&second), key, "the key is used again");
    driver.send(&second, put("/late", "abc") + &expecting("/wait", 1));
    assert!(!driver.engine.answer(old, Response::text(200, "misrouted")));
    assert!(!driver.engine.resume(old));
    driver.settle();
    assert_eq!(second.take_output(), "");
}

#[test]
fn resume_is_false_when_nothing_waits() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    let request = put("/a", "abcdef");
    driver.send(&client, &request[..request.len() - 3]);
    let id = driver.handler.id("/a");
    assert!(!driver.engine.resume(id), "it reads already");
    driver.send(&client, "def");
    assert!(!driver.engine.resume(id), "it is over");

    driver.send(&client, put("/late", ""));
    let late = driver.handler.id("/late");
    assert!(!driver.engine.resume(late), "a late answer is awaited");
    assert!(driver.engine.answer(late, Response::text(200, "")));
    driver.settle();

    driver.send(&client, expecting("/wait", 1));
    let id = driver.handler.id("/wait");
    assert!(driver.engine.resume(id));
    assert!(!driver.engine.resume(id), "resumed twice");
}

#[test]
fn a_connection_that_asks_to_close_is_closed_behind_a_late_answer() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    driver.send(&client, "GET /late HTTP/1.0\r\n\r\n");
    let id = driver.handler.id("/late");
    assert!(driver.engine.answer(id, Response::text(200, "done")));
    driver.settle();
    assert_eq!(client.take_output(), refusal("200 OK", "done"));
    assert!(client.sees_half_close());
}

#[test]
fn a_whole_request_before_a_half_close_is_the_last() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    client.send(put("/a", "abc") + &put("/b", "b"));
    client.finish();
    driver.settle();
    assert_eq!(client.take_output(), digest("abc") + &last_digest("b"));
    assert!(client.is_closed() && !client.is_cut_off());
}

#[test]
fn wait_asks_for_content_only_when_resumed() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    driver.send(&client, expecting("/wait", 3));
    assert_eq!(client.take_output(), "");
    let id = driver.handler.id("/wait");
    assert!(driver.engine.resume(id));
    driver.settle();
    assert_eq!(client.take_output(), CONTINUE);
    driver.send(&client, "abc");
    assert_eq!(client.take_output(), digest("abc"));
}

#[test]
fn wait_of_a_bodiless_request_is_answered_when_resumed() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    driver.send(&client, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(client.take_output(), "");
    let id = driver.handler.id("/wait");
    assert!(driver.engine.resume(id));
    driver.settle();
    assert_eq!(client.take_output(), digest(""));
}

#[test]
fn content_is_asked_for_before_that_of_others_is_handed_over() {
    let mut driver = recording(Config::default());
    let (asking, other) = (driver.connect(), driver.connect());
    driver.handler.watched = Some(asking.clone());
    other.send(put("/b", "b"));
    asking.send(expecting("/a", 3));
    driver.turn();
    assert_eq!(String::from_utf8_lossy(&driver.handler.seen), CONTINUE);
}

/// Takes no more than 2 bytes of content.
fn limited() -> Driver<Recorder> {
    recording(Config::default().limits(Limits::default().body(2)))
}

const TOO_LARGE: (&str, &str) = ("413 Content Too Large", "the content is too large");

// covers: 25.3
#[test]
fn a_declared_length_over_the_limit_is_refused_when_it_is_taken() {
    let mut driver = limited();
    for request in [put("/a", "abc"), expecting("/a", 3)] {
        let client = driver.connect();
        driver.send(&client, request);
        assert_eq!(client.take_output(), refusal(TOO_LARGE.0, TOO_LARGE.1));
        assert!(client.sees_half_close());
        let expected =
            ["begin PUT /a over the limit", "ended /a 413 Refused(BodyTooLarge) 0 bytes upload"];
        assert_eq!(driver.handler.take_log(), expected);
    }
}

#[test]
fn a_declared_length_at_the_limit_is_taken() {
    let mut driver = limited();
    let client = driver.connect();
    driver.send(&client, put("/a", "ab"));
    assert_eq!(client.take_output(), digest("ab"));
    assert_eq!(driver.handler.logged("begin"), ["begin PUT /a"]);
}

// covers: 25.10
#[test]
fn the_handlers_refusal_comes_before_the_limit() {
    let mut driver = limited();
    for request in [put("/refuse", "abc"), expecting("/refuse", 3)] {
        let client = driver.connect();
        driver.send(&client, request);
        assert_eq!(client.take_output(), refusal("403 Forbidden", "refused"));
        let expected = [
            "begin PUT /refuse over the limit",
            "ended /refuse 403 Answered(Close(ContentUnread)) 0 bytes",
        ];
        assert_eq!(driver.handler.take_log(), expected);
    }
}

// covers: 25.10
#[test]
fn a_late_verdict_comes_before_the_limit_too() {
    let mut driver = limited();
    for request in [put("/wait", "abc"), expecting("/wait", 3)] {
        let client = driver.connect();
        driver.send(&client, &request);
        assert_eq!(client.take_output(), "");
        let id = driver.handler.id("/wait");
        assert!(driver.engine.answer(id, Response::text(403, "no")));
        driver.settle();
        assert_eq!(client.take_output(), refusal("403 Forbidden", "no"));
        let ended = "ended /wait 403 Answered(Close(ContentUnread)) 0 bytes upload";
        assert_eq!(driver.handler.take_log(), ["begin PUT /wait over the limit", ended]);

        let client = driver.connect();
        driver.send(&client, &request);
        assert_eq!(client.take_output(), "");
        let id = driver.handler.id("/wait");
        assert!(driver.engine.resume(id));
        driver.settle();
        assert_eq!(client.take_output(), refusal(TOO_LARGE.0, TOO_LARGE.1));
        let ended = "ended /wait 413 Refused(BodyTooLarge) 0 bytes upload";
        assert_eq!(driver.handler.take_log(), ["begin PUT /wait over the limit", ended]);
        assert!(!driver.engine.resume(id), "it is over");
    }
}

#[test]
fn chunks_say_nothing_of_a_limit_beforehand() {
    let mut driver = limited();
    let client = driver.connect();
    let head = "PUT /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    driver.send(&client, head.to_owned() + "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n");
    assert_eq!(client.take_output(), refusal(TOO_LARGE.0, TOO_LARGE.1));
    let expected =
        ["begin PUT /a", "consume /a ab 2", "ended /a 413 Refused(BodyTooLarge) 2 bytes upload"];
    assert_eq!(driver.handler.take_log(), expected);
}

#[test]
fn many_are_decided_at_once_and_those_that_are_gone_are_passed_over() {
    let mut driver = recording(Config::default());
    let targets = ["/wait-1", "/wait-2", "/wait-3"];
    let clients = targets.map(|target| {
        let client = driver.connect();
        driver.send(&client, put(target, "abc"));
        client
    });
    let [taken, refused, gone] = targets.map(|target| driver.handler.id(target));
    clients[2].reset();
    driver.settle();
    let mut decisions = Decisions::default();
    decisions.resume(gone);
    decisions.answer(refused, Response::text(403, "no"));
    decisions.resume(taken);
    assert_eq!(decisions.len(), 3);
    driver.engine.decide(&mut decisions);
    assert!(decisions.is_empty());
    driver.settle();
    assert_eq!(clients[0].take_output(), digest("abc"));
    assert_eq!(clients[1].take_output(), text("403 Forbidden", CLOSE, "no"));
}
