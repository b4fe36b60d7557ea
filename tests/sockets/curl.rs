//! What curl shows of the server, with the options that people use.

use std::ffi::OsStr;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use streamsum::checksum::Checksum;
use streamsum::engine::Config;
use streamsum::proto::Limits;
use testkit::client::Address;
use testkit::content::{content, digest};
use testkit::response::{self, CONTINUE, Method, Response};
use testkit::scratch::Folder;
use testkit::serving::Serving;

/// From here on every curl asks with `Expect: 100-continue` by itself.
const LARGE: usize = (1 << 20) + 1;

/// A file for curl to upload.
struct Upload {
    path: PathBuf,
    content: Vec<u8>,
    _folder: Folder,
}

impl Upload {
    fn new(content: Vec<u8>) -> Self {
        let folder = Folder::make();
        Self { path: folder.file("upload", &content), content, _folder: folder }
    }

    /// As curl's `-d` and `--data-binary` name files.
    fn at(&self) -> String {
        format!("@{}", self.path.display())
    }

    fn digest(&self) -> String {
        digest(&self.content)
    }
}

/// Runs curl and returns what it wrote; it must succeed.
#[track_caller]
fn curl(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>, input: &[u8]) -> String {
    let mut command = Command::new("curl");
    // Nobody's settings, and no proxy between.
    command.args(["-q", "-sS", "-g", "--noproxy", "*", "--max-time", "60"]).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            panic!("these tests drive curl: install it, so that `curl` is found in PATH")
        }
        Err(error) => panic!("curl does not run: {error}"),
    };
    // What is read from here is short enough for a pipe, or read to the end.
    child.stdin.take().expect("a pipe").write_all(input).expect("curl reads its input");
    let output = child.wait_with_output().expect("curl ends");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "curl: {}: {errors}", output.status);
    String::from_utf8(output.stdout).expect("text")
}

fn serving(place: &str) -> (Serving<Checksum>, String) {
    let server = Serving::start(Config::default(), &[place], Checksum::default());
    let url = format!("http://{}/", server.tcp());
    (server, url)
}

/// Asserts that it is the whole of an answer with that digest, with these fields and no
/// other, and gives its Date.
#[track_caller]
fn is_exactly(answer: &str, connection: Option<&str>, digest: &str) -> SystemTime {
    let response = response::read(answer.as_bytes(), Method::Other);
    let response = response.expect("a response").expect("all of it");
    assert_eq!((response.length, response.content), (answer.len(), digest.as_bytes()), "{answer}");
    has_exactly(answer.as_bytes(), &response, connection)
}

/// Asserts that a response is 200 OK with the fields of a digest and no other, and gives its
/// Date.
#[track_caller]
fn has_exactly(wire: &[u8], response: &Response<'_>, connection: Option<&str>) -> SystemTime {
    assert!(wire.starts_with(b"HTTP/1.1 200 OK\r\n"), "{}", wire.escape_ascii());
    let date = response.value("Date").expect("a Date");
    let mut expected = vec![
        (&b"Content-Length"[..], &b"32"[..]),
        (b"Content-Type", b"text/plain; charset=utf-8"),
        (b"Date", date),
    ];
    expected.extend(connection.map(|value| (&b"Connection"[..], value.as_bytes())));
    expected.sort_unstable();
    let mut fields = response.fields.clone();
    fields.sort_unstable();
    assert_eq!(fields, expected);
    let date = str::from_utf8(date).expect("text");
    let time = httpdate::parse_http_date(date).expect("a date");
    // Of the three forms that are understood, the one to be sent.
    assert_eq!(httpdate::fmt_http_date(time), date);
    time
}

#[test]
fn the_answer_field_by_field() {
    // covers: 24.1 18.6
    let (_server, url) = serving("127.0.0.1:0");
    let upload = Upload::new(content(10_000, 1));
    let before = SystemTime::now() - Duration::from_secs(2);
    // Versions differ in what they ask for.
    let answer = curl(["-i", "-H", "Expect:", "-T", upload.path.to_str().unwrap(), &url], b"");
    let date = is_exactly(&answer, None, &upload.digest());
    assert!(before < date && date <= SystemTime::now());
    assert_eq!(upload.digest().len(), 32);
}

