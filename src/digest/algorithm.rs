//! Which digests there are.

use std::fmt;

/// A digest algorithm, by its name in the registry of RFC 9530 §5 where it has one there.
///
/// # Example
///
/// ```
/// use streamsum::digest::Algorithm;
///
/// assert_eq!(Algorithm::named("md5"), Some(Algorithm::Md5));
/// assert_eq!((Algorithm::Md5.name(), Algorithm::Md5.length()), ("md5", 16));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// MD5 (RFC 1321), `md5`.
    Md5,
    /// SHA-1 (RFC 3174), `sha`.
    #[cfg(feature = "digests")]
    Sha1,
    /// SHA-256 (RFC 6234), `sha-256`.
    #[cfg(feature = "digests")]
    Sha256,
    /// SHA-512 (RFC 6234), `sha-512`.
    #[cfg(feature = "digests")]
    Sha512,
    /// The CRC of zip and Ethernet, CRC-32/ISO-HDLC, `crc32`.
    #[cfg(feature = "digests")]
    Crc32,
    /// The CRC of iSCSI, CRC-32C (RFC 9260 appendix A), `crc32c`.
    #[cfg(feature = "digests")]
    Crc32c,
    /// CRC-64/NVME, `crc64nvme`.
    #[cfg(feature = "digests")]
    Crc64Nvme,
}

impl Algorithm {
    /// Every one that this build knows.
    pub const ALL: &[Algorithm] = &[
        Self::Md5,
        #[cfg(feature = "digests")]
        Self::Sha1,
        #[cfg(feature = "digests")]
        Self::Sha256,
        #[cfg(feature = "digests")]
        Self::Sha512,
        #[cfg(feature = "digests")]
        Self::Crc32,
        #[cfg(feature = "digests")]
        Self::Crc32c,
        #[cfg(feature = "digests")]
        Self::Crc64Nvme,
    ];

    /// Its name: lower-case letters, digits and hyphens.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            #[cfg(feature = "digests")]
            Self::Sha1 => "sha",
            #[cfg(feature = "digests")]
            Self::Sha256 => "sha-256",
            #[cfg(feature = "digests")]
            Self::Sha512 => "sha-512",
            #[cfg(feature = "digests")]
            Self::Crc32 => "crc32",
            #[cfg(feature = "digests")]
            Self::Crc32c => "crc32c",
            #[cfg(feature = "digests")]
            Self::Crc64Nvme => "crc64nvme",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|algorithm| algorithm.name() == name)
    }

    /// The length of its digests in bytes.
    #[must_use]
    pub fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            #[cfg(feature = "digests")]
            Self::Sha1 => 20,
            #[cfg(feature = "digests")]
            Self::Sha256 => 32,
            #[cfg(feature = "digests")]
            Self::Sha512 => 64,
            #[cfg(feature = "digests")]
            Self::Crc32 | Self::Crc32c => 4,
            #[cfg(feature = "digests")]
            Self::Crc64Nvme => 8,
        }
    }

    /// True if `Content-Digest` and `Repr-Digest` may have it: if it is in the registry of
    /// RFC 9530 §5.
    pub(super) fn is_registered(self) -> bool {
        match self {
            #[cfg(feature = "digests")]
            Self::Crc32 | Self::Crc64Nvme => false,
            _ => true,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Algorithms in an order, each of them once. It is shown as a list with commas.
///
/// # Example
///
/// ```
/// use streamsum::digest::{Algorithm, Algorithms};
///
/// let algorithms: Algorithms = [Algorithm::Md5, Algorithm::Md5].into_iter().collect();
/// assert_eq!(algorithms.to_string(), "md5");
/// assert!(algorithms.contains(Algorithm::Md5));
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Algorithms {
    list: [Algorithm; Algorithm::ALL.len()],
    length: u8,
}

impl Algorithms {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self { list: [Algorithm::Md5; Algorithm::ALL.len()], length: 0 }
    }

    fn as_slice(&self) -> &[Algorithm] {
        self.list.get(..self.length.into()).unwrap_or_default()
    }

    /// Puts one at the end, unless it is there already.
    pub fn insert(&mut self, algorithm: Algorithm) {
        if !self.contains(algorithm)
            && let Some(place) = self.list.get_mut(usize::from(self.length))
        {
            *place = algorithm;
            self.length += 1;
        }
    }

    /// True if it is among them.
    #[must_use]
    pub fn contains(&self, algorithm: Algorithm) -> bool {
        self.as_slice().contains(&algorithm)
    }

    /// True if there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Each of them, in their order.
    pub fn iter(&self) -> impl Iterator<Item = Algorithm> + use<'_> {
        self.as_slice().iter().copied()
    }
}

impl Default for Algorithms {
    fn default() -> Self {
        Self::new()
    }
}

impl Extend<Algorithm> for Algorithms {
    fn extend<I: IntoIterator<Item = Algorithm>>(&mut self, more: I) {
        more.into_iter().for_each(|algorithm| self.insert(algorithm));
    }
}

impl FromIterator<Algorithm> for Algorithms {
    fn from_iter<I: IntoIterator<Item = Algorithm>>(algorithms: I) -> Self {
        let mut all = Self::new();
        all.extend(algorithms);
        all
    }
}

impl fmt::Display for Algorithms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, algorithm) in self.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            write!(f, "{comma}{algorithm}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Algorithms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.as_slice()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_is_found_by_its_name() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::named(algorithm.name()), Some(*algorithm));
        }
        for other in ["", "MD5", "sha-1", "unixsum", "md5 "] {
            assert_eq!(Algorithm::named(other), None);
        }
    }

    #[test]
    fn all_fit_in_their_order_and_each_once() {
        let backwards = || Algorithm::ALL.iter().rev().copied();
        let all: Algorithms = backwards().chain(backwards()).collect();
        assert!(all.iter().eq(backwards()));
        assert!(Algorithm::ALL.iter().all(|algorithm| all.contains(*algorithm)));
        assert_eq!(Algorithms::new().to_string(), "");
        assert!(!Algorithms::new().contains(Algorithm::Md5) && Algorithms::new().is_empty());
        assert!(!all.is_empty());
    }

    #[cfg(feature = "digests")]
    #[test]
    fn lists_are_shown_with_commas() {
        let list: Algorithms = [Algorithm::Sha256, Algorithm::Md5].into_iter().collect();
        assert_eq!(list.to_string(), "sha-256,md5");
        assert_eq!(format!("{list:?}"), "[Sha256, Md5]");
    }
}
