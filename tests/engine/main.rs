//! The engine over scripted sockets and invented time.

#[cfg(feature = "digests")]
mod answered_digests;
mod answered_pieces;
mod bounds;
mod cases;
mod counters;
mod deadlines;
#[cfg(feature = "digests")]
mod declared_digests;
mod drain;
mod dressed_refusals;
mod ends;
mod held;
mod idle;
mod kept_content;
mod linger;
mod pieces;
mod pipelining;
mod request_limit;
mod seeds;
mod sessions;
mod short_reads;
mod terms;
mod uploads;
mod verdicts;

use streamsum::engine::Config;
use testkit::content;
use testkit::response::CONTINUE;
use testkit::sim::{Driver, Recorder, text};

const CLOSE: &str = "Connection: close\r\n";

/// An engine that writes down what its handler sees.
fn recording(config: Config) -> Driver<Recorder> {
    Driver::new(config, Recorder::default())
}

fn put(target: &str, content: &str) -> String {
    let length = content.len();
    format!("PUT {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{content}")
}

/// The same in chunks of so many bytes, and a last one of what is left.
fn put_chunked(target: &str, content: &str, chunk: usize) -> String {
    let mut request =
        format!("PUT {target} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    for data in content.as_bytes().chunks(chunk) {
        request += &format!("{:x}\r\n{}\r\n", data.len(), String::from_utf8_lossy(data));
    }
    request + "0\r\n\r\n"
}

/// The answer to a whole request, byte for byte.
fn digest(content: &str) -> String {
    text("200 OK", "", &content::digest(content.as_bytes()))
}

/// The same, where it is the last one.
fn last_digest(content: &str) -> String {
    text("200 OK", CLOSE, &content::digest(content.as_bytes()))
}

fn refusal(status: &str, reason: &str) -> String {
    text(status, CLOSE, reason)
}

/// The status and the content of a single answer, whose date is not the test's.
fn assert_answer(output: &str, status: &str, content: &str) {
    assert!(output.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{output}");
    assert!(output.ends_with(&format!("\r\n\r\n{content}")), "{output}");
    assert_eq!(output.matches("HTTP/1.1 ").count(), 1, "{output}");
}