#[test]
fn large_uploads_are_asked_for() {
    // covers: 16.1
    let (_server, url) = serving("127.0.0.1:0");
    let upload = Upload::new(content(LARGE, 2));
    let (path, at) = (upload.path.to_str().unwrap(), upload.at());
    for arguments in
        [&["-i", "-T", path, &url][..], &["-i", "-X", "POST", "--data-binary", &at, &url]]
    {
        let shown = curl(arguments, b"");
        let answer = shown.strip_prefix(CONTINUE).expect("an interim response");
        is_exactly(answer, None, &upload.digest());
    }
}

#[test]
fn small_uploads_are_asked_for_if_curl_waits() {
    // covers: 16.1 16.3
    let (_server, url) = serving("127.0.0.1:0");
    let upload = Upload::new(b"abc".to_vec());
    let path = upload.path.to_str().unwrap();
    let shown = curl(["-i", "-H", "Expect: 100-continue", "-T", path, &url], b"");
    is_exactly(shown.strip_prefix(CONTINUE).expect("an interim response"), None, &upload.digest());
    let shown = curl(["-i", "-H", "Expect: 100-continue", "-X", "PUT", &url], b"");
    is_exactly(&shown, None, &digest(b""));
}

#[test]
fn standard_input_in_chunks() {
    // covers: 10.1
    let (_server, url) = serving("127.0.0.1:0");
    for length in [0, 1, 100_000, 3_000_000] {
        let content = content(length, 3);
        let arguments = ["-i", "-H", "Transfer-Encoding: chunked", "-T", "-", &url];
        let shown = curl(arguments, &content);
        let answer = shown.strip_prefix(CONTINUE).unwrap_or(&shown);
        is_exactly(answer, None, &digest(&content));
    }
}

#[test]
fn ten_uploads_over_one_connection() {
    let (server, url) = serving("127.0.0.1:0");
    let uploads: Vec<_> = (0..10).map(|n| Upload::new(content(n * 130_000, n as u64))).collect();
    // How many connections each has opened comes behind each digest.
    let mut arguments = vec!["-w", " %{num_connects}\n"];
    for upload in &uploads {
        arguments.extend(["-T", upload.path.to_str().unwrap(), &url]);
    }
    let shown = curl(arguments, b"");
    let expected: Vec<_> = uploads
        .iter()
        .enumerate()
        .map(|(n, upload)| format!("{} {}", upload.digest(), u8::from(n == 0)))
        .collect();
    assert_eq!(shown.lines().collect::<Vec<_>>(), expected);
    assert_eq!(server.ask(|server, _| server.stats().connections), 1);
}

#[test]
fn data_loses_its_line_ends_in_curl() {
    let (_server, url) = serving("127.0.0.1:0");
    let text = Upload::new(b"first line\r\nsecond line\nlast".to_vec());
    let stripped: Vec<u8> =
        text.content.iter().copied().filter(|byte| !b"\r\n".contains(byte)).collect();
    assert_eq!(curl(["-d", &text.at(), &url], b""), digest(&stripped));
    assert_eq!(curl(["--data-binary", &text.at(), &url], b""), text.digest());
}

#[test]
fn a_form_is_an_envelope() {
    let (_server, url) = serving("127.0.0.1:0");
    let upload = Upload::new(b"content".to_vec());
    let form = format!("file={}", upload.at());
    let envelopes = [(); 2].map(|()| curl(["-F", &form, &url], b""));
    // Each has a boundary of its own.
    assert!(envelopes[0] != upload.digest() && envelopes[0] != envelopes[1], "{envelopes:?}");
}

#[test]
fn declared_digest_is_verified_and_the_connection_kept() {
    // covers: 34.1 34.4
    let (_server, url) = serving("127.0.0.1:0");
    let upload = Upload::new(b"abc".to_vec());
    let path = upload.path.to_str().unwrap();
    for (digest, expected) in [
        ("kAFQmDzST7DWlj99KOF/cg==", upload.digest() + " 200"),
        ("SRHlFuWqIdMnUS4Mixl2Fg==", "the content has another md5 than declared 400".into()),
    ] {
        let field = format!("Content-MD5: {digest}");
        let show = " %{http_code} %{num_connects}\n";
        let shown = curl(["-w", show, "-H", &field, "-T", path, &url, "-T", path, &url], b"");
        assert_eq!(shown, format!("{expected} 1\n{expected} 0\n"));
    }
}

