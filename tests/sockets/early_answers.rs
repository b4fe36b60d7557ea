//! Early answers survive: whoever still sends content, or never sends what was
//! announced, reads the status, and no reset.
//!
//! Each client plays all cells of client × refusal × expectation × body.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;

use streamsum::checksum::{Checksum, Upload};
use streamsum::engine::Config;
use streamsum::handler::{Finished, Handler, Piece, Reply, Request, Verdict};
use streamsum::proto::{Limits, Response};
use testkit::client::PATIENCE;
use testkit::response::{self, Method};
use testkit::scratch::Folder;
use testkit::serving::Serving;

/// The length that is announced, and more than any system keeps under way.
const ANNOUNCED: usize = 32 << 20;
/// What is sent of it by a client that stalls: more than the limit below, and less than
/// a pipe takes.
const STALLED: usize = 32 << 10;
/// What a flood sends at least.
const FLOOD: usize = 1 << 20;
/// The limit that [`Refusal::TooLarge`] is over.
const LIMIT: u64 = 1000;

/// Answers before the content is read, unless one knows the word.
struct Guarded(Checksum);

impl Handler for Guarded {
    type Upload = Upload;

    fn begin(&mut self, request: Request<'_>) -> Verdict<Upload> {
        match request.head().fields().get("authorization") {
            Some(_) => self.0.begin(request),
            None => Verdict::Answer(Response::text(401, "say the word")),
        }
    }

    fn consume(&mut self, pieces: &mut [Piece<Upload>]) {
        self.0.consume(pieces);
    }

    fn verify(&mut self, message: &Finished<'_>, upload: &mut Upload) -> Option<Response> {
        self.0.verify(message, upload)
    }

    fn finish(&mut self, message: Finished<'_>, upload: Upload) -> Reply {
        self.0.finish(message, upload)
    }
}

// ---- the cells ----

#[derive(Clone, Copy, Debug, PartialEq)]
enum Refusal {
    Target = 400,
    /// By the handler, all others by the protocol.
    Unauthorized = 401,
    TooLarge = 413,
    Expectation = 417,
    Fields = 431,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Body {
    /// Announced, and never sent.
    Absent,
    /// Begun, and gone on with when the answer is there and not yet read.
    Stalled,
    /// Sent as fast as it goes, by a client that reads at the same time.
    Flooding,
    /// All of it is sent before anything is read.
    Whole,
}

#[derive(Clone, Copy, Debug)]
struct Cell {
    refusal: Refusal,
    /// With `Expect: 100-continue`.
    expects: bool,
    body: Body,
}

impl Cell {
    fn all() -> impl Iterator<Item = Cell> {
        use Refusal::*;
        [Target, Unauthorized, TooLarge, Expectation, Fields].into_iter().flat_map(|refusal| {
            [false, true].into_iter().flat_map(move |expects| {
                let bodies = [Body::Absent, Body::Stalled, Body::Flooding, Body::Whole];
                bodies.into_iter().map(move |body| Cell { refusal, expects, body })
            })
        })
    }

    fn target(self) -> &'static str {
        if self.refusal == Refusal::Target { "no-target" } else { "/a" }
    }

    /// The value of Expect, which may be empty.
    fn expect(self) -> &'static str {
        match (self.refusal, self.expects) {
            (Refusal::Expectation, true) => "100-continue, a-miracle",
            (Refusal::Expectation, false) => "a-miracle",
            (_, true) => "100-continue",
            (_, false) => "",
        }
    }

    /// The fields, but for Host, Expect and the framing.
    fn fields(self) -> Vec<String> {
        match self.refusal {
            Refusal::Unauthorized => Vec::new(),
            Refusal::Fields => (0..100).map(|number| format!("x-{number}: y")).collect(),
            _ => vec!["Authorization: the word".into()],
        }
    }

    /// All fields but Host, for clients that send what they are told.
    fn all_fields(self) -> Vec<String> {
        let mut fields = self.fields();
        fields.push(format!("Content-Length: {ANNOUNCED}"));
        if !self.expect().is_empty() {
            fields.push(format!("Expect: {}", self.expect()));
        }
        fields
    }
}

/// Two servers for all refusals, as content can't be too large and refused otherwise.
struct Servers {
    limited: Serving<Guarded>,
    unlimited: Serving<Guarded>,
}

impl Servers {
    fn start() -> Self {
        let [limited, unlimited] = [Some(LIMIT), None].map(|body| {
            let limits = Limits::default().body(body);
            let config = Config::default().limits(limits);
            Serving::start(config, &["127.0.0.1:0"], Guarded(Checksum::default()))
        });
        Self { limited, unlimited }
    }

    fn address(&self, cell: Cell) -> SocketAddr {
        match cell.refusal {
            Refusal::TooLarge => self.limited.tcp(),
            _ => self.unlimited.tcp(),
        }
    }
}

/// Plays all cells with one client, which gives the status or what went wrong.
fn assert_all_survive(mut play: impl FnMut(SocketAddr, Cell) -> Result<String, String>) {
    let servers = Servers::start();
    let mut wrong = Vec::new();
    for cell in Cell::all() {
        let status = (cell.refusal as u16).to_string();
        match play(servers.address(cell), cell) {
            Ok(seen) if seen == status => {}
            seen => wrong.push(format!("{cell:?}: {seen:?}")),
        }
    }
    assert!(wrong.is_empty(), "{} answers are lost:\n{}", wrong.len(), wrong.join("\n"));
}

// ---- a socket ----

