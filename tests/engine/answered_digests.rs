//! Which digests are answered, and in which form.

use streamsum::checksum::Checksum;
use streamsum::digest::Algorithm;
use streamsum::engine::Config;
use streamsum::proto::Limits;
use testkit::sim::text;

use super::declared_digests::{by_length, watched, with};
use super::{assert_answer, digest, put};

/// Not that of `abc`.
const WRONG_MD5: &str = "Content-MD5: SRHlFuWqIdMnUS4Mixl2Fg==\r\n";

fn json(content: &str) -> String {
    let length = content.len();
    let answer = text("200 OK", "", content);
    let of_text = "Content-Type: text/plain; charset=utf-8";
    assert!(answer.contains(&format!("Content-Length: {length}\r\n")));
    answer.replace(of_text, "Content-Type: application/json")
}

// covers: 35.1 35.2
#[test]
fn digests_that_were_asked_for_are_answered() {
    let list = [Algorithm::Sha256, Algorithm::Md5, Algorithm::Crc32c];
    let sha_256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let (mut driver, client) = watched(Checksum::of(list));
    driver.send(&client, put("/a", "abc"));
    assert_eq!(client.take_output(), text("200 OK", "", sha_256));
    let accept = "Accept: application/json\r\n";
    // What else is declared is computed, and not answered.
    driver.send(&client, by_length(&format!("{accept}x-amz-checksum-crc32: {}\r\n", "NSRBwg==")));
    let all = format!(
        "{{\"length\": 3, \"sha-256\": \"{sha_256}\", \
         \"md5\": \"900150983cd24fb0d6963f7d28e17f72\", \"crc32c\": \"364b3fb7\"}}"
    );
    assert_eq!(client.take_output(), json(&all));
    let note = driver.handler.ended.last().expect("a report").1.as_deref();
    assert_eq!(note, Some(&*format!("sha-256 {sha_256}, verified crc32")));

    let (mut driver, client) = watched(Checksum::of([Algorithm::Crc64Nvme]));
    driver.send(&client, put("/a", "abc"));
    assert_eq!(client.take_output(), text("200 OK", "", "05e5cabb3fc1faeb"));
    let (mut driver, client) = watched(Checksum::of([]));
    driver.send(&client, put("/a", "abc"));
    assert_eq!(client.take_output(), digest("abc"));
}

// covers: 35.3
#[test]
fn refusals_are_json_for_who_asks_for_it() {
    let accept = "Accept: application/json, */*;q=0.1\r\n";
    let config = || Config::default().limits(Limits::default().body(3));
    let (mut driver, client) = with(config(), Checksum::new());
    driver.send(&client, by_length(&(accept.to_owned() + WRONG_MD5)));
    assert_answer(
        &client.take_output(),
        "400 Bad Request",
        "{\"error\": \"the content has another md5 than declared\", \"reason\": \"digest-differs\"}",
    );
    driver.send(&client, put("/a", "abcd").replacen("\r\n\r\n", &format!("\r\n{accept}\r\n"), 1));
    assert_answer(
        &client.take_output(),
        "413 Content Too Large",
        "{\"error\": \"the content is too large\", \"reason\": \"body-too-large\"}",
    );
    let (mut driver, client) = with(config(), Checksum::new());
    let request = by_length(accept);
    driver.send(&client, &request[..request.len() - 1]);
    driver.advance_secs(31.0);
    let output = client.take_output();
    assert!(output.contains("\r\nContent-Type: application/json\r\n"), "{output}");
    assert!(output.ends_with("\"reason\": \"body-timeout\"}"), "{output}");
    assert_eq!(driver.handler.ended, [(408, Some("body-timeout".to_owned()), true)]);
    // Nobody knows what a client asks for whose head is not complete.
    let (mut driver, client) = with(config(), Checksum::new());
    driver.send(&client, &request[..50]);
    driver.advance_secs(11.0);
    assert_answer(&client.take_output(), "408 Request Timeout", "the head did not arrive in time");
}
