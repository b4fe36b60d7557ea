//! The tools that need no minute, in small, against servers in this process: one that does
//! its work, and one that does not.

use std::process::{self, Command, Output, Stdio};

use streamsum::checksum::Checksum;
use streamsum::engine::Config;
use streamsum::handler::{Finished, Handler, Piece, Reply, Request, Verdict};
use streamsum::proto::Response;
use streamsum::thread::spawn;
use testkit::content::digest;

const UPLOAD: &str = env!("CARGO_BIN_EXE_upload");
const BURST: &str = env!("CARGO_BIN_EXE_burst");
const HOLD: &str = env!("CARGO_BIN_EXE_hold");

/// Answers everything with the digest of something else.
struct Liar;

impl Handler for Liar {
    type Upload = ();

    fn begin(&mut self, _: Request<'_>) -> Verdict<()> {
        Verdict::Take(())
    }

    fn consume(&mut self, _: &mut [Piece<()>]) {}

    fn finish(&mut self, _: Finished<'_>, (): ()) -> Reply {
        Reply::Now(Response::text(200, digest(b"something else")))
    }
}

/// Lets a tool load a server of this handler.
fn load<H>(handler: H, tool: &str, arguments: &[&str]) -> Output
where
    H: Handler + Send + 'static,
    H::Upload: Send + 'static,
{
    let server = spawn("127.0.0.1:0", Config::default(), handler).unwrap();
    let mut command = Command::new(tool);
    command.arg(server.address().to_string()).args(arguments);
    command.stdin(Stdio::null()).output().unwrap()
}

/// What a tool says of a server that does its work.
fn said(tool: &str, arguments: &[&str]) -> String {
    let output = load(Checksum::default(), tool, arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{tool} {arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn uploads_are_answered() {
    for length in ["0", "1", "200000"] {
        let said = said(UPLOAD, &["5", length]);
        assert!(said.starts_with(&format!("5 uploads of {length} bytes: ")), "{said}");
        assert!(said.ends_with(", 0 failed\n"), "{said}");
    }
}

#[test]
fn a_burst_is_answered() {
    let said = said(BURST, &["60", "2"]);
    assert_eq!(said.lines().filter(|line| line.starts_with("60 opened in ")).count(), 2, "{said}");
    assert!(said.lines().last().unwrap().starts_with("60 connections at once: "), "{said}");
}

#[test]
fn connections_are_held() {
    let id = process::id().to_string();
    for kind in ["idle", "upload"] {
        let said = said(HOLD, &["100", kind, "--pid", &id]);
        let mut lines = said.lines();
        assert_eq!(lines.next(), Some("holding 100 connections"));
        assert!(lines.next().unwrap().ends_with(" bytes a connection"), "{said}");
    }
}

#[test]
fn a_server_that_answers_something_else_is_found_out() {
    for (tool, arguments) in [(UPLOAD, ["3", "10"]), (BURST, ["3", "1"]), (HOLD, ["3", "idle"])] {
        let output = load(Liar, tool, &arguments);
        assert_eq!(output.status.code(), Some(1), "{tool}");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(errors.contains(&digest(b"something else")), "{tool}: {errors}");
    }
}
