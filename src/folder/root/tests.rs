use super::lock::LOCK;
use super::*;
use crate::door::{KeyRules, Place};
use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process;
use std::sync::atomic::AtomicBool;
use std::thread;

/// A folder of a test's own.
struct Scratch(PathBuf);

impl Scratch {
    fn make() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("streamsum-root-{}-{number}", process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("a folder");
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn key(target: &str) -> Key {
    match Place::of(target, &KeyRules::default()) {
        Ok(Place::Named(key)) => key,
        other => panic!("{other:?}"),
    }
}

fn keep(root: &Root, target: &str, content: &[u8], replaces: bool) -> Result<bool, KeepError> {
    let mut unfinished = root.create().expect("a file");
    unfinished.file().write_all(content).expect("room");
    root.keep(unfinished, &key(target), replaces)
}

/// All that is there but locks, as paths relative to the folder, in order.
fn listed(folder: &Path) -> Vec<String> {
    let mut paths = vec![folder.to_path_buf()];
    let mut files = Vec::new();
    while let Some(path) = paths.pop() {
        if path.symlink_metadata().expect("it is there").is_dir() {
            paths.extend(fs::read_dir(path).expect("a folder").map(|one| one.expect("one").path()));
        } else if !path.to_string_lossy().ends_with(LOCK) {
            let relative = path.strip_prefix(folder).expect("within");
            files.push(relative.to_string_lossy().into_owned());
        }
    }
    files.sort();
    files
}

/// Both ways of making files.
fn both_ways(check: impl Fn(&Root, &Path)) {
    for has_unnamed in [true, false] {
        let scratch = Scratch::make();
        let folder = scratch.0.join("box");
        fs::create_dir(&folder).expect("a folder");
        let mut root = Root::open(&folder).expect("a folder");
        // Where the file system has none, both are the same.
        root.has_unnamed &= has_unnamed;
        check(&root, &folder);
    }
}

#[test]
fn file_is_there_when_it_is_kept_and_not_before() {
    both_ways(|root, folder| {
        let mut unfinished = root.create().expect("a file");
        unfinished.file().write_all(b"abc").expect("room");
        assert!(!folder.join("a").exists());
        assert!(!root.keep(unfinished, &key("/a/b/c"), true).expect("it is kept"));
        assert_eq!(fs::read(folder.join("a/b/c")).expect("the file"), b"abc");
        assert!(keep(root, "/a/b/c", b"other", true).expect("it is replaced"));
        assert_eq!(fs::read(folder.join("a/b/c")).expect("the file"), b"other");
        assert!(!keep(root, "/a/d", b"", true).expect("beside it"));
        assert!(!keep(root, "/a/e", b"", false).expect("beside it"));
        assert_eq!(listed(folder), ["a/b/c", "a/d", "a/e"]);
    });
}

#[test]
fn file_that_is_dropped_leaves_nothing() {
    both_ways(|root, folder| {
        drop(root.create().expect("a file"));
        assert_eq!(listed(folder), [""; 0]);
    });
}

#[test]
fn unfinished_name_of_somebody_else_is_left_alone() {
    both_ways(|root, folder| {
        let next = root.serial.load(Ordering::Relaxed);
        let others = [next, next + 1].map(|serial| format!("{}-{serial}", root.home.word));
        for name in &others {
            fs::write(folder.join(name), b"other").expect("a file");
        }
        keep(root, "/a", b"mine", true).expect("it is kept");
        assert_eq!(fs::read(folder.join("a")).expect("the file"), b"mine");
        for name in &others {
            assert_eq!(fs::read(folder.join(name)).expect("it is there"), b"other");
        }
    });
}

#[test]
fn name_that_is_taken_stays_if_it_is_not_to_be_replaced() {
    both_ways(|root, folder| {
        keep(root, "/a", b"first", false).expect("it is free");
        let taken = keep(root, "/a", b"second", false);
        assert!(matches!(taken, Err(KeepError::Exists)), "{taken:?}");
        assert!(matches!(root.probe(&key("/a"), false), Err(KeepError::Exists)));
        root.probe(&key("/a"), true).expect("it may be replaced");
        assert_eq!(fs::read(folder.join("a")).expect("the file"), b"first");
        assert_eq!(listed(folder), ["a"]);
    });
}

#[test]
fn file_is_no_folder_and_a_folder_no_file() {
    both_ways(|root, folder| {
        keep(root, "/a/b", b"", true).expect("it is free");
        for (target, is_folder) in [("/a", true), ("/a/b/c", false), ("/a/b/c/d", false)] {
            for found in [keep(root, target, b"x", true).map(drop), root.probe(&key(target), true)]
            {
                let found = found.expect_err(target);
                let expected = match is_folder {
                    true => matches!(found, KeepError::IsFolder),
                    false => matches!(found, KeepError::NotFolder),
                };
                assert!(expected, "{target}: {found:?}");
            }
        }
        assert_eq!(listed(folder), ["a/b"]);
    });
}

#[test]
fn no_link_is_followed() {
    both_ways(|root, folder| {
        let outside = folder.with_file_name("outside");
        fs::create_dir(&outside).expect("a folder");
        fs::write(outside.join("file"), b"safe").expect("a file");
        symlink(&outside, folder.join("link")).expect("a link");
        symlink(outside.join("file"), folder.join("name")).expect("a link");
        symlink(outside.join("new"), folder.join("loose")).expect("a link");
        let led_out = keep(root, "/link/file", b"x", true);
        assert!(matches!(led_out, Err(KeepError::NotFolder)), "{led_out:?}");
        for name in ["/name", "/loose"] {
            let taken = keep(root, name, b"x", false);
            assert!(matches!(taken, Err(KeepError::Exists)), "{taken:?}");
            keep(root, name, b"mine", true).expect("the link is replaced");
            assert_eq!(fs::read(folder.join(&name[1..])).expect("a file"), b"mine");
        }
        assert_eq!(listed(&outside), ["file"]);
        assert_eq!(fs::read(outside.join("file")).expect("it is there"), b"safe");
    });
}

#[test]
fn what_the_dead_have_left_is_removed_and_nothing_else() {
    let scratch = Scratch::make();
    let folder = scratch.0.join("box");
    fs::create_dir(&folder).expect("a folder");
    let mut living = Root::open(&folder).expect("a folder");
    living.has_unnamed = false;
    let under_way = living.create().expect("a file");
    for name in [".streamsum-1-0.lock", ".streamsum-1-0-7", ".streamsum-1-0-71", ".hidden", "a"] {
        fs::write(folder.join(name), b"").expect("a file");
    }
    let second = Root::open(&folder).expect("a second");
    let Name { text, .. } = &**under_way.name.as_ref().expect("it has one");
    let mut expected = vec![".hidden".to_owned(), text.clone(), "a".to_owned()];
    expected.sort();
    assert_eq!(listed(&folder), expected);
    assert_ne!(living.home.word, second.home.word, "two may be in one process");
    drop(second);
    root_keeps(living, under_way, &folder);
}

/// The one that lives can go on.
fn root_keeps(living: Root, under_way: Unfinished, folder: &Path) {
    living.keep(under_way, &key("/b"), true).expect("it was not touched");
    drop(living);
    assert_eq!(listed(folder), [".hidden", "a", "b"]);
    assert_eq!(fs::read_dir(folder).expect("a folder").count(), 3, "no lock is left");
}

#[test]
fn what_is_no_folder_cannot_be_opened() {
    let scratch = Scratch::make();
    let file = scratch.0.join("file");
    fs::write(&file, b"").expect("a file");
    assert!(Root::open(&file).is_err());
    assert!(Root::open(&scratch.0.join("missing")).is_err());
}

#[test]
fn folders_that_somebody_removes_are_made_again() {
    both_ways(|root, folder| {
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let keepers: Vec<_> = (0..2)
                .map(|keeper| {
                    scope.spawn(move || {
                        for number in 0..30 {
                            let target = format!("/{keeper}/b/c/{number}");
                            // Both of what may be there and of what may not.
                            for replaces in [false, true] {
                                keep(root, &target, b"abc", replaces).expect(&target);
                                assert!(folder.join(&target[1..]).exists(), "{target}");
                            }
                            // So that there are empty ones again.
                            fs::remove_file(folder.join(&target[1..])).expect("it is there");
                        }
                    })
                })
                .collect();
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    for name in ["0/b/c", "0/b", "0", "1/b/c", "1/b", "1"] {
                        let _ = fs::remove_dir(folder.join(name));
                    }
                }
            });
            keepers.into_iter().for_each(|keeper| {
                let ended = keeper.join();
                is_over.store(is_over.load(Ordering::Relaxed) | ended.is_err(), Ordering::Relaxed);
                ended.expect("all are kept");
            });
            is_over.store(true, Ordering::Relaxed);
        });
    });
}

