use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection};

use super::*;

const AUTHORITY: &[u8] = include_bytes!("tests/ca.pem");
const CERTIFICATE: &[u8] = include_bytes!("tests/server.pem");
const KEY: &[u8] = include_bytes!("tests/server.key");

const MOST_WAITING: usize = 32 << 10;

/// What lies between both sides.
#[derive(Debug)]
struct Wire {
    to_server: VecDeque<u8>,
    to_client: VecDeque<u8>,
    /// The most that a call of the client's socket moves.
    most: usize,
    /// How many bytes the server's side still takes.
    window: usize,
    has_ended: bool,
    /// Fails the next write of the client's socket.
    error: Option<ErrorKind>,
}

#[derive(Clone, Debug)]
struct Near(Rc<RefCell<Wire>>);

impl Read for Near {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut wire = self.0.borrow_mut();
        let length = into.len().min(wire.most).min(wire.to_client.len());
        match length {
            0 if wire.has_ended => Ok(0),
            0 => Err(ErrorKind::WouldBlock.into()),
            _ => wire.to_client.read(&mut into[..length]),
        }
    }
}

impl Write for Near {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        let mut wire = self.0.borrow_mut();
        if let Some(error) = wire.error.take() {
            return Err(error.into());
        }
        let length = from.len().min(wire.most).min(wire.window);
        if length == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        wire.window -= length;
        wire.to_server.extend(&from[..length]);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Socket for Near {
    fn short_read_drains(&self) -> bool {
        false
    }

    fn finish_writing(&mut self) -> io::Result<()> {
        panic!("a client never ends its writing")
    }
}

struct Far {
    session: ServerConnection,
    wire: Rc<RefCell<Wire>>,
    received: Vec<u8>,
}

impl Far {
    /// Takes what has come, and sends what it has to say.
    fn work(&mut self) {
        let mut wire = self.wire.borrow_mut();
        while !wire.to_server.is_empty() {
            self.session.read_tls(&mut wire.to_server).unwrap();
            self.session.process_new_packets().unwrap();
            let _ = self.session.reader().read_to_end(&mut self.received);
        }
        while self.session.wants_write() {
            self.session.write_tls(&mut wire.to_client).unwrap();
        }
    }

    fn say(&mut self, bytes: &[u8]) {
        self.session.writer().write_all(bytes).unwrap();
        self.work();
    }
}

fn pair(host: &str, most: usize) -> (Tls<Near>, Far) {
    let wire = Wire {
        to_server: VecDeque::new(),
        to_client: VecDeque::new(),
        most,
        window: usize::MAX,
        has_ended: false,
        error: None,
    };
    let wire = Rc::new(RefCell::new(wire));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(CERTIFICATE).unwrap()],
            PrivateKeyDer::from_pem_slice(KEY).unwrap(),
        )
        .unwrap();
    let session = ServerConnection::new(Arc::new(config)).unwrap();
    let far = Far { session, wire: Rc::clone(&wire), received: Vec::new() };
    let trust = Trust::authorities(AUTHORITY).unwrap().most_waiting(MOST_WAITING);
    (Tls::new(Near(wire), host, &trust).unwrap(), far)
}

