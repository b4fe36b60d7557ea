//! Unix sockets, and the files by which they are found.

use std::fmt;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use mio::net::UnixListener;
use socket2::{Domain, SockAddr, Socket, Type};

use super::listen::{BACKLOG, Bound, Place};

/// Listens on the socket file `path`, which is made, or replaced if nobody answers on it.
///
/// # Errors
///
/// What the system says.
pub(super) fn listen(path: &Path) -> io::Result<Bound> {
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

impl fmt::Display for SocketFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)
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

    #[test]
    fn a_socket_file_comes_and_goes() {
        let scratch = Scratch::new("comes-and-goes");
        let path = scratch.0.join("sock");
        let bound = listen(&path).expect("a socket");
        UnixStream::connect(&path).expect("somebody answers");
        assert!(listen(&path).is_err(), "it is taken");
        UnixStream::connect(&path).expect("and was left alone");
        assert_eq!(bound.place.to_string(), format!("unix:{}", path.display()));
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
    fn other_files_are_left_alone() {
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
    fn a_path_too_long_is_told() {
        let path = PathBuf::from(format!("/tmp/{}", "a".repeat(200)));
        assert!(listen(&path).is_err());
    }
}
