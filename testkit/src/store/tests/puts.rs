//! What a store makes of proper requests, and of improper ones.

use super::super::{Conditions, Config, Cut, End, Operation, Refuses, Side, Store};
use super::{in_every_cut, put};

fn s3() -> Store {
    Store::s3("b")
}

/// The status of the last answer.
#[track_caller]
fn status(output: &str) -> &str {
    let at = output.rfind("HTTP/1.1 ").expect("an answer");
    &output[at + 9..at + 12]
}

const HELLO: &str = "\"5d41402abc4b2a76b9719d911017c592\"";

#[test]
fn a_put_becomes_an_object() {
    let fields = "x-amz-meta-a: 1\r\nCache-Control: no-store\r\nX-Other: 2\r\n";
    let (told, store) = in_every_cut(s3, &[], &put("a%20b/c", fields, "hello"), None);
    let head = format!(
        "HTTP/1.1 200 OK\r\nDate: Fri, 15 Jan 2027 08:00:00 GMT\r\n\
         x-amz-request-id: 0000000000000000\r\nServer: AmazonS3\r\nETag: {HELLO}\r\n\
         Content-Length: 0\r\n\r\n"
    );
    assert_eq!((told.output, told.end), (head, None));
    let object = store.object("b", "a b/c").expect("an object");
    assert_eq!(object.content.as_deref(), Some(b"hello".as_slice()));
    assert_eq!((object.length, &*object.etag, object.request), (5, HELLO, 0));
    let field = |name| object.field(name);
    assert_eq!(field("content-type"), Some("text/plain"));
    assert_eq!((field("x-amz-meta-a"), field("cache-control")), (Some("1"), Some("no-store")));
    assert_eq!(field("x-other"), None);
    let log = store.log();
    let request = &log.requests[0];
    assert_eq!((request.operation, &*request.key), (Operation::PutObject, "a b/c"));
    assert_eq!((request.status, request.received, request.is_complete), (Some(200), 5, true));
    assert_eq!((log.times_received("a b/c"), log.bytes_received("a b/c")), (1, 5));
    assert!(request.is_done && log.faults.is_empty(), "{log:?}");
}

#[test]
fn requests_follow_each_other_on_a_connection() {
    let get = b"GET /b/a HTTP/1.1\r\nHost: s3.test\r\n\r\n";
    let head = b"HEAD /b/a HTTP/1.1\r\nHost: s3.test\r\n\r\n";
    let delete = b"DELETE /b/a HTTP/1.1\r\nHost: s3.test\r\nConnection: close\r\n\r\n";
    let all = [&put("a", "", "hello")[..], get, head, delete].concat();
    let (told, store) = in_every_cut(s3, &[], &all, None);
    let answers: Vec<&str> = told.output.split("HTTP/1.1 ").skip(1).collect();
    let [_, got, headed, deleted] = answers[..] else { panic!("{answers:?}") };
    assert!(got.starts_with("200") && got.ends_with("Content-Length: 5\r\n\r\nhello"), "{got}");
    assert!(got.contains("content-type: text/plain\r\n") && got.contains(HELLO), "{got}");
    assert_eq!(headed.replace("0002", "0001"), got.strip_suffix("hello").expect("its end"));
    assert!(deleted.starts_with("204") && !deleted.contains("Length"), "{deleted}");
    assert_eq!((told.end, store.keys("b").len()), (Some(End::Fin), 0));
    assert_eq!(store.log().connections[0].requests, 4);
}

#[test]
fn a_refused_head_has_the_length_of_its_error_and_no_content() {
    let head = b"HEAD /b/a HTTP/1.1\r\nHost: x\r\n\r\n";
    let (told, _) = in_every_cut(s3, &[], head, None);
    assert!(told.output.starts_with("HTTP/1.1 404") && told.output.ends_with("\r\n\r\n"));
    assert!(told.output.contains("Content-Length: ") && !told.output.contains("Length: 0\r\n"));
}

