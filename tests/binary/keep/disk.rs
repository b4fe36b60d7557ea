//! Disks that are full, or fail.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use testkit::binary::Running;
use testkit::client::{Client, Received};
use testkit::content::content;
use testkit::scratch::Folder;

use super::{SEEN, Shelf, by_length, can, is_kept, put, with_host};
use crate::STREAMSUM;

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

// covers: 36.9
#[test]
fn a_full_disk_is_507_when_it_happens() {
    for wrapper in [&[], SEEN] {
        if !wrapper.is_empty() && !can(wrapper) {
            continue;
        }
        let small = Folder::make();
        let words = ["-t", "tmpfs", "-o", "size=1m", "none"];
        let Some(_mounted) = Mounted::make(&words, small.path().to_path_buf()) else { return };
        let path = small.place("shelf");
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
const FAILURES: [(&str, &str, u16); 22] = [
    ("fsync", "EIO:when=1", 500),
    ("fsync", "ENOSPC:when=1", 507),
    ("fsync", "EDQUOT:when=1", 507),
    ("renameat", "EIO", 500),
    ("renameat", "EDQUOT", 507),
    ("renameat", "ENOENT", 500),
    ("renameat", "EXDEV", 409),
    ("renameat", "EBUSY", 409),
    ("mkdirat", "ENOSPC", 507),
    ("mkdirat", "EDQUOT", 507),
    ("mkdirat", "EMLINK", 507),
    ("mkdirat", "EACCES", 500),
    ("mkdirat", "EROFS", 500),
    ("linkat", "ENOSPC", 507),
    ("linkat", "EPERM", 500),
    ("linkat", "EXDEV", 409),
    ("openat", "ENOSPC", 507),
    ("openat", "EROFS", 500),
    ("openat", "EMFILE", 503),
    ("openat", "ENFILE", 503),
    ("newfstatat", "ENAMETOOLONG", 400),
    ("newfstatat", "EACCES", 500),
];

/// Has calls of the threads of a server fail, as long as this is there.
struct Failing(Child);

impl Failing {
    /// From now on; `None`, which is printed, if that cannot be.
    fn begin(shelf: &Shelf, call: &str, failure: &str) -> Option<Self> {
        Self::trace(shelf, call, failure, Path::new("/dev/null"))
    }

    /// The calls are written to a file, with the paths of descriptors.
    fn trace(shelf: &Shelf, call: &str, failure: &str, to: &Path) -> Option<Self> {
        let process = shelf.running.child.id();
        let mut command = Command::new("strace");
        command.args(["-f", "-y", "-qq", "-e", "signal=none", "-p", &process.to_string()]);
        command.args(["-e", &format!("trace={call}"), "-o"]).arg(to);
        command.args(["-e", &format!("inject={call}:{failure}")]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let tasks = Path::new("/proc").join(process.to_string()).join("task");
        let is_traced = |task: fs::DirEntry| {
            let status = fs::read_to_string(task.path().join("status")).unwrap_or_default();
            status.contains("TracerPid:") && !status.contains("TracerPid:\t0\n")
        };
        let all_are =
            || fs::read_dir(&tasks).is_ok_and(|tasks| tasks.map_while(Result::ok).all(is_traced));
        if let Ok(child) = child {
            let mut failing = Self(child);
            let mut has_ended = || !matches!(failing.0.try_wait(), Ok(None));
            super::wait_for(|| all_are() || has_ended());
            if !has_ended() {
                return Some(failing);
            }
        }
        println!("skipped: strace cannot be used here");
        None
    }
}

/// It lets them go when it is asked to end.
impl Drop for Failing {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            let kill = format!("kill {}", self.0.id());
            let _ = Command::new("sh").args(["-c", &kill]).status();
        }
        let _ = self.0.wait();
    }
}

// covers: 36.9
#[test]
fn a_disk_that_fails_is_500_and_leaves_all_as_it_was() {
    for (call, failure, status) in FAILURES {
        let folder = Folder::make();
        folder.file("old", b"old");
        let shelf = Shelf::start_in(folder, &[], &[]);
        let before = shelf.listing();
        let failure = format!("error={failure}");
        let Some(failing) = Failing::begin(&shelf, call, &failure) else { return };
        let head = match call {
            "mkdirat" => put("/d/old"),
            // Else it is linked to an unfinished name.
            "linkat" => format!("{}If-None-Match: *\r\n", put("/new")),
            _ => put("/old"),
        };
        let answer = shelf.send(&head, b"abc");
        assert_eq!(answer.status, status, "{call} {failure}: {}", answer.content);
        assert_eq!(answer.field("ETag"), None);
        drop(failing);
        shelf.comes_to(&before, &failure);
    }
}

/// The first is that of the file, then come those in which a folder was made for it; then it has
/// its name, and its folder is synced.
// covers: 36.9
#[test]
fn a_folder_that_cannot_be_synced_is_not_known() {
    for (target, folders) in [("/a", 1), ("/d/e/a", 3)] {
        for number in 0..folders {
            let shelf = Shelf::start(&[]);
            let failure = format!("error=EIO:when={}", 2 + number);
            let Some(_failing) = Failing::begin(&shelf, "fsync", &failure) else { return };
            let answer = shelf.send(&put(target), b"abc");
            assert_eq!(answer.status, 500, "{target} {failure}: {}", answer.content);
            let is_named = number == folders - 1;
            assert_eq!(answer.content.contains("not known"), is_named, "{}", answer.content);
            assert_eq!(answer.field("ETag"), None);
        }
    }
}

/// What was lost is reported once: later syncs succeed.
// covers: 36.9
#[test]
fn a_folder_that_could_not_be_synced_is_trusted_no_more() {
    for (failure, is_lost) in [("EIO", true), ("ENOSPC", true), ("EROFS", true), ("EINVAL", false)]
    {
        let shelf = Shelf::start(&[]);
        is_kept(&shelf.send(&put("/d/old"), b"old"), b"old");
        let under_way = shelf.begin(&put("/d/new"), 3);
        // The file and its folder; others have made that, and the one around it is synced.
        let failing = Failing::begin(&shelf, "fsync", &format!("error={failure}:when=2"));
        let Some(failing) = failing else { return };
        let answer = shelf.send(&put("/d/a"), b"abc");
        assert!(answer.status == 500 && answer.content.contains("not known"), "{}", answer.content);
        drop(failing);
        let before = shelf.listing();
        let mut late = under_way;
        let answer = late.exchange(b"abc");
        if !is_lost {
            is_kept(&answer, b"abc");
            is_kept(&shelf.send(&put("/d/b"), b"abc"), b"abc");
            continue;
        }
        assert_eq!(answer.status, 500, "{failure}: {}", answer.content);
        for target in ["/d/b", "/d/old", "/d/e/f/b"] {
            let (_, answer) = shelf.ask(&put(target), 3);
            assert_eq!(answer.status, 500, "{failure} {target}: {}", answer.content);
            assert!(answer.content.contains("could not be synced"), "{}", answer.content);
        }
        shelf.comes_to(&before, "what has a name keeps it");
        for target in ["/b", "/e/b"] {
            is_kept(&shelf.send(&put(target), b"abc"), b"abc");
        }
    }
}

/// Nobody would hear of it again.
// covers: 36.9
#[test]
fn a_folder_whose_loss_a_start_hears_of_is_not_served() {
    for (number, failure, starts) in [(1, "EIO", false), (2, "EIO", false), (1, "EINVAL", true)] {
        let inject = format!("inject=fsync:error={failure}:when={number}");
        let wrapper =
            ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync", "-e", &inject];
        if !can(&wrapper) {
            return;
        }
        let folder = Folder::make();
        if starts {
            let shelf = Shelf::start_in(folder, &wrapper, &[]);
            assert_eq!(shelf.ask(&put("/a"), 3).1.status, 100);
            continue;
        }
        let said = refused_start(&folder, &wrapper);
        assert!(said.contains("it cannot be synced: "), "{said}");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
    }
}

/// What a server says that does not start.
fn refused_start(folder: &Folder, wrapper: &[&str]) -> String {
    let to = folder.path().display().to_string();
    let words = [wrapper, &[STREAMSUM.path, "--listen", "127.0.0.1:0", "--to", &to]].concat();
    let running = Running::spawn(Command::new(words[0]).args(&words[1..]).stderr(Stdio::piped()));
    let (status, said) = running.end();
    assert!(status != Some(0), "{said:?}");
    said.join("\n")
}

/// The file system says that a file is there which has another name for ours.
#[test]
fn a_file_system_for_which_two_names_are_one_is_not_served() {
    for (name, what) in [("-case\"", "`a` and `A`"), ("-e\\314\\201\"", "`é`")] {
        let trace = |to: &Path, inject: &str| {
            let to = to.display().to_string();
            ["strace", "-D", "-qq", "-o", &to, "-e", "trace=newfstatat", "-e", inject]
                .map(str::to_owned)
        };
        let files = Folder::make();
        let calls = files.place("calls");
        let wrapper = trace(&calls, "signal=none");
        let wrapper: Vec<_> = wrapper.iter().map(|word| &**word).collect();
        if !can(&wrapper) {
            return;
        }
        let shelf = Shelf::start_in(Folder::make(), &wrapper, &[]);
        shelf.running.signal("TERM");
        assert_eq!(shelf.running.end().0, Some(0));
        let found = || {
            let calls = fs::read_to_string(&calls).unwrap_or_default();
            calls.lines().position(|call| call.contains(name))
        };
        super::wait_for(|| found().is_some());
        let number = found().expect("it asks for that name") + 1;
        let inject = format!("inject=newfstatat:retval=0:when={number}");
        let wrapper = trace(Path::new("/dev/null"), &inject);
        let wrapper: Vec<_> = wrapper.iter().map(|word| &**word).collect();
        let folder = Folder::make();
        let said = refused_start(&folder, &wrapper);
        assert!(said.contains(&format!("takes {what}")), "{said}");
        assert!(said.contains("for one name"), "{said}");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
    }
}

/// How many connections there are by default leaves descriptors for their files, and for the
/// folders that are open while these get their names.
// covers: 36.9
#[test]
fn as_many_as_may_connect_have_descriptors_for_their_files() {
    const CLIENTS: usize = 80;
    let limit = ["sh", "-c", "ulimit -n 256 && exec \"$0\" \"$@\""];
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

/// Who has made it has perhaps not synced the folder that it is in.
// covers: 36.4
#[test]
fn folders_that_others_have_made_are_synced_too() {
    let shelf = Shelf::start(&[]);
    let calls = Folder::make();
    let trace = calls.place("calls");
    // No call fails.
    let Some(failing) = Failing::trace(&shelf, "fsync", "retval=0:when=65535", &trace) else {
        return;
    };
    fs::create_dir(shelf.path("d")).expect("a folder");
    for round in 0..3 {
        is_kept(&shelf.send(&put("/d/a"), b"abc"), b"abc");
        // Another folder of the same name.
        if round == 1 {
            fs::rename(shelf.path("d"), shelf.path("gone")).expect("it is there");
            fs::create_dir(shelf.path("d")).expect("a folder");
        }
    }
    drop(failing);
    let calls = fs::read_to_string(trace).expect("calls");
    let root = format!("<{}>", shelf.folder.path().display());
    assert_eq!(calls.matches(&root).count(), 2, "{calls}");
}

/// As long as this is there, something is mounted at a place.
struct Mounted(PathBuf);

impl Mounted {
    /// `None`, which is printed, if it cannot be.
    fn make(words: &[&str], at: PathBuf) -> Option<Self> {
        let made = Command::new("mount").args(words).arg(&at).output();
        if made.is_ok_and(|output| output.status.success()) {
            return Some(Self(at));
        }
        println!("skipped: nothing can be mounted here");
        None
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

// covers: 36.7
#[test]
fn where_another_file_system_is_mounted_is_409_before_the_content() {
    let elsewhere = Folder::make();
    let bound = elsewhere.path().display().to_string();
    fs::create_dir(elsewhere.place("inner")).expect("a folder");
    for words in [&["-t", "tmpfs", "none"][..], &["--bind", &bound]] {
        let shelf = Shelf::start(&[]);
        for name in ["d", "d/e"] {
            fs::create_dir(shelf.path(name)).expect("a folder");
        }
        let mut late = ["/d/e/a", "/d/e/inner/a"].map(|target| shelf.begin(&put(target), 3));
        let Some(_mounted) = Mounted::make(words, shelf.path("d/e")) else { return };
        for client in &mut late {
            let answer = client.exchange(b"abc");
            assert_eq!(answer.status, 409, "{words:?}: {}", answer.content);
        }
        for target in ["/d/e/a", "/d/e/new/a", "/d/e/inner/a"] {
            let (_, answer) = shelf.ask(&put(target), 3);
            assert_eq!(answer.status, 409, "{words:?} {target}: {}", answer.content);
            assert!(answer.content.contains("another file system"), "{}", answer.content);
        }
        is_kept(&shelf.send(&put("/d/a"), b"abc"), b"abc");
        assert!(fs::read_dir(shelf.path("d/e")).expect("a folder").count() <= 1);
    }
    assert_eq!(fs::read_dir(elsewhere.path()).expect("a folder").count(), 1);
}

/// No more files can be made, though there is room for their content.
// covers: 36.9
#[test]
fn a_disk_that_has_no_more_files_is_507() {
    let folder = Folder::make();
    let words = ["-t", "tmpfs", "-o", "nr_inodes=8", "none"];
    let Some(_mounted) = Mounted::make(&words, folder.path().to_path_buf()) else { return };
    let shelf = Shelf::start_in(folder, &[], &[]);
    let mut statuses: Vec<u16> = Vec::new();
    while statuses.len() < 10 {
        statuses.push(shelf.send(&put(&format!("/{}", statuses.len())), b"abc").status);
    }
    let kept = statuses.iter().take_while(|status| **status == 200).count();
    assert!((3..8).contains(&kept), "{statuses:?}");
    assert!(statuses[kept..].iter().all(|status| *status == 507), "{statuses:?}");
    fs::remove_file(shelf.path("0")).expect("it is there");
    is_kept(&shelf.send(&put("/again"), b"abc"), b"abc");
    fs::remove_file(shelf.path("again")).expect("it is there");
    // One for the file, none for its folder.
    let answer = shelf.send(&put("/d/a"), b"abc");
    assert_eq!(answer.status, 507, "{}", answer.content);
}
