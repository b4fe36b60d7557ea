//! A contestant's server.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use crate::contestant::{Contestant, Digests};
use crate::cores::Cores;
use crate::process::Process;

/// For a server to take its first connection.
pub const START: Duration = Duration::from_secs(10);
/// Between attempts to connect.
const PAUSE: Duration = Duration::from_micros(100);

/// Ends with its value.
pub struct Server {
    process: Process,
    pub address: SocketAddr,
    /// What it answers with.
    pub digests: Digests,
}

impl Server {
    /// Starts it and waits until it takes connections.
    ///
    /// # Errors
    ///
    /// When it takes none.
    pub fn start(contestant: &Contestant, cores: &Cores) -> io::Result<Self> {
        let mut server = Self::launch(contestant, cores)?;
        server.connect()?;
        Ok(server)
    }

    /// Starts its program and waits for nothing.
    ///
    /// # Errors
    ///
    /// When there is no such program.
    pub fn launch(contestant: &Contestant, cores: &Cores) -> io::Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let values = [("{addr}", address.to_string())];
        let process = Process::start(contestant, &values, Stdio::null, cores)?;
        Ok(Self { process, address, digests: contestant.digests })
    }

    /// The first connection that it takes.
    ///
    /// # Errors
    ///
    /// When it takes none.
    pub fn connect(&mut self) -> io::Result<TcpStream> {
        let begun = Instant::now();
        loop {
            let error = match TcpStream::connect(self.address) {
                Ok(stream) => return Ok(stream),
                Err(error) => error,
            };
            if let Some(status) = self.process.child().try_wait()? {
                return Err(io::Error::other(format!("did not start: {status}")));
            }
            if begun.elapsed() > START {
                return Err(error);
            }
            thread::sleep(PAUSE);
        }
    }

    /// The process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }
}
