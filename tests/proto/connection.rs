//! What a caller of the protocol core can do besides taking content and answering it:
//! answer early, refuse, see the end of the stream while a request is pending.

use streamsum::proto::{
    After, Awaits, CloseReason, Connection, Date, End, Event, Limits, Reject, Response,
    request_line,
};

const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const HEAD: &str = "HEAD / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n";

/// A connection that has seen the beginning of a head.
fn begun(input: &str) -> Connection {
    let mut connection = Connection::new(Limits::default());
    assert_begins(&mut connection, input, 0);
    connection
}

/// One that has seen the head of a request and no more.
fn with_head(head: &str) -> Connection {
    let mut connection = Connection::new(Limits::default());
    let mut input = head.as_bytes().to_vec();
    let step = connection.receive(&mut input).unwrap();
    assert!(matches!(step.event, Event::Head(_)));
    assert_eq!(step.used, head.len());
    connection
}

/// One that has taken it, and this content.
fn with_content(head: &str, content: &str) -> Connection {
    let mut connection = with_head(head);
    connection.accept(&mut Vec::new());
    let mut input = content.as_bytes().to_vec();
    assert_eq!(connection.receive(&mut input).unwrap().used, content.len());
    connection
}

fn respond(connection: &mut Connection, response: &Response) -> (After, String) {
    let mut out = Vec::new();
    let after = connection.respond(response, &Date::new(std::time::UNIX_EPOCH), &mut out);
    (after, String::from_utf8(out).unwrap())
}

fn reject(connection: &mut Connection, reject: Reject) -> (After, String) {
    let mut out = Vec::new();
    let date = Date::new(std::time::UNIX_EPOCH);
    let after = connection.reject(reject, &reject.response(), &date, &mut out);
    (after, String::from_utf8(out).unwrap())
}

#[track_caller]
fn assert_waits(connection: &mut Connection, input: &str, used: usize) {
    let mut input = input.as_bytes().to_vec();
    let step = connection.receive(&mut input).unwrap();
    assert!(matches!(step.event, Event::Wait), "{:?}", step.event);
    assert_eq!(step.used, used);
}

#[track_caller]
fn assert_begins(connection: &mut Connection, input: &str, used: usize) {
    let mut input = input.as_bytes().to_vec();
    let step = connection.receive(&mut input).unwrap();
    assert!(matches!(step.event, Event::HeadBegun), "{:?}", step.event);
    assert_eq!(step.used, used);
}

#[test]
fn the_content_length_is_known_from_the_head_to_the_answer() {
    let put = "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n";
    assert_eq!(begun("PUT / HTTP/1.1\r\nContent-Length: 3\r\n").content_length(), None);
    assert_eq!(with_head(put).content_length(), Some(3));
    assert_eq!(with_content(put, "").content_length(), Some(3));
    assert_eq!(with_content(put, "ab").content_length(), Some(3));
    let mut connection = with_content(put, "abc");
    assert_eq!((connection.awaits(), connection.content_length()), (Awaits::Response, Some(3)));
    let _ = respond(&mut connection, &Response::text(200, ""));
    assert_eq!(connection.content_length(), None);
    assert_eq!(with_head(GET).content_length(), Some(0));
    assert_eq!(with_content(GET, "").content_length(), Some(0));
}

#[test]
fn the_content_length_of_chunks_is_not_known() {
    let chunked = "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    for content in ["", "3\r\nab", "3\r\nabc\r\n0\r\n\r\n"] {
        assert_eq!(with_content(chunked, content).content_length(), None);
    }
}

#[test]
fn the_content_length_of_a_refused_request_is_not_known() {
    let mut connection =
        with_content("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n", "a");
    assert_eq!(connection.ended(), End::Truncated(Reject::Truncated));
    assert_eq!(connection.content_length(), None);
}

// covers: 19.1
#[test]
fn the_next_request_waits_while_one_is_pending() {
    let mut connection = with_head(GET);
    assert_waits(&mut connection, GET, 0);
    assert_eq!(connection.awaits(), Awaits::Decision);
    let mut connection = with_content(GET, "");
    assert_waits(&mut connection, GET, 0);
    assert_eq!(connection.awaits(), Awaits::Response);
    let (after, _) = respond(&mut connection, &Response::text(200, ""));
    assert_eq!((after, connection.awaits()), (After::Reuse, Awaits::Idle));
    assert!(matches!(connection.receive(&mut GET.as_bytes().to_vec()), Ok(step) if step.used > 0));
}

// covers: 2.1
#[test]
fn a_head_begins_with_its_first_byte_and_not_with_empty_lines() {
    let mut connection = Connection::new(Limits::default());
    assert_waits(&mut connection, "\r\n\r", 2);
    assert_eq!(connection.awaits(), Awaits::Idle);
    assert_begins(&mut connection, "\r\nG", 2);
    assert_eq!(connection.awaits(), Awaits::Head);
}

