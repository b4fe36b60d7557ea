//! Which digests the process answers, and what its lines tell of those that clients declare.

use testkit::binary::{connect, exchange};

use crate::STREAMSUM;

const SHA_256: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn put(fields: &str) -> Vec<u8> {
    let head = "PUT /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n";
    format!("{head}{fields}\r\nabc").into_bytes()
}

// covers: 34.11 35.1 35.2 35.3
#[test]
fn lines_tell_the_digest_and_what_was_verified() {
    let (running, address) = STREAMSUM.local(&["--digest", "sha-256,crc32c"]);
    let json = format!("{{\"length\": 3, \"sha-256\": \"{SHA_256}\", \"crc32c\": \"364b3fb7\"}}");
    let not_verified = format!(" {SHA_256}");
    let verified = format!(" {SHA_256} note=\"verified md5,crc32c\"");
    let in_json = format!(" - note=\"sha-256 {SHA_256}\"");
    let right = "Content-MD5: kAFQmDzST7DWlj99KOF/cg==\r\nContent-Digest: crc32c=:Nks/tw==:\r\n";
    let wrong = "x-amz-checksum-sha256: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n";
    let accept = "Accept: application/json\r\n";
    for (fields, content, line) in [
        ("", SHA_256, &*not_verified),
        (right, SHA_256, &verified),
        (accept, &json, &in_json),
        (
            wrong,
            "the content has another sha-256 than declared",
            " the content has another sha-256 than declared",
        ),
        (
            "Accept: application/json\r\nTrailer: content-md5\r\n",
            "{\"error\": \"Content-MD5 is announced for a trailer section, and there is none\", \
             \"reason\": \"digest-without-trailer-section\"}",
            " - note=\"digest-without-trailer-section\"",
        ),
    ] {
        let answer = exchange(connect(&address), &put(fields));
        let (_, found) = answer.split_once("\r\n\r\n").expect("a head");
        assert_eq!(found, content, "{fields}");
        let logged = running.line();
        let (_, end) = logged.split_once("ms").expect("a time");
        assert_eq!(end, line, "{fields}");
    }
    running.signal("USR1");
    let counters = running.line();
    assert!(counters.contains(" answers=5 faults=1 refusals=0 "), "{counters}");
}
