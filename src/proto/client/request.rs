//! A request as a client writes it.

use std::fmt;

use super::super::syntax::{Framing, is_authority, is_excluded_from_target, is_tchar};

/// The head of a request: request line, field lines, and how its content is framed.
///
/// Host, Content-Length, Transfer-Encoding and Expect are written from what it was given; there is
/// no `Connection` field, as connections of HTTP/1.1 persist. Its `Debug` shows no target and no
/// field: these may carry secrets.
///
/// # Example
///
/// ```
/// use streamsum::proto::Framing;
/// use streamsum::proto::client::Request;
///
/// let request = Request::new("PUT", "/a%20b?c", "example.org:8080")?
///     .field("Content-Type", "text/plain")?
///     .content(Framing::Chunked)
///     .expect_continue(true);
/// let mut bytes = Vec::new();
/// request.write(&mut bytes);
/// assert_eq!(bytes, b"PUT /a%20b?c HTTP/1.1\r\nHost: example.org:8080\r\n\
///     Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n");
/// # Ok::<(), streamsum::proto::client::InvalidRequest>(())
/// ```
#[derive(Clone)]
pub struct Request {
    /// Request line, Host, and the fields that were given.
    lines: Vec<u8>,
    is_head: bool,
    framing: Framing,
    expects_continue: bool,
}

impl Request {
    /// A request without content.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`] if `method` is not a token, or is CONNECT; if `target` is not in
    /// origin-form, nor `*` with OPTIONS (RFC 9112 §3.2), as it has to be sent: encoded, without a
    /// fragment; or if `host` is not `uri-host [":" port]`, or is empty (RFC 9110 §7.2).
    pub fn new(method: &str, target: &str, host: &str) -> Result<Self, InvalidRequest> {
        let is_method = !method.is_empty() && method.bytes().all(is_tchar) && method != "CONNECT";
        let is_target = target.starts_with('/') || (target == "*" && method == "OPTIONS");
        let is_host = !host.is_empty() && !host.starts_with(':') && is_authority(host.as_bytes());
        if !is_method || !is_target || target.bytes().any(is_excluded_from_target) || !is_host {
            return Err(InvalidRequest);
        }
        Ok(Self {
            lines: format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n").into_bytes(),
            is_head: method == "HEAD",
            framing: Framing::None,
            expects_continue: false,
        })
    }

    /// Adds a field line.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`] if `name` is not a token; if `value` has a control character other than
    /// HTAB, so that no value can end its line; or if the field is one that the connection itself
    /// writes or acts on: Host, Content-Length, Transfer-Encoding, Expect, Connection, Keep-Alive,
    /// TE, Trailer, Upgrade, Proxy-Connection.
    pub fn field(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Self, InvalidRequest> {
        const OURS: [&str; 10] = [
            "host",
            "content-length",
            "transfer-encoding",
            "expect",
            "connection",
            "keep-alive",
            "te",
            "trailer",
            "upgrade",
            "proxy-connection",
        ];
        let value = value.as_ref();
        let is_name = !name.is_empty() && name.bytes().all(is_tchar);
        let is_value = value.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~' | 0x80..));
        if !is_name || !is_value || OURS.iter().any(|own| own.eq_ignore_ascii_case(name)) {
            return Err(InvalidRequest);
        }
        for part in [name.as_bytes(), b": ", value, b"\r\n"] {
            self.lines.extend_from_slice(part);
        }
        Ok(self)
    }

    /// Sets how its content is framed. [`Framing::None`], the default, says nothing; a PUT or POST
    /// without content is to say [`Framing::Length`] of 0 (RFC 9110 §8.6).
    #[must_use]
    pub fn content(mut self, framing: Framing) -> Self {
        self.framing = framing;
        self
    }

    /// Sets whether the server is asked for 100 (Continue) before the content
    /// (RFC 9110 §10.1.1). Without content it is not asked.
    #[must_use]
    pub fn expect_continue(mut self, is_asked: bool) -> Self {
        self.expects_continue = is_asked;
        self
    }

    /// [`Request::expect_continue`] in place.
    #[cfg(feature = "outgoing")]
    pub(crate) fn set_expectation(&mut self, is_asked: bool) {
        self.expects_continue = is_asked;
    }

    /// How its content is framed.
    #[must_use]
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// True if the server is asked for 100 (Continue).
    #[must_use]
    pub fn expects_continue(&self) -> bool {
        self.expects_continue && self.framing.has_content()
    }

    /// Writes the head.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.lines);
        match self.framing {
            Framing::None => {}
            Framing::Length(length) => {
                out.extend_from_slice(format!("Content-Length: {length}\r\n").as_bytes());
            }
            Framing::Chunked => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
        }
        if self.expects_continue() {
            out.extend_from_slice(b"Expect: 100-continue\r\n");
        }
        out.extend_from_slice(b"\r\n");
    }

