//! What one loop does for the others of its group: the first accepts for all.

use std::sync::Arc;

use super::shared::Shared;
use crate::engine::Config;
use crate::placement::{Load, Placement, place};
use crate::server::{Elsewhere, Newcomer};

/// The other workers of the one that accepts, which is the first.
pub(super) struct Others(pub(super) Arc<[Shared]>);

impl Elsewhere for Others {
    fn place(&self, here: Load) -> Placement {
        let others = self.0.iter().skip(1).map(Shared::load);
        place(std::iter::once(here).chain(others))
    }

    fn hand_over(&mut self, to: usize, newcomer: Newcomer) -> Result<(), Newcomer> {
        match self.0.get(to) {
            Some(worker) => worker.send(newcomer),
            None => Err(newcomer),
        }
    }

    fn ask_for_descriptor(&mut self) -> bool {
        let idle = |worker: &&Shared| {
            let Load { busy, connections, .. } = worker.load();
            connections.saturating_sub(busy)
        };
        let most = self.0.iter().skip(1).max_by_key(idle).filter(|worker| idle(worker) > 0);
        most.is_some_and(|worker| worker.put(|inbox| inbox.is_descriptor_wanted = true))
    }
}

impl std::fmt::Debug for Others {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().skip(1).map(Shared::load)).finish()
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
