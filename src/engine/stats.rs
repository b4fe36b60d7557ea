//! Counters, for those who watch a running engine.

/// What an engine has done since it began.
///
/// # Example
///
/// ```
/// use streamsum::engine::{Config, Engine, Now};
/// # use std::io::{self, Read, Write};
/// # struct Wire;
/// # impl Read for Wire { fn read(&mut self, _: &mut [u8]) -> io::Result<usize> { Ok(0) } }
/// # impl Write for Wire {
/// #     fn write(&mut self, b: &[u8]) -> io::Result<usize> { Ok(b.len()) }
/// #     fn flush(&mut self) -> io::Result<()> { Ok(()) }
/// # }
/// # impl streamsum::engine::Socket for Wire {
/// #     const SHORT_READ_DRAINS: bool = false;
/// #     fn finish_writing(&mut self) -> io::Result<()> { Ok(()) }
/// # }
///
/// let engine = Engine::<Wire, ()>::new(Config::default(), Now::now());
/// assert_eq!(engine.stats().requests, 0);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Connections taken in.
    pub connections: u64,
    /// Heads that were complete and good.
    pub requests: u64,
    /// Answers given by the handler.
    pub answers: u64,
    /// Requests refused by the protocol or by a deadline.
    pub refusals: u64,
    /// Requests that broke off without an answer.
    pub aborts: u64,
    /// Bytes read, framing included.
    pub bytes_read: u64,
    /// Bytes written.
    pub bytes_written: u64,
    /// Turns taken.
    pub turns: u64,
    /// Calls of [`Handler::consume`](crate::handler::Handler::consume).
    pub batches: u64,
    /// Pieces in all of these; by batches, this is how wide they are.
    pub pieces: u64,
}
