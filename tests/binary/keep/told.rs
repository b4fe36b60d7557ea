//! Who is told of uploads that are kept.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use testkit::binary::lines;
use testkit::client::PATIENCE;
use testkit::content::digest;
use testkit::scratch::Folder;

use super::{Shelf, by_length, is_kept, put, wait_for, with_host};

/// A server, and the socket on which it is to tell.
struct Told {
    shelf: Shelf,
    path: PathBuf,
    _folder: Folder,
}

impl Told {
    /// Nobody listens yet.
    fn start(options: &[&str]) -> Self {
        let folder = Folder::make();
        let path = folder.place("kept.sock");
        let on_kept = format!("unix:{}", path.display());
        let own = ["--access-log", "off", "--on-kept", &on_kept];
        Self { shelf: Shelf::start(&[&own, options].concat()), path, _folder: folder }
    }

    /// Starts to listen, in place of who did before.
    fn listen(&self) -> UnixListener {
        let _ = fs::remove_file(&self.path);
        let listener = UnixListener::bind(&self.path).expect("a socket");
        listener.set_nonblocking(true).expect("an open socket");
        listener
    }

    /// The last of the counters.
    fn counters(&self) -> String {
        self.shelf.running.signal("USR1");
        loop {
            let line = self.shelf.running.line();
            if let Some(counters) = line.strip_prefix("streamsum: told=") {
                return format!("told={counters}");
            }
        }
    }

    #[track_caller]
    fn comes_to(&self, expected: &str) {
        wait_for(|| self.counters() == expected);
        assert_eq!(self.counters(), expected);
    }

    /// Keeps uploads of these names.
    fn keep(&self, names: impl IntoIterator<Item = u32>) {
        let mut client = self.shelf.connect();
        for name in names {
            let request = by_length(&put(&format!("/{name}")), b"abc");
            is_kept(&client.exchange(&request), b"abc");
        }
    }

    fn line(&self) -> String {
        self.shelf.running.line()
    }
}

/// Waits for the server to connect.
fn accept(listener: &UnixListener) -> BufReader<UnixStream> {
    let mut accepted = None;
    wait_for(|| {
        accepted = listener.accept().ok();
        accepted.is_some()
    });
    let (stream, _) = accepted.expect("it connects");
    stream.set_nonblocking(false).expect("an open socket");
    stream.set_read_timeout(Some(PATIENCE)).expect("an open socket");
    BufReader::new(stream)
}

/// The next line, without its end.
fn next(reader: &mut BufReader<UnixStream>) -> String {
    let mut line = String::new();
    reader.read_line(&mut line).expect("a line");
    assert_eq!(line.pop(), Some('\n'), "{line}");
    line
}

/// How many lines a note says were lost.
fn lost(note: &str) -> u64 {
    let words = "streamsum: --on-kept: lines lost, as nobody read them in time: ";
    let number = note.strip_prefix(words).unwrap_or_else(|| panic!("{note}"));
    number.parse().expect("a number")
}

/// The text of a member, or its number, as it stands there.
fn member<'l>(line: &'l str, name: &str) -> &'l str {
    let (_, rest) = line.split_once(&format!("\"{name}\": ")).unwrap_or_else(|| panic!("{line}"));
    match rest.strip_prefix('"') {
        Some(text) => text.split('"').next().expect("an end"),
        None => rest.split([',', '}']).next().expect("an end"),
    }
}

/// The name and the number of the next line.
fn named(reader: &mut BufReader<UnixStream>) -> (String, u64) {
    let line = next(reader);
    (member(&line, "key").to_owned(), member(&line, "number").parse().expect("a number"))
}

#[test]
fn a_line_tells_all_of_an_upload_that_is_kept() {
    let tokens = Folder::make();
    let file = tokens.file("tokens", b"bob bobs-token\n").display().to_string();
    let told = Told::start(&["--token-file", &file]);
    assert!(told.line().starts_with("streamsum: --on-kept: nobody listens on unix:/"));
    let listener = told.listen();
    let mut reader = accept(&listener);
    assert!(told.line().starts_with("streamsum: --on-kept: connected to unix:/"));
    let bob = "Authorization: Bearer bobs-token\r\n";
    let head = format!("{}{bob}Content-Type: text/plain\r\n", put("/a/b%20c"));
    for (number, replaced) in [(1, "false"), (2, "true")] {
        is_kept(&told.shelf.send(&head, b"abc"), b"abc");
        let line = next(&mut reader);
        let (run, time) = (member(&line, "run"), member(&line, "time"));
        assert!(time.len() == 24 && time.ends_with('Z'), "{time}");
        let (_, port) = member(&line, "peer").split_once("127.0.0.1:").expect("an address");
        let md5 = digest(b"abc");
        assert_eq!(
            line,
            format!(
                "{{\"run\": \"{run}\", \"number\": {number}, \"time\": \"{time}\", \
                 \"key\": \"a/b c\", \"target\": \"/a/b%20c\", \"length\": 3, \"md5\": \"{md5}\", \
                 \"replaced\": {replaced}, \"by\": \"bob\", \"peer\": \"127.0.0.1:{port}\", \
                 \"content-type\": \"text/plain\"}}"
            )
        );
    }
    let head = format!("{}{bob}", with_host("POST", "/in/"));
    let answer = told.shelf.send(&head, b"");
    let line = next(&mut reader);
    assert_eq!(Some(member(&line, "target")), answer.field("Location"));
    assert!(!line.contains("content-type"), "{line}");
    told.comes_to("told=3 waiting=0 lost=0");
}

