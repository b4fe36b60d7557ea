//! From which page a request may come, and what is told to it (CORS).

mod written;

use std::fmt;

use super::put_fields;
use crate::proto::{Head, Response, is_tchar};
use written::{WebOrigin, host_and_port, is_address, is_host, is_loopback_host};

/// From which web pages requests may come, and which names this machine has for browsers on it.
///
/// A browser lets any page send requests to any server, and says in Origin whose page it is
/// (RFC 6454 §7). A page may write here if it was served under the host that it writes to, or if
/// its origin was [allowed](Pages::allow). Whoever sends no Origin is no page. Sec-Fetch-Site may
/// say of either that it is a page of another site (Fetch Metadata).
///
/// A page of an attacker could give its own host name our address (DNS rebinding), and be served
/// under the host that it writes to. So a request that brings no token has to be for one of a few
/// [`Hosts`]: no page of others is served under these. The port does not matter.
///
/// Chrome asks its user before a page may reach a local network, and asks nothing of the server
/// for it (Local Network Access): there are no fields for that.
///
/// # Example
///
/// ```
/// use streamsum::door::{Forbidden, Hosts, Pages};
/// use streamsum::proto::{Connection, Event, Limits};
///
/// let pages = Pages::new().allow("https://app.example")?.host("files.example")?;
///
/// let mut input = *b"PUT /a HTTP/1.1\r\nHost: files.example\r\nOrigin: https://b.example\r\n\r\n";
/// let mut connection = Connection::new(Limits::default());
/// let Event::Head(head) = connection.receive(&mut input).unwrap().event else { panic!() };
/// assert_eq!(pages.judge(&head, Hosts::Loopback), Err(Forbidden::Origin));
/// assert!(pages.allow("*")?.judge(&head, Hosts::Loopback).is_ok());
/// # Ok::<(), streamsum::door::InvalidPages>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Pages {
    allowed: Vec<WebOrigin<Box<str>>>,
    /// True if all are allowed.
    any: bool,
    hosts: Vec<Box<str>>,
}

impl Pages {
    /// Those alone that are served under the host that they write to.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Allows the pages of an origin, written like `https://a.example:8443`; or with `*` those of
    /// all, of which a [`Door`](super::Door) takes a Bearer token and no password: browsers add that
    /// by themselves, once they have it. The origin `null`, which any page can make its own, is never
    /// allowed.
    ///
    /// # Errors
    ///
    /// [`InvalidPages::Origin`] if it is not written so.
    pub fn allow(mut self, origin: &str) -> Result<Self, InvalidPages> {
        if origin == "*" {
            self.any = true;
        } else {
            let origin = WebOrigin::parse(origin).ok_or(InvalidPages::Origin)?;
            self.allowed.push(origin.to_owned());
        }
        Ok(self)
    }

    /// Lists a host name or address for which requests may be, whatever the [`Hosts`]: a name of
    /// this machine, or that of a proxy. It has no port, and IPv6 has brackets. The binary has
    /// `--host` for it.
    ///
    /// # Errors
    ///
    /// [`InvalidPages::Host`] if it is not written so.
    pub fn host(mut self, name: &str) -> Result<Self, InvalidPages> {
        if !is_host(name) {
            return Err(InvalidPages::Host);
        }
        self.hosts.push(name.into());
        Ok(self)
    }

    /// Whether a request may come from where it comes from, and the page that it comes from.
    ///
    /// A request of HTTP/1.0 without Host is of no browser.
    ///
    /// # Errors
    ///
    /// [`Forbidden`] if it may not.
    pub fn judge(&self, head: &Head<'_>, hosts: Hosts) -> Result<Page, Forbidden> {
        if head.authority().is_some_and(|authority| !self.has_host(authority, hosts)) {
            return Err(Forbidden::Host);
        }
        // Browsers that have no Origin for a form may say this much (Fetch Metadata).
        let mut sites = head.fields().values("Sec-Fetch-Site");
        let is_foreign = sites.any(|site| matches!(site, b"cross-site" | b"same-site"));
        let mut values = head.fields().values("Origin");
        let Some(value) = values.next() else {
            return if is_foreign { Err(Forbidden::Origin) } else { Ok(Page::default()) };
        };
        if values.next().is_some() {
            return Err(Forbidden::Origin);
        }
        let text = std::str::from_utf8(value).map_err(|_| Forbidden::Origin)?;
        let origin = WebOrigin::parse(text).ok_or(Forbidden::Origin)?;
        // Behind a proxy for `https` a page of `http` has our host, too, and is of another site:
        // who is on the way to the client can serve it.
        if !is_foreign && head.authority().is_some_and(|own| origin.has_authority(own)) {
            return Ok(Page::default());
        }
        if self.any || self.is_allowed(&origin) {
            return Ok(Page { origin: Some(text.into()) });
        }
        Err(Forbidden::Origin)
    }

