//! Reads answers, and compares their digests with those that are due.
//!
//! A server's answers are alike but for date and digest. So the first is parsed, and the
//! next ones are only compared with it at the places that matter; whatever does not
//! match is parsed again.

use std::ops::Range;

use testkit::content::Hex;

use super::Failure;
use crate::contestant::Digests;

/// Longest head of an answer.
const MOST_HEAD: usize = 16 << 10;
/// Most fields in it.
const MOST_FIELDS: usize = 64;
/// The version and status of every answer that is right.
const STATUS: &[u8] = b"HTTP/1.1 200";

pub(super) struct Answers {
    digests: Digests,
    /// What the last one looked like.
    like: Option<Like>,
}

/// Where an answer has what.
struct Like {
    head: usize,
    /// The field with its line end.
    length_at: Range<usize>,
    length_line: Vec<u8>,
}

impl Answers {
    pub(super) fn new(digests: Digests) -> Self {
        Self { digests, like: None }
    }

    /// Takes whole answers from the front of `input`, for as many digests as are `due`;
    /// says how many bytes and how many answers that were.
    pub(super) fn check(&mut self, input: &[u8], due: &[Hex]) -> Result<(usize, usize), Failure> {
        let (mut used, mut checked) = (0, 0);
        for expected in due {
            let rest = &input[used..];
            let Some((content, end)) = self.next(rest)? else { break };
            let expected = match &self.digests {
                Digests::True => expected,
                Digests::Always(digest) => digest,
            };
            if content != expected {
                return Err(Failure::WrongDigest {
                    answered: String::from_utf8_lossy(content).into_owned(),
                    expected: String::from_utf8_lossy(expected).into_owned(),
                });
            }
            used += end;
            checked += 1;
        }
        Ok((used, checked))
    }

    /// The content of the answer that `input` begins with, and where that ends.
    fn next<'i>(&mut self, input: &'i [u8]) -> Result<Option<(&'i [u8], usize)>, Failure> {
        if input.is_empty() {
            return Ok(None);
        }
        let is_alike = self.like.as_ref().is_some_and(|like| like.matches(input));
        if !is_alike {
            self.like = parse(input)?;
        }
        let content = self.like.as_ref().map(|like| like.head..like.head + size_of::<Hex>());
        Ok(content.and_then(|content| Some((input.get(content.clone())?, content.end))))
    }
}

impl Like {
    fn matches(&self, input: &[u8]) -> bool {
        input.starts_with(STATUS)
            && input.get(..self.head).is_some_and(|head| head.ends_with(b"\r\n\r\n"))
            && input.get(self.length_at.clone()) == Some(&self.length_line)
    }
}

/// Where a 100 (Continue) ends; none if `input` does not have all of it.
pub(super) fn find_continue(input: &[u8]) -> Result<Option<usize>, Failure> {
    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut answer = httparse::Response::new(&mut fields);
    match answer.parse(input) {
        Ok(httparse::Status::Complete(end)) => match answer.code {
            Some(100) => Ok(Some(end)),
            Some(200) => Err(Failure::Unasked),
            code => Err(Failure::Status(code.unwrap_or_default())),
        },
        Ok(httparse::Status::Partial) if input.len() < MOST_HEAD => Ok(None),
        _ => Err(Failure::Malformed),
    }
}

/// Reads a head; none if `input` does not have all of it.
fn parse(input: &[u8]) -> Result<Option<Like>, Failure> {
    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut answer = httparse::Response::new(&mut fields);
    let head = match answer.parse(input) {
        Ok(httparse::Status::Complete(head)) => head,
        Ok(httparse::Status::Partial) if input.len() < MOST_HEAD => return Ok(None),
        _ => return Err(Failure::Malformed),
    };
    match answer.code {
        Some(200) if input.starts_with(STATUS) => {}
        code => return Err(Failure::Status(code.unwrap_or_default())),
    }
    let mut lengths =
        answer.headers.iter().filter(|field| field.name.eq_ignore_ascii_case("content-length"));
    let (Some(length), None) = (lengths.next(), lengths.next()) else {
        return Err(Failure::Malformed);
    };
    if length.value != b"32" {
        return Err(Failure::Malformed);
    }
    let start = length.name.as_ptr().addr() - input.as_ptr().addr();
    let end = length.value.as_ptr().addr() - input.as_ptr().addr() + b"32\r\n".len();
    Ok(Some(Like { head, length_at: start..end, length_line: input[start..end].to_vec() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Hex = [b'a'; 32];
    const B: Hex = [b'b'; 32];

    fn answer(head: &str, digest: Hex) -> Vec<u8> {
        [head.as_bytes(), b"\r\n\r\n", &digest].concat()
    }

    #[test]
    fn answers_are_counted_whole() {
        let one = answer("HTTP/1.1 200 OK\r\nContent-Length: 32", A);
        let two = answer("HTTP/1.1 200 OK\r\nX: y\r\ncontent-length: 32\r\nZ: z", B);
        let input = [&one[..], &one, &two].concat();
        let mut answers = Answers::new(Digests::True);
        for end in 0..=input.len() {
            let whole = [one.len(), 2 * one.len(), input.len()];
            let count = whole.iter().filter(|whole| **whole <= end).count();
            let (used, checked) = answers.check(&input[..end], &[A, A, B]).unwrap();
            assert_eq!(checked, count, "of {end} bytes");
            assert_eq!(used, if count == 0 { 0 } else { whole[count - 1] });
        }
    }

    #[test]
    fn a_wrong_digest_is_found_wherever_it_is() {
        let right = answer("HTTP/1.1 200 OK\r\nContent-Length: 32", A);
        let wrong = answer("HTTP/1.1 200 OK\r\nContent-Length: 32", B);
        let input = [&right[..], &right, &wrong].concat();
        let mut answers = Answers::new(Digests::True);
        let failure = answers.check(&input, &[A, A, A]).unwrap_err();
        assert!(matches!(failure, Failure::WrongDigest { .. }));
    }

    #[test]
    fn only_a_whole_100_asks_for_content() {
        let asks = b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n";
        for end in 0..asks.len() {
            assert_eq!(find_continue(&asks[..end]).unwrap(), None, "of {end} bytes");
        }
        assert_eq!(find_continue(&[asks, &b"HTTP"[..]].concat()).unwrap(), Some(asks.len()));
        let answered = find_continue(&answer("HTTP/1.1 200 OK", A));
        assert!(matches!(answered, Err(Failure::Unasked)), "{answered:?}");
        let refused = find_continue(b"HTTP/1.1 417 Expectation Failed\r\n\r\n");
        assert!(matches!(refused, Err(Failure::Status(417))), "{refused:?}");
    }

    #[test]
    fn other_answers_fail() {
        for head in [
            "HTTP/1.1 400 Bad Request\r\nContent-Length: 32",
            "HTTP/1.1 200 OK",
            "HTTP/1.1 200 OK\r\nContent-Length: 33",
            "HTTP/1.1 200 OK\r\nContent-Length: 32\r\nContent-Length: 32",
            "nonsense",
        ] {
            let right = answer("HTTP/1.1 200 OK\r\nContent-Length: 32", A);
            let mut answers = Answers::new(Digests::True);
            assert!(answers.check(&answer(head, A), &[A]).is_err(), "{head}");
            let input = [right, answer(head, A)].concat();
            assert!(answers.check(&input, &[A, A]).is_err(), "{head}, second");
        }
    }
}
