//! Several servers that share the connections which one of them accepts.

use std::fmt;
use std::io;

use super::connected::Wrap;
use super::newcomers::Vacancy;
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
    fn place(&self, here: Load) -> Placement;

    /// Hands a connection over.
    ///
    /// # Errors
    ///
    /// The connection, if that server has ended.
    fn hand_over(&mut self, to: usize, newcomer: Newcomer) -> Result<(), Newcomer>;

    /// Asks one of them to [give way](Server::give_way) with an idle connection, for there is no
    /// descriptor. False if none has any.
    fn ask_for_descriptor(&mut self) -> bool;
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

    /// Frees the descriptor of an idle connection, as the server that accepts has asked for. True
    /// if there was one.
    pub(crate) fn give_way(&mut self, now: Now) -> bool {
        self.free_descriptor(now)
    }

    /// Accepts again at once: another server has given way.
    pub(crate) fn end_pause(&mut self) {
        self.paused_until = None;
    }

    pub(super) fn ask_for_descriptor(&mut self) -> bool {
        self.elsewhere.as_mut().is_some_and(|elsewhere| elsewhere.ask_for_descriptor())
    }

    pub(super) fn placement(&self) -> Placement {
        let here = Load {
            busy: self.engine.busy(),
            connections: self.engine.connections(),
            max_connections: self.engine.config().connections,
        };
        match &self.elsewhere {
            Some(elsewhere) => elsewhere.place(here),
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

    /// Takes in those who wait for a place, as far as there are any; unless something is short.
    pub(super) fn welcome(&mut self, now: Now) {
        if self.paused_until.is_some() {
            return;
        }
        while !self.arrivals.is_empty()
            && let Some(vacancy) = self.find_vacancy(now)
            && let Some(newcomer) = self.arrivals.pop_front()
        {
            if let Err(error) = self.take_in(newcomer, vacancy, now) {
                return self.pause(error, now);
            }
        }
    }
}