    /// The answer to a preflight, the question of a browser whether a page may send what it wants
    /// to (Fetch standard, "CORS-preflight request"). It needs no token: it can bring none.
    /// `None` if the request is no preflight.
    ///
    /// The answer allows PUT and POST and all fields that were asked for. It names them, and
    /// Authorization even if it was not asked for: `*` would not mean that one.
    #[must_use]
    pub fn preflight(&self, head: &Head<'_>, hosts: Hosts) -> Option<Response> {
        if head.method() != "OPTIONS" {
            return None;
        }
        let fields = head.fields();
        fields.get("Origin")?;
        fields.get("Access-Control-Request-Method")?;
        let page = match self.judge(head, hosts) {
            Ok(page) => page,
            Err(forbidden) => return Some(forbidden.response()),
        };
        let mut allowed = "Authorization".to_owned();
        let asked = fields.list("Access-Control-Request-Headers");
        for name in asked.filter(|name| name.iter().all(|byte| is_tchar(*byte))) {
            if !name.eq_ignore_ascii_case(b"Authorization") {
                allowed.push_str(", ");
                allowed.extend(name.iter().map(|byte| char::from(*byte)));
            }
        }
        let mut response = Response::text(204, "");
        if let Some(origin) = &page.origin {
            put_fields(&mut response, &[("Access-Control-Allow-Origin", origin)]);
        }
        let asked = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";
        put_fields(
            &mut response,
            &[
                ("Access-Control-Allow-Methods", "PUT, POST"),
                ("Access-Control-Allow-Headers", &allowed),
                // Ten minutes: Chrome keeps it for two hours at most, Firefox for a day.
                ("Access-Control-Max-Age", "600"),
                ("Vary", asked),
            ],
        );
        Some(response)
    }

    fn is_allowed(&self, origin: &WebOrigin<&str>) -> bool {
        self.allowed.iter().any(|allowed| allowed.is(origin))
    }

    /// True if this page may send for no other reason than that those of all origins may.
    pub(super) fn is_any(&self, page: &Page) -> bool {
        let origin = page.origin.as_deref().and_then(WebOrigin::parse);
        origin.is_some_and(|origin| !self.is_allowed(&origin))
    }

    /// True if the host of this authority is one of these.
    fn has_host(&self, authority: &str, hosts: Hosts) -> bool {
        let is_one: fn(&str) -> bool = match hosts {
            Hosts::Any => return true,
            Hosts::Known => |host| is_loopback_host(host) || is_address(host),
            Hosts::Loopback => is_loopback_host,
        };
        let is_listed =
            |host: &str| self.hosts.iter().any(|listed| listed.eq_ignore_ascii_case(host));
        host_and_port(authority).is_some_and(|(host, _)| is_one(host) || is_listed(host))
    }
}

/// For which hosts a request may be: those of its target, or else of Host.
///
/// # Example
///
/// ```
/// use streamsum::door::{Forbidden, Hosts, Pages};
/// use streamsum::proto::{Connection, Event, Limits};
///
/// let mut input = *b"PUT /a HTTP/1.1\r\nHost: 192.0.2.1:8080\r\n\r\n";
/// let mut connection = Connection::new(Limits::default());
/// let Event::Head(head) = connection.receive(&mut input).unwrap().event else { panic!() };
/// assert!(Pages::new().judge(&head, Hosts::Known).is_ok());
/// assert_eq!(Pages::new().judge(&head, Hosts::Loopback), Err(Forbidden::Host));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hosts {
    /// Any: who has no token is not let in, or whoever can connect is no browser.
    Any,
    /// An IP address, what is [loopback](Hosts::Loopback), or a [listed](Pages::host) host.
    Known,
    /// `localhost` or a name in `.localhost`, a loopback address, or a listed host: what a browser
    /// on this machine has for this machine alone.
    Loopback,
}

