//! Who may keep uploads.

use std::process::Output;

use testkit::binary::text;
use testkit::client::Received;
use testkit::scratch::Folder;

use super::{Shelf, by_length, in_chunks, is_kept, put, with_host};
use crate::STREAMSUM;

const TOKENS: &str = "\
# who token
all     correct-horse
box     prefixed-token prefix=in/box/
small   small-token max=4B
large   large-token max=1KiB
gone    former-token expires=2020-01-01
hashed  sha256:8d969eef6ecad3c29a3a629280e686cf0c3f5d5a86aff3ca12020c923adc6c92
";

/// With these tokens.
fn guarded(options: &[&str]) -> (Shelf, Folder) {
    let folder = Folder::make();
    let file = folder.file("tokens", TOKENS.as_bytes()).display().to_string();
    (Shelf::start(&[&["--token-file", &file], options].concat()), folder)
}

fn bearer(target: &str, token: &str) -> String {
    format!("{}Authorization: Bearer {token}\r\n", put(target))
}

/// Asserts that it is a 401 with both schemes, each in a line of its own.
#[track_caller]
fn wants_a_token(answer: &Received) {
    assert_eq!(answer.status, 401, "{}", answer.content);
    let schemes: Vec<_> = answer
        .head
        .lines()
        .filter_map(|line| line.strip_prefix("WWW-Authenticate: "))
        .map(|value| value.split(' ').next())
        .collect();
    assert_eq!(schemes, [Some("Basic"), Some("Bearer")], "{}", answer.head);
}

// covers: 36.10
#[test]
fn without_a_token_it_is_401_before_the_content() {
    let (shelf, _tokens) = guarded(&["--max-body", "8B"]);
    for field in [
        "",
        "Authorization: Bearer wrong-horse\r\n",
        "Authorization: Bearer\r\n",
        "Authorization: Bearer correct-horse correct-horse\r\n",
        "Authorization: Bearer former-token\r\n",
        "Authorization: Digest correct-horse\r\n",
        "Authorization: correct-horse\r\n",
        "Authorization: Basic !!!\r\n",
        // all:wrong
        "Authorization: Basic YWxsOndyb25n\r\n",
        "Authorization: Bearer correct-horse\r\nAuthorization: Bearer correct-horse\r\n",
    ] {
        // The last one is longer than may be.
        for length in [0, 3, 9] {
            let (_, answer) = shelf.ask(&format!("{}{field}", put("/a")), length);
            wants_a_token(&answer);
        }
        wants_a_token(&shelf.send(&format!("{}{field}", put("/a")), b"abc"));
    }
    // Nor does anybody hear which names and methods there are.
    for head in [put("/.bad"), with_host("GET", "/a"), with_host("OPTIONS", "/a")] {
        wants_a_token(&shelf.send(&head, b""));
    }
    assert!(shelf.listing().is_empty());
}

// covers: 36.10
#[test]
fn bearer_and_basic_are_right() {
    let (shelf, _tokens) = guarded(&[]);
    for (name, field) in [
        ("a", "Bearer correct-horse"),
        ("b", "bearer  correct-horse"),
        // bob:correct-horse
        ("c", "Basic Ym9iOmNvcnJlY3QtaG9yc2U="),
        // :correct-horse
        ("d", "basic OmNvcnJlY3QtaG9yc2U="),
        ("e", "Bearer 123456"),
    ] {
        let head = format!("{}Authorization: {field}\r\n", put(&format!("/{name}")));
        let (mut client, answer) = shelf.ask(&head, 3);
        assert_eq!(answer.status, 100, "{field}: {}", answer.content);
        is_kept(&client.exchange(b"abc"), b"abc");
        assert_eq!(shelf.read(name), b"abc");
    }
}

