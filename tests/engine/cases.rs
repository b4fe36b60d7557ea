//! Runs `tests/cases/*.md` through the whole engine over scripted sockets, cut in several
//! ways: statuses, digests, and who closes when.

use streamsum::checksum::{Checksum, Upload};
use streamsum::engine::{Config, Timeouts};
use streamsum::handler::{Finished, Handler, Piece, Reply, Request, Verdict};
use streamsum::proto::Response;
use streamsum::resident::Resident;
use testkit::cases::{Case, escaped, unescape};
use testkit::content;
use testkit::random::Random;
use testkit::response::{Answer, Method};
use testkit::sim::{Client, Driver, Keeps, answers};

/// Cases longer than this are not sent byte by byte.
const LONG: usize = 8 << 10;

/// [`Checksum`], but for the cases that want an early answer.
struct Answering {
    checksum: Checksum,
    early: Option<u16>,
}

impl Resident for Answering {}

impl Keeps for Answering {}

impl Handler for Answering {
    type Upload = Upload;

    fn begin(&mut self, request: Request<'_>) -> Verdict<Upload> {
        match self.early {
            Some(status) => Verdict::Answer(Response::text(status, "not now")),
            None => self.checksum.begin(request),
        }
    }

    fn consume(&mut self, pieces: &mut [Piece<Upload>]) {
        self.checksum.consume(pieces);
    }

    fn verify(&mut self, message: &Finished<'_>, upload: &mut Upload) -> Option<Response> {
        self.checksum.verify(message, upload)
    }

    fn finish(&mut self, message: Finished<'_>, upload: Upload) -> Reply {
        self.checksum.finish(message, upload)
    }
}

/// An answer that the log of a case tells of.
#[derive(Debug)]
struct Expected {
    status: u16,
    closes: bool,
    method: Method,
    /// None if it has other content than a digest.
    digest: Option<String>,
}

/// What has to come of a case on the wire.
#[derive(Debug, Default)]
struct Outcome {
    answers: Vec<Expected>,
    /// Whether the client's end closed the connection, and nobody before.
    ends_clean: bool,
}

fn outcome(case: &Case) -> Outcome {
    let mut outcome = Outcome::default();
    let (mut digest, mut method) = (content::digest(b""), Method::Other);
    for line in &case.events {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["head", "HEAD", ..] => method = Method::Head,
            ["head", ..] => method = Method::Other,
            ["body", _, "bytes", "md5", known] => digest = known.to_owned(),
            ["body", ..] => digest = content::digest(&quoted(line)),
            ["answer" | "reject", status, ..] => {
                let status = status.parse().expect("a status");
                let digest = std::mem::replace(&mut digest, content::digest(b""));
                let digest = (status == 200).then_some(digest);
                let closes = words[2] != "reuse";
                outcome.answers.push(Expected { status, closes, method, digest });
                method = Method::Other;
            }
            ["eof", "clean"] => outcome.ends_clean = true,
            ["eof", "truncated"] => {
                outcome.answers.push(Expected { status: 400, closes: true, method, digest: None });
            }
            ["field" | "authority" | "trailer" | "end", ..] => {}
            _ => panic!("{}: unknown event {line}", case.name),
        }
    }
    outcome
}

fn quoted(line: &str) -> Vec<u8> {
    let text = line.strip_prefix("body \"").and_then(|text| text.strip_suffix('"'));
    unescape(text.expect("content in quotes"))
}

/// An engine and its only client.
type Pair<const DRAINS: bool> = (Driver<Answering, DRAINS>, Client);

fn connect<const DRAINS: bool>(case: &Case) -> Pair<DRAINS> {
    let timeouts = Timeouts::default().idle(case.idle);
    let config = Config::default().limits(case.limits()).timeouts(timeouts);
    let handler = Answering { checksum: Checksum::default(), early: case.early };
    let mut driver = Driver::new(config, handler);
    let client = driver.connect();
    driver.settle();
    (driver, client)
}

/// Sends parts one after the other, each when the engine has dealt with those before.
fn run<'i, const DRAINS: bool>(
    case: &Case,
    parts: impl IntoIterator<Item = &'i [u8]>,
) -> Pair<DRAINS> {
    let (mut driver, client) = connect::<DRAINS>(case);
    for (place, part) in parts.into_iter().enumerate() {
        client.send(part);
        if place == 0 && case.disable_keep_alive {
            driver.engine.drain();
        }
        driver.settle();
    }
    if case.eof {
        client.finish();
        driver.settle();
    }
    (driver, client)
}

