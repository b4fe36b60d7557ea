//! Whether answers are text or JSON, and their words.

use std::fmt::{Display, Write};

use crate::digest::{Algorithms, Fault, Value};
use crate::proto::{Head, Reject, Response, parts};

const JSON: &str = "application/json";

/// The form of the answers to one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Form {
    #[default]
    Text,
    Json,
}

impl Form {
    /// False if it can only be text, which is cheap to know.
    pub(super) fn may_be_json(head: &Head<'_>) -> bool {
        head.mentions().json
    }

    /// The one that a client asks for by Accept (RFC 9110 §12.5.1).
    pub(super) fn of(head: &Head<'_>) -> Self {
        if !Self::may_be_json(head) {
            return Self::Text;
        }
        let weight = |media_range: &str| {
            let ranges = head.fields().list("Accept");
            ranges.filter_map(|range| weight(range, media_range)).max()
        };
        // Of ranges that match a type, the one that names it best counts.
        let of_text = ["text/plain", "text/*", "*/*"].into_iter().find_map(weight).unwrap_or(0);
        let of_json = weight(JSON).unwrap_or(0);
        if of_json > of_text { Self::Json } else { Self::Text }
    }

    /// The answer to a message: the digests of its content, of which some are what the client has
    /// declared.
    pub(super) fn answer<'v>(
        self,
        length: u64,
        mut values: impl Iterator<Item = &'v Value> + Clone,
        verified: Algorithms,
    ) -> Response {
        let first = values.clone().next();
        let (response, mut note) = match self {
            Self::Text => {
                let text = values.next().map_or(String::new(), Value::to_string);
                (Response::text(200, text), String::new())
            }
            Self::Json => {
                let mut json = format!("{{\"length\": {length}");
                for value in values {
                    put(&mut json, format_args!(", \"{}\": \"{value}\"", value.algorithm()));
                }
                json.push('}');
                // A log shows no JSON.
                let note = first.map_or(String::new(), |value| format!("{value:?}"));
                (Response::new(200, JSON, json.into_bytes()), note)
            }
        };
        if !verified.is_empty() {
            let comma = if note.is_empty() { "" } else { ", " };
            put(&mut note, format_args!("{comma}verified {verified}"));
        }
        if note.is_empty() { response } else { response.with_note(note) }
    }

    /// The answer to a message whose digests are not as they should be.
    pub(super) fn fault(self, fault: Fault) -> Response {
        self.error(400, &fault, fault.code())
    }

    /// What `response` is in this form.
    pub(super) fn refusal(self, reject: Reject, response: Response) -> Response {
        match self {
            Self::Text => response,
            Self::Json => self.error(reject.status(), &reject, reject.code()),
        }
    }

    fn error(self, status: u16, words: &dyn Display, code: &str) -> Response {
        match self {
            Self::Text => Response::text(status, words.to_string()),
            Self::Json => {
                let json = format!("{{\"error\": \"{words}\", \"reason\": \"{code}\"}}");
                Response::new(status, JSON, json.into_bytes()).with_note(code.to_owned())
            }
        }
    }
}

fn put(text: &mut String, what: std::fmt::Arguments<'_>) {
    // A string takes all that it is given.
    let _ = text.write_fmt(what);
}

/// The weight of a member of Accept in thousandths, if it is this media range (RFC 9110 §12.4.2);
/// 0 if the weight is malformed.
fn weight(member: &[u8], media_range: &str) -> Option<u16> {
    let mut parts = parts(member, b';');
    if !parts.next()?.eq_ignore_ascii_case(media_range.as_bytes()) {
        return None;
    }
    let mut weights = parts.filter_map(|parameter| match parameter {
        [b'q' | b'Q', b'=', value @ ..] => Some(thousandths(value).unwrap_or(0)),
        _ => None,
    });
    Some(weights.next().unwrap_or(1000))
}