// covers: 19.2 20.3
#[test]
fn a_closed_connection_ignores_input() {
    let mut connection = with_content("GET / HTTP/1.0\r\n\r\n", "");
    let _ = respond(&mut connection, &Response::text(200, ""));
    assert_eq!(connection.awaits(), Awaits::Nothing);
    assert_waits(&mut connection, GET, GET.len());
    assert_eq!(connection.ended(), End::Clean);
}

// covers: 18.5 19.2 20.3
#[test]
fn a_refusal_is_reported_until_it_is_written() {
    let mut connection = Connection::new(Limits::default());
    let mut input = b" ".to_vec();
    for _ in 0..2 {
        assert_eq!(connection.receive(&mut input).unwrap_err(), Reject::FirstByte);
        assert_eq!(connection.awaits(), Awaits::Rejection);
        input = GET.as_bytes().to_vec();
    }
    assert_eq!(connection.ended(), End::Clean);
    let (after, out) = reject(&mut connection, Reject::FirstByte);
    assert_eq!(after, After::Close(CloseReason::Rejected(Reject::FirstByte)));
    assert!(out.contains("Connection: close\r\n"), "{out}");
    assert_waits(&mut connection, GET, GET.len());
}

// covers: 20.1
#[test]
fn the_end_of_the_stream_keeps_a_complete_request() {
    for mut connection in [with_head(GET), with_content(GET, ""), with_content(HEAD, "ab")] {
        assert_eq!(connection.ended(), End::Clean);
        let (after, out) = respond(&mut connection, &Response::text(200, ""));
        assert_eq!(after, After::Reuse);
        assert!(out.starts_with("HTTP/1.1 200 OK\r\n"), "{out}");
    }
    // Taken, but not looked at again before the end came.
    let mut connection = with_head(GET);
    connection.accept(&mut Vec::new());
    assert_eq!(connection.ended(), End::Clean);
}

// covers: 15.3
#[test]
fn the_end_of_the_stream_waits_for_a_decision() {
    let mut connection = with_head(HEAD);
    assert_eq!(connection.ended(), End::Clean);
    connection.accept(&mut Vec::new());
    assert_eq!(connection.ended(), End::Truncated(Reject::Truncated));
}

// covers: 15.3
#[test]
fn the_end_of_the_stream_within_a_request_is_reported_until_it_is_written() {
    for mut connection in [begun("GET /"), with_content(HEAD, "a")] {
        assert_eq!(connection.ended(), End::Truncated(Reject::Truncated));
        for mut more in [GET.as_bytes().to_vec(), Vec::new()] {
            assert_eq!(connection.receive(&mut more).unwrap_err(), Reject::Truncated);
        }
        let (after, out) = reject(&mut connection, Reject::Truncated);
        assert_eq!(after, After::Close(CloseReason::Rejected(Reject::Truncated)));
        assert!(out.starts_with("HTTP/1.1 400 "), "{out}");
    }
}

// covers: 18.5
#[test]
fn a_request_is_rejected_in_every_state() {
    let refused = || {
        let mut connection = Connection::new(Limits::default());
        assert_eq!(connection.receive(&mut b" ".to_owned()).unwrap_err(), Reject::FirstByte);
        connection
    };
    let states = [
        (Connection::new(Limits::default()), Awaits::Idle),
        (begun("GET /"), Awaits::Head),
        (with_head(GET), Awaits::Decision),
        (with_content(HEAD, "a"), Awaits::Body),
        (with_content(GET, ""), Awaits::Response),
        (refused(), Awaits::Rejection),
    ];
    for (mut connection, awaits) in states {
        assert_eq!(connection.awaits(), awaits);
        let (after, out) = reject(&mut connection, Reject::Late);
        assert_eq!(after, After::Close(CloseReason::Rejected(Reject::Late)));
        assert_eq!(connection.awaits(), Awaits::Nothing);
        assert!(out.starts_with("HTTP/1.1 503 ") && out.contains("\r\nConnection: close\r\n"));
        assert_waits(&mut connection, GET, GET.len());
    }
}

// covers: 18.9
#[test]
fn an_answer_before_the_end_of_the_content_closes() {
    for content in ["", "a"] {
        let (after, out) = respond(&mut with_content(HEAD, content), &Response::text(403, ""));
        assert_eq!(after, After::Close(CloseReason::ContentUnread));
        assert!(out.contains("Connection: close\r\n"), "{out}");
    }
    let (after, _) = respond(&mut with_content(HEAD, "ab"), &Response::text(403, ""));
    assert_eq!(after, After::Reuse);
}