/// The page that a request comes from, if it is to be told that it may read the answer.
///
/// Without one it takes no memory but its own.
///
/// # Example
///
/// ```
/// use streamsum::Response;
/// use streamsum::door::Page;
///
/// // Whoever is no page of another origin gets no field more.
/// let answer = Response::text(200, "900150983cd24fb0d6963f7d28e17f72");
/// assert_eq!(Page::default().dress(answer.clone()), answer);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// As it was sent; `None` if the request is of no page, or of one of our own host.
    origin: Option<Box<str>>,
}

impl Page {
    /// Adds to an answer, a refusal too, what lets the page read it, its ETag and its Location
    /// (Fetch standard, "CORS protocol").
    #[must_use]
    pub fn dress(&self, mut response: Response) -> Response {
        if let Some(origin) = &self.origin {
            put_fields(
                &mut response,
                &[
                    ("Access-Control-Allow-Origin", origin),
                    ("Access-Control-Expose-Headers", "ETag, Location"),
                    ("Vary", "Origin"),
                ],
            );
        }
        response
    }
}

/// Why a request may not come from where it comes from: 403 (RFC 9110 §15.5.4).
///
/// It is shown in the words that the client gets.
///
/// # Example
///
/// ```
/// use streamsum::door::Forbidden;
///
/// let response = Forbidden::Origin.response();
/// assert_eq!((response.status(), response.note()), (403, Some("origin-foreign")));
/// assert_eq!(response.content(), b"pages of this origin may not write here");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Forbidden {
    /// It is for a host that is none of the [`Hosts`].
    Host,
    /// It comes from a page of an origin that is neither the request's own host nor allowed, or of
    /// another site; or Origin is `null`, malformed, or there are several.
    Origin,
}

impl Forbidden {
    /// The reason as one word for programs, as [`Reject::code`](crate::proto::Reject::code) is.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Host => "host-foreign",
            Self::Origin => "origin-foreign",
        }
    }

    /// The answer. Its note is the code.
    #[must_use]
    pub fn response(self) -> Response {
        Response::text(403, self.to_string()).with_note(self.code())
    }
}

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => {
                "the host is no address of this server, nor a name that it was given by --host"
            }
            Self::Origin => "pages of this origin may not write here",
        })
    }
}

impl std::error::Error for Forbidden {}

/// What [`Pages`] cannot be made of.
///
/// # Example
///
/// ```
/// use streamsum::door::{InvalidPages, Pages};
///
/// assert_eq!(Pages::new().allow("https://a.example/").unwrap_err(), InvalidPages::Origin);
/// assert_eq!(Pages::new().host("a.example:80").unwrap_err(), InvalidPages::Host);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InvalidPages {
    /// Not an origin.
    Origin,
    /// Not a host.
    Host,
}

impl fmt::Display for InvalidPages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Origin => {
                "an origin is written like https://a.example:8443, without a path; or * for all"
            }
            Self::Host => "a host is written like a.example, 192.0.2.1 or [2001:db8::1]; no port",
        })
    }
}

impl std::error::Error for InvalidPages {}

#[cfg(test)]
mod tests {
    use super::super::wire::{judged, sent};
    use super::written::LONGEST_ORIGIN;
    use super::*;

    fn pages() -> Pages {
        ["https://a.example", "HTTP://B.example:80", "https://c.example:8443", "app://id"]
            .into_iter()
            .chain(["https://[2001:DB8::1]:444"])
            .fold(Pages::new(), |pages, origin| pages.allow(origin).expect(origin))
    }

    fn of_origin(pages: &Pages, host: &str, lines: &str) -> Result<Page, Forbidden> {
        judged(&format!("PUT /a HTTP/1.1\r\nHost: {host}\r\n{lines}"), |head| {
            pages.judge(head, Hosts::Any)
        })
    }

    #[test]
    fn form_of_a_foreign_page_without_origin_is_refused() {
        for (site, is_fine) in
            [("cross-site", false), ("same-site", false), ("same-origin", true), ("none", true)]
        {
            let head = format!("POST /a HTTP/1.1\r\nHost: x\r\nSec-Fetch-Site: {site}\r\n");
            let found = judged(&head, |head| Pages::new().judge(head, Hosts::Any).is_ok());
            assert_eq!(found, is_fine, "{site}");
        }
    }

    #[test]
    fn a_request_without_an_origin_is_of_no_page() {
        assert_eq!(of_origin(&Pages::new(), "x", ""), Ok(Page::default()));
        assert_eq!(of_origin(&Pages::new(), "x", "Referer: http://y/\r\n"), Ok(Page::default()));
        assert!(size_of::<Page>() <= 16);
    }

