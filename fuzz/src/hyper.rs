//! Of any bytes of a client, hyper reads the messages that we read, or a rule says why not.
//!
//! Both are given the same bytes and then the end of the stream, and read each body to its
//! end. Compared are the messages (method, target, content), how many there are, and
//! whether the connection then ended or was refused. Where they differ, one of the
//! [`rules`] has to explain it by what the client sent; `fuzz/hyper-differences.md` lists
//! them.

pub mod edges;
mod ours;
pub mod rules;
pub(crate) mod sent;
mod theirs;

use streamsum::proto::Reject;

use rules::Rule;

/// A message that was read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub method: String,
    /// hyper's is put together again from the parts that it takes it apart into.
    pub target: String,
    pub content: Vec<u8>,
}

/// What came of the bytes behind the messages before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Took(Message),
    /// No further message, and no complaint: the client's end of the stream, or a
    /// connection that was closed after its last answer.
    Ended,
    /// Refused, or ended in mid-message; hyper's reasons are not told.
    Refused(Option<Reject>),
}

/// The first place where the two come apart.
#[derive(Debug)]
pub struct Difference<'i> {
    /// The client's bytes, from the end of the last message that both took.
    pub rest: &'i [u8],
    /// The bytes of that last message.
    pub before: &'i [u8],
    pub ours: Outcome,
    pub theirs: Outcome,
}

/// Panics at a difference that no rule explains.
pub fn check(data: &[u8]) {
    each_difference(data, |difference, rules| {
        assert!(!rules.is_empty(), "no rule explains {}", shown(difference));
    });
}

/// The rules that explain each difference of an input.
pub fn explanations(data: &[u8]) -> Vec<Vec<Rule>> {
    let mut all = Vec::new();
    each_difference(data, |_, rules| all.push(rules));
    all
}

/// Goes through both readings as long as they agree; a target that hyper writes in another
/// way is no reason to stop, for both go on from the same byte.
fn each_difference(data: &[u8], mut see: impl FnMut(&Difference<'_>, Vec<Rule>)) {
    let ours = ours::read(data);
    let theirs = theirs::read(data);
    let mut before = &data[..0];
    let mut start = 0;
    for at in 0.. {
        let (mine, end) = ours.get(at);
        let difference =
            Difference { rest: &data[start..], before, ours: mine, theirs: theirs.get(at) };
        let goes_on = match (&difference.ours, &difference.theirs) {
            (Outcome::Took(ours), Outcome::Took(theirs)) if ours == theirs => true,
            (Outcome::Ended, Outcome::Ended) | (Outcome::Refused(_), Outcome::Refused(_)) => false,
            _ => {
                let rules = Rule::all_for(&difference);
                let goes_on = rules.iter().any(|rule| rule.only_rewrites());
                see(&difference, rules);
                goes_on
            }
        };
        if !goes_on {
            break;
        }
        before = &data[start..end];
        start = end;
    }
}

/// A list of outcomes, of which the last holds for all that follows.
struct Reading {
    /// With the offset where each ends.
    messages: Vec<(Message, usize)>,
    last: Outcome,
}

impl Reading {
    fn get(&self, at: usize) -> (Outcome, usize) {
        match self.messages.get(at) {
            Some((message, end)) => (Outcome::Took(message.clone()), *end),
            None => (self.last.clone(), 0),
        }
    }
}

fn shown(difference: &Difference<'_>) -> String {
    let Difference { rest, before, ours, theirs } = difference;
    format!(
        "this:\nours:   {ours:?}\ntheirs: {theirs:?}\nof: {}\nafter: {}",
        rest.escape_ascii(),
        before.escape_ascii()
    )
}
