//! The door to what is kept: which key an upload gets, who may keep it, and from which page.
//!
//! It is shared by all that keeps uploads, and knows none of it.
#![warn(clippy::indexing_slicing, clippy::expect_used)]
#![cfg_attr(test, allow(clippy::indexing_slicing, clippy::expect_used))]

mod key;
mod names;
mod not_kept;
mod origin;
mod tokens;
mod whole;
#[cfg(test)]
mod wire;

use std::time::SystemTime;

use crate::handler::{PeerAddr, Request};
use crate::proto::{Head, Response};

pub use key::{BadKey, Key, KeyRules, Place};
pub use names::Names;
pub use not_kept::{Denied, NotKept};
pub use origin::{Forbidden, Hosts, InvalidPages, Page, Pages};
use tokens::Schemes;
pub use tokens::{Holder, TokenFileError, Tokens, Unauthorized};

/// Segments of a key: each may be a folder to be made and synced, one after the other.
const MOST_SEGMENTS: usize = 32;

/// Whom it lets in, and where to.
///
/// By default everybody is let in, without a token, under any name; but no page of another origin.
/// Over TCP, who brings no token has to send to one of the [known hosts](Hosts::Known): else a page
/// could reach the server by a name of its own.
///
/// # Example
///
/// ```
/// use streamsum::door::{Door, Tokens};
///
/// let tokens = Tokens::parse("bob 0123456789abcdef prefix=bob/\n")?;
/// let door = Door::default().tokens(tokens);
/// # let _ = door;
/// # Ok::<(), streamsum::door::TokenFileError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Door {
    rules: KeyRules,
    tokens: Option<Tokens>,
    pages: Pages,
    /// By the number of the listener, true if only this machine can reach it.
    loopback: Vec<bool>,
}

/// A request that was let in.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Admitted {
    /// Where its upload goes.
    pub place: Place,
    /// True if the client wants nothing replaced (`If-None-Match: *`, RFC 9110 §13.1.2).
    pub only_new: bool,
    /// Whose token it has shown; `None` if none is needed.
    pub holder: Option<Holder>,
    /// From which page it comes.
    pub page: Page,
}

impl Door {
    /// Sets which keys there are.
    #[must_use]
    pub fn keys(mut self, rules: KeyRules) -> Self {
        self.rules = rules;
        self
    }

    /// Lets in only those who show one of these tokens, or of those that [replace](Tokens::replace)
    /// them.
    #[must_use]
    pub fn tokens(mut self, tokens: Tokens) -> Self {
        self.tokens = Some(tokens);
        self
    }

    /// Sets which pages may send, and which names of this machine are fine.
    #[must_use]
    pub fn pages(mut self, pages: Pages) -> Self {
        self.pages = pages;
        self
    }

    /// Sets for each listener, by its number, whether only this machine can reach it: a request
    /// that came by such a one has to be for one of the [hosts of loopback](Hosts::Loopback), with a
    /// token too.
    #[must_use]
    pub fn loopback(mut self, listeners: impl IntoIterator<Item = bool>) -> Self {
        self.loopback = listeners.into_iter().collect();
        self
    }

    /// Judges a request by its head.
    ///
    /// # Errors
    ///
    /// The answer to one that is not let in: 400 for its target or its fields, 401, 403, 405, 411,
    /// 415, 501; and that to a preflight, 204.
    pub fn admit(&self, request: &Request<'_>, now: SystemTime) -> Result<Admitted, Denied> {
        let (head, hosts) = (request.head(), self.hosts(request));
        let page = self.pages.judge(head, hosts);
        if let Some(response) = self.pages.preflight(head, hosts) {
            return Err(Denied { reason: page.err().map(NotKept::from), response });
        }
        let page = page.map_err(|wrong| Denied::new(wrong, wrong.response()))?;
        self.admit_from(head, &page, now)
            .map_err(|denied| Denied { response: page.dress(denied.response), ..denied })
    }