/// Writes all, whatever it takes.
fn write_all(tls: &mut Tls<Near>, far: &mut Far, mut bytes: &[u8]) {
    while !bytes.is_empty() || tls.wants_write() {
        match if bytes.is_empty() { tls.transmit().map(|_| 0) } else { tls.write(bytes) } {
            Ok(taken) => bytes = &bytes[taken..],
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
        far.work();
    }
}

fn is_blocked<T: std::fmt::Debug>(result: io::Result<T>) -> bool {
    result.unwrap_err().kind() == ErrorKind::WouldBlock
}

#[test]
fn bytes_go_both_ways_however_small_the_pieces_are() {
    for most in [1, 7, 4_096, usize::MAX] {
        let (mut tls, mut far) = pair("localhost", most);
        let request: Vec<u8> = (0..50_000_u32).map(|n| n as u8).collect();
        write_all(&mut tls, &mut far, &request);
        assert!(far.received == request, "{most}");
        // Each byte of the answer is a record.
        b"HTTP/1.1 200 OK\r\n".iter().for_each(|byte| far.say(&[*byte]));
        let mut answer = Vec::new();
        let mut byte = [0; 3];
        while let Ok(length) = tls.read(&mut byte) {
            answer.extend_from_slice(&byte[..length]);
        }
        assert_eq!(answer, b"HTTP/1.1 200 OK\r\n");
        assert_eq!(far.session.alpn_protocol(), None, "the server names none");
    }
}

#[test]
fn a_write_waits_for_the_handshake_and_reads_for_it() {
    let (mut tls, mut far) = pair("127.0.0.1", usize::MAX);
    assert!(is_blocked(tls.write(b"abc")) && tls.wants_read());
    far.work();
    assert_eq!(tls.write(b"abc").unwrap(), 3);
    assert!(!tls.wants_read() && !tls.wants_write());
    far.work();
    assert_eq!(far.received, b"abc");
}

#[test]
fn no_more_waits_than_the_limit() {
    let (mut tls, mut far) = pair("localhost", usize::MAX);
    write_all(&mut tls, &mut far, b"abc");
    far.wire.borrow_mut().window = 0;
    let taken = tls.write(&[b'x'; 100_000]).unwrap();
    assert!((20_000..=MOST_WAITING).contains(&taken), "{taken}");
    assert!(is_blocked(tls.write(b"y")) && tls.wants_write() && is_blocked(tls.transmit()));
    // What the other side says is read all the same.
    far.say(b"507");
    let mut answer = [0; 8];
    assert_eq!(tls.read(&mut answer).unwrap(), 3);
    far.wire.borrow_mut().window = usize::MAX;
    while tls.wants_write() {
        tls.transmit().unwrap();
    }
    far.work();
    assert_eq!(far.received.len(), 3 + taken);
}

#[test]
fn an_end_is_believed_if_it_was_said() {
    let (mut tls, mut far) = pair("localhost", usize::MAX);
    write_all(&mut tls, &mut far, b"abc");
    far.say(b"x");
    far.session.send_close_notify();
    far.work();
    let mut answer = [0; 8];
    assert_eq!((tls.read(&mut answer).unwrap(), tls.read(&mut answer).unwrap()), (1, 0));

    let (mut tls, mut far) = pair("localhost", usize::MAX);
    write_all(&mut tls, &mut far, b"abc");
    far.say(b"x");
    far.wire.borrow_mut().has_ended = true;
    assert_eq!(tls.read(&mut answer).unwrap(), 1);
    assert_eq!(tls.read(&mut answer).unwrap_err().kind(), ErrorKind::UnexpectedEof);
}

#[test]
fn tickets_are_no_bytes() {
    let (mut tls, mut far) = pair("localhost", usize::MAX);
    write_all(&mut tls, &mut far, b"abc");
    assert!(!far.wire.borrow().to_client.is_empty(), "the server has sent tickets");
    assert!(is_blocked(tls.read(&mut [0])));
    assert!(far.wire.borrow().to_client.is_empty());
}

#[test]
fn a_certificate_for_another_host_is_refused() {
    let (mut tls, mut far) = pair("example.org", usize::MAX);
    assert!(is_blocked(tls.write(b"abc")));
    far.work();
    let error = tls.write(b"abc").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert!(error.to_string().contains("example.org"), "{error}");
    assert!(far.received.is_empty());
}

#[test]
fn an_authority_that_is_not_trusted_is_refused() {
    let (tls, mut far) = pair("localhost", usize::MAX);
    // The server's own certificate is no authority of it.
    let trust = Trust::authorities(CERTIFICATE).unwrap();
    let mut tls = Tls::new(tls.socket, "localhost", &trust).unwrap();
    assert!(is_blocked(tls.write(b"abc")));
    far.work();
    assert_eq!(tls.write(b"abc").unwrap_err().kind(), ErrorKind::InvalidData);
}

#[test]
fn an_end_within_the_handshake_is_an_error() {
    let (mut tls, far) = pair("localhost", usize::MAX);
    assert!(is_blocked(tls.write(b"abc")));
    far.wire.borrow_mut().has_ended = true;
    assert_eq!(tls.write(b"abc").unwrap_err().kind(), ErrorKind::UnexpectedEof);
}

#[test]
fn a_host_is_a_name_or_an_address() {
    let (tls, _) = pair("::1", usize::MAX);
    let trust = Trust::authorities(AUTHORITY).unwrap();
    let error = Tls::new(tls.socket, "a b", &trust).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[test]
fn what_was_taken_is_not_taken_again_when_its_record_does_not_go() {
    for error in [ErrorKind::Interrupted, ErrorKind::WouldBlock, ErrorKind::BrokenPipe] {
        let (mut tls, mut far) = pair("localhost", usize::MAX);
        write_all(&mut tls, &mut far, b"abc");
        far.wire.borrow_mut().error = Some(error);
        assert_eq!(tls.write(b"def").unwrap(), 3, "{error}");
        write_all(&mut tls, &mut far, b"ghi");
        assert_eq!(far.received, b"abcdefghi", "{error}");
    }
}
