//! The socket of a peer: a stream as it was accepted, or what its listener has made of it.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;

use super::stream::Stream;
use crate::engine::Socket;

/// Makes the socket of a peer from its stream.
pub(crate) type Wrap = Arc<dyn Fn(Stream) -> io::Result<Box<dyn Socket + Send>> + Send + Sync>;

pub(super) enum Connected {
    Plain(Stream),
    /// In two boxes, so that a plain socket is no larger for it.
    Wrapped(Box<Box<dyn Socket + Send>>),
}

impl Connected {
    pub(super) fn new(stream: Stream, wrap: Option<&Wrap>) -> io::Result<Self> {
        match wrap {
            Some(wrap) => Ok(Self::Wrapped(Box::new(wrap(stream)?))),
            None => Ok(Self::Plain(stream)),
        }
    }
}

/// Calls a method of whichever it is.
macro_rules! either {
    ($self:ident.$method:ident($($argument:ident),*)) => {
        match $self {
            Connected::Plain(stream) => stream.$method($($argument),*),
            Connected::Wrapped(socket) => socket.$method($($argument),*),
        }
    };
}

impl Read for Connected {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        either!(self.read(into))
    }
}

impl Write for Connected {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        either!(self.write(from))
    }

    fn flush(&mut self) -> io::Result<()> {
        either!(self.flush())
    }
}

impl Socket for Connected {
    fn short_read_drains(&self) -> bool {
        either!(self.short_read_drains())
    }

    fn finish_writing(&mut self) -> io::Result<()> {
        either!(self.finish_writing())
    }

    fn wants_write(&self) -> bool {
        either!(self.wants_write())
    }

    fn transmit(&mut self) -> io::Result<usize> {
        either!(self.transmit())
    }

    fn wants_read(&self) -> bool {
        either!(self.wants_read())
    }
}

impl fmt::Debug for Connected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Connected::Plain(stream) => stream.fmt(f),
            Connected::Wrapped(_) => f.write_str("Wrapped"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn that_a_stream_may_be_wrapped_costs_a_word() {
        assert!(size_of::<Connected>() <= size_of::<Stream>() + size_of::<usize>());
    }
}
