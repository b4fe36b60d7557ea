//! Which names there are, and what is in the way of one.

use std::fs;
use std::os::unix::fs::symlink;

use testkit::scratch::Folder;

use super::{SEEN, Shelf, can, is_kept, put, with_host};

// covers: 36.1
#[test]
fn other_methods_are_405() {
    let shelf = Shelf::start(&[]);
    for method in ["GET", "DELETE", "PATCH", "OPTIONS", "put", "MKCOL"] {
        let answer = shelf.send(&with_host(method, "/a"), b"abc");
        assert_eq!((answer.status, answer.field("Allow")), (405, Some("PUT, POST")), "{method}");
    }
    let mut client = shelf.connect();
    client.send(format!("{}\r\n", with_host("HEAD", "/a")).as_bytes());
    let answer = client.answer_to_head();
    assert_eq!((answer.status, answer.field("Allow")), (405, Some("PUT, POST")));
    assert!(shelf.listing().is_empty());
}

// covers: 36.2
#[test]
fn names_are_paths_decoded_once() {
    let shelf = Shelf::start(&[]);
    let segment = "s".repeat(255);
    let long = [&*"a".repeat(204); 5].join("/");
    for (target, name) in [
        ("/a?x=/../.b", "a"),
        ("/r%C3%A9sum%c3%a9.pdf", "résumé.pdf"),
        ("/1+1%2B2", "1+1+2"),
        ("/%2561", "%61"),
        ("/with%20space/%3F%23", "with space/?#"),
        ("http://localhost/absolute/form", "absolute/form"),
        ("/a.b..c", "a.b..c"),
        ("/Case", "Case"),
        ("/case", "case"),
        (&format!("/{segment}"), &segment),
        (&format!("/{long}"), &long),
    ] {
        let answer = shelf.send(&put(target), target.as_bytes());
        is_kept(&answer, target.as_bytes());
        assert_eq!(shelf.read(name), target.as_bytes(), "{target}");
    }
}

// covers: 36.2 36.3
#[test]
fn names_that_could_be_others_are_400_before_the_content() {
    let shelf = Shelf::start(&[]);
    let outside = Folder::make();
    let long = format!("/{}x", [&*"a".repeat(204); 5].join("/"));
    let segment = format!("/{}", "s".repeat(256));
    let absolute = format!("/{}/a", outside.path().display());
    for target in [
        "/",
        "/a/",
        "/.ssh",
        "/a/.b",
        "/.streamsum-1-0.lock",
        "/%2Essh",
        "/.",
        "/..",
        "/../a",
        "/a/../b",
        "/a/%2e%2E/b",
        "/a/./b",
        "/a//b",
        "//a",
        "/a%2Fb",
        "/a%5Cb",
        "/a\\b",
        "/%ff",
        "/%C3",
        "/%zz",
        "/a%",
        "/a%00",
        "/a%0Ab",
        "/%7f",
        &segment,
        &long,
        &absolute,
    ] {
        let (_, answer) = shelf.ask(&put(target), 3);
        assert_eq!(answer.status, 400, "{target}: {}", answer.content);
        assert_eq!(answer.content.lines().count(), 1, "{target}: {}", answer.content);
        if target != "/" && target != "/a/" {
            let (_, answer) = shelf.ask(&with_host("POST", &format!("{target}/")), 3);
            assert_eq!(answer.status, 400, "POST {target}/: {}", answer.content);
        }
    }
    assert!(shelf.listing().is_empty());
    assert_eq!(fs::read_dir(outside.path()).expect("a folder").count(), 0);
}

/// What the names of a test mean.
fn occupied(shelf: &Shelf, outside: &Folder) {
    outside.file("secret", b"secret");
    fs::create_dir(shelf.path("folder")).expect("a folder");
    fs::create_dir(shelf.path("full")).expect("a folder");
    fs::write(shelf.path("full/file"), "file").expect("a file");
    fs::write(shelf.path("file"), "file").expect("a file");
    symlink(outside.path(), shelf.path("link")).expect("a link");
    symlink("folder", shelf.path("inward")).expect("a link");
    symlink("nowhere", shelf.path("dangling")).expect("a link");
    symlink(outside.place("secret"), shelf.path("alias")).expect("a link");
}

