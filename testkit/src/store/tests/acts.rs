//! What a script has a store do.

use std::time::Duration;

use super::super::{
    Act, Answer, Cut, End, Framing, Malformed, Operation, Rule, Side, Space, Store, Then,
};
use super::{Told, in_every_cut, put, settle, start};

const SECOND: Duration = Duration::from_secs(1);

fn s3() -> Store {
    Store::s3("b")
}

/// What comes of a PUT of five bytes with this act.
#[track_caller]
fn told_by(act: Act) -> (Told, Store) {
    in_every_cut(s3, &[Rule::always(act)], &put("a", "", "hello"), None)
}

/// The same when the client expects a 100 (Continue).
#[track_caller]
fn told_expecting(act: Act) -> (Told, Store) {
    let request = put("a", "Expect: 100-continue\r\n", "hello");
    in_every_cut(s3, &[Rule::always(act)], &request, None)
}

/// Asserts that the store ended the connection while the request had so much content.
#[track_caller]
fn assert_cut(store: &Store, received: u64, end: End) {
    let log = store.log();
    let cut = Some(Cut { by: Side::Store, end });
    let request = &log.requests[0];
    assert_eq!((request.cut, request.received), (cut, received));
    assert_eq!(log.connections[0].end, cut);
    assert!(store.keys("b").is_empty());
}

const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";

#[test]
fn a_connection_ends_before_in_or_behind_the_head() {
    for end in [End::Fin, End::Reset] {
        for after in [0, 1, 20] {
            let act = Act::EndInHead { after, end };
            let request = put("a", "", "hello");
            let (exact, _) =
                in_every_cut(s3, &[Rule::always(act.clone())], &request[..after], None);
            assert_eq!(exact.end, Some(end), "no more has to come");
            let (told, store) = told_by(act);
            assert_eq!((&*told.output, told.end), ("", Some(end)));
            let log = store.log();
            assert!(log.requests.is_empty());
            assert_eq!(log.connections[0].unfinished_head, after);
            assert_eq!(log.connections[0].end, Some(Cut { by: Side::Store, end }));
        }
        let (told, store) = told_by(Act::EndBehindHead(end));
        assert_eq!((&*told.output, told.end), ("", Some(end)));
        assert_cut(&store, 0, end);
    }
}

#[test]
fn a_connection_ends_in_the_content() {
    for end in [End::Fin, End::Reset] {
        let (told, store) = told_by(Act::EndInContent { after: 3, end });
        assert_eq!((&*told.output, told.end), ("", Some(end)));
        assert_cut(&store, 3, end);
        assert_eq!(store.log().connections[0].late, 2);
    }
}

#[test]
fn continue_is_missing_late_unasked_or_an_end() {
    let (told, store) = told_expecting(Act::NoContinue);
    assert!(told.output.starts_with("HTTP/1.1 200"));
    assert!(!store.log().requests[0].was_continued);
    let (told, _) =
        in_every_cut(s3, &[Rule::always(Act::UnaskedContinue)], &put("a", "", "hello"), None);
    assert!(told.output.starts_with(&format!("{CONTINUE}HTTP/1.1 200")));
    let (told, store) = told_expecting(Act::EndAtContinue(End::Reset));
    assert_eq!((&*told.output, told.end), ("", Some(End::Reset)));
    assert_cut(&store, 0, End::Reset);
}

#[test]
fn a_late_continue_comes_at_its_time_or_with_the_end_of_the_content() {
    let (told, _) = told_expecting(Act::LateContinue(SECOND));
    assert!(told.output.starts_with(&format!("{CONTINUE}HTTP/1.1 200")));
    let store = s3();
    store.script(Rule::always(Act::LateContinue(SECOND)));
    let mut session = store.connect(start());
    let request = put("a", "Expect: 100-continue\r\n", "hello");
    session.receive(&request);
    assert_eq!((session.to_send(), session.deadline()), (CONTINUE.as_bytes(), None));
    let mut session = store.connect(start());
    session.receive(&request[..request.len() - 1]);
    session.advance(start() + SECOND / 2);
    assert_eq!(session.to_send(), b"");
    session.advance(start() + SECOND);
    assert_eq!(session.to_send(), CONTINUE.as_bytes());
    session.sent(CONTINUE.len());
    session.receive(b"o");
    assert!(session.to_send().starts_with(b"HTTP/1.1 200"));
}

