//! From which web pages uploads may come.

use testkit::client::Address;

use super::{Shelf, is_kept, put, with_host};

const FOREIGN: &str = "http://evil.example";

fn from(origin: &str) -> String {
    format!("{}Origin: {origin}\r\n", put("/a"))
}

fn port(shelf: &Shelf) -> u16 {
    let Address::Tcp(address) = &shelf.address else { panic!("an address of TCP") };
    address.port()
}

/// Asserts that it is refused before the content, and that its page cannot read that.
#[track_caller]
fn is_foreign(shelf: &Shelf, head: &str) {
    let (_, answer) = shelf.ask(head, 3);
    assert_eq!(answer.status, 403, "{head} {}", answer.content);
    assert_eq!(answer.field("Access-Control-Allow-Origin"), None);
    assert_eq!(shelf.send(head, b"abc").status, 403, "{head}");
}

// covers: 36.12
#[test]
fn pages_of_other_origins_are_403() {
    let shelf = Shelf::start(&[]);
    let other_port = format!("http://localhost:{}", port(&shelf).wrapping_add(1).max(81));
    for origin in [FOREIGN, "null", "", "x", &other_port, "http://localhost.evil.example"] {
        is_foreign(&shelf, &from(origin));
        is_foreign(&shelf, &from(origin).replacen("PUT", "POST", 1));
    }
    is_foreign(&shelf, &from("http://localhost\r\nOrigin: http://localhost"));
    is_foreign(&shelf, &from("http://localhost\r\nSec-Fetch-Site: cross-site"));
    assert!(shelf.listing().is_empty());
}

// covers: 36.12
#[test]
fn pages_of_the_own_host_may() {
    let shelf = Shelf::start(&[]);
    is_kept(&shelf.send(&from("http://localhost"), b"abc"), b"abc");
    is_kept(&shelf.send(&from("http://localhost\r\nSec-Fetch-Site: same-origin"), b"abc"), b"abc");
    for host in ["localhost", "127.0.0.1"] {
        let own = format!("{host}:{}", port(&shelf));
        let head = format!("PUT /a HTTP/1.1\r\nHost: {own}\r\nOrigin: http://{own}\r\n");
        let answer = shelf.send(&head, b"abc");
        is_kept(&answer, b"abc");
        assert_eq!(answer.field("Access-Control-Allow-Origin"), None);
    }
}

// covers: 36.12 36.14
#[test]
fn pages_that_are_allowed_may_read_answers_and_refusals() {
    let origins = ["https://app.example", "http://b.example:8080"];
    let options = ["--cors-origin", origins[0], "--cors-origin", origins[1], "--no-overwrite"];
    let shelf = Shelf::start(&[&options[..], &["--max-body", "8B"]].concat());
    for (number, origin) in origins.into_iter().enumerate() {
        let own = |target: &str| from(origin).replacen("/a", target, 1);
        let name = format!("/{number}");
        let head = own(&name);
        for (head, content, status) in [
            (&head, &b"abc"[..], 200),
            (&head, b"abc", 412),
            (&own("/.a"), b"abc", 400),
            (&own("/0/a"), b"abc", 409),
            (&own("/long"), b"123456789", 413),
            (&format!("{}Content-MD5: AAAAAAAAAAAAAAAAAAAAAA==\r\n", own("/w")), b"abc", 400),
            (&format!("{}Content-MD5: x\r\n", own("/w")), b"abc", 400),
            (&head.replacen("PUT", "GET", 1), b"", 405),
        ] {
            let answer = shelf.send(head, content);
            assert_eq!(answer.status, status, "{head} {}", answer.content);
            assert_eq!(answer.field("Access-Control-Allow-Origin"), Some(origin), "{head}");
            assert_eq!(answer.field("Access-Control-Expose-Headers"), Some("ETag, Location"));
            assert_eq!(answer.field("Vary"), Some("Origin"));
            // Then a page could send what its browser knows of the user.
            assert_eq!(answer.field("Access-Control-Allow-Credentials"), None);
        }
    }
    is_foreign(&shelf, &from(FOREIGN));
    is_foreign(&shelf, &from("http://app.example"));
    is_foreign(&shelf, &from("null"));
    let all = Shelf::start(&["--cors-origin", "*"]);
    let answer = all.send(&from(FOREIGN), b"abc");
    is_kept(&answer, b"abc");
    assert_eq!(answer.field("Access-Control-Allow-Origin"), Some(FOREIGN));
    is_foreign(&all, &from("null"));
}

// covers: 36.14
#[test]
fn preflights_of_pages_that_are_allowed_need_no_token() {
    let folder = testkit::scratch::Folder::make();
    let tokens = folder.file("tokens", b"bob 0123456789\n").display().to_string();
    let origin = "https://app.example";
    let shelf = Shelf::start(&["--cors-origin", origin, "--token-file", &tokens]);
    let asked = "Access-Control-Request-Method: PUT\r\n\
                 Access-Control-Request-Headers: content-md5,x-a\r\n";
    let preflight = |origin| {
        let head = with_host("OPTIONS", "/a");
        let mut client = shelf.connect();
        client.exchange(format!("{head}Origin: {origin}\r\n{asked}\r\n").as_bytes())
    };
    let answer = preflight(origin);
    assert_eq!((answer.status, &*answer.content), (204, ""));
    assert_eq!(answer.field("Access-Control-Allow-Origin"), Some(origin));
    assert_eq!(answer.field("Access-Control-Allow-Methods"), Some("PUT, POST"));
    assert_eq!(answer.field("Access-Control-Allow-Credentials"), None);
    let allowed = answer.field("Access-Control-Allow-Headers").expect("fields");
    for field in ["Authorization", "content-md5", "x-a"] {
        assert!(allowed.split(", ").any(|one| one == field), "{allowed}");
    }
    for origin in [FOREIGN, "null"] {
        let answer = preflight(origin);
        assert_eq!((answer.status, answer.field("Access-Control-Allow-Origin")), (403, None));
    }
    // The upload needs one, and its page may read that.
    let answer = shelf.send(&from(origin), b"abc");
    assert_eq!(answer.status, 401);
    assert_eq!(answer.field("Access-Control-Allow-Origin"), Some(origin));
    let own = format!("{}Authorization: Bearer 0123456789\r\n", from(origin));
    is_kept(&shelf.send(&own, b"abc"), b"abc");
}