const CONFLICTS: [&str; 9] = [
    "/folder",
    "/full",
    "/file/a",
    "/file/a/b",
    "/link/a",
    "/link/secret",
    "/inward/a",
    "/dangling/a",
    "/alias/a",
];

// covers: 36.7
#[test]
fn what_stands_in_the_way_is_409_before_the_content() {
    let (shelf, outside) = (Shelf::start(&[]), Folder::make());
    occupied(&shelf, &outside);
    let before = shelf.listing();
    for target in CONFLICTS {
        let (_, answer) = shelf.ask(&put(target), 3);
        assert_eq!(answer.status, 409, "{target}: {}", answer.content);
        assert_eq!(shelf.send(&put(target), b"abc").status, 409, "{target}");
    }
    assert_eq!(shelf.send(&with_host("POST", "/link/"), b"abc").status, 409);
    assert_eq!(shelf.send(&with_host("POST", "/file/"), b"abc").status, 409);
    shelf.comes_to(&before, "nothing has changed");
    assert_eq!(fs::read_dir(outside.path()).expect("a folder").count(), 1);
}

// covers: 36.7
#[test]
fn what_comes_in_the_way_is_409_in_the_end() {
    for wrapper in [&[], SEEN] {
        if !wrapper.is_empty() && !can(wrapper) {
            continue;
        }
        let outside = Folder::make();
        let shelf = Shelf::start_in(Folder::make(), wrapper, &[]);
        let mut uploads: Vec<_> =
            CONFLICTS.iter().map(|target| shelf.begin(&put(target), 3)).collect();
        // Those that have names would be seen.
        let expected = {
            let other = Shelf::start(&[]);
            occupied(&other, &outside);
            other.listing()
        };
        occupied(&shelf, &outside);
        for (client, target) in uploads.iter_mut().zip(CONFLICTS) {
            let answer = client.exchange(b"abc");
            assert_eq!(answer.status, 409, "{target}: {}", answer.content);
        }
        shelf.comes_to(&expected, "nothing has changed");
        assert_eq!(fs::read_dir(outside.path()).expect("a folder").count(), 1);
    }
}

// covers: 36.7
#[test]
fn a_link_of_the_name_is_replaced_and_not_followed() {
    let (shelf, outside) = (Shelf::start(&[]), Folder::make());
    occupied(&shelf, &outside);
    for name in ["alias", "link", "inward", "dangling"] {
        is_kept(&shelf.send(&put(&format!("/{name}")), b"new"), b"new");
        let kind = fs::symlink_metadata(shelf.path(name)).expect("it is there").file_type();
        assert!(kind.is_file(), "{name}");
        assert_eq!(shelf.read(name), b"new");
    }
    assert_eq!(fs::read(outside.place("secret")).expect("it is there"), b"secret");
    assert!(!shelf.path("nowhere").exists() && shelf.path("folder").is_dir());
}

// covers: 36.6
#[test]
fn a_name_that_is_taken_is_412_if_nothing_is_to_be_replaced() {
    for (options, field) in [(&["--no-overwrite"][..], ""), (&[][..], "If-None-Match: *\r\n")] {
        let (shelf, outside) = (Shelf::start(options), Folder::make());
        occupied(&shelf, &outside);
        let before = shelf.listing();
        for name in ["/file", "/full/file", "/link", "/dangling", "/alias"] {
            let (_, answer) = shelf.ask(&format!("{}{field}", put(name)), 3);
            assert_eq!(answer.status, 412, "{name}: {}", answer.content);
            assert_eq!(shelf.send(&format!("{}{field}", put(name)), b"abc").status, 412);
        }
        shelf.comes_to(&before, "nothing has changed");
        let conflict = shelf.send(&format!("{}{field}", put("/folder")), b"abc").status;
        assert!([409, 412].contains(&conflict), "{conflict}");
        is_kept(&shelf.send(&format!("{}{field}", put("/made/new")), b"abc"), b"abc");
        let post = format!("{}{field}", with_host("POST", "/made/"));
        is_kept(&shelf.send(&post, b"abc"), b"abc");
        assert_eq!(shelf.read("made/new"), b"abc");
    }
}

