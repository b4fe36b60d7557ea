//! What is not kept leaves nothing, and what was there as it was.

use std::time::Duration;

use socket2::SockRef;
use testkit::client::{Client, Socket};
use testkit::scratch::Folder;

use super::{SEEN, Shelf, by_length, can, in_chunks, is_kept, put};

const WRONG: &str = "Content-MD5: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
const RIGHT: &str = "Content-MD5: kAFQmDzST7DWlj99KOF/cg==\r\n";

/// A shelf with an old file, and one with unfinished files that are seen.
fn shelves(options: &[&str]) -> Vec<Shelf> {
    let wrappers = [&[][..], SEEN].into_iter().filter(|one| one.is_empty() || can(one));
    wrappers
        .map(|wrapper| {
            let shelf = Shelf::start_in(Folder::make(), wrapper, options);
            for name in ["/old", "/d/old"] {
                is_kept(&shelf.send(&put(name), b"old"), b"old");
                shelf.running.line();
            }
            shelf
        })
        .collect()
}

/// Asserts that each upload is answered so, if at all, and leaves all as it was.
fn leave_all_as_it_was(options: &[&str], upload: impl Fn(&Shelf, &str)) {
    for shelf in shelves(options) {
        let before = shelf.listing();
        assert_eq!(before.len(), 3);
        for target in ["/old", "/d/old", "/new", "/d/new", "/made/for/it"] {
            upload(&shelf, target);
            let line = shelf.running.line();
            assert!(line.contains(&format!(" PUT {target} ")), "{line}");
            shelf.comes_to(&before, target);
        }
        is_kept(&shelf.send(&put("/old"), b"abc"), b"abc");
    }
}

pub(super) fn reset(client: Client) {
    let socket = client.into_socket();
    let Socket::Tcp(stream) = &socket else { panic!("a connection over TCP") };
    SockRef::from(stream).set_linger(Some(Duration::ZERO)).expect("an open socket");
}

// covers: 36.5
#[test]
fn nothing_is_seen_of_an_upload_under_way() {
    let shelf = shelves(&[]).remove(0);
    let before = shelf.listing();
    let mut uploads = ["/old", "/new", "/made/for/it"].map(|name| shelf.begin(&put(name), 9));
    for upload in &mut uploads {
        upload.send(b"12345678");
    }
    assert_eq!(shelf.listing(), before);
    for upload in &mut uploads {
        is_kept(&upload.exchange(b"9"), b"123456789");
    }
    assert_eq!(shelf.read("made/for/it"), b"123456789");
    assert_eq!(shelf.listing().len(), 7);
}

// covers: 36.5
#[test]
fn a_client_that_closes_amid_its_content() {
    leave_all_as_it_was(&[], |shelf, target| {
        let mut upload = shelf.begin(&put(target), 9);
        upload.send(b"12345678");
        upload.half_close();
        let _ = upload.try_to_end();
    });
    leave_all_as_it_was(&[], |shelf, target| {
        let mut upload = shelf.connect();
        let request = in_chunks(&put(target), b"abc", 3);
        upload.send(&request[..request.len() - 1]);
        upload.half_close();
        let _ = upload.try_to_end();
    });
}

// covers: 36.5
#[test]
fn a_client_that_closes_before_its_content() {
    leave_all_as_it_was(&[], |shelf, target| drop(shelf.begin(&put(target), 9)));
}

// covers: 36.5
#[test]
fn a_client_that_resets_amid_its_content() {
    leave_all_as_it_was(&[], |shelf, target| {
        let mut upload = shelf.begin(&put(target), 9);
        upload.send(b"12345678");
        reset(upload);
    });
}