    #[test]
    fn a_page_may_write_to_the_host_that_served_it() {
        for (host, origin, is_own) in [
            ("d.example", "http://d.example", true),
            ("d.example", "https://d.example", true),
            ("D.example", "HTTPS://d.EXAMPLE", true),
            ("d.example:", "http://d.example", true),
            ("d.example:80", "http://d.example", true),
            ("d.example", "http://d.example:80", true),
            ("d.example:443", "https://d.example", true),
            ("d.example", "https://d.example:443", true),
            ("d.example:8080", "http://d.example:8080", true),
            ("d.example:8080", "https://d.example:8080", true),
            ("[2001:db8::1]:8080", "http://[2001:db8::1]:8080", true),
            ("192.0.2.1", "http://192.0.2.1", true),
            ("d.example:80", "https://d.example", false),
            ("d.example:443", "http://d.example", false),
            ("d.example", "http://d.example:8080", false),
            ("d.example:8080", "http://d.example", false),
            ("d.example:8080", "http://d.example:8081", false),
            ("d.example", "http://x.d.example", false),
            ("d.example", "http://d.example.x", false),
            ("d.example", "http://xd.example", false),
            ("d.example", "ftp://d.example", false),
            ("d.example", "d.example", false),
            ("d.example", "//d.example", false),
            ("d.example:99999", "http://d.example:99999", false),
            ("", "http://", false),
            ("", "http://d.example", false),
        ] {
            let found = of_origin(&Pages::new(), host, &format!("Origin: {origin}\r\n"));
            let expected = if is_own { Ok(Page::default()) } else { Err(Forbidden::Origin) };
            assert_eq!(found, expected, "{origin} at {host}");
        }
        // The target counts, not Host.
        let absolute = |origin| {
            let head = "PUT http://d.example/a HTTP/1.1\r\nHost: e.example\r\n";
            judged(&format!("{head}Origin: {origin}\r\n"), |head| {
                Pages::new().judge(head, Hosts::Any)
            })
        };
        assert_eq!(absolute("http://d.example"), Ok(Page::default()));
        assert_eq!(absolute("http://e.example"), Err(Forbidden::Origin));
    }

    /// Of `http`, say, where a proxy has `https`: whoever is on the way can serve that page.
    // covers: 36.12
    #[test]
    fn a_page_of_the_own_host_that_is_another_site_is_foreign() {
        let (host, origin) = ("d.example", "http://d.example");
        let from = |pages: &Pages, site: &str| {
            let lines = format!("Origin: {origin}\r\nSec-Fetch-Site: {site}\r\n");
            of_origin(pages, host, &lines)
        };
        let listed = pages().allow(origin).expect("an origin");
        let any = pages().allow("*").expect("all");
        for site in ["same-origin", "none", ""] {
            assert_eq!(from(&pages(), site), Ok(Page::default()), "{site}");
        }
        for site in ["cross-site", "same-site", "same-origin\r\nSec-Fetch-Site: cross-site"] {
            assert_eq!(from(&pages(), site), Err(Forbidden::Origin), "{site}");
            let page = Page { origin: Some(origin.into()) };
            for (pages, is_any) in [(&listed, false), (&any, true)] {
                assert_eq!(from(pages, site), Ok(page.clone()), "{site}");
                assert_eq!(pages.is_any(&page), is_any);
            }
        }
    }

    #[test]
    fn a_page_may_write_if_its_origin_is_allowed() {
        for origin in [
            "https://a.example",
            "https://a.example:443",
            "HTTPS://A.Example",
            "http://b.example",
            "https://c.example:8443",
            "app://id",
            "https://[2001:db8::1]:444",
        ] {
            let page = of_origin(&pages(), "x", &format!("Origin: {origin}\r\n"));
            assert_eq!(page, Ok(Page { origin: Some(origin.into()) }), "{origin}");
        }
        for origin in [
            "http://a.example",
            "https://a.example:8443",
            "https://b.example",
            "https://c.example",
            "https://c.example:443",
            "https://x.a.example",
            "https://a.example.",
            "app://id2",
            "https://d.example",
        ] {
            let lines = format!("Origin: {origin}\r\n");
            assert_eq!(of_origin(&pages(), "x", &lines), Err(Forbidden::Origin), "{origin}");
            let any = pages().allow("*").expect("all");
            let page = Page { origin: Some(origin.into()) };
            assert_eq!(of_origin(&any, "x", &lines), Ok(page), "{origin}");
        }
    }

