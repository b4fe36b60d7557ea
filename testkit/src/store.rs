//! A scripted store. It stands for S3, or for any origin that takes PUTs, and on command does
//! what no real store can be made to do.
//!
//! | to | begin with |
//! |---|---|
//! | play a connection in a simulation | [`Session`]: bytes in, bytes out, an invented time |
//! | serve real sockets | [`serve::Serving`]: a thread per connection on loopback |
//! | have it misbehave | [`Rule`] and [`Act`], given to [`Store::script`] |
//! | ask what happened | [`Store::log`], [`Store::object`], [`Store::wait_until`] |
//!
//! It is an oracle: it shares no code with the library, and reads what a client sends by
//! `httparse` and rules of its own.

mod answer;
mod content;
mod log;
mod multipart;
mod objects;
mod operations;
mod output;
mod request;
mod script;
pub mod serve;
mod session;
mod signature;
mod state;
#[cfg(test)]
mod tests;
mod time;
mod xml;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

pub use answer::{Answer, Content, Framing, Malformed};
pub use log::{Connection, Cut, Log, Request, Side};
pub use multipart::{Part, Upload};
pub use objects::Object;
pub use request::Operation;
pub use script::{Act, Rule, Space, Then, Which};
pub use session::Session;
pub use signature::Key;
use state::State;

use crate::client::PATIENCE;

/// How one side ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It sends no more, and takes and drops what still comes.
    Fin,
    /// At once, with what was on its way.
    Reset,
}

/// What a store is like, whatever its script says.
#[derive(Clone, Debug)]
pub struct Config {
    /// True for an origin without buckets: the key of an object is the path of the target,
    /// without its first slash, and its bucket is the empty name.
    pub is_plain: bool,
    /// The name behind the bucket's in `Host`, if buckets are named there: `s3.test` for
    /// `bucket.s3.test`. Other hosts name the bucket in their path.
    pub domain: Option<String>,
    /// True if a PUT without `Content-Length` is 411.
    pub needs_length: bool,
    /// What becomes of `If-None-Match` and `If-Match`.
    pub conditions: Conditions,
    /// True if objects of one key are kept beside each other.
    pub keeps_versions: bool,
    /// Whose signatures are taken. If there is none, no request has to be signed.
    pub keys: Vec<Key>,
    /// Where it says it is; signatures name it.
    pub region: String,
    /// How far its clock is ahead of the time that it is told.
    pub ahead: Duration,
    /// When a request is refused for what stands in its head.
    pub refuses: Refuses,
    /// Bytes of the largest PUT or part; larger ones are 400 (EntityTooLarge).
    pub largest: u64,
    /// Bytes that each part but the last must have at least.
    pub smallest_part: u64,
    /// Bytes of content that are kept of an object; of a longer one, its length and MD5.
    pub keeps: u64,
}

impl Config {
    /// As S3 is.
    pub fn s3() -> Self {
        Self {
            is_plain: false,
            domain: None,
            needs_length: true,
            conditions: Conditions::Honoured,
            keeps_versions: false,
            keys: Vec::new(),
            region: "us-east-1".to_owned(),
            ahead: Duration::ZERO,
            refuses: Refuses::Early,
            largest: 5 << 30,
            smallest_part: 5 << 20,
            keeps: 64 << 20,
        }
    }

    /// As an origin is that takes a PUT at any path, with or without a length.
    pub fn plain() -> Self {
        Self { is_plain: true, needs_length: false, largest: u64::MAX, ..Self::s3() }
    }
}

/// What becomes of conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conditions {
    /// 412 if one is not met.
    Honoured,
    /// They are overlooked, and an object is replaced.
    Ignored,
    /// 501.
    Refused,
}

/// When a request is refused for what stands in its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refuses {
    /// Before its content, in place of a 100 (Continue); then the connection ends.
    Early,
    /// When all of its content was read. Everybody gets a 100 (Continue) who asks.
    AfterContent,
}

/// A store that several [`Session`]s share. A clone is the same store.
#[derive(Clone, Debug)]
pub struct Store {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Store {
    /// An empty one.
    pub fn new(config: Config) -> Self {
        let state = Mutex::new(State::new(config));
        Self { shared: Arc::new(Shared { state, changed: Condvar::new() }) }
    }

    /// As S3 is, with this bucket.
    pub fn s3(bucket: &str) -> Self {
        let store = Self::new(Config::s3());
        store.create_bucket(bucket);
        store
    }

    /// An origin that takes a PUT at any path.
    pub fn plain() -> Self {
        Self::new(Config::plain())
    }

    /// Has a bucket from now on.
    pub fn create_bucket(&self, name: &str) {
        self.state().buckets.create(name);
    }

    /// Changes what the store is like for requests that begin from now on.
    pub fn configure(&self, change: impl FnOnce(&mut Config)) {
        change(&mut self.state().config);
    }

    /// Adds a rule. Of two that contradict each other, the earlier one counts.
    ///
    /// # Panics
    /// If its act comes before a head and it asks for what only a head tells.
    pub fn script(&self, rule: Rule) {
        self.state().script.push(rule);
    }

    /// Forgets all rules.
    pub fn forget_script(&self) {
        self.state().script.clear();
    }

    /// What happened so far.
    pub fn log(&self) -> Log {
        self.state().log.clone()
    }

    /// Answers a question about the log, without a copy of it.
    pub fn ask<T>(&self, question: impl FnOnce(&Log) -> T) -> T {
        question(&self.state().log)
    }

    /// The object of that key. On a plain origin the bucket is the empty name.
    pub fn object(&self, bucket: &str, key: &str) -> Option<Object> {
        self.state().buckets.object(bucket, key).cloned()
    }

    /// The keys of a bucket, in their order.
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        self.state().buckets.keys(bucket)
    }

    /// The names of the versions of a key, from the oldest to the current one.
    pub fn versions(&self, bucket: &str, key: &str) -> Vec<String> {
        self.state().buckets.versions(bucket, key)
    }

    /// The multipart uploads that are unfinished, in the order in which they began.
    pub fn uploads(&self) -> Vec<Upload> {
        self.state().uploads.unfinished.clone()
    }

    /// Waits until something is true of the log.
    ///
    /// # Panics
    /// If it does not become true in a minute.
    #[track_caller]
    pub fn wait_until(&self, mut condition: impl FnMut(&Log) -> bool) {
        let end = Instant::now() + PATIENCE;
        let mut state = self.state();
        while !condition(&state.log) {
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "it becomes true in the end: {:#?}", state.log);
            let waited = self.shared.changed.wait_timeout(state, left);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A new connection to it.
    pub fn connect(&self, now: SystemTime) -> Session {
        Session::new(self.clone(), now)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has those who wait look again.
    fn notify(&self) {
        self.shared.changed.notify_all();
    }
}
