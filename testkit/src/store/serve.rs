//! A store over real sockets: a thread per connection.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use socket2::SockRef;

use super::{End, Session, Store};

/// How often a store that does not read looks whether its client has reset the connection.
const LOOK: Duration = Duration::from_millis(5);

/// What lies on a connection, as TLS does.
pub trait Layer: Read + Write {
    /// Tells the client that nothing more comes, before the connection ends by FIN.
    fn say_end(&mut self) {}
}

impl Layer for TcpStream {}

/// A store on loopback, until this is dropped.
#[derive(Debug)]
pub struct Serving {
    store: Store,
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    is_over: AtomicBool,
    /// Of the connections that are open, by numbers of their own.
    sockets: Mutex<BTreeMap<usize, TcpStream>>,
}

impl Shared {
    fn sockets(&self) -> MutexGuard<'_, BTreeMap<usize, TcpStream>> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }
}

impl Serving {
    /// Without TLS, at a port of the system's choice.
    pub fn start(store: &Store) -> Self {
        Self::layered(store, "127.0.0.1:0", Ok)
    }

    /// At this address, with something on each connection. A connection on which that cannot
    /// be put is closed.
    ///
    /// # Panics
    /// If nothing can listen there.
    pub fn layered<L: Layer>(
        store: &Store,
        address: &str,
        layer: impl Fn(TcpStream) -> io::Result<L> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).expect("a TCP socket");
        let address = listener.local_addr().expect("a bound socket");
        let shared = Arc::new(Shared::default());
        let (own, layer) = (store.clone(), Arc::new(layer));
        let theirs = shared.clone();
        let acceptor = thread::spawn(move || accept(&listener, &own, &layer, &theirs));
        Self { store: store.clone(), address, shared, acceptor: Some(acceptor) }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it serves.
    pub fn store(&self) -> &Store {
        &self.store
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        // Has the acceptor look whether it is over.
        let _ = TcpStream::connect(self.address);
        let ended = self.acceptor.take().map(JoinHandle::join);
        if !thread::panicking() {
            ended.expect("once").expect("no connection panics");
        }
    }
}

fn accept<L: Layer, F>(listener: &TcpListener, store: &Store, layer: &Arc<F>, shared: &Arc<Shared>)
where
    F: Fn(TcpStream) -> io::Result<L> + Send + Sync + 'static,
{
    let mut threads = Vec::new();
    for number in 0.. {
        let accepted = listener.accept();
        if shared.is_over() {
            break;
        }
        let Ok((socket, _)) = accepted else { continue };
        let Ok(own) = socket.try_clone() else { continue };
        shared.sockets().insert(number, own);
        let (store, layer, shared) = (store.clone(), layer.clone(), shared.clone());
        threads.push(thread::spawn(move || {
            let session = store.connect(SystemTime::now());
            let end = converse(socket, session, &*layer, &shared);
            // A connection ends with the last of its descriptors.
            let last = shared.sockets().remove(&number);
            if let Some(last) = last.filter(|_| end == End::Reset) {
                let _ = SockRef::from(&last).set_linger(Some(Duration::ZERO));
            }
        }));
        let (finished, running): (Vec<_>, _) =
            threads.into_iter().partition(JoinHandle::is_finished);
        threads = running;
        for thread in finished {
            thread.join().expect("no connection panics");
        }
    }
    for socket in shared.sockets().values() {
        let _ = socket.shutdown(Shutdown::Both);
    }
    for thread in threads {
        thread.join().expect("no connection panics");
    }
}

/// Serves one connection. How it is to be ended.
fn converse<L: Layer>(
    socket: TcpStream,
    mut session: Session,
    layer: &impl Fn(TcpStream) -> io::Result<L>,
    shared: &Shared,
) -> End {
    let _ = socket.set_nodelay(true);
    let Ok(own) = socket.try_clone() else { return End::Reset };
    let Ok(layer) = layer(own) else {
        session.client_ended(End::Reset);
        return End::Reset;
    };
    let mut connection = Connection {
        clock: Clock { start: Instant::now(), time: SystemTime::now() },
        socket,
        layer,
        session,
        buffer: vec![0; 64 << 10],
        has_said_end: false,
    };
    while !shared.is_over() {
        if let Some(end) = connection.turn() {
            return end;
        }
    }
    End::Fin
}

struct Connection<L> {
    clock: Clock,
    socket: TcpStream,
    layer: L,
    session: Session,
    buffer: Vec<u8>,
    has_said_end: bool,
}

impl<L: Layer> Connection<L> {
    /// Sends what is due and waits for what comes. How the connection is to be ended, when it
    /// is over.
    fn turn(&mut self) -> Option<End> {
        self.session.advance(self.clock.now());
        if let Err(wrong) = self.send() {
            self.session.client_ended(how(&wrong));
        }
        match self.session.end() {
            Some(End::Reset) => return Some(End::Reset),
            Some(End::Fin) if !self.has_said_end => {
                self.has_said_end = true;
                self.layer.say_end();
                let _ = self.socket.shutdown(Shutdown::Write);
            }
            _ => {}
        }
        let end = if self.session.reads() { self.receive() } else { self.look() }?;
        self.session.client_ended(end);
        // Who has ended what it sends may listen still.
        let is_sent = self.send().is_ok();
        if is_sent && !self.has_said_end {
            self.layer.say_end();
        }
        Some(End::Fin)
    }

    /// Sends what is due.
    fn send(&mut self) -> io::Result<()> {
        while !self.session.to_send().is_empty() {
            match self.layer.write(self.session.to_send()) {
                Ok(count) => self.session.sent(count),
                Err(wrong) if is_passing(&wrong) => {}
                Err(wrong) => return Err(wrong),
            }
            self.layer.flush()?;
        }
        Ok(())
    }

    /// Takes what comes, or the end of the client.
    fn receive(&mut self) -> Option<End> {
        let left = self.session.deadline().map(|end| self.clock.left(end));
        let _ = self.socket.set_read_timeout(left);
        match self.layer.read(&mut self.buffer) {
            Ok(0) => Some(End::Fin),
            Ok(count) => {
                self.session.receive(&self.buffer[..count]);
                None
            }
            Err(wrong) if is_passing(&wrong) => None,
            Err(wrong) => Some(how(&wrong)),
        }
    }

    /// Lets some time pass without reading, and looks whether the client has reset.
    fn look(&self) -> Option<End> {
        let left = self.session.deadline().map_or(LOOK, |end| self.clock.left(end));
        thread::sleep(left.min(LOOK));
        matches!(self.socket.take_error(), Ok(Some(_))).then_some(End::Reset)
    }
}

fn is_passing(wrong: &io::Error) -> bool {
    matches!(wrong.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// TLS calls an end without its own farewell unexpected; at the level of TCP it is a FIN.
fn how(wrong: &io::Error) -> End {
    if wrong.kind() == ErrorKind::UnexpectedEof { End::Fin } else { End::Reset }
}

/// The time of the wall, which does not go back.
struct Clock {
    start: Instant,
    time: SystemTime,
}

impl Clock {
    fn now(&self) -> SystemTime {
        self.time + self.start.elapsed()
    }

    /// A time that is not zero, for which a socket can wait.
    fn left(&self, end: SystemTime) -> Duration {
        let left = end.duration_since(self.now()).unwrap_or(Duration::ZERO);
        left.max(Duration::from_millis(1))
    }
}
