//! Signature version 4 of AWS, as S3 verifies it: in the field `Authorization`, or in a
//! presigned URL.

mod hmac;
#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use super::operations::hex;
use super::request::{Head, decode, encode};
use super::{Answer, time};
use crate::naive::digests::digest;
use hmac::hmac_sha_256;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// How far a clock may be off.
const SKEW: Duration = Duration::from_secs(15 * 60);

/// A presigned URL is good for at most so long: a week.
const LONGEST: u64 = 604_800;

/// What signs requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name, which is not secret.
    pub id: String,
    /// What is known to its owner and to the store.
    pub secret: String,
    /// What has to come with it, if it is temporary.
    pub token: Option<String>,
    /// Until when it is good, if it is temporary.
    pub expires: Option<SystemTime>,
}

impl Key {
    /// One that is good for ever.
    pub fn new(id: &str, secret: &str) -> Self {
        Self { id: id.to_owned(), secret: secret.to_owned(), token: None, expires: None }
    }

    /// One that is good with this token.
    #[must_use]
    pub fn with_token(self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self }
    }
}

/// A request whose signature is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Signed {
    /// The key's name.
    pub(super) by: String,
    /// The SHA-256 of its content in hexadecimal digits, if that is signed.
    pub(super) content: Option<String>,
}

/// Who asks for a signature, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verifier<'v> {
    pub(super) keys: &'v [Key],
    pub(super) region: &'v str,
    pub(super) now: SystemTime,
}

/// What a request says of its signature.
#[derive(Debug)]
struct Claim {
    is_presigned: bool,
    credential: String,
    /// Names in lower case, sorted.
    fields: Vec<String>,
    signature: String,
    /// As it was written.
    date: String,
    token: Option<String>,
    /// What stands for the content.
    payload: String,
    /// How long it is good, in seconds.
    expires: Option<u64>,
}

impl Verifier<'_> {
    /// Judges a request.
    pub(super) fn judge(&self, head: &Head) -> Result<Signed, Answer> {
        let claim = Claim::of(head)?;
        let malformed = || Answer::error(claim.code_of_malformed());
        let date = time::of_basic_date(&claim.date).ok_or_else(malformed)?;
        let (id, scope) = claim.credential.split_once('/').ok_or_else(malformed)?;
        let expected = format!("{}/{}/s3/aws4_request", &claim.date[..8], self.region);
        if scope != expected {
            return Err(malformed());
        }
        self.judge_time(&claim, date)?;
        let key = self.keys.iter().find(|key| key.id == id);
        let key = key.ok_or_else(|| Answer::error("InvalidAccessKeyId"))?;
        self.judge_token(key, claim.token.as_deref())?;
        claim.judge_fields(head)?;
        let canonical = claim.canonical_request(head).ok_or_else(|| Answer::error("InvalidURI"))?;
        if signature(key, scope, &claim.date, &canonical) != claim.signature {
            return Err(Answer::error("SignatureDoesNotMatch"));
        }
        let content = (claim.payload != "UNSIGNED-PAYLOAD").then_some(claim.payload);
        Ok(Signed { by: key.id.clone(), content })
    }

    fn judge_time(&self, claim: &Claim, date: SystemTime) -> Result<(), Answer> {
        if date > self.now + SKEW {
            let is_presigned = claim.is_presigned;
            let code = if is_presigned { "AccessDenied" } else { "RequestTimeTooSkewed" };
            return Err(Answer::error(code));
        }
        match claim.expires {
            Some(seconds) if date + Duration::from_secs(seconds) <= self.now => {
                Err(Answer::error("AccessDenied"))
            }
            None if date + SKEW < self.now => Err(Answer::error("RequestTimeTooSkewed")),
            _ => Ok(()),
        }
    }

    fn judge_token(&self, key: &Key, token: Option<&str>) -> Result<(), Answer> {
        if key.token.as_deref() != token {
            return Err(Answer::error("InvalidToken"));
        }
        match key.expires {
            Some(expires) if expires <= self.now => Err(Answer::error("ExpiredToken")),
            _ => Ok(()),
        }
    }
}

