//! What one loop does for the others of its group: the first accepts for all.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use super::shared::Shared;
use crate::engine::Config;
use crate::placement::{Load, Placement, place};
use crate::server::{ASK_AGAIN, Elsewhere, Newcomer};

/// The other workers of the one that accepts, which is the first.
pub(super) struct Others {
    workers: Arc<[Shared]>,
    /// Whom it has asked to give way, and until when it waits for an answer.
    asked: Option<(usize, Instant)>,
    /// By number, until when one that could not give way is not asked again.
    refused_until: Vec<Option<Instant>>,
}

impl Others {
    pub(super) fn new(workers: Arc<[Shared]>) -> Self {
        let refused_until = vec![None; workers.len()];
        Self { workers, asked: None, refused_until }
    }

    /// The loads of the others. One that could not give way appears to have nobody who may.
    fn loads(&self, now: Instant) -> impl Iterator<Item = Load> {
        let others = self.workers.iter().zip(&self.refused_until).skip(1);
        others.map(move |(worker, refused_until)| {
            let load = worker.load();
            let has_refused = refused_until.is_some_and(|until| now < until);
            if has_refused { Load { busy: load.connections, ..load } } else { load }
        })
    }

    fn waits_for_an_answer(&self, now: Instant) -> bool {
        self.asked.is_some_and(|(_, until)| now < until)
    }

    /// False if that one has ended.
    fn ask(&mut self, number: usize, now: Instant) -> bool {
        let until = now + ASK_AGAIN;
        let worker = self.workers.get(number);
        let is_asked = worker.is_some_and(|it| it.put(|inbox| inbox.is_to_give_way = true));
        if is_asked {
            self.asked = Some((number, until));
        } else {
            self.refuse(number, until);
        }
        is_asked
    }

    fn refuse(&mut self, number: usize, until: Instant) {
        if let Some(refused_until) = self.refused_until.get_mut(number) {
            *refused_until = Some(until);
        }
    }
}

impl Elsewhere for Others {
    fn place(&self, here: Load, now: Instant) -> Placement {
        match place(std::iter::once(here).chain(self.loads(now))) {
            Placement::Displacing(_) if self.waits_for_an_answer(now) => Placement::Nowhere,
            placement => placement,
        }
    }

    fn hand_over(&mut self, to: usize, newcomer: Newcomer) -> Result<(), Newcomer> {
        match self.workers.get(to) {
            Some(worker) => worker.send(newcomer),
            None => Err(newcomer),
        }
    }

    fn ask_for_place(&mut self, number: usize, now: Instant) {
        self.ask(number, now);
    }

    fn ask_for_descriptor(&mut self, now: Instant) -> bool {
        let without = |load: &Load| load.connections.saturating_sub(load.busy);
        let loads = self.loads(now).enumerate();
        let most = loads.max_by_key(|(_, load)| without(load));
        let most = most.filter(|(_, load)| without(load) > 0 && !self.waits_for_an_answer(now));
        most.is_some_and(|(place, _)| self.ask(1 + place, now))
    }

    fn hear(&mut self, number: usize, gave_way: bool, now: Instant) {
        self.asked = self.asked.filter(|(asked, _)| *asked != number);
        if !gave_way {
            self.refuse(number, now + ASK_AGAIN);
        }
    }
}

impl fmt::Debug for Others {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let loads = self.workers.iter().skip(1).map(Shared::load);
        f.debug_struct("Others")
            .field("loads", &loads.collect::<Vec<_>>())
            .field("asked", &self.asked)
            .finish_non_exhaustive()
    }
}

/// What a worker has said of its load, those included that it was sent.
#[derive(Debug, Default)]
pub(super) struct Counts {
    busy: usize,
    connections: usize,
}

impl Counts {
    /// The one that accepts has counted those whom it sent.
    pub(super) fn arrived(&mut self, newcomers: usize) {
        self.busy += newcomers;
        self.connections += newcomers;
    }

    /// Says what it is now. True if the worker was full, and is not any more.
    pub(super) fn correct(&mut self, shared: &Shared, busy: usize, connections: usize) -> bool {
        let more = |now: usize, said: usize| now.wrapping_sub(said);
        let made_room = shared.correct(more(busy, self.busy), more(connections, self.connections));
        *self = Self { busy, connections };
        made_room
    }
}

/// The settings of one worker: what is said for the whole process is divided.
pub(super) fn share(config: &Config, workers: usize, number: usize) -> Config {
    let part = |all: usize| all / workers + usize::from(number < all % workers);
    config.clone().connections(part(config.connections)).max_held(part(config.max_held))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up() {
        let all = Config::default().connections(11).max_held(1_000_001);
        let shares = [0, 1, 2].map(|number| share(&all, 3, number));
        assert_eq!(shares.each_ref().map(|one| one.connections), [4, 4, 3]);
        assert_eq!(shares.each_ref().map(|one| one.max_held), [333_334, 333_334, 333_333]);
        assert_eq!(share(&all, 1, 0), all);
    }
}
