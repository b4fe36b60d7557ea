//! What is done for a connection at which something has happened: what waits is written, what came
//! is read, and its exchange goes on.

use std::io::ErrorKind;
use std::mem;

use super::exchange::{Content, Partial, Stage};
use super::{Answer, Client, Connect, Event, Failure};
use crate::link::Got;
use crate::proto::client::{self, End};

impl<C: Connect> Client<C> {
    pub(super) fn visit(&mut self, place: usize) {
        let Self { channels, out, .. } = self;
        let Some(channel) = channels.get_mut(place) else { return };
        channel.is_noted = false;
        match channel.exchange {
            Some(key) => {
                channel.write(out);
                self.settle(place, key);
            }
            None => {
                if !channel.is_alive() {
                    self.close(place);
                }
            }
        }
    }

    /// Goes on with an exchange, after a write and wherever it stands.
    pub(super) fn settle(&mut self, place: usize, key: usize) {
        let Some(channel) = self.channels.get_mut(place) else { return };
        if channel.route.is_some() {
            if let Some(cause) = channel.failed.clone() {
                self.lose_address(place, key, Failure::Connect(cause));
            }
            return;
        }
        self.leave_opening(key);
        // An answer can be read although the last write has failed.
        if self.read(place, key) {
            self.send(place, key);
        }
    }

    /// The address did not work: on to the next, or to the next try.
    pub(super) fn lose_address(&mut self, place: usize, key: usize, failure: Failure) {
        if !self.open_next(place) {
            self.close(place);
            self.try_again(key, failure, false);
        }
    }

    /// The head has begun to leave.
    fn leave_opening(&mut self, key: usize) {
        let Some(exchange) = self.exchanges.get_mut(key) else { return };
        let Stage::Opening { place } = exchange.stage else { return };
        let since = self.now;
        exchange.connecting = None;
        exchange.stage = if exchange.request.expects_continue() {
            Stage::Asking { place, since }
        } else if exchange.request.framing().has_content() {
            Stage::Sending { place, stuck: None }
        } else {
            Stage::Answering { place, since }
        };
    }

    /// Reads as long as there is anything; false if the exchange has left this connection.
    fn read(&mut self, place: usize, key: usize) -> bool {
        while let Some(channel) = self.channels.get_mut(place)
            && channel.link.is_readable()
        {
            let got = channel.read();
            channel.is_broken |= got == Got::Broken;
            match got {
                Got::Input if !self.receive(place, key) => return false,
                Got::Input => {}
                Got::Nothing => break,
                Got::Broken => {
                    // What came before the error may be a whole answer.
                    if self.receive(place, key) {
                        self.lose(place, key, Lost::Broken);
                    }
                    return false;
                }
            }
        }
        let Some(channel) = self.channels.get_mut(place) else { return false };
        channel.shrink();
        if channel.failed.is_some() {
            self.lose(place, key, Lost::Broken);
            return false;
        }
        true
    }

    /// Makes something of all that was read; false if the exchange has left this connection.
    fn receive(&mut self, place: usize, key: usize) -> bool {
        loop {
            let Self { channels, exchanges, .. } = self;
            let (Some(channel), Some(exchange)) = (channels.get_mut(place), exchanges.get_mut(key))
            else {
                return false;
            };
            let step = match channel.http.receive(channel.input.unread_mut()) {
                Ok(step) => step,
                Err(fault) => {
                    self.lose(place, key, Lost::Fault(fault));
                    return false;
                }
            };
            let used = step.used;
            let mut interim = None;
            match step.event {
                client::Event::Wait => {
                    channel.input.advance(used);
                    return !channel.link.is_at_end() || self.receive_end(place, key);
                }
                client::Event::Interim(head) => interim = Some(head.status()),
                client::Event::Head(head) => {
                    let lines = head.fields().lines().into();
                    exchange.answer =
                        Some(Partial { status: head.status(), lines, content: Vec::new() });
                    // Nothing more is sent. One that was waited for has no more time for its rest.
                    if !matches!(exchange.stage, Stage::Answering { .. }) {
                        exchange.stage = Stage::Answering { place, since: self.now };
                    }
                }
                client::Event::Content { data, last } => {
                    if let Some(answer) = &mut exchange.answer {
                        let content = channel.input.unread().get(data).unwrap_or_default();
                        answer.content.extend_from_slice(content);
                    }
                    if last {
                        channel.input.advance(used);
                        self.conclude(place, key);
                        return false;
                    }
                }
            }
            channel.input.advance(used);
            if interim == Some(100) {
                self.go_ahead(key);
            }
        }
    }

    /// The server has sent its last byte.
    fn receive_end(&mut self, place: usize, key: usize) -> bool {
        let Some(channel) = self.channels.get_mut(place) else { return false };
        match channel.http.ended() {
            // After a failed write, the end that a read tells may be that of a reset.
            Ok(End::Answer) if channel.failed.is_some() => self.lose(place, key, Lost::Broken),
            Ok(End::Answer) => self.conclude(place, key),
            Ok(End::Clean) => unreachable!("an answer was due"),
            Err(fault) => self.lose(place, key, Lost::Fault(fault)),
        }
        false
    }