    /// For which hosts this request may be.
    fn hosts(&self, request: &Request<'_>) -> Hosts {
        let number = request.listener().map(usize::from);
        let is_loopback = number.and_then(|number| self.loopback.get(number));
        match (is_loopback, &self.tokens, request.peer()) {
            (Some(true), _, _) => Hosts::Loopback,
            (_, None, PeerAddr::Tcp(_)) => Hosts::Known,
            // A page has no token of others. No page can connect to a Unix socket: who can is a
            // proxy, whose hosts are its own business.
            (_, Some(_), _) | (_, None, PeerAddr::Unix) => Hosts::Any,
        }
    }

    fn admit_from(
        &self,
        head: &Head<'_>,
        page: &Page,
        now: SystemTime,
    ) -> Result<Admitted, Denied> {
        let holder = match &self.tokens {
            None => None,
            Some(tokens) => Some(self.holder(tokens, head, page, now)?),
        };
        match self.place(head, holder.as_ref()) {
            Ok((place, only_new)) => Ok(Admitted { place, only_new, holder, page: page.clone() }),
            Err(Denied { reason, response }) => {
                Err(Denied { reason, response: noted_for(holder.as_ref(), response) })
            }
        }
    }

    /// Who brings one of these tokens.
    fn holder(
        &self,
        tokens: &Tokens,
        head: &Head<'_>,
        page: &Page,
        now: SystemTime,
    ) -> Result<Holder, Denied> {
        let is_any = self.pages.is_any(page);
        let schemes = if is_any { Schemes::Bearer } else { Schemes::BearerAndBasic };
        tokens
            .admit_by(schemes, head.fields(), now)
            .map_err(|wrong| Denied::new(NotKept::Token, wrong.response_for(schemes)))
    }

    /// Where the upload of this holder goes, and true if nothing is to be replaced there.
    fn place(&self, head: &Head<'_>, holder: Option<&Holder>) -> Result<(Place, bool), Denied> {
        if !matches!(head.method(), "PUT" | "POST") {
            let mut denied = Denied::because(NotKept::Method, "PUT or POST an upload");
            put_fields(&mut denied.response, &[("Allow", "PUT, POST")]);
            return Err(denied);
        }
        let only_new = whole::judge(head)?;
        let place = Place::of(head.target(), &self.rules).map_err(bad_key)?;
        if matches!(place, Place::Within(_)) && head.method() == "PUT" {
            return Err(Denied::because(NotKept::Key, "PUT needs a name; POST makes one"));
        }
        if place.key().is_some_and(|key| key.segments().count() > MOST_SEGMENTS) {
            return Err(Denied::because(NotKept::Key, "the path has too many segments"));
        }
        if holder.and_then(Holder::prefix).is_some_and(|prefix| !is_within(&place, prefix)) {
            return Err(Denied::because(NotKept::Prefix, "this token is for other names"));
        }
        Ok((place, only_new))
    }
}

/// Has the note of an answer begin with the name of whom it is for, if a token has told that.
pub(crate) fn noted_for(holder: Option<&Holder>, response: Response) -> Response {
    let Some(holder) = holder else { return response };
    let name = holder.name();
    let note = match response.note() {
        Some(note) => format!("for {name}: {note}"),
        None => format!("for {name}"),
    };
    response.with_note(note)
}

/// True if all names in this place begin with the prefix, which ends in `/`.
fn is_within(place: &Place, prefix: &str) -> bool {
    match place {
        Place::Named(key) => key.as_str().starts_with(prefix),
        Place::Within(None) => false,
        Place::Within(Some(folder)) => {
            prefix.strip_suffix('/') == Some(folder.as_str()) || folder.as_str().starts_with(prefix)
        }
    }
}

fn bad_key(wrong: BadKey) -> Denied {
    let response = Response::text(400, wrong.to_string()).with_note(wrong.code());
    Denied::new(NotKept::Key, response)
}

