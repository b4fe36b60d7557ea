//! The limits of what the other side of a connection may send, each with its default and the reason for it.

/// What the other side of a connection may send.
///
/// # Example
///
/// ```
/// use streamsum::proto::Limits;
///
/// let limits = Limits::default().body(5 << 30).requests(None);
/// assert_eq!(limits.head, 65_536);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of a request line, or of a status line, without its CRLF. Default 16 KiB: twice what
    /// RFC 9112 §3 asks every recipient to take. One that is longer than [`Limits::head`]
    /// is never taken.
    pub request_line: u32,
    /// Bytes of a head, from its request line to its empty line, both included; and of a
    /// trailer section. Default 64 KiB: no well-known client sends more.
    pub head: u32,
    /// Field lines in a head or in a trailer section. Default 100, as in other servers.
    pub fields: u16,
    /// Bytes of the framing of chunks in one request; the first 24 of each chunk are not
    /// counted. Default 16 KiB: tiny chunks are always taken, and a flood of chunk
    /// extensions is refused.
    pub chunk_overhead: u32,
    /// Bytes of content in one request; a declared length is judged when the request is
    /// accepted. Default none: content is not stored, so its length costs no memory. With
    /// `Some(0)` only requests without content are taken. See also
    /// [`Connection::set_body_limit`](super::Connection::set_body_limit).
    pub body: Option<u64>,
    /// Interim answers before the final one, for a [`client`](super::client) alone. Default
    /// 1,000: a server that says once a second that it is still at work may do so for a quarter of
    /// an hour.
    pub interim: u16,
    /// Requests on one connection; the answer to the last says `Connection: close`.
    /// Default none: to keep a connection costs little, and a new one costs a round trip.
    /// Set it behind a balancer that chooses a server when a client connects: a client that
    /// keeps its connection would always stay with the first choice. `Some(0)` counts as 1.
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
            interim: 1_000,
            requests: None,
        }
    }
}

impl Limits {
    /// For what a server sends to a [`client`](super::client): the default ones, and at most
    /// 64 KiB of content.
    #[must_use]
    pub fn for_answers() -> Self {
        Self::default().body(64 << 10)
    }
}

/// Sets each limit by its name; the fields of [`Limits`] say what they mean.
impl Limits {
    /// Sets [`Limits::request_line`](field@Limits::request_line).
    #[must_use]
    pub fn request_line(mut self, bytes: u32) -> Self {
        self.request_line = bytes;
        self
    }

    /// Sets [`Limits::head`](field@Limits::head).
    #[must_use]
    pub fn head(mut self, bytes: u32) -> Self {
        self.head = bytes;
        self
    }

    /// Sets [`Limits::fields`](field@Limits::fields).
    #[must_use]
    pub fn fields(mut self, lines: u16) -> Self {
        self.fields = lines;
        self
    }

    /// Sets [`Limits::chunk_overhead`](field@Limits::chunk_overhead).
    #[must_use]
    pub fn chunk_overhead(mut self, bytes: u32) -> Self {
        self.chunk_overhead = bytes;
        self
    }

    /// Sets [`Limits::body`](field@Limits::body); `None` turns it off.
    #[must_use]
    pub fn body(mut self, bytes: impl Into<Option<u64>>) -> Self {
        self.body = bytes.into();
        self
    }

    /// Sets [`Limits::interim`](field@Limits::interim).
    #[must_use]
    pub fn interim(mut self, answers: u16) -> Self {
        self.interim = answers;
        self
    }

    /// Sets [`Limits::requests`](field@Limits::requests); `None` turns it off.
    #[must_use]
    pub fn requests(mut self, most: impl Into<Option<u32>>) -> Self {
        self.requests = most.into();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_sets_its_own() {
        let limits = Limits::default();
        let limits = limits.request_line(1).head(2).fields(3).chunk_overhead(4).body(5);
        let limits = limits.requests(6).interim(7);
        let Limits { request_line, head, fields, chunk_overhead, body, interim, requests } = limits;
        assert_eq!((request_line, head, fields, chunk_overhead), (1, 2, 3, 4));
        assert_eq!((body, requests, interim), (Some(5), Some(6), 7));
        let without = limits.body(None).requests(None);
        assert_eq!((without.body, without.requests, without.head), (None, None, 2));
    }
}
