//! What a client declares of its content, and whether that is true.

use super::dictionary::{self, Member};
use super::{Algorithm, Algorithms, DigestField, Fault, Value, base64};
use crate::proto::{Fields, Framing, Head, list_members};

/// The digests that the head of a message declares, and those that it announces for the trailer
/// section. The [module page](super) has an example.
///
/// Which fields there are and what is refused is in `docs/HTTP.md`, section 34.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declared {
    claims: Vec<Claim>,
    announced: Vec<DigestField>,
    ignored: Ignored,
}

/// A digest that the content is to have.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Claim {
    field: DigestField,
    value: Value,
}

/// Fields that speak of other bytes than those of the content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Ignored {
    /// True if the content is a part of the representation (RFC 9110 §14.4).
    repr_digest: bool,
    /// True if the content has a framing of Amazon's around what these speak of.
    amazon: bool,
}

impl Declared {
    /// Nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What a head declares and announces.
    ///
    /// # Errors
    ///
    /// [`Fault`] if that is malformed, repeated or contradicting, or if it announces what the
    /// message cannot have: the request is to be refused, and its content need not be read.
    pub fn of(head: &Head<'_>) -> Result<Self, Fault> {
        let mut declared = Self::default();
        if !Self::may_be_in(head) {
            return Ok(declared);
        }
        let found = Found::of(head.fields());
        declared.ignored = found.ignored;
        declared.claims = declared.ignored.claims(&found)?;
        for name in found.trailer.into_iter().flat_map(list_members) {
            let field = std::str::from_utf8(name).ok().and_then(DigestField::named);
            let Some(field) = field.filter(|field| declared.ignored.heeds(*field)) else {
                continue;
            };
            if head.framing() != Framing::Chunked {
                return Err(Fault::NoTrailerSection(field));
            }
            if !declared.announced.contains(&field) {
                declared.announced.push(field);
            }
        }
        Ok(declared)
    }

    /// False if it would be [empty](Declared::is_empty), which is cheap to know.
    pub(crate) fn may_be_in(head: &Head<'_>) -> bool {
        head.mentions().digests
    }

    /// True if it is as if there had been no head: nothing is declared, nothing announced, and
    /// the trailer section, if there is one, is judged as that of any message.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What has to be computed of the content to verify it: of a dictionary that is announced all
    /// that it may have.
    #[must_use]
    pub fn algorithms(&self) -> Algorithms {
        let claimed = self.claims.iter().map(|claim| claim.value.algorithm());
        let mut all: Algorithms = claimed.collect();
        for field in &self.announced {
            match field.algorithm() {
                Some(algorithm) => all.insert(algorithm),
                None => {
                    all.extend(Algorithm::ALL.iter().copied().filter(|one| one.is_registered()))
                }
            }
        }
        all
    }

    /// Compares what was declared with the digests that the content has, and gives the algorithms
    /// that were. `trailers` is the trailer section, if there was one.
    ///
    /// A digest in the trailer section that was not computed is ignored: it can only be one that
    /// was not announced.
    ///
    /// # Errors
    ///
    /// [`Fault`] if a digest differs, or does not come though it was announced; or if the
    /// trailer section declares what is malformed, repeated or contradicting.
    ///
    /// # Panics
    ///
    /// If a digest of [`Declared::algorithms`] was not computed.
    pub fn verify(&self, computed: &[Value], trailers: Fields<'_>) -> Result<Algorithms, Fault> {
        let is_computed = |one| computed.iter().any(|value| value.algorithm() == one);
        let all = self.algorithms();
        assert!(all.iter().all(is_computed), "not all of {all} was computed");
        let found = Found::of(trailers);
        let late = self.ignored.claims(&found)?;
        // A dictionary may be there and have no member that is known.
        let has_come = |field| found.digests.iter().any(|(one, _)| *one == field);
        if let Some(field) = self.announced.iter().copied().find(|field| !has_come(*field)) {
            return Err(Fault::Missing(field));
        }
        let mut verified = Algorithms::new();
        for claim in self.claims.iter().chain(&late) {
            let algorithm = claim.value.algorithm();
            match computed.iter().find(|value| value.algorithm() == algorithm) {
                // It was not announced.
                None => {}
                Some(value) if *value != claim.value => return Err(Fault::Differs(algorithm)),
                Some(_) => verified.insert(algorithm),
            }
        }
        Ok(verified)
    }
}

