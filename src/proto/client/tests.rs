use super::*;

fn put(framing: Framing) -> Request {
    Request::new("PUT", "/a", "x").unwrap().content(framing)
}

/// A connection that waits for the answer to a request without content.
fn asked(method: &str) -> Connection {
    let mut connection = Connection::new(Limits::for_answers());
    connection.request(&Request::new(method, "/a", "x").unwrap(), &mut Vec::new());
    connection
}

/// What an answer says, whatever the cuts: interim status codes, the final one, and its content;
/// then how the end was taken, and whether the connection may be used again.
#[derive(Debug, PartialEq)]
struct Told {
    statuses: Vec<u16>,
    content: Vec<u8>,
    result: Result<Option<End>, Fault>,
    left: usize,
    is_reusable: bool,
}

fn tell(mut connection: Connection, parts: &[&[u8]], ends: bool) -> Told {
    let mut told =
        Told { statuses: vec![], content: vec![], result: Ok(None), left: 0, is_reusable: false };
    let mut input = Vec::new();
    let mut failed = None;
    'all: for part in parts {
        input.extend_from_slice(part);
        loop {
            match connection.receive(&mut input) {
                Ok(Step { used, event }) => {
                    let mut data = 0..0;
                    let mut waits = false;
                    match event {
                        Event::Wait => waits = true,
                        Event::Interim(head) | Event::Head(head) => {
                            told.statuses.push(head.status())
                        }
                        Event::Content { data: range, .. } => data = range,
                    }
                    told.content.extend_from_slice(&input[data]);
                    input.drain(..used);
                    if waits {
                        break;
                    }
                }
                Err(fault) => {
                    failed = Some(fault);
                    break 'all;
                }
            }
        }
    }
    told.result = match failed {
        Some(fault) => Err(fault),
        None if ends => connection.ended().map(Some),
        None => Ok(None),
    };
    told.left = input.len();
    told.is_reusable = connection.reuse();
    told
}

/// The same for every cut in two, and byte by byte.
#[track_caller]
fn tell_all(make: impl Fn() -> Connection, input: &[u8], ends: bool) -> Told {
    let whole = tell(make(), &[input], ends);
    let bytes: Vec<_> = input.chunks(1).collect();
    let compare = |told: Told, cut: &str| {
        if whole.result.is_ok() {
            assert_eq!(told, whole, "{} {cut}", input.escape_ascii());
        } else {
            assert_eq!(told.result, whole.result, "{} {cut}", input.escape_ascii());
            assert_eq!(told.statuses, whole.statuses, "{} {cut}", input.escape_ascii());
            assert_eq!(told.content, whole.content, "{} {cut}", input.escape_ascii());
        }
    };
    compare(tell(make(), &bytes, ends), "byte by byte");
    for cut in 0..=input.len() {
        compare(tell(make(), &[&input[..cut], &input[cut..]], ends), &format!("cut at {cut}"));
    }
    whole
}

#[test]
fn content_by_length_is_framed_by_its_head_alone() {
    let mut connection = Connection::new(Limits::for_answers());
    let mut out = Vec::new();
    connection.request(&put(Framing::Length(5)), &mut out);
    out.clear();
    assert_eq!(connection.frame(3, &mut out), 3);
    connection.sent(3);
    assert!(!connection.is_sent());
    // More than is left of it is not its content.
    assert_eq!(connection.frame(3, &mut out), 2);
    connection.sent(1);
    assert_eq!(connection.frame(3, &mut out), 1);
    connection.sent(1);
    assert!(connection.is_sent() && out.is_empty());
    assert_eq!(connection.frame(1, &mut out), 0);
    connection.finish(&mut out);
    assert!(out.is_empty());
}