// covers: 36.11
#[test]
fn a_prefix_is_where_its_holder_may_keep() {
    let (shelf, _tokens) = guarded(&[]);
    for target in ["/a", "/in/box", "/in/boxes/a", "/in/a", "/in/box%20/a", "/IN/box/a", "/in/b"] {
        let (_, answer) = shelf.ask(&bearer(target, "prefixed-token"), 3);
        assert_eq!(answer.status, 403, "{target}: {}", answer.content);
    }
    let post = |folder| bearer(folder, "prefixed-token").replacen("PUT", "POST", 1);
    for folder in ["/", "/in/", "/in/boxes/"] {
        assert_eq!(shelf.send(&post(folder), b"abc").status, 403, "{folder}");
    }
    assert!(shelf.listing().is_empty());
    for target in ["/in/box/a", "/in/%62ox/b", "/in/box/c/d"] {
        is_kept(&shelf.send(&bearer(target, "prefixed-token"), b"abc"), b"abc");
    }
    for folder in ["/in/box/", "/in/box/c/"] {
        is_kept(&shelf.send(&post(folder), b"abc"), b"abc");
    }
    let way_out = shelf.send(&bearer("/in/box/../../a", "prefixed-token"), b"abc");
    assert_eq!(way_out.status, 400);
}

// covers: 36.11
#[test]
fn a_longest_content_stands_in_place_of_that_for_all() {
    let (shelf, _tokens) = guarded(&["--max-body", "16B"]);
    for (token, most) in [("small-token", 4), ("correct-horse", 16), ("large-token", 1024)] {
        let content = vec![b'x'; most + 1];
        is_kept(&shelf.send(&bearer("/a", token), &content[1..]), &content[1..]);
        let chunked = in_chunks(&bearer("/b", token), &content[1..], 3);
        is_kept(&shelf.connect().exchange(&chunked), &content[1..]);
        let (_, answer) = shelf.ask(&bearer("/c", token), most + 1);
        assert_eq!(answer.status, 413, "{token}: {}", answer.content);
        let chunked = in_chunks(&bearer("/c", token), &content, 3);
        let answer = shelf.connect().exchange(&chunked);
        assert_eq!(answer.status, 413, "{token}: {}", answer.content);
    }
    assert_eq!(shelf.listing().into_keys().collect::<Vec<_>>(), ["a", "b"]);
    // Each request of a connection has the limit of its own token.
    let mut client = shelf.connect();
    let content = [b'x'; 1000];
    is_kept(&client.exchange(&by_length(&bearer("/d", "large-token"), &content)), &content);
    is_kept(&client.exchange(&by_length(&bearer("/e", "small-token"), b"four")), b"four");
    let answer = client.exchange(&by_length(&bearer("/f", "small-token"), b"5five"));
    assert_eq!(answer.status, 413);
}

#[test]
fn no_line_shows_a_token() {
    let (shelf, _tokens) = guarded(&[]);
    for (token, status) in [("correct-horse", 200), ("prefixed-token", 403), ("wrong-horse", 401)] {
        assert_eq!(shelf.send(&bearer("/a", token), b"abc").status, status);
        let line = shelf.running.line();
        assert!(line.contains(&format!(" PUT /a {status} ")) && !line.contains(token), "{line}");
    }
}