fn assert_outcome(case: &Case, cut: &str, client: &Client) {
    let name = format!("{}, {cut}", case.name);
    let outcome = outcome(case);
    let output = client.output();
    let (got, rest) = read(&output, &outcome);
    assert_eq!(rest, 0, "{name}: bytes that are no answer: {}", escaped(&output));
    assert_eq!(got.len(), outcome.answers.len(), "{name}: {}", escaped(&output));
    for (place, (got, expected)) in got.iter().zip(&outcome.answers).enumerate() {
        let got = &got.response;
        assert_eq!(got.status, expected.status, "{name}: answer {place}");
        // An answer may know already that the client's end is behind it.
        let may_close = case.eof && place + 1 == outcome.answers.len();
        let is_right = got.closes() == expected.closes || (got.closes() && may_close);
        assert!(is_right, "{name}: answer {place} closes: {}", got.closes());
        let has_content = expected.method == Method::Other || !got.content.is_empty();
        if let Some(digest) = expected.digest.as_ref().filter(|_| has_content) {
            assert_eq!(got.content, digest.as_bytes(), "{name}: answer {place}");
        }
    }
    let closes = outcome.ends_clean || outcome.answers.last().is_some_and(|last| last.closes);
    assert_eq!(client.sees_end(), closes, "{name}: sees the end");
    assert!(!case.eof || client.is_closed(), "{name}: both sides have ended");
}

/// The answers on the wire. A head that is refused is not in the log: whether it was that
/// of a HEAD request shows in the refusal, which is the last.
fn read<'o>(output: &'o [u8], outcome: &Outcome) -> (Vec<Answer<'o>>, usize) {
    let method = |place: usize| outcome.answers.get(place).map_or(Method::Other, |one| one.method);
    let (got, rest) = answers(output, method);
    if rest == 0 {
        return (got, rest);
    }
    let last = outcome.answers.len().saturating_sub(1);
    answers(output, |place| if place == last { Method::Head } else { method(place) })
}

#[test]
fn as_written_and_byte_for_byte_the_expected_output() {
    for case in testkit::cases::all() {
        let (_driver, client) = run::<true>(&case, case.arrivals.iter().map(Vec::as_slice));
        assert_outcome(&case, "as written", &client);
        if let Some(output) = &case.output {
            assert_eq!(escaped(&client.output()), escaped(output), "{}", case.name);
        }
    }
}

#[test]
fn in_one_piece_with_the_end() {
    for case in testkit::cases::all() {
        let (mut driver, client) = connect::<true>(&case);
        client.send(case.input());
        if case.eof {
            client.finish();
        }
        if case.disable_keep_alive {
            driver.engine.drain();
        }
        driver.settle();
        assert_outcome(&case, "in one piece", &client);
    }
}

#[test]
fn byte_by_byte() {
    for case in testkit::cases::all()
        .iter()
        .filter(|case| case.input().len() <= LONG && !case.disable_keep_alive)
    {
        let input = case.input();
        let (_driver, client) = run::<true>(case, input.chunks(1));
        assert_outcome(case, "byte by byte", &client);
        let (_driver, client) = run::<false>(case, input.chunks(1));
        assert_outcome(case, "byte by byte, not drained", &client);
    }
}

#[test]
fn while_it_reads() {
    for case in testkit::cases::all().iter().filter(|case| !case.disable_keep_alive) {
        let (mut driver, client) = connect::<false>(case);
        client.set_longest_read(5);
        case.input().chunks(13).for_each(|part| client.send_later(part));
        if case.eof {
            client.finish();
        }
        driver.settle();
        assert_outcome(case, "while it reads", &client);
    }
}

#[test]
fn cut_by_chance() {
    let cases = testkit::cases::all();
    for (number, case) in cases.iter().enumerate().filter(|(_, case)| !case.disable_keep_alive) {
        for seed in 0..6 {
            let mut random = Random::new(number as u64 * 100 + seed);
            let input = case.input();
            let parts = random.pieces(&input, 1 << (3 + 2 * seed));
            let (_driver, client) = run::<true>(case, parts);
            assert_outcome(case, &format!("cut by seed {seed}"), &client);
        }
    }
}
