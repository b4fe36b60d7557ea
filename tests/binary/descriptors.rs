//! The binary when it runs out of descriptors: who waits is served in the end, waiting
//! costs nothing, and it is said once.

use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use testkit::binary::{ABC, PUT_ABC, Running, begin_upload, connect, exchange, rest, text};

use crate::STREAMSUM;

/// Descriptors, soft and hard.
const LIMIT: usize = 64;
const CLIENTS: usize = 200;

/// A server that would take more connections than it has descriptors for, and gives
/// those up that say nothing for two seconds.
fn short_of_descriptors() -> (Running, String) {
    short_of_descriptors_with("")
}

fn short_of_descriptors_with(more: &str) -> (Running, String) {
    let options = "--listen 127.0.0.1:0 --connections 1000 --head-timeout 2s --access-log off";
    let script = format!("ulimit -n {LIMIT} && exec \"$0\" {options} {more}");
    let mut command = Command::new("sh");
    let running =
        Running::spawn(command.args(["-c", &script, STREAMSUM.path]).stderr(Stdio::piped()));
    let address = running.address();
    (running, address)
}

/// A server with nothing but the limits that `ulimit` sets, as the shell's builtin takes them.
fn limited(ulimit: &str) -> Command {
    let script = format!("{ulimit} && exec \"$0\" --listen 127.0.0.1:0");
    let mut command = Command::new("sh");
    command.args(["-c", &script, STREAMSUM.path]).stderr(Stdio::piped());
    command
}

/// As many uploads as that are under way together.
fn serves_at_once(ulimit: &str, count: usize) {
    let running = Running::spawn(&mut limited(ulimit));
    let address = running.address();
    let uploads: Vec<_> = (0..count).map(|_| begin_upload(&address)).collect();
    running.signal("TERM");
    for upload in uploads {
        assert!(exchange(upload, b"bc").ends_with(ABC));
    }
    assert_eq!(running.end().0, Some(0));
}

// covers: 30.4
#[test]
fn few_descriptors_serve_nearly_as_many_connections() {
    serves_at_once("ulimit -n 64", 40);
}

// covers: 30.4 30.5
#[test]
fn the_soft_limit_of_descriptors_is_raised_to_the_hard_one() {
    serves_at_once("ulimit -Sn 30 && ulimit -Hn 200", 176);
}

// covers: 30.7
#[test]
fn too_few_descriptors_for_any_server_are_told() {
    // The least are too few for the sockets of the server itself, the most for a connection,
    // even if the tests were started without descriptors beside the standard streams.
    for limit in 5..=17 {
        let output = limited(&format!("ulimit -n {limit}")).output().expect("it runs");
        let line = text(&output.stderr);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), ""), "{line}");
        let is_clear = line.starts_with("streamsum: cannot ") && line.lines().count() == 1;
        assert!(is_clear && line.contains(&format!("the limit of {limit} descriptors")), "{line}");
    }
}

fn connect_all(address: &str, count: usize) -> Vec<TcpStream> {
    (0..count).map(|_| connect(address)).collect()
}

/// Time on a processor, by the process itself and for it, in ticks of 10 ms; none where
/// the system does not tell.
fn processor_ticks(running: &Running) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", running.child.id())).ok()?;
    // What comes before is the name, which may hold anything.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut ticks = fields.split(' ').skip(11).map(|field| field.parse::<u64>().ok());
    Some(ticks.next()?? + ticks.next()??)
}

/// In the words of the C library, of which there are several.
fn cannot_accept() -> String {
    const EMFILE: i32 = 24;
    format!("streamsum: cannot accept: {}", io::Error::from_raw_os_error(EMFILE))
}

const ACCEPTING_AGAIN: &str = "streamsum: accepting again";

// covers: 28.2 28.4
#[test]
fn a_lack_of_descriptors_passes_and_is_told_once() {
    let (running, address) = short_of_descriptors();
    // Those that come first take all descriptors and say nothing.
    let mut silent = connect_all(&address, LIMIT);
    assert_eq!(running.line(), cannot_accept());
    let mut waiting = connect_all(&address, CLIENTS - LIMIT);
    for stream in &mut waiting {
        stream.write_all(PUT_ABC).expect("room in the backlog");
    }

    // The first of them is given up after some attempts to accept others, which then
    // follow in portions, with more attempts that fail.
    assert_eq!(rest(silent.remove(0)), "");
    for stream in waiting {
        assert!(rest(stream).ends_with(ABC));
    }
    assert_eq!(running.line(), ACCEPTING_AGAIN);
    drop(silent);

    running.signal("TERM");
    let (status, left) = running.end();
    assert_eq!(status, Some(0));
    assert!(left.iter().all(|line| line.starts_with("streamsum: drain")), "{left:?}");
}

