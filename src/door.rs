//! The door to what is kept: which key an upload gets, who may keep it, and from which page.
//!
//! It is shared by all that keeps uploads, and knows none of it.
#![warn(clippy::indexing_slicing, clippy::expect_used)]
#![cfg_attr(test, allow(clippy::indexing_slicing, clippy::expect_used))]

mod key;
mod names;
mod origin;
mod tokens;
#[cfg(test)]
mod wire;

use std::time::SystemTime;

use crate::handler::Request;
use crate::proto::{Head, Response};

pub use key::{BadKey, Key, KeyRules, Place};
pub use names::Names;
pub use origin::{Forbidden, InvalidPages, Page, Pages};
pub use tokens::{Holder, TokenFileError, Tokens, Unauthorized};

/// Whom it lets in, and where to.
///
/// By default everybody is, without a token, under any name; but no page of another origin.
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
    /// The most bytes that its holder may send, in place of
    /// [`Limits::body`](crate::proto::Limits::body).
    pub body_limit: Option<u64>,
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

    /// Lets in only those who show one of these tokens.
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
    /// that came by such a one has to name this machine, so that no page can reach it by another
    /// name.
    #[must_use]
    pub fn loopback(mut self, listeners: impl IntoIterator<Item = bool>) -> Self {
        self.loopback = listeners.into_iter().collect();
        self
    }

    /// Judges a request by its head.
    ///
    /// # Errors
    ///
    /// The answer to one that is not let in: 400 for its target or its fields, 401, 403, 405, 415,
    /// 501; and that to a preflight, 204.
    pub fn admit(&self, request: &Request<'_>, now: SystemTime) -> Result<Admitted, Response> {
        let head = request.head();
        let is_loopback =
            request.listener().and_then(|number| self.loopback.get(usize::from(number)));
        let is_loopback = is_loopback.copied().unwrap_or(false);
        if let Some(response) = self.pages.preflight(head, is_loopback) {
            return Err(response);
        }
        let page = self.pages.judge(head, is_loopback).map_err(Forbidden::response)?;
        match self.admit_from(head, &page, now) {
            Ok(admitted) => Ok(admitted),
            Err(response) => Err(page.dress(response)),
        }
    }

    fn admit_from(
        &self,
        head: &Head<'_>,
        page: &Page,
        now: SystemTime,
    ) -> Result<Admitted, Response> {
        let holder = match &self.tokens {
            None => None,
            Some(tokens) => {
                Some(tokens.admit(head.fields(), now).map_err(|wrong| wrong.response())?)
            }
        };
        if !matches!(head.method(), "PUT" | "POST") {
            let mut response = Response::text(405, "PUT or POST an upload");
            put_fields(&mut response, &[("Allow", "PUT, POST")]);
            return Err(response);
        }
        let only_new = judge_fields(head)?;
        let place = Place::of(head.target(), &self.rules).map_err(bad_key)?;
        if matches!(place, Place::Within(_)) && head.method() == "PUT" {
            return Err(Response::text(400, "PUT needs a name; POST makes one"));
        }
        let is_within = |prefix: &str| match &place {
            Place::Named(key) => key.as_str().starts_with(prefix),
            Place::Within(folder) => folder.as_ref().is_some_and(|folder| {
                prefix.strip_suffix('/').is_some_and(|own| {
                    folder.as_str() == own || folder.as_str().starts_with(prefix)
                })
            }),
        };
        if holder.and_then(Holder::prefix).is_some_and(|prefix| !is_within(prefix)) {
            return Err(Response::text(403, "this token is for other names"));
        }
        let body_limit = holder.and_then(Holder::max);
        Ok(Admitted { place, only_new, body_limit, page: page.clone() })
    }
}

fn bad_key(wrong: BadKey) -> Response {
    Response::text(400, wrong.to_string()).with_note(wrong.code())
}

/// Judges the fields that would change what an upload means; true if nothing is to be replaced.
fn judge_fields(head: &Head<'_>) -> Result<bool, Response> {
    let fields = head.fields();
    if fields.get("Content-Range").is_some() {
        // RFC 9110 §14.5: a part would replace the whole.
        return Err(Response::text(400, "a part of an upload cannot be kept"));
    }
    let media_type = fields.get("Content-Type").unwrap_or_default();
    let media_type = media_type.split(|byte| *byte == b';').next().unwrap_or_default();
    if media_type.trim_ascii().eq_ignore_ascii_case(b"multipart/form-data") {
        return Err(Response::text(415, "a form is an envelope: send the file itself"));
    }
    if fields.get("If-Match").is_some() {
        return Err(Response::text(501, "If-Match is not supported"));
    }
    match fields.values("If-None-Match").collect::<Vec<_>>()[..] {
        [] => Ok(false),
        [b"*"] => Ok(true),
        _ => Err(Response::text(501, "If-None-Match is supported with * alone")),
    }
}

/// Adds fields that are known to be good; one that is not would be left out.
pub(crate) fn put_fields(response: &mut Response, fields: &[(&str, &str)]) {
    for (name, value) in fields {
        let put = response.put_field(name, value);
        debug_assert!(put.is_ok(), "{name}: {value}");
    }
}
