//! What the loop of a server shares with its handles.

use std::mem;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mio::Waker;

use super::status::Inquiry;
use crate::engine::Stats;
use crate::handler::UploadId;
use crate::placement::Load;
use crate::resident::{Decision, Decisions};
use crate::server::Newcomer;

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
    /// Connections that another worker has accepted.
    pub(super) arrivals: Vec<Newcomer>,
    /// True if an idle connection is to give way, for the worker that accepts has no place or no
    /// descriptor for the next one.
    pub(super) is_to_give_way: bool,
    /// What others, by their numbers, have answered to that: true if one gave way.
    pub(super) answers: Vec<(usize, bool)>,
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
    /// True if something may be in the inbox: a loop with nothing to take takes no lock.
    has_mail: AtomicBool,
    counted: Mutex<Counted>,
    busy: AtomicUsize,
    connections: AtomicUsize,
    max_connections: AtomicUsize,
}

impl Shared {
    pub(super) fn new(waker: Waker, engine: NonZeroU32, max_connections: usize) -> Self {
        Self {
            waker,
            engine,
            order: AtomicU8::new(Order::Serve as u8),
            max_decisions: max_connections,
            inbox: Mutex::default(),
            has_mail: AtomicBool::new(false),
            counted: Mutex::default(),
            busy: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            max_connections: AtomicUsize::new(max_connections),
        }
    }

    /// How loaded this worker is, those included that were sent to it.
    pub(super) fn load(&self) -> Load {
        Load {
            busy: self.busy.load(Ordering::Acquire),
            connections: self.connections.load(Ordering::Acquire),
            max_connections: self.max_connections.load(Ordering::Acquire),
        }
    }

    /// Sends a connection to this worker.
    ///
    /// # Errors
    ///
    /// The connection, if the worker has ended.
    pub(super) fn send(&self, newcomer: Newcomer) -> Result<(), Newcomer> {
        let mut inbox = self.inbox();
        if inbox.is_closed {
            return Err(newcomer);
        }
        inbox.arrivals.push(newcomer);
        // Before the worker can take it, and count it as its own.
        self.busy.fetch_add(1, Ordering::AcqRel);
        self.connections.fetch_add(1, Ordering::AcqRel);
        self.deliver(inbox);
        Ok(())
    }

    /// Adds the difference to what this worker has counted before; wraps, for it may have become
    /// less. True if it was full, and is not any more.
    pub(super) fn correct(&self, busy: usize, connections: usize) -> bool {
        self.busy.fetch_add(busy, Ordering::AcqRel);
        let before = self.connections.fetch_add(connections, Ordering::AcqRel);
        let most = self.max_connections.load(Ordering::Acquire);
        before >= most && before.wrapping_add(connections) < most
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

    /// Takes its own of these, as far as there is room; and if the loop has ended, all of them.
    pub(super) fn take_decisions(&self, decisions: &mut Decisions) {
        let mut inbox = self.inbox();
        if inbox.is_closed {
            decisions.list.retain(|(id, _)| id.engine != self.engine);
            return;
        }
        let mut room = self.max_decisions.saturating_sub(inbox.decisions.len());
        let is_own = |(id, _): &mut (UploadId, Decision)| {
            let takes = id.engine == self.engine && room > 0;
            room -= usize::from(takes);
            takes
        };
        let before = inbox.decisions.len();
        inbox.decisions.list.extend(decisions.list.extract_if(.., is_own));
        if inbox.decisions.len() > before {
            self.deliver(inbox);
        }
    }

    fn put_if(&self, put: impl FnOnce(&mut Inbox) -> bool) -> bool {
        let mut inbox = self.inbox();
        let was_put = !inbox.is_closed && put(&mut inbox);
        if was_put {
            self.deliver(inbox);
        }
        was_put
    }

    /// Has the loop look into the inbox.
    fn deliver(&self, inbox: MutexGuard<'_, Inbox>) {
        self.has_mail.store(true, Ordering::Release);
        drop(inbox);
        self.wake();
    }

    /// Swaps the inbox with an empty one, if anything has come.
    pub(super) fn take(&self, empty: &mut Inbox) {
        if self.has_mail.load(Ordering::Acquire) {
            let mut inbox = self.inbox();
            self.has_mail.store(false, Ordering::Release);
            mem::swap(&mut *inbox, empty);
        }
    }

    /// The loop has ended.
    pub(super) fn close(&self) {
        let closed = Inbox { is_closed: true, ..Inbox::default() };
        let left = mem::replace(&mut *self.inbox(), closed);
        // Full for ever.
        self.max_connections.store(0, Ordering::Release);
        // An inquiry may end here, and asks whom it likes.
        drop(left);
    }

    pub(super) fn has_ended(&self) -> bool {
        self.inbox().is_closed
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
