//! Names, looked up by a thread with the resolver of the system.

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::client::{Addresses, Lookup};

/// For how long an answer is used without asking again. The system's resolver does not tell how
/// long it may be.
const KEPT: Duration = Duration::from_secs(30);

/// For how long a failure is believed: the next try of a request comes soon.
const FAILED: Duration = Duration::from_secs(1);

/// So many names are known at a time.
const MOST: usize = 64;

/// Bytes of the thread's stack: resolvers of systems use some.
const STACK: usize = 256 << 10;

type Wake = Arc<dyn Fn() + Send + Sync>;

/// A host and a port.
type Name = (Box<str>, u16);

pub(super) struct Names {
    wake: Wake,
    shared: Arc<Shared>,
    /// `None` before the first name.
    asked: Option<Sender<Name>>,
}

#[derive(Default)]
struct Shared {
    known: Mutex<HashMap<Name, Known>>,
    has_news: AtomicBool,
}

#[derive(Clone)]
struct Known {
    addresses: Option<Addresses>,
    /// Why the last lookup failed, if it did.
    failed: Option<ErrorKind>,
    /// When the last one ended.
    looked_up: Instant,
    is_asked: bool,
}

impl Names {
    pub(super) fn new(wake: Wake) -> Self {
        Self { wake, shared: Arc::default(), asked: None }
    }

    pub(super) fn has_news(&self) -> bool {
        self.shared.has_news.load(Ordering::Relaxed)
            && self.shared.has_news.swap(false, Ordering::Acquire)
    }

    /// The addresses of a host. Old ones are used while it is looked up again, and if that fails.
    pub(super) fn look_up(&mut self, host: &str, port: u16) -> Lookup {
        let name = (host.into(), port);
        let now = Instant::now();
        let mut known = self.shared.known();
        let found = known.get(&name);
        let is_fresh = found.is_some_and(|found| {
            let kept = if found.failed.is_some() { FAILED } else { KEPT };
            now.duration_since(found.looked_up) < kept
        });
        let found = found.cloned();
        if !is_fresh && !found.as_ref().is_some_and(|found| found.is_asked) {
            if known.len() >= MOST && found.is_none() {
                known.retain(|_, other| other.is_asked);
            }
            let (addresses, failed) =
                found.as_ref().map_or((None, None), |old| (old.addresses.clone(), None));
            let asked = Known { addresses, failed, looked_up: now, is_asked: true };
            known.insert(name.clone(), asked);
            drop(known);
            if let Err(error) = self.ask(name.clone()) {
                self.asked = None;
                self.shared.known().remove(&name);
                return Lookup::Failed(error.kind());
            }
        }
        match found {
            Some(Known { addresses: Some(addresses), .. }) => Lookup::Found(addresses),
            Some(Known { failed: Some(kind), .. }) if is_fresh => Lookup::Failed(kind),
            _ => Lookup::Pending,
        }
    }

    fn ask(&mut self, name: Name) -> io::Result<()> {
        let asked = match &mut self.asked {
            Some(asked) => asked,
            none => {
                let (asked, to_do) = channel();
                let (shared, wake) = (Arc::clone(&self.shared), Arc::clone(&self.wake));
                thread::Builder::new()
                    .name("names".into())
                    .stack_size(STACK)
                    .spawn(move || shared.work(&to_do, &wake))?;
                none.insert(asked)
            }
        };
        asked.send(name).map_err(|_| ErrorKind::BrokenPipe.into())
    }
}

impl Shared {
    /// Looks up whatever is asked for, until nobody can ask any more.
    fn work(&self, asked: &Receiver<Name>, wake: &Wake) {
        for name in asked {
            let found = (&*name.0, name.1).to_socket_addrs().map(|found| {
                let found: Vec<SocketAddr> = found.collect();
                Addresses::from(found)
            });
            self.learn(name, found);
            self.has_news.store(true, Ordering::Release);
            wake();
        }
    }

    fn learn(&self, name: Name, found: io::Result<Addresses>) {
        let mut known = self.known();
        let old = known.remove(&name).and_then(|old| old.addresses);
        let (addresses, failed) = match found {
            Ok(found) if !found.is_empty() => (Some(found), None),
            Ok(_) => (old, Some(ErrorKind::NotFound)),
            Err(error) => (old, Some(error.kind())),
        };
        let looked_up = Instant::now();
        known.insert(name, Known { addresses, failed, looked_up, is_asked: false });
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Name, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn names() -> (Names, mpsc::Receiver<()>) {
        let (wake, woken) = mpsc::channel();
        let wake = Mutex::new(wake);
        let names = Names::new(Arc::new(move || {
            let _ = wake.lock().unwrap().send(());
        }));
        (names, woken)
    }

    #[test]
    fn a_name_is_looked_up_by_a_thread_that_wakes() {
        let (mut names, woken) = names();
        assert_eq!(names.look_up("localhost", 80), Lookup::Pending);
        woken.recv().unwrap();
        assert!(names.has_news() && !names.has_news());
        let Lookup::Found(addresses) = names.look_up("localhost", 80) else {
            panic!("localhost has an address")
        };
        assert!(addresses.iter().all(|address| address.ip().is_loopback() && address.port() == 80));
    }

    #[test]
    fn a_name_that_there_is_not_fails_for_a_while() {
        let (mut names, woken) = names();
        // No name may have so long a label, so that no server is asked for it.
        let name = "a".repeat(70);
        assert_eq!(names.look_up(&name, 80), Lookup::Pending);
        woken.recv().unwrap();
        assert!(matches!(names.look_up(&name, 80), Lookup::Failed(_)));
    }

    #[test]
    fn old_addresses_are_used_if_a_lookup_fails() {
        let (names, _) = names();
        let name = || ("a".into(), 80);
        let addresses = Addresses::from(["127.0.0.1:80".parse().unwrap()]);
        names.shared.learn(name(), Ok(Arc::clone(&addresses)));
        names.shared.learn(name(), Err(ErrorKind::TimedOut.into()));
        names.shared.learn(name(), Ok([].into()));
        let mut names = names;
        assert_eq!(names.look_up("a", 80), Lookup::Found(addresses));
    }
}
