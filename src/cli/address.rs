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
    /// A name and a port: all addresses of the name; for localhost both loopback addresses.
    Name(String),
    Unix(UnixAddress),
}

/// The file of a Unix socket, and who may connect to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct UnixAddress {
    pub(super) path: PathBuf,
    /// The permissions of the file; none means those that the umask leaves.
    pub(super) mode: Option<u32>,
    /// The group of the file, by name or number; none means that of the process.
    pub(super) group: Option<String>,
}

impl Address {
    /// True if only this machine can connect to it.
    #[cfg(feature = "folder")]
    pub(super) fn is_of_this_machine(&self) -> bool {
        match self {
            Self::Any(_) => false,
            Self::Ip(address) => address.ip().to_canonical().is_loopback(),
            Self::Name(name) => name.split(':').next() == Some("localhost"),
            Self::Unix(_) => true,
        }
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(unix) = text.strip_prefix("unix:") {
            return unix
                .parse()
                .map(Self::Unix)
                .map_err(|wrong: String| format!("{text:?}: {wrong}"));
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

impl FromStr for UnixAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(',');
        let path = parts.next().unwrap_or_default();
        if path.is_empty() {
            return Err("a path is missing".into());
        }
        if path.starts_with('@') {
            // Every user of the host could connect to one: it has no file, and so no mode.
            return Err(format!("abstract sockets are not served; a file is unix:./{path}"));
        }
        let mut address = Self { path: path.into(), ..Self::default() };
        for part in parts {
            match part.split_once('=') {
                Some(("mode", mode)) => address.mode = Some(parse_mode(mode)?),
                Some(("group", group)) if !group.is_empty() => address.group = Some(group.into()),
                _ => return Err(format!("{part:?} is neither mode=0660 nor group=NAME")),
            }
        }
        // A client needs the right to write to connect to a Unix socket.
        if address.group.is_some() && address.mode.is_none_or(|mode| mode & 0o020 == 0) {
            return Err("a group needs a mode that lets it in, as mode=0660".into());
        }
        Ok(address)
    }
}

/// Permissions in octal digits, without the bits that only directories and programs have.
fn parse_mode(text: &str) -> Result<u32, String> {
    u32::from_str_radix(text, 8)
        .ok()
        .filter(|&mode| mode <= 0o777 && text.bytes().all(|byte| byte.is_ascii_digit()))
        .ok_or_else(|| format!("{text:?} is not a mode, which is written like 0660"))
}

/// Splits a list of addresses at its commas, except at those before an address's own
/// options.
pub(super) fn split_list(list: &str) -> Vec<String> {
    let mut addresses: Vec<String> = Vec::new();
    for part in list.split(',').map(str::trim) {
        let name = part.split_once('=').map_or("", |(name, _)| name);
        match addresses.last_mut() {
            Some(last)
                if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase()) =>
            {
                last.push(',');
                last.push_str(part);
            }
            _ => addresses.push(part.into()),
        }
    }
    addresses
}

/// A port in digits alone: the standard library takes a plus sign too.
pub(super) fn parse_port(text: &str) -> Option<u16> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any(port) => write!(f, ":{port}"),
            Self::Ip(ip) => ip.fmt(f),
            Self::Name(name) => f.write_str(name),
            Self::Unix(unix) => unix.fmt(f),
        }
    }
}

impl fmt::Display for UnixAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unix:{}", self.path.display())?;
        if let Some(mode) = self.mode {
            write!(f, ",mode={mode:04o}")?;
        }
        self.group.iter().try_for_each(|group| write!(f, ",group={group}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    fn parse(text: &str) -> Option<Address> {
        text.parse().ok()
    }

    fn unix(path: &str, mode: Option<u32>, group: Option<&str>) -> Address {
        Address::Unix(UnixAddress { path: path.into(), mode, group: group.map(str::to_owned) })
    }

    #[test]
    fn address_parses_in_all_forms() {
        let localhost = SocketAddr::from((Ipv4Addr::LOCALHOST, 80));
        let localhost_v6 = SocketAddr::from((Ipv6Addr::LOCALHOST, 0));
        for (text, address) in [
            ("8080", Address::Any(8080)),
            (":8080", Address::Any(8080)),
            (":0", Address::Any(0)),
            ("127.0.0.1:80", Address::Ip(localhost)),
            ("[::1]:0", Address::Ip(localhost_v6)),
            ("localhost:8080", Address::Name("localhost:8080".into())),
            ("unix:/run/a:b", unix("/run/a:b", None, None)),
            ("unix:relative", unix("relative", None, None)),
            ("unix:./@a", unix("./@a", None, None)),
            ("unix:/s,mode=0600", unix("/s", Some(0o600), None)),
            ("unix:/s,mode=0", unix("/s", Some(0), None)),
            ("unix:/s,group=33,mode=777", unix("/s", Some(0o777), Some("33"))),
        ] {
            assert_eq!(parse(text), Some(address), "{text}");
        }
    }

    #[test]
    fn malformed_address_is_refused() {
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
            "unix:@a",
            "unix:,mode=0660",
            "unix:/s,",
            "unix:/s,t",
            "unix:/s,mode",
            "unix:/s,mode=",
            "unix:/s,mode=+660",
            "unix:/s,mode=0888",
            "unix:/s,mode=01777",
            "unix:/s,mode=rw",
            "unix:/s,Mode=0660",
            "unix:/s,mode=0660,group=",
            "unix:/s,group=www-data",
            "unix:/s,group=www-data,mode=0640",
            "/run/sock",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn addresses_are_shown_as_they_are_written() {
        for text in [":80", "[::1]:80", "a.b:80", "unix:/s", "unix:/s,mode=0660,group=www-data"] {
            assert_eq!(parse(text).map(|address| address.to_string()).as_deref(), Some(text));
        }
        assert_eq!(parse("unix:/s,mode=7").expect("a mode").to_string(), "unix:/s,mode=0007");
    }

    #[test]
    fn list_is_split_between_addresses() {
        assert_eq!(split_list(":1"), [":1"]);
        assert_eq!(
            split_list("unix:/s,mode=0660,group=a, :2"),
            ["unix:/s,mode=0660,group=a", ":2"]
        );
        assert_eq!(split_list("unix:/a=b,unix:/c=d"), ["unix:/a=b", "unix:/c=d"]);
        assert_eq!(split_list("mode=0660,:2,"), ["mode=0660", ":2", ""]);
    }
}
