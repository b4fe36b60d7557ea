//! A net of scripted stores, in which all goes wrong that can: names, addresses, connections.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use streamsum::client::{Connect, Lookup, Origin};

use super::far::Far;
use super::secured::{self, Line};
use crate::random::Random;
use crate::sim::Clock;
use crate::store::{Act, Answer, Rule, Store, Then};

/// What is known of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Known,
    Pending,
    Fails,
}

/// What becomes of connections to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Road {
    Open,
    /// They are made after so long.
    Slow(Duration),
    /// They are refused after so long.
    Refused(Duration),
    /// Nothing ever comes of them.
    Hangs,
    /// There is no socket.
    None,
}

#[derive(Debug)]
pub(super) struct Host {
    pub(super) origin: Arc<Origin>,
    pub(super) store: Store,
    pub(super) name: Name,
    roads: Vec<Road>,
    addresses: Arc<[SocketAddr]>,
}

impl Host {
    fn new(number: usize, random: &mut Random) -> Self {
        let store = Store::plain();
        for _ in 0..random.below(6) {
            store.script(Rule::draw(random));
        }
        if random.chance(20) {
            let (after, answer) = (random.below(300) as u64, Answer::status(200));
            let act = Act::AnswerInContent { after, answer, then: Then::ReadOn };
            store.script(Rule::once(act).after(random.below(4)));
        }
        if random.chance(20) {
            let time = Duration::from_millis(900 + random.below(1_500) as u64);
            store.script(Rule::once(Act::LateContinue(time)));
        }
        // Names of the certificate.
        let name = ["localhost", "store.test"][number];
        let scheme = if random.chance(20) { "https" } else { "http" };
        let url = format!("{scheme}://{name}");
        let count = 1 + random.below(3);
        let address = |at: usize| SocketAddr::from(([10, 0, number as u8, at as u8], 80));
        let roads = (0..count).map(|_| Road::draw(random)).collect();
        Self {
            origin: Arc::new(url.parse().expect("an origin")),
            store,
            name: if random.chance(20) { Name::Pending } else { Name::Known },
            roads,
            addresses: (0..count).map(address).collect(),
        }
    }
}

impl Road {
    fn draw(random: &mut Random) -> Self {
        let time = Duration::from_millis(random.below(800) as u64);
        match random.below(20) {
            0 => Road::None,
            1 | 2 => Road::Refused(time),
            3 => Road::Hangs,
            4 | 5 => Road::Slow(time),
            _ => Road::Open,
        }
    }
}

#[derive(Debug)]
pub(super) struct Net {
    pub(super) hosts: Vec<Host>,
    /// All connections there ever were.
    pub(super) fars: Vec<Far>,
    pub(super) clock: Clock,
    has_news: bool,
    random: Random,
}

impl Net {
    pub(super) fn new(clock: Clock, random: &mut Random) -> Self {
        let count = 1 + random.below(2);
        let hosts = (0..count).map(|number| Host::new(number, random)).collect();
        Self {
            hosts,
            fars: Vec::new(),
            clock,
            has_news: false,
            random: Random::new(random.number()),
        }
    }

    /// Something changes: a name, or the way to an address.
    pub(super) fn change(&mut self) {
        let host = self.random.below(self.hosts.len());
        let host = &mut self.hosts[host];
        if self.random.chance(50) {
            let was = host.name;
            let names = [Name::Known, Name::Known, Name::Known, Name::Pending, Name::Fails];
            host.name = *self.random.pick(&names);
            self.has_news |= was == Name::Pending && self.random.chance(80);
        } else {
            let at = self.random.below(host.roads.len());
            host.roads[at] = Road::draw(&mut self.random);
        }
    }

    /// From now on all can be reached.
    pub(super) fn calm(&mut self) {
        for host in &mut self.hosts {
            host.name = Name::Known;
            host.roads.fill(Road::Open);
        }
    }
}

impl Connect for Net {
    type Socket = Line;

    fn look_up(&mut self, origin: &Origin) -> Lookup {
        let host = self.hosts.iter().find(|host| *host.origin == *origin).expect("a known origin");
        match host.name {
            Name::Known => Lookup::Found(Arc::clone(&host.addresses)),
            Name::Pending => Lookup::Pending,
            Name::Fails => Lookup::Failed(ErrorKind::NotFound),
        }
    }

    fn has_news(&mut self) -> bool {
        std::mem::take(&mut self.has_news)
    }

    fn open(&mut self, to: SocketAddr, origin: &Origin, place: usize) -> io::Result<Line> {
        let is_one = |host: &Host| *host.origin == *origin;
        let number = self.hosts.iter().position(is_one).expect("a known origin");
        let host = &self.hosts[number];
        let at = host.addresses.iter().position(|own| *own == to).expect("an address of it");
        let road = host.roads[at];
        if road == Road::None {
            return Err(ErrorKind::ConnectionRefused.into());
        }
        let session = host.store.connect(self.clock.now().wall);
        let now = self.clock.elapsed();
        let secured = origin.is_tls().then(|| secured::Session::new(&mut self.random));
        let random = &mut self.random;
        let (far, socket) = Far::new(number, place, road, session, secured, now, random);
        self.fars.push(far);
        Ok(if origin.is_tls() { Line::secured(socket, origin.host()) } else { Line::Plain(socket) })
    }
}
