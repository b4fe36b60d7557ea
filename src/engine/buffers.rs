//! The buffers that peers are lent for a turn.

use super::config::Config;
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

    /// `spare` has buffers that were given away and have come back.
    pub(super) fn take(&mut self, spare: impl FnOnce() -> Option<Buf>) -> Buf {
        self.shared.take_or(spare)
    }

    pub(super) fn take_lone(&mut self, spare: impl FnOnce() -> Option<Buf>) -> Buf {
        self.lone.take_or(spare)
    }

    /// Takes either kind back, and frees a buffer of neither, or one too many beside `spares`.
    pub(super) fn put(&mut self, buf: Buf, spares: usize) {
        // One whose memory was given away has another size.
        let is_lone = buf.capacity() == self.lone_size || self.shared.out() == 0;
        if self.lone.out() > 0 && is_lone {
            self.lone.put(buf);
        } else {
            self.shared.put_beside(buf, spares);
        }
    }

    /// How many are lent.
    pub(super) fn out(&self) -> usize {
        self.shared.out() + self.lone.out()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buffers(lone_size: usize) -> Buffers {
        Buffers::new(&Config::default().buffer(4096).lone_buffer(lone_size))
    }

    #[test]
    fn each_kind_comes_back_to_its_own() {
        let mut buffers = buffers(8192);
        let (shared, lone) = (buffers.take(|| None), buffers.take_lone(|| None));
        assert_eq!((shared.capacity(), lone.capacity(), buffers.out()), (4096, 8192, 2));
        buffers.put(shared, 0);
        assert_eq!((buffers.shared.out(), buffers.lone.out(), buffers.out()), (0, 1, 1));
        buffers.put(lone, 0);
        assert_eq!(buffers.out(), 0);
    }

    #[test]
    fn kinds_of_one_size_are_counted_all_the_same() {
        let mut buffers = buffers(4096);
        let shared = buffers.take(|| None);
        buffers.put(shared, 0);
        assert_eq!(buffers.out(), 0);
        let lone = buffers.take_lone(|| None);
        buffers.put(lone, 0);
        assert_eq!(buffers.out(), 0);
    }

    #[test]
    fn what_was_not_lent_is_not_counted() {
        let mut buffers = buffers(8192);
        let lent = buffers.take(|| None);
        buffers.put(Buf::with_capacity(4096), 0);
        assert_eq!(buffers.out(), 1);
        buffers.put(lent, 0);
        assert_eq!(buffers.out(), 0);
    }
}
