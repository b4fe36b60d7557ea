//! The binary, driven as its users do: options, addresses, standard streams.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Instant;

use testkit::binary::{ABC, PUT_ABC, Running, begin_upload, connect, exchange, lines, rest, text};

use testkit::client::PATIENCE;
use testkit::content::EMPTY;
use testkit::response::{Method, read_all};
use testkit::scratch::Folder;

use crate::STREAMSUM;

/// Runs it to its end.
fn run(arguments: &[&str]) -> Output {
    STREAMSUM.command(arguments).output().expect("it runs")
}

// covers: 32.3
#[test]
fn help_and_version_go_to_standard_output() {
    for (options, start) in [
        (["--help", "-h"], "streamsum "),
        (["--version", "-V"], concat!("streamsum ", env!("CARGO_PKG_VERSION"), "\n")),
    ] {
        let [long, short] = options.map(|option| run(&[option]));
        assert_eq!((long.status.code(), text(&long.stderr)), (Some(0), ""));
        assert!(text(&long.stdout).starts_with(start));
        assert_eq!(long, short);
    }
}

// covers: 32.2
#[test]
fn usage_errors_name_what_is_wrong() {
    let wrong = |command: &mut Command, what: &str| {
        let output = command.output().expect("it runs");
        let line = text(&output.stderr);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""), "{line}");
        assert_eq!(line.lines().count(), 1, "{line}");
        assert!(line.contains(what), "{line} names {what}");
    };
    wrong(&mut STREAMSUM.command(&["--max-bdy", "8MiB"]), "\"--max-bdy\", perhaps --max-body;");
    wrong(&mut STREAMSUM.command(&["-q"]), "-q");
    wrong(&mut STREAMSUM.command(&["here"]), "here");
    wrong(&mut STREAMSUM.command(&["--max-body"]), "--max-body");
    wrong(&mut STREAMSUM.command(&["--listen", "here"]), "--listen: \"here\"");
    let variable = "STREAMSUM_MAX_BODY";
    wrong(STREAMSUM.command(&[]).env(variable, "8Mx"), "STREAMSUM_MAX_BODY: \"8Mx\"");
}

// covers: 30.2 30.3
#[test]
fn limits_of_nothing_and_hasty_deadlines_are_usage_errors() {
    for (option, value) in [
        ("--connections", "0"),
        ("--max-head", "0"),
        ("--rate-grace", "0"),
        ("--idle-timeout", "1ms"),
    ] {
        let output = run(&[option, value]);
        assert_eq!(output.status.code(), Some(2), "{option} {value}");
        assert!(text(&output.stderr).contains(option));
    }
}

// covers: 30.1
#[test]
fn zero_turns_off() {
    let (_running, address) = STREAMSUM.local(&[
        "--max-body=0",
        "--max-requests=0",
        "--min-rate=0",
        "--head-timeout=0",
        "--idle-timeout=0",
        "--body-timeout=0",
        "--write-timeout=0",
        "--drain-timeout=0",
    ]);
    assert!(exchange(connect(&address), PUT_ABC).ends_with(ABC));
}

// covers: 32.1
#[test]
fn an_address_in_use_is_told() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    let output = run(&["--listen", &address]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), ""));
    let line = text(&output.stderr);
    assert!(line.contains(&format!("cannot listen on {address}: ")), "{line}");
    assert_eq!(line.lines().count(), 1, "{line}");
}

#[test]
fn several_addresses_from_the_environment() {
    let folder = Folder::make();
    let socket = folder.place("sock");
    let listen = format!("127.0.0.1:0,unix:{}", socket.display());
    let mut command = STREAMSUM.command(&[]);
    let running = Running::spawn(command.env("STREAMSUM_LISTEN", listen).stderr(Stdio::piped()));
    let tcp = running.address();
    assert!(tcp.starts_with("127.0.0.1:") && !tcp.ends_with(":0"), "{tcp}");
    assert_eq!(running.address(), format!("unix:{}", socket.display()));
    assert!(exchange(connect(&tcp), PUT_ABC).ends_with(ABC));
    assert!(running.line().starts_with("127.0.0.1:"));
    let stream = UnixStream::connect(&socket).expect("a connection");
    assert!(exchange(stream, PUT_ABC).ends_with(ABC));
    assert!(running.line().starts_with("unix PUT /a 200 3 "));
    running.signal("TERM");
    assert_eq!(running.end().0, Some(0));
    assert!(!socket.exists());
}

#[test]
fn all_interfaces_are_both_families() {
    let running = STREAMSUM.start(&["--listen", ":0"]);
    let address = running.address();
    let (host, port) = address.rsplit_once(':').expect("a port");
    assert!(exchange(connect(&format!("127.0.0.1:{port}")), PUT_ABC).ends_with(ABC));
    if host == "[::]" {
        assert!(exchange(connect(&format!("[::1]:{port}")), PUT_ABC).ends_with(ABC));
    }
    // A peer over IPv4 is shown as such.
    assert!(running.line().starts_with("127.0.0.1:"));
}

