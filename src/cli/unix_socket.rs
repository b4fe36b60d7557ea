//! Unix sockets and their files.
//!
//! A user who may write to the file of a Unix socket may connect to it. The file is there
//! from `bind` on, with the permissions that the umask leaves; but nobody can connect
//! before `listen`, whatever the permissions. So group and mode are set in between, and the
//! socket is never open to other users. To set the umask instead would change it for the
//! whole process; to bind elsewhere and move the file would need a longer path, and a
//! socket's path has at most about a hundred bytes.

use std::fmt;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, lchown};
use std::path::{Path, PathBuf};

use mio::net::UnixListener;
use socket2::{Domain, SockAddr, Socket, Type};

use super::address::UnixAddress;

/// The file with the names of groups.
const GROUPS: &str = "/etc/group";

/// Listens on the socket file of `address`, with `backlog` connections that may wait: makes the
/// file, or replaces it if nobody answers on it.
///
/// # Errors
///
/// The error of the system.
pub(super) fn listen(
    address: &UnixAddress,
    backlog: i32,
) -> io::Result<(UnixListener, SocketFile)> {
    let (socket, file) = bind(address)?;
    socket.listen(backlog)?;
    socket.set_nonblocking(true)?;
    Ok((UnixListener::from_std(OwnedFd::from(socket).into()), file))
}

/// A socket that does not listen yet, and its file, with group and mode set.
fn bind(address: &UnixAddress) -> io::Result<(Socket, SocketFile)> {
    let path = &address.path;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    let name = SockAddr::unix(path)?;
    if let Err(wrong) = socket.bind(&name) {
        if wrong.kind() != io::ErrorKind::AddrInUse || !is_stale(path, &name) {
            return Err(wrong);
        }
        fs::remove_file(path)?;
        socket.bind(&name)?;
    }
    let file = SocketFile::new(path)?;
    if let Some(group) = &address.group {
        lchown(path, None, Some(find_group(group)?))?;
    }
    if let Some(mode) = address.mode {
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    }
    Ok((socket, file))
}

/// The number of a group.
fn find_group(group: &str) -> io::Result<u32> {
    if let Ok(number) = group.parse() {
        return Ok(number);
    }
    // `getgrnam` would also ask directories on the network, but needs unsafe code.
    let groups = fs::read_to_string(GROUPS)?;
    let number = groups.lines().find_map(|line| {
        let mut columns = line.split(':');
        let (name, number) = (columns.next()?, columns.nth(1)?);
        (name == group).then_some(number)?.parse().ok()
    });
    let unknown = || format!("{GROUPS} has no group {group:?}; a number is taken too");
    number.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, unknown()))
}

/// True if `path` is a socket on which nobody answers any more. `name` is the same path as an
/// address to connect to.
fn is_stale(path: &Path, name: &SockAddr) -> bool {
    let connect = || {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        // The backlog of a living one may be full.
        socket.set_nonblocking(true)?;
        socket.connect(name)
    };
    let refused = |wrong: io::Error| wrong.kind() == io::ErrorKind::ConnectionRefused;
    fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket())
        && connect().is_err_and(refused)
}

/// The file of a listening Unix socket, which is removed on drop.
///
/// Drop it while the socket still listens: then a successor finds either a socket that
/// answers or no file, and we never remove the successor's file.
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

impl fmt::Display for SocketFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let ours = |file: fs::Metadata| (file.dev(), file.ino()) == (self.device, self.inode);
        if fs::symlink_metadata(&self.path).is_ok_and(ours) {
            // If the file cannot be removed, it stays.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::{UnixListener as StdUnixListener, UnixStream};

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

    fn listen(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
        super::listen(&UnixAddress { path: path.into(), ..UnixAddress::default() }, 16)
    }

    // covers: 32.5
    #[test]
    fn nobody_can_connect_before_mode_and_group_are_set() {
        let scratch = Scratch::new("before");
        let path = scratch.0.join("sock");
        let own = fs::metadata(&scratch.0).expect("a directory").gid();
        let group = Some(own.to_string());
        let address = UnixAddress { path: path.clone(), mode: Some(0o666), group };
        let (socket, _file) = bind(&address).expect("a socket");
        let wrong = UnixStream::connect(&path).expect_err("it does not listen yet");
        assert_eq!(wrong.kind(), io::ErrorKind::ConnectionRefused);
        let file = fs::metadata(&path).expect("its file");
        assert_eq!((file.mode() & 0o7777, file.gid()), (0o666, own));
        socket.listen(1).expect("from now on");
        UnixStream::connect(&path).expect("a connection");
    }

    #[test]
    fn groups_are_found_by_name_and_number() {
        assert_eq!(find_group("54321").ok(), Some(54_321));
        assert_eq!(find_group("root").or_else(|_| find_group("wheel")).ok(), Some(0));
        let wrong = find_group("no-such-group").expect_err("nobody's").to_string();
        assert!(wrong.contains("no group \"no-such-group\""), "{wrong}");
    }

    #[test]
    fn socket_file_is_there_while_it_listens() {
        let scratch = Scratch::new("comes-and-goes");
        let path = scratch.0.join("sock");
        let bound = listen(&path).expect("a socket");
        UnixStream::connect(&path).expect("somebody answers");
        assert!(listen(&path).is_err(), "it is taken");
        UnixStream::connect(&path).expect("and was left alone");
        assert_eq!(bound.1.to_string(), path.display().to_string());
        drop(bound);
        assert!(!path.exists());
    }

    #[test]
    fn a_stale_socket_file_is_replaced() {
        let scratch = Scratch::new("stale");
        let path = scratch.0.join("sock");
        drop(StdUnixListener::bind(&path).expect("a socket"));
        assert!(path.exists());
        let _bound = listen(&path).expect("a socket");
        UnixStream::connect(&path).expect("somebody answers");
    }

    #[test]
    fn other_files_are_kept() {
        let scratch = Scratch::new("other");
        let path = scratch.0.join("precious");
        fs::write(&path, "data").expect("a file");
        let wrong = listen(&path).err().expect("taken");
        assert_eq!(wrong.kind(), io::ErrorKind::AddrInUse);
        assert_eq!(fs::read(&path).expect("a file"), b"data");

        // A file that took the place of ours is not ours.
        let path = scratch.0.join("sock");
        let bound = listen(&path).expect("a socket");
        fs::rename(scratch.0.join("precious"), &path).expect("a file");
        drop(bound);
        assert_eq!(fs::read(&path).expect("a file"), b"data");
    }

    #[test]
    fn path_too_long_is_refused() {
        let path = PathBuf::from(format!("/tmp/{}", "a".repeat(200)));
        assert!(listen(&path).is_err());
    }
}
