//! The end of the process: what is under way is kept first.

use std::fs;
use std::thread;
use std::time::Duration;

use testkit::client::Client;
use testkit::scratch::Folder;

use super::untouched::reset;
use super::{SEEN, Shelf, by_length, can, is_kept, put, wait_for};

/// Has each `fsync` take two seconds.
const SLOW: &[&str] = &[
    "strace",
    "-D",
    "-f",
    "-qq",
    "-o",
    "/dev/null",
    "-e",
    "trace=fsync",
    "-e",
    "inject=fsync:delay_enter=2000000",
];

/// A server whose disk is slow; `None` where that cannot be had.
fn slow(options: &[&str]) -> Option<Shelf> {
    can(SLOW).then(|| Shelf::start_in(Folder::make(), SLOW, options))
}

/// All of an upload has come, and is being synced.
fn being_synced(shelf: &Shelf, name: &str) -> Client {
    let mut upload = shelf.connect();
    upload.send(&by_length(&put(name), b"abc"));
    thread::sleep(Duration::from_millis(200));
    assert!(upload.has_nothing(), "no answer before it is on disk");
    upload
}

// covers: 36.4
#[test]
fn a_drain_keeps_what_is_under_way() {
    for workers in ["1", "2"] {
        for wrapper in [&[], SEEN] {
            if !wrapper.is_empty() && !can(wrapper) {
                continue;
            }
            let shelf = Shelf::start_in(Folder::make(), wrapper, &["--workers", workers]);
            let names = ["/a", "/b", "/d/a", "/d/b"];
            let mut uploads = names.map(|name| shelf.begin(&put(name), 3));
            for upload in &mut uploads {
                upload.send(b"a");
            }
            shelf.running.signal("TERM");
            assert!(shelf.running.line().starts_with("streamsum: draining "));
            for mut upload in uploads {
                is_kept(&upload.exchange(b"bc"), b"abc");
                upload.ends();
            }
            let Shelf { folder, running, .. } = shelf;
            let (status, left) = running.end();
            assert_eq!((status, left.len()), (Some(0), 5), "{left:?}");
            assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 3);
        }
    }
}

/// All content was sent when the signal comes: it waits to be read, or to be synced.
// covers: 36.4
#[test]
fn a_drain_keeps_what_was_sent() {
    let shelf = Shelf::start(&["--workers", "2"]);
    let content = testkit::content::content(1 << 20, 1);
    let mut uploads: Vec<_> =
        (0..8).map(|number| shelf.begin(&put(&format!("/{number}")), content.len())).collect();
    for upload in &mut uploads {
        upload.send(&content);
    }
    shelf.running.signal("TERM");
    for mut upload in uploads {
        is_kept(&upload.answer(), &content);
    }
    let Shelf { folder, running, .. } = shelf;
    assert_eq!(running.end().0, Some(0));
    for number in 0..8 {
        assert!(std::fs::read(folder.place(&number.to_string())).expect("it is there") == content);
    }
}

// covers: 36.4 36.5
#[test]
fn a_drain_waits_for_what_is_being_synced() {
    let Some(shelf) = slow(&[]) else { return };
    let mut upload = being_synced(&shelf, "/a");
    assert!(shelf.listing().is_empty(), "nor its name");
    shelf.running.signal("TERM");
    is_kept(&upload.answer(), b"abc");
    drop(upload);
    assert_eq!(shelf.read("a"), b"abc");
    let (status, left) = shelf.running.end();
    assert_eq!((status, left.len()), (Some(0), 3), "{left:?}");
}

/// Others are served while one is synced, on one worker.
#[test]
fn a_slow_disk_keeps_nobody_waiting_but_its_uploads() {
    let Some(shelf) = slow(&[]) else { return };
    let mut synced = being_synced(&shelf, "/a");
    assert_eq!(shelf.send(&put("/.a"), b"abc").status, 400);
    let mut other = shelf.begin(&put("/b"), 3);
    other.send(b"abc");
    assert!(synced.has_nothing());
    is_kept(&synced.answer(), b"abc");
    is_kept(&other.answer(), b"abc");
}

/// Nobody knows whether its client has left when it is kept.
#[test]
fn an_upload_goes_on_to_be_synced_when_its_client_leaves() {
    let Some(shelf) = slow(&[]) else { return };
    drop(being_synced(&shelf, "/a"));
    assert!(shelf.listing().is_empty());
    // It has an unfinished name first.
    wait_for(|| shelf.path("a").exists());
    assert_eq!(shelf.read("a"), b"abc");
}

/// All of it has come, and is not lost.
#[test]
fn a_drain_keeps_what_its_client_has_left() {
    for workers in ["1", "2"] {
        let Some(shelf) = slow(&["--workers", workers]) else { return };
        ["/a", "/b"].map(|name| being_synced(&shelf, name)).into_iter().for_each(reset);
        for _ in 0..2 {
            assert!(shelf.running.line().contains(" PUT /"));
        }
        shelf.running.signal("TERM");
        let Shelf { folder, running, .. } = shelf;
        let (status, left) = running.end();
        assert_eq!(status, Some(0), "{left:?}");
        let kept = left.iter().filter(|line| line.contains("kept, though its client had left"));
        assert_eq!(kept.count(), 2, "{left:?}");
        for name in ["a", "b"] {
            assert_eq!(fs::read(folder.path().join(name)).expect("it is kept"), b"abc");
        }
    }
}

/// A reset is seen at once, and what comes of the upload has a line of its own.
#[test]
fn how_an_upload_ends_is_said_though_its_client_has_reset() {
    let Some(shelf) = slow(&[]) else { return };
    reset(being_synced(&shelf, "/a"));
    let line = shelf.running.line();
    assert!(line.contains(" PUT /a - 3 "), "{line}");
    let line = shelf.running.line();
    assert_eq!(line, "streamsum: kept, though its client had left: /a");
    assert_eq!(shelf.read("a"), b"abc");
}