#[test]
fn names_that_are_one_are_not_told_apart() {
    both_ways(|root, folder| {
        assert!(!root.tells_apart("a", "a").expect("room"));
        assert!(root.tells_apart("a", "b").expect("room"));
        assert_eq!(listed(folder), [""; 0]);
    });
}

#[test]
fn names_that_the_dead_made_last_are_removed_too() {
    let scratch = Scratch::make();
    let dir = openat(CWD, &scratch.0, OFlags::DIRECTORY, Mode::empty()).expect("a folder");
    fs::write(scratch.0.join(".streamsum-1-0.lock"), b"").expect("a file");
    let dead = dead(&dir).expect("a list");
    fs::write(scratch.0.join(".streamsum-1-0-7"), b"").expect("a file");
    sweep(&dir, dead).expect("it is swept");
    assert_eq!(fs::read_dir(&scratch.0).expect("a folder").count(), 0);
}

#[test]
fn the_lock_goes_with_the_last_unfinished_name() {
    let scratch = Scratch::make();
    let mut root = Root::open(&scratch.0).expect("a folder");
    root.has_unnamed = false;
    let unfinished = root.create().expect("a file");
    drop(root);
    drop(Root::open(&scratch.0).expect("a second"));
    assert_eq!(fs::read_dir(&scratch.0).expect("a folder").count(), 2);
    drop(unfinished);
    assert_eq!(fs::read_dir(&scratch.0).expect("a folder").count(), 0);
}
