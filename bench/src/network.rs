//! A network of the race's own: a namespace with nothing in it but a loopback device, where
//! Reno is in force. What a system's default does otherwise, such as the pacing of BBR, says
//! something of kernels and nothing of servers.

use std::fs;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

use nix::sched::{CloneFlags, setns, unshare};

const CONGESTION_CONTROL: &str = "/proc/sys/net/ipv4/tcp_congestion_control";

/// What is compared is how programs do, and this is what every kernel has.
const WANTED: &str = "reno";

/// Moves this thread, and all that it starts from now on, into a network of its own, if that
/// can be had; else everything stays as it is. Says which congestion control is in force, and
/// where.
pub fn enter() -> String {
    match try_to_enter() {
        Ok(()) => format!("{}, in a network of the race's own", in_force()),
        Err(error) => {
            format!("{}, the system's: no network of the race's own: {error}", in_force())
        }
    }
}

fn in_force() -> String {
    fs::read_to_string(CONGESTION_CONTROL).map_or("unknown".into(), |name| name.trim().into())
}

fn try_to_enter() -> io::Result<()> {
    let before = fs::File::open("/proc/thread-self/ns/net")?;
    unshare(CloneFlags::CLONE_NEWNET)?;
    let prepared = prepare();
    if prepared.is_err() {
        setns(before, CloneFlags::CLONE_NEWNET)?;
    }
    prepared
}

/// Makes a new network one that servers can be asked in.
fn prepare() -> io::Result<()> {
    let ip = Command::new("ip")
        .args(["link", "set", "lo", "up"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let ip = ip.map_err(|error| io::Error::new(error.kind(), format!("ip: {error}")))?;
    if !ip.success() {
        return Err(io::Error::other("ip cannot bring up the loopback device"));
    }
    fs::write(CONGESTION_CONTROL, WANTED)?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    TcpStream::connect(listener.local_addr()?).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_is_in_force_wherever_it_is() {
        let before = in_force();
        // On a thread of its own: others may be measuring.
        let (said, inside) = std::thread::spawn(|| (enter(), in_force())).join().unwrap();
        assert!(said.starts_with(&inside), "{said}");
        let has_own = said.ends_with("a network of the race's own");
        assert_eq!(inside, if has_own { WANTED } else { &before }, "{said}");
        assert_eq!(in_force(), before, "elsewhere nothing changes");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        assert!(TcpStream::connect(listener.local_addr().unwrap()).is_ok());
    }
}
