//! Reads answers, and compares their digests with those that are due.
//!
//! A server's answers are alike but for date and digest. So the first is parsed, and the
//! heads of the next ones are only compared with its; whatever differs is parsed again.

use std::ops::Range;

use testkit::content::Hex;
use testkit::response::{self, Method, Response};

use super::Failure;
use crate::contestant::Digests;

/// Longest head of an answer.
const MOST_HEAD: usize = 16 << 10;

pub(super) struct Answers {
    digests: Digests,
    /// The head of the last one that was parsed.
    like: Option<Head>,
}

/// A head of an answer with a digest.
struct Head {
    bytes: Vec<u8>,
    /// Where the value of its Date stands, which changes; empty without one.
    date: Range<usize>,
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
        let is_alike = self.like.as_ref().is_some_and(|head| head.begins(input));
        if !is_alike {
            self.like = parse(input)?;
        }
        let content = self.like.as_ref().map(|head| head.bytes.len()..head.bytes.len() + DIGITS);
        Ok(content.and_then(|content| Some((input.get(content.clone())?, content.end))))
    }
}

/// Bytes of a digest.
const DIGITS: usize = size_of::<Hex>();

impl Head {
    /// True if `input` begins with this head, perhaps at another date.
    fn begins(&self, input: &[u8]) -> bool {
        let Range { start, end } = self.date;
        input.get(..self.bytes.len()).is_some_and(|head| {
            head[..start] == self.bytes[..start] && head[end..] == self.bytes[end..]
        })
    }
}

/// Where a 100 (Continue) ends; none if `input` does not have all of it.
pub(super) fn find_continue(input: &[u8]) -> Result<Option<usize>, Failure> {
    let Some(answer) = read_head(input)? else { return Ok(None) };
    match answer.status {
        100 => Ok(Some(answer.length)),
        200 => Err(Failure::Unasked),
        status => Err(Failure::Status(status)),
    }
}

/// Reads the head of an answer with a digest; none if `input` does not have all of it.
fn parse(input: &[u8]) -> Result<Option<Head>, Failure> {
    let Some(answer) = read_head(input)? else { return Ok(None) };
    if answer.status != 200 {
        return Err(Failure::Status(answer.status));
    }
    match answer.length - answer.head_length {
        DIGITS => {}
        length => return Err(Failure::Malformed(format!("{length} bytes of content"))),
    }
    let bytes = input[..answer.head_length].to_vec();
    let found = answer.value("date").filter(|date| !date.is_empty()).and_then(|date| {
        let start = bytes.windows(date.len()).position(|window| window == date)?;
        Some(start..start + date.len())
    });
    Ok(Some(Head { bytes, date: found.unwrap_or_default() }))
}

fn read_head(input: &[u8]) -> Result<Option<Response<'_>>, Failure> {
    match response::read_head(input, Method::Other) {
        Ok(None) if input.len() >= MOST_HEAD => {
            Err(Failure::Malformed("a head without end".into()))
        }
        read => read.map_err(|why| Failure::Malformed(why.to_string())),
    }
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
    fn answers_are_alike_at_any_date() {
        let at = |date: &str, digest| {
            let head = format!("HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Length: 32");
            answer(&head, digest)
        };
        let first = at("Mon, 30 Nov 2026 03:28:50 GMT", A);
        let later = at("Tue, 01 Dec 2026 00:00:00 GMT", B);
        let head = parse(&first).unwrap().unwrap();
        assert!(head.begins(&first) && head.begins(&later));
        for end in 0..head.bytes.len() {
            assert!(!head.begins(&later[..end]), "{end} bytes");
        }
        for place in (0..head.bytes.len()).filter(|place| !head.date.contains(place)) {
            let mut other = later.clone();
            other[place] ^= 1;
            assert!(!head.begins(&other), "changed at {place}");
        }
        let mut answers = Answers::new(Digests::True);
        assert_eq!(answers.check(&[first, later].concat(), &[A, B]).unwrap().1, 2);
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
        let answered = find_continue(&answer("HTTP/1.1 200 OK\r\nContent-Length: 32", A));
        assert!(matches!(answered, Err(Failure::Unasked)), "{answered:?}");
        let refused =
            find_continue(b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 9\r\n\r\n");
        assert!(matches!(refused, Err(Failure::Status(417))), "{refused:?}");
    }

    #[test]
    fn other_answers_fail() {
        for head in [
            "HTTP/1.1 400 Bad Request\r\nContent-Length: 32",
            "HTTP/1.0 200 OK\r\nContent-Length: 32",
            "HTTP/1.1 200 OK\r\nContent-Length: 32\r\nTransfer-Encoding: chunked",
            "HTTP/1.1 200 OK\r\nContent-Length: 3 2",
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
