//! A client of others: exchanges with scripted stores, over a net in which all goes wrong that can.
//! What the stores have got is right, whole where their answer was told, and nothing twice.

mod far;
mod net;
mod owner;
mod rules;
mod secured;
mod seen;
mod wire;

use std::time::Duration;

use streamsum::client::{Client, Config, Event, Failure};
use streamsum::engine::Ready;

use super::Clock;
use crate::random::Random;
use crate::store;
use net::Net;
use owner::{End, Owner, Plan};

pub use seen::Exchanged;

/// The time between two looks of the client at its deadlines, and some for rounding.
const SWEEP: Duration = Duration::from_millis(101);

/// So many rounds without a moment between them are a loop that is never done. A head that is too
/// long may come byte by byte, in every try.
const MOST_ROUNDS: usize = 250_000;

struct Game {
    clock: Clock,
    config: Config,
    client: Client<Net>,
    plans: Vec<Plan>,
    owners: Vec<Owner>,
    seen: Exchanged,
    random: Random,
}

fn config(random: &mut Random) -> Config {
    let millis = Duration::from_millis;
    Config::default()
        .connections(1 + random.below(4))
        .waiting(1 + random.below(6))
        .wait(millis(4_000))
        .address(millis(500))
        .connect(millis(2_000))
        .unasked(millis(8_000))
        .ask_from(400)
        .write(millis(3_000))
        .answer(millis(5_000))
        .idle(millis(1_500))
}

/// Plays one seed to its end, and tells what happened.
pub fn play(mut random: Random) -> Exchanged {
    let clock = Clock::new();
    let config = config(&mut random);
    let net = Net::new(clock, &mut random);
    let client = Client::new(config.clone(), net, clock.now());
    let (plans, owners) = (Vec::new(), Vec::new());
    let seen = Exchanged::default();
    let mut game = Game { clock, config, client, plans, owners, seen, random };
    for _ in 0..100 {
        game.operate();
        game.look();
    }
    game.finish();
    game.audit();
    game.seen
}

impl Game {
    fn operate(&mut self) {
        match self.random.below(32) {
            0..6 => self.start(),
            6..12 => {
                let most = 1 + self.random.below(2_000);
                self.write_one(most);
            }
            12 => self.give_up(),
            13..15 => self.client.connect_mut().change(),
            15 | 16 => self.hurt(),
            17 | 18 => self.squeeze(),
            19 => self.note_nothing(),
            20..25 => self.turn(),
            25..28 => self.settle(),
            28..31 => {
                let most = *self.random.pick(&[300, 300, 2_500]);
                let millis = self.random.below(most) as u64;
                self.advance(Duration::from_millis(millis));
            }
            _ if self.random.chance(10) => self.advance(Duration::from_secs(8)),
            _ => {}
        }
    }

    fn start(&mut self) {
        let number = self.plans.len();
        let origins = self.client.connect_mut().hosts.len();
        let plan = Plan::draw(number, origins, self.config.ask_from, &mut self.random);
        let origin = self.client.connect_mut().hosts[plan.origin].origin.clone();
        let request = plan.request(number, origin.authority());
        let (least, most) = self.waiting();
        let started = if plan.is_whole {
            self.client.start_whole(&origin, request, plan.content.clone())
        } else {
            self.client.start(&origin, request)
        };
        match started {
            Ok(id) => {
                assert!(least < self.config.waiting, "too many wait");
                self.plans.push(plan);
                self.owners.push(Owner::new(id));
            }
            Err(failure) => {
                assert_eq!(failure, Failure::Busy);
                assert!(most >= self.config.waiting, "there was room to wait");
                self.seen.busy += 1;
            }
        }
    }

    /// How many exchanges have no connection, at least and at most: a head that is on its way
    /// makes an idle connection one that is in use.
    fn waiting(&mut self) -> (usize, usize) {
        let (exchanges, connections) = (self.client.exchanges(), self.client.connections());
        let idle = self.idle();
        let fars = &self.client.connect_mut().fars;
        let is_sure = |at: &&usize| !fars[**at].may_hold_head();
        let sure = idle.iter().filter(is_sure).count();
        ((exchanges + sure).saturating_sub(connections), exchanges + idle.len() - connections)
    }

    /// The connections that are idle: the exchange of their last request is over.
    fn idle(&mut self) -> Vec<usize> {
        let Self { client, owners, .. } = self;
        let fars = client.connect_mut().fars.iter().enumerate();
        let is_idle = |seen: &wire::Seen| owners[seen.exchange].end.is_some();
        fars.filter(|(_, far)| !far.wire.is_closed() && far.reader.last().is_some_and(is_idle))
            .map(|(at, _)| at)
            .collect()
    }

