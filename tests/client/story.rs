//! A client over scripted sockets, which are all that there is to connect to.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use streamsum::Now;
use streamsum::client::{Client, Config, Connect, Event, Lookup, Origin};
use streamsum::proto::client::Request;
use testkit::sim::{Client as Wire, Socket};

#[derive(Default)]
pub(crate) struct Net {
    /// Connections in the order in which they were made, and their places.
    pub(crate) wires: Vec<(usize, Wire)>,
    /// True if nobody is there.
    pub(crate) refuses: bool,
}

impl Connect for Net {
    type Socket = Socket<true>;

    fn look_up(&mut self, _: &Origin) -> Lookup {
        Lookup::Found([SocketAddr::from(([10, 0, 0, 1], 80))].into())
    }

    fn open(&mut self, _: SocketAddr, _: &Origin, place: usize) -> io::Result<Socket<true>> {
        if self.refuses {
            return Err(ErrorKind::ConnectionRefused.into());
        }
        let (wire, socket) = Wire::connect();
        self.wires.push((place, wire));
        Ok(socket)
    }
}

pub(crate) struct Story {
    pub(crate) client: Client<Net>,
    pub(crate) origin: Arc<Origin>,
    now: Now,
}

impl Story {
    pub(crate) fn new(config: Config) -> Self {
        let now = Now { monotonic: Instant::now(), wall: SystemTime::UNIX_EPOCH };
        let origin = Arc::new("http://a".parse().expect("an origin"));
        Self { client: Client::new(config, Net::default(), now), origin, now }
    }

    pub(crate) fn request(method: &str) -> Request {
        Request::new(method, "/x", "a").expect("a request")
    }

    /// The connection that was made last.
    pub(crate) fn wire(&mut self) -> Wire {
        self.client.connect_mut().wires.last().expect("a connection").1.clone()
    }

    /// Does all that is to be done now; what has come of it.
    pub(crate) fn work(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            let wires = &self.client.connect_mut().wires;
            let open = wires.iter().filter(|(_, wire)| !wire.is_closed());
            let news: Vec<_> = open
                .filter_map(|(place, wire)| wire.take_edges().map(|ready| (*place, ready)))
                .collect();
            let is_due = self.client.deadline().is_some_and(|at| at <= self.now.monotonic);
            if news.is_empty() && !is_due {
                return events;
            }
            news.iter().for_each(|(place, ready)| self.client.note(*place, *ready));
            self.client.work(self.now);
            events.extend(std::iter::from_fn(|| self.client.next_event()).map(|(_, event)| event));
        }
    }

    /// Lets time go by at once, whatever would have been due before.
    pub(crate) fn jump(&mut self, time: Duration) {
        self.now.monotonic += time;
    }

    /// Lets time go by, and all be done in time.
    pub(crate) fn wait(&mut self, time: Duration) -> Vec<Event> {
        let end = self.now.monotonic + time;
        let mut events = self.work();
        while self.now.monotonic < end {
            let next = self.client.deadline().map_or(end, |at| at.min(end));
            self.now.monotonic = next;
            events.extend(self.work());
        }
        events
    }
}
