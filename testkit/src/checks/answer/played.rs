//! A client that writes down, in the oracle's words, what it is told. What has to hold for every
//! call is asserted on the way.

use streamsum::proto::Version;
use streamsum::proto::client::{self, Connection, End, Event, Fault};

use crate::naive::answer::Head;

/// What came of it. Two cuts of the same input give equal ones.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Played {
    pub(super) interim: Vec<Head>,
    pub(super) head: Option<Head>,
    pub(super) content: Vec<u8>,
    pub(super) fault: Option<Fault>,
    pub(super) is_over: bool,
    pub(super) is_reusable: bool,
    /// Bytes that were not used.
    pub(super) left: usize,
}

/// Of the answer to one request.
pub(super) struct Reader {
    pub(super) connection: Connection,
    pending: Vec<u8>,
    played: Played,
    /// True if the request was sent whole when the final head came.
    pub(super) sent_before_head: bool,
}

impl Reader {
    pub(super) fn new(connection: Connection) -> Self {
        Self {
            connection,
            pending: Vec::new(),
            played: Played {
                interim: Vec::new(),
                head: None,
                content: Vec::new(),
                fault: None,
                is_over: false,
                is_reusable: false,
                left: 0,
            },
            sent_before_head: false,
        }
    }

    pub(super) fn take(&mut self, piece: &[u8]) {
        self.pending.extend_from_slice(piece);
        while self.played.fault.is_none() && self.step() {}
    }

    /// One call; tells whether another may give more.
    fn step(&mut self) -> bool {
        let before = self.pending.clone();
        let was_over = self.connection.is_over();
        let step = match self.connection.receive(&mut self.pending) {
            Ok(step) => step,
            Err(fault) => {
                assert_eq!(self.pending, before, "touched by a fault");
                self.played.fault = Some(fault);
                return false;
            }
        };
        let used = step.used;
        assert!(used <= before.len(), "used {used} of {}", before.len());
        let again = match step.event {
            Event::Wait => false,
            Event::Interim(told) => {
                self.played.interim.push(head(&told));
                true
            }
            Event::Head(told) => {
                assert!(self.played.head.is_none(), "a second answer");
                self.played.head = Some(head(&told));
                self.sent_before_head = self.connection.is_sent();
                true
            }
            Event::Content { data, last } => {
                assert!(data.start <= data.end && data.end <= used, "{data:?} of {used}");
                assert!(last || !data.is_empty(), "an event without news");
                assert_eq!(last, self.connection.is_over());
                self.played.content.extend_from_slice(&self.pending[data]);
                true
            }
        };
        assert_eq!(self.pending[used..], before[used..], "touched behind {used}");
        assert!(!was_over || (used == 0 && !again), "used what is behind an answer");
        self.pending.drain(..used);
        again
    }

    /// The connection, if it is whole and may be used again.
    pub(super) fn reuse(mut self) -> Option<Connection> {
        self.connection.reuse().then_some(self.connection)
    }

    pub(super) fn finish(mut self, eof: bool) -> Played {
        if eof {
            let was_over = self.connection.is_over();
            match self.connection.ended() {
                Ok(end) => assert_eq!(end == End::Clean, was_over),
                Err(fault) => {
                    assert!(self.played.fault.is_none_or(|before| before == fault));
                    self.played.fault = Some(fault);
                }
            }
        }
        if let Some(fault) = self.played.fault {
            // It stays, whatever comes.
            for input in [&mut b"HTTP/1.1 204\r\n\r\n"[..].to_owned()[..], &mut []] {
                let again = self.connection.receive(input).expect_err("it was a fault");
                assert_eq!(again, fault);
            }
            assert_eq!(self.connection.ended(), Err(fault));
        }
        self.played.is_over = self.connection.is_over();
        self.played.is_reusable = self.connection.reuse();
        assert_eq!(self.connection.is_idle(), self.played.is_reusable);
        self.played.left = self.pending.len();
        self.played
    }
}

fn head(head: &client::Head<'_>) -> Head {
    Head {
        old: head.version() == Version::Http10,
        status: head.status(),
        reason: head.reason().to_vec(),
        fields: head.fields().iter().map(|(name, value)| (name.into(), value.to_vec())).collect(),
    }
}
