//! When connections are accepted, and whose place a newcomer gets.

use std::io;
use std::time::Duration;

use mio::Token;

use super::accepting::AfterFailure;
use super::connected::Connected;
use super::elsewhere::HERE;
use super::{Listening, LostListener, MAX_LISTENERS, Newcomer, Server, Stream, close};
use crate::engine::{Key, Now};
use crate::handler::Origin;
use crate::placement::{Load, Placement};

/// A turn tries at most so often to accept from one listener, so that a flood of
/// connections does not keep the peers from being served.
const ACCEPTS_A_TURN: usize = 256;

/// How long accepting pauses after descriptors or memory ran out: it does not help to try
/// again at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(500);

/// How long a worker has to give way, or is not asked again when it could not.
pub(crate) const ASK_AGAIN: Duration = Duration::from_secs(1);

/// How an attempt to accept ended.
pub(super) enum Attempt {
    Accepted,
    /// One connection was lost; the next one may be accepted.
    Failed(io::Error),
    /// No descriptor is free; with one more it may succeed.
    OutOfDescriptors(io::Error),
    /// The listener has no more for now.
    Over,
}

/// A place for a newcomer.
pub(super) enum Vacancy {
    Free,
    /// An idle peer has it, and leaves when a newcomer is there.
    Of(Key),
    /// At the server with this number.
    Elsewhere(usize),
    /// There is none yet: the server with this number is asked to give way when a newcomer is
    /// there.
    Asked(usize),
}

impl<U> Server<U> {
    pub(super) fn accept(&mut self, now: Now) -> io::Result<()> {
        self.scarcity.not_seen(now.monotonic);
        if self.paused_until.is_some_and(|until| now.monotonic < until) {
            return Ok(());
        }
        self.paused_until = None;
        self.vacancy_at = None;
        let had_vacancy = self.can_place(now);
        if !self.welcome(now) {
            // Who waits for a place comes first.
            return Ok(());
        }
        let mut last_lost = Ok(());
        for place in 0..self.listeners.len() {
            if let Err(error) = self.accept_some(place, now) {
                last_lost = self.lose(place, error);
            }
        }
        // One descriptor that became free, and was taken at once, does not end a shortage.
        if had_vacancy && self.paused_until.is_none() && !self.scarcity.is_on() {
            self.shortage = None;
        }
        last_lost
    }

    fn accept_some(&mut self, place: usize, now: Now) -> io::Result<()> {
        let mut accepted = false;
        let mut failure = None;
        for _ in 0..ACCEPTS_A_TURN {
            if self.listening(place).is_none() || !self.arrivals.is_empty() {
                return Ok(());
            }
            let Some(vacancy) = self.find_vacancy(now) else { return Ok(()) };
            match self.accept_one(place, vacancy, now)? {
                Attempt::Accepted => {
                    accepted = true;
                    self.freed_at = None;
                }
                Attempt::Failed(error) => failure = Some(error),
                Attempt::OutOfDescriptors(error) => {
                    if !self.make_room(now) {
                        self.pause(error, now);
                        return Ok(());
                    }
                    self.shortage.get_or_insert(error);
                }
                Attempt::Over => return Ok(()),
            }
        }
        // So many failures in a row are not the fault of single connections, and to go on
        // without a pause would take a whole core.
        if let (false, Some(error)) = (accepted, failure) {
            self.pause(error, now);
        }
        Ok(())
    }

    /// Frees a descriptor: here, which is true, or soon elsewhere. Once in a row: when it does not
    /// help, something else has taken it.
    fn make_room(&mut self, now: Now) -> bool {
        if self.freed_at.is_some_and(|at| now.monotonic < at + ACCEPT_PAUSE) {
            return false;
        }
        let is_free = self.free_descriptor(now);
        if is_free || self.ask_for_descriptor(now) {
            self.freed_at = Some(now.monotonic);
            self.scarcity.seen(now.monotonic);
        }
        is_free
    }

    /// A place for a newcomer, if there is any.
    pub(super) fn find_vacancy(&mut self, now: Now) -> Option<Vacancy> {
        let here = self.load();
        match self.placement(here, now) {
            Placement::Free(HERE) => return Some(Vacancy::Free),
            Placement::Free(number) => return Some(Vacancy::Elsewhere(number)),
            Placement::Displacing(number) if number != HERE => return Some(Vacancy::Asked(number)),
            Placement::Nowhere if self.elsewhere.is_some() => {
                // Whoever frees a place tells; or it is time to ask again.
                self.vacancy_at = Some(now.monotonic + ASK_AGAIN);
                return None;
            }
            Placement::Displacing(_) | Placement::Nowhere => {}
        }
        let again = match self.engine.longest_idle(now) {
            Ok(key) => return Some(Vacancy::Of(key)),
            Err(again) => again,
        };
        // Those without a request here are not idle, or not for long enough.
        let without = Load { busy: here.connections, ..here };
        if let Placement::Displacing(number) = self.placement(without, now) {
            return Some(Vacancy::Asked(number));
        }
        self.vacancy_at = Some(again);
        None
    }

