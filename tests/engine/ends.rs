//! How requests end, and that each end is told exactly once.

use super::{digest, put, recording, refusal};
use streamsum::engine::{Config, Ready};
use streamsum::handler::PeerAddr;
use streamsum::proto::Response;
use streamsum::resident::Resident;
use testkit::sim::{Driver, Keeps, Recorder};

fn named(kept_target: usize) -> Driver<Recorder> {
    recording(Config::default().kept_target(kept_target))
}

#[test]
fn an_answer_is_reported_with_method_and_target() {
    let mut driver = named(256);
    let client = driver.connect();
    driver.send(&client, put("/a?b", "abc"));
    let ended = "ended /a?b 200 Answered(Reuse) 3 bytes as PUT /a?b";
    assert_eq!(driver.handler.logged("ended"), [ended]);
}

#[test]
fn a_target_is_kept_up_to_its_bound() {
    let mut driver = named(4);
    let client = driver.connect();
    driver.send(&client, put("/abcdef", "") + &put("/ab", ""));
    let expected = [
        "ended /abcdef 200 Answered(Reuse) 0 bytes as PUT /abc",
        "ended /ab 200 Answered(Reuse) 0 bytes as PUT /ab",
    ];
    assert_eq!(driver.handler.logged("ended"), expected);
}

#[test]
fn a_refusal_in_the_head_names_nothing_unless_asked() {
    let mut driver = named(0);
    let client = driver.connect();
    driver.send(&client, "PUT /a HTTP/1.1\r\n\r\n");
    assert_eq!(driver.handler.logged("ended"), ["ended - 400 Refused(HostMissing) 0 bytes"]);
}

#[test]
fn a_refusal_in_the_content_hands_the_upload_back() {
    let mut driver = named(256);
    let client = driver.connect();
    let head = "PUT /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    driver.send(&client, head.to_owned() + "3\r\nabc\r\nx\r\n");
    let output = client.take_output();
    assert_eq!(output, refusal("400 Bad Request", "malformed chunk size"));
    let expected = [
        "begin PUT /a",
        "consume /a abc 3",
        "ended /a 400 Refused(ChunkSize) 3 bytes upload as PUT /a",
    ];
    assert_eq!(driver.handler.take_log(), expected);
}

#[test]
fn a_reset_in_mid_body_hands_the_upload_back() {
    let mut driver = named(0);
    let client = driver.connect();
    driver.send(&client, &put("/a", "abc")[..put("/a", "abc").len() - 1]);
    client.reset();
    driver.settle();
    let expected = ["begin PUT /a", "consume /a ab 2", "ended /a 0 Aborted(Reset) 2 bytes upload"];
    assert_eq!(driver.handler.take_log(), expected);
    assert!(driver.engine.is_empty());
}

#[test]
fn a_reset_while_waiting_paused_or_late_is_seen() {
    for target in ["/wait", "/bits", "/late"] {
        let mut driver = named(0);
        driver.handler.bits.push_back(1);
        let client = driver.connect();
        driver.send(&client, put(target, "abc"));
        client.reset();
        driver.settle();
        let ended = driver.handler.logged("ended").join("");
        assert!(ended.starts_with(&format!("ended {target} 0 Aborted(Reset)")), "{ended}");
        assert_eq!(ended.ends_with("upload"), target != "/late", "{ended}");
        assert!(driver.engine.is_empty(), "{target}");
    }
}

#[test]
fn a_reset_between_requests_ends_no_request() {
    let mut driver = named(0);
    let client = driver.connect();
    driver.send(&client, put("/a", "abc"));
    driver.handler.take_log();
    client.reset();
    driver.settle();
    assert_eq!(driver.handler.take_log(), [""; 0]);
    assert!(driver.engine.is_empty());
}

#[test]
fn a_reset_that_a_write_finds_ends_the_request() {
    let mut driver = named(0);
    let client = driver.connect();
    client.set_window(10);
    driver.send(&client, put("/a", "abc") + &put("/late", ""));
    assert!(client.is_full());
    client.reset();
    driver.settle();
    let ended = driver.handler.logged("ended");
    assert_eq!(ended.len(), 2, "{ended:?}");
    assert_eq!(ended[1], "ended /late 0 Aborted(Reset) 0 bytes");
    assert!(driver.engine.is_empty());
}

#[test]
fn a_truncated_body_is_refused_and_never_finished() {
    let mut driver = named(0);
    let client = driver.connect();
    client.send(&put("/a", "abc")[..put("/a", "abc").len() - 1]);
    client.finish();
    driver.settle();
    assert_eq!(
        client.take_output(),
        refusal("400 Bad Request", "the connection ended before the request did")
    );
    let expected =
        ["begin PUT /a", "consume /a ab 2", "ended /a 400 Refused(Truncated) 2 bytes upload"];
    assert_eq!(driver.handler.take_log(), expected);
    assert!(client.is_closed());
}

#[test]
fn a_truncated_head_is_refused() {
    let mut driver = named(99);
    let client = driver.connect();
    client.send("PUT /a HTTP/1.1\r\nHo");
    client.finish();
    driver.settle();
    assert_eq!(
        client.take_output(),
        refusal("400 Bad Request", "the connection ended before the request did")
    );
    let ended = "ended - 400 Refused(Truncated) 0 bytes as PUT /a";
    assert_eq!(driver.handler.take_log(), [ended]);
}