// covers: 36.5
#[test]
fn content_that_is_not_as_declared() {
    leave_all_as_it_was(&[], |shelf, target| {
        let mut client = shelf.connect();
        let answer = client.exchange(&by_length(&format!("{}{WRONG}", put(target)), b"abc"));
        assert_eq!(answer.status, 400, "{}", answer.content);
        assert_eq!(answer.field("ETag"), None);
    });
    leave_all_as_it_was(&[], |shelf, target| {
        let head = format!("{}Trailer: Content-MD5\r\n", put(target));
        let mut request = in_chunks(&head, b"abc", 2);
        request.truncate(request.len() - 2);
        request.extend_from_slice(format!("{WRONG}\r\n").as_bytes());
        let answer = shelf.connect().exchange(&request);
        assert_eq!(answer.status, 400, "{}", answer.content);
    });
    // It was announced, and there is none.
    leave_all_as_it_was(&[], |shelf, target| {
        let head = format!("{}Trailer: Content-MD5\r\n", put(target));
        let answer = shelf.connect().exchange(&by_length(&head, b"abc"));
        assert_eq!(answer.status, 400, "{}", answer.content);
    });
}

#[test]
fn content_that_is_as_declared_is_kept() {
    for shelf in shelves(&[]) {
        is_kept(&shelf.send(&format!("{}{RIGHT}", put("/a")), b"abc"), b"abc");
        let head = format!("{}Trailer: Content-MD5\r\n", put("/b"));
        let mut request = in_chunks(&head, b"abc", 2);
        request.truncate(request.len() - 2);
        request.extend_from_slice(format!("{RIGHT}\r\n").as_bytes());
        is_kept(&shelf.connect().exchange(&request), b"abc");
        assert_eq!([shelf.read("a"), shelf.read("b")], [b"abc", b"abc"]);
    }
}

/// The connection goes on after content that was read to its end.
// covers: 36.5
#[test]
fn an_upload_after_one_with_a_wrong_digest_is_kept() {
    let shelf = Shelf::start(&[]);
    let mut client = shelf.connect();
    let wrong = by_length(&format!("{}{WRONG}", put("/a")), b"abc");
    let right = by_length(&format!("{}{RIGHT}", put("/b")), b"abc");
    client.send(&[wrong, right].concat());
    assert_eq!(client.answer().status, 400);
    is_kept(&client.answer(), b"abc");
    assert_eq!(shelf.listing().into_keys().collect::<Vec<_>>(), ["b"]);
}

// covers: 36.5
#[test]
fn a_broken_chunk() {
    leave_all_as_it_was(&[], |shelf, target| {
        let mut upload = shelf.connect();
        let head = format!("{}Transfer-Encoding: chunked\r\n\r\n", put(target));
        let answer = upload.exchange(format!("{head}3\r\nabc\r\nzz\r\n").as_bytes());
        assert_eq!(answer.status, 400, "{}", answer.content);
    });
}

// covers: 36.5
#[test]
fn content_that_is_too_large() {
    let options = ["--max-body", "1KiB"];
    leave_all_as_it_was(&options, |shelf, target| {
        let (_, answer) = shelf.ask(&put(target), 1025);
        assert_eq!(answer.status, 413, "{}", answer.content);
    });
    leave_all_as_it_was(&options, |shelf, target| {
        let answer = shelf.connect().exchange(&in_chunks(&put(target), &[7; 1025], 512));
        assert_eq!(answer.status, 413, "{}", answer.content);
    });
}

// covers: 36.5
#[test]
fn content_that_comes_too_late() {
    let shelf = Shelf::start(&["--body-timeout", "1s"]);
    is_kept(&shelf.send(&put("/old"), b"old"), b"old");
    let before = shelf.listing();
    let mut uploads = ["/old", "/new"].map(|name| shelf.begin(&put(name), 3));
    for upload in &mut uploads {
        let answer = upload.exchange(b"ab");
        assert_eq!(answer.status, 408, "{}", answer.content);
    }
    shelf.comes_to(&before, "both are too late");
}

// covers: 36.5 36.2
#[test]
fn a_name_that_is_refused() {
    leave_all_as_it_was(&[], |shelf, target| {
        let answer = shelf.send(&put("/.hidden"), b"abc");
        assert_eq!(answer.status, 400, "{}", answer.content);
        shelf.running.line();
        let answer = shelf.send(&format!("{}Content-Range: x\r\n", put(target)), b"abc");
        assert_eq!(answer.status, 400, "{}", answer.content);
    });
}
