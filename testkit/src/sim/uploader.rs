//! A client of a game that sends a single upload, a piece at a time.

use super::Client;
use crate::random::Random;

/// The most bytes of content in a chunk.
const MOST_IN_CHUNK: usize = 5_000;

/// What it sends, and how far it has come.
pub(super) struct Uploader {
    pub(super) client: Client,
    pub(super) content: Vec<u8>,
    pub(super) is_chunked: bool,
    /// Where its content begins.
    pub(super) head: usize,
    request: Vec<u8>,
    sent: usize,
}

impl Uploader {
    /// Puts content to a path, by length or in chunks. `fields` are whole field lines.
    pub(super) fn new(
        client: Client,
        path: &str,
        fields: &str,
        content: Vec<u8>,
        random: &mut Random,
    ) -> Self {
        let is_chunked = random.chance(50);
        let framing = if is_chunked {
            "Transfer-Encoding: chunked".to_owned()
        } else {
            format!("Content-Length: {}", content.len())
        };
        let start = format!("PUT {path} HTTP/1.1\r\nHost: localhost\r\n");
        let mut request = format!("{start}{fields}{framing}\r\n\r\n").into_bytes();
        let head = request.len();
        if is_chunked {
            for piece in random.pieces(&content, MOST_IN_CHUNK) {
                request.extend(format!("{:x}\r\n", piece.len()).bytes());
                request.extend(piece);
                request.extend(b"\r\n");
            }
            request.extend(b"0\r\n\r\n");
        } else {
            request.extend(&content);
        }
        Self { client, content, is_chunked, head, request, sent: 0 }
    }

    /// Sends so much more, or what is left.
    pub(super) fn send(&mut self, bytes: usize) {
        let end = self.request.len().min(self.sent.saturating_add(bytes));
        self.client.send(&self.request[self.sent..end]);
        self.sent = end;
    }

    /// Sends a little more, if it is still there; or breaks off, now and then.
    pub(super) fn go_on(&mut self, random: &mut Random) {
        if random.chance(2) {
            self.client.reset();
        } else if self.sent < self.request.len() && !self.client.has_reset() {
            self.send(1 + random.below(8_000));
        }
    }

    /// Sends all that is left, and ends.
    pub(super) fn end(&mut self) {
        if !self.client.has_reset() {
            self.send(usize::MAX);
            self.client.finish();
        }
    }
}
