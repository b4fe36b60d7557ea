//! The examples, run as they are built, by somebody who talks to them.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use testkit::client::{Address, Client, PATIENCE, put, put_chunked};
use testkit::content::{content, digest};
use testkit::response::{Method, read_all};
use testkit::scratch::Folder;

/// Where it was built.
fn program(name: &str) -> PathBuf {
    let built = env::current_exe().expect("the test's own path");
    let built = built.parent().and_then(Path::parent).expect("a target folder");
    let program = built.join("examples").join(name);
    assert!(
        program.exists(),
        "{name} is not built: `cargo test` without a filter, or `cargo build --examples`"
    );
    program
}

/// An example that runs; it is killed in the end.
struct Example {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Example {
    fn start(name: &str, arguments: &[&str]) -> Self {
        Self::start_by(Command::new(program(name)).args(arguments))
    }

    fn start_by(command: &mut Command) -> Self {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it starts");
        let stdout = BufReader::new(child.stdout.take().expect("its standard output"));
        Self { child, stdout }
    }

    /// Where it says it listens, next.
    fn address(&mut self) -> Address {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("a line");
        let address = line.trim_end().strip_prefix("listening on ").expect("an address");
        let address = address.split(',').next().unwrap_or_default();
        Address::Tcp(address.parse().expect("an address"))
    }

