//! The binary behind the proxies that people put before it, which run as another user and
//! reach it over a Unix socket of their group: what curl can upload gets through all of them,
//! and so does a refusal.
//!
//! `.ci/long clients` installs the proxies and runs this, as root.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Instant;

use testkit::binary::Running;
use testkit::client::PATIENCE;
use testkit::content::{content, digest};
use testkit::scratch::Folder;

use crate::STREAMSUM;

/// The user of the proxies, and their group.
const USER: &str = "www-data";
/// More than curl sends without asking first, and more than any buffer on the way holds.
const LENGTH: usize = 3 << 20;
const LIMIT: &str = "8MiB";
/// More than the limit, and more than all sockets on the way hold.
const TOO_LONG: u64 = 64 << 20;

/// A server on a Unix socket, and the files to upload.
struct Server {
    folder: Folder,
    running: Running,
}

impl Server {
    /// With these options behind the socket's path.
    fn start(options: &str) -> Self {
        let folder = Folder::make();
        let is_root = fs::metadata(folder.path()).expect("a folder").uid() == 0;
        assert!(is_root, "run this as root: the proxy is to be another user");
        folder.file("upload", &content(LENGTH, 1));
        folder.file("text", b"one line");
        let long = File::create(folder.place("long")).expect("a file");
        long.set_len(TOO_LONG).expect("its length");
        let listen = format!("unix:{}{options}", folder.place("http.sock").display());
        let running = STREAMSUM.start(&["--listen", &listen, "--max-body", LIMIT]);
        running.address();
        Self { folder, running }
    }

    fn socket(&self) -> String {
        self.folder.place("http.sock").display().to_string()
    }

    /// Asserts that some connections had several requests, by the line that SIGUSR1 asks for.
    fn has_kept_connections(&self) {
        self.running.signal("USR1");
        let mut line = self.running.line();
        while !line.starts_with("streamsum: open=") {
            line = self.running.line();
        }
        let counter = |name: &str| -> u64 {
            let mut words = line.split(' ').filter_map(|word| word.split_once('='));
            let (_, number) = words.find(|(word, _)| *word == name).expect("a counter");
            number.parse().expect("a number")
        };
        assert!(counter("connections") < counter("requests"), "{line}");
    }
}

/// A proxy that runs, and is ended in the end.
struct Proxy {
    child: Child,
}

impl Proxy {
    /// Waits until it listens on all of `ports`.
    fn start(mut command: Command, ports: &[u16]) -> Self {
        let program = format!("{command:?}");
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        let mut proxy = Self { child: child.unwrap_or_else(|error| panic!("{program}: {error}")) };
        let begun = Instant::now();
        for port in ports {
            while TcpStream::connect(("127.0.0.1", *port)).is_err() {
                let ended = proxy.child.try_wait().expect("its status");
                assert!(ended.is_none() && begun.elapsed() < PATIENCE, "{program}: {ended:?}");
                thread::yield_now();
            }
        }
        proxy
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Not killed: its workers would stay.
        let kill = format!("kill -TERM {}", self.child.id());
        let _ = Command::new("sh").args(["-c", &kill]).status();
        let _ = self.child.wait();
    }
}

/// Ports that nobody listens on: neither proxy takes port 0.
fn free_ports<const COUNT: usize>() -> [u16; COUNT] {
    let taken = [(); COUNT].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port"));
    taken.map(|listener| listener.local_addr().expect("its address").port())
}

/// A master of root, as Debian starts it, with workers of another user. Port by port: uploads
/// are passed on as they come; only when they are whole; as a configuration without a word about
/// it does, in HTTP/1.0.
fn nginx(server: &Server) -> (Proxy, [u16; 3]) {
    let ports = free_ports();
    let folder = server.folder.path().display();
    let mut http = format!(
        "upstream streamsum {{ server unix:{}; keepalive 4; }}
         client_max_body_size 0;
         access_log off;\n",
        server.socket()
    );
    for name in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        let _ = writeln!(http, "{name}_temp_path {folder}/{name};");
    }
    const KEPT: &str = "proxy_http_version 1.1; proxy_set_header Connection \"\";";
    let locations = [
        format!("{KEPT} proxy_request_buffering off;"),
        format!("{KEPT} proxy_request_buffering on;"),
        String::new(),
    ];
    for (port, location) in ports.iter().zip(locations) {
        let _ = writeln!(
            http,
            "server {{
                listen 127.0.0.1:{port};
                location / {{ proxy_pass http://streamsum; {location} }}
             }}"
        );
    }
    let configuration = format!(
        "user {USER};
         worker_processes 2;
         daemon off;
         pid {folder}/pid;
         error_log {folder}/errors;
         events {{ }}
         http {{ {http} }}"
    );
    let file = server.folder.file("nginx.conf", configuration.as_bytes());
    let mut command = Command::new("nginx");
    command.arg("-c").arg(file).arg("-e").arg(server.folder.place("errors"));
    (Proxy::start(command, &ports), ports)
}

