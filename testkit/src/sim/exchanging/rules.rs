//! What has to hold at any time, and in the end.

use std::collections::BTreeMap;
use std::time::Duration;

use super::far::Far;
use super::owner::End;
use super::wire::Seen;
use super::{Game, SWEEP};
use crate::content::digest;

/// A request as it was seen: by the place of its connection, and its place on that.
type Sent<'g> = (&'g Far, usize, &'g Seen);

impl Game {
    /// What holds between any two operations.
    pub(super) fn look(&mut self) {
        let now = self.clock.elapsed();
        let open = self.client.connect_mut().fars.iter().filter(|far| !far.wire.is_closed());
        let open = open.count();
        assert_eq!(open, self.client.connections(), "connections");
        assert!(open <= self.config.connections, "too many connections");
        let idle = self.idle();
        let active = open - idle.len();
        assert!(active <= self.client.exchanges(), "a connection for nobody");
        for at in idle {
            let far = &self.client.connect_mut().fars[at];
            let number = far.reader.last().expect("it is idle").exchange;
            let (since, end) = self.owners[number].end.as_ref().expect("it is over");
            assert!(matches!(end, End::Answered { is_early: false, .. }), "kept after {end:?}");
            let limit = *since + self.config.idle + SWEEP;
            // The head of another request may be on its way.
            assert!(far.may_hold_head() || now <= limit, "an idle connection is kept too long");
        }
        for number in 0..self.owners.len() {
            if self.owners[number].end.is_none() {
                self.look_at(number, now);
            }
        }
    }

    /// No deadline of an exchange is missed.
    fn look_at(&mut self, number: usize, now: Duration) {
        let Some(at) = self.carrier(number) else { return };
        let config = self.config.clone();
        let far = &self.client.connect_mut().fars[at];
        let seen = far.reader.last().expect("it carries it");
        let is_reused = far.reader.seen.len() > 1;
        if let Some(complete) = seen.complete {
            assert!(now <= complete + config.answer + SWEEP, "{number} waits for its answer");
        }
        let is_asking = seen.expects && seen.continued.is_none() && !seen.has_answer();
        if is_asking && is_reused && !far.may_speak_first() {
            let limit = seen.head + config.continues + SWEEP;
            assert!(now <= limit, "{number} waits for a 100 on a connection that was used");
        }
    }

    /// What holds of all that happened.
    pub(super) fn audit(&mut self) {
        let Self { client, owners, plans, config, seen: counts, .. } = self;
        let net = client.connect_mut();
        for host in &net.hosts {
            let hasty = "bytes came before the answer to those before them";
            host.store.ask(|log| {
                for fault in &log.faults {
                    assert!(fault.contains(hasty), "{fault}");
                }
            });
        }
        let mut sent: BTreeMap<usize, Vec<Sent<'_>>> = BTreeMap::new();
        for far in &net.fars {
            for (order, seen) in far.reader.seen.iter().enumerate() {
                sent.entry(seen.exchange).or_default().push((far, order, seen));
                counts.reused += u64::from(order > 0);
            }
        }
        for (number, plan) in plans.iter().enumerate() {
            let tries = sent.entry(number).or_default();
            tries.sort_by_key(|(_, _, seen)| seen.head);
            assert!(tries.len() <= config.tries as usize, "{number} was tried too often");
            let complete = tries.iter().filter(|(_, _, seen)| seen.is_complete).count();
            let begun = tries.iter().filter(|(_, _, seen)| seen.received > 0).count();
            if !plan.is_whole {
                assert!(complete <= 1, "{number} came twice");
                assert!(begun <= 1, "{number} was begun twice");
            }
            counts.repeated += u64::from(complete > 1);
            let (_, end) = owners[number].end.as_ref().expect("it is over");
            match end {
                End::Answered { status, is_early, etag } => {
                    assert!(!is_early || !(200..300).contains(status), "an early success");
                    if (200..300).contains(status) {
                        let last = tries.last().expect("it was sent");
                        assert!(last.2.is_complete, "{number} was kept in part");
                    }
                    if let Some(etag) = etag {
                        let others = plans.iter().enumerate().filter(|(other, others)| {
                            *other != plan.key && others.content.len() >= 16
                        });
                        for (other, others) in others {
                            let theirs = format!("\"{}\"", digest(&others.content));
                            assert_ne!(*etag, theirs, "{number} was told the answer to {other}");
                        }
                    }
                }
                End::Failed(failure) if !failure.may_have_acted() => {
                    assert_eq!(complete, 0, "{number} came whole, but {failure:?}");
                }
                End::Failed(_) | End::GivenUp => {}
            }
            for pair in tries.windows(2) {
                let ((before, order, _), (after, again, seen)) = (pair[0], pair[1]);
                assert!(!std::ptr::eq(before, after), "{number} was sent again on its connection");
                let closed = before.closed.expect("it is lost");
                assert!(closed <= seen.head, "{number} is sent twice at a time");
                if order > 0 {
                    assert_eq!(again, 0, "{number} was tried on another connection that was used");
                    counts.again_at_once += 1;
                } else {
                    let pause = seen.begun.saturating_sub(closed);
                    assert!(pause >= config.first_pause * 3 / 4, "{number} came back at once");
                    counts.again_later += 1;
                }
            }
        }
        self.audit_asking();
    }

