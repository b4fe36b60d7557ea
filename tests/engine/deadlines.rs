//! How long peers may take, and when that time does not run.

use std::time::Duration;

use super::{CONTINUE, assert_answer, put, recording};
use streamsum::engine::{Config, Ready, Timeouts};
use streamsum::proto::Response;
use testkit::content;
use testkit::sim::{Client, Driver, Recorder, text};

fn default() -> Driver<Recorder> {
    recording(Config::default())
}

/// How many seconds pass until a client sees the end, with the grain of a second.
fn seconds_until_end(driver: &mut Driver<Recorder>, client: &Client) -> usize {
    let start = driver.clock.elapsed();
    while !client.sees_end() {
        assert!(driver.clock.elapsed() - start < Duration::from_secs(1000), "no end");
        driver.advance_secs(1.0);
    }
    (driver.clock.elapsed() - start).as_secs() as usize
}

// covers: 7.7
#[test]
fn a_peer_that_is_silent_from_the_start_is_closed_silently() {
    let mut driver = default();
    let client = driver.connect();
    assert_eq!(seconds_until_end(&mut driver, &client), 10);
    assert_eq!(client.take_output(), "");
    assert!(client.is_closed());
    assert_eq!(driver.handler.take_log(), [""; 0]);
    assert!(driver.engine.is_empty());
}

// covers: 7.6 25.2
#[test]
fn half_a_head_is_told_that_it_took_too_long() {
    let mut driver = recording(Config::default().kept_target(99));
    let client = driver.connect();
    driver.advance_secs(3.0);
    driver.send(&client, "PUT /a HTTP/1.1\r\nHost");
    assert_eq!(seconds_until_end(&mut driver, &client), 7, "counted from the connection on");
    let output = client.take_output();
    assert_answer(&output, "408 Request Timeout", "the head did not arrive in time");
    assert!(output.contains("\r\nConnection: close\r\n"), "{output}");
    let ended = "ended - 408 Refused(HeadTimeout) 0 bytes as PUT /a: \
                 21 bytes in 10.0s, not all within 10.0s";
    assert_eq!(driver.handler.take_log(), [ended]);
    assert!(client.sees_half_close());
}

// covers: 26.1
#[test]
fn a_drip_of_bytes_does_not_extend_the_head() {
    let mut driver = default();
    let client = driver.connect();
    driver.send(&client, "PUT /");
    for _ in 0..99 {
        driver.advance_secs(0.1);
        driver.send(&client, "a");
    }
    assert!(!client.sees_end());
    driver.advance_secs(0.2);
    assert!(client.take_output().starts_with("HTTP/1.1 408 "));
}

#[test]
fn a_head_behind_an_answer_is_timed_from_its_first_byte() {
    let mut driver = default();
    let client = driver.connect();
    driver.send(&client, put("/a", ""));
    client.take_output();
    driver.advance_secs(50.0);
    driver.send(&client, "P");
    driver.advance_secs(9.0);
    assert_eq!(client.take_output(), "");
    driver.advance_secs(1.0);
    assert!(client.take_output().starts_with("HTTP/1.1 408 "));
    let ended = "ended - 408 Refused(HeadTimeout) 0 bytes: 1 bytes in 10.0s, not all within 10.0s";
    assert_eq!(driver.handler.logged("ended - "), [ended]);
}

#[test]
fn a_drip_of_bytes_behind_an_answer_does_not_extend_the_head() {
    let mut driver = default();
    let client = driver.connect();
    driver.send(&client, put("/a", ""));
    client.take_output();
    driver.advance_secs(50.0);
    for byte in "PUT /aaaa".split("") {
        driver.send(&client, byte);
        driver.advance_secs(1.0);
    }
    assert!(client.take_output().starts_with("HTTP/1.1 408 "));
}

// covers: 26.2
#[test]
fn an_idle_peer_is_closed_silently() {
    let mut driver = default();
    let client = driver.connect();
    driver.send(&client, put("/a", "abc"));
    client.take_output();
    driver.handler.take_log();
    assert_eq!(seconds_until_end(&mut driver, &client), 75);
    assert_eq!(client.take_output(), "");
    assert!(client.is_closed());
    assert_eq!(driver.handler.take_log(), [""; 0]);
}

