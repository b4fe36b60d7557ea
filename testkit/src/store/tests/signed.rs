//! A store that asks for signatures.

use std::time::Duration;

use super::super::time::of_basic_date;
use super::super::{Key, Refuses, Store};
use super::settle;

const GET: &str = "GET /test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=\
                   AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=\
                   20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=\
                   aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404 HTTP/1.1\r\n\
                   Host: examplebucket.s3.amazonaws.com\r\n\r\n";

/// The example of AWS, whose content is known.
const PUT: &str = "PUT /test$file.text HTTP/1.1\r\nHost: examplebucket.s3.amazonaws.com\r\n\
                   Date: Fri, 24 May 2013 00:00:00 GMT\r\nx-amz-storage-class: REDUCED_REDUNDANCY\r\n\
                   x-amz-content-sha256: \
                   44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072\r\n\
                   x-amz-date: 20130524T000000Z\r\nContent-Type: text/plain\r\n\
                   Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/\
                   us-east-1/s3/aws4_request, SignedHeaders=date;host;x-amz-content-sha256;\
                   x-amz-date;x-amz-storage-class, Signature=\
                   98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd\r\n\
                   Content-Length: 21\r\n\r\n";

fn store() -> Store {
    let store = Store::s3("examplebucket");
    let key = Key::new("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
    store.configure(|config| {
        config.domain = Some("s3.amazonaws.com".to_owned());
        config.keys = vec![key];
    });
    store
}

fn answer(store: &Store, input: &str) -> String {
    let mut session = store.connect(of_basic_date("20130524T000000Z").expect("a date"));
    session.receive(input.as_bytes());
    String::from_utf8(settle(&mut session)).expect("text")
}

#[test]
fn who_has_signed_is_noted() {
    let store = store();
    let got = answer(&store, GET);
    assert!(got.starts_with("HTTP/1.1 404") && got.contains("NoSuchKey"), "{got}");
    let put = answer(&store, &format!("{PUT}Welcome to Amazon S3."));
    assert!(put.starts_with("HTTP/1.1 200"), "{put}");
    assert_eq!(store.keys("examplebucket"), ["test$file.text"]);
    for request in store.log().requests {
        assert_eq!(request.signed_by.as_deref(), Some("AKIAIOSFODNN7EXAMPLE"));
    }
}

#[test]
fn signed_content_has_to_come() {
    let store = store();
    let put = answer(&store, &format!("{PUT}Welcome to Amazon S2."));
    assert!(put.contains("<Code>XAmzContentSHA256Mismatch</Code>"), "{put}");
    assert!(store.keys("examplebucket").is_empty());
}

#[test]
fn who_has_not_signed_is_refused_before_its_content() {
    let store = store();
    let unsigned = PUT.replace("Authorization", "X-Authorization");
    let put = answer(&store, &unsigned);
    assert!(put.starts_with("HTTP/1.1 403") && put.contains("AccessDenied"), "{put}");
    assert_eq!(store.log().requests[0].signed_by, None);
    store.configure(|config| config.refuses = Refuses::AfterContent);
    assert_eq!(answer(&store, &unsigned), "");
    store.configure(|config| config.keys.clear());
    assert!(answer(&store, &format!("{unsigned}Welcome to Amazon S2.")).contains(" 200 "));
}

#[test]
fn a_clock_that_is_ahead_is_shown() {
    let store = store();
    store.configure(|config| config.ahead = Duration::from_secs(1000));
    let put = answer(&store, PUT);
    assert!(put.contains("RequestTimeTooSkewed"), "{put}");
    assert!(put.contains("Date: Fri, 24 May 2013 00:16:40 GMT\r\n"), "{put}");
}