/// A request behind which another may follow.
const PUT_ABC_KEPT: &[u8] = b"PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";

/// A connection that was answered and is kept open.
fn kept(address: &str) -> TcpStream {
    let mut stream = connect(address);
    stream.write_all(PUT_ABC_KEPT).expect("room in the backlog");
    answered(&mut stream);
    stream
}

/// Waits for an answer, and leaves the connection open.
fn answered(stream: &mut TcpStream) {
    let mut answer = Vec::new();
    while !answer.ends_with(ABC.as_bytes()) {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("an answer");
        answer.extend(byte);
    }
}

// covers: 28.2 28.4 28.7
#[test]
fn idle_connections_give_their_descriptors_to_newcomers() {
    let (running, address) = short_of_descriptors();
    // Far more than there are descriptors for, and each is served.
    let mut clients: Vec<_> = (0..LIMIT + 20).map(|_| kept(&address)).collect();
    assert_eq!(running.line(), cannot_accept());
    let mut last = clients.pop().expect("the last one");
    last.write_all(PUT_ABC_KEPT).expect("an open connection");
    answered(&mut last);
    // Those that were idle for longest were closed, and properly.
    for client in clients.drain(..20) {
        assert_eq!(rest(client), "");
    }
    assert_eq!(running.line(), ACCEPTING_AGAIN);
}

// covers: 28.4 28.7
#[test]
fn idle_connections_of_another_worker_give_their_descriptors() {
    let (running, address) = short_of_descriptors_with("--workers 2 --body-timeout 0 --min-rate 0");
    // The first worker has an upload, so that all others go to the second.
    let upload = begin_upload(&address);
    let mut clients: Vec<_> = (0..LIMIT + 20).map(|_| kept(&address)).collect();
    assert_eq!(running.line(), cannot_accept());
    for client in clients.drain(..20) {
        assert_eq!(rest(client), "");
    }
    assert_eq!(running.line(), ACCEPTING_AGAIN);
    drop(upload);
}

// covers: 28.8
#[test]
fn that_the_limit_of_connections_is_reached_is_told_once() {
    let options = ["--connections", "2", "--access-log", "off"];
    let (running, address) = STREAMSUM.local(&options);
    let clients = [kept(&address), kept(&address)];
    assert_eq!(running.line(), "streamsum: the limit of 2 connections is reached");
    // One makes room after a second.
    let newcomer = kept(&address);
    let [first, second] = clients;
    assert_eq!(rest(first), "");
    running.signal("USR1");
    let counters = running.line();
    assert!(counters.contains(" connections=3 displaced=1 "), "{counters}");
    drop((second, newcomer));
    assert_eq!(running.line(), "streamsum: below the limit of 2 connections again");
}

// covers: 28.2
#[test]
fn waiting_for_descriptors_costs_no_time_on_the_processor() {
    /// An attempt takes microseconds; a loop that does not rest, the two seconds.
    const MOST_TICKS: u64 = 20;
    let (running, address) = short_of_descriptors();
    let mut clients = connect_all(&address, CLIENTS);
    assert_eq!(running.line(), cannot_accept());
    let before = processor_ticks(&running);
    // It has tried again four times until the first of those that say nothing is given
    // up.
    assert_eq!(rest(clients.remove(0)), "");
    let after = processor_ticks(&running);
    if let (Some(before), Some(after)) = (before, after) {
        assert!(after - before <= MOST_TICKS, "{} ticks", after - before);
    }
}

// covers: 28.4
#[test]
fn a_second_lack_of_descriptors_is_told_again() {
    let (running, address) = short_of_descriptors();
    for _ in 0..2 {
        let clients = connect_all(&address, LIMIT);
        assert_eq!(running.line(), cannot_accept());
        drop(clients);
        assert_eq!(running.line(), ACCEPTING_AGAIN);
    }
}

#[test]
fn a_lack_of_descriptors_does_not_outlast_the_listener() {
    let (running, address) = short_of_descriptors();
    let clients = connect_all(&address, LIMIT);
    assert_eq!(running.line(), cannot_accept());
    running.signal("TERM");
    drop(clients);
    let (status, left) = running.end();
    assert_eq!((status, left.len()), (Some(0), 2), "{left:?}");
    assert!(left.iter().all(|line| line.starts_with("streamsum: drain")), "{left:?}");
}
