//! Disks that are full, or fail.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use testkit::client::{Client, Received};
use testkit::content::content;
use testkit::scratch::Folder;

use super::{SEEN, Shelf, by_length, can, is_kept, put, with_host};

// covers: 36.9
#[test]
fn less_than_the_least_free_space_is_507_before_the_content() {
    let shelf = Shelf::start(&["--min-free", "1EiB"]);
    for head in [put("/a"), put("/d/a"), with_host("POST", "/d/")] {
        let (_, answer) = shelf.ask(&head, 3);
        assert_eq!(answer.status, 507, "{}", answer.content);
        assert_eq!(shelf.send(&head, b"abc").status, 507);
    }
    assert!(shelf.listing().is_empty());
    let shelf = Shelf::start(&["--min-free", "1B"]);
    is_kept(&shelf.send(&put("/a"), b"abc"), b"abc");
}

/// Sends until an answer comes, or all is sent.
fn send_until_answered(mut client: Client, content: &[u8]) -> Received {
    for part in content.chunks(64 << 10) {
        if !client.has_nothing() {
            break;
        }
        client.send(part);
    }
    client.answer()
}

/// A file system of one MiB, as long as this is there.
struct Small(Folder);

impl Small {
    /// `None`, which is printed, if there cannot be one.
    fn mount() -> Option<Self> {
        let folder = Folder::make();
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", "size=1m", "none"]).arg(folder.path());
        if command.output().is_ok_and(|output| output.status.success()) {
            return Some(Self(folder));
        }
        println!("skipped: no file system can be mounted here");
        None
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

// covers: 36.9
#[test]
fn a_full_disk_is_507_when_it_happens() {
    for wrapper in [&[], SEEN] {
        if !wrapper.is_empty() && !can(wrapper) {
            continue;
        }
        let Some(small) = Small::mount() else { return };
        let path = small.0.place("shelf");
        fs::create_dir(&path).expect("a folder");
        let (running, address) = super::serve(&path, wrapper, &[]);
        let entries = || fs::read_dir(&path).expect("a folder").count();
        let put_at =
            |target, bytes: &[u8]| address.connect().exchange(&by_length(&put(target), bytes));
        is_kept(&put_at("/old", b"old"), b"old");
        let large = content(4 << 20, 1);
        for target in ["/old", "/new", "/made/for/it"] {
            let mut client = address.connect();
            let head = format!("{}Content-Length: {}\r\n\r\n", put(target), large.len());
            client.send(head.as_bytes());
            let answer = send_until_answered(client, &large);
            assert_eq!(answer.status, 507, "{target}: {}", answer.content);
            super::wait_for(|| entries() == 2);
            assert_eq!(entries(), 2, "the old file and the lock");
            assert_eq!(fs::read(path.join("old")).expect("it is there"), b"old");
            // Nothing is held that was written.
            let half = content(700 << 10, 2);
            super::wait_for(|| put_at("/half", &half).status == 200);
            is_kept(&put_at("/small", b"abc"), b"abc");
            for name in ["half", "small"] {
                fs::remove_file(path.join(name)).expect("it is there");
            }
        }
        running.signal("TERM");
        assert_eq!(running.end().0, Some(0));
    }
}

/// The limit of a process is a disk that is full, too.
// covers: 36.9
#[test]
fn a_file_that_may_not_be_so_long_is_507() {
    // Blocks of 512 bytes, or of 1,024.
    let limit = ["sh", "-c", "ulimit -f 1024 && exec \"$0\" \"$@\""];
    let shelf = Shelf::start_in(Folder::make(), &limit, &[]);
    is_kept(&shelf.send(&put("/old"), b"old"), b"old");
    let before = shelf.listing();
    let large = content(4 << 20, 1);
    for target in ["/old", "/new"] {
        let answer = send_until_answered(shelf.begin(&put(target), large.len()), &large);
        assert_eq!(answer.status, 507, "{target}: {}", answer.content);
        shelf.comes_to(&before, target);
    }
    is_kept(&shelf.send(&put("/small"), b"abc"), b"abc");
}

// covers: 36.9
#[test]
fn a_folder_that_is_gone_is_500() {
    let shelf = Shelf::start(&[]);
    let mut under_way = shelf.begin(&put("/d/a"), 3);
    fs::remove_dir_all(shelf.folder.path()).expect("it is there");
    let answer = under_way.exchange(b"abc");
    assert_eq!(answer.status, 500, "{}", answer.content);
    let (_, answer) = shelf.ask(&put("/a"), 3);
    assert_eq!(answer.status, 500, "{}", answer.content);
}

/// The calls of the system that fail, how, and what the client gets; where nothing is left.
const FAILURES: [(&str, &str, u16); 6] = [
    ("fsync", "fsync:error=EIO:when=1", 500),
    ("fsync", "fsync:error=ENOSPC:when=1", 507),
    ("fsync", "fsync:error=EDQUOT:when=1", 507),
    ("renameat", "renameat:error=EIO", 500),
    ("mkdirat", "mkdirat:error=ENOSPC", 507),
    ("mkdirat", "mkdirat:error=EACCES", 500),
];

fn failing<'a>(trace: &'a str, inject: &'a str) -> Vec<&'a str> {
    vec!["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", trace, "-e", inject]
}

// covers: 36.9
#[test]
fn a_disk_that_fails_is_500_and_leaves_all_as_it_was() {
    for (call, failure, status) in FAILURES {
        let (trace, inject) = (format!("trace={call}"), format!("inject={failure}"));
        let wrapper = failing(&trace, &inject);
        if !can(&wrapper) {
            return;
        }
        let folder = Folder::make();
        folder.file("old", b"old");
        let shelf = Shelf::start_in(folder, &wrapper, &[]);
        let before = shelf.listing();
        let target = if call == "mkdirat" { "/d/old" } else { "/old" };
        let answer = shelf.send(&put(target), b"abc");
        assert_eq!(answer.status, status, "{failure}: {}", answer.content);
        assert_eq!(answer.field("ETag"), None);
        shelf.comes_to(&before, failure);
    }
}

/// The first is that of the file, then come those in which a folder was made for it; then it has
/// its name, and its folder is synced.
// covers: 36.9
#[test]
fn a_folder_that_cannot_be_synced_is_not_known() {
    for (target, folders) in [("/a", 1), ("/d/e/a", 3)] {
        for number in 0..folders {
            let inject = format!("inject=fsync:error=EIO:when={}", 2 + number);
            let wrapper = failing("trace=fsync", &inject);
            if !can(&wrapper) {
                return;
            }
            let shelf = Shelf::start_in(Folder::make(), &wrapper, &[]);
            let answer = shelf.send(&put(target), b"abc");
            assert_eq!(answer.status, 500, "{target} {inject}: {}", answer.content);
            let is_named = number == folders - 1;
            assert_eq!(answer.content.contains("not known"), is_named, "{}", answer.content);
            assert_eq!(answer.field("ETag"), None);
        }
    }
}

/// How many connections there are by default leaves descriptors for their files, and for the
/// folders that are open while these get their names.
// covers: 36.9
#[test]
fn as_many_as_may_connect_have_descriptors_for_their_files() {
    const CLIENTS: usize = 80;
    let limit = ["sh", "-c", "ulimit -n 128 && exec \"$0\" \"$@\""];
    let shelf = Shelf::start_in(Folder::make(), &limit, &[]);
    let mut begun = Vec::new();
    for number in 0..CLIENTS {
        let mut client = shelf.connect();
        let head = put(&format!("/{number}/b/c/d/e/f/g/h"));
        let expect = "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n";
        client.send(format!("{head}{expect}").as_bytes());
        begun.push(client);
    }
    thread::sleep(Duration::from_millis(500));
    // The others wait until there is room.
    begun.retain_mut(|client| !client.has_nothing());
    assert!((20..CLIENTS).contains(&begun.len()), "{}", begun.len());
    let statuses: Vec<_> = begun.iter_mut().map(|client| client.answer().status).collect();
    assert!(statuses.iter().all(|status| *status == 100), "{statuses:?}");
    begun.iter_mut().for_each(|client| client.send(b"abc"));
    let statuses: Vec<_> = begun.iter_mut().map(|client| client.answer().status).collect();
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
}

/// The first upload makes a folder, whose own is not synced; the second finds it there.
// covers: 36.4
#[test]
fn folders_that_others_have_made_are_synced_too() {
    let folder = Folder::make();
    let traced = Folder::make();
    let trace = traced.place("trace").display().to_string();
    let inject = "inject=fsync:error=EIO:when=3";
    let wrapper = ["strace", "-D", "-f", "-y", "-o", &trace, "-e", "trace=fsync", "-e", inject];
    if !can(&wrapper) {
        return;
    }
    let root = format!("<{}>) = 0", folder.path().display());
    let shelf = Shelf::start_in(folder, &wrapper, &[]);
    assert_eq!(shelf.send(&put("/d/a"), b"abc").status, 500);
    is_kept(&shelf.send(&put("/d/b"), b"abc"), b"abc");
    shelf.running.signal("TERM");
    assert_eq!(shelf.running.end().0, Some(0));
    thread::sleep(Duration::from_millis(200));
    let calls = fs::read_to_string(trace).expect("calls");
    let calls = calls.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(calls.contains(&root), "{root}: {calls}");
}
