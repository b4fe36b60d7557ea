//! Other people's clients. Those that write all they have before they read must see a refusal
//! as well as those that look for it meanwhile.
//!
//! What `cargo test` may not rely on is ignored here; `.ci/long clients` installs and runs it.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use streamsum::checksum::Checksum;
use streamsum::engine::Config;
use streamsum::proto::Limits;
use testkit::content::digest;
use testkit::scratch::Folder;
use testkit::serving::Serving;

/// What is refused: more than sockets take that nobody reads from.
const UPLOAD: u64 = 100 << 20;
const LIMIT: u64 = 1 << 20;

/// Nothing is timed: but a client that has to wait for the server's deadlines fails.
const PATIENCE: Duration = Duration::from_secs(5);

const FRAMINGS: [&str; 2] = ["length", "chunked"];

/// A server that refuses the upload.
fn serving() -> Serving<Checksum> {
    let config = Config::default().limits(Limits::default().body(LIMIT));
    Serving::start(config, &["127.0.0.1:0"], Checksum::default())
}

/// The upload as a file, which takes no room on the disk.
struct Upload {
    path: PathBuf,
    _folder: Folder,
}

impl Upload {
    fn new() -> Self {
        let folder = Folder::make();
        let path = folder.place("upload");
        File::create(&path).expect("a temporary file").set_len(UPLOAD).expect("its length");
        Self { path, _folder: folder }
    }

    fn path(&self) -> &str {
        self.path.to_str().expect("UTF-8")
    }
}

/// What a client shows, which has to end soon.
#[track_caller]
fn shown(program: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{program}: {error}"));
    let mut stdout = child.stdout.take().expect("a pipe");
    let (tell, told) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut shown = String::new();
        let read = stdout.read_to_string(&mut shown);
        // Nobody listens where the client took too long.
        let _ = tell.send(read.map(|_| shown));
    });
    let shown = told.recv_timeout(PATIENCE);
    if shown.is_err() {
        child.kill().expect("it can be killed");
    }
    child.wait().expect("its status");
    reader.join().expect("it only reads");
    shown.unwrap_or_else(|_| panic!("{program} takes too long")).expect("text").trim().to_owned()
}

fn script(name: &str) -> String {
    format!("{}/tests/sockets/clients/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn curl_sees_a_refusal() {
    // covers: 21.3
    let (server, upload) = (serving(), Upload::new());
    let url = format!("http://{}/", server.tcp());
    // Nobody's settings, no proxy between, and no waiting for 100 Continue.
    let options =
        ["-q", "-sS", "--noproxy", "*", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Expect:"];
    for framing in ["Content-Type: text/plain", "Transfer-Encoding: chunked"] {
        let arguments = [&options[..], &["-H", framing, "-T", upload.path(), &url]].concat();
        assert_eq!(shown("curl", &arguments), "413", "{framing}");
    }
}

#[test]
fn python_sees_a_refusal() {
    // covers: 21.3
    let server = serving();
    let (port, length) = (server.tcp().port().to_string(), UPLOAD.to_string());
    for client in ["http.client", "urllib"] {
        for framing in FRAMINGS {
            let arguments = [&script("upload.py"), &port, client, framing, &length];
            assert_eq!(shown("python3", &arguments), "413", "{client}, by {framing}");
        }
    }
}

#[cfg(feature = "digests")]
#[test]
fn python_declares_digests() {
    // covers: 34.1 34.2 34.3 34.4 34.5 34.8
    let server = Serving::start(Config::default(), &["127.0.0.1:0"], Checksum::default());
    let shown = shown("python3", &[&script("digests.py"), &server.tcp().port().to_string()]);
    let content: Vec<u8> = (0..=255).cycle().take(256 * 300).collect();
    let digest = digest(&content);
    let mut kinds = std::collections::BTreeMap::new();
    for line in shown.lines() {
        let (what, outcome) = line.split_once(": ").expect("an outcome");
        let [field, section, kind] = what.split(", ").collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let (name, algorithm) = field.split_once(' ').expect("an algorithm");
        let expected = match (section, kind) {
            (_, "right") | ("head", "missing") => format!("200 kept {digest}"),
            (_, "wrong") => format!("400 kept the content has another {algorithm} than declared"),
            ("head", "malformed") => format!("400 closed malformed {name}"),
            (_, "malformed") => format!("400 kept malformed {name}"),
            (_, "missing") => format!("400 kept {name} was announced and did not come"),
            _ => panic!("{line}"),
        };
        assert_eq!(outcome, expected, "{line}");
        *kinds.entry((section, kind)).or_insert(0) += 1;
    }
    assert_eq!(kinds.len(), 8);
    assert!(kinds.values().all(|fields| *fields == 18), "{kinds:?}");
}

#[test]
#[ignore = "needs Perl: run by .ci/long clients"]
fn perl_sees_a_refusal() {
    let server = serving();
    let url = format!("http://{}/", server.tcp());
    for framing in FRAMINGS {
        let arguments = [&*script("upload.pl"), &url, framing, &UPLOAD.to_string()];
        assert_eq!(shown("perl", &arguments), "413", "by {framing}");
    }
}

#[test]
#[ignore = "needs GNU wget: run by .ci/long clients"]
fn wget_sees_a_refusal() {
    let (server, upload) = (serving(), Upload::new());
    let url = format!("http://{}/", server.tcp());
    let file = format!("--body-file={}", upload.path());
    // It has no chunks.
    let options = ["--no-config", "--no-proxy", "--tries=1", "--server-response", "-nv"];
    let shown_to = ["-O", "/dev/null", "-o", "/dev/stdout", "--method=PUT", &file, &url];
    let shown = shown("wget", &[&options[..], &shown_to].concat());
    assert!(shown.starts_with("HTTP/1.1 413 "), "{shown}");
}

/// Not a refusal: another content than that of the file.
#[test]
#[ignore = "needs BusyBox: run by .ci/long clients"]
fn busybox_wget_sends_what_is_before_the_first_nul() {
    let server = serving();
    let url = format!("http://{}/", server.tcp());
    let folder = Folder::make();
    for (content, sent) in
        [(&b"first\0second"[..], &b"first"[..]), (b"\xffall\r\n", b"\xffall\r\n")]
    {
        let file = folder.file("upload", content);
        let file = format!("--post-file={}", file.display());
        assert_eq!(shown("busybox", &["wget", "-q", "-O", "-", &file, &url]), digest(sent));
    }
}
