//! A head that begins is reported once if it does not end in the same call, and not at all
//! if it does.

use streamsum::proto::{After, Awaits, Connection, Date, Event, Limits, Reject, Response};

const HEAD: &str = "PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n";
const NEXT: &str = "HEAD /b HTTP/1.1\r\nHost: x\r\n\r\n";

/// An event that is no [`Event::Wait`], or the refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    /// With the number of bytes that were used, and of those that were given.
    Begun {
        used: usize,
        given: usize,
    },
    Head,
    End,
    Refused(Reject),
}

/// Gives the input in pieces that end at these places, and answers each request.
fn play(input: &str, cuts: &[usize]) -> Vec<Seen> {
    let mut connection = Connection::new(Limits::default());
    let (mut pending, mut seen, mut start) = (Vec::new(), Vec::new(), 0);
    for end in cuts.iter().copied().chain([input.len()]) {
        pending.extend_from_slice(&input.as_bytes()[start..end]);
        start = end;
        while let Some(event) = step(&mut connection, &mut pending) {
            seen.push(event);
            if let Seen::Refused(_) = event {
                return seen;
            }
        }
    }
    seen
}

/// One call; none if it waits.
fn step(connection: &mut Connection, pending: &mut Vec<u8>) -> Option<Seen> {
    let given = pending.len();
    let step = match connection.receive(pending) {
        Ok(step) => step,
        Err(reject) => return Some(Seen::Refused(reject)),
    };
    let used = step.used;
    let seen = match step.event {
        Event::Wait => None,
        Event::HeadBegun => {
            assert_eq!(connection.awaits(), Awaits::Head);
            Some(Seen::Begun { used, given })
        }
        Event::Head(_) => {
            connection.accept(&mut Vec::new());
            Some(Seen::Head)
        }
        Event::Body { last, .. } => {
            let date = Date::new(std::time::UNIX_EPOCH);
            if last {
                let response = Response::text(200, "");
                let after = connection.respond(&response, &date, &mut Vec::new());
                assert_eq!(after, After::Reuse);
            }
            last.then_some(Seen::End)
        }
    };
    pending.drain(..used);
    if let Some(Seen::Begun { .. }) = seen {
        // The same input again has nothing new to say.
        let again = connection.receive(pending).unwrap();
        assert!(matches!((again.used, again.event), (0, Event::Wait)));
    }
    seen
}

/// True if the cut parts `head`, which comes after `before` bytes.
fn is_within(head: &str, before: usize, cut: usize) -> bool {
    (before + 1..before + head.len()).contains(&cut)
}

#[test]
fn a_whole_head_is_not_reported_as_begun() {
    assert_eq!(play(&format!("{HEAD}ab"), &[]), [Seen::Head, Seen::End]);
    let both = format!("{HEAD}ab{NEXT}");
    assert_eq!(play(&both, &[]), [Seen::Head, Seen::End, Seen::Head, Seen::End]);
    assert_eq!(play(&both, &[HEAD.len() + 2]), [Seen::Head, Seen::End, Seen::Head, Seen::End]);
}

#[test]
fn a_head_is_reported_as_begun_once_wherever_it_is_cut() {
    let input = format!("{HEAD}ab");
    for first in 0..=input.len() {
        for second in first..=input.len() {
            let mut expected = vec![Seen::Head, Seen::End];
            let begins = [first, second].into_iter().find(|cut| is_within(HEAD, 0, *cut));
            if let Some(given) = begins {
                expected.insert(0, Seen::Begun { used: 0, given });
            }
            assert_eq!(play(&input, &[first, second]), expected, "cut at {first} and {second}");
        }
    }
}

// covers: 2.1
#[test]
fn empty_lines_before_a_head_that_begins_are_used_and_begin_nothing() {
    let lines = "\r\n\r\n\r\n\r\n";
    let input = format!("{lines}{HEAD}ab");
    for cut in 0..=input.len() {
        let mut expected = vec![Seen::Head, Seen::End];
        if is_within(HEAD, lines.len(), cut) {
            expected.insert(0, Seen::Begun { used: lines.len(), given: cut });
        }
        assert_eq!(play(&input, &[cut]), expected, "cut at {cut}");
    }
    // A part of the lines came before.
    let begun = Seen::Begun { used: 4, given: 6 };
    assert_eq!(play(&input, &[5, 10]), [begun, Seen::Head, Seen::End]);
}

#[test]
fn each_head_of_a_connection_is_reported_as_begun() {
    let first = format!("{HEAD}ab");
    for between in ["", "\r\n"] {
        let input = format!("{first}{between}{NEXT}");
        let before = first.len() + between.len();
        for cut in 0..=input.len() {
            let mut expected = vec![Seen::Head, Seen::End, Seen::Head, Seen::End];
            if is_within(HEAD, 0, cut) {
                expected.insert(0, Seen::Begun { used: 0, given: cut });
            }
            if is_within(NEXT, before, cut) {
                let given = cut - first.len();
                expected.insert(2, Seen::Begun { used: between.len(), given });
            }
            assert_eq!(play(&input, &[cut]), expected, "{between:?} cut at {cut}");
        }
        let bytes: Vec<usize> = (1..input.len()).collect();
        let begun = Seen::Begun { used: 0, given: 1 };
        let expected = [begun, Seen::Head, Seen::End, begun, Seen::Head, Seen::End];
        assert_eq!(play(&input, &bytes), expected, "{between:?} byte by byte");
    }
}

#[test]
fn a_head_is_reported_as_begun_before_it_is_refused() {
    let input = "PUT /a HTTP/1.1\r\nHost: x\n";
    let refused = Seen::Refused(Reject::LineEnd);
    assert_eq!(play(input, &[]), [refused]);
    for cut in 1..input.len() {
        assert_eq!(play(input, &[cut]), [Seen::Begun { used: 0, given: cut }, refused]);
    }
    assert_eq!(play("\u{16}\u{3}", &[1]), [Seen::Refused(Reject::FirstByte)]);
}