/// Of two that upload at once one has the name.
// covers: 36.6
#[test]
fn a_name_that_is_taken_meanwhile_is_412_in_the_end() {
    for wrapper in [&[], SEEN] {
        if !wrapper.is_empty() && !can(wrapper) {
            continue;
        }
        let shelf = Shelf::start_in(Folder::make(), wrapper, &["--no-overwrite"]);
        let [mut first, mut second] = [(); 2].map(|()| shelf.begin(&put("/d/a"), 3));
        is_kept(&second.exchange(b"two"), b"two");
        let before = shelf.listing();
        let answer = first.exchange(b"one");
        assert_eq!(answer.status, 412, "{}", answer.content);
        assert_eq!(shelf.read("d/a"), b"two");
        wait_for_only(&shelf);
        // The listing before had the unfinished one if that has a name.
        assert!(shelf.listing().iter().all(|(name, _)| before.contains_key(name)));
        // The connection has lost nothing.
        assert_eq!(first.exchange(&super::by_length(&put("/b"), b"abc")).status, 200);
    }
}

fn wait_for_only(shelf: &Shelf) {
    super::wait_for(|| shelf.listing().len() == 2);
    assert_eq!(shelf.listing().into_keys().collect::<Vec<_>>(), ["d/", "d/a"]);
}

// covers: 36.6 36.8
#[test]
fn fields_that_would_mean_something_else_are_refused_before_the_content() {
    let shelf = Shelf::start(&[]);
    is_kept(&shelf.send(&put("/a"), b"old"), b"old");
    for (field, status) in [
        ("If-Match: *", 501),
        ("If-Match: \"900150983cd24fb0d6963f7d28e17f72\"", 501),
        ("If-None-Match: \"x\"", 501),
        ("If-None-Match: *, \"x\"", 501),
        ("If-None-Match: *\r\nIf-None-Match: *", 501),
        ("Content-Range: bytes 0-2/9", 400),
        ("content-range: x", 400),
        ("Content-Type: multipart/form-data; boundary=x", 415),
        ("Content-Type: Multipart/Form-Data", 415),
    ] {
        for target in ["/a", "/new"] {
            let (_, answer) = shelf.ask(&format!("{}{field}\r\n", put(target)), 3);
            assert_eq!(answer.status, status, "{field}: {}", answer.content);
        }
    }
    for field in ["Tus-Resumable: 1.0.0", "Upload-Offset: 3", "Upload-Draft-Interop-Version: 6"] {
        let (_, answer) = shelf.ask(&format!("{}{field}\r\n", put("/a")), 3);
        assert_eq!(answer.status, 501, "{field}: {}", answer.content);
    }
    for query in ["uploads", "partNumber=2&uploadId=x", "acl", "tagging", "uploadType=resumable"] {
        for head in [put(&format!("/a?{query}")), with_host("POST", &format!("/a?{query}"))] {
            let (_, answer) = shelf.ask(&head, 3);
            assert_eq!(answer.status, 501, "{query}: {}", answer.content);
            assert_eq!(shelf.send(&head, b"").status, 501, "{query}");
        }
    }
    assert_eq!(shelf.read("a"), b"old");
    assert_eq!(shelf.listing().len(), 1);
    is_kept(&shelf.send(&put("/a?X-Amz-Signature=x&x-id=PutObject"), b"abc"), b"abc");
    for label in ["multipart/mixed; boundary=x", "application/x-www-form-urlencoded", "x"] {
        let answer = shelf.send(&format!("{}Content-Type: {label}\r\n", put("/a")), b"abc");
        is_kept(&answer, b"abc");
    }
}