// covers: 31.6
#[test]
fn each_line_says_whose_token_it_was() {
    let (shelf, _tokens) = guarded(&["--body-timeout", "1s", "--digest", "md5"]);
    is_kept(&shelf.send(&bearer("/old", "correct-horse"), b"abc"), b"abc");
    let kept = shelf.running.line();
    assert!(kept.ends_with(" note=\"kept for all: /old\""), "{kept}");
    let md5 = "Content-MD5: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
    for (head, content, status, note) in [
        (bearer("/a", "prefixed-token"), &b"abc"[..], 403, "for box"),
        (bearer("/a/../b", "correct-horse"), b"abc", 400, "for all: key-dot-segment"),
        (bearer("/a", "correct-horse").replacen("PUT", "GET", 1), b"", 405, "for all"),
        (bearer("/a", "small-token"), b"12345", 413, "for small"),
        (bearer("/old/a", "correct-horse"), b"abc", 409, "for all"),
        (bearer("/old", "correct-horse") + "If-None-Match: *\r\n", b"abc", 412, "for all"),
        (bearer("/a", "correct-horse") + md5, b"abc", 400, "for all"),
        (bearer("/a", "correct-horse") + "Content-MD5: x\r\n", b"abc", 400, "for all"),
        (bearer("/a", "former-token"), b"abc", 401, "token-expired gone"),
    ] {
        let answer = shelf.send(&head, content);
        assert_eq!(answer.status, status, "{head} {}", answer.content);
        let line = shelf.running.line();
        assert!(line.ends_with(&format!(" note=\"{note}\"")), "{line}");
    }
    // Those that break off.
    let upload = shelf.begin(&bearer("/a", "correct-horse"), 3);
    upload.half_close();
    let line = shelf.running.line();
    assert!(line.contains(" PUT /a 400 0 ") && line.ends_with(" note=\"for all\""), "{line}");
    let mut silent = shelf.begin(&bearer("/a", "correct-horse"), 3);
    assert_eq!(silent.answer().status, 408);
    let line = shelf.running.line();
    assert!(line.contains(" PUT /a 408 0 ") && line.ends_with(" note=\"for all\""), "{line}");
    super::untouched::reset(shelf.begin(&bearer("/a", "correct-horse"), 3));
    let line = shelf.running.line();
    assert!(line.contains(" PUT /a - 0 ") && line.ends_with(" note=\"for all\""), "{line}");
}

fn fails(arguments: &[&str]) -> (Output, String) {
    let output = STREAMSUM.command(arguments).output().expect("it runs");
    let line = text(&output.stderr).to_owned();
    assert_eq!((text(&output.stdout), line.lines().count()), ("", 1), "{line}");
    (output, line)
}

// covers: 36.15
#[test]
fn others_can_only_reach_what_says_who_may() {
    let folder = Folder::make();
    let to = folder.path().display().to_string();
    for address in ["0.0.0.0:0", ":0", "[::]:0"] {
        let local = ["--listen", "127.0.0.1:0"];
        for more in [&[][..], &local] {
            let (output, line) = fails(&[&["--to", &*to, "--listen", address], more].concat());
            assert_eq!(output.status.code(), Some(2), "{line}");
            assert!(line.contains("--token-file") && line.contains("--anonymous"), "{line}");
        }
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
    let running = STREAMSUM.start(&["--to", &to, "--listen", "0.0.0.0:0", "--anonymous"]);
    let address = running.address().replace("0.0.0.0", "127.0.0.1");
    let address = testkit::client::Address::Tcp(address.parse().expect("an address"));
    let head = "PUT /a HTTP/1.1\r\nHost: 192.0.2.1:8080\r\n";
    is_kept(&address.connect().exchange(&by_length(head, b"abc")), b"abc");
    drop(running);

    let socket = folder.place("sock").display().to_string();
    let running = STREAMSUM.start(&["--to", &to, "--listen", &format!("unix:{socket}")]);
    running.address();
    let address = testkit::client::Address::Unix(socket.into());
    let head = "PUT /a HTTP/1.1\r\nHost: files.example\r\n";
    is_kept(&address.connect().exchange(&by_length(head, b"unix")), b"unix");
    assert_eq!(std::fs::read(folder.place("a")).expect("it is there"), b"unix");
}

// covers: 36.15
#[test]
fn a_start_that_cannot_keep_says_why() {
    let folder = Folder::make();
    let to = folder.path().display().to_string();
    let local = ["--listen", "127.0.0.1:0", "--to"];
    let file = folder.file("tokens", b"bob short\n").display().to_string();
    let missing = folder.place("missing").display().to_string();
    for (more, what) in [
        (&[&*missing][..], &*missing),
        (&[&file], &file),
        (&[&to, "--token-file", &missing], &missing),
        (&[&to, "--token-file", &file], &file),
        (&[&to, "--anonymous", "--token-file", &file], "--anonymous"),
        (&[&to, "--cors-origin", "x"], "--cors-origin"),
        (&[&to, "--host", "a/b"], "--host"),
    ] {
        let (output, line) = fails(&[&local[..], more].concat());
        assert!(matches!(output.status.code(), Some(1 | 2)), "{line}");
        assert!(line.contains(what) && !line.contains("short"), "{line} names {what}");
    }
}