fn thousandths(value: &[u8]) -> Option<u16> {
    let (whole, fraction) = match value {
        [whole] | [whole, b'.'] => (whole, &[][..]),
        [whole, b'.', fraction @ ..] if fraction.len() <= 3 => (whole, fraction),
        _ => return None,
    };
    let digits = [*whole].into_iter().chain(fraction.iter().copied());
    let digits = digits.chain([b'0'; 3]).take(4);
    let number = digits.into_iter().try_fold(0, |number, digit| {
        digit.is_ascii_digit().then(|| number * 10 + u16::from(digit - b'0'))
    });
    number.filter(|number| *number <= 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::{Algorithm, DigestField, Running};
    use crate::proto::{Connection, Event, Limits};

    fn form(accept: &str) -> Form {
        let mut input = format!("PUT / HTTP/1.1\r\nHost: x\r\n{accept}\r\n").into_bytes();
        let mut connection = Connection::new(Limits::default());
        let step = connection.receive(&mut input).expect("a head");
        let Event::Head(head) = step.event else { panic!("a head") };
        Form::of(&head)
    }

    // covers: 35.2
    #[test]
    fn json_is_what_ranks_it_above_text() {
        for accept in [
            "application/json",
            "APPLICATION/Json",
            "application/json;charset=utf-8",
            "application/json; q=0.001",
            "application/json;q=1.",
            "application/json ; Q=1.000",
            "application/json;profile=\"a;q=0\"",
            "application/json, text/plain;q=0.9, */*;q=0.8",
            "application/json, */*;q=0.999",
            "application/json;q=0.5, text/plain;q=0.4, */*",
            "text/html, application/json;q=0.5, text/plain;q=0.4",
            "text/plain;q=0, application/json;q=0.1",
            "application/json;q=0, application/json",
            "*/*;q=0.9\r\naccept: application/json",
        ] {
            assert_eq!(form(&format!("Accept: {accept}\r\n")), Form::Json, "{accept}");
        }
        for accept in [
            "",
            "*/*",
            "application/*",
            "application/json;q=0",
            "application/json;q=0.000",
            "application/json;q=1.001",
            "application/json;q=0.0001",
            "application/json;q=",
            "application/json;q=a",
            "application/json;q=2",
            "application/jsonp",
            "application/json5, x/application/json",
            "application/json, text/plain, */*",
            "application/json, */*",
            "application/json;q=0.1, */*;q=0.2",
            "application/json;q=0.5, text/*;q=0.6, */*;q=0.1",
            "application/json;q=0.5, text/plain",
            "text/plain, application/json;q=0.999",
            "text/html;a=\"application/json\"",
        ] {
            assert_eq!(form(&format!("Accept: {accept}\r\n")), Form::Text, "{accept}");
        }
        assert_eq!(form(""), Form::Text);
    }

    fn value(content: &[u8]) -> Box<[Value]> {
        let mut running = Running::new(Algorithms::from_iter([Algorithm::Md5]));
        running.update(content);
        running.finish()
    }

    #[test]
    fn answers_are_noted_for_a_log() {
        let answer = |form: Form, verified: &[Algorithm]| {
            let verified = verified.iter().copied().collect();
            let answer = form.answer(3, value(b"abc").iter(), verified);
            let content = String::from_utf8(answer.content().to_vec()).expect("text");
            (answer.content_type(), content, answer.note().map(str::to_owned))
        };
        let (md5, verified) = ("900150983cd24fb0d6963f7d28e17f72", "verified md5".to_owned());
        let text = "text/plain; charset=utf-8";
        assert_eq!(answer(Form::Text, &[]), (text, md5.to_owned(), None));
        assert_eq!(
            answer(Form::Text, &[Algorithm::Md5]),
            (text, md5.to_owned(), Some(verified.clone()))
        );
        let json = format!("{{\"length\": 3, \"md5\": \"{md5}\"}}");
        let digest = format!("md5 {md5}");
        assert_eq!(answer(Form::Json, &[]), (JSON, json.clone(), Some(digest.clone())));
        assert_eq!(
            answer(Form::Json, &[Algorithm::Md5]),
            (JSON, json, Some(format!("{digest}, {verified}")))
        );
    }

    // covers: 35.3
    #[test]
    fn no_reason_needs_an_escape_in_json() {
        let faults = [
            Fault::Malformed(DigestField::ContentMd5),
            Fault::Repeated(DigestField::ContentDigest),
            Fault::Contradicting(Algorithm::Md5),
            Fault::NoTrailerSection(DigestField::ReprDigest),
            Fault::Missing(DigestField::AmzChecksum(Algorithm::Md5)),
            Fault::Differs(Algorithm::Md5),
        ];
        let faults = faults.map(|fault| (Form::Json.fault(fault), fault.to_string(), fault.code()));
        let refusals = Reject::ALL.iter().map(|reject| {
            (Form::Json.refusal(*reject, reject.response()), reject.to_string(), reject.code())
        });
        for (response, words, code) in refusals.chain(faults) {
            let needs_none = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
            assert!(words.chars().all(needs_none), "{words}");
            let json = format!("{{\"error\": \"{words}\", \"reason\": \"{code}\"}}");
            assert_eq!(response.content(), json.as_bytes());
            assert_eq!((response.content_type(), response.note()), (JSON, Some(code)));
        }
    }

    #[test]
    fn text_has_the_words_of_a_refusal_alone() {
        let dressed = Reject::Late.response().field("Retry-After", "9").expect("a field");
        assert_eq!(Form::Text.refusal(Reject::Late, dressed.clone()), dressed);
        let fault = Fault::Missing(DigestField::ContentMd5);
        let words = "Content-MD5 was announced and did not come";
        assert_eq!(Form::Text.fault(fault), Response::text(400, words));
    }
}