fn haproxy(server: &Server) -> (Proxy, [u16; 1]) {
    let ports @ [port] = free_ports();
    let configuration = format!(
        "global
    user {USER}
    group {USER}
defaults
    mode http
    timeout connect 10s
    timeout client 60s
    timeout server 60s
    http-reuse always
frontend front
    bind 127.0.0.1:{port}
    default_backend back
backend back
    server streamsum unix@{}
",
        server.socket()
    );
    let file = server.folder.file("haproxy.cfg", configuration.as_bytes());
    let mut command = Command::new("haproxy");
    command.args(["-db", "-f"]).arg(file).stderr(Stdio::null());
    (Proxy::start(command, &ports), ports)
}

/// What curl shows: the content of the last answer, and its status.
fn curl(folder: &Path, arguments: &str, url: &str) -> (String, String) {
    // Nobody's settings, and no proxy but the one that is asked.
    let mut command = Command::new("curl");
    command.args(["-q", "-sS", "--noproxy", "*", "--max-time", "30", "-w", "\n%{http_code}"]);
    command.current_dir(folder).args(arguments.split_whitespace()).arg(url);
    let input = File::open(folder.join("upload")).expect("a file");
    let output = command.stdin(input).output().expect("curl");
    let shown = String::from_utf8_lossy(&output.stdout);
    let (content, status) = shown.rsplit_once('\n').expect("a status");
    let mut status = status.to_owned();
    if !output.status.success() {
        let _ = write!(status, ": {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    (content.to_owned(), status)
}

/// What an upload is to bring.
enum Expected {
    Digest(String),
    /// Of an envelope with a boundary that curl makes up.
    AnyDigest,
    NoContent,
    Refusal,
}

/// All kinds of upload on one port of a proxy; what went wrong, in words.
fn wrong_cells(server: &Server, proxy: &str, port: u16) -> Vec<String> {
    use Expected::{AnyDigest, Digest, NoContent, Refusal};

    let url = format!("http://127.0.0.1:{port}/");
    let large = digest(&content(LENGTH, 1));
    let small = digest(b"one line");
    let cells = [
        ("-T upload", Digest(large.clone())),
        ("-T -", Digest(large.clone())),
        ("-T upload -H Expect:", Digest(large.clone())),
        ("--data-binary @upload", Digest(large.clone())),
        ("-d @text", Digest(small.clone())),
        ("-F file=@upload", AnyDigest),
        ("-T text -H Expect:100-continue", Digest(small.clone())),
        ("--http1.0 -T upload", Digest(large)),
        ("--http1.0 -d @text", Digest(small)),
        ("-I", NoContent),
        ("-T long", Refusal),
        ("-T long -H Expect:", Refusal),
        ("-T long -H Expect: -H Transfer-Encoding:chunked", Refusal),
        ("--http1.0 -T long", Refusal),
        ("-d @text", Digest(digest(b"one line"))),
    ];
    let mut wrong = Vec::new();
    for (arguments, expected) in cells {
        let (shown, status) = curl(server.folder.path(), arguments, &url);
        let is_digest = || shown.len() == 32 && shown.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_right = match &expected {
            Digest(digest) => shown == *digest && status == "200",
            AnyDigest => is_digest() && status == "200",
            NoContent => shown.contains("ontent-") && status == "200",
            Refusal => shown == "the content is too large" && status == "413",
        };
        let cell = format!("{proxy}: curl {arguments}: {status}");
        println!("{cell}");
        if !is_right {
            wrong.push(format!("{cell}: {shown:?}"));
        }
    }
    wrong
}

#[test]
#[ignore = "needs nginx, and to be root: run by .ci/long clients"]
fn all_kinds_of_upload_pass_nginx() {
    let server = Server::start(&format!(",mode=0660,group={USER}"));
    let (_proxy, [passing, buffering, silent]) = nginx(&server);
    let mut wrong = wrong_cells(&server, "nginx, passing on", passing);
    wrong.extend(wrong_cells(&server, "nginx, buffering", buffering));
    server.has_kept_connections();
    wrong.extend(wrong_cells(&server, "nginx, as it comes", silent));
    let errors = fs::read_to_string(server.folder.place("errors")).expect("a file");
    assert!(wrong.is_empty(), "{wrong:#?}\n{errors}");
}

#[test]
#[ignore = "needs HAProxy, and to be root: run by .ci/long clients"]
fn all_kinds_of_upload_pass_haproxy() {
    let server = Server::start(&format!(",mode=0660,group={USER}"));
    let (_proxy, [port]) = haproxy(&server);
    let wrong = wrong_cells(&server, "HAProxy", port);
    server.has_kept_connections();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// As docs/OPERATING.md says, and why it tells of the mode.
#[test]
#[ignore = "needs nginx, and to be root: run by .ci/long clients"]
fn nginx_cannot_reach_a_socket_without_a_mode() {
    let server = Server::start("");
    let (_proxy, [port, ..]) = nginx(&server);
    let (_, status) = curl(server.folder.path(), "-d @text", &format!("http://127.0.0.1:{port}/"));
    assert_eq!(status, "502");
}
