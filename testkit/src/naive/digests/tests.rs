//! A message for each rule of section 34.

use super::*;

const CONTENT: &[u8] = b"abc";

/// The head is that of a message in chunks if it has the line `chunked`.
fn judgement(head: &[String], trailers: &[String]) -> Judgement {
    let is_chunked = head.iter().any(|line| line == "chunked");
    let fields = |lines: &[String]| -> Vec<Field> {
        let parts = lines.iter().filter_map(|line| line.split_once(": "));
        parts.map(|(name, value)| (name.into(), value.into())).collect()
    };
    let (head, trailers) = (fields(head), fields(trailers));
    judge(&Message { head: &head, is_chunked, content: CONTENT, trailers: &trailers }, &["md5"])
}

/// Lines with `{sha}` for the digest in base64, `{!sha}` for one that is wrong, `{-sha}` for one
/// without padding.
fn lines(lines: &[&str]) -> Vec<String> {
    let filled = |line: &&str| {
        ALGORITHMS.iter().fold((*line).to_owned(), |line, algorithm| {
            let text = |bytes: &[u8]| String::from_utf8(base64::encode(bytes)).expect("text");
            let right = text(&digest(algorithm, CONTENT));
            line.replace(&format!("{{{algorithm}}}"), &right)
                .replace(&format!("{{!{algorithm}}}"), &text(&digest(algorithm, b"abd")))
                .replace(&format!("{{-{algorithm}}}"), right.trim_end_matches('='))
        })
    };
    lines.iter().map(filled).collect()
}

#[track_caller]
fn good(head: &[&str], trailers: &[&str], verified: &[&str]) {
    let verified = verified.iter().map(ToString::to_string).collect();
    let judgement = judgement(&lines(head), &lines(trailers));
    assert_eq!(judgement, Judgement::Good(verified), "{head:?} {trailers:?}");
}

#[track_caller]
fn refused_before(head: &[&str]) {
    let judgement = judgement(&lines(head), &[]);
    assert_eq!(judgement, Judgement::RefusedBefore, "{head:?}");
}

#[track_caller]
fn refused_at_end(head: &[&str], trailers: &[&str]) {
    let judgement = judgement(&lines(head), &lines(trailers));
    assert_eq!(judgement, Judgement::RefusedAtEnd, "{head:?} {trailers:?}");
}

#[test]
fn one_field_each() {
    good(&[], &[], &[]);
    good(&["chunked"], &[], &[]);
    for (name, algorithm) in SINGLE {
        let (right, wrong) =
            (format!("{name}: {{{algorithm}}}"), format!("{name}: {{!{algorithm}}}"));
        good(&[&right], &[], &[algorithm]);
        refused_at_end(&[&wrong], &[]);
        refused_at_end(&["chunked", &wrong], &[]);
    }
    for (name, key) in DICTIONARIES.iter().flat_map(|name| KEYS.map(|key| (name, key))) {
        good(&[&format!("{name}: {key}=:{{{key}}}:")], &[], &[key]);
        good(&[&format!("{name}: a, {key}=:{{-{key}}}:;b")], &[], &[key]);
        refused_at_end(&[&format!("{name}: {key}=:{{!{key}}}:")], &[]);
    }
    good(&["CONTENT-MD5: kAFQmDzST7DWlj99KOF/cg=="], &[], &["md5"]);
}

#[test]
fn what_is_no_declaration() {
    good(
        &["x-amz-checksum-algorithm: SHA256", "x-amz-checksum-sha384: a", "Content-MD5x: a"],
        &[],
        &[],
    );
    good(&["Content-Digest: crc32=:{!crc32}:, crc32=1, a, a"], &[], &[]);
    good(&["Content-Digest: "], &[], &[]);
}

#[test]
fn malformed() {
    let wrong = [
        "",
        "{md5}=",
        "{md5}, {md5}",
        "kAFQmDzST7DWlj99KOF/cg=",
        "YWJj",
        "kAFQ mDzST7DWlj99KOF/cg==",
    ];
    for value in wrong {
        refused_before(&[&format!("Content-MD5: {value}")]);
        refused_at_end(&["chunked"], &[&format!("Content-MD5: {value}")]);
    }
    for value in
        ["a,", "MD5=1", "md5", "md5=(:{md5}:)", "md5=\"{md5}\"", "md5=:YWJj:", "sha-512=::"]
    {
        refused_before(&[&format!("Content-Digest: {value}")]);
        refused_at_end(&["chunked"], &[&format!("Repr-Digest: {value}")]);
    }
}

