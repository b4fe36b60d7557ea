//! Sockets that listen.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

use mio::net::TcpListener;
use socket2::{Domain, Socket, Type};
use streamsum::server::Listener;

use super::address::{Address, parse_port};
use super::unix_socket::{self, SocketFile};

/// At most so many connections wait to be accepted: with the usual 128 the system drops
/// handshakes when a thousand clients come at once.
const BACKLOG: i32 = 4096;

/// A socket that listens.
pub(super) struct Bound {
    pub(super) listener: Listener,
    /// What it is bound to, with the port that the system chose for port 0.
    pub(super) endpoint: Endpoint,
}

/// What a socket is bound to.
pub(super) enum Endpoint {
    Ip(SocketAddr),
    Unix(SocketFile),
}

impl Endpoint {
    /// True if only this machine can connect to it, by names that its own resolver knows.
    #[cfg(feature = "folder")]
    pub(super) fn is_loopback(&self) -> bool {
        match self {
            Self::Ip(ip) => ip.ip().to_canonical().is_loopback(),
            Self::Unix(_) => false,
        }
    }

    /// The command that makes curl upload to this endpoint.
    pub(super) fn curl(&self) -> String {
        match self {
            Self::Ip(ip) if ip.ip().is_unspecified() => {
                format!("curl -T FILE http://localhost:{}/", ip.port())
            }
            Self::Ip(ip) => format!("curl -T FILE http://{ip}/"),
            Self::Unix(file) => {
                format!("curl -T FILE --unix-socket {file} http://localhost/")
            }
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Unix(file) => write!(f, "unix:{file}"),
        }
    }
}

/// Listens on `address`: one socket, or one for each address of a name.
///
/// # Errors
///
/// The error of the system.
pub(super) fn listen(address: &Address) -> io::Result<Vec<Bound>> {
    match address {
        Address::Any(port) => listen_any(*port).map(|bound| vec![bound]),
        Address::Ip(ip) => listen_ip(*ip).map(|bound| vec![bound]),
        Address::Name(name) => listen_each(&resolve(name)?),
        Address::Unix(unix) => {
            let (listener, file) = unix_socket::listen(unix, BACKLOG)?;
            Ok(vec![Bound { listener: listener.into(), endpoint: Endpoint::Unix(file) }])
        }
    }
}

/// Listens on both families with one socket; on IPv4 alone if the host has no IPv6.
fn listen_any(port: u16) -> io::Result<Bound> {
    let v6 = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
    let v4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    listen_ip(v6).or_else(|wrong| if is_refused(&wrong) { Err(wrong) } else { listen_ip(v4) })
}

/// The addresses of a name and a port.
fn resolve(name: &str) -> io::Result<Vec<SocketAddr>> {
    // Clients try both of its addresses, even if the host's table names one (RFC 6761
    // section 6.3).
    if let Some(("localhost", port)) = name.rsplit_once(':')
        && let Some(port) = parse_port(port)
    {
        return Ok(vec![(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()]);
    }
    name.to_socket_addrs().map(Iterator::collect)
}

/// A name may have addresses of a family that the host does not have: one socket is enough,
/// unless an address is refused.
fn listen_each(addresses: &[SocketAddr]) -> io::Result<Vec<Bound>> {
    let mut bound = Vec::new();
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for (place, address) in addresses.iter().enumerate() {
        if addresses[..place].contains(address) {
            continue;
        }
        match listen_ip(*address) {
            Ok(one) => bound.push(one),
            Err(wrong) if is_refused(&wrong) => return Err(wrong),
            Err(wrong) => failure = wrong,
        }
    }
    if bound.is_empty() { Err(failure) } else { Ok(bound) }
}

/// True if the host has the address, but it is taken or forbidden.
fn is_refused(wrong: &io::Error) -> bool {
    matches!(wrong.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied)
}

fn listen_ip(address: SocketAddr) -> io::Result<Bound> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // Connections of an earlier process that are still closing must not block the address.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        // Systems differ in their default; it matters for [::] only.
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    let listener = TcpListener::from_std(socket.into());
    let endpoint = Endpoint::Ip(listener.local_addr()?);
    Ok(Bound { listener: listener.into(), endpoint })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_0_listens_on_a_chosen_port() {
        let bound = listen(&Address::Any(0)).expect("a port");
        let [Bound { endpoint: Endpoint::Ip(ip), .. }] = &bound[..] else {
            panic!("one TCP socket")
        };
        assert!(ip.ip().is_unspecified() && ip.port() != 0);
        let curl = format!("curl -T FILE http://localhost:{}/", ip.port());
        assert_eq!(bound[0].endpoint.curl(), curl);
        // One socket for both families, where there are both.
        std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, ip.port())).expect("IPv4");
        if ip.is_ipv6() {
            std::net::TcpStream::connect((Ipv6Addr::LOCALHOST, ip.port())).expect("IPv6");
        }
    }

    #[test]
    fn name_listens_on_all_addresses_of_the_host() {
        assert!(listen_each(&[]).is_err());
        let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        // An address for documentation (RFC 5737), which no host has.
        let elsewhere = SocketAddr::from(([192, 0, 2, 1], 0));
        assert_eq!(listen_each(&[elsewhere, here, here]).expect("here").len(), 1);
        let wrong = listen_each(&[elsewhere]).err().expect("nowhere");
        assert_eq!(wrong.kind(), io::ErrorKind::AddrNotAvailable);

        let taken = std::net::TcpListener::bind(here).expect("a port");
        let taken = taken.local_addr().expect("its address");
        let wrong = listen_each(&[here, taken]).err().expect("taken");
        assert_eq!(wrong.kind(), io::ErrorKind::AddrInUse);
    }
}
