//! What one peer, or many, can take from the others: output, bytes of a turn, turns.

use super::{digest, put, recording};
use streamsum::engine::Config;
use testkit::sim::Client;

// covers: 19.4
#[test]
fn a_peer_that_never_reads_gets_no_more_than_the_bound_and_an_answer() {
    let config = Config::default().max_output(1_000).buffer(4096);
    let mut driver = recording(config);
    let client = driver.connect();
    client.set_window(0);
    driver.send(&client, put("/a", "abc").repeat(1_000));
    let answered = driver.engine.stats().answers as usize;
    let answer = digest("abc").len();
    assert!(answered * answer <= 1_000 + answer, "{answered} answers");
    assert!(client.taken() <= 4096);
    assert!(client.untaken() > 0);
}

#[test]
fn many_small_requests_make_no_longer_turn_than_a_few_large_reads() {
    let config = Config::default().buffer(48 << 10).max_turn(64 << 10);
    let mut driver = recording(config);
    let client = driver.connect();
    client.send(put("/a", "a").repeat(1_000));
    driver.turn();
    let answered = driver.engine.stats().answers;
    assert!((1..=64).contains(&answered), "{answered}");
    driver.settle();
    assert_eq!(client.take_output(), digest("a").repeat(1_000));
}

/// As long as there are bytes for all that it may read.
#[test]
fn a_turn_that_has_bytes_for_another_full_batch_serves_it() {
    // Each visit counts as 1 KiB.
    let batch = 2 * (4096 + 1024);
    for (max_turn, batches) in [(2 * batch, 2), (2 * batch - 1, 1), (3 * batch, 3)] {
        let config = Config::default().buffer(4096).lone_buffer(4096).batch(2).max_turn(max_turn);
        let mut driver = recording(config);
        let clients = [driver.connect(), driver.connect()];
        for client in &clients {
            driver.send(client, put("/a", &"x".repeat(100_000)).trim_end_matches('x'));
        }
        for client in &clients {
            client.send("x".repeat(100_000));
        }
        let before = driver.engine.stats().bytes_read as usize;
        driver.turn();
        let read = driver.engine.stats().bytes_read as usize - before;
        assert_eq!(read, batches * 2 * 4096, "{max_turn}");
    }
}

#[test]
fn many_peers_with_little_to_say_make_no_longer_turn_either() {
    let config = Config::default().buffer(48 << 10).max_turn(64 << 10);
    let mut driver = recording(config);
    let clients: Vec<Client> = (0..1_000).map(|_| driver.connect()).collect();
    for client in &clients {
        client.send("P");
    }
    driver.turn();
    let read = driver.engine.stats().bytes_read;
    assert!((1..=64).contains(&read), "{read} peers");
    driver.settle();
    assert!(clients.iter().all(|client| client.untaken() == 0));
}

#[test]
fn the_smallest_bounds_work() {
    let config =
        Config::default().connections(1).buffer(4096).batch(1).max_turn(4096).max_output(0);
    let held = config.least_held();
    let mut driver = recording(config.max_held(held));
    let client = driver.connect();
    driver.send(&client, put("/a", "abc") + &put("/b", "b"));
    assert_eq!(client.take_output(), digest("abc") + &digest("b"));
}

#[test]
fn a_pipelining_flood_does_not_starve_another_peer() {
    let config = Config::default().buffer(48 << 10).max_turn(64 << 10);
    let mut driver = recording(config);
    let flooding = driver.connect();
    flooding.send(put("/flood", "a").repeat(20_000));
    driver.turn();
    let other = driver.connect();
    other.send(put("/b", "b"));
    driver.turn();
    driver.turn();
    assert_eq!(other.take_output(), digest("b"));
    assert!(flooding.untaken() > 0, "the flood is still there");
}

#[test]
fn a_flood_of_lingering_peers_does_not_starve_another() {
    let config = Config::default().buffer(48 << 10).max_turn(64 << 10);
    let mut driver = recording(config);
    let refused: Vec<Client> = (0..20).map(|_| driver.connect()).collect();
    for client in &refused {
        client.send(put("/refuse", &"x".repeat(900_000)));
    }
    driver.turn();
    let other = driver.connect();
    other.send(put("/b", "b"));
    let mut turns = 0;
    while other.output().is_empty() {
        driver.turn();
        turns += 1;
    }
    assert!(turns <= 20 * 2, "{turns} turns");
}

