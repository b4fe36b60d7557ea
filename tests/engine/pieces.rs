//! Content in pieces: batches, partial takes, trailers.

use super::{digest, put, recording};
use streamsum::engine::Config;
use streamsum::proto::Response;
use testkit::sim::{Driver, Recorder, text};

fn chunked(target: &str, rest: &str) -> String {
    format!("PUT {target} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{rest}")
}

#[test]
fn what_a_partial_take_leaves_comes_again() {
    let mut driver = recording(Config::default());
    driver.handler.bits.extend([2, 0, 1]);
    let client = driver.connect();
    driver.send(&client, put("/bits", "abcdef"));
    let id = driver.handler.id("/bits");
    assert!(driver.engine.resume(id));
    driver.settle();
    assert!(driver.engine.resume(id));
    driver.settle();
    assert!(driver.engine.resume(id));
    driver.settle();
    assert_eq!(client.take_output(), digest("abcdef"));
    let expected = [
        "consume /bits abcdef 2",
        "consume /bits cdef 0",
        "consume /bits cdef 1",
        "consume /bits def 3 last",
    ];
    assert_eq!(driver.handler.logged("consume"), expected);
    assert_eq!(driver.engine.held(), 0);
}

#[test]
#[should_panic(expected = "cannot leave content: `Handler::may_leave_content` is false")]
fn a_handler_that_says_it_takes_all_has_to() {
    let mut driver = recording(Config::default());
    driver.handler.takes_all = true;
    driver.handler.bits.push_back(2);
    let client = driver.connect();
    driver.send(&client, put("/bits", "abc"));
}

/// Behind a box, too.
#[test]
fn a_handler_in_a_box_may_leave_content() {
    let mut handler = Box::new(Recorder::default());
    handler.bits.push_back(2);
    let mut driver = Driver::<Box<Recorder>>::new(Config::default(), handler);
    let client = driver.connect();
    driver.send(&client, put("/bits", "abcdef"));
    assert!(driver.engine.resume(driver.handler.id("/bits")));
    driver.settle();
    assert_eq!(client.take_output(), digest("abcdef"));
}

#[test]
fn a_partial_take_is_not_resumed_by_itself() {
    let mut driver = recording(Config::default());
    driver.handler.bits.push_back(0);
    let client = driver.connect();
    let request = put("/bits", "abcdef");
    driver.send(&client, &request[..request.len() - 2]);
    driver.send(&client, "ef");
    driver.note_spuriously(&client);
    driver.settle();
    assert_eq!(driver.handler.logged("consume"), ["consume /bits abcd 0"]);
    assert_eq!(client.untaken(), 2);
    let id = driver.handler.id("/bits");
    assert!(driver.engine.resume(id));
    driver.settle();
    assert_eq!(client.take_output(), digest("abcdef"));
}

#[test]
fn a_partial_take_of_chunks_keeps_the_rest_and_what_is_behind() {
    let mut driver = recording(Config::default());
    driver.handler.bits.extend([2, 2]);
    let client = driver.connect();
    let chunks = "3\r\nabc\r\n3;x\r\ndef\r\n0\r\nX-Sum: 1\r\n\r\n";
    driver.send(&client, chunked("/bits", chunks) + &put("/b", "b"));
    let id = driver.handler.id("/bits");
    assert!(driver.engine.resume(id));
    driver.settle();
    assert!(driver.engine.resume(id));
    driver.settle();
    assert_eq!(client.take_output(), digest("abcdef") + &digest("b"));
    assert_eq!(driver.handler.logged("finish"), ["finish /bits X-Sum=1", "finish /b"]);
}

#[test]
fn an_answer_ends_a_pause_and_goes_on_behind_it() {
    let mut driver = recording(Config::default());
    driver.handler.bits.push_back(1);
    let client = driver.connect();
    driver.send(&client, put("/bits", "abcdef") + &put("/b", "b"));
    driver.handler.take_log();
    let id = driver.handler.id("/bits");
    assert!(driver.engine.answer(id, Response::text(409, "enough")));
    driver.settle();
    // All content has arrived, so the next request is known to begin behind it.
    assert_eq!(client.take_output(), text("409 Conflict", "", "enough") + &digest("b"));
    let ended = driver.handler.logged("ended");
    assert_eq!(ended[0], "ended /bits 409 Answered(Reuse) 1 bytes upload");
}

#[test]
fn a_paused_peer_is_not_read() {
    let config = Config::default().buffer(4096);
    let mut driver = recording(config);
    driver.handler.bits.push_back(7);
    let client = driver.connect();
    let content = "y".repeat(50_000);
    driver.send(&client, put("/bits", &content));
    assert_eq!(client.taken(), 4096);
    assert!(driver.engine.held() <= 4096);
    let id = driver.handler.id("/bits");
    assert!(driver.engine.resume(id));
    driver.settle();
    assert_eq!(client.take_output(), digest(&content));
}

#[test]
fn trailers_are_offered_to_finish_however_they_come() {
    let whole = chunked("/a", "1\r\na\r\n0\r\nX-Sum: 1\r\nX-More: two words\r\n\r\n");
    for step in [whole.len(), 1, 7] {
        let mut driver = recording(Config::default());
        let client = driver.connect();
        for part in whole.as_bytes().chunks(step) {
            driver.send(&client, part);
        }
        assert_eq!(client.take_output(), digest("a"));
        assert_eq!(driver.handler.logged("finish"), ["finish /a X-Sum=1 X-More=two words"]);
        assert_eq!(driver.engine.held(), 0);
    }
}