#[test]
fn a_refusal_comes_in_place_of_the_continue() {
    let answer = Answer::error("SlowDown").with("Retry-After", "7");
    let (told, store) = told_expecting(Act::Refuse(answer.clone(), Then::End(End::Fin)));
    assert!(told.output.starts_with("HTTP/1.1 503 Slow Down\r\n"));
    assert!(told.output.contains("Retry-After: 7\r\n"));
    assert!(told.output.contains("Connection: close\r\n"));
    assert!(told.output.ends_with("<RequestId>0000000000000000</RequestId></Error>"));
    assert_eq!(told.end, Some(End::Fin));
    assert_cut(&store, 0, End::Fin);
    let two = [put("a", "", "hello"), put("c", "", "hello")].concat();
    let rule = Rule::once(Act::Refuse(answer.clone(), Then::ReadOn));
    let (_, store) = in_every_cut(s3, &[rule], &two, None);
    assert_eq!((store.keys("b").concat(), store.log().bytes_received("a")), ("c".to_owned(), 5));
    let rule = Rule::once(Act::Refuse(answer, Then::StopReading));
    let (told, store) = in_every_cut(s3, &[rule], &two, None);
    assert_eq!((told.end, store.log().bytes_received("a")), (None, 0));
}

#[test]
fn a_request_has_one_answer() {
    let early = Act::AnswerInContent {
        after: 2,
        answer: Answer::error("InternalError"),
        then: Then::End(End::Reset),
    };
    let refusal = Act::Refuse(Answer::error("SlowDown"), Then::ReadOn);
    let rules = [Rule::always(early), Rule::always(refusal)];
    let (told, store) = in_every_cut(s3, &rules, &put("a", "", "hello"), None);
    assert_eq!((told.output.matches("HTTP/1.1").count(), told.end), (1, None));
    assert_eq!(store.log().requests[0].status, Some(503));
}

#[test]
fn what_comes_before_its_time_is_read_up_to_a_bound() {
    let store = s3();
    store.script(Rule::always(Act::Delay(SECOND)));
    let mut session = store.connect(start());
    session.receive(&put("a", "", ""));
    session.receive(&[b'x'; 1 << 20][1..]);
    assert!(session.reads());
    session.receive(b"x");
    assert!(!session.reads());
    session.advance(start() + SECOND);
    assert!(session.reads() && session.end().is_none() && !session.to_send().is_empty());
}

#[test]
fn a_redirect_names_the_same_target_elsewhere() {
    let then = Then::End(End::Fin);
    let (told, _) = told_expecting(Act::Redirect("http://127.0.0.1:8000".to_owned(), then));
    assert!(told.output.starts_with("HTTP/1.1 307 Temporary Redirect\r\n"));
    assert!(told.output.contains("Location: http://127.0.0.1:8000/b/a\r\n"));
}

#[test]
fn an_answer_comes_amid_content() {
    let answer = Answer::status(200).with("ETag", "\"x\"");
    let then = Then::End(End::Fin);
    let (told, store) = told_by(Act::AnswerInContent { after: 2, answer, then });
    assert!(told.output.starts_with("HTTP/1.1 200 OK\r\n"));
    assert_cut(&store, 2, End::Fin);
    assert_eq!(store.log().requests[0].received_before_answer, Some(2));
    let (answer, then) = (Answer::error("InternalError"), Then::ReadOn);
    let (told, store) = in_every_cut(
        s3,
        &[Rule::once(Act::AnswerInContent { after: 5, answer, then })],
        &[put("a", "", "hello"), put("a", "", "hello")].concat(),
        None,
    );
    assert!(told.output.starts_with("HTTP/1.1 500"));
    let log = store.log();
    assert_eq!(log.requests[0].received_before_answer, Some(5));
    assert_eq!((log.requests[0].is_done, log.requests[1].is_done), (false, true));
}

