//! What a store has seen.

use std::time::SystemTime;

use super::{End, Operation};

/// All that happened.
#[derive(Clone, Debug, Default)]
pub struct Log {
    /// In the order in which they were made.
    pub connections: Vec<Connection>,
    /// In the order in which their heads came to an end.
    pub requests: Vec<Request>,
    /// What no client of S3 should do, in words.
    pub faults: Vec<String>,
}

/// Who.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Who connected.
    Client,
    /// Who was connected to.
    Store,
}

/// Who ended a connection first, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Who.
    pub by: Side,
    /// How.
    pub end: End,
}

/// One connection.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    /// Heads that came whole on it.
    pub requests: usize,
    /// All bytes that were read of it.
    pub received: u64,
    /// Bytes that came after the store had ended it, and were dropped.
    pub late: u64,
    /// Bytes of a head that did not come whole.
    pub unfinished_head: usize,
    /// Who ended it first; `None` as long as it is open.
    pub end: Option<Cut>,
    /// How the client ended it, before or after the store had.
    pub client_end: Option<End>,
}

/// One request.
#[derive(Clone, Debug)]
pub struct Request {
    /// Which of [`Log::connections`] it came on.
    pub connection: usize,
    /// How many came on that connection before it.
    pub number: usize,
    /// When its head had come.
    pub time: SystemTime,
    /// As it came.
    pub method: String,
    /// As it came.
    pub target: String,
    /// Names in lower case, and values, in their order.
    pub fields: Vec<(String, String)>,
    /// What it wants.
    pub operation: Operation,
    /// The empty name on a plain origin.
    pub bucket: String,
    /// Decoded; empty if it is about a bucket.
    pub key: String,
    /// Whose signature it has, if that is right and was asked for.
    pub signed_by: Option<String>,
    /// Bytes of its content that came.
    pub received: u64,
    /// True if its content has come to its end.
    pub is_complete: bool,
    /// True if a 100 (Continue) was sent.
    pub was_continued: bool,
    /// Bytes of content that had come when the final answer began.
    pub received_before_answer: Option<u64>,
    /// The final status, whether it reached the client or not.
    pub status: Option<u16>,
    /// True if it changed what the store has.
    pub is_done: bool,
    /// How the connection ended, if its content had not come to its end before.
    pub cut: Option<Cut>,
}

impl Request {
    /// The value of a field.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

impl Log {
    /// The requests for an object of that key.
    pub fn of<'l>(&'l self, key: &'l str) -> impl Iterator<Item = &'l Request> {
        self.requests.iter().filter(move |request| request.key == key)
    }

    /// How many requests brought content for that key, be it cut or complete.
    pub fn times_received(&self, key: &str) -> usize {
        self.of(key).filter(|request| request.received > 0).count()
    }

    /// Bytes of content that came for that key in all.
    pub fn bytes_received(&self, key: &str) -> u64 {
        self.of(key).map(|request| request.received).sum()
    }

    /// How many connections are open.
    pub fn open(&self) -> usize {
        self.connections.iter().filter(|connection| connection.end.is_none()).count()
    }
}
