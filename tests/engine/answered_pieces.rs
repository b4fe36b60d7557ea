//! Answers from within a piece of content: the request is over at once.

use super::{CONTINUE, digest, put, recording, refusal};
use streamsum::engine::Config;
use testkit::sim::text;

const FULL: &str = "507 Insufficient Storage";

#[test]
fn content_that_is_not_there_yet_is_not_awaited() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    let request = put("/full", "abcdef");
    driver.send(&client, &request[..request.len() - 3]);
    assert_eq!(client.take_output(), refusal(FULL, "full"));
    let log = driver.handler.take_log();
    let ended = "ended /full 507 Answered(Close(ContentUnread)) 3 bytes upload";
    assert_eq!(log, ["begin PUT /full", "consume /full abc 3", ended]);
    assert!(client.sees_half_close());
    driver.send(&client, "def");
    assert_eq!(driver.handler.take_log(), [""; 0], "what comes now is thrown away");
    assert_eq!((client.untaken(), driver.engine.held()), (0, 0));
}

#[test]
fn behind_the_last_piece_the_connection_is_kept() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    driver.send(&client, put("/full", "abc") + &put("/b", "b"));
    assert_eq!(client.take_output(), text(FULL, "", "full") + &digest("b"));
    assert_eq!(driver.handler.logged("finish"), ["finish /b"]);
    let ended = driver.handler.logged("ended /full");
    assert_eq!(ended, ["ended /full 507 Answered(Reuse) 3 bytes upload"]);
    assert!(!client.sees_end());
}

#[test]
fn a_request_without_content_has_a_piece_to_answer() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    driver.send(&client, "GET /full HTTP/1.1\r\nHost: x\r\n\r\n".to_owned() + &put("/b", "b"));
    assert_eq!(client.take_output(), text(FULL, "", "full") + &digest("b"));
}

#[test]
fn chunks_are_unread_until_the_last_has_come() {
    let head = "PUT /full HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (chunks, fields) in [("3\r\nabc\r\n", super::CLOSE), ("3\r\nabc\r\n0\r\n\r\n", "")] {
        let mut driver = recording(Config::default());
        let client = driver.connect();
        driver.send(&client, head.to_owned() + chunks);
        assert_eq!(client.take_output(), text(FULL, fields, "full"));
    }
}

#[test]
fn what_a_partial_take_leaves_of_an_answered_piece_does_not_come_again() {
    let mut driver = recording(Config::default());
    driver.handler.bits.push_back(2);
    let client = driver.connect();
    driver.send(&client, put("/full", "abcdef") + &put("/b", "b"));
    assert_eq!(client.take_output(), text(FULL, "", "full") + &digest("b"));
    let ended = driver.handler.logged("ended /full");
    assert_eq!(ended, ["ended /full 507 Answered(Reuse) 2 bytes upload"]);
    assert_eq!(driver.handler.logged("consume").len(), 2);
    assert!(!driver.engine.resume(driver.handler.id("/full")), "it is over");
    assert_eq!(driver.engine.held(), 0);
}

#[test]
fn a_later_piece_can_be_answered_too() {
    let mut driver = recording(Config::default());
    driver.handler.room = 5;
    let client = driver.connect();
    let head = "PUT /full HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n";
    driver.send(&client, head);
    driver.send(&client, "abc");
    assert_eq!(client.take_output(), CONTINUE);
    driver.send(&client, "def");
    assert_eq!(client.take_output(), refusal(FULL, "full"));
    assert!(driver.handler.logged("ended")[0].contains(" 6 bytes upload"));
}

#[test]
fn an_answered_piece_takes_nothing_from_others_of_its_batch() {
    let mut driver = recording(Config::default());
    let clients = [(); 3].map(|()| driver.connect());
    for (client, target) in clients.iter().zip(["/a", "/full", "/b"]) {
        client.send(&put(target, "abcdef")[..]);
    }
    driver.turn();
    assert_eq!(driver.handler.batches, [3]);
    let outputs = clients.map(|client| client.take_output());
    assert_eq!(outputs, [digest("abcdef"), text(FULL, "", "full"), digest("abcdef")]);
    assert_eq!(driver.engine.stats().answers, 3);
}
