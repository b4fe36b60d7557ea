//! What processes leave that are killed, and what is of others that live.

use std::fs::{self, File};

use testkit::scratch::Folder;

use super::{SEEN, Shelf, can, is_kept, put, serve, wait_for};

/// The unfinished files in a listing.
fn unfinished(shelf: &Shelf) -> Vec<String> {
    shelf.listing().into_keys().filter(|name| name.starts_with(".streamsum-")).collect()
}

// covers: 36.5
#[test]
fn a_process_that_is_killed_leaves_nothing_that_stays() {
    for wrapper in [&[], SEEN] {
        if !wrapper.is_empty() && !can(wrapper) {
            continue;
        }
        let mut shelf = Shelf::start_in(Folder::make(), wrapper, &[]);
        is_kept(&shelf.send(&put("/old"), b"old"), b"old");
        fs::write(shelf.path(".profile"), "of somebody else").expect("a file");
        let before = shelf.listing();
        let mut uploads = ["/old", "/new", "/made/for/it"].map(|name| shelf.begin(&put(name), 3));
        for upload in &mut uploads {
            upload.send(b"ab");
        }
        assert_eq!(unfinished(&shelf).len(), if wrapper.is_empty() { 0 } else { 3 });
        shelf.running.child.kill().expect("it runs");
        shelf.running.child.wait().expect("it has ended");
        assert_eq!(shelf.locks().len(), 1, "nobody could remove it");
        assert_eq!(unfinished(&shelf).len(), if wrapper.is_empty() { 0 } else { 3 });

        (shelf.running, shelf.address) = serve(shelf.folder.path(), &[], &[]);
        shelf.comes_to(&before, "all that is unfinished is gone");
        is_kept(&shelf.send(&put("/new"), b"new"), b"new");
        shelf.running.signal("TERM");
        let Shelf { folder, running, .. } = shelf;
        assert_eq!(running.end().0, Some(0));
        let left = fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(left, 3, "a lock file goes with its process");
    }
}

// covers: 36.5
#[test]
fn a_second_process_leaves_what_the_first_has_under_way() {
    if !can(SEEN) {
        return;
    }
    let shelf = Shelf::start_in(Folder::make(), SEEN, &[]);
    let mut upload = shelf.begin(&put("/a"), 3);
    upload.send(b"ab");
    let own = unfinished(&shelf);
    assert_eq!(own.len(), 1);
    for wrapper in [&[], SEEN] {
        let (running, address) = serve(shelf.folder.path(), wrapper, &[]);
        assert_eq!((unfinished(&shelf), shelf.locks().len()), (own.clone(), 2));
        let request = super::by_length(&put("/b"), b"abc");
        is_kept(&address.connect().exchange(&request), b"abc");
        running.signal("TERM");
        assert_eq!(running.end().0, Some(0));
        assert_eq!((unfinished(&shelf), shelf.locks().len()), (own.clone(), 1));
    }
    is_kept(&upload.exchange(b"c"), b"abc");
    wait_for(|| unfinished(&shelf).is_empty());
    assert_eq!(shelf.listing().into_keys().collect::<Vec<_>>(), ["a", "b"]);
}

/// Somebody has removed its lock.
// covers: 36.5
#[test]
fn a_second_process_leaves_what_is_open_of_one_without_a_lock() {
    if !can(SEEN) {
        return;
    }
    let shelf = Shelf::start_in(Folder::make(), SEEN, &[]);
    let mut upload = shelf.begin(&put("/a"), 3);
    upload.send(b"ab");
    fs::remove_file(shelf.path(&shelf.locks()[0])).expect("it is there");
    let (running, _) = serve(shelf.folder.path(), &[], &[]);
    assert_eq!(unfinished(&shelf).len(), 1);
    is_kept(&upload.exchange(b"c"), b"abc");
    let mut other = shelf.begin(&put("/b"), 3);
    other.send(b"ab");
    let Shelf { folder, running: mut first, address } = shelf;
    first.child.kill().expect("it runs");
    first.child.wait().expect("it has ended");
    let shelf = Shelf { folder, running, address };
    assert_eq!(unfinished(&shelf).len(), 1);
    let (second, _) = serve(shelf.folder.path(), &[], &[]);
    assert_eq!(shelf.listing().into_keys().collect::<Vec<_>>(), ["a"]);
    drop(second);
}

// covers: 36.5
#[test]
fn a_start_removes_what_the_dead_have_left_and_nothing_else() {
    let folder = Folder::make();
    let dead =
        [".streamsum-1-1.lock", ".streamsum-1-1-0", ".streamsum-1-1-17", ".streamsum-2-0.lock"];
    let alive =
        [".streamsum-1-10.lock", ".streamsum-1-10-0", ".streamsum-3-1.lock", ".streamsum-3-1-1"];
    // The lock was removed by somebody.
    let (lockless, held) = ([".streamsum-4-1f-0", ".streamsum-4-1f-1"], ".streamsum-5-1-0");
    let others = [".streamsum-", ".streamsum-6", ".streamsum-6-1", ".streamsum-x-1-0"];
    for name in dead.iter().chain(&alive).chain(&lockless).chain([&held]).chain(&others) {
        folder.file(name, b"a");
    }
    fs::create_dir(folder.place("d")).expect("a folder");
    folder.file("d/.streamsum-1-1-0", b"of nobody");
    folder.file(".other", b"of somebody else");
    let locks = [alive[0], alive[2], held].map(|name| {
        let file = File::options().write(true).open(folder.place(name)).expect("a lock file");
        file.lock().expect("a lock");
        file
    });
    let shelf = Shelf::start_in(folder, &[], &[]);
    let expected = [alive[1], alive[3], held, ".other", "d/", "d/.streamsum-1-1-0"];
    let expected: Vec<_> = expected.iter().chain(&others).map(|name| name.to_string()).collect();
    let found: Vec<_> = shelf.listing().into_keys().collect();
    assert!(expected.iter().all(|name| found.contains(name)), "{found:?}");
    assert_eq!(found.len(), expected.len(), "{found:?}");
    assert_eq!(shelf.locks().len(), 3, "{:?}", shelf.locks());
    drop(locks);
}
