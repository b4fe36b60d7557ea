//! Digests that a client declares are verified as the oracle's slow rules say, however the
//! request is cut, and the connection is kept wherever the next request is certain.

mod drawn;

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use streamsum::Checksum;
use streamsum::engine::Config;
use streamsum::handler::{self, Finished, Handler, Piece, Reply, Report, Verdict};
use streamsum::proto::{Limits, Response};
use streamsum::resident::Resident;

use super::choices::Choices;
use crate::content;
use crate::naive::digests::{Judgement, Message, judge};
use crate::naive::{self, Framing, Reading, Request};
use crate::response::{Answer, Method};
use crate::sim::{Driver, Keeps, answers};
use drawn::Upload;

/// What the server computes of all content.
const COMPUTED: [&str; 1] = ["md5"];

/// What follows on the same connection.
const NEXT: &[u8] = b"PUT /next HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nnext";

/// [`Checksum`], which tells what stands in the access line of each request.
struct Noting {
    checksum: Checksum,
    notes: Vec<Option<String>>,
}

impl Resident for Noting {}

impl Keeps for Noting {}

impl Handler for Noting {
    type Upload = streamsum::checksum::Upload;

    fn begin(&mut self, request: handler::Request<'_>) -> Verdict<Self::Upload> {
        self.checksum.begin(request)
    }

    fn consume(&mut self, pieces: &mut [Piece<Self::Upload>]) {
        self.checksum.consume(pieces);
    }

    fn verify(&mut self, message: &Finished<'_>, upload: &mut Self::Upload) -> Option<Response> {
        self.checksum.verify(message, upload)
    }

    fn finish(&mut self, message: Finished<'_>, upload: Self::Upload) -> Reply {
        self.checksum.finish(message, upload)
    }

    fn ended(&mut self, report: &Report<'_>, _: Option<Self::Upload>) {
        let note = report.response.and_then(Response::note);
        self.notes.push(note.map(str::to_owned));
    }
}

/// Draws a request whose client declares digests, and how it arrives.
pub fn check(data: &[u8]) {
    let mut choices = Choices::new(data);
    let ours = choices.byte();
    let cuts: Vec<usize> = (0..choices.below(6)).map(|_| choices.below(1 << 16)).collect();
    let upload = Upload::draw(&mut choices);
    let wire = [&upload.wire, NEXT].concat();
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (wire.len() + 1)).collect();
    if ours & 2 != 0 {
        // As a client does that waits for 100 (Continue).
        cuts.push(upload.head_length);
    }
    cuts.sort_unstable();
    let pauses = cuts.contains(&upload.head_length);
    let output =
        if ours & 1 == 0 { play::<true>(&wire, &cuts) } else { play::<false>(&wire, &cuts) };
    let (got, rest) = answers(&output.bytes, |_| Method::Other);
    let told = || format!("{}\n→ {}", wire.escape_ascii(), output.bytes.escape_ascii());
    assert_eq!(rest, 0, "bytes that are no answer: {}", told());

    let Reading { requests, .. } = naive::read(&wire, false, &Limits::default().into());
    let [request, next] = requests.as_slice() else { panic!("not two requests: {}", told()) };
    let expected = Expected::of(request, pauses);
    let [first, following @ ..] = got.as_slice() else { panic!("no answer: {}", told()) };
    expected.assert_met(first, &request.content, told);
    let note = output.notes.first().and_then(Option::as_deref);
    let noted = note.map(|note| note.strip_prefix("verified ").expect("what was verified"));
    let noted: BTreeSet<String> =
        noted.into_iter().flat_map(|it| it.split(',')).map(str::to_owned).collect();
    assert_eq!(noted, expected.verified, "what was verified: {}", told());
    assert_eq!(output.is_ended, expected.closes, "sees the end: {}", told());
    if expected.closes {
        assert!(following.is_empty(), "answered behind the end: {}", told());
    } else {
        assert_eq!(following.len(), 1, "the next request: {}", told());
        let verified = BTreeSet::new();
        let kept = Expected { status: 200, closes: false, interim: 0..=0, verified };
        kept.assert_met(&following[0], &next.content, told);
    }
}

/// What the server wrote.
struct Output {
    bytes: Vec<u8>,
    /// True if it ended its stream.
    is_ended: bool,
    notes: Vec<Option<String>>,
}

/// Sends all bytes in pieces; each arrives when those before were dealt with.
fn play<const DRAINS: bool>(wire: &[u8], cuts: &[usize]) -> Output {
    let handler = Noting { checksum: Checksum::default(), notes: Vec::new() };
    let mut driver: Driver<_, DRAINS> = Driver::new(Config::default(), handler);
    let client = driver.connect();
    driver.settle();
    let mut sent = 0;
    for &cut in cuts.iter().chain([&wire.len()]) {
        client.send(&wire[sent..cut]);
        driver.settle();
        sent = cut;
    }
    let notes = driver.handler.notes;
    Output { bytes: client.output(), is_ended: client.sees_end(), notes }
}

/// What the answer has to be.
struct Expected {
    status: u16,
    closes: bool,
    /// How many 100 (Continue) may come before it.
    interim: RangeInclusive<usize>,
    verified: BTreeSet<String>,
}

impl Expected {
    /// `pauses` if nothing came behind the head until that was dealt with.
    fn of(request: &Request, pauses: bool) -> Self {
        let message = Message {
            head: &request.fields,
            is_chunked: request.framing == Framing::Chunked,
            content: &request.content,
            trailers: &request.trailers,
        };
        let judgement = judge(&message, &COMPUTED);
        let has_content = !matches!(request.framing, Framing::None | Framing::Length(0));
        let is_before = judgement == Judgement::RefusedBefore;
        let expects = request.fields.iter().any(|(name, _)| name == b"Expect");
        Self {
            status: if matches!(judgement, Judgement::Good(_)) { 200 } else { 400 },
            closes: is_before && has_content,
            interim: match (expects && has_content && !is_before, pauses) {
                (false, _) => 0..=0,
                (true, true) => 1..=1,
                // A read may happen to end where the head does.
                (true, false) => 0..=1,
            },
            verified: match judgement {
                Judgement::Good(verified) => verified,
                Judgement::RefusedBefore | Judgement::RefusedAtEnd => BTreeSet::new(),
            },
        }
    }

    fn assert_met(&self, got: &Answer<'_>, content: &[u8], told: impl Fn() -> String) {
        let response = &got.response;
        assert_eq!(response.status, self.status, "status: {}", told());
        assert_eq!(response.closes(), self.closes, "closes: {}", told());
        assert!(self.interim.contains(&got.interim), "100 (Continue): {}", told());
        if self.status == 200 {
            let digest = content::digest(content);
            assert_eq!(response.content, digest.as_bytes(), "digest: {}", told());
        }
    }
}
