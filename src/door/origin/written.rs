//! Origins and hosts as they are written.
#![warn(clippy::indexing_slicing, clippy::expect_used)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Bytes of an origin, as an upload keeps one: the longest host name has 253, and no scheme of
/// a browser more than a few dozen.
pub(super) const LONGEST_ORIGIN: usize = 320;

/// The origin of a web page (RFC 6454 §4), its port if it is not the scheme's own.
#[derive(Clone, Debug)]
pub(super) struct WebOrigin<S> {
    scheme: S,
    host: S,
    port: Option<u16>,
}

impl<'a> WebOrigin<&'a str> {
    /// As it is written in a field (RFC 6454 §6.2); `null` is none.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        if text.len() > LONGEST_ORIGIN {
            return None;
        }
        let (scheme, authority) = text.split_once("://")?;
        let (host, port) = host_and_port(authority)?;
        (is_scheme(scheme) && is_host(host)).then(|| Self::new(scheme, host, port))
    }

    fn new(scheme: &'a str, host: &'a str, port: Option<u16>) -> Self {
        let default = match scheme {
            _ if scheme.eq_ignore_ascii_case("http") => Some(80),
            _ if scheme.eq_ignore_ascii_case("https") => Some(443),
            _ => None,
        };
        Self { scheme, host, port: port.filter(|_| port != default) }
    }

    /// True if it is what an `http` or `https` URI of this authority has: by which of them the
    /// client came to a proxy is not known.
    pub(super) fn has_authority(&self, authority: &str) -> bool {
        let is_web = ["http", "https"].iter().any(|web| self.scheme.eq_ignore_ascii_case(web));
        let is_own = |(host, port)| WebOrigin::new(self.scheme, host, port).is(self);
        is_web && host_and_port(authority).is_some_and(is_own)
    }

    pub(super) fn to_owned(&self) -> WebOrigin<Box<str>> {
        WebOrigin { scheme: self.scheme.into(), host: self.host.into(), port: self.port }
    }
}

impl<S: AsRef<str>> WebOrigin<S> {
    pub(super) fn is(&self, other: &WebOrigin<&str>) -> bool {
        self.scheme.as_ref().eq_ignore_ascii_case(other.scheme)
            && self.host.as_ref().eq_ignore_ascii_case(other.host)
            && self.port == other.port
    }
}

/// The parts of an authority (RFC 3986 §3.2), whose host may be none. An empty port is no port.
pub(super) fn host_and_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let end = match authority.strip_prefix('[') {
        Some(_) => authority.find(']')? + 1,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority.split_at_checked(end)?;
    let port = match port {
        "" | ":" => None,
        _ => {
            let digits = port.strip_prefix(':')?;
            // Numbers may have a sign for std.
            let are_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
            Some(digits.parse().ok().filter(|_| are_digits)?)
        }
    };
    Some((host, port))
}

/// ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ) (RFC 3986 §3.1).
fn is_scheme(scheme: &str) -> bool {
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// A name as browsers write it, that of other languages in Punycode; or an address.
pub(super) fn is_host(host: &str) -> bool {
    if host.starts_with('[') {
        return is_address(host);
    }
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    !host.is_empty() && host.bytes().all(is_good)
}

/// True for an IP address; IPv6 has brackets.
pub(super) fn is_address(host: &str) -> bool {
    address(host).is_some()
}

/// A name that nobody can give an address of their own (RFC 6761 §6.3), or a loopback address.
pub(super) fn is_loopback_host(host: &str) -> bool {
    let last = host.rsplit('.').next();
    last.is_some_and(|label| label.eq_ignore_ascii_case("localhost"))
        || address(host).is_some_and(|address| address.to_canonical().is_loopback())
}

fn address(host: &str) -> Option<IpAddr> {
    let v6 = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match v6 {
        Some(v6) => v6.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => host.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    }
}
