//! What it costs to encrypt uploads, and nothing else: each has a TLS connection of its own, whose
//! records go nowhere.

use std::error::Error;
use std::io::Write;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};

use crate::{Upload, is_unfinished};

/// The client's sides of so many connections, over which content can be sent. Their server has a
/// certificate that the authority has signed, as files of PEM.
pub(crate) fn connect(
    count: usize,
    [authority, certificate, key]: [&str; 3],
) -> Result<Vec<ClientConnection>, Box<dyn Error>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority)?)?;
    let client = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let certificate = vec![CertificateDer::from_pem_file(certificate)?];
    let key = PrivateKeyDer::from_pem_file(key)?;
    let server =
        ServerConfig::builder().with_no_client_auth().with_single_cert(certificate, key)?;
    let (server, client) = (Arc::new(server), Arc::new(client));
    let connection = |_| {
        let mut server = ServerConnection::new(Arc::clone(&server))?;
        let mut client = ClientConnection::new(Arc::clone(&client), "localhost".try_into()?)?;
        while client.is_handshaking() || server.is_handshaking() {
            let mut wire = Vec::new();
            while client.wants_write() {
                client.write_tls(&mut wire)?;
            }
            server.read_tls(&mut &wire[..])?;
            server.process_new_packets()?;
            wire.clear();
            while server.wants_write() {
                server.write_tls(&mut wire)?;
            }
            client.read_tls(&mut &wire[..])?;
            client.process_new_packets()?;
        }
        Ok(client)
    };
    (0..count).map(connection).collect()
}

/// Encrypts all uploads, each over its connection.
pub(crate) fn encrypt(
    uploads: &mut [Upload],
    connections: &mut [ClientConnection],
    pattern: &[u8],
) -> Result<(), Box<dyn Error>> {
    let mut records = Vec::new();
    while is_unfinished(uploads) {
        for (upload, connection) in uploads.iter_mut().zip(&mut *connections) {
            let mut content = upload.turn(pattern);
            while !content.is_empty() {
                content = &content[connection.writer().write(content)?..];
                records.clear();
                while connection.wants_write() {
                    connection.write_tls(&mut records)?;
                }
            }
        }
    }
    Ok(())
}
