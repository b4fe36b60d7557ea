//! Our reading of a server's bytes, through the public interface.

use streamsum::proto::client::{Connection, Event, Request};
use streamsum::proto::{Framing, Limits, Version};

use super::{Answer, Asked, Outcome, sorted};

pub(super) fn read(asked: Asked, data: &[u8]) -> Outcome {
    let mut connection = Connection::new(Limits::for_answers().body(None));
    send(asked, &mut connection);
    // The data of chunks are joined in place.
    let mut input = data.to_vec();
    let mut answer =
        Answer { status: 0, old: false, fields: vec![], content: vec![], is_reusable: false };
    let mut at = 0;
    loop {
        let step = match connection.receive(&mut input[at..]) {
            Ok(step) => step,
            Err(fault) => return Outcome::Refused(Some(fault)),
        };
        let used = step.used;
        match step.event {
            Event::Wait => break,
            Event::Interim(_) => {}
            Event::Head(head) => {
                answer.status = head.status();
                answer.old = head.version() == Version::Http10;
                answer.fields = sorted(head.fields().iter());
            }
            Event::Content { data, .. } => answer.content.extend_from_slice(&input[at..][data]),
        }
        at += used;
    }
    answer.is_reusable = connection.reuse();
    match connection.ended() {
        Ok(_) => Outcome::Took(answer),
        Err(fault) => Outcome::Refused(Some(fault)),
    }
}

/// Sends the whole request.
fn send(asked: Asked, connection: &mut Connection) {
    let (method, framing) = match asked {
        Asked::Get => ("GET", Framing::None),
        Asked::Head => ("HEAD", Framing::None),
        Asked::Put => ("PUT", Framing::Length(3)),
    };
    let request = Request::new(method, "/", "x").expect("a good request line").content(framing);
    let mut output = Vec::new();
    connection.request(&request, &mut output);
    let length = connection.frame(3, &mut output);
    connection.sent(length);
    assert!(connection.is_sent());
}
