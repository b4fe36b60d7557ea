//! The far end of one connection: a session of a scripted store, and the way to it.

use std::time::Duration;

use super::net::Road;
use super::owner::Plan;
use super::secured;
use super::wire::Reader;
use crate::random::Random;
use crate::sim::{Client as Wire, Clock, Socket};
use crate::store::{End, Session};

/// When something becomes of a connection that is being made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Making {
    Done,
    Connects(Duration),
    Refuses(Duration),
    Never,
}

#[derive(Debug)]
pub(super) struct Far {
    pub(super) wire: Wire,
    /// Which host it belongs to.
    pub(super) host: usize,
    /// Where the client notes what happens to it.
    pub(super) place: usize,
    making: Making,
    /// What lies on the connection once it is made, if anything does: how much it holds.
    layer: Option<(usize, Random)>,
    /// TLS, if it speaks that.
    secured: Option<secured::Session>,
    session: Session,
    pub(super) reader: Reader,
    /// What came and the session does not read.
    unread: Vec<u8>,
    /// How many bytes the way to it holds.
    window: usize,
    /// True if the client reads some bytes only when it has found nothing more.
    sends_later: bool,
    /// How it has ended the connection.
    ended: Option<End>,
    /// When the client began to make it.
    pub(super) opened: Duration,
    /// When the client had closed it.
    pub(super) closed: Option<Duration>,
    /// True if calls fail for no reason.
    pub(super) falters: bool,
}

impl Far {
    pub(super) fn new(
        host: usize,
        place: usize,
        road: Road,
        session: Session,
        secured: Option<secured::Session>,
        now: Duration,
        random: &mut Random,
    ) -> (Self, Socket<false>) {
        let (wire, socket) = Wire::connect();
        wire.set_longest_read(1 + random.below(2_000));
        wire.set_longest_write(1 + random.below(3_000));
        wire.set_window(0);
        let falters = random.chance(15);
        if falters {
            wire.falter(Random::new(random.number()));
        }
        let making = match road {
            Road::Open => Making::Connects(now),
            Road::Slow(time) => Making::Connects(now + time),
            Road::Refused(time) => Making::Refuses(now + time),
            Road::Hangs | Road::None => Making::Never,
        };
        let layer = (secured.is_none() && random.chance(20))
            .then(|| (1 + random.below(500), random.clone()));
        let narrow = 20 + random.below(3_000);
        let mut far = Self {
            wire,
            host,
            place,
            making,
            layer,
            secured,
            session,
            reader: Reader::new(),
            unread: Vec::new(),
            window: *random.pick(&[usize::MAX, usize::MAX, narrow]),
            sends_later: random.chance(30),
            ended: None,
            opened: now,
            closed: None,
            falters,
        };
        if random.chance(20) {
            far.make(now);
        }
        (far, socket)
    }