#[test]
fn a_chunk_is_framed_once_however_it_is_sent() {
    let mut connection = Connection::new(Limits::for_answers());
    let mut out = Vec::new();
    connection.request(&put(Framing::Chunked), &mut out);
    out.clear();
    assert_eq!(connection.frame(20, &mut out), 20);
    assert_eq!(out, b"14\r\n");
    connection.sent(5);
    // What was not sent comes again, with more behind it.
    assert_eq!(connection.frame(30, &mut out), 15);
    assert_eq!(connection.frame(3, &mut out), 3);
    connection.sent(15);
    assert_eq!(out, b"14\r\n");
    assert_eq!(connection.frame(0, &mut out), 0);
    assert_eq!(connection.frame(1, &mut out), 1);
    connection.sent(1);
    connection.finish(&mut out);
    assert_eq!(out, b"14\r\n\r\n1\r\n\r\n0\r\n\r\n");
    assert!(connection.is_sent());
}

#[test]
fn empty_content_in_chunks_is_the_last_chunk_alone() {
    let mut connection = Connection::new(Limits::for_answers());
    let mut out = Vec::new();
    connection.request(&put(Framing::Chunked), &mut out);
    out.clear();
    connection.finish(&mut out);
    assert_eq!(out, b"0\r\n\r\n");
    connection.finish(&mut out);
    assert_eq!(out, b"0\r\n\r\n");
}

#[test]
#[should_panic(expected = "more than was framed")]
fn what_was_not_framed_is_not_sent() {
    let mut connection = Connection::new(Limits::for_answers());
    connection.request(&put(Framing::Length(5)), &mut Vec::new());
    connection.sent(6);
}

#[test]
#[should_panic(expected = "2 bytes of the content are not sent")]
fn content_that_is_short_does_not_end() {
    let mut connection = Connection::new(Limits::for_answers());
    connection.request(&put(Framing::Length(5)), &mut Vec::new());
    connection.sent(3);
    connection.finish(&mut Vec::new());
}

#[test]
#[should_panic(expected = "another exchange is under way")]
fn requests_are_not_pipelined() {
    asked("GET").request(&put(Framing::None), &mut Vec::new());
}

#[test]
fn answers_end_by_length_by_chunks_or_with_their_connection() {
    for (answer, content, ends, is_reusable) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc", Ok(None), true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", Ok(None), true),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x\r\nc\r\n0\r\nA: b\r\n\r\n",
            "abc",
            Ok(None),
            true,
        ),
        ("HTTP/1.1 200 OK\r\n\r\nabc", "abc", Ok(Some(End::Answer)), false),
        ("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc", Ok(None), false),
        (
            "HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 3\r\n\r\nabc",
            "abc",
            Ok(None),
            false,
        ),
        ("HTTP/1.1 204 No Content\r\n\r\n", "", Ok(None), true),
        ("HTTP/1.1 304\r\nContent-Length: 9\r\n\r\n", "", Ok(None), true),
    ] {
        let ends_connection = ends == Ok(Some(End::Answer));
        let told = tell_all(|| asked("GET"), answer.as_bytes(), ends_connection);
        assert_eq!((told.content.as_slice(), told.result), (content.as_bytes(), ends), "{answer}");
        assert_eq!((told.left, told.is_reusable), (0, is_reusable), "{answer}");
    }
}

#[test]
fn an_answer_to_head_has_no_content_whatever_its_fields_say() {
    for fields in [
        "Content-Length: 9\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Content-Length: 9\r\nContent-Length: 8\r\n",
        "",
    ] {
        let answer = format!("HTTP/1.1 200 OK\r\n{fields}\r\n");
        let told = tell_all(|| asked("HEAD"), answer.as_bytes(), false);
        assert_eq!((told.content.len(), told.is_reusable), (0, true), "{answer}");
    }
}

#[test]
fn interim_answers_come_before_the_final_one() {
    let answers = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n\
                   HTTP/1.1 102\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx";
    let told = tell_all(|| asked("GET"), answers.as_bytes(), false);
    assert_eq!((told.statuses, told.content), (vec![100, 103, 102, 200], b"x".to_vec()));
    assert!(told.is_reusable);
}

