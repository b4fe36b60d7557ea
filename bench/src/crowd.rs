//! Connections that are open and ask nothing.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::time::Duration;

use socket2::SockRef;

use crate::loader::{Failure, exchange};
use crate::plan::Plan;
use crate::request::{self, Framing};
use crate::server::Server;
use crate::workload::{Crowd, HELD, Pose};

/// For a server to answer one request.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of content that a held upload has promised.
const PROMISED: u64 = 1 << 20;
/// Bytes of content in a request of an idle connection.
const SMALL: usize = 1 << 10;
/// A server that takes in connections as they come has so many in its backlog at most.
const AT_ONCE: usize = 100;

/// A crowd that is there.
pub struct Gathered(Vec<TcpStream>);

/// Connects a crowd.
///
/// # Errors
///
/// When the server does not take them, or answers an idle one wrongly.
pub fn gather(crowd: Crowd, server: &Server) -> Result<Gathered, Failure> {
    let request = Plan::requests(1, SMALL, 1, Duration::ZERO);
    let held = [request::head(Framing::Length(PROMISED)), vec![b'x'; HELD]].concat();
    let open = |at: usize| {
        let mut stream = TcpStream::connect(server.address)?;
        // At its end it is reset: thousands that linger would slow down the kernel.
        SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
        match crowd.pose {
            Pose::Held => stream.write_all(&held)?,
            Pose::Idle => {
                exchange(&mut stream, &request.bursts[0], server.digests, PATIENCE)?;
            }
        }
        // Whoever comes after the others is answered after they were accepted.
        if at % AT_ONCE == AT_ONCE - 1 {
            let mut probe = TcpStream::connect(server.address)?;
            exchange(&mut probe, &request.bursts[0], server.digests, PATIENCE)?;
        }
        Ok(stream)
    };
    (0..crowd.connections).map(open).collect::<Result<_, _>>().map(Gathered)
}

impl Gathered {
    /// Finds out whether the server has kept them all.
    ///
    /// # Errors
    ///
    /// When it has not, or has sent something to one of them.
    pub fn check(&self) -> Result<(), Failure> {
        for stream in &self.0 {
            stream.set_nonblocking(true)?;
            match stream.peek(&mut [0]) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Ok(0) => return Err(Failure::Closed),
                Ok(_) => return Err(Failure::Unasked),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
