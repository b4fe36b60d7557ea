//! Waits until a server has taken in all that was sent to it, and come to rest.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use crate::clock;
use crate::loader::Failure;
use crate::server::Server;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// Waits until nothing is left in the sockets of a server and its CPU clock stands still.
///
/// # Errors
///
/// When that takes longer than `patience`.
pub fn settle(server: &Server, patience: Duration) -> Result<(), Failure> {
    let begun = Instant::now();
    let mut before = clock::cpu_time(server.id())?;
    while begun.elapsed() < patience {
        thread::sleep(PAUSE);
        let now = clock::cpu_time(server.id())?;
        if now == before && unread(&fs::read_to_string("/proc/net/tcp")?, server.address)? == 0 {
            return Ok(());
        }
        before = now;
    }
    Err(Failure::Stalled)
}

/// Bytes that have come to an address and were not read, and connections that were not
/// accepted, by the kernel's `table` of sockets.
fn unread(table: &str, address: SocketAddr) -> io::Result<u64> {
    let port = format!(":{:04X}", address.port());
    let queue = |line: &str| -> Option<u64> {
        let mut columns = line.split_whitespace().skip(1);
        let is_its = columns.next()?.ends_with(&port);
        let received = columns.nth(2)?.split_once(':')?.1;
        let received = u64::from_str_radix(received, 16).ok()?;
        Some(if is_its { received } else { 0 })
    };
    let queues: Option<u64> = table.lines().skip(1).map(queue).sum();
    queues.ok_or_else(|| io::Error::other("a strange line in /proc/net/tcp"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unread_bytes_are_those_of_the_server() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when\n\
             0: 0100007F:1F90 00000000:0000 0A 00000000:00000001 00:00000000\n\
             1: 0100007F:1F90 0100007F:D431 01 00000002:00000010 00:00000000\n\
             2: 0100007F:D431 0100007F:1F90 01 00000000:00000100 00:00000000\n";
        let unread = |port| unread(table, SocketAddr::from(([127, 0, 0, 1], port))).unwrap();
        assert_eq!(unread(8080), 17);
        assert_eq!(unread(0xd431), 256);
        assert_eq!(unread(80), 0);
    }
}