#[test]
fn a_truncated_body_behind_a_wait_is_refused_when_resumed() {
    let mut driver = named(0);
    let client = driver.connect();
    client.send(&put("/wait", "abc")[..put("/wait", "abc").len() - 1]);
    client.finish();
    driver.settle();
    assert_eq!(client.take_output(), "");
    let id = driver.handler.id("/wait");
    assert!(driver.engine.resume(id));
    driver.settle();
    assert!(client.take_output().starts_with("HTTP/1.1 400 "));
    assert_eq!(driver.handler.logged("finish").len(), 0);
    assert_eq!(driver.handler.logged("ended").len(), 1);
}

#[test]
fn an_end_behind_a_short_read_is_seen() {
    let mut driver = named(0);
    let client = driver.connect();
    driver.send(&client, put("/a", "abc"));
    client.send(put("/b", "b"));
    client.finish();
    driver.settle();
    assert!(client.is_closed());

    // The end is announced after the short read, in an event of its own.
    let client = driver.connect();
    driver.send(&client, put("/a", "abc"));
    client.finish();
    driver.settle();
    assert_eq!(client.take_output(), digest("abc"));
    assert!(client.is_closed());
}

#[test]
fn an_end_that_the_poll_does_not_tell_is_read() {
    let mut driver: Driver<Recorder, false> = Driver::new(Config::default(), Recorder::default());
    let client = driver.connect();
    client.send(put("/a", "abc"));
    client.finish_unannounced();
    driver.settle();
    assert_eq!(client.take_output(), digest("abc"));
    assert!(client.is_closed());
}

#[test]
fn the_peer_is_named_in_requests_and_reports() {
    use streamsum::handler::{Finished, Handler, Piece, Reply, Report, Request, Verdict};

    #[derive(Default)]
    struct Peers(Vec<PeerAddr>);

    impl Resident for Peers {}

    impl Keeps for Peers {}

    impl Handler for Peers {
        type Upload = ();

        fn begin(&mut self, request: Request<'_>) -> Verdict<()> {
            self.0.push(request.peer());
            Verdict::Take(())
        }

        fn consume(&mut self, _: &mut [Piece<()>]) {}

        fn finish(&mut self, _: Finished<'_>, _: ()) -> Reply {
            Reply::Now(streamsum::proto::Response::text(200, ""))
        }

        fn ended(&mut self, report: &Report<'_>, _: Option<()>) {
            self.0.push(report.peer);
        }
    }

    let mut driver: Driver<Peers> = Driver::new(Config::default(), Peers::default());
    let address = PeerAddr::Tcp("192.0.2.1:5".parse().unwrap());
    let client = driver.connect_from(address);
    driver.send(&client, put("/a", "") + "{");
    assert_eq!(driver.handler.0, [address; 3]);
}

#[test]
fn an_end_is_seen_though_the_turn_has_nothing_left() {
    let config = Config::default().buffer(4096).max_turn(4096);
    let mut driver = recording(config);
    let (quiet, loud) = (driver.connect(), driver.connect());
    driver.send(&quiet, put("/a", "abc"));
    quiet.finish();
    loud.send(put("/b", &"x".repeat(20_000)));
    driver.settle();
    assert!(quiet.is_closed());
    assert_eq!(loud.take_output(), digest(&"x".repeat(20_000)));
}

#[test]
fn a_truncated_head_of_method_head_has_no_content_in_its_refusal() {
    let mut driver = named(0);
    let client = driver.connect();
    client.send("HEAD /a HTTP/1.1\r\nHo");
    client.finish();
    driver.settle();
    let output = client.take_output();
    assert!(output.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{output}");
    assert!(output.ends_with("\r\n\r\n"), "{output}");
}

#[test]
fn a_refusal_in_the_head_is_reported_by_its_request_line() {
    let mut driver = named(256);
    for (lead, named) in
        [("", " as PUT /a"), ("\r\n", " as PUT /a"), ("GET", " as GETPUT /a"), ("{", "")]
    {
        let client = driver.connect();
        let head = "PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n";
        driver.send(&client, lead.to_owned() + head);
        let reject = if lead == "{" { "FirstByte" } else { "Length" };
        let ended = format!("ended - 400 Refused({reject}) 0 bytes{named}");
        assert_eq!(driver.handler.take_log(), [ended], "{lead:?}");
    }
}

#[test]
fn an_event_that_tells_of_an_error_or_an_end_alone_is_enough() {
    let error = Ready { error: true, ..Ready::default() };
    let end = Ready { read_closed: true, ..Ready::default() };
    for (ready, is_writing) in [(error, false), (error, true), (end, false)] {
        let mut driver = named(0);
        let client = driver.connect();
        client.set_window(if is_writing { 10 } else { usize::MAX });
        // With its answer over the bound, a peer is not read.
        driver.send(&client, put("/a", "abc").repeat(if is_writing { 500 } else { 1 }));
        if ready.error {
            client.reset()
        } else {
            client.finish()
        }
        let key = driver.key_of(&client);
        client.take_edges();
        driver.engine.note(key, ready);
        driver.settle();
        assert!(driver.engine.is_empty(), "{ready:?}, writing: {is_writing}");
    }
}

#[test]
fn what_could_not_be_written_to_one_peer_reaches_no_other() {
    let mut driver = recording(Config::default());
    let broken = driver.connect();
    driver.send(&broken, put("/late", ""));
    let id = driver.handler.id("/late");
    broken.reset();
    assert!(driver.engine.answer(id, Response::text(200, "for nobody else")));
    driver.settle();
    assert!(broken.is_closed());
    let other = driver.connect();
    driver.send(&other, put("/a", "abc"));
    assert_eq!(other.take_output(), digest("abc"));
}