/// Browsers and curl try both addresses, whatever the host's own table says (RFC 6761
/// section 6.3).
#[test]
fn localhost_is_both_loopback_addresses() {
    let running = STREAMSUM.start(&["--listen", "localhost:0"]);
    let mut expected = vec!["127.0.0.1"];
    if TcpListener::bind("[::1]:0").is_ok() {
        expected.push("[::1]");
    }
    for host in expected {
        let address = running.address();
        assert_eq!(address.rsplit_once(':').expect("a port").0, host);
        assert!(exchange(connect(&address), PUT_ABC).ends_with(ABC));
    }
}

// covers: 32.6
#[test]
fn an_unknown_variable_is_warned_of_and_a_known_one_named() {
    let mut command = STREAMSUM.command(&["--listen", "127.0.0.1:0"]);
    // Some orchestrators set the last of these for a service of that name.
    command.env("STREAMSUM_MAX_BDY", "1").env("STREAMSUM_", "").env("STREAMSUM_XYLOPHONE", "1");
    command.env("STREAMSUM_PORT", "tcp://10.0.0.1:80").env("STREAMSUM_SERVICE_HOST", "10.0.0.1");
    let running = Running::spawn(command.stderr(Stdio::piped()));
    let address = running.address();
    let mut lines = [running.line(), running.line()];
    lines.sort();
    assert_eq!(
        lines,
        [
            "streamsum: unknown variable \"STREAMSUM_MAX_BDY\", perhaps STREAMSUM_MAX_BODY",
            "streamsum: unknown variable \"STREAMSUM_XYLOPHONE\"",
        ]
    );
    assert!(exchange(connect(&address), PUT_ABC).ends_with(ABC));
    assert!(running.line().starts_with("127.0.0.1:"));
}

/// A stream whose reader is gone.
fn closed() -> Stdio {
    let (_, writer) = io::pipe().expect("a pipe");
    writer.into()
}

// covers: 32.4
#[test]
fn a_closed_standard_output_is_harmless() {
    let status = STREAMSUM.command(&["--help"]).stdout(closed()).status().expect("it runs");
    assert_eq!(status.code(), Some(0));

    let folder = Folder::make();
    let socket = folder.place("sock");
    let listen = format!("unix:{}", socket.display());
    let child = STREAMSUM.command(&["--listen", &listen]).stdout(closed()).stderr(closed()).spawn();
    let (stdout, stderr) = (channel().1, channel().1);
    let running = Running { child: child.expect("it starts"), stdout, stderr };
    // No event tells from outside when it listens.
    let begun = Instant::now();
    let stream = loop {
        match UnixStream::connect(&socket) {
            Ok(stream) => break stream,
            Err(wrong) => assert!(begun.elapsed() < PATIENCE, "{wrong}"),
        }
        thread::yield_now();
    };
    assert!(exchange(stream, PUT_ABC).ends_with(ABC));
    // Nor can its access line be written; it serves on, and ends as ever.
    assert!(exchange(UnixStream::connect(&socket).expect("again"), PUT_ABC).ends_with(ABC));
    running.signal("TERM");
    assert_eq!(running.end().0, Some(0));
}

#[test]
fn access_lines_tell_the_digest_or_the_reason() {
    let (running, address) = STREAMSUM.local(&["--max-body", "8B"]);
    let stream = connect(&address);
    let peer = stream.local_addr().expect("an address");
    exchange(stream, PUT_ABC);
    let line = running.line();
    let columns: Vec<_> = line.split(' ').collect();
    assert_eq!(columns[..5], [&peer.to_string(), "PUT", "/a", "200", "3"]);
    assert!(columns[5].ends_with("ms"));
    assert_eq!(columns[6..], [ABC]);

    let long = b"PUT /long HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n";
    assert!(exchange(connect(&address), long).starts_with("HTTP/1.1 413 "));
    let line = running.line();
    assert!(line.contains(" PUT /long 413 0 "), "{line}");
    assert!(line.ends_with("ms the content is too large"), "{line}");

    // A client that leaves is told apart.
    drop(begin_upload(&address));
    let line = running.line();
    assert!(line.contains(" PUT /big "), "{line}");
}

// covers: 18.11 19.2
#[test]
fn requests_of_a_connection_are_limited_if_so_set() {
    const PUT: &[u8] = b"PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
    let (running, address) = STREAMSUM.local(&["--max-requests", "2"]);
    let answers = exchange(connect(&address), &PUT.repeat(4));
    let (read, rest) = read_all(answers.as_bytes(), |_| Method::Other).expect("only responses");
    let read: Vec<_> =
        read.iter().map(|one| (one.response.closes(), one.response.content)).collect();
    assert_eq!((read, rest), (vec![(false, ABC.as_bytes()), (true, ABC.as_bytes())], 0));
    // The access log tells of them as of any others, and of no more.
    running.signal("TERM");
    let (status, mut lines) = running.end();
    lines.retain(|line| !line.starts_with("streamsum: "));
    assert_eq!((status, lines.len()), (Some(0), 2), "{lines:?}");
    let is_plain = |line: &String| line.contains(" PUT /a 200 3 ") && line.ends_with(ABC);
    assert!(lines.iter().all(is_plain), "{lines:?}");
}