fn over_a_socket(address: SocketAddr, cell: Cell) -> io::Result<String> {
    let mut socket = TcpStream::connect(address)?;
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    let head = format!(
        "PUT {} HTTP/1.1\r\nHost: x\r\n{}\r\n\r\n",
        cell.target(),
        cell.all_fields().join("\r\n")
    );
    socket.write_all(head.as_bytes())?;
    let mut answer = Vec::new();
    match cell.body {
        Body::Absent => {
            socket.read_to_end(&mut answer)?;
        }
        Body::Stalled => {
            let part = [b'x'; STALLED / 4];
            socket.write_all(&part)?;
            socket.peek(&mut [0])?;
            // Of a reset only the call after the one that met it would tell.
            for _ in 0..3 {
                socket.write_all(&part)?;
            }
            socket.read_to_end(&mut answer)?;
        }
        Body::Flooding => {
            let writing = socket.try_clone()?;
            let (tell, told) = mpsc::channel();
            let flood = std::thread::spawn(move || flood(writing, &tell));
            let end = socket.read_to_end(&mut answer);
            let sent = told.recv_timeout(PATIENCE).expect("it sends, or fails to");
            // It may be closed already, if it was reset.
            let _ = socket.shutdown(Shutdown::Both);
            flood.join().expect("it only writes");
            end?;
            sent?;
        }
        Body::Whole => {
            let part = [b'x'; 1 << 16];
            for _ in 0..ANNOUNCED / part.len() {
                socket.write_all(&part)?;
            }
            socket.read_to_end(&mut answer)?;
        }
    }
    // No interim response came before.
    let response = response::read(&answer, Method::Other).map_err(io::Error::other)?;
    Ok(response.map_or_else(String::new, |response| response.status.to_string()))
}

/// Writes until the other half has seen enough, and tells whether the server took a flood.
fn flood(mut writing: TcpStream, tell: &mpsc::Sender<io::Result<()>>) {
    let part = [b'x'; 1 << 16];
    let taken = (0..FLOOD / part.len()).try_for_each(|_| writing.write_all(&part));
    // Nobody listens where the test has failed.
    let _ = tell.send(taken);
    while writing.write_all(&part).is_ok() {}
}

#[test]
fn early_answers_survive_over_a_socket() {
    // covers: 16.5 21.1 21.3
    assert_all_survive(|address, cell| {
        over_a_socket(address, cell).map_err(|error| error.to_string())
    });
}

// ---- curl ----

/// `upload` is a file to flood a server with.
fn with_curl(address: SocketAddr, cell: Cell, upload: &Path) -> Result<String, String> {
    let mut command = Command::new("curl");
    // Nobody's settings, and no proxy between; nothing is shown but the status.
    command.args(["-q", "-sS", "-g", "--noproxy", "*", "-o", "/dev/null", "-w", "%{http_code}"]);
    // With --max-time curl would wait for its standard input and nothing else.
    command.args(["--speed-limit", "1", "--speed-time", "60"]);
    command.args(["-X", "PUT", "--request-target", cell.target()]);
    for field in cell.fields() {
        command.args(["-H", &field]);
    }
    command.args(["-H", &format!("Expect: {}", cell.expect())]);
    match cell.body {
        Body::Absent => command.args(["-H", &format!("Content-Length: {ANNOUNCED}")]),
        // Standard input in chunks; curl goes on reading while it waits for more.
        Body::Stalled => command.args(["-T", "."]),
        // It looks for the answer while it sends.
        Body::Flooding | Body::Whole => command.arg("-T").arg(upload),
    };
    command.arg(format!("http://{address}/"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("these tests drive curl, which is to be in PATH");
    let mut input = child.stdin.take().expect("a pipe");
    if cell.body == Body::Stalled {
        match input.write_all(&[b'x'; STALLED]) {
            // It had its answer before.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
            written => written.expect("room in a pipe"),
        }
    }
    let output = child.wait_with_output().expect("curl ends");
    drop(input);
    let [shown, errors] =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).trim().to_owned());
    if output.status.success() { Ok(shown) } else { Err(errors) }
}

#[test]
fn early_answers_survive_with_curl() {
    // covers: 16.5 21.3
    let folder = Folder::make();
    let upload = folder.file("upload", &vec![b'x'; ANNOUNCED]);
    assert_all_survive(|address, cell| with_curl(address, cell, &upload));
}

// ---- Python ----

#[test]
fn early_answers_survive_with_python() {
    // covers: 21.1 21.3
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sockets/early_answers/client.py");
    let mut command = Command::new("python3");
    command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            println!("skipped: there is no python3");
            return;
        }
        Err(error) => panic!("python3 does not run: {error}"),
    };
    let mut cells = child.stdin.take().expect("a pipe");
    let mut results = io::BufReader::new(child.stdout.take().expect("a pipe"));
    assert_all_survive(|address, cell| {
        assert_eq!(address.ip(), Ipv4Addr::LOCALHOST, "what the script connects to");
        // How much is sent before anything is looked at, and how much when the answer is there.
        let (before, behind) = match cell.body {
            Body::Absent => (0, 0),
            Body::Stalled => (STALLED, STALLED),
            Body::Flooding => (ANNOUNCED / 2, ANNOUNCED / 2),
            Body::Whole => (ANNOUNCED, 0),
        };
        let fields = cell.all_fields().join("\t");
        let (port, target) = (address.port(), cell.target());
        writeln!(cells, "{port}\t{before}\t{behind}\t{target}\t{fields}").expect("it reads");
        let mut result = String::new();
        io::BufRead::read_line(&mut results, &mut result).expect("a line");
        Ok(result.trim().to_owned())
    });
    drop(cells);
    assert!(child.wait().expect("its status").success());
}
