//! Who wants something of an origin: what, and how far that has come.

use std::sync::Arc;
use std::time::Duration;

use streamsum::client::{Client, ExchangeId, Failure};
use streamsum::proto::Framing;
use streamsum::proto::client::Request;

use super::net::Net;
use crate::random::Random;

/// What is asked.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) origin: usize,
    pub(super) method: &'static str,
    /// The number of the exchange that put it there, or is to.
    pub(super) key: usize,
    pub(super) content: Arc<[u8]>,
    pub(super) is_chunked: bool,
    pub(super) is_whole: bool,
    /// True if its owner wants the server to be asked for 100 (Continue).
    pub(super) wants_asking: bool,
}

impl Plan {
    pub(super) fn draw(number: usize, origins: usize, much: u64, random: &mut Random) -> Self {
        let much = usize::try_from(much).expect("a few");
        let length = match random.below(6) {
            0 => random.below(2),
            1 => much - 1 + random.below(3),
            2 => random.below(6_000),
            _ => random.below(much),
        };
        let is_question = random.chance(15);
        let content = if is_question { Vec::new() } else { random.bytes(length) };
        let is_whole = random.chance(30);
        Self {
            origin: random.below(origins),
            method: if is_question { *random.pick(&["GET", "HEAD"]) } else { "PUT" },
            key: if is_question { random.below(number + 1) } else { number },
            content: content.into(),
            is_chunked: !is_question && !is_whole && random.chance(40),
            is_whole,
            wants_asking: random.chance(20),
        }
    }

    pub(super) fn line(&self, number: usize) -> String {
        format!("{} /{}?{number} HTTP/1.1", self.method, self.key)
    }

    pub(super) fn has_content(&self) -> bool {
        self.is_chunked || !self.content.is_empty()
    }

    pub(super) fn request(&self, number: usize, authority: &str) -> Request {
        let target = format!("/{}?{number}", self.key);
        let request = Request::new(self.method, &target, authority).expect("a request");
        let request = request.expect_continue(self.wants_asking);
        if self.is_chunked {
            request.content(Framing::Chunked)
        } else if self.method == "PUT" && !self.is_whole {
            request.content(Framing::Length(self.content.len() as u64))
        } else {
            request
        }
    }
}

/// How an exchange has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    Answered { status: u16, is_early: bool, etag: Option<String> },
    Failed(Failure),
    GivenUp,
}

#[derive(Debug)]
pub(super) struct Owner {
    pub(super) id: ExchangeId,
    /// Bytes of its content that were taken.
    taken: usize,
    /// Bytes behind those that were offered, and have to be offered again.
    offered: usize,
    /// True if it was told that there is room, and has not met the end of it.
    pub(super) has_room: bool,
    is_finished: bool,
    pub(super) end: Option<(Duration, End)>,
}

impl Owner {
    pub(super) fn new(id: ExchangeId) -> Self {
        Self { id, taken: 0, offered: 0, has_room: false, is_finished: false, end: None }
    }

    /// True if it has more to say.
    pub(super) fn is_writing(&self, plan: &Plan) -> bool {
        let has_more = self.taken < plan.content.len() || plan.is_chunked && !self.is_finished;
        self.end.is_none() && !plan.is_whole && has_more
    }

    /// Writes some of the content, or all that is left; returns how much of it was taken, and how
    /// much offered.
    pub(super) fn write(
        &mut self,
        plan: &Plan,
        client: &mut Client<Net>,
        most: usize,
    ) -> (usize, usize) {
        let rest = &plan.content[self.taken..];
        let piece = &rest[..self.offered.max(most).min(rest.len())];
        let taken = client.write(self.id, piece);
        assert!(taken <= piece.len(), "more was taken than was offered");
        assert!(taken == 0 || self.end.is_none(), "taken though it is over");
        self.taken += taken;
        self.offered = piece.len() - taken;
        self.has_room = (self.has_room || taken > 0) && self.offered == 0;
        (taken, piece.len())
    }

    /// Says that there is no more, if that is so.
    pub(super) fn finish(&mut self, plan: &Plan, client: &mut Client<Net>) {
        let is_all = self.taken == plan.content.len() && self.offered == 0;
        if is_all && !self.is_finished && self.end.is_none() && plan.has_content() {
            self.is_finished = true;
            client.finish(self.id);
        }
    }
}
