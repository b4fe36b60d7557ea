//! What a client makes of the bytes that came back.

/// Which requests have answers without content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Head,
    Other,
}

/// A response as a client reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// How many 100 Continue came before it.
    pub interim: usize,
    pub closes: bool,
    pub content: Vec<u8>,
}

/// Reads all responses, strictly; and how many bytes lie behind the last whole one.
/// `methods` are those of the requests, in order.
pub fn answers(mut bytes: &[u8], methods: impl Fn(usize) -> Method) -> (Vec<Answer>, usize) {
    let mut answers: Vec<Answer> = Vec::new();
    let mut interim = 0;
    while let Some((mut answer, rest)) = answer(bytes, methods(answers.len())) {
        bytes = rest;
        if answer.status == 100 {
            interim += 1;
            continue;
        }
        answer.interim = std::mem::take(&mut interim);
        answers.push(answer);
    }
    (answers, bytes.len())
}

fn answer(bytes: &[u8], method: Method) -> Option<(Answer, &[u8])> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).expect("the head of an answer is text");
    let mut lines = head.split("\r\n");
    let line = lines.next().expect("a status line");
    let line = line.strip_prefix("HTTP/1.1 ").expect("a status line of HTTP/1.1");
    let status: u16 = line[..3].parse().expect("a status code");
    let fields: Vec<(&str, &str)> =
        lines.map(|line| line.split_once(": ").expect("a field line")).collect();
    let value = |name: &str| fields.iter().find(|field| field.0 == name).map(|field| field.1);
    let length: usize = match value("Content-Length") {
        Some(length) => length.parse().expect("a length"),
        None => 0,
    };
    assert!(status == 100 || value("Date").is_some(), "no Date: {head}");
    let content = &bytes[end + 4..];
    let length = if method == Method::Head { 0 } else { length };
    let (content, rest) = content.split_at_checked(length)?;
    let closes = value("Connection") == Some("close");
    Some((Answer { status, interim: 0, closes, content: content.to_vec() }, rest))
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
