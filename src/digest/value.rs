//! The digest of some content.

use std::fmt;

use super::Algorithm;

/// A digest: by which algorithm, and its bytes. It is shown as lower-case hexadecimal digits.
///
/// # Example
///
/// ```
/// use streamsum::digest::{Algorithm, Running};
///
/// let mut running = Running::new([Algorithm::Md5].into_iter().collect());
/// running.update(b"abc");
/// let value = &running.finish()[0];
/// assert_eq!((value.algorithm(), value.as_bytes()[0]), (Algorithm::Md5, 0x90));
/// assert_eq!(value.to_string(), "900150983cd24fb0d6963f7d28e17f72");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Value {
    algorithm: Algorithm,
    bytes: Box<[u8]>,
}

impl Value {
    /// `None` if the algorithm's digests have another length.
    pub(super) fn new(algorithm: Algorithm, bytes: Box<[u8]>) -> Option<Self> {
        (bytes.len() == algorithm.length()).then_some(Self { algorithm, bytes })
    }

    /// By which algorithm it is.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Its bytes; of a CRC the highest comes first.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {self}", self.algorithm)
    }
}