    /// What was due becomes of a connection that is being made.
    fn make(&mut self, now: Duration) {
        match self.making {
            Making::Connects(time) if time <= now => {
                self.making = Making::Done;
                if let Some((most, random)) = self.layer.take() {
                    self.wire.begin_session(most, 5, random);
                }
                self.wire.set_window(self.window);
            }
            Making::Refuses(time) if time <= now => {
                self.making = Making::Never;
                self.wire.reset();
            }
            _ => {}
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.closed.is_none()
    }

    /// True if the client has its connection.
    pub(super) fn is_made(&self) -> bool {
        self.making == Making::Done
    }

    /// When it has something to do next, by the time of this clock.
    pub(super) fn deadline(&self, clock: Clock) -> Option<Duration> {
        match self.making {
            _ if !self.is_open() => None,
            Making::Connects(time) | Making::Refuses(time) => Some(time),
            Making::Never => None,
            Making::Done => {
                let at = self.session.deadline()?;
                let left = at.duration_since(clock.now().wall).unwrap_or_default();
                Some(clock.elapsed() + left)
            }
        }
    }

    /// Does all that it can.
    pub(super) fn act(&mut self, clock: Clock, plans: &[Plan]) {
        if !self.is_open() {
            return;
        }
        let now = clock.elapsed();
        self.make(now);
        let bytes = self.take();
        self.reader.feed(&bytes, now, plans);
        self.unread.extend(bytes);
        self.session.advance(clock.now().wall);
        self.read();
        self.send(now);
        // What was sent may have let it go on.
        self.session.advance(clock.now().wall);
        self.send(now);
        if self.ended.is_none()
            && let Some(end) = self.session.end()
        {
            self.end(end);
        }
        assert!(!self.wire.sees_half_close(), "ended by FIN");
        if self.wire.is_closed() {
            self.closed = Some(now);
            self.session.client_ended(End::Reset);
        }
    }

    /// What the client has said.
    fn take(&mut self) -> Vec<u8> {
        let bytes = self.wire.take_bytes();
        let Some(secured) = &mut self.secured else { return bytes };
        let said = secured.open(&bytes);
        self.seal();
        said
    }

    /// Sends what TLS has to say.
    fn seal(&mut self) {
        let sealed = self.secured.as_mut().map(secured::Session::sealed).unwrap_or_default();
        if !sealed.is_empty() {
            self.put(&sealed);
        }
    }

    fn put(&self, bytes: &[u8]) {
        if self.sends_later { self.wire.send_later(bytes) } else { self.wire.send(bytes) }
    }

    /// True if something lies on the connection, so that what one end has said is not at once what
    /// the other hears.
    pub(super) fn has_layer(&self) -> bool {
        self.secured.is_some() || self.wire.has_session()
    }

    fn read(&mut self) {
        while self.session.reads() && !self.unread.is_empty() {
            // One byte at a time, as a stage may stop it.
            let most = if self.unread.len() > 64 { 16 } else { 1 };
            let bytes: Vec<u8> = self.unread.drain(..most).collect();
            self.session.receive(&bytes);
        }
        if self.unread.is_empty() && self.is_made() && self.ended.is_none() {
            self.wire.set_window(self.window);
        }
    }

    fn send(&mut self, now: Duration) {
        while !self.session.to_send().is_empty() {
            let bytes = self.session.to_send().to_vec();
            self.session.sent(bytes.len());
            if self.ended.is_some() {
                continue;
            }
            self.say(&bytes, now);
        }
    }

    /// Sends something, be it of the session or not.
    pub(super) fn say(&mut self, bytes: &[u8], now: Duration) {
        if let Some(seen) = self.reader.seen.last_mut() {
            seen.say(bytes, now);
        }
        match &mut self.secured {
            Some(secured) => {
                secured.say(bytes);
                self.seal();
            }
            None => self.put(bytes),
        }
    }

    /// Ends the connection, or its half of it.
    pub(super) fn end(&mut self, end: End) {
        self.ended = Some(end);
        if let Some(secured) = self.secured.as_mut().filter(|_| end == End::Fin) {
            secured.say_end();
            self.seal();
        }
        match end {
            End::Fin => self.wire.finish(),
            End::Reset => self.wire.reset(),
        }
    }

    /// The connection breaks, or ends, whatever the store does.
    pub(super) fn die(&mut self, end: End) {
        if self.is_open() && self.is_made() && self.ended.is_none() {
            self.end(end);
        }
    }

    /// Takes another number of bytes from now on; none until then with 0.
    pub(super) fn set_window(&mut self, window: usize) {
        self.window = window;
        if self.is_made() {
            self.wire.set_window(window);
        }
    }

    /// True if the head of another request may be on its way without having come.
    pub(super) fn may_hold_head(&self) -> bool {
        self.falters || self.has_layer() || self.wire.is_full() || self.wire.has_news()
    }

    /// True if what it said while it was idle may be read as the answer to the next request.
    pub(super) fn may_speak_first(&self) -> bool {
        self.falters || self.sends_later
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.is_some()
    }
}
