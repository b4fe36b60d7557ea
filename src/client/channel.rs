//! One connection to an origin: its link, the protocol on it, and the addresses that are left to
//! try.

use std::sync::Arc;
use std::time::Instant;

use super::{Addresses, Cause, Origin};
use crate::buf::Buf;
use crate::link::{Got, Link, Socket};
use crate::proto::Limits;
use crate::proto::client::Connection;

/// A read takes at most so many bytes. Answers are small.
const READ: usize = 4 << 10;

pub(super) struct Channel<S> {
    pub(super) origin: Arc<Origin>,
    pub(super) link: Link<S>,
    pub(super) http: Connection,
    /// What was read and not used yet.
    pub(super) input: Buf,
    /// `None` once it is established.
    pub(super) route: Option<Route>,
    /// The key of the exchange that it carries.
    pub(super) exchange: Option<usize>,
    /// True if it has carried one before.
    pub(super) was_used: bool,
    pub(super) idle_since: Instant,
    pub(super) is_noted: bool,
    /// True if the whole head of the request was taken from us.
    pub(super) head_has_left: bool,
    /// True if it took anything that waited since this was looked at.
    pub(super) has_moved: bool,
    /// True if a read has failed.
    pub(super) is_broken: bool,
    /// Why a write has failed. What the server said before can still be read.
    pub(super) failed: Option<Cause>,
}

/// The addresses of the origin, and which of them is tried.
pub(super) struct Route {
    pub(super) addresses: Addresses,
    pub(super) next: usize,
    /// When the next one is tried.
    pub(super) until: Instant,
}

impl<S: Socket> Channel<S> {
    pub(super) fn new(
        origin: Arc<Origin>,
        socket: S,
        limits: Limits,
        route: Route,
        now: Instant,
    ) -> Self {
        Self {
            origin,
            link: Link::new(socket),
            http: Connection::new(limits),
            input: Buf::with_capacity(0),
            route: Some(route),
            exchange: None,
            was_used: false,
            idle_since: now,
            is_noted: false,
            head_has_left: false,
            has_moved: false,
            is_broken: false,
            failed: None,
        }
    }

    /// Writes what waits, and `out`, which is left empty. A failure is kept: see `failed`.
    pub(super) fn write(&mut self, out: &mut Vec<u8>) {
        match self.link.write(out) {
            Ok(written) => {
                if written.bytes > 0 {
                    self.route = None;
                }
                self.has_moved |= written.bytes + written.transmitted > 0;
                self.head_has_left |= self.link.unsent() == 0;
            }
            Err(error) => self.fail(error.into()),
        }
        out.clear();
    }

    /// Writes what waits, and then content, as far as the server takes it; the chunk line before it
    /// by way of `out`. Returns how much of the content was taken.
    pub(super) fn pass(&mut self, content: &[u8], out: &mut Vec<u8>) -> usize {
        let mut taken = 0;
        // What is left of a chunk that was begun, and then a chunk of what has come behind it.
        while let Some(rest) = content.get(taken..).filter(|rest| !rest.is_empty()) {
            let may = self.http.frame(rest.len(), out);
            if !out.is_empty() {
                self.write(out);
            }
            let framed = rest.get(..may).unwrap_or_default();
            match self.link.pass(framed) {
                Ok(passed) => {
                    self.http.sent(passed);
                    taken += passed;
                    if passed < may || may == 0 {
                        break;
                    }
                }
                Err(error) => {
                    self.fail(error.into());
                    break;
                }
            }
        }
        taken
    }

    fn fail(&mut self, cause: Cause) {
        self.failed = Some(cause);
        self.link.close_writing();
    }

    /// Reads once into `input`.
    pub(super) fn read(&mut self) -> Got {
        self.input.grow(READ);
        let most = self.input.spare_mut().len();
        self.link.read(&mut self.input, most)
    }

    /// Frees the memory of what was read, if all of it was used.
    pub(super) fn shrink(&mut self) {
        if self.input.is_empty() {
            self.input = Buf::with_capacity(0);
        }
    }

    /// True if it can carry a request: nothing was said and nothing has ended while it was idle.
    pub(super) fn is_alive(&mut self) -> bool {
        self.failed.is_none() && self.link.is_quiet()
    }
}