// covers: 18.12
#[test]
fn the_idle_timeout_in_force_is_told_so_that_the_client_closes_first() {
    let timeouts = Timeouts::default().idle(Duration::from_millis(5_900));
    let mut driver = recording(Config::default().timeouts(timeouts));
    let client = driver.connect();
    driver.send(&client, "GET /a HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n");
    let told = "Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n";
    assert_eq!(client.take_output(), text("200 OK", told, &content::digest(b"")));
    driver.advance_secs(5.0);
    assert!(!client.sees_end(), "what was told holds");
    driver.advance_secs(1.0);
    assert!(client.is_closed());
}

// covers: 26.3
#[test]
fn content_that_stalls_is_refused_and_handed_back() {
    let mut driver = default();
    let client = driver.connect();
    driver.advance_secs(5.0);
    driver.send(&client, &put("/a", &"x".repeat(10_000))[..9_000]);
    driver.handler.take_log();
    assert_eq!(seconds_until_end(&mut driver, &client), 30);
    let output = client.take_output();
    assert_answer(&output, "408 Request Timeout", "the content did not arrive in time");
    let ended = "ended /a 408 Refused(BodyTimeout) 8949 bytes after 30s upload: \
                 8949 bytes in 30.0s, none for 30.0s";
    assert_eq!(driver.handler.take_log(), [ended]);
}

#[test]
fn an_event_without_bytes_does_not_extend_content() {
    let mut driver = default();
    let client = driver.connect();
    driver.send(&client, &put("/a", &"x".repeat(10_000))[..9_000]);
    for _ in 0..29 {
        driver.advance_secs(1.0);
        driver.note_spuriously(&client);
        driver.settle();
    }
    assert!(!client.sees_end());
    driver.advance_secs(1.0);
    assert!(client.take_output().starts_with("HTTP/1.1 408 "));
}

#[test]
fn content_that_never_begins_is_asked_for_and_refused() {
    let mut driver = default();
    let client = driver.connect();
    let head = "PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n";
    driver.send(&client, head);
    assert_eq!(client.take_output(), CONTINUE);
    assert_eq!(seconds_until_end(&mut driver, &client), 30);
    assert!(client.take_output().starts_with("HTTP/1.1 408 "));
    let ended = "ended /a 408 Refused(BodyTimeout) 0 bytes after 30s upload: \
                 0 bytes in 30.0s, none for 30.0s";
    assert_eq!(driver.handler.logged("ended"), [ended]);
}