impl Claim {
    fn of(head: &Head) -> Result<Self, Answer> {
        let query = head.query();
        let value =
            |name: &str| query.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone());
        match (head.field("authorization"), value("X-Amz-Algorithm")) {
            (None, None) => Err(Answer::error("AccessDenied")),
            (Some(_), Some(_)) => Err(Answer::error("InvalidArgument")),
            (Some(field), None) => Self::of_field(head, field),
            (None, Some(algorithm)) => {
                let claim = Self::of_query(head, value).filter(|_| algorithm == ALGORITHM);
                claim.ok_or_else(|| Answer::error("AuthorizationQueryParametersError"))
            }
        }
    }

    fn of_field(head: &Head, field: &str) -> Result<Self, Answer> {
        let malformed = || Answer::error("AuthorizationHeaderMalformed");
        let rest = field.strip_prefix(ALGORITHM).ok_or_else(malformed)?;
        let part = |name: &str| {
            let mut parts = rest.split(',').filter_map(|part| part.trim().split_once('='));
            let found = parts.find(|(own, _)| *own == name).map(|(_, value)| value.to_owned());
            found.ok_or_else(malformed)
        };
        let payload = head.field("x-amz-content-sha256");
        Ok(Self {
            is_presigned: false,
            credential: part("Credential")?,
            fields: sorted(&part("SignedHeaders")?),
            signature: part("Signature")?,
            date: head.field("x-amz-date").ok_or_else(|| Answer::error("AccessDenied"))?.to_owned(),
            token: head.field("x-amz-security-token").map(str::to_owned),
            payload: payload.ok_or_else(|| Answer::error("InvalidRequest"))?.to_owned(),
            expires: None,
        })
    }

    fn of_query(head: &Head, value: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let expires = value("X-Amz-Expires")?.parse().ok();
        let payload = head.field("x-amz-content-sha256").map(str::to_owned);
        let payload = payload.or_else(|| value("X-Amz-Content-Sha256"));
        Some(Self {
            is_presigned: true,
            credential: value("X-Amz-Credential")?,
            fields: sorted(&value("X-Amz-SignedHeaders")?),
            signature: value("X-Amz-Signature")?,
            date: value("X-Amz-Date")?,
            token: value("X-Amz-Security-Token"),
            payload: payload.unwrap_or_else(|| "UNSIGNED-PAYLOAD".to_owned()),
            expires: Some(expires.filter(|seconds| (1..=LONGEST).contains(seconds))?),
        })
    }

    fn code_of_malformed(&self) -> &'static str {
        if self.is_presigned {
            "AuthorizationQueryParametersError"
        } else {
            "AuthorizationHeaderMalformed"
        }
    }

    /// `Host` and all that belongs to AWS has to be signed, and what is signed has to be there.
    fn judge_fields(&self, head: &Head) -> Result<(), Answer> {
        let is_signed = |name: &str| self.fields.iter().any(|own| own == name);
        let mut names = head.fields.iter().map(|(name, _)| name.as_str());
        let has_all = names.all(|name| !name.starts_with("x-amz-") || is_signed(name));
        if !has_all || !is_signed("host") {
            return Err(Answer::error("AccessDenied"));
        }
        let is_there = |name: &String| head.field(name).is_some();
        if self.fields.iter().all(is_there) {
            Ok(())
        } else {
            Err(Answer::error("SignatureDoesNotMatch"))
        }
    }

    /// What is signed, in the form that both sides make of it. `None` if the path has none.
    fn canonical_request(&self, head: &Head) -> Option<String> {
        let path = encode(&decode(head.path())?, "/");
        let mut query: Vec<(String, String)> = head
            .query()
            .iter()
            .filter(|(name, _)| name != "X-Amz-Signature")
            .map(|(name, value)| (encode(name, ""), encode(value, "")))
            .collect();
        query.sort();
        let query: Vec<String> =
            query.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let fields: String = self
            .fields
            .iter()
            .map(|name| {
                let values: Vec<String> = head.all(name).map(single_spaced).collect();
                format!("{name}:{}\n", values.join(","))
            })
            .collect();
        let (method, query, names) = (&head.method, query.join("&"), self.fields.join(";"));
        Some(format!("{method}\n{path}\n{query}\n{fields}\n{names}\n{}", self.payload))
    }
}

fn sorted(names: &str) -> Vec<String> {
    let mut names: Vec<String> = names.split(';').map(str::to_ascii_lowercase).collect();
    names.sort();
    names
}

fn single_spaced(value: &str) -> String {
    value.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The signature of a canonical request, in hexadecimal digits. The scope is date, region,
/// service and an end.
fn signature(key: &Key, scope: &str, date: &str, canonical: &str) -> String {
    let hash = hex(&digest("sha-256", canonical.as_bytes()));
    let text = format!("{ALGORITHM}\n{date}\n{scope}\n{hash}");
    let first = format!("AWS4{}", key.secret).into_bytes();
    let own = scope.split('/').fold(first, |key, part| hmac_sha_256(&key, part.as_bytes()));
    hex(&hmac_sha_256(&own, text.as_bytes()))
}
