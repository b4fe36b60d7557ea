//! The digests other than MD5, each by a crate that is made for it. They are one stream after
//! another: only MD5 has lanes.

use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::Algorithm;

/// A digest under way.
pub(super) enum Other {
    Sha1(Sha1),
    Sha256(Sha256),
    Sha512(Sha512),
    Crc32(crc32fast::Hasher),
    Crc32c(u32),
    Crc64Nvme(crc64fast_nvme::Digest),
}

impl Other {
    /// `None` for MD5.
    pub(super) fn new(algorithm: Algorithm) -> Option<Self> {
        match algorithm {
            Algorithm::Md5 => None,
            Algorithm::Sha1 => Some(Self::Sha1(Sha1::new())),
            Algorithm::Sha256 => Some(Self::Sha256(Sha256::new())),
            Algorithm::Sha512 => Some(Self::Sha512(Sha512::new())),
            Algorithm::Crc32 => Some(Self::Crc32(crc32fast::Hasher::new())),
            Algorithm::Crc32c => Some(Self::Crc32c(0)),
            Algorithm::Crc64Nvme => Some(Self::Crc64Nvme(crc64fast_nvme::Digest::new())),
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha1(digest) => digest.update(bytes),
            Self::Sha256(digest) => digest.update(bytes),
            Self::Sha512(digest) => digest.update(bytes),
            Self::Crc32(crc) => crc.update(bytes),
            Self::Crc32c(crc) => *crc = crc32c::crc32c_append(*crc, bytes),
            Self::Crc64Nvme(crc) => crc.write(bytes),
        }
    }

    pub(super) fn finish(self) -> Box<[u8]> {
        match self {
            Self::Sha1(digest) => Box::new(<[u8; 20]>::from(digest.finalize())),
            Self::Sha256(digest) => Box::new(<[u8; 32]>::from(digest.finalize())),
            Self::Sha512(digest) => Box::new(<[u8; 64]>::from(digest.finalize())),
            Self::Crc32(crc) => Box::new(crc.finalize().to_be_bytes()),
            Self::Crc32c(crc) => Box::new(crc.to_be_bytes()),
            Self::Crc64Nvme(crc) => Box::new(crc.sum64().to_be_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::{Algorithms, Running};

    fn digest(algorithm: Algorithm, pieces: &[&[u8]]) -> String {
        let mut running = Running::new(Algorithms::from_iter([algorithm]));
        pieces.iter().for_each(|piece| running.update(piece));
        running.finish()[0].to_string()
    }

    #[test]
    fn published_values() {
        for (algorithm, of_digits) in [
            (Algorithm::Md5, "25f9e794323b453885f5181f1b624d0b"),
            (Algorithm::Sha1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
            (Algorithm::Sha256, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
            (
                Algorithm::Sha512,
                "d9e6762dd1c8eaf6d61b3c6192fc408d4d6d5f1176d0c29169bc24e71c3f274a\
                 d27fcd5811b313d681f7e55ec02d73d499c95455b6b5bb503acf574fba8ffe85",
            ),
            (Algorithm::Crc32, "cbf43926"),
            (Algorithm::Crc32c, "e3069283"),
            (Algorithm::Crc64Nvme, "ae8b14860a799888"),
        ] {
            assert_eq!(digest(algorithm, &[b"123456789"]), of_digits, "{algorithm}");
        }
    }

    #[test]
    fn cuts_change_nothing() {
        let content: Vec<u8> = (0..1000u32).map(|n| (n * n / 8) as u8).collect();
        for algorithm in Algorithm::ALL {
            let whole = digest(*algorithm, &[&content]);
            for cut in (0..content.len()).step_by(13) {
                let (start, end) = content.split_at(cut);
                assert_eq!(digest(*algorithm, &[start, b"", end]), whole, "{algorithm} {cut}");
            }
        }
    }
}
