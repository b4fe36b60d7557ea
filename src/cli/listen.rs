//! Addresses, and the sockets that listen on them.

use std::fmt;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use mio::net::{TcpListener, UnixListener};
use socket2::{Domain, SockAddr, Socket, Type};
use streamsum::server::Listener;

/// Connections that may wait to be accepted: the usual 128 drops the handshakes of a
/// burst of a thousand clients.
const BACKLOG: i32 = 4096;

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

/// A socket that listens.
pub(super) struct Bound {
    pub(super) listener: Listener,
    /// What it is bound to, with the port that port 0 turned into.
    pub(super) place: Place,
}

/// What a socket is bound to.
pub(super) enum Place {
    Ip(SocketAddr),
    Unix(SocketFile),
}

impl Place {
    /// The arguments that make curl upload to this place.
    pub(super) fn curl(&self) -> String {
        match self {
            Self::Ip(ip) if ip.ip().is_unspecified() => {
                format!("curl -T FILE http://localhost:{}/", ip.port())
            }
            Self::Ip(ip) => format!("curl -T FILE http://{ip}/"),
            Self::Unix(file) => {
                format!("curl -T FILE --unix-socket {} http://localhost/", file.path.display())
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Unix(file) => write!(f, "unix:{}", file.path.display()),
        }
    }
}

/// Listens on `address`: one socket, or one for each address of a name.
///
/// # Errors
///
/// What the system says.
pub(super) fn listen(address: &Address) -> io::Result<Vec<Bound>> {
    match address {
        Address::Any(port) => listen_any(*port).map(|bound| vec![bound]),
        Address::Ip(ip) => listen_ip(*ip).map(|bound| vec![bound]),
        Address::Name(name) => listen_each(name.to_socket_addrs()?),
        Address::Unix(path) => listen_unix(path).map(|bound| vec![bound]),
    }
}

/// Both families with one socket; IPv4 alone where the host has no IPv6.
fn listen_any(port: u16) -> io::Result<Bound> {
    let v6 = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
    let v4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    listen_ip(v6).or_else(|wrong| match wrong.kind() {
        io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied => Err(wrong),
        _ => listen_ip(v4),
    })
}

/// A name may have addresses of a family that the host has not: one socket is enough,
/// unless an address is taken.
fn listen_each(addresses: impl Iterator<Item = SocketAddr>) -> io::Result<Vec<Bound>> {
    let mut bound = Vec::new();
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    let mut seen = Vec::new();
    for address in addresses {
        if seen.contains(&address) {
            continue;
        }
        seen.push(address);
        match listen_ip(address) {
            Ok(one) => bound.push(one),
            Err(wrong) if wrong.kind() == io::ErrorKind::AddrInUse => return Err(wrong),
            Err(wrong) => failure = wrong,
        }
    }
    if bound.is_empty() { Err(failure) } else { Ok(bound) }
}

fn listen_ip(address: SocketAddr) -> io::Result<Bound> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // Connections of an earlier process that still wind down don't keep us out.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        // Systems differ in their default; it matters for [::] only.
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    let listener = TcpListener::from_std(socket.into());
    let place = Place::Ip(listener.local_addr()?);
    Ok(Bound { listener: listener.into(), place })
}

fn listen_unix(path: &Path) -> io::Result<Bound> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    let address = SockAddr::unix(path)?;
    if let Err(wrong) = socket.bind(&address) {
        if wrong.kind() != io::ErrorKind::AddrInUse || !is_stale(path) {
            return Err(wrong);
        }
        fs::remove_file(path)?;
        socket.bind(&address)?;
    }
    let file = SocketFile::new(path)?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    let listener = UnixListener::from_std(OwnedFd::from(socket).into());
    Ok(Bound { listener: listener.into(), place: Place::Unix(file) })
}

/// Whether `path` is a socket on which nobody answers any more.
fn is_stale(path: &Path) -> bool {
    let refused = |wrong: io::Error| wrong.kind() == io::ErrorKind::ConnectionRefused;
    // Without blocking: a living one may have a full backlog.
    fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket())
        && mio::net::UnixStream::connect(path).is_err_and(refused)
}

