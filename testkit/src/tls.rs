//! The server's side of TLS.

use std::io::{self, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::store::serve::Layer;

/// What a server needs, from files in PEM: its certificate with those above it, and its key.
///
/// # Errors
/// If a file cannot be read or has something else in it.
pub fn server_config(certificates: &Path, key: &Path) -> io::Result<Arc<ServerConfig>> {
    let chain = CertificateDer::pem_file_iter(certificates).and_then(Iterator::collect);
    let chain: Vec<CertificateDer<'static>> = chain.map_err(io::Error::other)?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(io::Error::other)?;
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(io::Error::other)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Puts TLS on a connection, as [`crate::store::serve::Serving::layered`] wants it.
///
/// # Errors
/// If the configuration is none.
pub fn layer(
    config: &Arc<ServerConfig>,
    stream: TcpStream,
) -> io::Result<StreamOwned<ServerConnection, TcpStream>> {
    let session = ServerConnection::new(config.clone()).map_err(io::Error::other)?;
    Ok(StreamOwned::new(session, stream))
}

impl Layer for StreamOwned<ServerConnection, TcpStream> {
    fn say_end(&mut self) {
        self.conn.send_close_notify();
        // Who is gone is told nothing.
        let _ = self.flush();
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::path::PathBuf;

    use rustls::{ClientConfig, ClientConnection, RootCertStore};

    use super::*;
    use crate::cases::repository;
    use crate::client::PATIENCE;
    use crate::store::serve::Serving;
    use crate::store::{Act, End, Rule, Store};

    fn file(name: &str) -> PathBuf {
        repository().join("src/tls/tests").join(name)
    }

    fn connect(serving: &Serving) -> StreamOwned<ClientConnection, TcpStream> {
        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_file(file("ca.pem")).expect("a certificate");
        roots.add(authority).expect("a certificate");
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let name = "localhost".try_into().expect("a name");
        let session = ClientConnection::new(config.into(), name).expect("a session");
        let stream = TcpStream::connect(serving.address()).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("an open socket");
        StreamOwned::new(session, stream)
    }

    #[test]
    fn a_store_may_speak_tls() {
        let store = Store::plain();
        store.script(Rule::always(Act::Close(End::Fin)).key("fin"));
        store.script(Rule::always(Act::Close(End::Reset)).key("reset"));
        let config = server_config(&file("server.pem"), &file("server.key")).expect("both");
        let layer = move |stream| layer(&config, stream);
        let serving = Serving::layered(&store, "127.0.0.1:0", layer);
        for key in ["fin", "reset"] {
            let mut stream = connect(&serving);
            let request =
                format!("PUT /{key} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
            stream.write_all(request.as_bytes()).expect("the store reads");
            let mut answer = Vec::new();
            let end = stream.read_to_end(&mut answer);
            assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"), "{end:?}");
            assert_eq!(end.is_ok(), key == "fin", "a reset says no farewell");
            assert_eq!(store.object("", key).expect("an object").length, 5);
        }
    }
}