/// The field lines of one section that have a say in digests, found in one pass.
#[derive(Default)]
struct Found<'f> {
    digests: Vec<(DigestField, &'f [u8])>,
    /// The values of `Trailer`.
    trailer: Vec<&'f [u8]>,
    ignored: Ignored,
}

impl<'f> Found<'f> {
    fn of(fields: Fields<'f>) -> Self {
        let mut found = Self::default();
        for (name, value) in fields.iter() {
            let is = |other: &str| name.eq_ignore_ascii_case(other);
            if let Some(field) = DigestField::named(name) {
                found.digests.push((field, value));
            } else if is("Trailer") {
                found.trailer.push(value);
            } else if is("Content-Range") {
                found.ignored.repr_digest = true;
            } else if is("Content-Encoding") {
                let is_amazon = |coding: &[u8]| coding.eq_ignore_ascii_case(b"aws-chunked");
                found.ignored.amazon |= list_members(value).any(is_amazon);
            } else if is("x-amz-content-sha256") {
                // Older clients name no coding beside it.
                found.ignored.amazon |= value.starts_with(b"STREAMING-");
            }
        }
        found
    }
}

impl Ignored {
    /// True if this field speaks of the content.
    fn heeds(self, field: DigestField) -> bool {
        match field {
            DigestField::ContentDigest => true,
            DigestField::ReprDigest => !self.repr_digest,
            DigestField::ContentMd5 | DigestField::AmzChecksum(_) => !self.amazon,
        }
    }

    /// What the field lines of one section declare.
    fn claims(self, found: &Found<'_>) -> Result<Vec<Claim>, Fault> {
        let mut claims = Vec::new();
        for field in DigestField::ALL.iter().copied().filter(|field| self.heeds(*field)) {
            let of_field = found.digests.iter().filter(|(one, _)| *one == field);
            let mut values = of_field.map(|(_, value)| *value);
            match field.algorithm() {
                Some(algorithm) => values.try_for_each(|value| {
                    add(&mut claims, field, algorithm, base64::decode(value))
                })?,
                None => {
                    // Several lines are one list (RFC 9651 §4.2).
                    let lines: Vec<&[u8]> = values.collect();
                    if !lines.is_empty() {
                        add_members(&mut claims, field, &lines.join(&b", "[..]))?;
                    }
                }
            }
        }
        Ok(claims)
    }
}

/// Adds what a dictionary declares.
fn add_members(claims: &mut Vec<Claim>, field: DigestField, value: &[u8]) -> Result<(), Fault> {
    let mut known = Vec::new();
    let see = |member: Member<'_>| {
        let algorithm = std::str::from_utf8(member.key).ok().and_then(Algorithm::named);
        if let Some(algorithm) = algorithm.filter(|algorithm| algorithm.is_registered()) {
            known.push((algorithm, member.bytes));
        }
    };
    dictionary::parse(value, see).ok_or(Fault::Malformed(field))?;
    known.into_iter().try_for_each(|(algorithm, bytes)| add(claims, field, algorithm, bytes))
}

/// Adds one digest; its bytes are `None` if they were malformed.
fn add(
    claims: &mut Vec<Claim>,
    field: DigestField,
    algorithm: Algorithm,
    bytes: Option<Box<[u8]>>,
) -> Result<(), Fault> {
    let value = bytes.and_then(|bytes| Value::new(algorithm, bytes));
    let value = value.ok_or(Fault::Malformed(field))?;
    for other in claims.iter().filter(|other| other.value.algorithm() == algorithm) {
        if other.field == field {
            return Err(Fault::Repeated(field));
        }
        if other.value != value {
            return Err(Fault::Contradicting(algorithm));
        }
    }
    claims.push(Claim { field, value });
    Ok(())
}
