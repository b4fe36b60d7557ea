//! A token file that is read again.

use std::fs;
use std::process::Command;

use testkit::client::Received;
use testkit::scratch::Folder;

use super::{Shelf, by_length, is_kept, put};

const OLD: &str = "old former-token\nboth lasting-token\n";
const NEW: &str = "both lasting-token\nnew present-token\n";

/// With these tokens, in a file of that name.
fn guarded(options: &[&str]) -> (Shelf, Folder) {
    let folder = Folder::make();
    let file = folder.file("tokens", OLD.as_bytes()).display().to_string();
    (Shelf::start(&[&["--token-file", &file], options].concat()), folder)
}

fn bearer(target: &str, token: &str) -> String {
    format!("{}Authorization: Bearer {token}\r\n", put(target))
}

fn with(token: &str) -> Vec<u8> {
    by_length(&bearer("/a", token), b"abc")
}

fn empty_with(token: &str) -> Vec<u8> {
    by_length(&bearer("/empty", token), b"")
}

#[track_caller]
fn is_not_let_in(answer: &Received) {
    assert_eq!(answer.status, 401, "{}", answer.content);
}

/// Asks for it, and gives the line that comes of it.
fn reload(shelf: &Shelf) -> String {
    shelf.running.signal("HUP");
    shelf.running.line()
}

// covers: 27.6
#[test]
fn a_reload_holds_for_all_workers_and_costs_no_connection() {
    let (shelf, folder) = guarded(&["--workers", "2", "--access-log", "off"]);
    let mut clients: Vec<_> = (0..8).map(|_| shelf.connect()).collect();
    for client in &mut clients {
        is_kept(&client.exchange(&with("former-token")), b"abc");
        is_not_let_in(&shelf.send(&bearer("/a", "present-token"), b"abc"));
    }
    let mut under_way: Vec<_> = (0..4)
        .map(|number| shelf.begin(&bearer(&format!("/{number}"), "former-token"), 3))
        .collect();
    fs::write(folder.place("tokens"), NEW).expect("it is written");
    assert_eq!(reload(&shelf), "streamsum: token file reloaded: 2 tokens");
    for (number, client) in clients.iter_mut().enumerate() {
        is_kept(&client.exchange(&with("present-token")), b"abc");
        is_kept(&client.exchange(&empty_with("lasting-token")), b"");
        let token = if number % 2 == 0 { "former-token" } else { "wrong-token" };
        is_not_let_in(&client.exchange(&with(token)));
    }
    // They keep what they were let in with.
    for (number, client) in under_way.iter_mut().enumerate() {
        is_kept(&client.exchange(b"xyz"), b"xyz");
        assert_eq!(shelf.read(&number.to_string()), b"xyz");
    }
    fs::write(folder.place("tokens"), "# nobody\n").expect("it is written");
    assert_eq!(reload(&shelf), "streamsum: token file reloaded: 0 tokens");
    for token in ["former-token", "lasting-token", "present-token"] {
        is_not_let_in(&shelf.send(&bearer("/a", token), b"abc"));
    }
}

// covers: 27.6
#[test]
fn a_reload_that_fails_keeps_what_was() {
    let (shelf, folder) = guarded(&["--access-log", "off"]);
    let place = folder.place("tokens");
    let path = place.display().to_string();
    let mut client = shelf.connect();
    let mut check = |what: &str| {
        let line = reload(&shelf);
        let why = line.strip_prefix("streamsum: token file kept as it was: ");
        let why = why.unwrap_or_else(|| panic!("{line}"));
        assert!(why.contains(what) && !why.contains("-token"), "{line}");
        is_kept(&client.exchange(&with("former-token")), b"abc");
        is_not_let_in(&shelf.send(&bearer("/a", "present-token"), b"abc"));
    };
    let long = format!("{NEW}{}", "#".repeat(4 << 20));
    for (content, what) in [
        (&b"new present-token\nnew other-token\n"[..], "line 2: it has the name of line 1"),
        (b"new present-token\nother-token", "line 2: it has a name and no token"),
        (b"new present-token\n\xff", "UTF-8"),
        (long.as_bytes(), "more than 4194304 bytes"),
    ] {
        fs::write(&place, content).expect("it is written");
        check(what);
    }
    fs::remove_file(&place).expect("it was there");
    check("No such file");
    fs::create_dir(&place).expect("a folder");
    check("not a regular file");
    fs::remove_dir(&place).expect("it was there");
    // Nobody writes to it: to open it would not end.
    assert!(Command::new("mkfifo").arg(&path).status().expect("it runs").success());
    check("not a regular file");
    fs::remove_file(&place).expect("it was there");
    fs::write(&place, NEW).expect("it is written");
    assert_eq!(reload(&shelf), "streamsum: token file reloaded: 2 tokens");
    is_kept(&client.exchange(&with("present-token")), b"abc");
}

// covers: 27.6
#[test]
fn without_a_token_file_there_is_nothing_to_reload() {
    let shelf = Shelf::start(&["--anonymous"]);
    assert_eq!(reload(&shelf), "streamsum: SIGHUP: there is nothing to reload");
    is_kept(&shelf.send(&put("/a"), b"abc"), b"abc");
}

#[test]
fn a_token_file_that_is_too_long_does_not_start() {
    let folder = Folder::make();
    let to = folder.path().display().to_string();
    // Whoever read all of it would find another fault.
    let content = "#".repeat(4 << 20) + "\nbob short\n";
    let file = folder.file("tokens", content.as_bytes()).display().to_string();
    let arguments = ["--listen", "127.0.0.1:0", "--to", &to, "--token-file", &file];
    let output = crate::STREAMSUM.command(&arguments).output().expect("it runs");
    let line = testkit::binary::text(&output.stderr);
    assert!(line.contains("more than 4194304 bytes") && line.contains(&file), "{line}");
    assert_eq!(output.status.code(), Some(1));
}