#[test]
fn continue_is_sent_when_it_is_asked_for() {
    let request = put("a", "Expect: 100-continue\r\n", "hello");
    let (told, store) = in_every_cut(s3, &[], &request, None);
    assert!(told.output.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"));
    assert!(store.log().requests[0].was_continued);
}

#[test]
fn a_cut_put_leaves_nothing() {
    let whole = put("a", "", "hello");
    for end in [End::Fin, End::Reset] {
        let input = &whole[..whole.len() - 2];
        let (told, store) = in_every_cut(s3, &[], input, Some(end));
        let log = store.log();
        let cut = Some(Cut { by: Side::Client, end });
        assert_eq!((log.requests[0].cut, log.requests[0].received), (cut, 3));
        assert_eq!((log.connections[0].end, log.connections[0].client_end), (cut, Some(end)));
        assert!(store.keys("b").is_empty() && !log.requests[0].is_done);
        // No client of S3 ends by FIN.
        assert_eq!(log.faults.len(), usize::from(end == End::Fin));
        assert_eq!(told.output.is_empty(), end == End::Reset);
    }
    let (told, _) = in_every_cut(s3, &[], &whole, Some(End::Reset));
    assert_eq!(told.output, "", "nobody is there to take the answer");
    let (_, store) = in_every_cut(s3, &[], &whole[..20], Some(End::Reset));
    assert_eq!(store.log().connections[0].unfinished_head, 20);
}

#[test]
fn declared_digests_are_verified() {
    for (field, expected) in [
        ("Content-MD5: XUFAKrxLKna5cZ2REBfFkg==", "200"),
        ("Content-MD5: XUFAKrxLKna5cZ2REBfFkw==", "400"),
        ("Content-MD5: XUFA", "400"),
        ("x-amz-checksum-sha256: LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=", "200"),
        ("x-amz-checksum-sha256: LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCR=", "200"),
        ("x-amz-checksum-sha256: KPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=", "400"),
    ] {
        let request = put("a", &format!("{field}\r\n"), "hello");
        let (told, store) = in_every_cut(s3, &[], &request, None);
        assert_eq!(status(&told.output), expected, "{field}");
        assert_eq!(store.keys("b").len(), usize::from(expected == "200"), "{field}");
        let code = if field.ends_with("XUFA") { "InvalidDigest" } else { "BadDigest" };
        assert_eq!(told.output.contains(&format!("<Code>{code}</Code>")), expected != "200");
    }
}

#[test]
fn conditions_are_honoured_ignored_or_refused() {
    let first = put("a", "", "hello");
    for (field, conditions, expected) in [
        ("If-None-Match: *".to_owned(), Conditions::Honoured, "412"),
        ("If-None-Match: *".to_owned(), Conditions::Ignored, "200"),
        ("If-None-Match: *".to_owned(), Conditions::Refused, "501"),
        (format!("If-Match: {HELLO}"), Conditions::Honoured, "200"),
        ("If-Match: \"other\"".to_owned(), Conditions::Honoured, "412"),
        ("If-Match: \"other\"".to_owned(), Conditions::Ignored, "200"),
    ] {
        let store = || {
            let store = s3();
            store.configure(|config| config.conditions = conditions);
            store
        };
        let second = put("a", &format!("{field}\r\n"), "other");
        let both = [&first[..], &second].concat();
        let (told, store) = in_every_cut(store, &[], &both, None);
        assert_eq!(status(&told.output), expected, "{field} {conditions:?}");
        let content = store.object("b", "a").expect("the first").content;
        assert_eq!(content.as_deref() == Some(b"other"), expected == "200");
    }
    let (told, _) = in_every_cut(s3, &[], &put("a", "If-None-Match: *\r\n", ""), None);
    assert_eq!(status(&told.output), "200");
    let (told, _) = in_every_cut(s3, &[], &put("a", "If-Match: *\r\n", ""), None);
    assert_eq!(status(&told.output), "404");
}

#[test]
fn what_s3_refuses_by_the_head() {
    let host = "HTTP/1.1\r\nHost: s3.test\r\nContent-Type: a/b\r\n";
    for (request, code) in [
        (format!("PUT /b/a {host}Transfer-Encoding: chunked\r\n\r\n"), "MissingContentLength"),
        (format!("PUT /b/a {host}\r\n"), "MissingContentLength"),
        (format!("PUT /c/a {host}Content-Length: 1\r\n\r\n"), "NoSuchBucket"),
        (
            format!(
                "PUT /b/a {host}Content-Encoding: gzip,aws-chunked\r\nContent-Length: 1\r\n\r\n"
            ),
            "NotImplemented",
        ),
        (format!("PUT /b/a {host}Content-Length: 5368709121\r\n\r\n"), "EntityTooLarge"),
        (format!("GET /b/a {host}\r\n"), "NoSuchKey"),
        (format!("PATCH /b/a {host}\r\n"), "MethodNotAllowed"),
    ] {
        let (told, store) = in_every_cut(s3, &[], request.as_bytes(), None);
        assert!(told.output.contains(&format!("<Code>{code}</Code>")), "{request}{}", told.output);
        // Who has content to send is not waited for.
        let has_content = request.contains("Content-Length") || request.contains("chunked");
        assert_eq!(told.end.is_some(), has_content, "{request}");
        assert_eq!(told.output.contains("Connection: close"), has_content);
        assert!(store.keys("b").is_empty());
    }
}

#[test]
fn a_store_may_refuse_only_when_it_has_read_all() {
    let store = || {
        let store = s3();
        store.configure(|config| config.refuses = Refuses::AfterContent);
        store
    };
    let mut request = put("a", "Expect: 100-continue\r\nIf-Match: *\r\n", "hello");
    let (told, own) = in_every_cut(store, &[], &request, None);
    assert!(told.output.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404"));
    assert_eq!((told.end, own.log().bytes_received("a")), (None, 5));
    let (told, own) = in_every_cut(s3, &[], &request, None);
    assert!(told.output.starts_with("HTTP/1.1 404"), "{}", told.output);
    assert_eq!((told.end, own.log().bytes_received("a")), (Some(End::Fin), 0));
    assert_eq!(own.log().connections[0].late, 5);
    // The next request comes behind the content.
    request.extend(b"GET /b/a HTTP/1.1\r\nHost: x\r\n\r\n");
    let (_, own) = in_every_cut(store, &[], &request, None);
    assert_eq!(own.log().requests.len(), 2);
}

#[test]
fn buckets_may_stand_in_the_host() {
    let store = || {
        let store = s3();
        store.configure(|config| config.domain = Some("s3.test".to_owned()));
        store
    };
    let of = |host: &str, path: &str| {
        let head = format!("PUT {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n");
        let (told, store) = in_every_cut(store, &[], head.as_bytes(), None);
        (status(&told.output).to_owned(), store.keys("b").concat())
    };
    assert_eq!(of("b.s3.test:9000", "/b/a"), ("200".to_owned(), "b/a".to_owned()));
    assert_eq!(of("s3.test", "/b/a"), ("200".to_owned(), "a".to_owned()));
    assert_eq!(of("c.s3.test", "/a"), ("404".to_owned(), String::new()));
}

#[test]
fn a_plain_origin_takes_any_path_and_any_framing() {
    let chunked = b"PUT /x/y%20z HTTP/1.1\r\nHost: o\r\nTransfer-Encoding: chunked\r\n\r\n\
                    3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n";
    let (told, store) = in_every_cut(Store::plain, &[], chunked, None);
    assert_eq!(status(&told.output), "200");
    assert!(told.output.contains(HELLO) && !told.output.contains("x-amz"), "{}", told.output);
    assert_eq!(store.object("", "x/y z").expect("an object").etag, HELLO);
    assert!(store.log().faults.is_empty());
}

#[test]
fn long_content_is_not_kept() {
    let store = || {
        let store = Store::new(Config { keeps: 4, ..Config::s3() });
        store.create_bucket("b");
        store
    };
    let digest = "x-amz-checksum-sha256: LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=\r\n";
    for fields in ["", digest] {
        let (_, store) = in_every_cut(store, &[], &put("a", fields, "hello"), None);
        let object = store.object("b", "a").expect("an object");
        assert_eq!((object.content, object.length, &*object.etag), (None, 5, HELLO));
    }
}

#[test]
fn versions_are_kept_beside_each_other() {
    let store = || {
        let store = s3();
        store.configure(|config| config.keeps_versions = true);
        store
    };
    let delete = |query: &str| format!("DELETE /b/a{query} HTTP/1.1\r\nHost: x\r\n\r\n");
    let content = |requests: &[&str]| {
        let (told, store) = in_every_cut(store, &[], requests.concat().as_bytes(), None);
        let object = store.object("b", "a").and_then(|object| object.content);
        let object = object.map(|content| String::from_utf8(content).expect("text"));
        (told.output, object, store.versions("b", "a").join(" "), store.keys("b").len())
    };
    let put = |content: &str| String::from_utf8(put("a", "", content)).expect("text");
    let (first, second) = (put("one"), put("two"));
    let (output, object, versions, _) = content(&[&first, &second]);
    assert!(output.contains("x-amz-version-id: v.1") && output.contains("x-amz-version-id: v.2"));
    assert_eq!((object.as_deref(), &*versions), (Some("two"), "v.1 v.2"));
    let (_, object, versions, _) = content(&[&first, &second, &delete("?versionId=v.2")]);
    assert_eq!((object.as_deref(), &*versions), (Some("one"), "v.1"));
    let (_, object, versions, keys) = content(&[&first, &delete("")]);
    assert_eq!((object, &*versions, keys), (None, "v.1 v.2", 0));
    let (_, object, ..) = content(&[&first, &delete(""), &delete("?versionId=v.2")]);
    assert_eq!(object.as_deref(), Some("one"));
    // Without versions there is but one, and it goes.
    let both = [&first[..], &second, &delete("")].concat();
    let (told, store) = in_every_cut(s3, &[], both.as_bytes(), None);
    assert!(!told.output.contains("version") && store.versions("b", "a").is_empty());
}

#[test]
fn what_is_no_request_is_refused_and_noted() {
    for request in [
        "PUT /b/a\r\n\r\n",
        "PUT /b/a HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        "PUT /b/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
        "PUT /b/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "PUT /b/a HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\n",
    ] {
        let (told, store) = in_every_cut(s3, &[], request.as_bytes(), None);
        assert_eq!((status(&told.output), told.end), ("400", Some(End::Fin)), "{request}");
        assert_eq!(store.log().faults.len(), 1);
        assert!(store.log().requests.is_empty());
    }
}

#[test]
fn what_no_client_of_s3_should_send_is_noted() {
    let request = b"PUT /b/a?X-Amz-Signature=1 HTTP/1.1\r\nHost: x\r\nDate: x\r\n\
                    x-amz-content-sha256: UNSIGNED-PAYLOAD\r\nContent-Length: 0\r\n\r\n";
    let (_, store) = in_every_cut(s3, &[], request, None);
    assert_eq!(store.log().faults.len(), 3, "{:?}", store.log().faults);
}