    /// The server wants the content.
    fn go_ahead(&mut self, key: usize) {
        let Some(exchange) = self.exchanges.get_mut(key) else { return };
        match exchange.stage {
            Stage::Asking { place, .. } => {
                exchange.stage = Stage::Sending { place, stuck: None };
            }
            // It was asked, and is late.
            _ if exchange.request.expects_continue() => self.origins.gave(&exchange.origin),
            _ => {}
        }
    }

    /// The answer is whole.
    fn conclude(&mut self, place: usize, key: usize) {
        let Self { channels, exchanges, out, .. } = self;
        let (Some(channel), Some(exchange)) = (channels.get_mut(place), exchanges.get_mut(key))
        else {
            unreachable!("both have just been read")
        };
        // What TLS has to say of itself is no content that the server lacks.
        channel.write(out);
        let Some(Partial { status, lines, content }) = exchange.answer.take() else {
            unreachable!("content comes behind a head")
        };
        let follows_unknown = exchange.unknown.is_some();
        let is_early =
            !channel.http.is_sent() || channel.link.has_output() || channel.failed.is_some();
        let is_reusable = channel.http.reuse()
            && !is_early
            && !channel.is_broken
            && channel.input.is_empty()
            && !channel.link.is_at_end();
        if is_reusable {
            channel.shrink();
            channel.exchange = None;
            channel.was_used = true;
            channel.idle_since = self.now;
            self.idle.push(place);
            self.may_admit = true;
        } else {
            self.close(place);
        }
        let event = if is_early && matches!(status, 200..300) {
            Event::Failed(Failure::EarlySuccess(status))
        } else {
            Event::Answered(Answer { status, lines, content, is_early, follows_unknown })
        };
        self.end(key, event);
    }

    /// The connection is of no use any more. Is the exchange?
    fn lose(&mut self, place: usize, key: usize, lost: Lost) {
        let (Some(channel), Some(exchange)) = (self.channels.get(place), self.exchanges.get(key))
        else {
            unreachable!("both were there")
        };
        let may_have_acted = channel.http.is_sent() && channel.head_has_left;
        let failure = match lost {
            Lost::Fault(fault) => Failure::Fault { fault, may_have_acted },
            Lost::Broken => {
                let cause = channel.failed.clone();
                let cause = cause.unwrap_or_else(|| ErrorKind::ConnectionReset.into());
                Failure::Broken { cause, may_have_acted }
            }
        };
        let was_used = channel.was_used;
        // It would be too large again.
        let is_too_large = matches!(lost, Lost::Fault(client::Fault::ContentTooLarge));
        let may_be_repeated = !is_too_large && exchange.may_be_repeated(channel.head_has_left);
        self.close(place);
        if may_be_repeated {
            self.try_again(key, failure, was_used);
        } else {
            self.end(key, Event::Failed(failure));
        }
    }

    /// Sends what there is to send, or tells that there is room.
    pub(super) fn send(&mut self, place: usize, key: usize) {
        let Self { channels, exchanges, out, .. } = self;
        let (Some(channel), Some(exchange)) = (channels.get_mut(place), exchanges.get_mut(key))
        else {
            return;
        };
        let Stage::Sending { stuck, .. } = &mut exchange.stage else { return };
        if channel.link.can_flush() {
            channel.write(out);
        }
        if mem::take(&mut channel.has_moved) {
            *stuck = None;
        }
        match &mut exchange.content {
            Content::Streamed { has_ended: true, .. } => self.end_content(place, key),
            Content::Streamed { wants_room, .. } => {
                if *wants_room && channel.link.has_room() {
                    (*wants_room, *stuck) = (false, None);
                    self.events.push_back((exchange.id, Event::Room));
                } else if *wants_room {
                    stuck.get_or_insert(self.now);
                }
            }
            Content::Whole { bytes, written } => {
                let taken = channel.pass(bytes.get(*written..).unwrap_or_default(), out);
                *written += taken;
                exchange.left += taken as u64;
                if taken > 0 {
                    *stuck = None;
                }
                stuck.get_or_insert(self.now);
                self.after_sending(place, key);
            }
        }
    }

    /// Writes the end of content in chunks.
    pub(super) fn end_content(&mut self, place: usize, key: usize) {
        let Some(channel) = self.channels.get_mut(place) else { return };
        channel.http.finish(&mut self.out);
        channel.write(&mut self.out);
        self.after_sending(place, key);
    }

    /// Nothing more is to be sent, or the connection has failed.
    fn after_sending(&mut self, place: usize, key: usize) {
        let (Some(channel), Some(exchange)) =
            (self.channels.get_mut(place), self.exchanges.get_mut(key))
        else {
            return;
        };
        if channel.http.is_sent() {
            exchange.stage = Stage::Answering { place, since: self.now };
        }
        if channel.failed.is_some() {
            super::note_place(&mut self.noted, channel, place);
        }
    }
}

/// How a connection was lost.
enum Lost {
    Broken,
    Fault(client::Fault),
}
