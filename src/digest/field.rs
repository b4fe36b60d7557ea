//! The fields that declare digests.

use super::Algorithm;

/// A field that declares one digest or several.
///
/// # Example
///
/// ```
/// use streamsum::digest::DigestField;
///
/// assert_eq!(DigestField::named("content-md5"), Some(DigestField::ContentMd5));
/// assert_eq!(DigestField::ContentMd5.name(), "Content-MD5");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DigestField {
    /// `Content-MD5` (RFC 1864).
    ContentMd5,
    /// `Content-Digest` (RFC 9530 §2).
    ContentDigest,
    /// `Repr-Digest` (RFC 9530 §3).
    ReprDigest,
    /// `x-amz-checksum-…` of Amazon S3, for the algorithms that S3 has.
    AmzChecksum(Algorithm),
}

impl DigestField {
    /// Every one that this build knows.
    pub const ALL: &[DigestField] = &[
        Self::ContentMd5,
        Self::ContentDigest,
        Self::ReprDigest,
        Self::AmzChecksum(Algorithm::Md5),
        #[cfg(feature = "digests")]
        Self::AmzChecksum(Algorithm::Sha1),
        #[cfg(feature = "digests")]
        Self::AmzChecksum(Algorithm::Sha256),
        #[cfg(feature = "digests")]
        Self::AmzChecksum(Algorithm::Sha512),
        #[cfg(feature = "digests")]
        Self::AmzChecksum(Algorithm::Crc32),
        #[cfg(feature = "digests")]
        Self::AmzChecksum(Algorithm::Crc32c),
        #[cfg(feature = "digests")]
        Self::AmzChecksum(Algorithm::Crc64Nvme),
    ];

    /// The field of this name; names are compared case-insensitively (RFC 9110 §5.1).
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        /// Most names of other fields are not looked at further.
        const SHORTEST: usize = "Content-MD5".len();
        if name.len() < SHORTEST {
            return None;
        }
        Self::ALL.iter().copied().find(|field| field.name().eq_ignore_ascii_case(name))
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ContentMd5 => "Content-MD5",
            Self::ContentDigest => "Content-Digest",
            Self::ReprDigest => "Repr-Digest",
            Self::AmzChecksum(algorithm) => match algorithm {
                Algorithm::Md5 => "x-amz-checksum-md5",
                #[cfg(feature = "digests")]
                Algorithm::Sha1 => "x-amz-checksum-sha1",
                #[cfg(feature = "digests")]
                Algorithm::Sha256 => "x-amz-checksum-sha256",
                #[cfg(feature = "digests")]
                Algorithm::Sha512 => "x-amz-checksum-sha512",
                #[cfg(feature = "digests")]
                Algorithm::Crc32 => "x-amz-checksum-crc32",
                #[cfg(feature = "digests")]
                Algorithm::Crc32c => "x-amz-checksum-crc32c",
                #[cfg(feature = "digests")]
                Algorithm::Crc64Nvme => "x-amz-checksum-crc64nvme",
            },
        }
    }

    /// The algorithm whose digests are all of its value; `None` if that is a dictionary.
    pub(super) fn algorithm(self) -> Option<Algorithm> {
        match self {
            Self::ContentMd5 => Some(Algorithm::Md5),
            Self::AmzChecksum(algorithm) => Some(algorithm),
            Self::ContentDigest | Self::ReprDigest => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{Connection, Event, Limits};

    #[test]
    fn every_field_is_found_by_its_name_in_any_case() {
        for field in DigestField::ALL {
            assert_eq!(DigestField::named(&field.name().to_ascii_uppercase()), Some(*field));
        }
        for other in ["", "Digest", "Content-MD5x", "x-amz-checksum-", "x-amz-checksum-algorithm"] {
            assert_eq!(DigestField::named(other), None, "{other}");
        }
    }

    /// Else it would never be looked for.
    #[test]
    fn every_field_is_noticed_in_a_head() {
        let names = DigestField::ALL.iter().map(|field| field.name());
        for name in
            names.chain(["Trailer", "Content-Encoding", "Content-Range", "x-amz-content-sha256"])
        {
            let name = name.to_ascii_uppercase();
            let mut head = format!("PUT / HTTP/1.1\r\nHost: x\r\n{name}: y\r\n\r\n").into_bytes();
            let mut connection = Connection::new(Limits::default());
            let Ok(Event::Head(head)) = connection.receive(&mut head).map(|step| step.event) else {
                panic!("a head")
            };
            assert!(head.mentions().digests, "{name}");
        }
    }
}