#[test]
fn no_more_interim_answers_are_taken_than_the_limit_says() {
    let make = || {
        let mut connection = Connection::new(Limits::for_answers().interim(2));
        connection.request(&put(Framing::None), &mut Vec::new());
        connection
    };
    let two = "HTTP/1.1 102\r\n\r\n".repeat(2);
    assert!(tell_all(make, format!("{two}HTTP/1.1 204\r\n\r\n").as_bytes(), false).is_reusable);
    let told = tell_all(make, "HTTP/1.1 102\r\n\r\n".repeat(3).as_bytes(), false);
    assert_eq!(told.result, Err(Fault::TooManyInterim));
}

#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    for (answer, fault) in [
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
            Fault::LengthRepeated,
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\nx", Fault::Length),
        ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nx", Fault::Length),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            Fault::LengthAndCoding,
        ),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", Fault::Coding),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", Fault::Coding),
        ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Fault::Coding),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", Fault::Chunk),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab", Fault::Chunk),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;=\r\n", Fault::Chunk),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\nab", Fault::LineEnd),
        ("HTTP/1.1 200 OK\nA: b\r\n\r\n", Fault::LineEnd),
        ("HTTP/1.1 200 OK\r\nA : b\r\n\r\n", Fault::FieldLine),
        ("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", Fault::FieldLine),
        ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", Fault::SwitchingProtocols),
        ("HTTP/2.0 200 OK\r\n\r\n", Fault::Version),
        ("SSH-2.0-x\r\n\r\n", Fault::StatusLine),
        ("\r\nHTTP/1.1 200 OK\r\n\r\n", Fault::StatusLine),
    ] {
        let told = tell_all(|| asked("GET"), answer.as_bytes(), false);
        assert_eq!(told.result, Err(fault), "{answer}");
        assert!(!told.is_reusable, "{answer}");
    }
}

#[test]
fn an_answer_is_bounded() {
    let limits = Limits::for_answers().request_line(20).head(60).fields(2).body(4);
    let make = || {
        let mut connection = Connection::new(limits);
        connection.request(&put(Framing::None), &mut Vec::new());
        connection
    };
    for (answer, result) in [
        ("HTTP/1.1 200 12345678", Err(Fault::HeadTooLarge)),
        ("HTTP/1.1 200 1234567\r\nContent-Length: 4\r\n\r\nabcd", Ok(None)),
        ("HTTP/1.1 200\r\na:b\r\nc:d\r\ne:f\r\n\r\n", Err(Fault::TooManyFields)),
        (
            "HTTP/1.1 200\r\nA: 01234567890123456789012345678901234567890123456789",
            Err(Fault::HeadTooLarge),
        ),
        ("HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nabcde", Err(Fault::ContentTooLarge)),
        (
            "HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n1\r\n",
            Err(Fault::ContentTooLarge),
        ),
        ("HTTP/1.1 200\r\n\r\nabcd", Ok(None)),
        ("HTTP/1.1 200\r\n\r\nabcde", Err(Fault::ContentTooLarge)),
    ] {
        assert_eq!(tell_all(make, answer.as_bytes(), false).result, result, "{answer}");
    }
}

#[test]
fn an_end_is_clean_between_answers_alone() {
    let idle = || Connection::new(Limits::for_answers());
    assert_eq!(tell_all(idle, b"", true).result, Ok(Some(End::Clean)));
    for (answer, result) in [
        ("", Err(Fault::NoAnswer)),
        ("H", Err(Fault::Truncated)),
        ("HTTP/1.1 100\r\n\r\n", Err(Fault::Truncated)),
        ("HTTP/1.1 200\r\nContent-Length: 2\r\n\r\na", Err(Fault::Truncated)),
        (
            "HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n",
            Err(Fault::Truncated),
        ),
        ("HTTP/1.1 204\r\n\r\n", Ok(Some(End::Clean))),
        ("HTTP/1.1 200\r\n\r\n", Ok(Some(End::Answer))),
    ] {
        assert_eq!(tell_all(|| asked("GET"), answer.as_bytes(), true).result, result, "{answer}");
    }
}