    fn pick_owner(&mut self) -> Option<usize> {
        let live = self.owners.iter().enumerate().filter(|(_, owner)| owner.end.is_none());
        let live: Vec<usize> = live.map(|(at, _)| at).collect();
        (!live.is_empty()).then(|| *self.random.pick(&live))
    }

    fn write_one(&mut self, most: usize) {
        let Some(number) = self.pick_owner() else { return };
        if self.owners[number].has_room || self.random.chance(20) {
            self.write(number, most);
        }
    }

    fn write(&mut self, number: usize, most: usize) {
        let Self { client, plans, owners, random, .. } = self;
        let (plan, owner) = (&plans[number], &mut owners[number]);
        if plan.is_whole {
            assert_eq!(client.write(owner.id, b"x"), 0, "it has all of it");
            return;
        }
        let (taken, offered) = owner.write(plan, client, most);
        self.seen.full += u64::from(taken > 0 && taken < offered);
        if random.chance(50) {
            owner.finish(plan, client);
        }
    }

    fn give_up(&mut self) {
        let Some(number) = self.pick_owner() else { return };
        let owner = &mut self.owners[number];
        self.client.give_up(owner.id);
        owner.end = Some((self.clock.elapsed(), End::GivenUp));
        self.seen.given_up += 1;
        self.is_cut_off(number);
    }

    /// A connection breaks, or ends.
    fn hurt(&mut self) {
        let end = *self.random.pick(&[store::End::Fin, store::End::Reset]);
        let idle = if self.random.chance(50) { self.idle() } else { Vec::new() };
        let fars = &mut self.client.connect_mut().fars;
        if let Some(at) = idle.first() {
            if self.random.chance(30) {
                fars[*at].say(b"HTTP/1.1 408 x\r\n\r\n", self.clock.elapsed());
            }
            fars[*at].die(end);
            self.seen.died_idle += 1;
        } else if !fars.is_empty() {
            let at = self.random.below(fars.len());
            fars[at].die(end);
        }
    }

    /// A far end takes less, or more.
    fn squeeze(&mut self) {
        let fars = &mut self.client.connect_mut().fars;
        if !fars.is_empty() {
            let at = fars.len() - 1 - self.random.below(fars.len().min(4));
            let windows = [0, self.random.below(200), usize::MAX];
            fars[at].set_window(*self.random.pick(&windows));
        }
    }

    /// The poll tells of what is not so.
    fn note_nothing(&mut self) {
        let place = self.random.below(self.config.connections);
        let ready = Ready {
            readable: self.random.chance(50),
            writable: self.random.chance(50),
            urgent: self.random.chance(10),
            ..Ready::default()
        };
        self.client.note(place, ready);
    }

    /// The far ends act, and some of the poll's events come.
    fn turn(&mut self) {
        self.round(70);
    }

    /// One round of a loop; so many of a hundred events come in it. True if anything came.
    fn round(&mut self, percent: usize) -> bool {
        let Self { client, clock, random, plans, .. } = self;
        let net = client.connect_mut();
        net.clock = *clock;
        let mut events = Vec::new();
        for far in net.fars.iter_mut().filter(|far| far.is_open()) {
            far.act(*clock, plans);
            if !far.wire.is_closed()
                && random.chance(percent)
                && let Some(ready) = far.wire.take_edges()
            {
                events.push((far.place, ready));
            }
        }
        let is_due = client.deadline().is_some_and(|at| at <= clock.now().monotonic);
        let has_come = !events.is_empty();
        for (place, ready) in events {
            client.note(place, ready);
        }
        if !has_come && !is_due {
            return false;
        }
        client.work(clock.now());
        self.act_far_ends();
        while let Some((id, event)) = self.client.next_event() {
            self.take(id, event);
        }
        self.act_far_ends();
        true
    }

    fn act_far_ends(&mut self) {
        let Self { client, clock, plans, .. } = self;
        client.connect_mut().fars.iter_mut().for_each(|far| far.act(*clock, plans));
    }

    fn settle(&mut self) {
        for rounds in 0.. {
            assert!(rounds < MOST_ROUNDS, "it is never done: {:?}", self.client);
            let has_news = |far: &far::Far| far.is_open() && far.wire.has_news();
            if !self.round(100) && !self.client.connect_mut().fars.iter().any(has_news) {
                return;
            }
        }
    }

