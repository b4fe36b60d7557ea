//! Of any bytes of a server, hyper's client reads the answer that ours reads, or a rule says why
//! not.
//!
//! Both are asked the same, are given the same bytes, and then the end of the connection. Compared
//! are the final answer (status, version, fields, content), whether it was refused, and whether
//! the connection may be used again. Where they differ, one of the [`rules`] has to explain it by
//! what the server sent; `fuzz/hyper-client-differences.md` lists them.

mod ours;
pub mod rules;
mod theirs;

use streamsum::proto::client::Fault;

use rules::Rule;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    Get,
    Head,
    /// With three bytes of content.
    Put,
}

/// A final answer that was read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// HTTP/1.0.
    pub old: bool,
    /// By their names in small letters, those of one name in the order of their arrival.
    pub fields: Vec<(String, Vec<u8>)>,
    pub content: Vec<u8>,
    /// True if another request may follow.
    pub is_reusable: bool,
}

/// What came of the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Took(Answer),
    /// Refused, or ended amid the answer; hyper's reasons are not told.
    Refused(Option<Fault>),
}

/// Where the two come apart.
#[derive(Debug)]
pub struct Difference<'i> {
    pub asked: Asked,
    /// The server's bytes.
    pub bytes: &'i [u8],
    pub ours: Outcome,
    pub theirs: Outcome,
}

/// Panics at a difference that no rule explains.
pub fn check(data: &[u8]) {
    if let Some((difference, rules)) = difference(data) {
        assert!(!rules.is_empty(), "no rule explains {}", shown(&difference));
    }
}

/// The rules that explain the difference of an input, if there is one.
pub fn explanations(data: &[u8]) -> Option<Vec<Rule>> {
    difference(data).map(|(_, rules)| rules)
}

/// The first byte says what is asked, all others are the server's.
fn difference(data: &[u8]) -> Option<(Difference<'_>, Vec<Rule>)> {
    let (first, bytes) = data.split_first()?;
    let asked = [Asked::Get, Asked::Head, Asked::Put][usize::from(*first) % 3];
    let difference = Difference {
        asked,
        bytes,
        ours: ours::read(asked, bytes),
        theirs: theirs::read(asked, bytes),
    };
    let agree = match (&difference.ours, &difference.theirs) {
        (Outcome::Took(ours), Outcome::Took(theirs)) => ours == theirs,
        (Outcome::Refused(_), Outcome::Refused(_)) => true,
        _ => false,
    };
    let rules = Rule::all_for(&difference);
    (!agree).then_some((difference, rules))
}

/// Fields as both are compared: by their names in small letters.
fn sorted<'f>(fields: impl Iterator<Item = (&'f str, &'f [u8])>) -> Vec<(String, Vec<u8>)> {
    let mut fields: Vec<_> =
        fields.map(|(name, value)| (name.to_ascii_lowercase(), value.to_vec())).collect();
    fields.sort_by(|one, other| one.0.cmp(&other.0));
    fields
}

fn shown(difference: &Difference<'_>) -> String {
    let Difference { asked, bytes, ours, theirs } = difference;
    let bytes = bytes.escape_ascii();
    format!("this:\nours:   {ours:?}\ntheirs: {theirs:?}\nof: {bytes}\nto: {asked:?}")
}
