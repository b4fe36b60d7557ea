//! Why a message is refused for the digests that it declares.

use std::fmt;

use super::{Algorithm, DigestField};

/// Why a message is refused for its digests. Each is the client's, or of the way to here:
/// 400 (RFC 9110 §15.5.1).
///
/// # Example
///
/// ```
/// use streamsum::digest::{Algorithm, Fault};
///
/// let fault = Fault::Differs(Algorithm::Md5);
/// assert_eq!(fault.to_string(), "the content has another md5 than declared");
/// assert_eq!(fault.code(), "digest-differs");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// A value against the grammar, or of another length than the algorithm's digests.
    Malformed(DigestField),
    /// A second value for the same, even if they are equal.
    Repeated(DigestField),
    /// Two fields that declare different values of one algorithm.
    Contradicting(Algorithm),
    /// The message has no trailer section for what `Trailer` announces, as its content is not
    /// chunked.
    NoTrailerSection(DigestField),
    /// `Trailer` has announced it, and it did not come.
    Missing(DigestField),
    /// The content is not what the client has declared.
    Differs(Algorithm),
}

impl Fault {
    /// The reason as one word for programs, as [`Reject::code`](crate::proto::Reject::code) is.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed(_) => "digest-malformed",
            Self::Repeated(_) => "digest-repeated",
            Self::Contradicting(_) => "digest-contradicting",
            Self::NoTrailerSection(_) => "digest-without-trailer-section",
            Self::Missing(_) => "digest-missing",
            Self::Differs(_) => "digest-differs",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(field) => write!(f, "malformed {}", field.name()),
            Self::Repeated(field) => write!(f, "{} declares a digest twice", field.name()),
            Self::Contradicting(algorithm) => write!(f, "two values of {algorithm} are declared"),
            Self::NoTrailerSection(field) => {
                write!(f, "{} is announced for a trailer section, and there is none", field.name())
            }
            Self::Missing(field) => write!(f, "{} was announced and did not come", field.name()),
            Self::Differs(algorithm) => {
                write!(f, "the content has another {algorithm} than declared")
            }
        }
    }
}

impl std::error::Error for Fault {}
