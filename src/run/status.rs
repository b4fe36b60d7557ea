//! What a server tells those who ask it from other threads, as values of their own.

use std::io;
use std::mem;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::engine::{Phase, Underway};
use crate::handler::{PeerAddr, UploadId};
use crate::server::{LostListener, Server};

/// The state of a server between two turns, as [`Handle::inspect`](super::Handle::inspect)
/// reports it: all its workers together.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Status {
    /// Connections that are open.
    pub connections: usize,
    /// Bytes kept for peers: see [`Config::max_held`](crate::engine::Config::max_held).
    pub held: usize,
    /// What keeps connections waiting: see [`Server::shortage`].
    pub shortage: Option<io::Error>,
    /// The listeners that were lost since the server began: see [`Server::lost_listeners`].
    pub lost_listeners: Vec<LostListener>,
    /// The requests that are under way, in no order.
    pub uploads: Vec<OwnedUnderway>,
}

/// An [`Underway`] that outlives the turn.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OwnedUnderway {
    /// See [`Underway::id`].
    pub id: UploadId,
    /// See [`Underway::peer`].
    pub peer: PeerAddr,
    /// See [`Underway::method`].
    pub method: Option<String>,
    /// See [`Underway::target`].
    pub target: Option<String>,
    /// See [`Underway::length`].
    pub length: Option<u64>,
    /// See [`Underway::received`].
    pub received: u64,
    /// See [`Underway::duration`].
    pub duration: Duration,
    /// See [`Underway::phase`].
    pub phase: Phase,
}

impl From<Underway<'_>> for OwnedUnderway {
    fn from(upload: Underway<'_>) -> Self {
        let Underway { id, peer, method, target, length, received, duration, phase } = upload;
        let [method, target] = [method, target].map(|name| name.map(str::to_owned));
        Self { id, peer, method, target, length, received, duration, phase }
    }
}

impl Status {
    fn add<U>(&mut self, server: &Server<U>, lost: &[LostListener]) {
        self.connections += server.connections();
        self.held += server.held();
        self.shortage = self.shortage.take().or_else(|| server.shortage().map(copy));
        let lost = lost.iter().map(|one| LostListener { error: copy(&one.error), ..*one });
        self.lost_listeners.extend(lost);
        self.uploads.extend(server.uploads().map(OwnedUnderway::from));
    }
}

/// The same error once more, as far as one can be copied.
fn copy(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(number) => io::Error::from_raw_os_error(number),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

type Then = Box<dyn FnOnce(Status) + Send>;

/// One question to all workers. Each adds its part and lets go of it; the last one reports. So
/// a worker that ends before it was asked keeps nobody waiting.
pub(super) struct Inquiry(Mutex<Open>);

struct Open {
    status: Status,
    then: Option<Then>,
}

impl Inquiry {
    pub(super) fn new(then: Then) -> Self {
        Self(Mutex::new(Open { status: Status::default(), then: Some(then) }))
    }

    pub(super) fn add<U>(&self, server: &Server<U>, lost: &[LostListener]) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.status.add(server, lost);
    }
}

impl Drop for Inquiry {
    fn drop(&mut self) {
        let open = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(then) = open.then.take() {
            then(mem::take(&mut open.status));
        }
    }
}
