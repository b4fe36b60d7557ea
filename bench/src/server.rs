//! A contestant's server: a child process that lives for one measurement.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::contestant::Contestant;
use crate::cores::Cores;

/// For a server to take its first connection.
const START: Duration = Duration::from_secs(10);
/// Between attempts to connect.
const PAUSE: Duration = Duration::from_millis(2);

/// Ends with its value.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
}

impl Server {
    /// Starts it on its cores, waits until it takes connections, and moves this thread to
    /// the loader's.
    ///
    /// # Errors
    ///
    /// When it takes no connections.
    pub fn start(contestant: &Contestant, cores: &Cores) -> io::Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut words =
            contestant.command.iter().map(|word| word.replace("{addr}", &address.to_string()));
        let program = words.next().ok_or_else(|| io::Error::other("an empty command"))?;
        cores.go_to_server(contestant.place)?;
        let child = Command::new(program)
            .args(words)
            .envs(contestant.variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        cores.go_to_loader(contestant.place)?;
        let mut server = Self { child: child?, address };
        server.wait()?;
        Ok(server)
    }

    fn wait(&mut self) -> io::Result<()> {
        let begun = Instant::now();
        loop {
            let Err(error) = TcpStream::connect(self.address) else { return Ok(()) };
            if let Some(status) = self.child.try_wait()? {
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
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has nothing to lose, and if it is gone already that was noticed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