// covers: 25.3 25.10
#[test]
fn a_declared_length_is_judged_when_the_request_is_accepted() {
    let head = "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";
    for (limit, exceeds) in [(2, true), (3, false)] {
        let mut connection = Connection::new(Limits::default().body(limit));
        let mut input = head.as_bytes().to_vec();
        assert!(matches!(connection.receive(&mut input).unwrap().event, Event::Head(_)));
        assert_eq!(
            (connection.awaits(), connection.exceeds_body_limit()),
            (Awaits::Decision, exceeds)
        );
        assert_waits(&mut connection, "", 0);

        let mut out = Vec::new();
        connection.accept(&mut out);
        assert_eq!(out.is_empty(), exceeds, "100 Continue is asked for what is taken");
        let event = connection.receive(&mut []).map(drop);
        assert_eq!(event, if exceeds { Err(Reject::BodyTooLarge) } else { Ok(()) });
        assert!(!connection.exceeds_body_limit(), "it is decided");
        let awaits = if exceeds { Awaits::Rejection } else { Awaits::Body };
        assert_eq!(connection.awaits(), awaits);
    }
}

#[test]
fn a_limit_that_the_caller_sets_takes_the_place_of_the_first() {
    let by_length = "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n";
    let chunked = "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (head, content) in [(by_length, "abc"), (chunked, "3\r\nabc\r\n0\r\n\r\n")] {
        for (first, own, exceeds) in [(9, Some(2), true), (2, Some(3), false), (2, None, false)] {
            let mut connection = Connection::new(Limits::default().body(first));
            assert!(connection.receive(&mut head.as_bytes().to_vec()).is_ok());
            connection.set_body_limit(own);
            connection.accept(&mut Vec::new());
            let event = connection.receive(&mut content.as_bytes().to_vec()).map(drop);
            assert_eq!(event, if exceeds { Err(Reject::BodyTooLarge) } else { Ok(()) }, "{own:?}");
        }
    }
}

// covers: 24.5
#[test]
fn a_request_that_the_caller_rejects_gets_no_content_if_it_is_head() {
    let states =
        [begun("HEAD "), with_head(HEAD), with_content(HEAD, ""), with_content(HEAD, "ab")];
    for mut connection in states {
        let (_, out) = reject(&mut connection, Reject::Late);
        assert!(out.starts_with("HTTP/1.1 503 ") && out.ends_with("\r\n\r\n"), "{out}");
    }
    for mut connection in [begun("HEAD"), begun("GET "), with_head(GET)] {
        let (_, out) = reject(&mut connection, Reject::Late);
        assert!(out.ends_with(Reject::Late.reason()), "{out}");
    }
}

/// The answer to input that comes in these pieces: the refusal that it gets, or else one for
/// the time that it takes.
fn rejected(connection: &mut Connection, pieces: &[&[u8]]) -> (Reject, String) {
    let (mut pending, mut reason) = (Vec::new(), Reject::HeadTimeout);
    for piece in pieces {
        pending.extend_from_slice(piece);
        match connection.receive(&mut pending).map(|step| step.used) {
            Ok(used) => drop(pending.drain(..used)),
            Err(reject) => reason = reject,
        }
    }
    (reason, reject(connection, reason).1)
}

// covers: 24.5
#[test]
fn a_refused_head_request_gets_no_content_once_its_method_is_known() {
    let new = || Connection::new(Limits::default());
    // One that has answered a HEAD request before.
    let used = || {
        let mut connection = with_content(HEAD, "ab");
        let (after, _) = respond(&mut connection, &Response::text(200, "content"));
        assert_eq!(after, After::Reuse);
        connection
    };
    let five = "\r\n".repeat(5);
    for (input, expected, is_head) in [
        ("", Reject::HeadTimeout, false),
        ("\r\n", Reject::HeadTimeout, false),
        ("HEAD", Reject::HeadTimeout, false),
        ("HEAD ", Reject::HeadTimeout, true),
        ("\r\n\r\nHEAD /a HTTP/1.1\r\nHost: x\r\n", Reject::HeadTimeout, true),
        ("GET /HEAD ", Reject::HeadTimeout, false),
        ("HEADS ", Reject::HeadTimeout, false),
        ("head ", Reject::HeadTimeout, false),
        ("HEAD / HTTP/1.1\n", Reject::LineEnd, true),
        ("HEAD / HTTP/1.1\r\n\r\n", Reject::HostMissing, true),
        ("HEAD  / HTTP/1.1\r\n\r\n", Reject::RequestLine, true),
        ("GET / HTTP/1.1\n", Reject::LineEnd, false),
        ("\nHEAD / HTTP/1.1\r\n", Reject::LineEnd, false),
        (" HEAD / HTTP/1.1\r\n", Reject::FirstByte, false),
        // No request line is looked for.
        (&format!("{five}HEAD / HTTP/1.1\r\n\r\n"), Reject::EmptyLines, false),
    ] {
        let bytes: Vec<&[u8]> = input.as_bytes().chunks(1).collect();
        for pieces in [&[input.as_bytes()][..], &bytes] {
            for mut connection in [new(), used()] {
                let (reject, out) = rejected(&mut connection, pieces);
                assert_eq!(reject, expected, "{input:?}");
                let content = if is_head { "" } else { reject.reason() };
                assert!(out.ends_with(&format!("\r\n\r\n{content}")), "{input:?}: {out}");
            }
        }
    }
}

