//! Addresses as they are written.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// A port of all interfaces, IPv6 and IPv4.
    Any(u16),
    Ip(SocketAddr),
    /// A name and a port: every address that the name has.
    Name(String),
    Unix(PathBuf),
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
            return Ok(Self::Unix(path.into()));
        }
        if let Ok(ip) = text.parse() {
            return Ok(Self::Ip(ip));
        }
        let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
        let in_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        match parse_port(port) {
            Some(port) if host.is_empty() => Ok(Self::Any(port)),
            Some(_) if host.bytes().all(in_name) => Ok(Self::Name(text.into())),
            _ => Err(format!("{text:?} is not an address, which is written like :8080")),
        }
    }
}

/// A port in digits alone: the standard library takes a plus sign too.
fn parse_port(text: &str) -> Option<u16> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any(port) => write!(f, ":{port}"),
            Self::Ip(ip) => ip.fmt(f),
            Self::Name(name) => f.write_str(name),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    fn parse(text: &str) -> Option<Address> {
        text.parse().ok()
    }

    #[test]
    fn addresses_in_all_forms() {
        let localhost = SocketAddr::from((Ipv4Addr::LOCALHOST, 80));
        let localhost_v6 = SocketAddr::from((Ipv6Addr::LOCALHOST, 0));
        for (text, address) in [
            ("8080", Address::Any(8080)),
            (":8080", Address::Any(8080)),
            (":0", Address::Any(0)),
            ("127.0.0.1:80", Address::Ip(localhost)),
            ("[::1]:0", Address::Ip(localhost_v6)),
            ("localhost:8080", Address::Name("localhost:8080".into())),
            ("unix:/run/a:b", Address::Unix("/run/a:b".into())),
            ("unix:relative", Address::Unix("relative".into())),
        ] {
            assert_eq!(parse(text), Some(address), "{text}");
        }
    }

    #[test]
    fn what_is_no_address() {
        for text in [
            "",
            ":",
            "localhost",
            "localhost:",
            "localhost:http",
            ":65536",
            ":+80",
            "::1",
            "::1:80",
            "[::1]",
            "1.2.3.4",
            "a b:80",
            "http://a:80",
            "unix:",
            "/run/sock",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