#[test]
fn lingering_peers_are_read_within_the_bytes_of_a_turn() {
    let config = Config::default().buffer(4096).max_turn(50_000);
    let mut driver = recording(config);
    let refused: Vec<Client> = (0..50).map(|_| driver.connect()).collect();
    for client in &refused {
        client.send("PUT /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 999999\r\n\r\n");
    }
    driver.settle();
    for client in &refused {
        assert!(client.sees_half_close());
        client.send("x".repeat(100_000));
    }
    let before = driver.engine.stats().bytes_read as usize;
    driver.turn();
    let read = driver.engine.stats().bytes_read as usize - before;
    assert!((4096..=50_000 + 4096).contains(&read), "{read}");
}

// covers: 29.1
#[test]
fn a_lingering_peer_is_read_no_more_often_than_an_upload() {
    let mut driver = recording(Config::default());
    let (upload, refused) = (driver.connect(), driver.connect());
    driver.send(&refused, "PUT /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n");
    assert!(refused.sees_half_close());
    driver.send(&upload, "PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n");
    let before = [refused.taken(), upload.taken()];
    for client in [&refused, &upload] {
        client.send("x".repeat(8 << 20));
    }
    for _ in 0..8 {
        driver.turn();
    }
    let read = [refused.taken() - before[0], upload.taken() - before[1]];
    assert!(read[0] > 0 && read[0] <= read[1], "{read:?}");
}

#[test]
fn keys_that_become_free_in_a_turn_are_not_given_out_in_it() {
    let mut driver = recording(Config::default());
    let clients: Vec<Client> = (0..3).map(|_| driver.connect()).collect();
    let keys: Vec<_> = clients.iter().map(|client| driver.key_of(client)).collect();
    clients[1].reset();
    driver.poll();
    // Between the note and the turn that will find the peer gone.
    let newcomer = driver.connect();
    assert!(!keys.contains(&driver.key_of(&newcomer)));
    driver.turn();
    let next = driver.connect();
    assert_eq!(driver.key_of(&next), keys[1]);
}

#[test]
fn thousands_of_peers_with_half_an_upload_hold_nothing() {
    let mut driver = recording(Config::default());
    let clients: Vec<Client> = (0..5_000).map(|_| driver.connect()).collect();
    let request = put("/a", "abcdef");
    for client in &clients {
        client.send(&request[..request.len() - 3]);
    }
    driver.settle();
    assert_eq!((driver.engine.connections(), driver.engine.held()), (5_000, 0));
    for client in &clients {
        client.send("def");
    }
    driver.settle();
    assert!(clients.iter().all(|client| client.take_output() == digest("abcdef")));
}

/// Clients that send without end, each with a body of some length.
fn flood(driver: &mut testkit::sim::Driver<testkit::sim::Recorder>, count: usize) -> Vec<Client> {
    let clients: Vec<Client> = (0..count).map(|_| driver.connect()).collect();
    for client in &clients {
        client.send(put("/flood", &"x".repeat(200_000)));
    }
    clients
}

#[test]
fn a_turn_reads_what_it_may_and_no_more_than_a_buffer_on_top() {
    let config = Config::default().buffer(4096).max_turn(50_000);
    let mut driver = recording(config);
    let clients = flood(&mut driver, 100);
    let mut before = 0;
    for _ in 0..50 {
        driver.turn();
        let read = driver.engine.stats().bytes_read as usize;
        assert!(read - before <= 50_000 + 4096, "{}", read - before);
        assert!(read > before);
        before = read;
    }
    drop(clients);
}

// covers: 29.1
#[test]
fn a_hundred_floods_get_their_fair_share() {
    let config = Config::default().buffer(4096).max_turn(50_000);
    let mut driver = recording(config);
    let clients = flood(&mut driver, 100);
    for _ in 0..60 {
        driver.turn();
    }
    let taken: Vec<usize> = clients.iter().map(Client::taken).collect();
    let (least, most) = (taken.iter().min().unwrap(), taken.iter().max().unwrap());
    assert!(*least > 0 && most - least <= 2 * 4096, "{least} to {most}");
}

#[test]
fn the_bound_holds_however_little_is_read() {
    let config = Config::default().max_output(1_000);
    let mut driver = recording(config);
    let client = driver.connect();
    client.set_window(0);
    driver.send(&client, put("/a", "abc").repeat(1_000));
    let answer = digest("abc").len();
    for window in (1..400).cycle().take(1_000) {
        client.widen(window);
        driver.settle();
        let answered = driver.engine.stats().answers as usize;
        let pending = answered * answer - client.output().len();
        assert!(pending <= 1_000 + answer, "{pending} bytes pending");
    }
    client.widen(usize::MAX / 2);
    driver.settle();
    assert_eq!(client.take_output(), digest("abc").repeat(1_000));
}
