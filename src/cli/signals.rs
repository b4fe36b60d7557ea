//! Signals as events of the loop.

use std::ffi::c_int;
use std::io::{self, Read};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use mio::net::UnixStream;
use mio::{Interest, Registry, Token};
use signal_hook::flag;
use signal_hook::low_level::pipe;

/// Signals that arrived, one byte each, on a socket for the caller's poll.
pub(super) struct Signals {
    arrived: UnixStream,
}

impl Signals {
    /// From now on these signals do not end the process, but make the socket readable.
    pub(super) fn new(which: &[c_int]) -> io::Result<Self> {
        let (arrived, arriving) = StdUnixStream::pair()?;
        arrived.set_nonblocking(true)?;
        let arrived = UnixStream::from_std(arrived);
        for signal in which {
            pipe::register(*signal, arriving.try_clone()?)?;
        }
        Ok(Self { arrived })
    }

    /// Those that have arrived, and those to come, are events with `token`.
    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut self.arrived, token, Interest::READABLE)
    }

    /// How many signals arrived since the last call.
    pub(super) fn take(&mut self) -> usize {
        let mut bytes = [0; 64];
        let mut count = 0;
        // Until it would block, as the poll reports an edge only once.
        loop {
            match self.arrived.read(&mut bytes) {
                Ok(0) => return count,
                Ok(n) => count += n,
                Err(wrong) if wrong.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return count,
            }
        }
    }
}

/// From now on these signals do nothing; they do not end the process.
pub(super) fn ignore(which: &[c_int]) -> io::Result<()> {
    // Any handler replaces the system's own action. Nobody needs to read the flag.
    let unread = Arc::new(AtomicBool::new(false));
    which.iter().try_for_each(|signal| flag::register(*signal, Arc::clone(&unread)).map(drop))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mio::{Events, Poll};
    use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
    use signal_hook::low_level::raise;

    #[test]
    fn signals_are_counted() {
        let mut poll = Poll::new().expect("a poll");
        let mut signals = Signals::new(&[SIGTERM, SIGINT]).expect("signals");
        let mut others = Signals::new(&[SIGUSR1]).expect("signals");
        signals.register(poll.registry(), Token(7)).expect("a token");
        others.register(poll.registry(), Token(8)).expect("a token");
        assert_eq!(signals.take(), 0);
        raise(SIGTERM).expect("a signal");
        raise(SIGINT).expect("a signal");
        let mut events = Events::with_capacity(4);
        while events.is_empty() {
            match poll.poll(&mut events, None) {
                Err(wrong) if wrong.kind() == io::ErrorKind::Interrupted => {}
                polled => polled.expect("events"),
            }
        }
        assert!(events.iter().all(|event| event.token() == Token(7) && event.is_readable()));
        assert_eq!([signals.take(), signals.take()], [2, 0]);
        raise(SIGUSR1).expect("a signal");
        assert_eq!([signals.take(), others.take()], [0, 1]);
    }

    #[test]
    fn an_ignored_signal_does_nothing() {
        ignore(&[SIGUSR2]).expect("a handler");
        // By default it would end this process.
        raise(SIGUSR2).expect("a signal");
    }
}