#[cfg(feature = "digests")]
#[test]
fn a_line_has_all_digests() {
    let told = Told::start(&["--digest", "crc32c,md5"]);
    told.line();
    let mut reader = accept(&told.listen());
    let sha_1 = "x-amz-checksum-sha1: qZk+NkcGgWq6PiVxeFDCbJzQ2J0=\r\n";
    assert_eq!(told.shelf.send(&format!("{}{sha_1}", put("/a")), b"abc").status, 200);
    let line = next(&mut reader);
    let digests = "\"length\": 3, \"crc32c\": \"364b3fb7\", \
                   \"md5\": \"900150983cd24fb0d6963f7d28e17f72\", \
                   \"sha\": \"a9993e364706816aba3e25717850c26c9cd0d89d\", \"replaced\": false, \"peer\"";
    assert!(line.contains(digests), "{line}");
}

#[test]
fn nothing_is_told_of_what_is_not_kept() {
    let told = Told::start(&["--no-overwrite"]);
    told.line();
    let mut reader = accept(&told.listen());
    is_kept(&told.shelf.send(&put("/a"), b"abc"), b"abc");
    assert_eq!(named(&mut reader), ("a".into(), 1));
    let wrong = format!("{}Content-MD5: AAAAAAAAAAAAAAAAAAAAAA==\r\n", put("/b"));
    for (head, status) in [(put("/a"), 412), (put("/.b"), 400), (wrong, 400), (put("/a/b"), 409)] {
        assert_eq!(told.shelf.send(&head, b"abc").status, status);
    }
    drop(told.shelf.begin(&put("/b"), 3));
    is_kept(&told.shelf.send(&put("/c"), b"abc"), b"abc");
    assert_eq!(named(&mut reader), ("c".into(), 2));
}

#[test]
fn a_reader_that_comes_late_or_again_misses_nothing_that_waits() {
    let told = Told::start(&[]);
    assert!(told.line().contains("nobody listens"));
    told.keep(0..3);
    assert_eq!(told.counters(), "told=0 waiting=3 lost=0");
    let listener = told.listen();
    let mut reader = accept(&listener);
    assert!(told.line().contains("connected"));
    for name in 0..3u32 {
        assert_eq!(named(&mut reader), (name.to_string(), u64::from(name) + 1));
    }
    told.comes_to("told=3 waiting=0 lost=0");
    // It has read all, so that nothing comes twice.
    drop((reader, listener));
    told.keep(3..6);
    assert!(told.line().contains("nobody listens"));
    told.comes_to("told=3 waiting=3 lost=0");
    let mut reader = accept(&told.listen());
    assert!(told.line().contains("connected"));
    for name in 3..6u32 {
        assert_eq!(named(&mut reader), (name.to_string(), u64::from(name) + 1));
    }
    told.comes_to("told=6 waiting=0 lost=0");
}

/// It was written, and lay in the socket when the reader ended.
#[test]
fn what_a_reader_has_left_unread_comes_again() {
    let told = Told::start(&[]);
    let listener = {
        told.line();
        told.listen()
    };
    let mut reader = accept(&listener);
    told.line();
    told.keep(0..4);
    told.comes_to("told=4 waiting=0 lost=0");
    assert_eq!(named(&mut reader).0, "0");
    let buffered = reader.buffer().iter().filter(|byte| **byte == b'\n').count();
    told.keep(4..6);
    told.comes_to("told=6 waiting=0 lost=0");
    assert!(buffered <= 3, "the last two are not read");
    drop(reader);
    told.keep(6..7);
    let mut reader = accept(&listener);
    // All of them that it may not have read, in their order.
    let first = named(&mut reader).1;
    for number in first + 1..=7 {
        assert_eq!(named(&mut reader), ((number - 1).to_string(), number));
    }
    assert!(first <= 5, "{first}");
    told.comes_to("told=7 waiting=0 lost=0");
}

