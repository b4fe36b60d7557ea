//! streamsum's side: the core of the protocol, driven as the engine drives it.

use std::hint::black_box;
use std::time::{SystemTime, UNIX_EPOCH};

use streamsum::Config;
use streamsum::buf::Buf;
use streamsum::proto::{After, Connection, Date, Event, Limits, Response};

use crate::wire::Wire;

/// One connection, request after request.
pub(crate) struct Ours<'w> {
    wire: &'w Wire<'w>,
    connection: Connection,
    buf: Buf,
    out: Vec<u8>,
    response: Response,
    second: u64,
    date: Date,
}

impl<'w> Ours<'w> {
    pub(crate) fn new(wire: &'w Wire<'w>, answer: &'static str) -> Self {
        Self {
            wire,
            connection: Connection::new(Limits::default()),
            buf: Buf::with_capacity(Config::default().buffer),
            out: Vec::new(),
            response: Response::text(200, answer),
            second: 0,
            date: Date::new(UNIX_EPOCH),
        }
    }

    /// Answers all that has arrived, and says how many bytes of content there were.
    pub(crate) fn serve(&mut self) -> usize {
        self.look_at_the_clock();
        let mut content = 0;
        while !self.wire.is_drained() {
            if self.buf.is_empty() {
                self.buf.clear();
            }
            let spare = self.buf.spare_mut();
            let read = self.wire.receive(spare.len());
            spare[..read.len()].copy_from_slice(read);
            self.buf.filled(read.len());
            content += self.take_in();
        }
        self.wire.answer(&self.out);
        self.out.clear();
        content
    }

    fn take_in(&mut self) -> usize {
        let mut content = 0;
        loop {
            let step = self.connection.receive(self.buf.unread_mut()).expect("a good request");
            let used = step.used;
            let mut waits = false;
            match step.event {
                Event::Wait | Event::HeadBegun => waits = true,
                Event::Head(head) => {
                    black_box(head);
                    self.connection.accept(&mut self.out);
                }
                Event::Body { data, last } => {
                    content += data.len();
                    if last {
                        let after =
                            self.connection.respond(&self.response, &self.date, &mut self.out);
                        assert_eq!(after, After::Reuse);
                    }
                }
            }
            self.buf.advance(used);
            if waits {
                return content;
            }
        }
    }

    /// Once a turn, as the engine does, which may hold many requests.
    fn look_at_the_clock(&mut self) {
        let now = SystemTime::now();
        let second = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        if second != self.second {
            self.second = second;
            self.date = Date::new(now);
        }
    }
}
