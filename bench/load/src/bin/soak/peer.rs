//! One connection of the loader's, which checks all that it reads.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use testkit::response::{self, Method, Response};

use crate::content::Content;
use crate::tally::Counter;

/// How long the server may take for anything at all, its deadlines included.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What was not as expected, in words.
#[derive(Debug)]
pub(crate) struct Wrong(pub(crate) String);

impl From<io::Error> for Wrong {
    fn from(error: io::Error) -> Self {
        Self(match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => {
                format!("nothing happened for {PATIENCE:?}")
            }
            _ => error.to_string(),
        })
    }
}

pub(crate) struct Peer<'a> {
    stream: TcpStream,
    /// Read and not yet looked at.
    inbox: Vec<u8>,
    was_reset: bool,
    counter: Counter<'a>,
}

impl<'a> Peer<'a> {
    pub(crate) fn connect(address: SocketAddr, counter: Counter<'a>) -> Result<Self, Wrong> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)
            .map_err(|error| Wrong(format!("cannot connect to {address}: {error}")))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        counter.connected();
        Ok(Self { stream, inbox: Vec::new(), was_reset: false, counter })
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<(), Wrong> {
        Ok(self.stream.write_all(bytes)?)
    }

    pub(crate) fn finish_sending(&self) -> Result<(), Wrong> {
        Ok(self.stream.shutdown(Shutdown::Write)?)
    }

    /// Reads 200 with the digest of this content.
    pub(crate) fn read_digest(&mut self, content: &Content<'_>) -> Result<(), Wrong> {
        let is_right = |answer: &Response<'_>| answer.content == content.digest.as_bytes();
        self.read_answer(Method::Other, 200, is_right)
    }

    /// Reads 200 in answer to HEAD: like that to GET, without the digest.
    pub(crate) fn read_bare_head(&mut self) -> Result<(), Wrong> {
        let is_right = |answer: &Response<'_>| answer.value("Content-Length") == Some(b"32");
        self.read_answer(Method::Head, 200, is_right)
    }

    pub(crate) fn read_continue(&mut self) -> Result<(), Wrong> {
        self.read_response(Method::Other, |interim| interim.status == 100)
    }

    /// Reads a refusal with its reason, and then the end.
    pub(crate) fn read_refusal(&mut self, status: u16) -> Result<(), Wrong> {
        let is_right = |answer: &Response<'_>| answer.closes() && !answer.content.is_empty();
        self.read_answer(Method::Other, status, is_right)?;
        self.read_end()
    }

    /// Reads the end of the stream and nothing before it.
    pub(crate) fn read_end(&mut self) -> Result<(), Wrong> {
        while self.inbox.is_empty() {
            if self.read_some()? == 0 {
                return Ok(());
            }
        }
        Err(Wrong(format!("instead of the end: {}", self.inbox.escape_ascii())))
    }

    /// Resets the connection, which closing does as long as bytes are unread: so there must
    /// be an answer under way.
    pub(crate) fn reset(self, requests: u64) -> Result<(), Wrong> {
        match self.stream.peek(&mut [0])? {
            0 => Err(Wrong("closed where an answer was due".into())),
            _ => self.give_up(requests),
        }
    }

    /// Closes without waiting for anything.
    pub(crate) fn give_up(self, requests: u64) -> Result<(), Wrong> {
        self.counter.gave_up(requests);
        Ok(())
    }

    /// Whether there is something to read, the end included.
    pub(crate) fn is_readable(&self) -> Result<bool, Wrong> {
        self.stream.set_nonblocking(true)?;
        let peeked = self.stream.peek(&mut [0]);
        self.stream.set_nonblocking(false)?;
        match peeked {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            peeked => Ok(peeked.map(|_| true)?),
        }
    }

    /// Sends the same bytes again and again without reading, until no more go out for a
    /// while, or the server resets the connection; says how often they went out whole.
    pub(crate) fn flood(&mut self, bytes: &[u8]) -> Result<u64, Wrong> {
        const WHILE: Duration = Duration::from_millis(500);
        self.stream.set_write_timeout(Some(WHILE))?;
        let start = Instant::now();
        for times in 0.. {
            match self.stream.write_all(bytes) {
                Ok(()) if start.elapsed() > PATIENCE => break,
                Ok(()) => {}
                Err(error) if is_timeout(&error) => return Ok(times),
                Err(error) if is_reset(&error) => {
                    self.was_reset = true;
                    return Ok(times);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(Wrong("a flood without answers read was never stopped".into()))
    }

    /// Waits until the server has reset the connection. What was sent must be unread there.
    pub(crate) fn await_reset(self, requests: u64) -> Result<(), Wrong> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            match self.stream.take_error()? {
                _ if self.was_reset => return self.give_up(requests),
                Some(error) if is_reset(&error) => return self.give_up(requests),
                Some(error) => return Err(error.into()),
                None => std::thread::sleep(Duration::from_millis(100)),
            }
        }
        Err(Wrong(format!("not closed for {PATIENCE:?}")))
    }

    fn read_answer(
        &mut self,
        method: Method,
        status: u16,
        is_right: impl Fn(&Response<'_>) -> bool,
    ) -> Result<(), Wrong> {
        self.read_response(method, |answer| answer.status == status && is_right(answer))?;
        self.counter.answered(status);
        Ok(())
    }

    fn read_response(
        &mut self,
        method: Method,
        is_right: impl Fn(&Response<'_>) -> bool,
    ) -> Result<(), Wrong> {
        loop {
            match response::read(&self.inbox, method) {
                Ok(Some(response)) if is_right(&response) => {
                    let length = response.length;
                    self.inbox.drain(..length);
                    return Ok(());
                }
                Ok(None) => {}
                Ok(Some(_)) => return Err(Wrong(format!("wrong: {}", self.inbox.escape_ascii()))),
                Err(wrong) => return Err(Wrong(format!("{wrong}: {}", self.inbox.escape_ascii()))),
            }
            if self.read_some()? == 0 {
                return Err(Wrong(format!("it ends early: {}", self.inbox.escape_ascii())));
            }
        }
    }

    fn read_some(&mut self) -> Result<usize, Wrong> {
        let mut part = [0; 4 << 10];
        let n = self.stream.read(&mut part)?;
        self.inbox.extend_from_slice(&part[..n]);
        Ok(n)
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

fn is_reset(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
}
