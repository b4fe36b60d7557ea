//! What becomes of those whose time is over.

use std::time::Instant;

use super::exchange::Stage;
use super::{Client, Connect, Event, Failure};

/// What is to be done for an exchange.
enum Due {
    /// It waits no longer for a connection.
    TryAgain,
    NextAddress(usize),
    /// It waited for 100 (Continue).
    Unanswered(usize),
    Fail(Failure),
}

impl<C: Connect> Client<C> {
    pub(super) fn sweep(&mut self) {
        let keys: Vec<_> = self.exchanges.iter().map(|(key, _)| key).collect();
        for key in keys {
            if let Some(due) = self.due(key) {
                self.carry_out(key, due);
            }
        }
        self.close_idle();
        // Names that were looked up are asked for again.
        self.may_admit |= !self.waiting.is_empty();
    }

    fn due(&mut self, key: usize) -> Option<Due> {
        let is_full = self.channels.len() >= self.config.connections && self.idle.is_empty();
        let exchange = self.exchanges.get_mut(key)?;
        let began = *exchange.began.get_or_insert(self.now);
        let config = &self.config;
        let is_over = |since: Instant, time| self.now.saturating_duration_since(since) >= time;
        let is_out_of_time = is_over(began, config.wait);
        let is_connecting_too_long =
            exchange.connecting.is_some_and(|since| is_over(since, config.connect));
        // Nobody connects for one that waits for a place.
        let is_connecting_too_long = is_connecting_too_long
            && !(is_full && exchange.failed == 0 && exchange.stage == Stage::Waiting);
        match exchange.stage {
            Stage::Waiting | Stage::Pausing { .. } if is_connecting_too_long || is_out_of_time => {
                let without =
                    if is_connecting_too_long { Failure::ConnectTimeout } else { Failure::Busy };
                Some(Due::Fail(exchange.failure.clone().unwrap_or(without)))
            }
            Stage::Waiting => None,
            Stage::Pausing { until } => (self.now >= until).then_some(Due::TryAgain),
            Stage::Opening { .. } if is_connecting_too_long => {
                Some(Due::Fail(Failure::ConnectTimeout))
            }
            Stage::Opening { place } => {
                let route = self.channels.get(place)?.route.as_ref()?;
                (self.now >= route.until).then_some(Due::NextAddress(place))
            }
            Stage::Asking { place, since } => {
                is_over(since, config.continues).then_some(Due::Unanswered(place))
            }
            Stage::Sending { stuck, .. } => {
                is_over(stuck?, config.write).then_some(Due::Fail(Failure::Stalled))
            }
            Stage::Answering { since, .. } => {
                is_over(since, exchange.patience).then_some(Due::Fail(Failure::Silent))
            }
        }
    }

    fn carry_out(&mut self, key: usize, due: Due) {
        match due {
            Due::TryAgain => {
                if let Some(exchange) = self.exchanges.get_mut(key) {
                    exchange.stage = Stage::Waiting;
                    self.waiting.push_back(exchange.id);
                    self.may_admit = true;
                }
            }
            Due::NextAddress(place) => self.lose_address(place, key, Failure::ConnectTimeout),
            Due::Unanswered(place) => self.go_without_100(place, key),
            Due::Fail(failure) => {
                let place = self.exchanges.get(key).and_then(super::Exchange::place);
                if let Some(place) = place {
                    self.close(place);
                }
                self.end(key, Event::Failed(failure));
            }
        }
    }

    /// On a connection that was used before, silence may mean that nobody is there any more. On a
    /// fresh one it means that the server does not answer such questions.
    fn go_without_100(&mut self, place: usize, key: usize) {
        let (Some(channel), Some(exchange)) =
            (self.channels.get_mut(place), self.exchanges.get_mut(key))
        else {
            return;
        };
        if channel.was_used {
            self.close(place);
            return self.try_again(key, Failure::NoContinue, true);
        }
        self.origins.was_silent(&exchange.origin, self.now + self.config.unasked);
        exchange.stage = Stage::Sending { place, stuck: None };
        self.send(place, key);
    }

    fn close_idle(&mut self) {
        while let Some(oldest) = self.idle.first().copied() {
            let Some(channel) = self.channels.get(oldest) else {
                unreachable!("an idle place has a connection")
            };
            if self.now.saturating_duration_since(channel.idle_since) < self.config.idle {
                return;
            }
            self.close(oldest);
        }
    }
}
