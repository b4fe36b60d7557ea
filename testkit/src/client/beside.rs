//! What a client can send beside its stream of bytes.

#[cfg(target_os = "linux")]
use std::io::IoSlice;
#[cfg(target_os = "linux")]
use std::os::fd::{AsRawFd, BorrowedFd};

#[cfg(target_os = "linux")]
use socket2::MsgHdr;
use socket2::SockRef;

use super::{Client, Socket};

impl Socket {
    fn as_ref(&self) -> SockRef<'_> {
        match self {
            Socket::Tcp(stream) => stream.into(),
            Socket::Unix(stream) => stream.into(),
        }
    }
}

impl Client {
    /// Sends a byte of urgent data, which is no part of the stream.
    #[track_caller]
    pub fn send_urgent(&mut self) {
        let sent = self.socket.as_ref().send_out_of_band(b"!").expect("the server reads");
        assert_eq!(sent, 1);
    }

    /// Sends bytes over a Unix socket, and passes a descriptor along.
    #[cfg(target_os = "linux")]
    #[track_caller]
    pub fn send_along(&mut self, bytes: &[u8], descriptor: BorrowedFd<'_>) {
        const SOL_SOCKET: i32 = 1;
        const SCM_RIGHTS: i32 = 1;
        let content = descriptor.as_raw_fd().to_ne_bytes();
        let length = size_of::<usize>() + 2 * size_of::<i32>() + content.len();
        // A `cmsghdr` and its content, filled up to a whole word.
        let mut control = length.to_ne_bytes().to_vec();
        for part in [SOL_SOCKET.to_ne_bytes(), SCM_RIGHTS.to_ne_bytes(), content] {
            control.extend_from_slice(&part);
        }
        control.resize(length.next_multiple_of(size_of::<usize>()), 0);
        let buffers = [IoSlice::new(bytes)];
        let message = MsgHdr::new().with_buffers(&buffers).with_control(&control);
        let sent = self.socket.as_ref().sendmsg(&message, 0).expect("the server reads");
        assert_eq!(sent, bytes.len());
    }
}