    /// Lets time go by, and all be done at its time.
    fn advance(&mut self, time: Duration) {
        let end = self.clock.elapsed() + time;
        loop {
            self.settle();
            let now = self.clock.elapsed();
            if now == end {
                return;
            }
            let own = self.client.deadline().map(|at| {
                let left = at.duration_since(self.clock.now().monotonic);
                assert!(!left.is_zero(), "there is nothing to do");
                now + left
            });
            let clock = self.clock;
            let fars = &self.client.connect_mut().fars;
            let far =
                fars.iter().filter_map(|far| far.deadline(clock)).filter(|at| *at > now).min();
            let next = [own, far].into_iter().flatten().min().unwrap_or(end).min(end);
            self.clock.advance(next - now);
            self.client.connect_mut().clock = self.clock;
        }
    }

    fn take(&mut self, id: streamsum::client::ExchangeId, event: Event) {
        let is_it = |owner: &Owner| owner.id == id;
        let number = self.owners.iter().position(is_it).expect("an exchange that was started");
        assert_eq!(self.owners[number].end, None, "{number} is over: {event:?}");
        let end = match event {
            Event::Room => return self.take_room(number),
            Event::Answered(answer) => {
                let etag = answer.fields().get("etag").map(|etag| etag.to_vec());
                let etag = etag.map(|etag| String::from_utf8(etag).expect("text"));
                End::Answered { status: answer.status(), is_early: answer.is_early(), etag }
            }
            Event::Failed(failure) => End::Failed(failure),
        };
        self.seen.count(&end);
        self.owners[number].end = Some((self.clock.elapsed(), end.clone()));
        match end {
            End::Answered { is_early: false, .. } => {}
            _ => self.is_cut_off(number),
        }
    }

    fn take_room(&mut self, number: usize) {
        assert!(self.plans[number].has_content() && !self.plans[number].is_whole, "no room needed");
        self.owners[number].has_room = true;
        if self.random.chance(70) {
            return;
        }
        let far = self.carrier(number);
        let was_full = self.plans[number].content.is_empty();
        let most = 1 + self.random.below(500);
        let Self { client, plans, owners, .. } = self;
        if !owners[number].is_writing(&plans[number]) || was_full {
            return;
        }
        let (taken, offered) = owners[number].write(&plans[number], client, most);
        if let Some(far) = far {
            let far = &client.connect_mut().fars[far];
            let is_excused = far.falters
                || far.has_ended()
                || far.wire.is_full()
                || far.has_layer()
                || far.wire.is_closed()
                || far.wire.has_reset();
            assert!(taken > 0 || offered == 0 || is_excused, "told of room where there is none");
        }
    }

    /// The connection on which the last request for an exchange was sent, if it is open.
    fn carrier(&mut self, number: usize) -> Option<usize> {
        let fars = self.client.connect_mut().fars.iter();
        fars.enumerate()
            .filter(|(_, far)| !far.wire.is_closed())
            .find(|(_, far)| far.reader.last().is_some_and(|seen| seen.exchange == number))
            .map(|(at, _)| at)
    }

    /// What failed, and what was refused before its end, leaves no connection.
    fn is_cut_off(&mut self, number: usize) {
        assert_eq!(self.carrier(number), None, "the connection of {number} is kept");
    }

    /// All who have anything to say do so, and all ends.
    fn finish(&mut self) {
        self.client.connect_mut().calm();
        let begun = self.clock.elapsed();
        let try_time = self.config.connect
            + self.config.continues
            + self.config.write * 4
            + self.config.answer
            + self.config.longest_pause;
        let most = self.config.wait + try_time * self.config.tries * 4;
        loop {
            for far in &mut self.client.connect_mut().fars {
                far.set_window(usize::MAX);
            }
            self.settle();
            for number in 0..self.owners.len() {
                let (owner, plan) = (&mut self.owners[number], &self.plans[number]);
                if owner.is_writing(plan) && (owner.has_room || plan.content.is_empty()) {
                    owner.write(plan, &mut self.client, usize::MAX);
                }
                owner.finish(plan, &mut self.client);
            }
            self.settle();
            self.look();
            if self.client.is_idle() {
                break;
            }
            let time = self.clock.elapsed() - begun;
            assert!(time < most, "never over: {:?} {:?}", self.client, self.owners);
            self.advance(Duration::from_millis(200));
            self.look();
        }
        self.advance(self.config.idle + SWEEP);
        assert_eq!(self.client.connections(), 0, "an idle connection is kept");
        assert_eq!(self.client.deadline(), None, "there is nothing to do");
    }
}
