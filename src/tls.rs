//! TLS on a socket that does not block, as a client: by rustls, driven record by record.
//!
//! A [`Tls`] is a [`Socket`] around another one. It takes no more plain text than what it has room
//! for in records: about as much as one read brings may [wait](Trust::most_waiting). It
//! reads whenever it may, also when it cannot write, so that an answer is read while the other
//! side takes nothing more.
//!
//! It never says that it will send no more (`close_notify`): see
//! [`Connect`](crate::client::Connect). What the other side says of that is believed: content
//! that goes to the end of its connection is complete only if the end was said.
//!
//! # Example
//!
//! ```
//! use streamsum::tls::Trust;
//!
//! // What the system trusts, or else a file of an authority of one's own.
//! let trust = Trust::system().or_else(|_| Trust::authorities(&std::fs::read("ca.pem")?));
//! # let _ = trust;
//! ```
#![forbid(unsafe_code)]

mod trust;

use std::io::{self, ErrorKind, Read, Write};

use rustls::ClientConnection;

use crate::link::Socket;

pub use trust::Trust;

/// A session of TLS around a socket, begun by the first write.
///
/// Until the handshake is over, writes fail with [`WouldBlock`](ErrorKind::WouldBlock), and each
/// of them drives it. If it fails, the error says why.
///
/// # Example
///
/// ```standalone_crate
/// use std::io::{self, Cursor, Read, Write};
/// use streamsum::engine::Socket;
/// use streamsum::tls::{Tls, Trust};
///
/// /// Somebody who says something else.
/// struct Other(Cursor<&'static [u8]>);
///
/// impl Read for Other {
///     fn read(&mut self, into: &mut [u8]) -> io::Result<usize> { self.0.read(into) }
/// }
/// impl Write for Other {
///     fn write(&mut self, from: &[u8]) -> io::Result<usize> { Ok(from.len()) }
///     fn flush(&mut self) -> io::Result<()> { Ok(()) }
/// }
/// impl Socket for Other {
///     fn short_read_drains(&self) -> bool { false }
///     fn finish_writing(&mut self) -> io::Result<()> { Ok(()) }
/// }
///
/// let trust = Trust::authorities(include_bytes!("tls/tests/ca.pem"))?;
/// let mut tls = Tls::new(Other(Cursor::new(b"HTTP/1.1 400 Bad Request\r\n")), "example.org", &trust)?;
/// let error = tls.write(b"GET / HTTP/1.1\r\n\r\n").unwrap_err();
/// assert_eq!(error.kind(), io::ErrorKind::InvalidData);
/// # Ok::<(), io::Error>(())
/// ```
#[derive(Debug)]
pub struct Tls<S> {
    socket: S,
    session: ClientConnection,
}

impl<S: Socket> Tls<S> {
    /// Wraps a socket that is connected, or is being connected, to `host`: a name, or an IP
    /// address, which its certificate has to be for.
    ///
    /// # Errors
    ///
    /// If `host` is neither.
    pub fn new(socket: S, host: &str, trust: &Trust) -> io::Result<Self> {
        let mut session = trust.session(host)?;
        session.set_buffer_limit(Some(trust.waiting()));
        Ok(Self { socket, session })
    }

    /// Sends and receives what the handshake needs.
    fn shake_hands(&mut self) -> io::Result<()> {
        while self.session.is_handshaking() {
            self.send_records()?;
            if self.receive_records()? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    /// Writes all records that wait.
    fn send_records(&mut self) -> io::Result<()> {
        while self.session.wants_write() {
            match self.session.write_tls(&mut self.socket) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                Ok(_) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// Reads once, and makes of it what it is; returns how many bytes there were.
    fn receive_records(&mut self) -> io::Result<usize> {
        let length = self.session.read_tls(&mut self.socket)?;
        self.session.process_new_packets().map_err(|error| {
            // The other side is told why, if there is room.
            let _ = self.session.write_tls(&mut self.socket);
            io::Error::new(ErrorKind::InvalidData, error)
        })?;
        Ok(length)
    }
}

impl<S: Socket> Read for Tls<S> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.session.reader().read(into) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // An end that was said is Ok(0), and one that was not is an error.
                result => return result,
            }
            self.receive_records()?;
        }
    }
}

impl<S: Socket> Write for Tls<S> {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.shake_hands()?;
        let taken = self.session.writer().write(from)?;
        // What was taken is in a record, and must not come again: whatever hinders that record is
        // told by the next call.
        match self.send_records() {
            Err(error) if taken == 0 => Err(error),
            Ok(()) if taken == 0 && !from.is_empty() => Err(ErrorKind::WouldBlock.into()),
            _ => Ok(taken),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<S: Socket> Socket for Tls<S> {
    fn short_read_drains(&self) -> bool {
        false
    }

    /// Never: half of what is sent must not look like all of it.
    fn finish_writing(&mut self) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }

    fn wants_write(&self) -> bool {
        self.session.wants_write()
    }

    fn transmit(&mut self) -> io::Result<usize> {
        self.session.write_tls(&mut self.socket)
    }

    fn wants_read(&self) -> bool {
        self.session.is_handshaking()
    }
}

#[cfg(test)]
mod tests;