#[test]
fn malformed_declaration_is_refused_before_the_content() {
    // covers: 34.5
    let (_server, url) = serving("127.0.0.1:0");
    let upload = Upload::new(content(LARGE, 7));
    let path = upload.path.to_str().unwrap();
    let shown = curl(["-i", "-H", "Content-MD5: none", "-T", path, &url], b"");
    assert!(shown.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{shown}");
    assert!(shown.ends_with("\r\nConnection: close\r\n\r\nmalformed Content-MD5"), "{shown}");
}

#[test]
fn length_and_digest_in_json() {
    // covers: 35.2
    let (_server, url) = serving("127.0.0.1:0");
    let shown = curl(["-H", "Accept: application/json", "-d", "abc", &url], b"");
    assert_eq!(shown, format!("{{\"length\": 3, \"md5\": \"{}\"}}", digest(b"abc")));
}

#[test]
fn http_1_0() {
    // covers: 5.1 5.5 18.3
    let (_server, url) = serving("127.0.0.1:0");
    let upload = Upload::new(content(200_000, 4));
    let path = upload.path.to_str().unwrap();
    let shown = curl(["-i", "--http1.0", "-T", path, &url], b"");
    is_exactly(&shown, Some("close"), &upload.digest());
}

#[test]
fn head_alone() {
    // covers: 24.2
    let (_server, url) = serving("127.0.0.1:0");
    // The second finds the connection as it should be.
    let shown = curl(["-I", "-w", "%{num_connects}\n", &url, &url], b"");
    let mut shown = shown.as_bytes();
    for connections in [b"1\n", b"0\n"] {
        let response = response::read(shown, Method::Head).expect("a response").expect("a head");
        has_exactly(shown, &response, None);
        let (opened, rest) = shown[response.length..].split_at(connections.len());
        assert_eq!(opened, connections);
        shown = rest;
    }
    assert_eq!(shown, b"");
}

#[test]
fn nothing_to_upload() {
    // covers: 11.2 12.1 12.2
    let (_server, url) = serving("127.0.0.1:0");
    let empty = Upload::new(Vec::new());
    let path = empty.path.to_str().unwrap();
    for arguments in [
        &["-i", &url][..],
        &["-i", "-T", path, &url],
        &["-i", "-d", "", &url],
        &["-i", "-X", "POST", &url],
    ] {
        is_exactly(&curl(arguments, b""), None, &digest(b""));
    }
}

#[test]
fn over_ipv6_and_a_unix_socket() {
    let server = Serving::everywhere(Config::default());
    let upload = Upload::new(content(70_000, 5));
    let path = upload.path.to_str().unwrap();
    for address in server.addresses() {
        let shown = match address {
            Address::Tcp(address) => curl(["-T", path, &format!("http://{address}/")], b""),
            Address::Unix(socket) => {
                let socket = socket.to_str().unwrap();
                curl(["--unix-socket", socket, "-T", path, "http://localhost/"], b"")
            }
        };
        assert_eq!(shown, upload.digest());
    }
}

#[test]
fn any_method_and_target() {
    // covers: 3.4 4.4 23.2 23.3
    let (_server, url) = serving("127.0.0.1:0");
    for method in ["GET", "DELETE", "PATCH", "TRACE", "BREW"] {
        let target = format!("{url}a/b%20c?d=e");
        assert_eq!(curl(["-X", method, "-d", "abc", &target], b""), digest(b"abc"), "{method}");
    }
    let arguments = ["-X", "OPTIONS", "--request-target", "*", "-d", "abc", &url];
    assert_eq!(curl(arguments, b""), digest(b"abc"));
}

#[test]
fn a_refusal_is_shown_whether_curl_waits_or_floods() {
    // covers: 16.5 21.4 25.3
    let limits = Limits::default().body(1 << 20);
    let config = Config::default().limits(limits);
    let server = Serving::start(config, &["127.0.0.1:0"], Checksum::default());
    let url = format!("http://{}/", server.tcp());
    let upload = Upload::new(content(32 << 20, 6));
    let path = upload.path.to_str().unwrap();
    for expect in ["Expect: 100-continue", "Expect:"] {
        let shown = curl(["-i", "-H", expect, "-T", path, &url], b"");
        assert!(shown.starts_with("HTTP/1.1 413 "), "{shown}");
        assert!(shown.contains("\r\nConnection: close\r\n"), "{shown}");
    }
    // A length that is not told is found out on the way.
    let arguments = ["-i", "-H", "Transfer-Encoding: chunked", "-H", "Expect:", "-T", path, &url];
    let shown = curl(arguments, b"");
    assert!(shown.starts_with("HTTP/1.1 413 "), "{shown}");
}
