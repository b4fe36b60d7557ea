//! Our reading of a client's bytes, through the public interface.

use streamsum::proto::{After, Connection, Date, End, Event, Limits, Response};

use super::{Message, Outcome, Reading};

pub(super) fn read(data: &[u8]) -> Reading {
    let date = Date::new(std::time::UNIX_EPOCH);
    let mut connection = Connection::new(Limits::default());
    // The data of chunks are joined in place.
    let mut input = data.to_vec();
    let mut output = Vec::new();
    let mut messages = Vec::new();
    let mut message = Message { method: String::new(), target: String::new(), content: Vec::new() };
    let mut at = 0;
    let last = loop {
        let step = match connection.receive(&mut input[at..]) {
            Ok(step) => step,
            Err(reject) => break Outcome::Refused(Some(reject)),
        };
        let used = step.used;
        match step.event {
            // What was used without an event is framing: there may be more behind it.
            Event::Wait if used > 0 => {}
            // The next call waits.
            Event::HeadBegun => {}
            Event::Wait => match connection.ended() {
                End::Clean => break Outcome::Ended,
                End::Truncated(reject) => break Outcome::Refused(Some(reject)),
            },
            Event::Head(head) => {
                message.method = head.method().to_owned();
                message.target = head.target().to_owned();
                connection.accept(&mut output);
            }
            Event::Body { data, last } => {
                message.content.extend_from_slice(&input[at..][data]);
                if last {
                    let response = Response::text(200, message.content.len().to_string());
                    messages.push((message.clone(), at + used));
                    message.content.clear();
                    if let After::Close(_) = connection.respond(&response, &date, &mut output) {
                        break Outcome::Ended;
                    }
                }
            }
        }
        at += used;
    };
    Reading { messages, last }
}
