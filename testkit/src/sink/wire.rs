//! What bytes come over, without TLS or with it.

use std::io::{self, Read, Write};
use std::mem::MaybeUninit;

use mio::net::TcpStream;
use socket2::SockRef;

/// Has the kernel drop what it would copy to us, and count it (`tcp(7)`, since Linux 2.4). So
/// content costs neither the copy nor the memory traffic that it makes: what is measured is
/// whoever sends it.
#[cfg(target_os = "linux")]
const DROP: i32 = 0x20;
/// Elsewhere content is read.
#[cfg(not(target_os = "linux"))]
const DROP: i32 = 0;

#[derive(Debug)]
pub(super) enum Wire {
    Plain(TcpStream),
    #[cfg(feature = "tls")]
    Tls(Box<tls::Tls>),
}

impl Wire {
    pub(super) fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Wire::Plain(stream) => stream.read(into),
            #[cfg(feature = "tls")]
            Wire::Tls(tls) => tls.read(into),
        }
    }

    /// Reads at most so many bytes, which nobody wants, with some room that may be needed.
    pub(super) fn skip(&mut self, most: u64, room: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
        match self {
            Wire::Plain(stream) => {
                let most = most.min(room.len() as u64) as usize;
                SockRef::from(&*stream).recv_with_flags(&mut room[..most], DROP)
            }
            #[cfg(feature = "tls")]
            Wire::Tls(tls) => tls.skip(most),
        }
    }

    /// Writes all of it, which is short: whoever does not read that is given up.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Wire::Plain(stream) => match stream.write(bytes) {
                Ok(count) if count == bytes.len() => Ok(()),
                Ok(_) => Err(io::ErrorKind::WriteZero.into()),
                Err(wrong) => Err(wrong),
            },
            #[cfg(feature = "tls")]
            Wire::Tls(tls) => tls.write(bytes),
        }
    }
}

#[cfg(feature = "tls")]
pub(super) mod tls {
    use std::io::{self, BufRead, BufReader, ErrorKind, Write};

    use mio::net::TcpStream;
    use rustls::ServerConnection;

    /// The session itself asks for 4 KiB at a time.
    const READ: usize = 64 << 10;

    #[derive(Debug)]
    pub(in crate::sink) struct Tls {
        session: ServerConnection,
        stream: BufReader<TcpStream>,
    }

    impl Tls {
        pub(in crate::sink) fn new(session: ServerConnection, stream: TcpStream) -> Self {
            Self { session, stream: BufReader::with_capacity(READ, stream) }
        }

        pub(super) fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.take(|bytes| {
                let count = bytes.len().min(into.len());
                into[..count].copy_from_slice(&bytes[..count]);
                count
            })
        }

        pub(super) fn skip(&mut self, most: u64) -> io::Result<usize> {
            self.take(|bytes| (bytes.len() as u64).min(most) as usize)
        }

        /// Has `used` look at what is decrypted and report how much of it is used. Nothing is
        /// copied for that.
        fn take(&mut self, used: impl FnOnce(&[u8]) -> usize) -> io::Result<usize> {
            loop {
                let mut reader = self.session.reader();
                match reader.fill_buf() {
                    Ok(bytes) => {
                        let count = used(bytes);
                        reader.consume(count);
                        return Ok(count);
                    }
                    Err(wrong) if wrong.kind() != ErrorKind::WouldBlock => return Err(wrong),
                    Err(_) => {}
                }
                // Of zero bytes the next look at what is decrypted makes an end.
                self.session.read_tls(&mut self.stream)?;
                let processed = self.session.process_new_packets();
                self.flush()?;
                processed.map_err(|wrong| io::Error::new(ErrorKind::InvalidData, wrong))?;
            }
        }

        pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
            self.session.writer().write_all(bytes)?;
            self.flush()
        }

        fn flush(&mut self) -> io::Result<()> {
            while self.session.wants_write() {
                self.session.write_tls(self.stream.get_mut())?;
            }
            Ok(())
        }
    }
}
