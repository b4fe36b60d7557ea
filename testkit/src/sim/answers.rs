//! What the engine writes: read as a client does, and as it must be written.

use crate::response::{Answer, Method, read_all};

/// Reads all answers, and how many bytes lie behind the last whole one; bytes that are none
/// fail the test. `method` is that of the request with a number, in order.
pub fn answers(wire: &[u8], method: impl Fn(usize) -> Method) -> (Vec<Answer<'_>>, usize) {
    let (answers, rest) =
        read_all(wire, method).unwrap_or_else(|wrong| panic!("{wrong}: {}", wire.escape_ascii()));
    let is_dated = |answer: &Answer<'_>| answer.response.value("Date").is_some();
    assert!(answers.iter().all(is_dated), "no Date: {}", wire.escape_ascii());
    (answers, rest)
}

/// An answer as it must be written, byte for byte, at the start of the test's time.
pub fn text(status: &str, fields: &str, content: &str) -> String {
    let length = content.len();
    format!(
        "HTTP/1.1 {status}\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
         Content-Length: {length}\r\nContent-Type: text/plain; charset=utf-8\r\n\
         {fields}\r\n{content}"
    )
}