#[test]
fn nothing_in_a_target_can_forge_a_line() {
    let (running, address) = STREAMSUM.local(&[]);
    let request = b"GET /\"'`\\\xe2\x80\xae\xc2\x9b HTTP/1.0\r\n\r\n";
    assert!(exchange(connect(&address), request).ends_with(EMPTY));
    let line = running.line();
    assert!(line.contains(r" GET /\x22\x27\x60\x5c\xe2\x80\xae\xc2\x9b 200 0 "), "{line}");

    for request in [&b"GET /\x1b[2J\x07 HTTP/1.1\r\n\r\n"[..], b"GET /a\n1.2.3.4:5 HTTP/1.1\r\n"] {
        assert!(exchange(connect(&address), request).starts_with("HTTP/1.1 400 "));
        let line = running.line();
        assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line:?}");
        assert!(line.starts_with("127.0.0.1:"), "{line}");
    }
    running.signal("TERM");
    let (_, left) = running.end();
    assert!(left.iter().all(|line| line.starts_with("streamsum: ")), "{left:?}");
}

// covers: 31.3
#[test]
fn the_access_log_can_be_off() {
    let (running, address) = STREAMSUM.local(&["--access-log", "off"]);
    assert!(exchange(connect(&address), PUT_ABC).ends_with(ABC));
    running.signal("TERM");
    let (status, left) = running.end();
    assert_eq!(status, Some(0));
    assert!(left.iter().all(|line| line.starts_with("streamsum: ")), "{left:?}");
}

// covers: 31.1 31.2
#[test]
fn nobody_has_to_read_the_access_log() {
    const REQUESTS: usize = 20_000;
    let mut command = STREAMSUM.command(&["--listen", "127.0.0.1:0"]);
    let (reader, writer) = io::pipe().expect("a pipe");
    let mut running = Running::spawn(command.stderr(writer));
    // The only other end is the server's, so that its end is the end of the stream.
    drop(command);
    let address = running.address();

    let target = "a".repeat(255);
    let mut stream = connect(&address);
    let mut writer = stream.try_clone().expect("a second handle");
    let sender = thread::spawn(move || {
        let request = format!("GET /{target} HTTP/1.1\r\nHost: x\r\n\r\n");
        for _ in 0..REQUESTS {
            writer.write_all(request.as_bytes()).expect("it reads");
        }
        writer.shutdown(std::net::Shutdown::Write).expect("an end");
    });
    let mut answers = String::new();
    stream.read_to_string(&mut answers).expect("answers");
    sender.join().expect("it sends");
    assert_eq!(answers.matches(EMPTY).count(), REQUESTS);

    running.stderr = lines(Some(reader));
    running.signal("TERM");
    let (status, left) = running.end();
    assert_eq!(status, Some(0));
    let lost = left.iter().filter_map(|line| line.strip_prefix("streamsum: lines lost"));
    let lost = lost.filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok());
    let lost: usize = lost.sum();
    let written = left.iter().filter(|line| line.contains(" GET /aaa")).count();
    assert!(lost > 0, "the log had room for all");
    assert_eq!(written + lost, REQUESTS);
}

// covers: 26.1 31.4
#[test]
fn a_deadline_that_was_set_counts() {
    let (running, address) = STREAMSUM.local(&["--head-timeout", "1s"]);
    let answer = exchange(connect(&address), b"GET / HTTP/1.1\r\n");
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    let line = running.line();
    let (_, numbers) = line.split_once("the head did not arrive in time: ").expect("a reason");
    assert!(numbers.starts_with("16 bytes in ") && numbers.ends_with("s, not all within 1.0s"));
    assert_eq!(rest(connect(&address)), "", "who says nothing is told nothing");
}

// covers: 28.3
#[test]
fn a_burst_of_connections_waits_in_the_backlog() {
    // More than the usual backlog of 128, and no more than a test may have open.
    const BURST: usize = 400;
    let most = fs::read_to_string("/proc/sys/net/core/somaxconn");
    if most.ok().and_then(|most| most.trim().parse().ok()).is_none_or(|most: usize| most < BURST) {
        return;
    }
    let (running, address) = STREAMSUM.local(&[]);
    running.signal("STOP");
    let address = address.parse().expect("an address");
    // Nobody accepts, so that what does not fit is never connected.
    let burst = (0..BURST).map(|_| TcpStream::connect_timeout(&address, PATIENCE / 4));
    let mut burst: Vec<_> = burst.collect::<Result<_, _>>().expect("connections");
    running.signal("CONT");
    for stream in &mut burst {
        stream.write_all(PUT_ABC).expect("it reads");
    }
    assert!(burst.into_iter().all(|stream| rest(stream).ends_with(ABC)));
}
