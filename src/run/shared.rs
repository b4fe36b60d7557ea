//! What the loop of a server shares with its handles.

use std::mem;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mio::Waker;

use super::status::Inquiry;
use crate::engine::Stats;
use crate::resident::Decisions;

/// What a loop is to do. A weaker order does not replace a stronger one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Order {
    Serve,
    Drain,
    Stop,
}

impl Order {
    const ALL: [Order; 3] = [Order::Serve, Order::Drain, Order::Stop];
}

/// What came for a loop from outside.
#[derive(Default)]
pub(super) struct Inbox {
    pub(super) decisions: Decisions,
    pub(super) inquiries: Vec<Arc<Inquiry>>,
    /// True if the loop has ended, and takes in no more.
    pub(super) is_closed: bool,
}

/// What a loop has counted, as it was after its last turn.
#[derive(Clone, Debug, Default)]
pub(super) struct Counted {
    pub(super) stats: Stats,
    pub(super) connections: usize,
}

/// What one loop shares with its handles.
pub(super) struct Shared {
    waker: Waker,
    /// The number that the ids of its requests have.
    pub(super) engine: NonZeroU32,
    order: AtomicU8,
    /// At most so many decisions wait: there are never more requests.
    max_decisions: usize,
    inbox: Mutex<Inbox>,
    counted: Mutex<Counted>,
}

impl Shared {
    pub(super) fn new(waker: Waker, engine: NonZeroU32, max_decisions: usize) -> Self {
        let order = AtomicU8::new(Order::Serve as u8);
        let (inbox, counted) = (Mutex::default(), Mutex::default());
        Self { waker, engine, order, max_decisions, inbox, counted }
    }

    /// Puts something into the inbox. False if the loop has ended: then nothing was put.
    pub(super) fn put(&self, put: impl FnOnce(&mut Inbox)) -> bool {
        self.put_if(|inbox| {
            put(inbox);
            true
        })
    }

    /// Likewise for a decision. False if too many wait, too.
    pub(super) fn decide(&self, decide: impl FnOnce(&mut Decisions)) -> bool {
        self.put_if(|inbox| {
            let has_room = inbox.decisions.len() < self.max_decisions;
            if has_room {
                decide(&mut inbox.decisions);
            }
            has_room
        })
    }

    fn put_if(&self, put: impl FnOnce(&mut Inbox) -> bool) -> bool {
        let mut inbox = self.inbox();
        let was_put = !inbox.is_closed && put(&mut inbox);
        drop(inbox);
        if was_put {
            self.wake();
        }
        was_put
    }

    /// Swaps the inbox with an empty one.
    pub(super) fn take(&self, empty: &mut Inbox) {
        mem::swap(&mut *self.inbox(), empty);
    }

    /// The loop has ended.
    pub(super) fn close(&self) {
        let closed = Inbox { is_closed: true, ..Inbox::default() };
        let left = mem::replace(&mut *self.inbox(), closed);
        // An inquiry may end here, and asks whom it likes.
        drop(left);
    }

    pub(super) fn order(&self, order: Order) {
        self.order.fetch_max(order as u8, Ordering::AcqRel);
        self.wake();
    }

    pub(super) fn ordered(&self) -> Order {
        let number = self.order.load(Ordering::Acquire);
        Order::ALL.into_iter().find(|order| *order as u8 == number).unwrap_or(Order::Stop)
    }

    pub(super) fn wake(&self) {
        // It fails only if the poll is gone, and with it the loop.
        let _ = self.waker.wake();
    }

    pub(super) fn counted(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
