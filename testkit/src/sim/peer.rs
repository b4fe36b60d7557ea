//! A peer of the simulated world: what it is about to send, and how far it is.

use streamsum::engine::Config;

use super::Client;
use super::traffic::{Ending, Plan};
use crate::random::Random;

/// What a script says of a peer.
const BYTES: usize = 16;

pub(crate) struct Peer {
    /// None until it connects.
    pub(crate) client: Option<Client>,
    pub(crate) plan: Plan,
    pub(crate) sent: usize,
    /// True if it has sent all it will.
    pub(crate) is_over: bool,
    /// The requests that were answered with [`ENOUGH`](super::world::ENOUGH).
    pub(crate) cut_short: Vec<usize>,
}

impl Peer {
    pub(crate) fn new(number: usize, random: &mut Random) -> Self {
        let record = random.begin_record(BYTES);
        let plan = Plan::new(number, random);
        random.end_record(record);
        Self { client: None, plan, sent: 0, is_over: false, cut_short: Vec::new() }
    }

    pub(crate) fn end(&mut self) {
        let Some(client) = &self.client else { return };
        match self.plan.ending {
            Ending::Finish => client.finish(),
            Ending::Reset => client.reset(),
            Ending::Silence => {}
        }
        self.is_over = true;
    }

    /// When the engine rests, nothing may be left that only an event that never comes
    /// would bring to its notice.
    pub(crate) fn assert_nothing_is_left(&self, number: usize, is_blocked: bool, config: &Config) {
        let Some(client) = self.client.as_ref().filter(|client| !client.is_closed()) else {
            return;
        };
        // Lingering may have read all the bytes that it reads.
        let has_lingered = config.timeouts.max_linger.is_some() && client.sees_half_close();
        let is_excused = is_blocked || client.is_full() || has_lingered;
        assert!(is_excused || client.untaken() == 0, "peer {number} is not read");
        let has_ended = client.has_finished() || client.has_reset();
        assert!(is_excused || !has_ended, "the end of peer {number} is not seen");
        assert!(has_lingered || !client.has_reset(), "the reset of peer {number} is not seen");
    }
}
