//! Requests and responses as bytes, for the tests.

use std::time::UNIX_EPOCH;

use crate::proto::{Connection, Date, Event, Head, Limits, Response};

/// What `judge` finds in the head of a request, which is given without its empty line.
pub(super) fn judged<T>(head: &str, judge: impl FnOnce(&Head<'_>) -> T) -> T {
    let mut input = format!("{head}\r\n").into_bytes();
    let mut connection = Connection::new(Limits::default());
    let step = connection.receive(&mut input).expect("a head");
    let Event::Head(head) = step.event else { panic!("a head") };
    judge(&head)
}

/// What is sent of a response from the line after its date on.
pub(super) fn sent(response: &Response) -> String {
    let mut input = *b"PUT / HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut connection = Connection::new(Limits::default());
    connection.receive(&mut input).expect("a head");
    let mut output = Vec::new();
    let _ = connection.respond(response, &Date::new(UNIX_EPOCH), &mut output);
    let output = String::from_utf8(output).expect("text");
    let (status, rest) = output.split_once("\r\nDate: ").expect("a date");
    let (_, rest) = rest.split_once("\r\n").expect("more lines");
    format!("{status}\r\n{rest}")
}