    /// Frees the descriptor of an idle peer. True if there was one.
    pub(super) fn free_descriptor(&mut self, now: Now) -> bool {
        self.engine.longest_idle(now).is_ok_and(|key| self.engine.displace(key))
    }

    /// A listener, unless its backlog is known to be empty.
    fn listening(&mut self, place: usize) -> Option<&mut Listening> {
        self.listeners.get_mut(place)?.as_mut().filter(|listening| listening.readable)
    }

    /// Closes a listener that has failed for good.
    ///
    /// # Errors
    ///
    /// The given one, if no other listener works.
    fn lose(&mut self, number: usize, error: io::Error) -> io::Result<()> {
        if let Some(one) = self.listeners.get_mut(number).and_then(Option::take) {
            close(one, &self.registry);
        }
        if self.listeners.iter().all(Option::is_none) {
            return Err(error);
        }
        self.lost.push(LostListener { number, error });
        Ok(())
    }

    /// Accepts a connection.
    ///
    /// # Errors
    ///
    /// If the listener has failed for good.
    pub(super) fn accept_one(
        &mut self,
        place: usize,
        vacancy: Vacancy,
        now: Now,
    ) -> io::Result<Attempt> {
        let Some(listening) = self.listening(place) else { return Ok(Attempt::Over) };
        let wrap = listening.listener.wrap().cloned();
        let (stream, peer) = match listening.accept() {
            Ok(accepted) => accepted,
            Err(error) => {
                return match AfterFailure::of(&error) {
                    AfterFailure::Wait => {
                        listening.readable = false;
                        Ok(Attempt::Over)
                    }
                    AfterFailure::TryAgain => Ok(Attempt::Failed(error)),
                    AfterFailure::MakeRoom => Ok(Attempt::OutOfDescriptors(error)),
                    AfterFailure::Rest => {
                        self.pause(error, now);
                        Ok(Attempt::Over)
                    }
                    AfterFailure::Close => Err(error),
                };
            }
        };
        let origin = Origin::from(peer).by_listener(place as u8);
        // If memory runs out, this connection is closed, but those in the backlog stay.
        if let Err(error) = self.take_in(Newcomer { stream, origin, wrap }, vacancy, now) {
            self.pause(error, now);
            return Ok(Attempt::Over);
        }
        Ok(Attempt::Accepted)
    }

    /// Takes in a connection.
    ///
    /// # Errors
    ///
    /// If it cannot be registered.
    pub(super) fn take_in(
        &mut self,
        newcomer: Newcomer,
        vacancy: Vacancy,
        now: Now,
    ) -> io::Result<()> {
        match vacancy {
            Vacancy::Free => {}
            // No peer leaves before a newcomer has come.
            Vacancy::Of(key) => drop(self.engine.displace(key)),
            Vacancy::Elsewhere(number) => return self.hand_over(number, newcomer, now),
            Vacancy::Asked(number) => {
                self.wait_for_place(newcomer, number, now);
                return Ok(());
            }
        }
        let Newcomer { mut stream, origin, wrap } = newcomer;
        let token = Token(self.first + MAX_LISTENERS + self.engine.next_key());
        self.registry.register(&mut stream, token, Stream::INTEREST)?;
        match Connected::new(stream, wrap.as_ref()) {
            Ok(socket) => drop(self.engine.insert(socket, origin, now)),
            Err(_) => self.accept_failures += 1,
        }
        Ok(())
    }

    /// Accepts nothing for a while.
    pub(super) fn pause(&mut self, error: io::Error, now: Now) {
        self.accept_failures += 1;
        self.paused_until = Some(now.monotonic + ACCEPT_PAUSE);
        self.shortage.get_or_insert(error);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Config;
    use crate::handler::{Finished, Handler, Piece, Reply, Request, Verdict};
    use crate::proto::Response;
    use mio::{Events, Poll};
    use std::io::ErrorKind;
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpStream};

    /// Answers everybody.
    struct Yes;

    impl Handler for Yes {
        type Upload = ();

        fn begin(&mut self, _: Request<'_>) -> Verdict<()> {
            Verdict::Take(())
        }

        fn consume(&mut self, _: &mut [Piece<()>]) {}

        fn finish(&mut self, _: Finished<'_>, (): ()) -> Reply {
            Reply::Now(Response::text(200, "yes"))
        }
    }

    fn lost() -> io::Error {
        ErrorKind::ConnectionAborted.into()
    }

