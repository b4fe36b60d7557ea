//! Whose certificates are believed.

use std::fmt;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

/// The authorities whose certificates are believed, and how sessions begin: TLS 1.2 or 1.3,
/// HTTP/1.1 alone. Cheap to clone.
///
/// # Example
///
/// ```standalone_crate
/// use streamsum::tls::Trust;
///
/// let trust = Trust::authorities(include_bytes!("tests/ca.pem"))?;
/// assert!(Trust::authorities(b"no certificate").is_err());
/// # let _ = trust;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Trust {
    config: Arc<ClientConfig>,
    most_waiting: usize,
}

/// What one read of a server brings goes in one call of the system.
const MOST_WAITING: usize = 96 << 10;

impl Trust {
    /// Those that the system trusts, or that `SSL_CERT_FILE` and `SSL_CERT_DIR` name. Reads files.
    ///
    /// # Errors
    ///
    /// If none can be read.
    pub fn system() -> io::Result<Self> {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        let (taken, _) = roots.add_parsable_certificates(found.certs);
        if taken == 0 {
            let reason = found.errors.first().map(ToString::to_string);
            let reason = reason.unwrap_or_else(|| "the system trusts no certificate".into());
            return Err(io::Error::new(ErrorKind::NotFound, reason));
        }
        Self::of(roots)
    }

    /// Those whose certificates these are, in PEM.
    ///
    /// # Errors
    ///
    /// If there is none among them, or one is malformed.
    pub fn authorities(pem: &[u8]) -> io::Result<Self> {
        let invalid = |reason: String| io::Error::new(ErrorKind::InvalidData, reason);
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| invalid(error.to_string()))?;
            roots.add(certificate).map_err(|error| invalid(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(invalid("there is no certificate in it".into()));
        }
        Self::of(roots)
    }

    fn of(roots: RootCertStore) -> io::Result<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| io::Error::new(ErrorKind::Unsupported, error))?;
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), most_waiting: MOST_WAITING })
    }

    /// Sets how many bytes of records may wait for one socket that takes no more. Default 96 KiB, so
    /// that the content of one read goes on in one call: passing 32 uploads on at once cost 16 %
    /// less CPU than with 32 KiB (AMD with AVX2, Reno).
    #[must_use]
    pub fn most_waiting(mut self, bytes: usize) -> Self {
        self.most_waiting = bytes;
        self
    }

    pub(super) fn waiting(&self) -> usize {
        self.most_waiting
    }

    pub(super) fn session(&self, host: &str) -> io::Result<ClientConnection> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| io::Error::new(ErrorKind::InvalidInput, error))?;
        ClientConnection::new(Arc::clone(&self.config), name)
            .map_err(|error| io::Error::new(ErrorKind::InvalidInput, error))
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust").finish_non_exhaustive()
    }
}
