//! How soon a program answers, and how large it is.

use std::fs;
use std::time::{Duration, Instant};

use crate::contestant::Contestant;
use crate::cores::Cores;
use crate::loader::{Failure, exchange};
use crate::plan::Plan;
use crate::server::Server;

use super::PATIENCE;

/// What one measurement found.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// Seconds from the start of the program to its first answer.
    pub answered: f64,
    /// Bytes of the program.
    pub program: f64,
}

/// Starts the program and asks it something.
///
/// # Errors
///
/// When it does not answer.
pub fn measure(contestant: &Contestant, cores: &Cores) -> Result<Start, Failure> {
    let request = Plan::requests(1, 1 << 10, 1, Duration::ZERO);
    let begun = Instant::now();
    let mut server = Server::launch(contestant, cores)?;
    let mut stream = server.connect()?;
    exchange(&mut stream, &request.bursts[0], server.digests, PATIENCE)?;
    let answered = begun.elapsed().as_secs_f64();
    // What runs, wherever the command found it.
    let program = fs::metadata(format!("/proc/{}/exe", server.id()));
    Ok(Start { answered, program: program?.len() as f64 })
}
