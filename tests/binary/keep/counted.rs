//! What the counters say of uploads.

use std::collections::BTreeMap;
use std::fs;

use testkit::scratch::Folder;

use super::{Shelf, by_length, in_chunks, is_kept, put, wait_for, with_host};

/// What SIGUSR1 asks for: the line of the folder, and how often each reason was counted, with its
/// status.
fn counters(shelf: &Shelf) -> (String, BTreeMap<String, u64>) {
    shelf.running.signal("USR1");
    let line = loop {
        let line = shelf.running.line();
        if let Some(counters) = line.strip_prefix("streamsum: kept=") {
            break format!("kept={counters}");
        }
        let is_engines = ["open=", "refused="].iter().any(|own| line[11..].starts_with(own));
        assert!(is_engines, "{line}");
    };
    let all: u64 = value(&line, "not_kept").parse().expect("a number");
    let mut reasons = BTreeMap::new();
    while reasons.values().sum::<u64>() < all {
        let line = shelf.running.line();
        let line = line.strip_prefix("streamsum: ").expect(&line);
        let reason = format!("{} {}", value(line, "status"), value(line, "reason"));
        let times = value(line, "not_kept").parse().expect("a number");
        assert_eq!(reasons.insert(reason, times), None, "{line}");
    }
    (line, reasons)
}

fn value<'l>(line: &'l str, name: &str) -> &'l str {
    let of = |word: &'l str| word.strip_prefix(name)?.strip_prefix('=');
    line.split(' ').find_map(of).expect(line)
}

/// Asserts that soon these reasons were counted, each once, and no other.
#[track_caller]
fn comes_to(shelf: &Shelf, reasons: &[&str]) {
    let expected: BTreeMap<_, _> = reasons.iter().map(|reason| ((*reason).to_owned(), 1)).collect();
    // What is given up is counted when the server learns of it.
    wait_for(|| counters(shelf).1 == expected);
    assert_eq!(counters(shelf).1, expected);
}

fn quiet(options: &[&str]) -> Shelf {
    Shelf::start(&[&["--access-log", "off"], options].concat())
}

#[test]
fn uploads_that_are_kept_are_counted_over_all_workers() {
    for options in [&["--workers", "2"][..], &["--no-overwrite"]] {
        let shelf = quiet(options);
        assert_eq!(counters(&shelf).0, "kept=0 replaced=0 bytes_kept=0 not_kept=0 disk_failures=0");
        is_kept(&shelf.send(&put("/a"), b"abc"), b"abc");
        is_kept(&shelf.send(&put("/d/a"), b""), b"");
        is_kept(&shelf.connect().exchange(&in_chunks(&put("/d/b"), b"abcd", 2)), b"abcd");
        is_kept(&shelf.send(&with_host("POST", "/d/"), b"x"), b"x");
        let (line, reasons) = counters(&shelf);
        assert_eq!(line, "kept=4 replaced=0 bytes_kept=8 not_kept=0 disk_failures=0");
        assert!(reasons.is_empty());
        let again = shelf.send(&put("/d/a"), b"12");
        let (line, reasons) = counters(&shelf);
        if options.len() == 2 {
            is_kept(&again, b"12");
            assert_eq!(line, "kept=5 replaced=1 bytes_kept=10 not_kept=0 disk_failures=0");
        } else {
            assert_eq!(line, "kept=4 replaced=0 bytes_kept=8 not_kept=1 disk_failures=0");
            assert_eq!(reasons, BTreeMap::from([("412 name-taken".to_owned(), 1)]));
        }
    }
}

/// Each of these is a status, or a reason, that docs/HTTP.md tells apart.
#[test]
fn each_refusal_counts_under_its_reason() {
    let shelf = quiet(&["--max-body", "9B"]);
    is_kept(&shelf.send(&put("/file"), b"abc"), b"abc");
    let field = |field: &str| format!("{}{field}\r\n", put("/a"));
    for (head, content, reason) in [
        (put("/.a"), &b"abc"[..], "400 key"),
        (field("Content-Range: bytes 0-2/9"), b"abc", "400 content-range"),
        (field("Content-MD5: AAAA"), b"abc", "400 digest-declaration"),
        (field("Content-MD5: AAAAAAAAAAAAAAAAAAAAAA=="), b"abc", "400 digest-differs"),
        (field("Origin: https://b.example"), b"abc", "403 origin-foreign"),
        ("PUT /a HTTP/1.1\r\nHost: b.example\r\n".into(), b"abc", "403 host-foreign"),
        (with_host("DELETE", "/a"), b"abc", "405 method"),
        (put("/file/a"), b"abc", "409 folder"),
        (field("If-None-Match: *"), b"a longer one", "413 too-large"),
        (put("/file") + "If-None-Match: *\r\n", b"abc", "412 name-taken"),
        (field("Content-Type: multipart/form-data; boundary=a"), b"abc", "415 form"),
        (field("If-Match: \"a\""), b"abc", "501 unsupported"),
    ] {
        let before = counters(&shelf).1;
        let answer = shelf.send(&head, content);
        let (line, mut after) = counters(&shelf);
        assert!(reason.starts_with(&answer.status.to_string()), "{reason}: {}", answer.content);
        assert_eq!(after.remove(reason), Some(1), "{after:?}");
        assert_eq!(after, before, "{reason}");
        assert!(line.ends_with(" disk_failures=0"), "{line}");
    }
    let bare = format!("{}\r\n", put("/a"));
    assert_eq!(shelf.connect().exchange(bare.as_bytes()).status, 411);
    assert_eq!(counters(&shelf).1.remove("411 length-missing"), Some(1));
    assert_eq!(value(&counters(&shelf).0, "kept"), "1");
}