    #[test]
    fn null_and_what_is_no_origin_may_never_write() {
        let any = pages().allow("*").expect("all");
        let long = format!("https://{}.example", "a".repeat(LONGEST_ORIGIN));
        for origin in [
            "",
            "null",
            "NULL",
            "*",
            "file://",
            "https://",
            "://a.example",
            "1s://a.example",
            "https:a.example",
            "https://a.example/",
            "https://a.example?",
            "https://u@a.example",
            "https://a.example:x",
            "https://a.example:+1",
            "https://a.example:65536",
            "https://[::1",
            "https://[::1]x",
            "https://[a.example]",
            "https://a.example https://c.example:8443",
            "https://a.example, https://c.example:8443",
            "https://\u{e4}.example",
            &long,
        ] {
            let lines = format!("Origin: {origin}\r\n");
            assert_eq!(of_origin(&any, "x", &lines), Err(Forbidden::Origin), "{origin}");
        }
        let twice = "Origin: https://a.example\r\n".repeat(2);
        assert_eq!(of_origin(&any, "a.example", &twice), Err(Forbidden::Origin));
    }

    #[test]
    fn hosts_that_no_page_of_others_has_are_known() {
        let pages = pages().host("Files.example").and_then(|pages| pages.host("[FD00::1]"));
        let pages = pages.and_then(|pages| pages.host("192.0.2.1")).expect("hosts");
        let by = |host: &str, hosts| {
            let head = format!("PUT /a HTTP/1.1\r\nHost: {host}\r\n");
            judged(&head, |head| pages.judge(head, hosts))
        };
        for host in [
            "localhost",
            "LocalHost:8080",
            "a.b.localhost:1",
            "127.0.0.1",
            "127.255.0.9:8080",
            "[::1]",
            "[0:0::1]:8080",
            "[::ffff:127.0.0.1]",
            "files.example",
            "FILES.EXAMPLE:99",
            "[fd00::1]:8080",
            "192.0.2.1:80",
        ] {
            for hosts in [Hosts::Loopback, Hosts::Known, Hosts::Any] {
                assert_eq!(by(host, hosts), Ok(Page::default()), "{host} {hosts:?}");
            }
        }
        for host in [
            "",
            ":8080",
            "evil.example:8080",
            "localhost.evil.example",
            "evillocalhost",
            "localhost.",
            "127.0.0.1.evil.example",
            "192.0.2.1.evil.example",
            "127.1",
            "192.0.2.256",
            "x.files.example",
            "a.example",
            "localhost:99999",
        ] {
            assert_eq!(by(host, Hosts::Loopback), Err(Forbidden::Host), "{host}");
            assert_eq!(by(host, Hosts::Known), Err(Forbidden::Host), "{host}");
            assert_eq!(by(host, Hosts::Any), Ok(Page::default()), "{host}");
        }
        for host in ["0.0.0.0", "128.0.0.1:80", "192.168.0.9:8080", "[::]", "[fd00::2]:8080"] {
            assert_eq!(by(host, Hosts::Loopback), Err(Forbidden::Host), "{host}");
            assert_eq!(by(host, Hosts::Known), Ok(Page::default()), "{host}");
        }
        let old = |lines: &str| {
            judged(&format!("PUT /a HTTP/1.0\r\n{lines}"), |head| {
                pages.judge(head, Hosts::Loopback)
            })
        };
        assert_eq!(old(""), Ok(Page::default()));
        assert_eq!(old("Host: evil.example\r\n"), Err(Forbidden::Host));
        assert_eq!(old("Origin: http://localhost\r\n"), Err(Forbidden::Origin));
    }

    #[test]
    fn a_page_that_has_rebound_its_name_may_not_write() {
        let head = "PUT /a HTTP/1.1\r\nHost: evil.example:8080\r\n\
                    Origin: http://evil.example:8080\r\n";
        for hosts in [Hosts::Loopback, Hosts::Known] {
            let found = judged(head, |head| Pages::new().judge(head, hosts));
            assert_eq!(found, Err(Forbidden::Host), "{hosts:?}");
        }
        let head = "PUT /a HTTP/1.1\r\nHost: localhost:8080\r\nOrigin: http://localhost:3000\r\n";
        assert_eq!(
            judged(head, |head| Pages::new().judge(head, Hosts::Loopback)),
            Err(Forbidden::Origin)
        );
    }