    fn listening() -> (Poll, Server<()>, SocketAddr) {
        let poll = Poll::new().expect("a poll");
        let mut server =
            Server::new(poll.registry(), Token(0), Config::default()).expect("a server");
        let address = server.bind("127.0.0.1:0").expect("an address");
        (poll, server, address)
    }

    /// Waits for events.
    fn note_events(poll: &mut Poll, server: &mut Server<()>) {
        let mut events = Events::with_capacity(8);
        poll.poll(&mut events, None).expect("events");
        for event in &events {
            assert!(server.note(event));
        }
    }

    fn fail(server: &mut Server<()>, failures: usize, error: fn() -> io::Error) {
        let listening = server.listeners[0].as_mut().expect("a listener");
        listening.failures.resize_with(failures, error);
    }

    /// A server with one client in the backlog, behind as many failures.
    fn behind(failures: usize) -> (Server<()>, TcpStream) {
        let (_, mut server, address) = listening();
        let client = TcpStream::connect(address).expect("a connection");
        fail(&mut server, failures, lost);
        (server, client)
    }

    // covers: 28.6
    #[test]
    fn connections_lost_in_the_backlog_delay_nobody() {
        let (mut server, _client) = behind(ACCEPTS_A_TURN - 1);
        server.accept(Now::now()).expect("a listener");
        assert_eq!((server.connections(), server.accept_failures()), (1, 0));
        assert!(server.shortage().is_none());
    }

    // covers: 28.6
    #[test]
    fn error_that_lasts_pauses_accepting() {
        let (mut server, _client) = behind(ACCEPTS_A_TURN);
        let mut now = Now::now();
        server.accept(now).expect("a listener");
        assert_eq!((server.connections(), server.accept_failures()), (0, 1));
        assert_eq!(server.shortage().map(io::Error::kind), Some(lost().kind()));
        assert_eq!(server.timeout(now), Some(ACCEPT_PAUSE));

        now.monotonic += ACCEPT_PAUSE;
        server.accept(now).expect("a listener");
        assert_eq!(server.connections(), 1);
        assert!(server.shortage().is_none());
    }

    // covers: 28.2 28.4 28.7
    #[test]
    fn idle_connection_makes_room_when_descriptors_run_out() {
        fn too_many() -> io::Error {
            io::Error::from_raw_os_error(24)
        }
        let (mut poll, mut server, address) = listening();
        let mut idle = TcpStream::connect(address).expect("a connection");
        idle.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").expect("room to send");
        let mut now = Now::now();
        while server.stats().answers == 0 {
            note_events(&mut poll, &mut server);
            server.turn(now, &mut Yes).expect("a listener");
        }

        let newcomer = TcpStream::connect(address).expect("room in the backlog");
        note_events(&mut poll, &mut server);
        fail(&mut server, 1, too_many);
        server.accept(now).expect("a listener");
        assert_eq!((server.stats().displaced, server.accept_failures()), (0, 1), "not yet");
        assert_eq!(server.timeout(now), Some(ACCEPT_PAUSE));

        now.monotonic += Duration::from_secs(1);
        fail(&mut server, 1, too_many);
        server.accept(now).expect("a listener");
        assert_eq!((server.stats().displaced, server.accept_failures()), (1, 1));
        assert_eq!((server.stats().connections, server.connections()), (2, 1));
        let mut answer = String::new();
        idle.read_to_string(&mut answer).expect("a proper end");
        assert!(answer.ends_with("\r\n\r\nyes"), "{answer}");

        // It is reported for a second, and no longer.
        assert_eq!(server.shortage().and_then(io::Error::raw_os_error), Some(24));
        now.monotonic += Duration::from_secs(1);
        server.accept(now).expect("a listener");
        assert!(server.shortage().is_none());
        drop(newcomer);
    }

    #[test]
    fn descriptors_that_others_take_cost_at_most_one_connection() {
        let (mut poll, mut server, address) = listening();
        let mut clients = [(); 3].map(|()| TcpStream::connect(address).expect("a connection"));
        for client in &mut clients {
            client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").expect("room to send");
        }
        let mut now = Now::now();
        while server.stats().answers < 3 {
            note_events(&mut poll, &mut server);
            server.turn(now, &mut Yes).expect("a listener");
        }
        now.monotonic += Duration::from_secs(2);
        fail(&mut server, 2, || io::Error::from_raw_os_error(24));
        server.listeners[0].as_mut().expect("a listener").readable = true;
        server.turn(now, &mut Yes).expect("a listener");
        assert_eq!((server.stats().displaced, server.accept_failures()), (1, 1));
        assert_eq!(server.timeout(now), Some(ACCEPT_PAUSE));
    }
}
