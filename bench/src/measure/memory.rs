//! Memory that a server needs for each open connection.

use crate::clock;
use crate::contestant::Contestant;
use crate::cores::Cores;
use crate::crowd::gather;
use crate::loader::{Failure, Loader};
use crate::plan::Plan;
use crate::server::Server;
use crate::settle::settle;
use crate::workload::Crowd;

use super::PATIENCE;

/// One in so many comes before the count begins.
const UNCOUNTED: usize = 50;
/// Uploads that the server is kept busy with before, and bytes of each: enough to fill any
/// buffer that a server has for all, too few to leave memory behind that matters.
const AT_ONCE: usize = 32;
const SMALL: u64 = 256 << 10;

/// What one measurement found.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Bytes by which each connection made the server larger.
    pub each: f64,
    /// Bytes that the server had in all.
    pub whole: f64,
}

/// Lets a crowd gather.
///
/// # Errors
///
/// When the server does not keep it.
pub fn measure(contestant: &Contestant, crowd: Crowd, cores: &Cores) -> Result<Memory, Failure> {
    let server = Server::start(contestant, cores)?;
    // What is set up once for all, such as buffers, is no part of each.
    let busy = Plan::uploads(AT_ONCE, SMALL, None);
    Loader::connect(&busy, server.address, server.digests)?.run(PATIENCE)?;
    let uncounted = crowd.connections.div_ceil(UNCOUNTED);
    let counted = crowd.connections - uncounted;
    let first = gather(Crowd { connections: uncounted, ..crowd }, &server)?;
    settle(&server, PATIENCE)?;
    let before = clock::resident_memory(server.id())?;
    let others = gather(Crowd { connections: counted, ..crowd }, &server)?;
    settle(&server, PATIENCE)?;
    let after = clock::resident_memory(server.id())?;
    first.check()?;
    others.check()?;
    let grown = after.saturating_sub(before) as f64;
    Ok(Memory { each: grown / counted as f64, whole: after as f64 })
}