    pub(super) fn is_head(&self) -> bool {
        self.is_head
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("framing", &self.framing)
            .field("expects_continue", &self.expects_continue)
            .finish_non_exhaustive()
    }
}

/// A request line or a field line that would break the message, or contradict it.
///
/// # Example
///
/// ```
/// use streamsum::proto::client::Request;
///
/// assert!(Request::new("GET", "/a b", "x").is_err());
/// let request = Request::new("GET", "/", "x")?;
/// assert!(request.field("X-Name", "a\r\nX-Other: b").is_err());
/// # Ok::<(), streamsum::proto::client::InvalidRequest>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidRequest;

impl fmt::Display for InvalidRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a line that a request may have")
    }
}

impl std::error::Error for InvalidRequest {}

#[cfg(test)]
mod tests {
    use super::*;

    // covers: 39.1
    #[test]
    fn a_request_line_is_a_method_and_a_target_in_origin_form() {
        for (method, target, host) in [
            ("GET", "/", "x"),
            ("OPTIONS", "*", "x"),
            ("get", "//a?b=%20", "[::1]:80"),
            ("M-SEARCH", "/\u{fc}", "1.2.3.4"),
        ] {
            assert!(Request::new(method, target, host).is_ok(), "{method} {target} {host}");
        }
        for (method, target, host) in [
            ("", "/", "x"),
            ("G T", "/", "x"),
            ("CONNECT", "/", "x"),
            ("GET", "", "x"),
            ("GET", "*", "x"),
            ("GET", "a", "x"),
            ("GET", "http://x/", "x"),
            ("GET", "/ ", "x"),
            ("GET", "/\r\n", "x"),
            ("GET", "/#a", "x"),
            ("GET", "/", ""),
            ("GET", "/", ":80"),
            ("GET", "/", "a@x"),
            ("GET", "/", "x\r\n"),
        ] {
            assert_eq!(
                Request::new(method, target, host).err(),
                Some(InvalidRequest),
                "{method} {target} {host}"
            );
        }
    }

    // covers: 39.2
    #[test]
    fn a_field_is_none_that_the_connection_writes_or_acts_on() {
        let request = Request::new("GET", "/", "x").unwrap();
        let takes = |name: &str, value: &[u8]| request.clone().field(name, value).is_ok();
        assert!(takes("a", b"") && takes("A-b", b"\t \xff~"));
        for value in [&b"\r"[..], b"\n", b"\0", b"\x7f"] {
            assert!(!takes("a", value), "{value:?}");
        }
        for name in ["", "a b", "a:", "Host", "CONTENT-LENGTH", "Transfer-Encoding", "Expect"] {
            assert!(!takes(name, b"x"), "{name}");
        }
        for name in ["Connection", "Keep-Alive", "TE", "Trailer", "Upgrade", "Proxy-Connection"] {
            assert!(!takes(name, b"x"), "{name}");
        }
    }

    #[test]
    fn who_sends_no_content_asks_for_no_100() {
        let mut request = Request::new("PUT", "/", "x").unwrap().expect_continue(true);
        for (framing, asks) in [
            (Framing::None, false),
            (Framing::Length(0), false),
            (Framing::Length(1), true),
            (Framing::Chunked, true),
        ] {
            request = request.content(framing);
            let mut bytes = Vec::new();
            request.write(&mut bytes);
            assert_eq!(bytes.ends_with(b"Expect: 100-continue\r\n\r\n"), asks, "{framing:?}");
        }
    }

    #[cfg(feature = "outgoing")]
    #[test]
    fn an_expectation_is_set_in_place() {
        let mut request = Request::new("PUT", "/", "x").unwrap().content(Framing::Length(1));
        for asks in [true, false] {
            request.set_expectation(asks);
            assert_eq!(request.expects_continue(), asks);
        }
    }

    #[test]
    fn what_is_wrong_with_a_line_is_said() {
        assert_eq!(InvalidRequest.to_string(), "not a line that a request may have");
    }

    #[test]
    fn what_may_be_secret_is_not_shown() {
        let request = Request::new("PUT", "/?X-Amz-Signature=secret", "x").unwrap();
        let request = request.field("Authorization", "Bearer secret").unwrap();
        let shown = "Request { framing: None, expects_continue: false, .. }";
        assert_eq!(format!("{request:?}"), shown);
    }
}