    /// On a free port.
    fn local(name: &str, arguments: &[&str]) -> (Self, Address) {
        let mut example = Self::start(name, &[&["127.0.0.1:0"], arguments].concat());
        let address = example.address();
        (example, address)
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn request(line: &str, fields: &str, content: &str) -> Vec<u8> {
    let length = content.len();
    format!("{line} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n{fields}\r\n{content}")
        .into_bytes()
}

/// Uploads by length and in chunks, one after the other on one connection.
fn hashes(client: &mut Client) {
    for length in [0, 1, 3_000, 200_000] {
        let content = content(length, 7);
        client.exchange(&put(&content)).is_digest_of(&content);
        client.exchange(&put_chunked(&content, &[1, 5_000])).is_digest_of(&content);
    }
}

#[test]
fn serve() {
    let (_running, address) = Example::local("serve", &[]);
    hashes(&mut address.connect());
}

#[test]
fn beside_a_timer() {
    let (mut running, address) = Example::local("beside_a_timer", &[]);
    let Address::Tcp(echo) = running.address() else { unreachable!("it is an IP address") };
    hashes(&mut address.connect());
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    socket.set_read_timeout(Some(PATIENCE)).expect("a socket");
    socket.send_to(b"abc", echo).expect("room");
    let mut datagram = [0; 9];
    assert_eq!(socket.recv(&mut datagram).ok(), Some(3), "it comes back");
    assert_eq!(&datagram[..3], b"abc");
    // The timer ticks in the same loop.
    let mut ticks = (&mut running.stdout).lines().map(|line| line.expect("a line"));
    assert!(ticks.any(|line| line == "8 answers so far"));
}

#[test]
fn pass_on() {
    let config = streamsum::Config::default();
    let origin =
        streamsum::spawn("127.0.0.1:0", config, streamsum::Checksum::new()).expect("a port");
    let url = format!("http://{}", origin.address());
    let (_running, address) = Example::local("pass_on", &[&url]);
    hashes(&mut address.connect());
    assert_eq!(origin.handle().stats().requests, 8, "each went on");
    // What the origin refuses is refused.
    origin.stop();
    origin.join().expect("it ends");
    let mut client = address.connect();
    assert_eq!(client.exchange(&put(b"abc")).status, 502);
}

#[test]
fn blocking() {
    let (_running, address) = Example::local("blocking", &[]);
    let mut client = address.connect();
    hashes(&mut client);
    client.send(b"PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    assert_eq!(client.answer().status, 100);
    client.exchange(b"abc").is_digest_of(b"abc");
    let answer = client.exchange(b"PUT / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc");
    assert_eq!((answer.status, answer.content.as_str()), (400, "Host is missing"));
    client.ends();
    let mut truncated = address.connect();
    truncated.send(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nab");
    truncated.half_close();
    assert_eq!(truncated.answer().status, 400);
    truncated.ends();
}

#[test]
fn pipes() {
    let mut running = Example::start("pipes", &[]);
    let mut output = String::new();
    running.stdout.read_to_string(&mut output).expect("text");
    let (answers, rest) =
        read_all(output.as_bytes(), |_| Method::Other).expect("nothing but responses");
    let contents: Vec<&[u8]> = answers.iter().map(|answer| answer.response.content).collect();
    let digests = [digest(b"abc"), digest(b"a")];
    assert_eq!(contents, [digests[0].as_bytes(), digests[1].as_bytes(), b"Host is missing"]);
    assert_eq!(rest, 0, "{output}");
}

fn names(folder: &Folder) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).expect("the folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    names.map(|name| name.to_string_lossy().into_owned()).collect()
}

#[test]
fn save() {
    let folder = Folder::make();
    let path = folder.path().to_str().expect("a path in UTF-8");
    let (_running, address) = Example::local("save", &[path]);
    let mut client = address.connect();
    let whole = content(200_000, 7);
    let answer = client.exchange(&put(&whole));
    assert_eq!((answer.status, answer.content.as_str()), (201, digest(&whole).as_str()));
    assert_eq!(names(&folder), [digest(&whole)]);
    assert_eq!(fs::read(folder.place(&digest(&whole))).expect("the file"), whole);

    let mut broken = address.connect();
    // It has been accepted, so that what it sends next is seen before what others send later.
    broken.exchange(&put(&whole));
    broken.send(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc");
    // The next answer shows that the one before has begun.
    client.exchange(&put(b""));
    assert_eq!(names(&folder).len(), 3, "{:?}", names(&folder));
    broken.half_close();
    assert_eq!(broken.answer().status, 400);
    let mut kept = names(&folder);
    kept.sort();
    let mut expected = [digest(&whole), digest(b"")];
    expected.sort();
    assert_eq!(kept, expected);
    let answer = client.exchange(&request("DELETE /a", "", ""));
    assert_eq!(answer.status, 405);
}

#[test]
fn write_behind() {
    let folder = Folder::make();
    let path = folder.path().to_str().expect("a path in UTF-8");
    let (_running, address) = Example::local("write_behind", &[path]);
    let mut client = address.connect();
    let whole = content(3_000_000, 7);
    for request in [put(&whole), put_chunked(&whole, &[1, 5_000]), put(b"")] {
        let answer = client.exchange(&request);
        assert_eq!(answer.status, 201);
        let kept = fs::read(folder.place(&answer.content)).expect("the file");
        assert_eq!(answer.content, digest(&kept));
    }
    let mut broken = address.connect();
    broken.send(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n");
    broken.send(&whole);
    broken.half_close();
    assert_eq!(broken.answer().status, 400);
    // What the next answer waits for comes behind the end of the broken upload.
    assert_eq!(client.exchange(&put(b"")).status, 201);
    let mut kept = names(&folder);
    kept.sort();
    let mut expected = [digest(&whole), digest(b"")];
    expected.sort();
    assert_eq!(kept, expected);
}

/// Whether more of it is to come, or it was all that there is: then it is too late not to finish.
#[test]
fn write_behind_refuses_at_once_what_it_cannot_write() {
    let folder = Folder::make();
    let (mut running, address) = limited("write_behind", &folder);
    for (declared, length) in [(999_999_999, 200_000), (9_000, 9_000)] {
        let mut client = address.connect();
        let head = format!("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: {declared}\r\n\r\n");
        client.send(&[head.as_bytes(), &content(length, 7)].concat());
        let answer = client.answer();
        assert_eq!((answer.status, answer.content.as_str()), (507, "it could not be written"));
    }
    let small = address.connect().exchange(&put(b"abc"));
    assert_eq!((small.status, small.content), (201, digest(b"abc")));
    assert_eq!(names(&folder), [digest(b"abc")], "what was written is removed");
    assert!(running.child.try_wait().expect("its state").is_none());
}

/// An example whose files may have 8 blocks of 512 bytes, or of 1,024: this stands for a disk
/// that is full.
fn limited(name: &str, folder: &Folder) -> (Example, Address) {
    let limit = "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", limit]).arg(program(name)).arg("127.0.0.1:0").arg(folder.path());
    // Which may be a file that is longer by now.
    command.stderr(Stdio::null());
    let mut running = Example::start_by(&mut command);
    let address = running.address();
    (running, address)
}

#[test]
fn save_refuses_at_once_what_it_cannot_write() {
    let folder = Folder::make();
    let (_running, address) = limited("save", &folder);
    let mut client = address.connect();
    client.send(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n");
    // The rest of it never comes.
    client.send(&content(200_000, 7));
    let answer = client.answer();
    assert_eq!((answer.status, answer.content.as_str()), (507, "there is no room for it"));
    client.ends();
    assert_eq!(names(&folder), [""; 0], "what was written is removed");
    let small = address.connect().exchange(&put(b"abc"));
    assert_eq!((small.status, small.content), (201, digest(b"abc")));
}

#[test]
fn token() {
    let (_running, address) = Example::local("token", &["sesame"]);
    let mut client = address.connect();
    // A scheme has no case (RFC 9110 §11.1), a token has.
    for shown in ["Authorization: Bearer sesame\r\n", "Authorization: bearer sesame\r\n"] {
        client.exchange(&request("PUT /", shown, "abc")).is_digest_of(b"abc");
    }
    let wrong = ["Bearer sesam", "Bearer sesamE", "Bearer  sesame", "Basics sesame", "Bearer"];
    let wrong = wrong.map(|value| format!("Authorization: {value}\r\n"));
    for wrong in [&[String::new()], &wrong[..]].concat() {
        let mut client = address.connect();
        let fields = format!("{wrong}Expect: 100-continue\r\n");
        let head = request("PUT /", &fields, "abc");
        // The content is not sent, as the answer comes instead of 100.
        client.send(&head[..head.len() - 3]);
        let answer = client.answer();
        assert_eq!((answer.status, answer.content.as_str()), (401, "a token is needed"));
        assert_eq!(answer.field("WWW-Authenticate"), Some("Bearer realm=\"uploads\""));
        client.ends();
    }
}

#[test]
fn digests() {
    let (_running, address) = Example::local("digests", &[]);
    let answer = address.connect().exchange(&put(b"abc"));
    let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!((answer.status, answer.content.as_str()), (200, expected));
}

#[test]
fn by_path() {
    let (_running, address) = Example::local("by_path", &[]);
    let mut client = address.connect();
    for (path, content) in [("PUT /a", "abc"), ("POST /b?x=1", "12345"), ("PUT /a", "")] {
        client.exchange(&request(path, "", content)).is_digest_of(content.as_bytes());
    }
    let answer = client.exchange(&request("GET /counts", "", ""));
    assert_eq!(answer.content, "/a 2 uploads, 3 bytes\n/b 1 uploads, 5 bytes\n");
    assert_eq!(client.exchange(&request("GET /", "", "")).status, 404);
}

#[test]
fn later() {
    let (_running, address) = Example::local("later", &[]);
    let mut client = address.connect();
    let answer = client.exchange(&put(b"abc"));
    let new = format!("{} is new", digest(b"abc"));
    assert_eq!((answer.status, answer.content), (201, new));
    let again = address.connect().exchange(&put(b"abc"));
    let old = format!("{} was here before", digest(b"abc"));
    assert_eq!((again.status, again.content), (200, old));
}

#[test]
fn two_servers() {
    let (mut running, hashing) = Example::local("two_servers", &[]);
    let measuring = running.address();
    let long = content(100_000, 7);
    hashing.connect().exchange(&put(&long)).is_digest_of(&long);
    let mut client = measuring.connect();
    assert_eq!(client.exchange(&put(b"abc")).content, "3");
    assert_eq!(client.exchange(&put(&[b'a'; 1024])).content, "1024");
    client.send(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1025\r\n\r\n");
    assert_eq!(client.answer().status, 413);
    hashes(&mut hashing.connect());
}
