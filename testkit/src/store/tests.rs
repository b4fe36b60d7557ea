//! Sessions by themselves, in every cut of what comes; then over sockets.

mod acts;
mod drawn;
mod multipart;
mod puts;
mod signed;
mod sockets;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{End, Rule, Session, Store};

/// The time at which all begins.
fn start() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

/// What came of a conversation.
#[derive(Debug, PartialEq)]
struct Told {
    /// What was sent.
    output: String,
    end: Option<End>,
    /// All of it, as it is printed.
    log: String,
}

/// What all is sent, with the time that it takes.
fn settle(session: &mut Session) -> Vec<u8> {
    let mut output = Vec::new();
    loop {
        while !session.to_send().is_empty() {
            output.extend(session.to_send());
            session.sent(session.to_send().len());
        }
        match session.deadline() {
            Some(time) => session.advance(time),
            None => return output,
        }
    }
}

/// A client that sends `input` cut into pieces, waits, and then ends the connection.
fn talk(store: &Store, pieces: &[&[u8]], ends: Option<End>) -> Told {
    let mut session = store.connect(start());
    for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
        session.receive(piece);
    }
    if let Some(end) = ends {
        session.client_ended(end);
    }
    let output = String::from_utf8(settle(&mut session)).expect("text");
    Told { output, end: session.end(), log: format!("{:#?}", store.log()) }
}

/// What a store with these rules does, after having found that it does the same however the
/// input is cut.
#[track_caller]
fn in_every_cut(
    store: impl Fn() -> Store,
    rules: &[Rule],
    input: &[u8],
    ends: Option<End>,
) -> (Told, Store) {
    let fresh = || {
        let store = store();
        rules.iter().for_each(|rule| store.script(rule.clone()));
        store
    };
    let last = fresh();
    let whole = talk(&last, &[input], ends);
    let bytes: Vec<&[u8]> = input.chunks(1).collect();
    assert_eq!(talk(&fresh(), &bytes, ends), whole, "byte by byte");
    for at in 1..input.len() {
        let (first, rest) = input.split_at(at);
        assert_eq!(talk(&fresh(), &[first, rest], ends), whole, "cut at {at}");
    }
    (whole, last)
}

/// A PUT of `content` to the bucket `b`, with these field lines.
fn put(key: &str, fields: &str, content: &str) -> Vec<u8> {
    let length = content.len();
    format!(
        "PUT /b/{key} HTTP/1.1\r\nHost: s3.test\r\nContent-Type: text/plain\r\n{fields}\
         Content-Length: {length}\r\n\r\n{content}"
    )
    .into()
}