/// No upload comes that would show that it has gone.
#[test]
fn a_reader_that_ends_is_missed_without_another_upload() {
    let told = Told::start(&[]);
    told.line();
    let listener = told.listen();
    let reader = accept(&listener);
    told.line();
    told.keep(0..5);
    told.comes_to("told=5 waiting=0 lost=0");
    drop(reader);
    let mut reader = accept(&listener);
    for name in 0..5u32 {
        assert_eq!(named(&mut reader), (name.to_string(), u64::from(name) + 1));
    }
    told.comes_to("told=5 waiting=0 lost=0");
    // What it took is told; nobody has what it left, and what comes then waits with it.
    drop((reader, listener));
    let reader = {
        assert!(told.line().contains("nobody listens"));
        told.keep(5..7);
        told.comes_to("told=5 waiting=2 lost=0");
        accept(&told.listen())
    };
    assert!(told.line().contains("connected"));
    told.comes_to("told=7 waiting=0 lost=0");
    drop(reader);
    assert!(told.line().contains("nobody listens"));
    told.comes_to("told=5 waiting=2 lost=0");
}

/// It says that it will write nothing, and reads on.
#[test]
fn a_reader_that_ends_its_own_half_is_told_all() {
    let told = Told::start(&[]);
    told.line();
    let listener = told.listen();
    let mut reader = accept(&listener);
    reader.get_ref().shutdown(Shutdown::Write).expect("an open socket");
    thread::sleep(Duration::from_millis(1_500));
    told.keep(0..1);
    assert_eq!(named(&mut reader), ("0".into(), 1));
    assert!(listener.accept().is_err(), "it has connected once");
}

#[test]
fn a_reader_that_ends_at_once_is_not_asked_again_and_again() {
    let told = Told::start(&[]);
    told.line();
    // More than the socket takes.
    told.keep(0..500);
    let listener = told.listen();
    drop(accept(&listener));
    let until = Instant::now() + Duration::from_secs(2);
    let mut times = 0;
    while Instant::now() < until {
        match listener.accept() {
            Ok(_) => times += 1,
            Err(_) => thread::sleep(Duration::from_millis(1)),
        }
    }
    assert!(times <= 4, "{times}");
    let mut reader = accept(&listener);
    for number in 1..=500 {
        assert_eq!(named(&mut reader).1, number);
    }
    told.comes_to("told=500 waiting=0 lost=0");
}

#[test]
fn lost_lines_are_reported_while_nobody_listens() {
    let told = Told::start(&["--on-kept-queue", "2"]);
    assert!(told.line().contains("nobody listens"));
    told.keep(0..3);
    assert_eq!(lost(&told.line()), 1);
    told.keep(3..5);
    told.comes_to("told=0 waiting=2 lost=3");
    let mut reader = accept(&told.listen());
    assert!(told.line().contains("connected"));
    assert_eq!([named(&mut reader).1, named(&mut reader).1], [4, 5]);
    // The rest of them, as it has caught up.
    assert_eq!(lost(&told.line()), 2);
}

#[test]
fn a_reader_that_never_reads_costs_lines_and_no_upload() {
    let told = Told::start(&["--on-kept-queue", "5"]);
    told.line();
    let listener = told.listen();
    let mut reader = accept(&listener);
    told.line();
    // What the socket takes, what the thread has in its hands, and the queue.
    told.keep(0..1_000);
    // It does not wait for the reader to say so.
    let first = lost(&told.line());
    let counters = told.counters();
    let values: Vec<u64> = counters
        .split(['=', ' '])
        .skip(1)
        .step_by(2)
        .map(|number| number.parse().expect("a number"))
        .collect();
    let [written, waiting, all_lost] = values[..] else { panic!("{counters}") };
    assert_eq!((waiting, written + waiting + all_lost), (6, 1_000), "{counters}");
    assert!(all_lost > 100, "{counters}");
    // It has the oldest that were written, and the newest; that some are missing it can see.
    let all: Vec<u64> = (0..1_000 - all_lost).map(|_| named(&mut reader).1).collect();
    let expected: Vec<u64> = (1..=written + 1).chain(996..=1_000).collect();
    assert_eq!(all, expected);
    if first < all_lost {
        assert_eq!(first + lost(&told.line()), all_lost);
    }
    told.comes_to(&format!("told={} waiting=0 lost={all_lost}", 1_000 - all_lost));
}