/// A browser adds it by itself to what any page sends.
// covers: 36.14
#[test]
fn a_password_of_the_browser_is_not_taken_of_pages_that_all_are() {
    let folder = testkit::scratch::Folder::make();
    let tokens = folder.file("tokens", b"bob correct-horse\n").display().to_string();
    let own = "https://app.example";
    let options = ["--cors-origin", "*", "--cors-origin", own, "--token-file", &tokens];
    let shelf = Shelf::start(&options);
    let basic = "Authorization: Basic Ym9iOmNvcnJlY3QtaG9yc2U=\r\n";
    let bearer = "Authorization: Bearer correct-horse\r\n";
    for head in [from(FOREIGN), from(FOREIGN).replacen("PUT", "POST", 1)] {
        let (_, answer) = shelf.ask(&format!("{head}{basic}"), 3);
        assert_eq!(answer.status, 401, "{}", answer.content);
        let scheme = answer.field("WWW-Authenticate").expect("a scheme");
        assert!(scheme.starts_with("Bearer ") && !answer.head.contains("Basic"), "{}", answer.head);
        assert_eq!(answer.field("Access-Control-Allow-Origin"), Some(FOREIGN));
        assert_eq!(answer.field("Access-Control-Allow-Credentials"), None);
    }
    assert!(shelf.listing().is_empty());
    is_kept(&shelf.send(&format!("{}{bearer}", from(FOREIGN)), b"abc"), b"abc");
    for head in [from(own), put("/a"), from("http://localhost")] {
        is_kept(&shelf.send(&format!("{head}{basic}"), b"abc"), b"abc");
    }
}

// covers: 36.13
#[test]
fn other_hosts_are_403_on_loopback() {
    let shelf = Shelf::start(&["--host", "files.example", "--host", "10.0.0.1"]);
    let of = |host: &str| put("/a").replacen("localhost", host, 1);
    for host in ["evil.example", "localhost.evil.example", "10.0.0.2", "files.example.org", "x:80"]
    {
        is_foreign(&shelf, &of(host));
        // A page that has rebound its name is of the host that it writes to.
        is_foreign(&shelf, &format!("{}Origin: http://{host}\r\n", of(host)));
    }
    let absolute = "PUT http://evil.example/a HTTP/1.1\r\nHost: localhost\r\n";
    let answer = shelf.send(absolute, b"abc");
    assert!([400, 403].contains(&answer.status), "{}", answer.status);
    assert!(shelf.listing().is_empty());
    for host in [
        "localhost",
        "LOCALHOST:1",
        "a.localhost",
        "127.0.0.1",
        "127.1.2.3:80",
        "[::1]:80",
        "files.example",
        "Files.Example:443",
        "10.0.0.1",
    ] {
        is_kept(&shelf.send(&of(host), b"abc"), b"abc");
    }
}

/// A page of `evil.example`, whose name now leads here.
// covers: 36.13
#[test]
fn who_needs_no_token_sends_to_an_address_or_a_listed_host() {
    let folder = testkit::scratch::Folder::make();
    let tokens = folder.file("tokens", b"bob 0123456789\n").display().to_string();
    let any = ["--listen", "0.0.0.0:0"];
    let hosts = ["--anonymous", "--host", "myhost"];
    let mut open = Shelf::start(&[&any[..], &hosts].concat());
    let guarded = ["--token-file", &tokens];
    let mut guarded = Shelf::start(&[&any[..], &guarded].concat());
    for shelf in [&mut open, &mut guarded] {
        // The second one that it listens on.
        let address = shelf.running.address().replace("0.0.0.0", "127.0.0.1");
        shelf.address = Address::Tcp(address.parse().expect("an address"));
    }
    let of = |host: &str| put("/a").replacen("localhost", host, 1);
    for host in ["evil.example:8080", "myhost.evil.example", "192.168.0.9.evil.example", ""] {
        is_foreign(&open, &of(host));
        is_foreign(&open, &format!("{}Origin: http://{host}\r\n", of(host)));
    }
    let answer = open.send(&of("evil.example"), b"abc");
    assert!(answer.content.contains("--host"), "{}", answer.content);
    assert!(open.listing().is_empty());
    for host in ["192.168.0.9:8080", "[fd00::9]:8080", "localhost:1", "myhost:8080", "MyHost"] {
        is_kept(&open.send(&of(host), b"abc"), b"abc");
    }
    let own = format!("{}Authorization: Bearer 0123456789\r\n", of("files.example"));
    is_kept(&guarded.send(&own, b"abc"), b"abc");
    assert_eq!(guarded.send(&of("files.example"), b"abc").status, 401);
}

// covers: 36.13
#[test]
fn other_hosts_are_403_before_it_is_asked_for_a_token() {
    let folder = testkit::scratch::Folder::make();
    let tokens = folder.file("tokens", b"bob 0123456789\n").display().to_string();
    let shelf = Shelf::start(&["--token-file", &tokens]);
    is_foreign(&shelf, &put("/a").replacen("localhost", "evil.example", 1));
    is_foreign(&shelf, &from(FOREIGN));
}
