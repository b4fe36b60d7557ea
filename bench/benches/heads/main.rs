//! Heads through streamsum's core against httparse alone: what our own gate costs, which
//! takes CRLF alone for a line end, judges target, Host and framing, and counts.
//!
//! ```text
//! cargo bench --manifest-path bench/Cargo.toml --bench heads [-- FILTER]
//! ```

mod samples;
#[path = "../side_by_side/mod.rs"]
mod side_by_side;

use std::hint::black_box;
use std::mem::MaybeUninit;

use side_by_side::Comparison;
use streamsum::proto::{Connection, Event, Limits};

/// As many as streamsum takes by default, and hyper too.
const MOST_FIELDS: usize = 100;

fn main() {
    let mut comparison = Comparison::new("heads", "httparse");
    for (name, head) in heads() {
        let head = head.as_bytes();
        assert_eq!(theirs(head), count_ours(&mut head.to_vec()), "{name}");
        let mut own = head.to_vec();
        comparison.case(
            &name,
            || {
                black_box(theirs(black_box(head)));
            },
            vec![("streamsum", Box::new(move || ours(black_box(&mut own))))],
        );
    }
    comparison.finish();
}

fn heads() -> Vec<(String, String)> {
    let whole = |lines: &str, framing: &str| format!("{lines}{framing}\r\n");
    let cookie = format!("Cookie: session={}\r\n", "0123456789abcdef".repeat(128));
    let many: String = (0..60).map(|at| format!("X-Field-{at}: value {at}\r\n")).collect();
    [
        ("least", whole("GET / HTTP/1.1\r\nHost: a\r\n", "")),
        ("small", whole(samples::SMALL, "Content-Length: 1024\r\n")),
        ("browser's", whole(samples::BROWSER, "Content-Length: 1024\r\n")),
        ("browser's, 2 KiB of cookies", whole(samples::BROWSER, &cookie)),
        ("60 fields more", whole(samples::SMALL, &many)),
    ]
    .map(|(name, head)| (format!("{name} ({} bytes)", head.len()), head))
    .into()
}

/// httparse as fast as it goes: with slots that nobody has cleared.
fn theirs(head: &[u8]) -> usize {
    let mut slots = [const { MaybeUninit::uninit() }; MOST_FIELDS];
    let mut request = httparse::Request::new(&mut []);
    let parsed = request.parse_with_uninit_headers(head, &mut slots);
    assert!(parsed.is_ok_and(|status| status.is_complete()));
    request.headers.len()
}

fn ours(head: &mut [u8]) {
    let mut connection = Connection::new(Limits::default());
    let step = connection.receive(head).expect("a good head");
    assert!(matches!(step.event, Event::Head(_)));
    black_box(step);
}

fn count_ours(head: &mut [u8]) -> usize {
    match Connection::new(Limits::default()).receive(head).map(|step| step.event) {
        Ok(Event::Head(head)) => head.fields().iter().count(),
        other => panic!("no head: {other:?}"),
    }
}
