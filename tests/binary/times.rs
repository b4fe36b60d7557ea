//! The time at the start of each line on standard error.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use testkit::binary::{ABC, PUT_ABC, Running, connect, exchange};
use testkit::client::PATIENCE;

use crate::STREAMSUM;

/// A line, with the time before it taken apart.
fn timed(line: &str) -> (SystemTime, &str) {
    let (time, rest) = line.split_once(' ').expect("a word");
    assert_eq!(time.len(), "2026-11-30T03:20:06.123Z".len(), "{line}");
    (humantime::parse_rfc3339(time).expect(line), rest)
}

// covers: 31.5
#[test]
fn every_line_begins_with_the_time() {
    // Lines have whole milliseconds.
    let before = SystemTime::now() - Duration::from_millis(1);
    let (running, address) = STREAMSUM.local(&[]);
    assert!(exchange(connect(&address), PUT_ABC).ends_with(ABC));
    running.signal("USR1");
    let mut lines = vec![running.stderr.recv_timeout(PATIENCE).expect("an access line")];
    lines.push(running.stderr.recv_timeout(PATIENCE).expect("the counters"));
    running.signal("TERM");
    lines.extend(running.stderr.iter());
    let times: Vec<_> = lines.iter().map(|line| timed(line).0).collect();
    assert!(times.is_sorted() && before <= times[0], "{lines:?}");
    assert!(times.iter().all(|time| *time <= SystemTime::now()), "{lines:?}");
    let texts: Vec<_> = lines.iter().map(|line| timed(line).1).collect();
    assert!(texts[0].starts_with("127.0.0.1:"), "{texts:?}");
    assert!(texts[1].starts_with("streamsum: open="), "{texts:?}");
    assert!(texts[2].starts_with("streamsum: draining "), "{texts:?}");
    assert_eq!(texts[3..], ["streamsum: drained"]);
}

/// What a server writes whose standard error is a file, while the variable of the journal
/// names that file's inode and `beside` more.
fn lines_beside(beside: u64) -> Vec<String> {
    let path = std::env::temp_dir().join(format!("streamsum-{beside}-{}", std::process::id()));
    let file = File::create(&path).expect("a file");
    let named = file.metadata().expect("its inode");
    let mut command = STREAMSUM.command(&["--listen", "127.0.0.1:0"]);
    command.env("JOURNAL_STREAM", format!("{}:{}", named.dev(), named.ino() + beside));
    let running = Running::spawn(command.stderr(Stdio::from(file)));
    assert!(exchange(connect(&running.address()), PUT_ABC).ends_with(ABC));
    running.signal("TERM");
    assert_eq!(running.end().0, Some(0));
    let text = fs::read_to_string(&path).expect("lines");
    fs::remove_file(path).expect("it is there");
    text.lines().map(str::to_owned).collect()
}

// covers: 31.5
#[test]
fn the_journal_has_times_of_its_own() {
    let lines = lines_beside(0);
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].starts_with("127.0.0.1:") && lines[1].starts_with("streamsum: "), "{lines:?}");
    // What was inherited, and is not where standard error goes.
    let lines = lines_beside(1);
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines.iter().all(|line| timed(line).1.len() < line.len()), "{lines:?}");
}