#[test]
fn a_store_stops_reading_for_some_time_or_for_good() {
    let (told, store) = told_by(Act::StopReading { after: 2, time: Some(SECOND) });
    assert!(told.output.starts_with("HTTP/1.1 200"));
    assert_eq!(store.log().bytes_received("a"), 5);
    let store = s3();
    store.script(Rule::always(Act::StopReading { after: 2, time: None }));
    let mut session = store.connect(start());
    session.receive(&put("a", "", "hello"));
    assert!(!session.reads() && session.deadline().is_none());
    assert_eq!((session.to_send(), store.log().bytes_received("a")), (&b""[..], 2));
    session.client_ended(End::Reset);
    let cut = Some(Cut { by: Side::Client, end: End::Reset });
    assert_eq!(store.log().requests[0].cut, cut);
}

#[test]
fn a_silent_client_gets_a_request_timeout() {
    let store = s3();
    store.script(Rule::always(Act::TimeOut(20 * SECOND)));
    let mut session = store.connect(start());
    let request = put("a", "", "hello");
    session.receive(&request[..request.len() - 2]);
    session.advance(start() + 15 * SECOND);
    session.receive(b"l");
    assert_eq!(session.deadline(), Some(start() + 35 * SECOND));
    session.advance(start() + 34 * SECOND);
    assert_eq!(session.to_send(), b"");
    session.advance(start() + 35 * SECOND);
    let output = String::from_utf8(settle(&mut session)).expect("text");
    assert!(output.starts_with("HTTP/1.1 400") && output.contains("<Code>RequestTimeout</Code>"));
    assert_eq!(session.end(), Some(End::Fin));
    assert_cut(&store, 4, End::Fin);
}

#[test]
fn what_is_cut_may_be_kept_all_the_same() {
    let request = put("a", "", "hello");
    let rules = [Rule::always(Act::KeepCut)];
    let (_, store) = in_every_cut(s3, &rules, &request[..request.len() - 2], Some(End::Reset));
    assert_eq!(store.object("b", "a").expect("an object").content, Some(b"hel".to_vec()));
}

/// Either precaution is enough: a type, or a reset.
#[test]
fn a_put_without_a_type_that_ends_by_fin_may_leave_nothing_behind() {
    let rules = [Rule::always(Act::KeepNothingOfFin)];
    let kept = |request: &str, end| {
        in_every_cut(s3, &rules, request.as_bytes(), Some(end)).1.object("b", "a")
    };
    let bare = "PUT /b/a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n";
    let typed = bare.replace("Host", "Content-Type: a/b\r\nHost");
    assert_eq!(kept(bare, End::Fin).expect("an object").length, 0);
    assert!(kept(bare, End::Reset).is_none() && kept(&typed, End::Fin).is_none());
    assert!(kept(&format!("{bare}x"), End::Fin).is_none());
}

#[test]
fn an_answer_is_another_one() {
    let (told, store) = told_by(Act::Answer(Answer::error("ExpiredToken")));
    assert!(told.output.contains("HTTP/1.1 400") && told.output.contains("ExpiredToken"));
    assert!(store.keys("b").is_empty() && told.end.is_none());
    let (told, store) = told_by(Act::DoAndAnswer(Answer::error_inside("InternalError")));
    assert!(told.output.contains("HTTP/1.1 200") && told.output.contains("InternalError"));
    assert_eq!(store.keys("b").len(), 1);
}

#[test]
fn an_etag_is_no_md5() {
    let (told, store) = told_by(Act::WrongEtag);
    let etag = store.object("b", "a").expect("an object").etag;
    assert!(told.output.contains(&format!("ETag: {etag}\r\n")));
    assert!(etag.len() == 34 && !etag.contains("5d41402abc4b2a76b9719d911017c592"));
    assert!(!told.output.contains("aws:kms"));
    let (told, _) = told_by(Act::KmsEtag);
    assert!(told.output.contains(&etag));
    assert!(told.output.contains("x-amz-server-side-encryption: aws:kms\r\n"));
}

#[test]
fn no_answer_ever_comes() {
    let (told, store) = told_by(Act::NeverAnswer);
    assert_eq!((&*told.output, told.end), ("", None));
    let log = store.log();
    assert_eq!((log.requests[0].is_complete, log.requests[0].status), (true, None));
    assert_eq!(log.open(), 1);
}