#[test]
fn repeated() {
    refused_before(&["Content-MD5: {md5}", "content-md5: {md5}"]);
    refused_before(&["Content-Digest: md5=:{md5}:, md5=:{md5}:"]);
    refused_before(&["Content-Digest: md5=:{md5}:", "content-digest: md5=:{md5}:"]);
    refused_before(&["Content-Digest: a", "Content-Digest: "]);
    refused_at_end(&["chunked"], &["x-amz-checksum-sha1: {sha}", "x-amz-checksum-sha1: {sha}"]);
    // One dictionary, though RFC 9651 section 4.2 warns of strings over two lines.
    good(&["Content-Digest: a=\"b", "Content-Digest: c\""], &[], &[]);
    refused_before(&["Content-Digest: a=(1", "Content-Digest: 2)"]);
    good(&["Content-Digest: md5=:{md5}:", "Content-Digest: sha=:{sha}:"], &[], &["md5", "sha"]);
    good(&["chunked", "Content-MD5: {md5}"], &["Content-MD5: {md5}"], &["md5"]);
}

#[test]
fn of_one_algorithm() {
    good(
        &["Content-MD5: {md5}", "x-amz-checksum-md5: {-md5}", "Repr-Digest: md5=:{md5}:"],
        &[],
        &["md5"],
    );
    refused_before(&["Content-MD5: {md5}", "x-amz-checksum-md5: {!md5}"]);
    refused_before(&["Content-Digest: crc32c=:{crc32c}:", "Repr-Digest: crc32c=:{!crc32c}:"]);
    refused_at_end(&["chunked"], &["x-amz-checksum-sha1: {sha}", "Repr-Digest: sha=:{!sha}:"]);
    refused_at_end(&["chunked", "Content-MD5: {md5}"], &["Content-MD5: {!md5}"]);
}

#[test]
fn announced_in_the_head() {
    let head = ["chunked", "Trailer: a, X-Amz-Checksum-CRC32", "trailer: content-digest,,"];
    let crc32 = "x-amz-checksum-crc32: {crc32}";
    good(&head, &["Content-Digest: sha-512=:{sha-512}:, a", crc32], &["crc32", "sha-512"]);
    good(&head, &["Content-Digest: a", crc32, "Repr-Digest: sha=:{sha}:"], &["crc32", "sha"]);
    refused_at_end(&head, &["Content-Digest: sha-512=:{!sha-512}:", crc32]);
    refused_at_end(&head, &[crc32]);
    refused_at_end(&head, &["Content-Digest: a"]);
    refused_before(&head[1..]);
    good(&["Trailer: x-amz-checksum-type"], &[], &[]);
    refused_at_end(&["chunked", "Trailer: Content-MD5", "Content-MD5: {md5}"], &[]);
}

#[test]
fn not_announced() {
    good(&["chunked"], &["x-amz-checksum-sha1: {!sha}"], &[]);
    good(&["chunked"], &["x-amz-checksum-md5: {md5}"], &["md5"]);
    refused_at_end(&["chunked"], &["x-amz-checksum-md5: {!md5}"]);
    let declared = ["chunked", "Content-Digest: sha=:{sha}:"];
    good(&declared, &["x-amz-checksum-sha1: {sha}"], &["sha"]);
    refused_at_end(&declared, &["x-amz-checksum-sha1: {!sha}"]);
    // There is no trailer section.
    good(&[], &["Content-MD5: {!md5}"], &[]);
}

#[test]
fn beside_content_range() {
    let range = "Content-Range: bytes 0-2/9";
    good(&["Repr-Digest: md5=1", range, "Content-MD5: {md5}"], &[], &["md5"]);
    good(&["Trailer: Repr-Digest", range], &[], &[]);
    good(&["chunked", range], &["Repr-Digest: md5=:{!md5}:"], &[]);
    refused_at_end(&[range, "Content-Digest: md5=:{!md5}:"], &[]);
    refused_at_end(&["chunked"], &["Content-Range: bytes 0-2/9", "Repr-Digest: md5=:{!md5}:"]);
}

#[test]
fn with_aws_chunked() {
    let coding = "Content-Encoding: gzip, AWS-chunked";
    good(&[coding, "Content-MD5: a", "x-amz-checksum-sha1: a", "Trailer: Content-MD5"], &[], &[]);
    good(&["chunked", coding, "Content-Digest: sha=:{sha}:"], &["Content-MD5: a"], &["sha"]);
    refused_at_end(&[coding, "Repr-Digest: md5=:{!md5}:"], &[]);
    refused_before(&["Content-Encoding: aws", "Content-MD5: a"]);
}
