//! The bounds of what one connection may send, each with its default and the reason for it.

/// What one connection may send.
///
/// # Example
///
/// ```
/// use streamsum::proto::Limits;
///
/// let limits = Limits { body: Some(5 << 30), ..Limits::default() };
/// assert_eq!(limits.head, 65_536);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request line without its CRLF. Default 16 KiB: twice what
    /// RFC 9112 §3 asks everybody to take. One longer than [`Limits::head`] is never
    /// taken.
    pub request_line: u32,
    /// Bytes of a head from its request line through its empty line, and of a trailer
    /// section. Default 64 KiB, as large as any client of note sends.
    pub head: u32,
    /// Field lines in a head or in a trailer section. Default 100, as in other servers.
    pub fields: u16,
    /// Bytes that the chunk lines of one request may take above 24 a chunk. Default
    /// 16 KiB: tiny chunks stay free, and a flood of chunk extensions ends.
    pub chunk_overhead: u32,
    /// Bytes of content in one request. Default none: content is not kept, so its
    /// length costs no memory.
    pub body: Option<u64>,
    /// Requests on one connection; the answer to the last says `Connection: close`.
    /// Default none: a kept connection costs little, and a new one a round trip. To be set
    /// where a balancer chooses among several servers when a client connects, and clients
    /// that keep their connections would stay with its first choice. `Some(0)` counts as 1.
    pub requests: Option<u32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_line: 16 << 10,
            head: 64 << 10,
            fields: 100,
            chunk_overhead: 16 << 10,
            body: None,
            requests: None,
        }
    }
}
