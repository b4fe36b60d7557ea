//! Who gets which connection: an idle one, a fresh one, or none for now.

use std::io::ErrorKind;
use std::mem;
use std::sync::Arc;

use super::channel::{Channel, Route};
use super::exchange::Stage;
use super::{Addresses, Cause, Client, Connect, Event, Failure, Lookup};

/// What came of looking for a connection.
enum Found {
    /// An idle one, or a fresh one, at this place.
    Place(usize),
    /// The addresses are not there yet; others may go first.
    Later,
    /// All are in use.
    None,
    Failed(Failure),
}

impl<C: Connect> Client<C> {
    /// Gives connections to those who wait, in their order.
    pub(super) fn admit(&mut self) {
        self.may_admit = false;
        let mut waiting = mem::take(&mut self.waiting);
        let mut still = mem::take(&mut self.waiting);
        while let Some(id) = waiting.pop_front() {
            if self.exchange_mut(id).is_none_or(|own| own.stage != Stage::Waiting) {
                continue;
            }
            match self.find(id.key) {
                Found::Place(place) => self.begin(place, id.key),
                Found::Later => still.push_back(id),
                Found::None => {
                    still.push_back(id);
                    still.append(&mut waiting);
                }
                Found::Failed(failure) => self.try_again(id.key, failure, false),
            }
        }
        // Whoever has come back meanwhile waits behind.
        still.append(&mut self.waiting);
        self.waiting = still;
    }

    fn find(&mut self, key: usize) -> Found {
        let Some(exchange) = self.exchanges.get_mut(key) else { return Found::Later };
        let origin = Arc::clone(&exchange.origin);
        // One that gives no 100 (Continue) would take content that is lost with its connection.
        let is_deaf = self.origins.is_deaf(&origin, self.now);
        let needs_fresh = exchange.needs_fresh || exchange.is_fragile() && is_deaf;
        if !needs_fresh && let Some(place) = self.take_idle(&origin) {
            return Found::Place(place);
        }
        let is_full = self.channels.len() >= self.config.connections;
        if is_full && self.idle.is_empty() {
            return Found::None;
        }
        if let Some(exchange) = self.exchanges.get_mut(key) {
            exchange.connecting.get_or_insert(self.now);
        }
        match self.connect.look_up(&origin) {
            Lookup::Pending => Found::Later,
            Lookup::Failed(kind) => Found::Failed(Failure::Name(kind)),
            Lookup::Found(addresses) => {
                if let Some(exchange) = self.exchanges.get_mut(key)
                    && exchange.failed == 0
                {
                    exchange.connecting = Some(self.now);
                }
                if is_full && let Some(oldest) = self.idle.first().copied() {
                    self.close(oldest);
                }
                self.open(key, addresses)
            }
        }
    }

    /// The idle connection to an origin that was used last, and is still alive.
    fn take_idle(&mut self, origin: &super::Origin) -> Option<usize> {
        loop {
            let is_for = |place: &usize| {
                self.channels.get(*place).is_some_and(|channel| *channel.origin == *origin)
            };
            let place = self.idle.iter().copied().rfind(is_for)?;
            self.idle.retain(|idle| *idle != place);
            if self.channels.get_mut(place).is_some_and(Channel::is_alive) {
                return Some(place);
            }
            self.close(place);
        }
    }

    fn open(&mut self, key: usize, addresses: Addresses) -> Found {
        let Some(exchange) = self.exchanges.get(key) else { return Found::Later };
        let origin = Arc::clone(&exchange.origin);
        let entry = self.channels.vacant_entry();
        let place = entry.key();
        let mut refused = Cause::from(ErrorKind::NotFound);
        for (next, address) in (1..).zip(addresses.iter()) {
            match self.connect.open(*address, &origin, place) {
                Ok(socket) => {
                    let until = self.now + self.config.address;
                    let route = Route { addresses: Arc::clone(&addresses), next, until };
                    let limits = self.config.limits;
                    entry.insert(Channel::new(origin, socket, limits, route, self.now));
                    return Found::Place(place);
                }
                Err(error) => refused = error.into(),
            }
        }
        Found::Failed(Failure::Connect(refused))
    }

    /// Tries the next address of a connection that nobody took; false if there is none.
    pub(super) fn open_next(&mut self, place: usize) -> bool {
        let Some(channel) = self.channels.get_mut(place) else { return false };
        let Some(mut route) = channel.route.take() else { return false };
        // Its descriptor is free for the next one.
        channel.link.close();
        while let Some(address) = route.addresses.get(route.next) {
            route.next += 1;
            if let Ok(socket) = self.connect.open(*address, &channel.origin, place) {
                route.until = self.now + self.config.address;
                let origin = Arc::clone(&channel.origin);
                let exchange = channel.exchange;
                let limits = self.config.limits;
                *channel = Channel::new(origin, socket, limits, route, self.now);
                if let Some(key) = exchange {
                    self.begin(place, key);
                }
                return true;
            }
        }
        channel.route = Some(route);
        false
    }

    /// Sends the head of an exchange on a connection.
    pub(super) fn begin(&mut self, place: usize, key: usize) {
        let Self { channels, exchanges, out, .. } = self;
        let (Some(channel), Some(exchange)) = (channels.get_mut(place), exchanges.get_mut(key))
        else {
            unreachable!("both were just found")
        };
        let is_deaf = self.origins.is_deaf(&exchange.origin, self.now);
        let asks = !is_deaf && exchange.asks(channel.was_used, self.config.ask_from);
        exchange.request.set_expectation(asks);
        exchange.rewind();
        channel.exchange = Some(key);
        channel.head_has_left = false;
        channel.http.request(&exchange.request, out);
        exchange.stage = Stage::Opening { place };
        channel.write(out);
        self.settle(place, key);
    }

    /// A try has failed while the server could not act on it, or may act twice. The next one comes
    /// after a pause, unless it was an idle connection that had been closed.
    pub(super) fn try_again(&mut self, key: usize, failure: Failure, was_used: bool) {
        let Some(exchange) = self.exchanges.get_mut(key) else { return };
        exchange.failed += 1;
        exchange.failure = Some(failure.clone());
        if failure.may_have_acted() {
            exchange.unknown = Some(failure.clone());
        }
        if exchange.failed >= self.config.tries || failure.is_permanent() {
            return self.end(key, Event::Failed(failure));
        }
        exchange.rewind();
        exchange.needs_fresh |= was_used;
        if was_used {
            exchange.stage = Stage::Waiting;
            self.waiting.push_front(exchange.id);
            self.may_admit = true;
        } else {
            let chance = scatter(exchange.id.serial ^ (u64::from(exchange.failed) << 48));
            let until = self.now + self.config.pause(exchange.failed, chance);
            exchange.stage = Stage::Pausing { until };
        }
    }
}

/// A number that looks like chance: the finaliser of SplitMix64.
fn scatter(number: u64) -> u64 {
    let mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