/// The file of a listening Unix socket, which is removed on drop.
///
/// To be dropped while the socket still listens: then a successor finds either a
/// socket that answers or none, and its own file is never taken for ours.
pub(super) struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl SocketFile {
    fn new(path: &Path) -> io::Result<Self> {
        let file = fs::symlink_metadata(path)?;
        Ok(Self { path: path.into(), device: file.dev(), inode: file.ino() })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let ours = |file: fs::Metadata| (file.dev(), file.ino()) == (self.device, self.inode);
        if fs::symlink_metadata(&self.path).is_ok_and(ours) {
            // Nothing is left to be done about a file that cannot be removed.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;
    use std::os::unix::net::UnixListener as StdUnixListener;

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

    #[test]
    fn bound_to_a_port_that_is_told() {
        let bound = listen(&Address::Any(0)).expect("a port");
        let [Bound { place: Place::Ip(ip), .. }] = &bound[..] else { panic!("one TCP socket") };
        assert!(ip.ip().is_unspecified() && ip.port() != 0);
        let curl = format!("curl -T FILE http://localhost:{}/", ip.port());
        assert_eq!(bound[0].place.curl(), curl);
        // One socket for both families, where there are both.
        std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, ip.port())).expect("IPv4");
        if ip.is_ipv6() {
            std::net::TcpStream::connect((Ipv6Addr::LOCALHOST, ip.port())).expect("IPv6");
        }
    }

    #[test]
    fn a_name_listens_on_what_it_can() {
        let none = Vec::new().into_iter();
        assert!(listen_each(none).is_err());
        let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        // An address for documentation (RFC 5737), which no host has.
        let elsewhere = SocketAddr::from(([192, 0, 2, 1], 0));
        assert_eq!(listen_each([elsewhere, here, here].into_iter()).expect("here").len(), 1);
        let wrong = listen_each([elsewhere].into_iter()).err().expect("nowhere");
        assert_eq!(wrong.kind(), io::ErrorKind::AddrNotAvailable);

        let taken = std::net::TcpListener::bind(here).expect("a port");
        let taken = taken.local_addr().expect("its address");
        let wrong = listen_each([here, taken].into_iter()).err().expect("taken");
        assert_eq!(wrong.kind(), io::ErrorKind::AddrInUse);
    }

    /// A directory of its own, which goes with it.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("streamsum-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).expect("a directory");
            Self(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_socket_file_comes_and_goes() {
        let scratch = Scratch::new("comes-and-goes");
        let path = scratch.0.join("sock");
        let bound = listen(&Address::Unix(path.clone())).expect("a socket");
        UnixStream::connect(&path).expect("somebody answers");
        assert!(listen(&Address::Unix(path.clone())).is_err(), "it is taken");
        UnixStream::connect(&path).expect("and was left alone");
        assert_eq!(bound[0].place.to_string(), format!("unix:{}", path.display()));
        drop(bound);
        assert!(!path.exists());
    }

    #[test]
    fn a_stale_socket_file_is_replaced() {
        let scratch = Scratch::new("stale");
        let path = scratch.0.join("sock");
        drop(StdUnixListener::bind(&path).expect("a socket"));
        assert!(path.exists());
        let _bound = listen(&Address::Unix(path.clone())).expect("a socket");
        UnixStream::connect(&path).expect("somebody answers");
    }

    #[test]
    fn other_files_are_left_alone() {
        let scratch = Scratch::new("other");
        let path = scratch.0.join("precious");
        fs::write(&path, "data").expect("a file");
        let wrong = listen(&Address::Unix(path.clone())).err().expect("taken");
        assert_eq!(wrong.kind(), io::ErrorKind::AddrInUse);
        assert_eq!(fs::read(&path).expect("a file"), b"data");

        // A file that took the place of ours is not ours.
        let path = scratch.0.join("sock");
        let bound = listen(&Address::Unix(path.clone())).expect("a socket");
        fs::rename(scratch.0.join("precious"), &path).expect("a file");
        drop(bound);
        assert_eq!(fs::read(&path).expect("a file"), b"data");
    }

    #[test]
    fn a_path_too_long_is_told() {
        let path = PathBuf::from(format!("/tmp/{}", "a".repeat(200)));
        assert!(listen(&Address::Unix(path)).is_err());
    }
}