#[test]
fn small_bodies_of_many_peers_share_a_batch() {
    let mut driver = recording(Config::default());
    let clients: Vec<_> = (0..32).map(|_| driver.connect()).collect();
    for client in &clients {
        client.send((0..5).map(|number| put(&format!("/{number}"), "abc")).collect::<String>());
    }
    driver.turn();
    assert_eq!(driver.handler.batches, [32; 5]);
    for client in &clients {
        assert_eq!(client.take_output(), digest("abc").repeat(5));
    }
    let stats = driver.engine.stats();
    assert_eq!((stats.waves, stats.pieces, stats.answers), (5, 160, 160));
}

#[test]
fn a_batch_is_no_wider_than_configured() {
    let mut driver = recording(Config::default().batch(4));
    let clients: Vec<_> = (0..10).map(|_| driver.connect()).collect();
    for client in &clients {
        client.send(put("/a", "abc"));
    }
    driver.turn();
    driver.turn();
    assert_eq!(driver.handler.batches, [4, 4, 2]);
    for client in &clients {
        assert_eq!(client.take_output(), digest("abc"));
    }
}

/// Lanes that would be empty are for those who have become ready since the last poll.
#[test]
fn who_is_left_over_goes_with_those_who_come_meanwhile() {
    let mut driver = recording(Config::default().batch(4));
    let clients: Vec<_> = (0..9).map(|_| driver.connect()).collect();
    clients[..6].iter().for_each(|client| client.send(put("/a", "abc")));
    driver.turn();
    assert_eq!(driver.handler.batches, [4]);
    clients[6..8].iter().for_each(|client| client.send(put("/a", "abc")));
    driver.turn();
    assert_eq!(driver.handler.batches, [4, 4]);
    // Alone from the beginning, one goes on for as long as the turn lasts.
    clients[8].send(put("/a", &"x".repeat(500_000)));
    driver.turn();
    assert_eq!(clients[8].take_output(), digest(&"x".repeat(500_000)));
}

#[test]
fn an_upload_that_is_alone_is_read_in_longer_pieces() {
    let lengths = |driver: &Driver<Recorder>| -> Vec<usize> {
        let lines = driver.handler.logged("consume");
        lines.iter().map(|line| line.split(' ').nth(3).unwrap().parse().unwrap()).collect()
    };
    let config = Config::default().buffer(4096).lone_buffer(10_000);
    let mut driver = recording(config);
    let clients = [driver.connect(), driver.connect()];
    let content = "y".repeat(24_000);
    let request = put("/a", &content);
    let head = request.len() - content.len();
    driver.send(&clients[0], &request[..head]);
    driver.send(&clients[0], &request[head..]);
    assert_eq!(lengths(&driver), [10_000, 10_000, 4_000]);
    assert_eq!(clients[0].take_output(), digest(&content));

    // Nobody is alone beside another who is ready.
    driver.handler.take_log();
    clients.iter().for_each(|client| client.send(&request[..head]));
    driver.settle();
    clients.iter().for_each(|client| client.send(&request[head..]));
    driver.settle();
    assert_eq!(lengths(&driver), [vec![4096; 10], vec![3520; 2]].concat());

    // Nor does a head take the longer buffer.
    driver.handler.take_log();
    driver.send(&clients[0], &request);
    assert_eq!(lengths(&driver)[0], 4096 - head);
}

/// The lanes of two half batches take as long as those of two full ones.
#[test]
fn a_turn_begins_no_batch_that_its_bytes_would_cut_short() {
    let (buffer, batch) = (4096, 4);
    for (tenths, batches) in [(25, 2), (19, 1)] {
        let max_turn = batch * (buffer + 1024) * tenths / 10;
        let config = Config::default().buffer(buffer).batch(batch).max_turn(max_turn);
        let mut driver = recording(config);
        let clients: Vec<_> = (0..6).map(|_| driver.connect()).collect();
        for client in &clients {
            client.send(put("/a", &"x".repeat(100_000)));
        }
        for turn in 1..=10 {
            driver.turn();
            assert_eq!(driver.handler.batches, vec![4; batches * turn], "after {turn} turns");
        }
    }
}

#[test]
fn a_turn_goes_on_while_as_many_peers_are_left_as_were_served_together() {
    for (peers, in_one_turn) in [(8, vec![4, 4]), (7, vec![4])] {
        let mut driver = recording(Config::default().batch(4));
        let clients: Vec<_> = (0..peers).map(|_| driver.connect()).collect();
        for client in &clients {
            client.send(put("/a", "abc"));
        }
        driver.turn();
        assert_eq!(driver.handler.batches, in_one_turn);
    }
}

#[test]
fn content_of_several_reads_adds_up() {
    let config = Config::default().buffer(4096).lone_buffer(4096);
    let mut driver = recording(config);
    let client = driver.connect();
    let content = "0123456789".repeat(5_000);
    driver.send(&client, put("/a", &content));
    assert_eq!(client.take_output(), digest(&content));
    let pieces = driver.handler.logged("consume");
    assert!(pieces.len() >= content.len() / 4096, "{}", pieces.len());
    assert_eq!(pieces.iter().filter(|line| line.ends_with("last")).count(), 1);
}
