//! Where a request goes: scheme, host and port (RFC 9110 §4.3.1).

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// A scheme, a host and a port. Connections are kept for one of them.
///
/// # Example
///
/// ```
/// use streamsum::client::Origin;
///
/// let origin: Origin = "https://Store.example".parse()?;
/// assert_eq!((origin.host(), origin.port(), origin.is_tls()), ("store.example", 443, true));
/// assert_eq!(origin.authority(), "store.example");
/// let origin: Origin = "http://[::1]:9000".parse()?;
/// assert_eq!((origin.host(), origin.authority()), ("::1", "[::1]:9000"));
/// # Ok::<(), streamsum::client::InvalidOrigin>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    is_tls: bool,
    host: Box<str>,
    port: u16,
    authority: Box<str>,
}

impl Origin {
    /// True for `https`.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// The host in lower case: a name, or an IP address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port; 80 or 443 if none was given.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Host and port as the Host field has them: without the port that the scheme implies.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The address, if the host is one and no name.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.is_tls { "https" } else { "http" }, self.authority)
    }
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    /// Reads `http://host[:port]` or `https://host[:port]`, with nothing behind it but one `/`.
    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let (scheme, rest) = text.split_once("://").ok_or(InvalidOrigin)?;
        let is_tls = match scheme {
            _ if scheme.eq_ignore_ascii_case("http") => false,
            _ if scheme.eq_ignore_ascii_case("https") => true,
            _ => return Err(InvalidOrigin),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest).to_ascii_lowercase();
        let (host, port) = match rest.strip_prefix('[') {
            Some(literal) => {
                let (address, port) = literal.split_once(']').ok_or(InvalidOrigin)?;
                address.parse::<Ipv6Addr>().map_err(|_| InvalidOrigin)?;
                (address, port.strip_prefix(':').or(port.is_empty().then_some("")))
            }
            None => {
                let (name, port) = rest.split_once(':').unwrap_or((&rest, ""));
                let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
                if name.is_empty() || name.len() > 253 || !name.bytes().all(is_name) {
                    return Err(InvalidOrigin);
                }
                (name, Some(port))
            }
        };
        let implied = if is_tls { 443 } else { 80 };
        let port = match port.ok_or(InvalidOrigin)? {
            "" => implied,
            digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().ok().filter(|port| *port > 0).ok_or(InvalidOrigin)?
            }
            _ => return Err(InvalidOrigin),
        };
        let bracketed = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let authority = if port == implied { bracketed } else { format!("{bracketed}:{port}") };
        Ok(Self { is_tls, host: host.into(), port, authority: authority.into() })
    }
}

/// Not `http://host[:port]` or `https://host[:port]`.
///
/// # Example
///
/// ```
/// use streamsum::client::{InvalidOrigin, Origin};
///
/// assert_eq!("ftp://example.org".parse::<Origin>(), Err(InvalidOrigin));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidOrigin;

impl fmt::Display for InvalidOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not http:// or https:// with a host, and perhaps a port")
    }
}

impl std::error::Error for InvalidOrigin {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_a_host_and_a_port() {
        for (text, shown) in [
            ("http://a", "http://a"),
            ("HTTP://A:80/", "http://a"),
            ("https://a.b-c_d:8443", "https://a.b-c_d:8443"),
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
            ("https://[::1]", "https://[::1]"),
            ("http://[::1]:443", "http://[::1]:443"),
            ("http://a:", "http://a"),
        ] {
            let origin: Origin = text.parse().expect(text);
            assert_eq!(origin.to_string(), shown);
            assert_eq!(shown.parse(), Ok(origin));
        }
        for bad in [
            "",
            "a",
            "http:a",
            "http://",
            "http:///",
            "http://:80",
            "ftp://a",
            "http://a/b",
            "http://a//",
            "http://a?b",
            "http://a#b",
            "http://u@a",
            "http://a:0",
            "http://a:65536",
            "http://a:+1",
            "http://a:b",
            "http://[::1",
            "http://[a]",
            "http://[::1]80",
            "http://::1",
            "http://a b",
            "http://\u{fc}",
            "http://a:80:80",
        ] {
            assert_eq!(bad.parse::<Origin>(), Err(InvalidOrigin), "{bad}");
        }
    }
}
