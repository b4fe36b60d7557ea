//! The binary as a process, whose standard streams can be waited for.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;

use crate::client::PATIENCE;

/// The digest of `abc`.
pub const ABC: &str = "900150983cd24fb0d6963f7d28e17f72";

/// The binary as a file. Cargo says where it is to the tests of its own package alone.
#[derive(Clone, Copy, Debug)]
pub struct Binary {
    /// Where it is.
    pub path: &'static str,
}

impl Binary {
    /// To be run with nothing in its environment, and nothing to read.
    pub fn command(self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.path);
        command.env_clear().args(arguments).stdin(Stdio::null());
        command
    }

    /// Starts it; both of its output streams are read.
    pub fn start(self, arguments: &[&str]) -> Running {
        Running::spawn(self.command(arguments).stderr(Stdio::piped()))
    }

    /// On a free port of the loopback interface.
    pub fn local(self, arguments: &[&str]) -> (Running, String) {
        let running = self.start(&[&["--listen", "127.0.0.1:0"], arguments].concat());
        let address = running.address();
        (running, address)
    }
}

/// A server that runs; it is killed in the end, if it still does.
pub struct Running {
    /// The process.
    pub child: Child,
    /// Its standard output, line by line.
    pub stdout: Receiver<String>,
    /// Its standard error likewise, if it is piped.
    pub stderr: Receiver<String>,
}

impl Running {
    /// Standard error is up to the caller.
    pub fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
        let stdout = lines(child.stdout.take());
        let stderr = lines(child.stderr.take());
        Self { child, stdout, stderr }
    }

    /// Where it says it listens, next.
    pub fn address(&self) -> String {
        let line = self.stdout.recv_timeout(PATIENCE).expect("an announcement");
        let (_, rest) = line.split_once(" listens on ").expect("an address");
        let (address, curl) = rest.split_once("; try: ").expect("a hint");
        assert!(curl.starts_with("curl -T FILE "), "{line}");
        address.into()
    }

    /// The next line on standard error, without its time.
    pub fn line(&self) -> String {
        without_time(&self.stderr.recv_timeout(PATIENCE).expect("a line")).into()
    }

    /// Sends a signal by its name without `SIG`.
    pub fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        let done = Command::new("sh").args(["-c", &kill]).status().expect("a shell");
        assert!(done.success(), "{kill}");
    }

    /// Waits for its end, and gives its status and the lines, without their times, that were
    /// left on standard error.
    pub fn end(mut self) -> (Option<i32>, Vec<String>) {
        let mut left = Vec::new();
        // Its end closes the streams.
        for (stream, lines) in [(&self.stderr, &mut left), (&self.stdout, &mut Vec::new())] {
            loop {
                match stream.recv_timeout(PATIENCE) {
                    Ok(line) => lines.push(without_time(&line).into()),
                    Err(RecvTimeoutError::Disconnected) => break,
                    Err(RecvTimeoutError::Timeout) => panic!("it does not end"),
                }
            }
        }
        (self.child.wait().expect("its status").code(), left)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A line of the binary without the time at its start. What it says before it listens has
/// none.
fn without_time(line: &str) -> &str {
    const SHAPE: &[u8] = b"0000-00-00T00:00:00.000Z ";
    let fits = |(byte, shape): (u8, &u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        _ => byte == *shape,
    };
    let is_time = line.len() >= SHAPE.len() && line.bytes().zip(SHAPE).all(fits);
    if is_time { &line[SHAPE.len()..] } else { line }
}

/// The lines of a stream, read by a thread so that one can wait for them with a limit.
pub fn lines(stream: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (sender, receiver) = channel();
    if let Some(stream) = stream {
        thread::spawn(move || {
            let lines = BufReader::new(stream).lines().map_while(Result::ok);
            lines.map(|line| sender.send(line)).take_while(Result::is_ok).count()
        });
    }
    receiver
}

/// A connection to a TCP address as it was announced.
pub fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// Sends all of `request`, and reads until the server closes.
pub fn exchange(mut stream: impl Read + Write, request: &[u8]) -> String {
    stream.write_all(request).expect("it reads");
    rest(stream)
}

/// Reads until the server closes.
pub fn rest(mut stream: impl Read) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

/// A whole request, the last of its connection. Its content has the digest [`ABC`].
pub const PUT_ABC: &[u8] = b"PUT /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
                         Content-Length: 3\r\n\r\nabc";

/// Bytes that have to be text.
pub fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

/// Reads until `end` has come, and no further.
pub fn read_until(stream: &mut impl Read, end: &str) -> String {
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(end.as_bytes()) {
        // Unlike `read`, it goes on when a signal interrupts it.
        stream.read_exact(&mut byte).unwrap_or_else(|wrong| panic!("{wrong}: {}", text(&answer)));
        answer.extend(byte);
    }
    text(&answer).into()
}

/// An upload of `abc` of which the server has the head, and was told `a`.
pub fn begin_upload(address: &str) -> TcpStream {
    let mut upload = connect(address);
    let head = b"PUT /big HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";
    upload.write_all(head).expect("it reads");
    read_until(&mut upload, "100 Continue\r\n\r\n");
    upload.write_all(b"a").expect("it reads");
    upload
}
