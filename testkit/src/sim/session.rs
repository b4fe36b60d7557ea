//! What a socket does that has a session of its own between the engine and the wire, as one
//! of TLS has: it keeps output, wants to write when it is asked to read, and the reverse.

use std::collections::VecDeque;
use std::mem;

use crate::random::Random;

/// The session of one socket. It adds no bytes to the wire.
#[derive(Debug)]
pub(super) struct Session {
    /// Bytes that it took and the wire did not.
    pub(super) output: VecDeque<u8>,
    /// How many bytes it takes that the wire does not.
    pub(super) most: usize,
    /// True if a write transmits at once what it took.
    pub(super) is_eager: bool,
    /// How often, of a hundred times, a call wants the other first.
    pub(super) wants: usize,
    /// True if the next read wants something to be flushed first.
    pub(super) wants_next: bool,
    /// True if a read goes on only when something was flushed.
    pub(super) owes_output: bool,
    /// How often that began.
    pub(super) owed: usize,
    /// True if a write goes on only when the poll has told of something to read.
    pub(super) awaits_input: bool,
    /// True if the poll has told of it.
    pub(super) has_input: bool,
    pub(super) random: Random,
}

impl Session {
    pub(super) fn new(most: usize, wants: usize, mut random: Random) -> Self {
        Self {
            output: VecDeque::new(),
            most,
            is_eager: random.chance(50),
            wants,
            wants_next: false,
            owes_output: false,
            owed: 0,
            awaits_input: false,
            has_input: false,
            random,
        }
    }

    /// True if something waits to be flushed.
    pub(super) fn wants_write(&self) -> bool {
        self.owes_output || !self.output.is_empty()
    }

    /// True if a read has to wait for a flush.
    pub(super) fn read_waits(&mut self) -> bool {
        let wants = !self.owes_output && self.random.chance(self.wants);
        if mem::take(&mut self.wants_next) || wants {
            self.owes_output = true;
            self.owed += 1;
        }
        self.owes_output
    }

    /// True if a write has to wait for something to read, of which the poll is to tell.
    pub(super) fn write_waits(&mut self) -> bool {
        let has_waited = self.awaits_input && self.has_input;
        if has_waited {
            self.awaits_input = false;
        } else if !self.awaits_input && self.random.chance(self.wants) {
            (self.awaits_input, self.has_input) = (true, false);
        }
        self.awaits_input
    }
}
