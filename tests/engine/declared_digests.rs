//! Digests that clients declare, over the wire: which are right, and what becomes of the others.

use streamsum::checksum::{Checksum, Upload};
use streamsum::engine::Config;
use streamsum::handler::{Finished, Handler, Piece, Refused, Reply, Report, Request, Verdict};
use streamsum::proto::Response;
use streamsum::resident::Resident;
use testkit::random::Random;
use testkit::response::CONTINUE;
use testkit::sim::{Client, Driver, Keeps, text};

use super::{CLOSE, digest, put};

/// [`Checksum`], which tells how requests ended.
pub(super) struct Watched {
    checksum: Checksum,
    /// Status, note, and whether the upload came back.
    pub(super) ended: Vec<(u16, Option<String>, bool)>,
}

impl Resident for Watched {}

impl Keeps for Watched {}

impl Handler for Watched {
    type Upload = Upload;

    fn begin(&mut self, request: Request<'_>) -> Verdict<Upload> {
        self.checksum.begin(request)
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

    fn refused(&mut self, refusal: &Refused<'_, Upload>, response: Response) -> Response {
        self.checksum.refused(refusal, response)
    }

    fn ended(&mut self, report: &Report<'_>, upload: Option<Upload>) {
        let response = report.response.expect("nobody breaks off here");
        let note = response.note().map(str::to_owned);
        self.ended.push((response.status(), note, upload.is_some()));
    }
}

pub(super) fn watched(checksum: Checksum) -> (Driver<Watched>, Client) {
    with(Config::default(), checksum)
}

pub(super) fn with(config: Config, checksum: Checksum) -> (Driver<Watched>, Client) {
    let mut driver = Driver::new(config, Watched { checksum, ended: Vec::new() });
    let client = driver.connect();
    (driver, client)
}

/// A field that declares the digest of `abc`.
#[derive(Clone, Copy)]
struct Row {
    field: &'static str,
    algorithm: &'static str,
    /// True if its value is a dictionary.
    is_dictionary: bool,
    /// In base64, of `abc` and of `abd`.
    right: &'static str,
    wrong: &'static str,
}

const MD5: [&str; 3] = ["md5", "kAFQmDzST7DWlj99KOF/cg==", "SRHlFuWqIdMnUS4Mixl2Fg=="];
const SHA: [&str; 3] = ["sha", "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=", "y0zCjfD9vg7PnZZi4pSxGAkqVzU="];
const SHA_256: [&str; 3] = [
    "sha-256",
    "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=",
    "pS0VnyYrLG3bckphhAvvw26zDIiHekAwtly+himESck=",
];
const SHA_512: [&str; 3] = [
    "sha-512",
    "3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==",
    "GphAwnpc8i2rBgzdioPaKw+8sa61LU+dOJS2OQg+IFpas/avrushuOmbXg/pPar6q+7ydNpdbq3MnbNuW29kxA==",
];
const CRC32: [&str; 3] = ["crc32", "NSRBwg==", "q0DUYQ=="];
const CRC32C: [&str; 3] = ["crc32c", "Nks/tw==", "4oFbXA=="];
const CRC64NVME: [&str; 3] = ["crc64nvme", "BeXKuz/B+us=", "TTQ+kPfe1+8="];

fn rows() -> Vec<Row> {
    let row = |field, is_dictionary, [algorithm, right, wrong]: [&'static str; 3]| Row {
        field,
        algorithm,
        is_dictionary,
        right,
        wrong,
    };
    let mut rows = vec![row("Content-MD5", false, MD5)];
    for field in ["Content-Digest", "Repr-Digest"] {
        rows.extend([MD5, SHA, SHA_256, SHA_512, CRC32C].map(|one| row(field, true, one)));
    }
    let amazon = [
        ("x-amz-checksum-md5", MD5),
        ("x-amz-checksum-sha1", SHA),
        ("X-Amz-Checksum-SHA256", SHA_256),
        ("x-amz-checksum-sha512", SHA_512),
        ("x-amz-checksum-crc32", CRC32),
        ("x-amz-checksum-crc32c", CRC32C),
        ("x-amz-checksum-crc64nvme", CRC64NVME),
    ];
    rows.extend(amazon.map(|(field, one)| row(field, false, one)));
    rows
}

impl Row {
    fn line(self, base64: &str) -> String {
        let Self { field, algorithm, .. } = self;
        match self.is_dictionary {
            true => format!("{field}: {algorithm}=:{base64}:\r\n"),
            false => format!("{field}: {base64}\r\n"),
        }
    }

    fn right(self) -> String {
        self.line(self.right)
    }

    fn wrong(self) -> String {
        self.line(self.wrong)
    }