/// Nobody sees an upload but its page, which the browser does not let send.
#[test]
fn a_preflight_counts_if_it_is_refused() {
    let shelf = quiet(&["--cors-origin", "https://a.example"]);
    let ask = |origin: &str| {
        let method = "Access-Control-Request-Method: PUT";
        let head = with_host("OPTIONS", "/a");
        shelf.send(&format!("{head}Origin: https://{origin}.example\r\n{method}\r\n"), b"").status
    };
    assert_eq!((ask("a"), ask("b")), (204, 403));
    comes_to(&shelf, &["403 origin-foreign"]);
}

#[test]
fn tokens_that_do_not_do_are_counted() {
    let tokens = Folder::make();
    let file = tokens.file("tokens", b"bob bobs-token prefix=b/\n").display().to_string();
    let shelf = quiet(&["--token-file", &file]);
    assert_eq!(shelf.send(&put("/a"), b"abc").status, 401);
    let head = format!("{}Authorization: Bearer bobs-token\r\n", put("/a"));
    assert_eq!(shelf.send(&head, b"abc").status, 403);
    comes_to(&shelf, &["401 token", "403 prefix"]);
}

#[test]
fn what_ends_before_it_is_whole_is_counted() {
    let shelf = quiet(&["--body-timeout", "1s"]);
    drop(shelf.begin(&put("/a"), 3));
    comes_to(&shelf, &["- broken-off"]);
    let mut slow = shelf.begin(&put("/a"), 3);
    assert_eq!(slow.answer().status, 408);
    comes_to(&shelf, &["- broken-off", "408 too-slow"]);
    let mut client = shelf.connect();
    let head = format!("{}Transfer-Encoding: chunked\r\n\r\nx\r\n", put("/a"));
    assert_eq!(client.exchange(head.as_bytes()).status, 400);
    comes_to(&shelf, &["- broken-off", "- malformed", "408 too-slow"]);
    assert_eq!(value(&counters(&shelf).0, "disk_failures"), "0");
}

#[test]
fn a_disk_that_fails_is_counted_as_what_it_is() {
    let shelf = quiet(&["--min-free", "1EiB"]);
    assert_eq!(shelf.send(&put("/a"), b"abc").status, 507);
    comes_to(&shelf, &["507 no-room"]);
    // Nothing has failed.
    assert_eq!(value(&counters(&shelf).0, "disk_failures"), "0");

    let shelf = quiet(&[]);
    let mut under_way = shelf.begin(&put("/d/a"), 3);
    fs::remove_dir_all(shelf.folder.path()).expect("it is there");
    assert_eq!(under_way.exchange(b"abc").status, 500);
    comes_to(&shelf, &["500 disk"]);
    assert_eq!(value(&counters(&shelf).0, "disk_failures"), "1");
}

/// As SIGUSR1 asks for more lines where uploads are kept, and for none of these elsewhere.
#[test]
fn a_server_that_keeps_nothing_counts_nothing_kept() {
    let (running, _) = crate::STREAMSUM.local(&[]);
    running.signal("USR1");
    assert!(running.line().starts_with("streamsum: open="));
    running.signal("TERM");
    let (_, left) = running.end();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn an_upload_on_its_own_connection_after_another_counts_too() {
    let shelf = quiet(&[]);
    let mut client = shelf.connect();
    for _ in 0..3 {
        is_kept(&client.exchange(&by_length(&put("/a"), b"abc")), b"abc");
    }
    assert_eq!(counters(&shelf).0, "kept=3 replaced=2 bytes_kept=9 not_kept=0 disk_failures=0");
}
