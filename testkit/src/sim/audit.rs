//! Holds what a client got against what it sent.

use streamsum::proto::Reject;

use super::answers;
use super::erratic::{DRESSED, Ended, dressed_content};
use super::peer::Peer;
use super::traffic::{Fault, Request};
use super::world::{ENOUGH, FULL, Weather};
use crate::content::digest;
use crate::response::{Answer, Method};

/// Four empty lines and half of a fifth are let pass.
const MOST_EMPTY: usize = 9;

/// What holds for all clients of a world.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) weather: Weather,
    /// How many requests a connection may carry.
    pub(crate) requests: usize,
}

/// A client's whole conversation; `ended` is what the handler was told of it.
pub(crate) fn audit(number: usize, peer: &Peer, ended: &[Ended], rules: Rules) {
    let client = peer.client.as_ref().expect("everybody has connected");
    assert!(client.is_closed(), "peer {number} is still there");
    let requests = &peer.plan.requests;
    // Of a method that has not come to its end, nothing is known.
    let is_named = |place: usize| peer.sent >= peer.plan.start_of(place) + "HEAD ".len();
    let method = |place: usize| match requests.get(place) {
        Some(request) if is_named(place) => request.method,
        _ => Method::Other,
    };
    let output = client.output();
    let (answers, rest) = answers(&output, method);
    let is_strict = rules.weather == Weather::Calm && !client.has_reset();
    assert!(!is_strict || rest == 0, "peer {number}: half an answer");
    assert!(answers.len() <= requests.len(), "peer {number}: answers to nothing");
    for (place, answer) in answers.iter().enumerate() {
        let is_last = place + 1 == answers.len();
        assert!(is_last || !answer.response.closes(), "peer {number}: more behind the last answer");
        let because = judge(peer, place, answer, rules);
        assert!(because.is_empty(), "peer {number}, request {place}: {because}: {answer:?}");
    }
    audit_reports(number, &answers, ended, is_strict);
    if is_strict {
        let owed = owed(peer, &answers);
        assert_eq!(answers.len(), owed, "peer {number}: answers that are owed");
    }
}

/// The handler was told of every answer, in order, before the client was.
fn audit_reports(number: usize, answers: &[Answer<'_>], ended: &[Ended], is_strict: bool) {
    let told: Vec<u16> = ended.iter().filter_map(|ended| ended.status).collect();
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.response.status).collect();
    assert!(told.starts_with(&statuses), "peer {number}: told {told:?}, written {statuses:?}");
    assert!(!is_strict || told == statuses, "peer {number}: told {told:?}, not {statuses:?}");
    for (place, ended) in ended.iter().enumerate() {
        assert!(ended.number.is_none_or(|number| number == place), "peer {number}: {ended:?}");
    }
}

/// What is wrong with an answer, in words.
fn judge(peer: &Peer, place: usize, answer: &Answer<'_>, rules: Rules) -> &'static str {
    let request = &peer.plan.requests[place];
    let is_complete = peer.sent >= peer.plan.end_of(place);
    let interim_is_due = usize::from(request.expects_continue);
    if answer.interim > interim_is_due {
        return "100 Continue unasked for";
    }
    let closes = answer.response.closes();
    if let Some(reason) = answer.response.value(DRESSED) {
        return judge_dressed(peer, place, answer, reason, rules);
    }
    match answer.response.status {
        _ if place + 1 >= rules.requests && !closes => "more requests than it may carry",
        200 if !is_complete => "a digest of half a body",
        200 if request.fault != Fault::None || request.refused => "a digest of a bad request",
        200 if request.method == Method::Other
            && answer.response.content != digest(&request.content).as_bytes() =>
        {
            "the wrong digest"
        }
        200 if (request.asks_close || request.is_http10) && !closes => "it asked to close",
        200 if closes && !may_close(peer, place, rules) => "closed for no reason",
        200 => "",
        403 if request.refused => unread(request, answer),
        FULL if request.gives_up && is_complete => "",
        FULL if request.gives_up && !closes => "content was skipped",
        FULL if request.gives_up => "",
        ENOUGH if peer.cut_short.contains(&place) => "",
        _ if !closes => "a refusal that does not close",
        400 if !is_complete && peer.client.as_ref().is_some_and(|one| one.has_finished()) => "",
        _ if request.is_refused_as(answer) => "",
        408 | 503 if rules.weather == Weather::Stormy => "",
        _ => "an answer out of nowhere",
    }
}

/// What is wrong with a refusal that the handler has dressed, in words. Of requests that it has
/// seen there are no others.
fn judge_dressed(
    peer: &Peer,
    place: usize,
    answer: &Answer<'_>,
    reason: &[u8],
    rules: Rules,
) -> &'static str {
    let request = &peer.plan.requests[place];
    let known = Reject::ALL.iter().find(|reject| reject.reason().as_bytes() == reason);
    let reject = *known.expect("a reason");
    let is_status = [429, reject.status()].contains(&answer.response.status);
    let content = dressed_content(reject);
    let content = if request.method == Method::Head { "" } else { &content };
    let has_ended = peer.client.as_ref().is_some_and(|one| one.has_finished());
    match reject {
        _ if !answer.response.closes() => "a dressed refusal that does not close",
        _ if !is_status || answer.response.content != content.as_bytes() => "another dress",
        Reject::Truncated if peer.sent < peer.plan.end_of(place) && has_ended => "",
        Reject::BodyTimeout | Reject::Late if rules.weather == Weather::Stormy => "",
        _ if [Fault::Length(reject), Fault::Content(reject)].contains(&request.fault) => "",
        _ => "a dressed refusal out of nowhere",
    }
}

/// A refusal closes if there is content that was not read.
fn unread(request: &Request, answer: &Answer<'_>) -> &'static str {
    if request.has_content && !answer.response.closes() { "content was skipped" } else { "" }
}

/// A good answer may be the last if the client asked for it, or has ended behind it.
fn may_close(peer: &Peer, place: usize, rules: Rules) -> bool {
    let client = peer.client.as_ref().expect("everybody has connected");
    let is_last = client.has_finished() && peer.sent <= peer.plan.end_of(place);
    let is_most = place + 1 >= rules.requests;
    let request = &peer.plan.requests[place];
    request.asks_close
        || request.is_http10
        || is_last
        || is_most
        || rules.weather == Weather::Stormy
}

/// How many answers there have to be when nothing came in between.
fn owed(peer: &Peer, answers: &[Answer<'_>]) -> usize {
    let count = peer.plan.requests.len();
    // Some empty lines begin no request.
    let has_begun = |place: &usize| {
        let sent = peer.plan.bytes.get(peer.plan.start_of(*place)..peer.sent).unwrap_or_default();
        sent.len() > MOST_EMPTY || sent.iter().any(|byte| !matches!(byte, b'\r' | b'\n'))
    };
    let begun = (0..count).take_while(has_begun).count();
    let closed = answers.iter().position(|answer| answer.response.closes());
    closed.map_or(begun, |place| place + 1)
}