/// Python reads what is told.
#[test]
fn lines_of_odd_names_are_json() {
    let told = Told::start(&[]);
    told.line();
    let mut reader = accept(&told.listen());
    let script = "import json, sys\nfor line in sys.stdin.buffer:\n    \
                  one = json.loads(line.decode())\n    print(ascii(one['key']), one['target'])";
    let mut command = Command::new("python3");
    command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut python = match command.spawn() {
        Ok(python) => python,
        Err(wrong) => return println!("skipped: python3 does not run: {wrong}"),
    };
    let shown = lines(python.stdout.take());
    let mut input = python.stdin.take().expect("it is piped");
    for target in ["/a%22b", "/%C3%A9%20%F0%9F%A6%80", "/%E2%80%A8'%7B%7D,:", "/%C2%85a"] {
        is_kept(&told.shelf.send(&put(target), b"abc"), b"abc");
        writeln!(input, "{}", next(&mut reader)).expect("it reads");
    }
    drop(input);
    let found: Vec<_> = shown.iter().collect();
    let expected = [
        r#"'a"b' /a%22b"#,
        r"'\xe9 \U0001f980' /%C3%A9%20%F0%9F%A6%80",
        r#""\u2028'{},:" /%E2%80%A8'%7B%7D,:"#,
        r"'\x85a' /%C2%85a",
    ];
    assert_eq!(found, expected);
    assert!(python.wait().expect("its status").success());
}

#[test]
fn at_the_end_what_waits_is_written_or_counted() {
    for has_reader in [true, false] {
        let told = Told::start(&[]);
        told.line();
        let listener = has_reader.then(|| told.listen());
        let mut reader = listener.as_ref().map(accept);
        if has_reader {
            told.line();
        }
        let mut upload = told.shelf.begin(&put("/a"), 3);
        told.shelf.running.signal("TERM");
        told.line();
        is_kept(&upload.exchange(b"abc"), b"abc");
        if let Some(reader) = &mut reader {
            assert_eq!(named(reader).0, "a");
            // Unlike `fill_buf`, it reads on after a signal.
            assert_eq!(reader.read_line(&mut String::new()).expect("an end"), 0);
        }
        let (status, left) = told.shelf.running.end();
        let mut expected = vec!["streamsum: drained"];
        if !has_reader {
            expected.insert(0, "streamsum: --on-kept: uploads kept that were not told: 1");
        }
        assert_eq!((status, left), (Some(0), expected.iter().map(|&line| line.into()).collect()));
    }
}

/// The reader ended a moment before, and has left all unread.
#[test]
fn at_the_end_what_nobody_reads_any_more_is_counted() {
    let told = Told::start(&[]);
    told.line();
    let listener = told.listen();
    let reader = accept(&listener);
    told.line();
    told.keep(0..5);
    told.comes_to("told=5 waiting=0 lost=0");
    drop((reader, listener));
    told.shelf.running.signal("TERM");
    let (status, left) = told.shelf.running.end();
    let expected = "streamsum: --on-kept: uploads kept that were not told: 5".to_owned();
    assert!(left.contains(&expected), "{left:?}");
    assert_eq!(status, Some(0));
}

/// At its end the process waits for a moment and no longer, whoever does not read.
#[test]
fn a_reader_that_never_reads_does_not_keep_a_process_from_ending() {
    let told = Told::start(&[]);
    told.line();
    let listener = told.listen();
    let _reader = accept(&listener);
    told.line();
    told.keep(0..500);
    told.shelf.running.signal("TERM");
    let (status, left) = told.shelf.running.end();
    assert_eq!((status, left.len()), (Some(0), 3), "{left:?}");
    assert!(left[1].starts_with("streamsum: --on-kept: uploads kept that were not told: "));
    assert_eq!(left[2], "streamsum: drained");
}

/// It runs as the page has it.
#[test]
fn the_reader_of_the_page_reads() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/OPERATING.md");
    let page = fs::read_to_string(page).expect("a page");
    let (_, rest) = page.split_once("```python\n").expect("a reader");
    let (script, _) = rest.split_once("```").expect("its end");
    let told = Told::start(&[]);
    told.line();
    let path = told.path.display().to_string();
    let script = script.replace("/run/streamsum/kept.sock", &path);
    for _ in 0..2 {
        let mut command = Command::new("python3");
        command.args(["-u", "-c", &script]).stdout(Stdio::piped());
        let mut python = match command.spawn() {
            Ok(python) => python,
            Err(wrong) => return println!("skipped: python3 does not run: {wrong}"),
        };
        let shown = lines(python.stdout.take());
        is_kept(&told.shelf.send(&put("/a/b"), b"abc"), b"abc");
        let found = [0, 1].map(|_| shown.recv_timeout(PATIENCE).expect("a line"));
        // It does not know what was told before it began.
        let expected = format!("a/b 3 {}", digest(b"abc"));
        assert_eq!(found, ["look in the folder: lines may be missing", &expected]);
        python.kill().expect("it runs");
        python.wait().expect("its status");
    }
}