#[test]
fn interim_answers_and_a_delay_come_before_the_answer() {
    let rules = [Rule::always(Act::Interim(vec![102, 103])), Rule::always(Act::Delay(SECOND))];
    let (told, _) = in_every_cut(s3, &rules, &put("a", "", "hello"), None);
    let interim = "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK";
    assert!(told.output.starts_with(interim));
    let act = Act::InterimInContent { after: 2, statuses: vec![103] };
    let store = s3();
    store.script(Rule::always(act));
    let mut session = store.connect(start());
    let request = put("a", "", "hello");
    session.receive(&request[..request.len() - 4]);
    assert_eq!(session.to_send(), b"");
    session.receive(b"e");
    assert_eq!(session.to_send(), b"HTTP/1.1 103 Early Hints\r\n\r\n");
    let store = s3();
    store.script(Rule::always(Act::Delay(SECOND)));
    let mut session = store.connect(start());
    session.receive(&put("a", "", "hello"));
    assert_eq!((session.to_send(), session.deadline()), (&b""[..], Some(start() + SECOND)));
    session.receive(b"G");
    assert_eq!(store.log().faults.len(), 1, "nobody asked for more");
}

#[test]
fn white_space_comes_in_content_of_any_framing() {
    let answer = Act::Answer(Answer::error_inside("InternalError"));
    for place in [Space::First, Space::BehindDeclaration] {
        let space = Act::WhiteSpace { place, every: SECOND, times: 3 };
        let rules = [Rule::always(answer.clone()), Rule::always(space.clone())];
        let (told, _) = in_every_cut(s3, &rules, &put("a", "", ""), None);
        assert!(told.output.contains("Transfer-Encoding: chunked\r\n"));
        assert!(told.output.contains("1\r\n \r\n1\r\n \r\n1\r\n \r\n"));
        let has_first = told.output.contains("\r\n\r\n1\r\n ");
        assert_eq!(has_first, place == Space::First, "{}", told.output);
        let by_length = Rule::always(Act::Framed(Framing::Length));
        let rules = [Rule::always(answer.clone()), Rule::always(space), by_length];
        let (told, _) = in_every_cut(s3, &rules, &put("a", "", ""), None);
        let (head, content) = told.output.split_once("\r\n\r\n").expect("an answer");
        assert!(head.contains(&format!("Content-Length: {}", content.len())));
        assert!(content.contains("   <") && !content.contains("    "));
    }
}

#[test]
fn an_answer_ends_by_length_chunk_or_connection() {
    let answer = Rule::always(Act::Answer(Answer::error("SlowDown")));
    let framed = |framing| {
        let rules = [answer.clone(), Rule::always(Act::Framed(framing))];
        in_every_cut(s3, &rules, &put("a", "", ""), None).0
    };
    let by_length = framed(Framing::Length);
    let (_, content) = by_length.output.split_once("\r\n\r\n").expect("an answer");
    let to_end = framed(Framing::ToEnd);
    assert_eq!((by_length.end, to_end.end), (None, Some(End::Fin)));
    assert!(to_end.output.ends_with(&format!("\r\n\r\n{content}")));
    assert!(!to_end.output.contains("Content-Length") && !to_end.output.contains("Connection"));
    let chunked = framed(Framing::Chunked(7));
    assert_eq!(chunked.end, None);
    let (_, chunks) = chunked.output.split_once("\r\n\r\n").expect("an answer");
    assert!(chunks.starts_with("7\r\n<?xml v\r\n7\r\n") && chunks.ends_with("\r\n0\r\n\r\n"));
}

#[test]
fn an_answer_comes_in_pieces() {
    let whole = told_by(Act::Pieces(usize::MAX)).0.output;
    let store = s3();
    store.script(Rule::always(Act::Pieces(1)));
    let mut session = store.connect(start());
    session.receive(&put("a", "", "hello"));
    assert_eq!(session.to_send(), b"H");
    assert_eq!(String::from_utf8(settle(&mut session)), Ok(whole.clone()));
    let store = s3();
    store.script(Rule::always(Act::Drip { bytes: 2, every: SECOND }));
    let mut session = store.connect(start());
    session.receive(&put("a", "", "hello"));
    assert_eq!(session.to_send(), b"HT");
    session.advance(start() + 5 * SECOND / 2);
    assert_eq!(session.deadline(), Some(start() + 3 * SECOND));
    assert_eq!(String::from_utf8(settle(&mut session)), Ok(whole));
}