#[test]
fn requests_are_counted_by_their_heads() {
    let mut connection = begun("GET / HTTP/1.1\r\n");
    assert_eq!(connection.requests(), 0);
    for number in 1..=3 {
        let step = connection.receive(&mut GET.as_bytes().to_vec()).map(|step| step.used);
        assert_eq!((step, connection.requests()), (Ok(GET.len()), number));
        connection.accept(&mut Vec::new());
        connection.receive(&mut []).unwrap();
        assert_eq!(respond(&mut connection, &Response::text(200, "")).0, After::Reuse);
    }
    assert!(connection.receive(&mut b"GET".to_owned()).is_ok());
    assert!(connection.receive(&mut b"GET\n".to_owned()).is_err());
    assert_eq!(connection.requests(), 3, "a refused head is not taken");
}

#[test]
fn certain_content_ends_with_its_length() {
    let mut connection = with_head(HEAD);
    assert_eq!(connection.certain_content(), 0);
    connection.accept(&mut Vec::new());
    assert_eq!(connection.certain_content(), 2);
    connection.receive(&mut b"a".to_owned()).unwrap();
    assert_eq!(connection.certain_content(), 1);
    connection.receive(&mut b"b".to_owned()).unwrap();
    assert_eq!(connection.certain_content(), 0);
}

#[test]
fn certain_content_ends_with_its_chunk() {
    let mut connection =
        with_head("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    connection.accept(&mut Vec::new());
    for (input, certain) in [("1", 0), ("2\r", 0), ("\n", 0x12), ("ab", 0x10)] {
        let mut input = input.as_bytes().to_vec();
        assert_eq!(connection.receive(&mut input).unwrap().used, input.len());
        assert_eq!(connection.certain_content(), certain);
    }
    let mut input = b"0123456789abcdef\r\n".to_vec();
    assert_eq!(connection.receive(&mut input).unwrap().used, input.len());
    assert_eq!(connection.certain_content(), 0);
}

#[test]
fn a_request_line_gives_method_and_target_once_it_is_complete() {
    for (input, named) in [
        ("PUT /a HTTP/1.1\r\nHost", Some(("PUT", "/a"))),
        ("\r\n\r\nPUT /a HTTP/1.1\r", Some(("PUT", "/a"))),
        // Refused for its version, or for its target.
        ("G /a\tb x\r\n", Some(("G", "/a\tb"))),
        ("PUT /a HTTP/1.1", None),
        ("PUT /a\r\n", None),
        ("PUT  /a HTTP/1.1\r\n", None),
        ("P(T /a HTTP/1.1\r\n", None),
        ("\r\n", None),
        ("", None),
    ] {
        assert_eq!(request_line(input.as_bytes()), named, "{input:?}");
    }
    assert_eq!(request_line(b"GET /\xfc HTTP/1.1\r\n"), None);
}

#[test]
#[should_panic(expected = "there is no head to accept: Idle is awaited")]
fn accept_without_a_head_panics() {
    Connection::new(Limits::default()).accept(&mut Vec::new());
}

#[test]
#[should_panic(expected = "there is no request to answer: Nothing is awaited")]
fn respond_on_a_closed_connection_panics() {
    let mut connection = with_head("GET / HTTP/1.0\r\n\r\n");
    let _ = respond(&mut connection, &Response::text(200, ""));
    let _ = respond(&mut connection, &Response::text(200, ""));
}

#[test]
#[should_panic(expected = "there is no request to answer: Rejection is awaited")]
fn respond_to_a_refused_request_panics() {
    let mut connection = Connection::new(Limits::default());
    let _ = connection.receive(&mut b" ".to_owned());
    let _ = respond(&mut connection, &Response::text(200, ""));
}

#[test]
#[should_panic(expected = "a closed connection has no request to reject")]
fn reject_on_a_closed_connection_panics() {
    let mut connection = with_head("GET / HTTP/1.0\r\n\r\n");
    let _ = respond(&mut connection, &Response::text(200, ""));
    let _ = reject(&mut connection, Reject::Late);
}