    /// Values that are none, each for a reason of its own.
    fn malformed(self) -> Vec<String> {
        let Self { field, algorithm, right, .. } = self;
        let mut lines = vec![
            self.line(""),
            self.line(&right[1..]),
            self.line(&format!("AAAA{right}")),
            self.line(&right.replacen(|c: char| c.is_ascii_alphabetic(), "_", 1)),
            self.line(&format!("{right} {right}")),
        ];
        if !self.is_dictionary {
            return lines;
        }
        let others = [
            format!("{field}: {algorithm}={right}\r\n"),
            format!("{field}: {algorithm}\r\n"),
            format!("{field}: {algorithm}=1\r\n"),
            format!("{field}: {algorithm}=(:{right}:)\r\n"),
            format!("{field}: {algorithm}=:{right}:,\r\n"),
            format!("{field}: unknown, ?\r\n"),
        ];
        lines.extend(others);
        lines
    }

    fn differs(self) -> String {
        format!("the content has another {} than declared", self.algorithm)
    }

    /// Of a refusal, the name of the field as the server spells it.
    fn name(self) -> String {
        self.field.replace("X-Amz-Checksum-SHA256", "x-amz-checksum-sha256")
    }
}

/// A message of `abc` by its length.
pub(super) fn by_length(fields: &str) -> String {
    put("/a", "abc").replacen("\r\n\r\n", &format!("\r\n{fields}\r\n"), 1)
}

/// In two chunks, with a trailer section.
fn chunked(fields: &str, trailers: &str) -> String {
    format!(
        "PUT /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n{fields}\r\n\
         2\r\nab\r\n1\r\nc\r\n0\r\n{trailers}\r\n"
    )
}

fn announcing(row: Row, trailers: &str) -> String {
    chunked(&format!("Trailer: x-other, {}\r\n", row.field.to_ascii_lowercase()), trailers)
}

/// What comes of a request, whatever cuts it: the answer; and one to a request behind it, if the
/// connection is kept.
#[track_caller]
fn comes_to(request: &str, answer: &str, note: Option<&str>, had_upload: bool) {
    let status = answer["HTTP/1.1 ".len()..][..3].parse().expect("a status");
    let is_kept = !answer.contains(CLOSE);
    let next = put("/b", "next");
    let wire = request.to_owned() + &next;
    let expected = if is_kept { answer.to_owned() + &digest("next") } else { answer.to_owned() };
    let cuts = (1..request.len()).map(|cut| vec![cut]);
    let cuts = [vec![], (1..wire.len()).collect()].into_iter().chain(cuts);
    for cuts in cuts {
        let (mut driver, client) = watched(Checksum::new());
        let mut start = 0;
        for cut in cuts.iter().copied().chain([wire.len()]) {
            driver.send(&client, &wire[start..cut]);
            start = cut;
        }
        assert_eq!(client.take_output(), expected, "{request:?} {cuts:?}");
        let first = driver.handler.ended.first().expect("a report");
        assert_eq!(*first, (status, note.map(str::to_owned), had_upload), "{request:?} {cuts:?}");
        assert_eq!(client.sees_half_close(), !is_kept);
        let faults = u64::from(had_upload && status == 400);
        assert_eq!(driver.engine.stats().faults, faults);
    }
}

#[track_caller]
fn is_verified(request: &str, algorithms: &str) {
    let note = (!algorithms.is_empty()).then(|| format!("verified {algorithms}"));
    comes_to(request, &digest("abc"), note.as_deref(), false);
}

/// Its content was read to its end, and the next request is served.
#[track_caller]
fn is_refused_at_the_end(request: &str, reason: &str) {
    comes_to(request, &text("400 Bad Request", "", reason), None, true);
}

/// Its content is not read, nor asked for.
#[track_caller]
fn is_refused_before(request: &str, reason: &str) {
    let refusal = text("400 Bad Request", CLOSE, reason);
    comes_to(request, &refusal, None, false);
    let (head, _) = request.split_once("\r\n\r\n").expect("a head");
    let (mut driver, client) = watched(Checksum::new());
    driver.send(&client, format!("{head}\r\nExpect: 100-continue\r\n\r\n"));
    assert_eq!(client.take_output(), refusal, "{head}");
}

// covers: 34.1 34.2 34.3 34.11
#[test]
fn right_digests_are_verified_in_head_and_trailer_section() {
    for row in rows() {
        is_verified(&by_length(&row.right()), row.algorithm);
        is_verified(&chunked(&row.right(), ""), row.algorithm);
        is_verified(&announcing(row, &row.right()), row.algorithm);
        // What was not announced is verified if it was computed.
        let computed = if row.algorithm == "md5" { "md5" } else { "" };
        is_verified(&chunked("", &row.right()), computed);
        is_verified(&chunked(&row.right(), &row.right()), row.algorithm);
    }
}

// covers: 34.4 34.10
#[test]
fn wrong_digest_is_400_and_the_connection_is_kept() {
    for row in rows() {
        is_refused_at_the_end(&by_length(&row.wrong()), &row.differs());
        is_refused_at_the_end(&chunked(&row.wrong(), ""), &row.differs());
        is_refused_at_the_end(&announcing(row, &row.wrong()), &row.differs());
        is_refused_at_the_end(&chunked(&row.right(), &row.wrong()), &row.differs());
        match row.algorithm {
            "md5" => is_refused_at_the_end(&chunked("", &row.wrong()), &row.differs()),
            _ => is_verified(&chunked("", &row.wrong()), ""),
        }
    }
}

// covers: 34.5 34.10
#[test]
fn malformed_digest_is_400_before_the_content_or_behind_it() {
    for row in rows() {
        for line in row.malformed() {
            let reason = format!("malformed {}", row.name());
            is_refused_before(&by_length(&line), &reason);
            is_refused_before(&chunked(&line, ""), &reason);
            is_refused_at_the_end(&announcing(row, &line), &reason);
            is_refused_at_the_end(&chunked("", &line), &reason);
        }
    }
}

// covers: 34.6 34.10
#[test]
fn repeated_digest_is_400_even_if_equal() {
    for row in rows() {
        let reason = format!("{} declares a digest twice", row.name());
        for second in [row.right(), row.wrong()] {
            let lines = row.right() + &second;
            is_refused_before(&by_length(&lines), &reason);
            is_refused_at_the_end(&announcing(row, &lines), &reason);
        }
        if row.is_dictionary {
            let Row { field, algorithm, right, .. } = row;
            let line = format!("{field}: {algorithm}=:{right}:, a, {algorithm}=:{right}:\r\n");
            is_refused_before(&by_length(&line), &reason);
        }
    }
}

// covers: 34.7
#[test]
fn contradicting_digests_are_400_and_agreeing_ones_are_fine() {
    let rows = rows();
    for one in &rows {
        for other in rows.iter().filter(|other| other.algorithm == one.algorithm) {
            if other.field == one.field {
                continue;
            }
            is_verified(&by_length(&(one.right() + &other.right())), one.algorithm);
            let lines = one.right() + &other.wrong();
            let reason = format!("two values of {} are declared", one.algorithm);
            is_refused_before(&by_length(&lines), &reason);
            is_refused_at_the_end(&chunked("", &lines), &reason);
        }
    }
}

// covers: 34.8 34.9
#[test]
fn announced_digest_has_to_come_and_needs_a_trailer_section() {
    for row in rows() {
        let missing = format!("{} was announced and did not come", row.name());
        is_refused_at_the_end(&announcing(row, ""), &missing);
        is_refused_at_the_end(&announcing(row, "x-other: 1\r\n"), &missing);
        // In the head it is another.
        let announcement = format!("Trailer: {}\r\n", row.field);
        is_refused_at_the_end(&chunked(&(announcement.clone() + &row.right()), ""), &missing);
        let none = format!("{} is announced for a trailer section, and there is none", row.name());
        is_refused_before(&by_length(&announcement), &none);
    }
    // A dictionary of others has come.
    let announcement = "trailer: content-digest\r\nTrailer: content-digest\r\n";
    is_verified(&chunked(announcement, "Content-Digest: unixsum=:AA==:\r\n"), "");
}

// covers: 34.2 34.3
#[test]
fn unknown_digests_are_ignored() {
    for fields in [
        "Content-Digest: unixsum=:AA==:, crc32=:AA==:, crc64nvme=:AA==:, sha-1=?0\r\n",
        "Repr-Digest: unknown;a=1\r\n",
        "Content-Digest:\r\n",
        "x-amz-checksum-algorithm: SHA256\r\n",
        "x-amz-checksum-sha384: none\r\n",
        "x-amz-checksum-type: FULL_OBJECT\r\n",
        "Content-MD5x: none\r\nDigest: none\r\n",
    ] {
        is_verified(&by_length(fields), "");
        is_verified(&chunked("", fields), "");
    }
    is_verified(&chunked("Trailer: x-amz-checksum-sha384, Digest\r\n", ""), "");
}

// covers: 34.2 34.12
#[test]
fn several_digests_are_verified_together() {
    let all: String = rows().into_iter().map(Row::right).collect::<String>();
    // Each dictionary is in several lines here.
    let algorithms = "md5,sha,sha-256,sha-512,crc32c,crc32,crc64nvme";
    is_verified(&by_length(&all), algorithms);
    is_verified(&announcing(rows()[1], &all), "md5,sha,sha-256,sha-512,crc32c");
    let [md5, sha_256] = [MD5[1], SHA_256[1]].map(|value| value.trim_end_matches('='));
    let line = format!("Content-Digest: sha-256=:{sha_256}:;a=1 ,\tb,md5=:{md5}:\r\n");
    is_verified(&by_length(&line), "sha-256,md5");
    // Several lines are one dictionary, in which a comma is followed by something.
    let lines = |second: &str| format!("Content-Digest: a=:Zm9v:\r\ncontent-digest: {second}\r\n");
    is_verified(&by_length(&lines(&format!("md5=:{md5}:"))), "md5");
    is_refused_before(&by_length(&lines("")), "malformed Content-Digest");
    // Spare bits.
    is_verified(&by_length("Content-MD5: kAFQmDzST7DWlj99KOF/cn==\r\n"), "md5");
    // One that is wrong among many.
    let is_sha_512 = |row: &Row| row.algorithm == "sha-512";
    let wrong = rows().into_iter().find(is_sha_512).expect("a row");
    let others = rows().into_iter().filter(|row| row.algorithm != "sha-512").map(Row::right);
    let fields: String = others.chain([wrong.wrong()]).collect();
    is_refused_at_the_end(&by_length(&fields), &wrong.differs());
}

// covers: 34.13
#[test]
fn digest_of_more_than_the_content_is_ignored() {
    let range = "Content-Range: bytes 0-2/9\r\n";
    for row in rows() {
        let fields = range.to_owned() + &row.wrong();
        match row.field {
            "Repr-Digest" => {
                is_verified(&by_length(&fields), "");
                is_verified(&chunked(range, &row.wrong()), "");
            }
            _ => is_refused_at_the_end(&by_length(&fields), &row.differs()),
        }
    }
    is_verified(&chunked("Content-Range: x\r\nTrailer: Repr-Digest\r\n", ""), "");
    let coded = "Content-Encoding: gzip\r\n".to_owned() + &rows()[6].wrong();
    is_refused_at_the_end(&by_length(&coded), &rows()[6].differs());
}

// covers: 34.14
#[test]
fn digest_of_what_amazon_wraps_is_ignored() {
    for coding in [
        "Content-Encoding: gzip, AWS-Chunked\r\n",
        "X-Amz-Content-SHA256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD\r\n",
    ] {
        for row in rows() {
            let fields = coding.to_owned() + &row.wrong();
            if row.is_dictionary {
                is_refused_at_the_end(&by_length(&fields), &row.differs());
            } else {
                is_verified(&by_length(&fields), "");
                is_verified(&chunked(coding, &row.wrong()), "");
                is_verified(&chunked(&format!("{coding}Trailer: {}\r\n", row.field), ""), "");
            }
        }
    }
    let payload = "x-amz-content-sha256: UNSIGNED-PAYLOAD\r\n".to_owned() + &rows()[0].wrong();
    is_refused_at_the_end(&by_length(&payload), &rows()[0].differs());
}

/// Its rules were written by somebody else, and share no code with the library.
#[test]
fn declarations_are_judged_as_by_the_oracle() {
    for seed in 0..4_000 {
        let mut random = Random::new(seed);
        let length = random.below(160);
        testkit::checks::digests::check(&random.bytes(length));
    }
}

// covers: 34.5 16.5
#[test]
fn right_declaration_is_asked_for_its_content() {
    let (mut driver, client) = watched(Checksum::new());
    let request = by_length(&format!("{}Expect: 100-continue\r\n", rows()[0].right()));
    let (head, content) = request.split_at(request.len() - 3);
    driver.send(&client, head);
    assert_eq!(client.take_output(), CONTINUE);
    driver.send(&client, content);
    assert_eq!(client.take_output(), digest("abc"));
}

/// Whoever puts a handler in front, and has never heard of `verify`.
struct Forgetful(Checksum);

impl Resident for Forgetful {}

impl Keeps for Forgetful {}

impl Handler for Forgetful {
    type Upload = Upload;

    fn begin(&mut self, request: Request<'_>) -> Verdict<Upload> {
        self.0.begin(request)
    }

    fn consume(&mut self, pieces: &mut [Piece<Upload>]) {
        self.0.consume(pieces);
    }

    fn finish(&mut self, message: Finished<'_>, upload: Upload) -> Reply {
        self.0.finish(message, upload)
    }
}

#[test]
fn damage_is_found_behind_a_handler_that_does_not_verify() {
    for row in rows() {
        for (fields, expected) in [
            (row.right(), digest("abc")),
            (row.wrong(), text("400 Bad Request", "", &row.differs())),
        ] {
            for request in [by_length(&fields), announcing(row, &fields)] {
                let mut driver = Driver::<_>::new(Config::default(), Forgetful(Checksum::new()));
                let client = driver.connect();
                driver.send(&client, request);
                assert_eq!(client.take_output(), expected);
            }
        }
    }
}