#[test]
fn answers_are_malformed() {
    for (how, sign) in [
        (Malformed::TwoLengths, "Content-Length: 0\r\nContent-Length: 1\r\n"),
        (Malformed::LengthBesideCoding, "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"),
        (Malformed::BadChunk, "\r\n\r\nchunk\r\n"),
        (Malformed::BadStatusLine, "HTTP/1.1 00200\r\n"),
        (Malformed::BadField, "\r\nno colon\r\n"),
        (Malformed::LongHead(5), "\r\nx-long: xxxxx\r\n"),
    ] {
        let (told, _) = told_by(Act::Malformed(how));
        assert!(told.output.contains(sign), "{how:?}: {}", told.output);
    }
}

#[test]
fn a_connection_ends_in_or_behind_the_answer() {
    for end in [End::Fin, End::Reset] {
        for after in [0, 1, 40] {
            let (told, store) = told_by(Act::EndInAnswer { after, end });
            assert_eq!((told.output.len(), told.end), (after, Some(end)));
            // It was kept, which the client cannot know.
            assert_eq!(store.keys("b").len(), 1);
            assert_eq!(store.log().connections[0].end, Some(Cut { by: Side::Store, end }));
        }
        let (told, _) = told_by(Act::Close(end));
        assert!(told.output.contains("Connection: close\r\n"));
        assert_eq!(told.end, Some(end));
        let (told, store) = told_by(Act::EndIdle { after: SECOND, end });
        assert!(told.output.ends_with("\r\n\r\n") && !told.output.contains("close"));
        assert_eq!((told.end, store.log().requests[0].cut), (Some(end), None));
    }
}

#[test]
fn bytes_come_that_nobody_asked_for() {
    let (told, _) = told_by(Act::BytesBehind(b"HTTP/1.1 408".to_vec()));
    assert!(told.output.starts_with("HTTP/1.1 200") && told.output.ends_with("HTTP/1.1 408"));
    let (told, _) = told_by(Act::BytesBeforeHead(b"220 ".to_vec()));
    assert!(told.output.starts_with("220 HTTP/1.1 200") && told.output.ends_with("220 "));
}

#[test]
fn rules_are_for_some_requests_alone() {
    let refused = |rule: Rule| {
        let keys = ["a", "b", "ab", "a"];
        let all: Vec<u8> = keys.iter().flat_map(|key| put(key, "", "")).collect();
        let (_, store) = in_every_cut(s3, &[rule], &all, None);
        let log = store.log();
        log.requests.iter().map(|request| request.status == Some(400)).collect::<Vec<_>>()
    };
    let act = Act::Answer(Answer::error("ExpiredToken"));
    let always = Rule::always(act.clone());
    let (yes, no) = (true, false);
    assert_eq!(refused(Rule::once(act.clone())), [yes, no, no, no]);
    assert_eq!(refused(Rule::once(act).after(2)), [no, no, yes, no]);
    assert_eq!(refused(always.clone().key("a")), [yes, no, no, yes]);
    assert_eq!(refused(always.clone().key("a*")), [yes, no, yes, yes]);
    assert_eq!(refused(always.clone().key("a").after(1)), [no, no, no, yes]);
    assert_eq!(refused(always.clone().reused(true)), [no, yes, yes, yes]);
    assert_eq!(refused(always.clone().reused(false)), [yes, no, no, no]);
    assert_eq!(refused(always.clone().of(Operation::GetObject)), [no; 4]);
    assert_eq!(refused(always.of(Operation::PutObject)), [yes; 4]);
}

#[test]
#[should_panic(expected = "no head has come")]
fn a_rule_cannot_ask_a_head_that_has_not_come() {
    s3().script(Rule::always(Act::EndInHead { after: 1, end: End::Fin }).key("a"));
}