/// Adds fields that are known to be good; one that is not would be left out.
pub(crate) fn put_fields(response: &mut Response, fields: &[(&str, &str)]) {
    for (name, value) in fields {
        let put = response.put_field(name, value);
        debug_assert!(put.is_ok(), "{name}: {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handler::{Origin, UploadId};
    use std::num::NonZeroU32;
    use std::time::UNIX_EPOCH;
    use wire::{judged, sent};

    /// `None` if it is let in.
    fn refusal(door: &Door, head: &str) -> Option<String> {
        let page = |head: &Head<'_>| door.pages.judge(head, Hosts::Any).expect("a page");
        let denied = judged(head, |head| door.admit_from(head, &page(head), UNIX_EPOCH).err())?;
        let (reason, response) = (denied.reason.expect("no preflight"), denied.response);
        let status = response.status();
        assert_eq!(reason.status(), Some(status));
        Some(format!("{status} {}", String::from_utf8_lossy(response.content())))
    }

    fn request(line: &str, fields: &str) -> String {
        format!("{line} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n{fields}")
    }

    // covers: 36.1 36.2 36.3
    #[test]
    fn methods_and_targets_are_judged() {
        let door = Door::default();
        let deepest = format!("PUT {}", "/a".repeat(32));
        let deeper = format!("PUT {}", "/a".repeat(33));
        for (line, refused) in [
            ("PUT /a", None),
            ("POST /a", None),
            ("POST /a/", None),
            ("POST /", None),
            ("PUT /a/", Some("400 PUT needs a name; POST makes one")),
            ("PUT /", Some("400 PUT needs a name; POST makes one")),
            ("GET /a", Some("405 PUT or POST an upload")),
            ("put /a", Some("405 PUT or POST an upload")),
            ("OPTIONS *", Some("405 PUT or POST an upload")),
            (&deepest, None),
            (&deeper, Some("400 the path has too many segments")),
        ] {
            assert_eq!(refusal(&door, &request(line, "")).as_deref(), refused, "{line}");
        }
        let dots = refusal(&door, &request("PUT /a/../b", "")).expect("a refusal");
        assert!(dots.starts_with("400 "), "{dots}");
        let head = request("DELETE /a", "");
        let response = judged(&head, |head| door.admit_from(head, &Page::default(), UNIX_EPOCH));
        let sent = sent(&response.expect_err("a refusal").response);
        assert!(sent.contains("\r\nAllow: PUT, POST\r\n"), "{sent}");
    }

    // covers: 36.6 36.8
    #[test]
    fn fields_that_change_the_meaning_are_refused() {
        let door = Door::default();
        let range = "400 a part of an upload cannot be kept";
        let form = "415 a form is an envelope: send the file itself";
        let wrapped = "501 aws-chunked is an envelope: send the file itself";
        let other = "501 an upload is one request with all of its content";
        let if_match = "501 If-Match is not supported";
        let if_none = "501 If-None-Match is supported with * alone";
        for (fields, refused) in [
            ("Content-Range: bytes 0-1/3\r\n", Some(range)),
            ("Content-Type: Multipart/Form-Data; boundary=x\r\n", Some(form)),
            ("Content-Type: text/plain\r\n", None),
            ("Content-Type: multipart/form-data2\r\n", None),
            ("Content-Encoding: gzip, AWS-chunked\r\n", Some(wrapped)),
            ("x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\n", Some(wrapped)),
            ("x-amz-content-sha256: UNSIGNED-PAYLOAD\r\n", None),
            ("x-amz-copy-source: /a/b\r\n", Some(other)),
            ("Upload-Length: 9\r\n", Some(other)),
            ("Upload-Complete: ?0\r\n", Some(other)),
            ("Upload-Draft-Interop-Version: 6\r\n", Some(other)),
            ("tus-resumable: 1.0.0\r\n", Some(other)),
            ("X-Goog-Upload-Command: upload, finalize\r\n", Some(other)),
            ("x-amz-write-offset-bytes: 9\r\n", Some(other)),
            ("x-amz-content-length: 9\r\n", None),
            ("Upload: x\r\n", None),
            ("If-Match: *\r\n", Some(if_match)),
            ("If-None-Match: *\r\n", None),
            ("If-None-Match: \"a\"\r\n", Some(if_none)),
            ("If-None-Match: *\r\nIf-None-Match: *\r\n", Some(if_none)),
        ] {
            assert_eq!(refusal(&door, &request("PUT /a", fields)).as_deref(), refused, "{fields}");
        }
        let bare = "PUT /a HTTP/1.1\r\nHost: x\r\n";
        let refused = refusal(&door, bare).expect("a refusal");
        assert_eq!(refused, "411 an upload has a length, or is chunked");
        let chunked = bare.to_owned() + "Transfer-Encoding: chunked\r\n";
        assert_eq!(refusal(&door, &chunked), None);
        for (fields, only_new) in [("", false), ("If-None-Match: *\r\n", true)] {
            let head = request("PUT /a", fields);
            let admitted =
                judged(&head, |head| door.admit_from(head, &Page::default(), UNIX_EPOCH));
            assert_eq!(admitted.expect("let in").only_new, only_new);
        }
    }

    // covers: 36.8
    #[test]
    fn queries_of_object_stores_that_mean_more_than_an_upload_are_refused() {
        let part = Some("501 an upload is one request with all of its content");
        let other = Some("501 by its query it is no upload: leave that out");
        for (query, refused) in [
            ("uploads", part),
            ("uploads=", part),
            ("partNumber=1&uploadId=x", part),
            ("x-id=UploadPart&partnumber=1", part),
            ("uploadType=resumable&name=a", part),
            ("comp=block&blockid=x", part),
            ("append&position=9", part),
            ("acl", other),
            ("x=1&tagging", other),
            ("delete=", other),
            ("tagging&uploads", part),
            ("", None),
            ("x-id=PutObject", None),
            ("X-Amz-Signature=acl&X-Amz-Date=uploads", None),
            ("uploads2&upload=1&myacl", None),
            ("path=/a?uploads", None),
        ] {
            for method in ["PUT", "POST"] {
                for target in ["/a", "http://x/a", "http://x"] {
                    if (method, target) == ("PUT", "http://x") {
                        continue;
                    }
                    let line = format!("{method} {target}?{query}");
                    let found = refusal(&Door::default(), &request(&line, ""));
                    assert_eq!(found.as_deref(), refused, "{line}");
                }
            }
        }
        // It says that rather than that there is no content.
        let begin = "POST /a?uploads HTTP/1.1\r\nHost: x\r\n";
        assert_eq!(refusal(&Door::default(), begin).as_deref(), part);
    }

    // covers: 36.13
    #[test]
    fn who_brings_no_token_sends_to_a_known_host() {
        let open = Door::default().loopback([false, true]);
        let guarded = open.clone().tokens(Tokens::default());
        let tcp = Origin::from(PeerAddr::Tcp("192.0.2.1:9".parse().expect("an address")));
        let unix = Origin::from(PeerAddr::Unix);
        for (origin, without, with) in [
            (tcp, Hosts::Known, Hosts::Any),
            (tcp.by_listener(0), Hosts::Known, Hosts::Any),
            (tcp.by_listener(1), Hosts::Loopback, Hosts::Loopback),
            (tcp.by_listener(2), Hosts::Known, Hosts::Any),
            (unix, Hosts::Any, Hosts::Any),
            (unix.by_listener(0), Hosts::Any, Hosts::Any),
        ] {
            let id = UploadId { engine: NonZeroU32::MIN, key: 0, serial: 0 };
            let found = judged(&request("PUT /a", ""), |head| {
                let request = Request { id, origin, head: *head, exceeds_body_limit: false };
                [&open, &guarded].map(|door| door.hosts(&request))
            });
            assert_eq!(found, [without, with], "{origin:?}");
        }
    }

    // covers: 31.6
    #[test]
    fn each_answer_is_noted_with_the_holder() {
        let door = Door::default().tokens(Tokens::parse("bob bobs-token prefix=a/").expect("one"));
        let noted = |line: &str, token: &str| {
            let head = request(line, &format!("Authorization: Bearer {token}\r\n"));
            let denied = judged(&head, |head| {
                door.admit_from(head, &Page::default(), UNIX_EPOCH).expect_err("a refusal")
            });
            denied.response.note().map(str::to_owned)
        };
        assert_eq!(noted("PUT /b", "bobs-token").as_deref(), Some("for bob"));
        assert_eq!(noted("GET /a/b", "bobs-token").as_deref(), Some("for bob"));
        let dots = noted("PUT /a/../b", "bobs-token");
        assert_eq!(dots.as_deref(), Some("for bob: key-dot-segment"));
        assert_eq!(noted("PUT /b", "anns-token").as_deref(), Some("token-unknown"));
    }

    // covers: 36.14
    #[test]
    fn a_password_that_a_browser_has_kept_lets_no_page_in_that_all_are() {
        let pages = Pages::new().allow("*").and_then(|pages| pages.allow("https://a.example"));
        let tokens = Tokens::parse("bob correct-horse").expect("tokens");
        let door = Door::default().pages(pages.expect("pages")).tokens(tokens);
        let basic = "Authorization: Basic OmNvcnJlY3QtaG9yc2U=\r\n";
        let bearer = "Authorization: Bearer correct-horse\r\n";
        let any = "Origin: https://any.example\r\n";
        let refused = "401 pages of all origins bring a Bearer token, and no password";
        for (origin, password) in [
            ("", None),
            ("Origin: http://x\r\n", None),
            ("Origin: HTTPS://A.example:443\r\n", None),
            (any, Some(refused)),
            ("Origin: https://a.example:8443\r\n", Some(refused)),
        ] {
            let head = |field| request("PUT /a", &format!("{origin}{field}"));
            assert_eq!(refusal(&door, &head(basic)).as_deref(), password, "{origin}");
            assert_eq!(refusal(&door, &head(bearer)), None, "{origin}");
        }
        // Nor is its user asked for one.
        for field in [any.to_owned(), format!("{any}{basic}"), format!("{any}Authorization: x\r\n")]
        {
            let answer = judged(&request("PUT /a", &field), |head| {
                let page = door.pages.judge(head, Hosts::Any).expect("a page");
                sent(&door.admit_from(head, &page, UNIX_EPOCH).expect_err("a refusal").response)
            });
            assert!(answer.contains("WWW-Authenticate: Bearer "), "{answer}");
            assert!(!answer.contains("Basic"), "{answer}");
        }
    }

    // covers: 36.10 36.11
    #[test]
    fn tokens_come_before_all_else_and_have_their_prefix() {
        let tokens = "bob bobs-token prefix=a/b/\nann anns-token max=5\n";
        let door = Door::default().tokens(Tokens::parse(tokens).expect("tokens"));
        let with = |line: &str, token: &str| {
            refusal(&door, &request(line, &format!("Authorization: Bearer {token}\r\n")))
        };
        for line in ["GET /a", "PUT /..", "PUT /a/b/c"] {
            let refused = with(line, "nobodys-token").expect("a refusal");
            assert!(refused.starts_with("401 "), "{refused}");
        }
        let other = "403 this token is for other names";
        for (line, refused) in [
            ("PUT /a/b/c", None),
            ("PUT /a/b/c/d", None),
            ("POST /a/b/", None),
            ("POST /a/b/c/", None),
            ("PUT /a/b", Some(other)),
            ("PUT /a/bc", Some(other)),
            ("PUT /b", Some(other)),
            ("POST /a/", Some(other)),
            ("POST /a/bc/", Some(other)),
            ("POST /", Some(other)),
        ] {
            assert_eq!(with(line, "bobs-token").as_deref(), refused, "{line}");
            assert_eq!(with(line, "anns-token"), None, "{line}");
        }
        let head = request("PUT /a", "Authorization: Bearer anns-token\r\n");
        let admitted = judged(&head, |head| door.admit_from(head, &Page::default(), UNIX_EPOCH));
        let holder = admitted.expect("let in").holder.expect("ann");
        assert_eq!((holder.name(), holder.max()), ("ann", Some(5)));
    }
}
