//! What a peer is about, as far as it can be told from outside.

use crate::sim::Client;
use crate::sim::erratic::{Ended, Erratic, Open, Stage};
use crate::sim::peer::Peer;

/// What a peer is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Its first head, or nothing yet.
    First,
    Idle,
    Head,
    Body,
    /// A piece was taken in part: no clock runs.
    Paused,
    /// The handler owes a verdict.
    Verdict,
    /// The handler owes an answer.
    Answer,
    /// The last answer is on its way.
    Closing,
    Lingering,
    Gone,
}

/// What a peer is about, told from its bytes and from what the handler knows.
pub(super) fn phase(number: usize, peer: &Peer, client: &Client, handler: &Erratic) -> Phase {
    if client.is_closed() {
        return Phase::Gone;
    }
    if client.sees_half_close() {
        return Phase::Lingering;
    }
    if handler.ended_of(number).last().is_some_and(Ended::closes) {
        return Phase::Closing;
    }
    match handler.open_of(number) {
        Some(Open { is_cut_short: true, .. }) => Phase::Closing,
        Some(open) => match open.stage {
            Stage::Waiting => Phase::Verdict,
            Stage::Late(_) => Phase::Answer,
            Stage::Paused => Phase::Paused,
            Stage::Taking | Stage::Finished | Stage::Refused => Phase::Body,
            Stage::GivenUp { .. } => panic!("peer {number}: an answered piece ended nothing"),
        },
        None => match handler.begun_of(number) {
            0 => Phase::First,
            begun if head_bytes(begun, peer, client) > 0 => Phase::Head,
            _ => Phase::Idle,
        },
    }
}

/// How many bytes of a head were read, after so many requests.
pub(super) fn head_bytes(begun: usize, peer: &Peer, client: &Client) -> usize {
    let start = begun.checked_sub(1).map_or(0, |last| peer.plan.end_of(last));
    let head = peer.plan.bytes.get(start..client.taken()).unwrap_or_default();
    let empty_lines = head.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    head.len() - empty_lines
}

/// How many bytes of the content under way were read, framing included.
pub(super) fn content_bytes(
    number: usize,
    phase: Phase,
    peer: &Peer,
    client: &Client,
    handler: &Erratic,
) -> usize {
    if phase != Phase::Body {
        return 0;
    }
    let request = handler.begun_of(number) - 1;
    client.taken() - peer.plan.content_of(request)
}