    /// Who is asked for a 100 (Continue), and what becomes of it.
    fn audit_asking(&mut self) {
        let Self { client, plans, config, seen: counts, .. } = self;
        let net = client.connect_mut();
        for host in 0..net.hosts.len() {
            let fars = net.fars.iter().filter(|far| far.host == host);
            let all: Vec<Sent<'_>> = fars
                .flat_map(|far| {
                    far.reader.seen.iter().enumerate().map(move |(order, seen)| (far, order, seen))
                })
                .collect();
            let hidden = net
                .fars
                .iter()
                .filter(|far| far.host == host && far.has_layer() && far.reader.seen.is_empty());
            let hidden: Vec<Duration> = hidden.map(|far| far.opened + config.continues).collect();
            // Fresh ones that were asked and gave no 100 in time, and when that was known.
            let silent = all.iter().filter(|(far, order, seen)| {
                let end = seen.begun + config.continues;
                let is_late = seen.continued.is_none_or(|at| at + SWEEP >= end);
                let is_kept = far.closed.is_none_or(|at| at >= end);
                let is_silent = is_late && is_kept || far.has_layer();
                *order == 0 && seen.expects && is_silent
            });
            let known = |far: &Far, seen: &Seen| {
                let is_hidden = far.has_layer();
                let since = if is_hidden { far.opened } else { seen.begun };
                since + config.continues
            };
            let silent: Vec<(Duration, Option<Duration>, &Seen)> =
                silent.map(|(far, _, seen)| (known(far, seen), far.closed, *seen)).collect();
            for (far, order, seen) in &all {
                let plan = &plans[seen.exchange];
                let is_reused = *order > 0;
                let is_much = plan.is_chunked || plan.content.len() as u64 >= config.ask_from;
                let is_at_risk = is_reused && !plan.is_whole;
                let is_to_be = plan.has_content() && (plan.wants_asking || is_much || is_at_risk);
                assert!(is_to_be || !seen.expects, "{} was asked", seen.exchange);
                let may_be_deaf = silent.iter().any(|(at, closed, one)| {
                    let last = closed.or(one.content).unwrap_or(Duration::MAX);
                    *at <= seen.head && seen.begun <= last.saturating_add(config.unasked + SWEEP)
                });
                // Whether it is asked was decided when its connection began to be made.
                let decided = if is_reused { seen.begun } else { far.opened };
                let is_deaf = silent.iter().any(|(_, _, one)| {
                    one.content.is_some_and(|at| {
                        let said = |other: &Sent<'_>| {
                            other.2.continued.is_some_and(|said| said >= one.begun)
                        };
                        at < decided
                            && seen.head < one.begun + config.continues + config.unasked
                            && !all.iter().any(said)
                    })
                });
                // A head that a session held was never seen.
                let is_hidden = hidden.iter().any(|at| *at <= seen.head);
                if is_to_be && !seen.expects {
                    assert!(may_be_deaf || is_hidden, "{} was not asked", seen.exchange);
                    counts.unasked += 1;
                }
                assert!(!is_deaf || !seen.expects, "{} asks in vain", seen.exchange);
                if is_deaf && plan.has_content() && !plan.is_whole {
                    assert!(!is_reused, "{} is at risk", seen.exchange);
                }
                let Some(content) = seen.content.filter(|_| seen.expects) else { continue };
                let is_late = seen.continued.is_none_or(|at| at > content);
                if is_late && !far.has_layer() {
                    assert!(!is_reused, "{} sent content unasked", seen.exchange);
                    let waited = content - seen.begun;
                    assert!(waited >= config.continues, "{} did not wait", seen.exchange);
                    counts.went_without += 1;
                    counts.late_continue += u64::from(seen.continued.is_some());
                }
            }
        }
    }
}