#[test]
fn bytes_that_nobody_has_asked_for_break_an_idle_connection() {
    let mut connection = Connection::new(Limits::for_answers());
    assert_eq!(connection.receive(&mut [b'H']).unwrap_err(), Fault::Unasked);
    assert!(!connection.is_idle());
    let told = tell_all(|| asked("GET"), b"HTTP/1.1 204\r\n\r\nHTTP/1.1 200\r\n\r\n", false);
    // They stay for whoever looks at the connection before it is used again.
    assert_eq!((told.statuses, told.left), (vec![204], 16));
}

#[test]
fn bytes_behind_an_answer_are_not_taken_for_the_next_one() {
    let answer = b"HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx";
    let behind = b"HTTP/1.1 200\r\n\r\n";
    let told = tell(asked("GET"), &[&[&answer[..], behind].concat()], false);
    assert_eq!((told.left, told.is_reusable), (behind.len(), false));
    // They came a moment later.
    let told = tell(asked("GET"), &[answer, behind], false);
    assert_eq!((told.left, told.is_reusable), (behind.len(), false));
    // Nobody has looked for more.
    let mut connection = asked("GET");
    let mut input = [&answer[..], behind].concat();
    let used = connection.receive(&mut input).unwrap().used;
    let event = connection.receive(&mut input[used..]).unwrap().event;
    assert!(matches!(event, Event::Content { last: true, .. }));
    assert!(!connection.reuse());
}

#[test]
fn what_does_not_begin_like_an_answer_is_a_fault_at_once() {
    for begun in ["\r", "\n", "h", "HTTX", "SSH-2.0-x", "\x15\x03\x01"] {
        let told = tell_all(|| asked("GET"), begun.as_bytes(), true);
        assert_eq!(told.result, Err(Fault::StatusLine), "{begun:?}");
    }
}

#[test]
fn an_early_answer_ends_the_connection_even_if_the_rest_is_sent() {
    for framing in [Framing::Length(5), Framing::Chunked] {
        let mut connection = Connection::new(Limits::for_answers());
        connection.request(&put(framing), &mut Vec::new());
        assert_eq!(connection.frame(5, &mut Vec::new()), 5);
        connection.sent(3);
        let mut input = *b"HTTP/1.1 204\r\n\r\n";
        assert!(matches!(connection.receive(&mut input).unwrap().event, Event::Head(_)));
        assert!(matches!(connection.receive(&mut []).unwrap().event, Event::Content { .. }));
        connection.sent(2);
        connection.finish(&mut Vec::new());
        assert!(connection.is_over() && connection.is_sent() && !connection.reuse());
    }
}

#[test]
fn a_connection_that_has_ended_is_not_used_again() {
    let told = tell(asked("GET"), &[b"HTTP/1.1 204\r\n\r\n"], true);
    assert_eq!((told.result, told.is_reusable), (Ok(Some(End::Clean)), false));
}

#[test]
fn a_final_answer_in_place_of_the_100_ends_the_connection() {
    let mut connection = Connection::new(Limits::for_answers());
    connection.request(&put(Framing::Length(5)).expect_continue(true), &mut Vec::new());
    let told = tell(connection, &[b"HTTP/1.1 403\r\nContent-Length: 0\r\n\r\n"], false);
    assert_eq!((told.statuses, told.is_reusable), (vec![403], false));
}

#[test]
fn a_connection_carries_one_exchange_after_another() {
    let mut connection = asked("HEAD");
    for method in ["GET", "HEAD", "GET"] {
        let mut input = *b"HTTP/1.1 204\r\n\r\n";
        assert!(matches!(connection.receive(&mut input).unwrap().event, Event::Head(_)));
        let event = connection.receive(&mut []).unwrap().event;
        assert!(matches!(event, Event::Content { last: true, .. }));
        assert!(connection.reuse() && connection.is_idle());
        connection.request(&Request::new(method, "/", "x").unwrap(), &mut Vec::new());
    }
}
