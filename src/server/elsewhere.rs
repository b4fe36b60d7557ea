//! Several servers that share the connections which one of them accepts.

use std::fmt;
use std::io;
use std::time::Instant;

use super::connected::Wrap;
use super::newcomers::{ASK_AGAIN, Vacancy};
use super::{Server, Stream};
use crate::engine::Now;
use crate::handler::Origin;
use crate::placement::{Load, Placement, place};

/// The number of the server that accepts.
pub(super) const HERE: usize = 0;

/// A connection that was accepted.
pub(crate) struct Newcomer {
    pub(crate) stream: Stream,
    pub(crate) origin: Origin,
    /// As its listener says.
    pub(crate) wrap: Option<Wrap>,
}

impl fmt::Debug for Newcomer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stream, origin, .. } = self;
        f.debug_struct("Newcomer")
            .field("stream", stream)
            .field("origin", origin)
            .finish_non_exhaustive()
    }
}

/// The other servers of one that accepts for all.
pub(crate) trait Elsewhere: fmt::Debug + Send {
    /// Where the next connection goes, if the server that asks is loaded like this.
    ///
    /// A server that could not [give way](Server::give_way) is passed over for a while, and
    /// nobody is to give way as long as one has not answered.
    fn place(&self, here: Load, now: Instant) -> Placement;

    /// Hands a connection over.
    ///
    /// # Errors
    ///
    /// The connection, if that server has ended.
    fn hand_over(&mut self, to: usize, newcomer: Newcomer) -> Result<(), Newcomer>;

    /// Asks one of them to [give way](Server::give_way) with an idle connection.
    fn ask_for_place(&mut self, number: usize, now: Instant);

    /// Likewise for a descriptor the one that has the most of them. False if none has any.
    fn ask_for_descriptor(&mut self, now: Instant) -> bool;

    /// Hears from one that it was asked, and whether it has given way.
    fn hear(&mut self, number: usize, gave_way: bool, now: Instant);
}

impl<U> Server<U> {
    /// From now on some of its connections go elsewhere.
    pub(crate) fn share(&mut self, elsewhere: Box<dyn Elsewhere>) {
        self.elsewhere = Some(elsewhere);
    }

    /// Takes a connection that another server has accepted.
    pub(crate) fn arrive(&mut self, newcomer: Newcomer) {
        self.arrivals.push_back(newcomer);
    }

    /// Frees the place and the descriptor of an idle connection, as the server that accepts has
    /// asked for. True if there was one.
    pub(crate) fn give_way(&mut self, now: Now) -> bool {
        self.free_descriptor(now)
    }

    /// Hears from another server that it was asked to give way, and whether it has.
    pub(crate) fn hear(&mut self, number: usize, gave_way: bool, now: Now) {
        if let Some(elsewhere) = &mut self.elsewhere {
            elsewhere.hear(number, gave_way, now.monotonic);
        }
        if gave_way {
            // There is a descriptor again, if that was what was short.
            self.paused_until = None;
        }
    }

    /// Has a newcomer wait for a place, for which the server with this number is to give way.
    pub(super) fn wait_for_place(&mut self, newcomer: Newcomer, number: usize, now: Now) {
        self.arrivals.push_back(newcomer);
        // It answers; or it is time to ask again.
        self.vacancy_at = Some(now.monotonic + ASK_AGAIN);
        if let Some(elsewhere) = &mut self.elsewhere {
            elsewhere.ask_for_place(number, now.monotonic);
        }
    }

    pub(super) fn ask_for_descriptor(&mut self, now: Now) -> bool {
        let asked = self.elsewhere.as_mut().map(|it| it.ask_for_descriptor(now.monotonic));
        asked.unwrap_or_default()
    }

    pub(super) fn load(&self) -> Load {
        Load {
            busy: self.engine.busy(),
            connections: self.engine.connections(),
            max_connections: self.engine.config().connections,
        }
    }

    /// Where a connection goes, if this server is loaded like that.
    pub(super) fn placement(&self, here: Load, now: Now) -> Placement {
        match &self.elsewhere {
            Some(elsewhere) => elsewhere.place(here, now.monotonic),
            None => place([here]),
        }
    }

    /// Hands a connection over, or takes it in if the other server has ended.
    pub(super) fn hand_over(&mut self, to: usize, newcomer: Newcomer, now: Now) -> io::Result<()> {
        let back = match &mut self.elsewhere {
            Some(elsewhere) => elsewhere.hand_over(to, newcomer),
            None => Err(newcomer),
        };
        match back {
            Err(newcomer) if self.has_vacancy() => self.take_in(newcomer, Vacancy::Free, now),
            // Where there is no place, it is closed.
            _ => Ok(()),
        }
    }

    /// Takes in those who wait for a place, as far as there are any. True if nobody waits any
    /// more.
    pub(super) fn welcome(&mut self, now: Now) -> bool {
        while !self.arrivals.is_empty()
            && let Some(vacancy) = self.find_vacancy(now)
            && let Some(newcomer) = self.arrivals.pop_front()
        {
            if let Err(error) = self.take_in(newcomer, vacancy, now) {
                self.pause(error, now);
                break;
            }
        }
        self.arrivals.is_empty()
    }

    /// Takes in those who wait for a place, as far as places are free; the others are closed, as
    /// those are who are in a backlog still.
    pub(super) fn part_with_arrivals(&mut self, now: Now) {
        while let Some(newcomer) = self.arrivals.pop_front()
            && let Some(vacancy) = self.free_place(now)
        {
            // What fails here is closed.
            let _ = self.take_in(newcomer, vacancy, now);
        }
        self.arrivals.clear();
    }
}
