//! What travels, and the memory that it travels through: one copy into the buffer of whoever
//! reads, one out of that of whoever writes, as over a socket.

use std::cell::{Cell, RefCell};

use testkit::response::{self, Method};

use crate::samples;

/// Requests that arrive together.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) requests: usize,
    /// Bytes of content in all of them.
    pub(crate) content: usize,
}

impl Case {
    /// `count` requests, pipelined if there are several.
    fn new(
        name: &str,
        count: usize,
        head: &str,
        framing: &str,
        body: &[u8],
        content: usize,
    ) -> Self {
        let request = [head.as_bytes(), framing.as_bytes(), b"\r\n", body].concat();
        let pipelined = if count > 1 { format!(", {count} pipelined") } else { String::new() };
        Self {
            name: format!("{name}{pipelined}"),
            bytes: request.repeat(count),
            requests: count,
            content: count * content,
        }
    }

    fn by_length(name: &str, count: usize, length: usize) -> Self {
        let framing = format!("Content-Length: {length}\r\n");
        Self::new(name, count, samples::SMALL, &framing, &vec![b'x'; length], length)
    }

    /// 1 MiB, so that its head does not count.
    fn chunked(name: &str, chunk: usize) -> Self {
        const CONTENT: usize = 1 << 20;
        let one = [format!("{chunk:x}\r\n").as_bytes(), &vec![b'x'; chunk], b"\r\n"].concat();
        let body = [one.repeat(CONTENT / chunk).as_slice(), b"0\r\n\r\n"].concat();
        Self::new(name, 1, samples::SMALL, "Transfer-Encoding: chunked\r\n", &body, CONTENT)
    }
}

/// All cases.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for count in [1, 16] {
        cases.push(Case::new("small head alone", count, samples::SMALL, "", b"", 0));
        cases.push(Case::new("browser's head alone", count, samples::BROWSER, "", b"", 0));
        cases.push(Case::by_length("1 KiB", count, 1 << 10));
    }
    cases.push(Case::by_length("64 KiB", 1, 64 << 10));
    for (name, chunk) in
        [("64 B", 64), ("1 KiB", 1 << 10), ("16 KiB", 16 << 10), ("64 KiB", 64 << 10)]
    {
        cases.push(Case::chunked(&format!("1 MiB in chunks of {name}"), chunk));
    }
    cases
}

/// A peer that has sent all of a case, and keeps what it is answered.
#[derive(Default)]
pub(crate) struct Wire<'w> {
    arriving: Cell<&'w [u8]>,
    answers: RefCell<Vec<u8>>,
}

impl<'w> Wire<'w> {
    /// Lets bytes arrive, after all earlier ones were read.
    pub(crate) fn send(&self, bytes: &'w [u8]) {
        assert!(self.is_drained(), "bytes were left unread");
        self.arriving.set(bytes);
    }

    /// The next bytes, `most` at most; none when there are no more for now.
    pub(crate) fn receive(&self, most: usize) -> &'w [u8] {
        let bytes = self.arriving.get();
        let (read, left) = bytes.split_at(bytes.len().min(most));
        self.arriving.set(left);
        read
    }

    pub(crate) fn is_drained(&self) -> bool {
        self.arriving.get().is_empty()
    }

    /// Takes in bytes of answers.
    pub(crate) fn answer(&self, bytes: &[u8]) {
        self.answers.borrow_mut().extend_from_slice(bytes);
    }

    /// Bytes of answers so far.
    pub(crate) fn answered(&self) -> usize {
        self.answers.borrow().len()
    }

    /// How many answers there are with this content, if all are.
    pub(crate) fn count_answers(&self, content: &str) -> Option<usize> {
        let answers = self.answers.borrow();
        let (answers, left) = response::read_all(&answers, |_| Method::Other).ok()?;
        let mut responses = answers.iter().map(|answer| &answer.response);
        let are_right = responses.all(|it| it.status == 200 && it.content == content.as_bytes());
        (left == 0 && are_right).then_some(answers.len())
    }

    /// Forgets the answers.
    pub(crate) fn clear(&self) {
        self.answers.borrow_mut().clear();
    }
}