// covers: 26.4
#[test]
fn a_source_that_thinks_before_its_first_byte_is_left_to_the_stall_limit() {
    let mut driver = default();
    let client = driver.connect();
    driver.send(&client, "PUT /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    driver.advance_secs(25.0);
    assert_eq!(client.take_output(), "");
    // Little at first, which is judged when its own 20 s are over.
    driver.send(&client, "1\r\na\r\n");
    driver.advance_secs(19.0);
    driver.send(&client, format!("{:x}\r\n{}\r\n0\r\n\r\n", 5_000, "b".repeat(5_000)));
    let content = format!("a{}", "b".repeat(5_000));
    assert_answer(&client.take_output(), "200 OK", &content::digest(content.as_bytes()));
}

// covers: 26.4
#[test]
fn the_rate_counts_from_the_first_byte_of_content() {
    let mut driver = default();
    let client = driver.connect();
    driver.send(&client, "PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
    driver.advance_secs(25.0);
    for _ in 0..20 {
        assert!(!client.sees_end());
        driver.send(&client, "x".repeat(230));
        driver.advance_secs(1.0);
    }
    assert!(client.take_output().starts_with("HTTP/1.1 408 "));
    let ended = "ended /a 408 Refused(BodyTimeout) 4600 bytes after 45s upload: \
                 4600 bytes in 20.0s, less than 240 a second";
    assert_eq!(driver.handler.logged("ended"), [ended]);
}

// covers: 26.4
#[test]
fn content_that_came_with_its_head_counts_from_there() {
    let mut driver = default();
    let client = driver.connect();
    let request = put("/a", &"x".repeat(10_000));
    driver.send(&client, &request[..request.len() - 9_999]);
    driver.advance_secs(10.0);
    driver.send(&client, "x");
    assert_eq!(seconds_until_end(&mut driver, &client), 10);
    let ended = "ended /a 408 Refused(BodyTimeout) 2 bytes after 20s upload: \
                 2 bytes in 20.0s, less than 240 a second";
    assert_eq!(driver.handler.logged("ended"), [ended]);
}

#[test]
fn without_a_stall_limit_content_may_begin_at_any_time() {
    let timeouts = Timeouts::default().body(None);
    let mut driver = recording(Config::default().timeouts(timeouts));
    let client = driver.connect();
    let request = put("/a", "abc");
    driver.send(&client, &request[..request.len() - 3]);
    driver.advance_secs(1000.0);
    driver.send(&client, "a");
    assert_eq!(seconds_until_end(&mut driver, &client), 20);
}

// covers: 26.4
#[test]
fn content_below_the_rate_is_refused_once_the_grace_is_over() {
    let mut driver = default();
    let client = driver.connect();
    let content = "x".repeat(230);
    let head = "PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n";
    driver.send(&client, head.to_owned() + &content);
    for _ in 0..19 {
        driver.advance_secs(1.0);
        driver.send(&client, &content);
    }
    assert!(!client.sees_end());
    driver.advance_secs(1.0);
    assert!(client.take_output().starts_with("HTTP/1.1 408 "));
    let ended = "ended /a 408 Refused(BodyTimeout) 4600 bytes after 20s upload: \
                 4600 bytes in 20.0s, less than 240 a second";
    assert_eq!(driver.handler.logged("ended"), [ended]);
}

#[test]
fn content_above_the_rate_may_take_for_ever() {
    let mut driver = default();
    let client = driver.connect();
    let content = "x".repeat(260 * 600);
    driver.send(&client, &put("/a", &content)[..put("/a", &content).len() - content.len()]);
    for part in content.as_bytes().chunks(260) {
        driver.send(&client, part);
        driver.advance_secs(1.0);
    }
    assert_answer(&client.take_output(), "200 OK", &content::digest(content.as_bytes()));
}

// covers: 26.4
#[test]
fn twenty_four_bytes_at_four_a_second_are_honest() {
    let mut driver = default();
    let client = driver.connect();
    let content = "0123456789abcdefghijklmn";
    let request = put("/a", content);
    driver.send(&client, &request[..request.len() - 24]);
    for part in content.as_bytes().chunks(1) {
        driver.advance_secs(0.25);
        driver.send(&client, part);
    }
    assert_answer(&client.take_output(), "200 OK", &content::digest(content.as_bytes()));
}

// covers: 26.5
#[test]
fn a_peer_that_reads_nothing_is_given_up() {
    let mut driver = default();
    let client = driver.connect();
    client.set_window(0);
    driver.send(&client, put("/a", "abc") + &put("/late", ""));
    driver.handler.take_log();
    assert_eq!(seconds_until_end(&mut driver, &client), 30);
    assert!(client.is_closed());
    let ended = "ended /late 0 Aborted(NotReading) 0 bytes after 30s";
    assert_eq!(driver.handler.take_log(), [ended]);
}

#[test]
fn a_peer_that_reads_a_byte_now_and_then_is_not_given_up() {
    let mut driver = default();
    let client = driver.connect();
    client.set_window(0);
    driver.send(&client, put("/a", "abc") + "GET /b HTTP/1.0\r\n\r\n");
    for _ in 0..10 {
        driver.advance_secs(29.0);
        client.widen(1);
        driver.settle();
    }
    assert!(!client.is_closed());
    client.widen(10_000);
    driver.settle();
    assert_eq!(client.take_output().matches("HTTP/1.1 200 OK").count(), 2);
}

// covers: 25.8
#[test]
fn a_late_answer_has_a_deadline_of_its_own() {
    let mut driver = default();
    let client = driver.connect();
    driver.send(&client, put("/late", "abc") + &put("/b", "b"));
    driver.handler.take_log();
    let id = driver.handler.id("/late");
    assert_eq!(seconds_until_end(&mut driver, &client), 60);
    let output = client.take_output();
    assert_answer(&output, "503 Service Unavailable", "the answer was not ready in time");
    assert_eq!(driver.handler.take_log(), ["ended /late 503 Refused(Late) 3 bytes after 60s"]);
    assert!(!driver.engine.answer(id, Response::text(200, "")));
}

#[test]
fn a_late_verdict_has_the_same() {
    let mut driver = default();
    let client = driver.connect();
    driver.send(&client, put("/wait", "abc"));
    driver.handler.take_log();
    let id = driver.handler.id("/wait");
    assert_eq!(seconds_until_end(&mut driver, &client), 60);
    assert!(client.take_output().starts_with("HTTP/1.1 503 "));
    assert_eq!(
        driver.handler.take_log(),
        ["ended /wait 503 Refused(Late) 0 bytes after 60s upload"]
    );
    assert!(!driver.engine.resume(id));
}

#[test]
fn no_time_passes_while_an_upload_is_paused() {
    let mut driver = default();
    driver.handler.bits.push_back(0);
    let client = driver.connect();
    let request = put("/bits", "abcdef");
    driver.send(&client, &request[..request.len() - 1]);
    driver.advance_secs(1000.0);
    assert_eq!(client.take_output(), "");
    let id = driver.handler.id("/bits");
    assert!(driver.engine.resume(id));
    driver.settle();
    driver.advance_secs(15.0);
    driver.send(&client, "f");
    assert_answer(&client.take_output(), "200 OK", &content::digest(b"abcdef"));
}

#[test]
fn the_numbers_of_a_refusal_leave_out_a_pause() {
    let mut driver = default();
    driver.handler.bits.push_back(0);
    let client = driver.connect();
    let request = put("/bits", "abcdef");
    driver.send(&client, &request[..request.len() - 1]);
    driver.advance_secs(1000.0);
    assert!(driver.engine.resume(driver.handler.id("/bits")));
    driver.settle();
    driver.advance_secs(30.0);
    let ended = "ended /bits 408 Refused(BodyTimeout) 5 bytes after 1020s upload: \
                 5 bytes in 20.0s, less than 240 a second";
    assert_eq!(driver.handler.logged("ended"), [ended]);
}

#[test]
fn no_deadline_is_looked_at_when_all_are_off() {
    let timeouts =
        Timeouts::default().head(None).idle(None).body(None).min_rate(None).write(None).late(None);
    let mut driver = recording(Config::default().timeouts(timeouts));
    let clients: Vec<_> = (0..6).map(|_| driver.connect()).collect();
    driver.send(&clients[1], "PUT");
    driver.send(&clients[2], put("/a", ""));
    driver.send(&clients[3], &put("/a", "abc")[..put("/a", "abc").len() - 1]);
    driver.send(&clients[4], put("/late", "abc"));
    clients[5].set_window(0);
    driver.send(&clients[5], put("/a", ""));
    driver.advance_secs(1000.0);
    assert!(clients.iter().all(|client| !client.sees_end()));
}

#[test]
fn an_engine_without_peers_has_no_deadline() {
    let mut driver = default();
    assert_eq!(driver.engine.deadline(driver.clock.now()), None);
    let client = driver.connect();
    driver.settle();
    let now = driver.clock.now();
    assert!(driver.engine.deadline(now).is_some_and(|due| due > now.monotonic));
    client.reset();
    driver.settle();
    assert_eq!(driver.engine.deadline(driver.clock.now()), None);
}

#[test]
fn a_deadline_is_told_though_the_clock_has_jumped_back() {
    let mut driver = default();
    let before = driver.clock;
    let client = driver.connect();
    driver.advance_secs(5.0);
    // Not what `Now` promises, but no reason to panic.
    driver.clock = before;
    driver.send(&client, put("/a", "abc"));
    assert!(client.take_output().starts_with("HTTP/1.1 200 "));
}

#[test]
fn the_date_is_that_of_the_answer() {
    let mut driver = default();
    let client = driver.connect();
    driver.advance_secs(5.0);
    driver.send(&client, put("/a", "abc"));
    let output = client.take_output();
    assert!(output.contains("\r\nDate: Sun, 06 Nov 1994 08:49:42 GMT\r\n"), "{output}");
}

#[test]
fn no_time_passes_while_a_peer_stands_in_the_queue() {
    let config = Config::default().buffer(4096).max_turn(4096);
    let mut driver = recording(config);
    let clients: Vec<_> = (0..20).map(|_| driver.connect()).collect();
    let content = "x".repeat(6_000);
    for client in &clients {
        client.send(&put("/a", &content)[..2_000]);
    }
    driver.settle();
    for client in &clients {
        client.send(&put("/a", &content)[2_000..]);
    }
    // One turn in 20 s: an engine so overloaded serves each of them after minutes.
    for _ in 0..200 {
        driver.turn();
        driver.clock.advance(Duration::from_secs(20));
    }
    for client in &clients {
        assert_answer(&client.take_output(), "200 OK", &content::digest(content.as_bytes()));
    }
}

#[test]
fn a_peer_that_reads_nothing_cannot_drip_a_head_for_ever() {
    let mut driver = default();
    let client = driver.connect();
    client.set_window(0);
    driver.send(&client, put("/a", "abc") + "PUT /");
    for _ in 0..50 {
        driver.send(&client, "b");
        driver.advance_secs(1.0);
    }
    assert!(client.is_closed(), "50 s for a head");
}

/// An upload that takes 50 s.
fn upload_slowly(driver: &mut Driver<Recorder>, client: &Client, target: &str) {
    let request = put(target, &"x".repeat(300 * 50));
    let (head, content) = request.split_at(request.len() - 300 * 50);
    driver.send(client, head);
    for part in content.as_bytes().chunks(300) {
        driver.advance_secs(1.0);
        driver.send(client, part);
    }
    driver.handler.take_log();
}

/// Less time to be idle than to take an answer.
fn sooner_idle_than_stuck() -> Driver<Recorder> {
    let seconds = Duration::from_secs;
    recording(Config::default().timeouts(Timeouts::default().idle(seconds(5)).write(seconds(30))))
}

#[test]
fn a_peer_that_has_an_answer_to_take_is_not_idle() {
    let mut driver = sooner_idle_than_stuck();
    let client = driver.connect();
    client.set_window(10);
    driver.send(&client, put("/a", "abc"));
    driver.advance_secs(29.0);
    assert!(!client.sees_end());
    driver.advance_secs(1.0);
    assert!(client.is_closed(), "it does not read");
}

#[test]
fn an_answer_is_timed_from_when_it_waits() {
    let seconds = Duration::from_secs;
    let timeouts = Timeouts::default().idle(None).write(seconds(5));
    let mut driver = recording(Config::default().timeouts(timeouts));
    let client = driver.connect();
    driver.send(&client, put("/a", "abc"));
    driver.advance_secs(100.0);
    client.set_window(10);
    driver.send(&client, put("/b", "b"));
    driver.advance_secs(4.0);
    assert!(!client.is_closed());
    driver.advance_secs(1.0);
    assert!(client.is_closed());
}

#[test]
fn room_that_is_none_gives_a_peer_no_time() {
    let mut driver = sooner_idle_than_stuck();
    let client = driver.connect();
    client.set_window(10);
    driver.send(&client, put("/a", "abc"));
    for _ in 0..29 {
        driver.advance_secs(1.0);
        driver.note_spuriously(&client);
    }
    assert!(!client.is_closed());
    driver.advance_secs(1.0);
    assert!(client.is_closed());
}

#[test]
fn a_peer_is_idle_from_its_answer_on() {
    let mut driver = default();
    let client = driver.connect();
    upload_slowly(&mut driver, &client, "/a");
    assert!(client.take_output().starts_with("HTTP/1.1 200 "));
    assert_eq!(seconds_until_end(&mut driver, &client), 75);
}

#[test]
fn a_peer_is_idle_once_it_has_taken_its_answer() {
    let mut driver = default();
    let client = driver.connect();
    client.set_window(0);
    driver.send(&client, put("/a", "abc"));
    for _ in 0..3 {
        driver.advance_secs(29.0);
        client.widen(1);
        driver.settle();
    }
    client.set_window(usize::MAX);
    driver.settle();
    assert!(client.take_output().starts_with("HTTP/1.1 200 "));
    assert_eq!(seconds_until_end(&mut driver, &client), 75);
}

#[test]
fn no_time_passes_while_what_was_written_before_is_not_taken() {
    let mut driver = recording(Config::default().max_output(160));
    let client = driver.connect();
    client.set_window(0);
    let head = "PUT /b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";
    driver.send(&client, put("/a", "") + head);
    client.send("abc");
    for _ in 0..3 {
        driver.advance_secs(20.0);
        client.widen(1);
        driver.settle();
        assert_eq!(client.untaken(), 3, "it is not read");
    }
    client.set_window(usize::MAX);
    driver.settle();
    let output = client.take_output();
    assert_eq!(output.matches("HTTP/1.1 200 OK").count(), 2, "{output}");
}

#[test]
fn an_answer_is_late_from_the_end_of_the_content_on() {
    let mut driver = default();
    let client = driver.connect();
    upload_slowly(&mut driver, &client, "/late");
    assert_eq!(seconds_until_end(&mut driver, &client), 60);
    assert!(client.take_output().starts_with("HTTP/1.1 503 "));
}

#[test]
fn a_loop_that_slept_for_an_hour_gives_nobody_an_hour() {
    let mut driver = default();
    driver.advance_secs(3600.0);
    driver.handler.bits.push_back(1);
    let client = driver.connect();
    driver.send(&client, &put("/bits", "abcdef")[..put("/bits", "abc").len()]);
    let id = driver.handler.id("/bits");
    assert!(driver.engine.resume(id));
    assert!(seconds_until_end(&mut driver, &client) <= 30);
    assert!(client.take_output().starts_with("HTTP/1.1 408 "));
}

#[test]
fn time_in_which_the_loop_did_not_run_is_nobodys() {
    let mut driver = default();
    let (noted, unnoted) = (driver.connect(), driver.connect());
    let request = put("/a", "abcdef");
    for client in [&noted, &unnoted] {
        driver.send(client, &request[..request.len() - 3]);
    }
    driver.clock.advance(Duration::from_secs(100));
    noted.send("def");
    unnoted.send("def");
    // The first lot of events names one of them only.
    let key = driver.key_of(&noted);
    driver.engine.note(key, Ready { readable: true, ..Ready::default() });
    driver.engine.turn(driver.clock.now(), &mut driver.handler);
    driver.settle();
    for client in [&noted, &unnoted] {
        assert_answer(&client.take_output(), "200 OK", &content::digest(b"abcdef"));
    }
}

#[test]
fn a_peer_that_sends_all_the_time_must_read_as_well() {
    let mut driver = default();
    let client = driver.connect();
    client.set_window(0);
    let head = "PUT /b HTTP/1.1\r\nHost: x\r\nContent-Length: 999999\r\n\r\n";
    driver.send(&client, put("/a", "abc") + head);
    for _ in 0..29 {
        driver.advance_secs(1.0);
        driver.send(&client, "y".repeat(1000));
    }
    assert!(!client.is_closed());
    driver.advance_secs(2.0);
    assert!(client.is_closed());
}

/// What becomes of a request whose verdict or answer is late, with a deadline of its own: after
/// how many seconds it is refused.
fn seconds_until_late(target: &str, limit: Duration) -> usize {
    let mut driver = default();
    driver.handler.patience = Some(Some(limit));
    let client = driver.connect();
    driver.send(&client, put(target, "abc"));
    let seconds = seconds_until_end(&mut driver, &client);
    assert!(client.take_output().starts_with("HTTP/1.1 503 "));
    seconds
}

#[test]
fn a_late_word_may_have_a_deadline_of_its_own() {
    for target in ["/wait", "/late"] {
        for seconds in [1, 5, 600] {
            let limit = Duration::from_secs(seconds as u64);
            assert_eq!(seconds_until_late(target, limit), seconds, "{target}");
        }
        for (millis, seconds) in [(0, 1), (10, 1), (2_001, 3)] {
            let limit = Duration::from_millis(millis);
            assert_eq!(seconds_until_late(target, limit), seconds, "{target} {millis} ms");
        }
    }
}

#[test]
fn a_late_word_may_have_no_deadline() {
    for target in ["/wait", "/late"] {
        let mut driver = default();
        driver.handler.patience = Some(None);
        let client = driver.connect();
        driver.send(&client, put(target, "abc"));
        driver.advance_secs(100_000.0);
        assert!(!client.sees_end());
        let id = driver.handler.id(target);
        assert!(driver.engine.answer(id, Response::text(200, "done")));
        driver.settle();
        assert_answer(&client.take_output(), "200 OK", "done");
    }
}

/// The time that was set for the request is for the answer, too, unless that sets its own.
#[test]
fn a_deadline_of_a_request_is_for_all_late_words() {
    let mut driver = default();
    driver.handler.patience = Some(Some(Duration::from_secs(5)));
    let client = driver.connect();
    driver.send(&client, put("/wait-late", "abc"));
    driver.handler.patience = None;
    driver.advance_secs(4.0);
    assert!(driver.engine.resume(driver.handler.id("/wait-late")));
    driver.settle();
    assert_eq!(driver.handler.logged("finish"), ["finish /wait-late"]);
    assert_eq!(seconds_until_end(&mut driver, &client), 5);
}