    #[test]
    fn pages_are_made_of_origins_and_hosts() {
        for bad in ["", "null", "a.example", "https://a.example/", "https://*.a.example", "https:*"]
        {
            assert_eq!(Pages::new().allow(bad).unwrap_err(), InvalidPages::Origin, "{bad}");
        }
        for bad in ["", "*", "a.example:80", "http://a", "::1", "[::1]:80", "[::1", "a b", "[a]"] {
            assert_eq!(Pages::new().host(bad).unwrap_err(), InvalidPages::Host, "{bad}");
        }
    }

    fn preflight(pages: &Pages, lines: &str) -> Option<String> {
        let head = format!("OPTIONS /a HTTP/1.1\r\nHost: d.example\r\n{lines}");
        judged(&head, |head| pages.preflight(head, Hosts::Any)).map(|response| sent(&response))
    }

    const OF_A: &str = "Origin: https://a.example\r\nAccess-Control-Request-Method: PUT\r\n";
    const VARY: &str = "Access-Control-Max-Age: 600\r\n\
        Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers\r\n\r\n";

    #[test]
    fn a_preflight_learns_what_a_page_may_send() {
        for (asked, allowed) in [
            ("", "Authorization"),
            ("Access-Control-Request-Headers: authorization\r\n", "Authorization"),
            (
                "Access-Control-Request-Headers: authorization,content-type, x-amz-meta-a\r\n\
                 access-control-request-headers: if-none-match\r\n",
                "Authorization, content-type, x-amz-meta-a, if-none-match",
            ),
            (
                "Access-Control-Request-Headers: , a b, \"c,d\", e:, \u{e4}, *, f\r\n",
                "Authorization, *, f",
            ),
        ] {
            assert_eq!(
                preflight(&pages(), &format!("{OF_A}{asked}")),
                Some(format!(
                    "HTTP/1.1 204 No Content\r\n\
                     Access-Control-Allow-Origin: https://a.example\r\n\
                     Access-Control-Allow-Methods: PUT, POST\r\n\
                     Access-Control-Allow-Headers: {allowed}\r\n\
                     {VARY}"
                )),
                "{asked}"
            );
        }
        let of_own = "Origin: https://d.example\r\nAccess-Control-Request-Method: PUT\r\n";
        assert_eq!(
            preflight(&pages(), of_own),
            Some(format!(
                "HTTP/1.1 204 No Content\r\n\
                 Access-Control-Allow-Methods: PUT, POST\r\n\
                 Access-Control-Allow-Headers: Authorization\r\n\
                 {VARY}"
            ))
        );
    }

    #[test]
    fn a_preflight_of_a_foreign_page_is_forbidden() {
        let forbidden = Some(sent(&Forbidden::Origin.response()));
        assert_eq!(preflight(&Pages::new(), OF_A), forbidden);
        let null = "Origin: null\r\nAccess-Control-Request-Method: PUT\r\n";
        assert_eq!(preflight(&pages().allow("*").expect("all"), null), forbidden);
        let head = format!("OPTIONS * HTTP/1.1\r\nHost: d.example\r\n{OF_A}");
        let by_loopback = judged(&head, |head| pages().preflight(head, Hosts::Loopback));
        assert_eq!(by_loopback, Some(Forbidden::Host.response()));
    }

    #[test]
    fn a_request_with_less_is_no_preflight() {
        for lines in [
            "",
            "Origin: https://a.example\r\n",
            "Access-Control-Request-Method: PUT\r\n",
            "Origin: null\r\n",
        ] {
            assert_eq!(preflight(&pages(), lines), None, "{lines}");
        }
        for method in ["PUT", "POST", "options"] {
            let head = format!("{method} /a HTTP/1.1\r\nHost: d.example\r\n{OF_A}");
            assert_eq!(judged(&head, |head| pages().preflight(head, Hosts::Any)), None, "{method}");
        }
    }

    #[test]
    fn an_answer_to_an_allowed_page_can_be_read_by_it() {
        let page = of_origin(&pages(), "x", "Origin: HTTPS://a.example:443\r\n").expect("a page");
        let response = Response::text(412, "no").field("ETag", "\"a\"").expect("a field");
        assert_eq!(
            sent(&page.dress(response)),
            "HTTP/1.1 412 Precondition Failed\r\n\
             Content-Length: 2\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\
             ETag: \"a\"\r\n\
             Access-Control-Allow-Origin: HTTPS://a.example:443\r\n\
             Access-Control-Expose-Headers: ETag, Location\r\n\
             Vary: Origin\r\n\
             \r\n\
             no"
        );
    }
}
