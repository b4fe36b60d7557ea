//! The buffers that peers are lent for a turn.

use super::Config;
use crate::buf::{Buf, Pool};

/// Buffers for all the peers of a batch, and a longer one for a peer that is alone in it.
#[derive(Debug)]
pub(super) struct Buffers {
    shared: Pool,
    lone: Pool,
    lone_size: usize,
}

impl Buffers {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            shared: Pool::new(config.buffer, config.batch),
            lone: Pool::new(config.lone_buffer, 1),
            lone_size: config.lone_buffer,
        }
    }

    pub(super) fn take(&mut self) -> Buf {
        self.shared.take()
    }

    pub(super) fn take_lone(&mut self) -> Buf {
        self.lone.take()
    }

    /// Takes either kind back, and frees a buffer of neither.
    pub(super) fn put(&mut self, buf: Buf) {
        if self.lone.out() > 0 && buf.capacity() == self.lone_size {
            self.lone.put(buf);
        } else {
            self.shared.put(buf);
        }
    }

    /// How many are lent.
    pub(super) fn out(&self) -> usize {
        self.shared.out() + self.lone.out()
    }
}
