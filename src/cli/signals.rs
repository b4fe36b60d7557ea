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

/// Signals that arrived, one byte each, on a socket in the caller's poll.
pub(super) struct Signals {
    arrived: UnixStream,
}

impl Signals {
    /// From now on these signals do not end the process, but make `token` readable.
    pub(super) fn new(registry: &Registry, token: Token, which: &[c_int]) -> io::Result<Self> {
        let (arrived, arriving) = StdUnixStream::pair()?;
        arrived.set_nonblocking(true)?;
        let mut arrived = UnixStream::from_std(arrived);
        registry.register(&mut arrived, token, Interest::READABLE)?;
        for signal in which {
            pipe::register(*signal, arriving.try_clone()?)?;
        }
        Ok(Self { arrived })
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
        let mut signals =
            Signals::new(poll.registry(), Token(7), &[SIGTERM, SIGINT]).expect("signals");
        let mut others = Signals::new(poll.registry(), Token(8), &[SIGUSR1]).expect("signals");
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
