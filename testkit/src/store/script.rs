//! What a store is to do that no real one does on command. Plain data, which a seed can draw.

mod draw;

use std::time::Duration;

use super::{Answer, End, Framing, Malformed, Operation};

/// Has some requests treated in a way of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Those that are counted.
    pub which: Which,
    /// So many of them are left alone first.
    pub skip: usize,
    /// It applies to so many after those.
    pub times: usize,
    /// What it does.
    pub act: Act,
}

impl Rule {
    /// For all requests.
    pub fn always(act: Act) -> Self {
        Self { which: Which::default(), skip: 0, times: usize::MAX, act }
    }

    /// For the first request alone.
    pub fn once(act: Act) -> Self {
        Self { times: 1, ..Self::always(act) }
    }

    /// For these requests alone.
    #[must_use]
    pub fn of(self, operation: Operation) -> Self {
        Self { which: Which { operation: Some(operation), ..self.which }, ..self }
    }

    /// For requests about this key alone.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        Self { which: Which { key: Some(key.to_owned()), ..self.which }, ..self }
    }

    /// For the first request on a connection alone, or for those behind it.
    #[must_use]
    pub fn reused(self, is_reused: bool) -> Self {
        Self { which: Which { is_reused: Some(is_reused), ..self.which }, ..self }
    }

    /// After so many others that it would have been for.
    #[must_use]
    pub fn after(self, skip: usize) -> Self {
        Self { skip, ..self }
    }
}

/// A request that has all that is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Which {
    /// What it wants.
    pub operation: Option<Operation>,
    /// Its key; one that ends in `*` stands for all that begin as it does.
    pub key: Option<String>,
    /// True if there was a request before it on its connection.
    pub is_reused: Option<bool>,
    /// The number of its connection, from 0 on.
    pub connection: Option<usize>,
}

/// What is done to one request. Several may come together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    // Before its head, where only `is_reused` and `connection` of `Which` are known.
    /// The connection ends when so many bytes of the head have come. With 0 it ends before
    /// the first of them, right behind the answer before.
    EndInHead {
        /// Bytes of the head.
        after: usize,
        /// How.
        end: End,
    },
    /// These bytes come before the head does.
    BytesBeforeHead(Vec<u8>),

    // At its head.
    /// The connection ends behind the head.
    EndBehindHead(End),
    /// An answer in place of the 100 (Continue), asked for or not.
    Refuse(Answer, Then),
    /// The same with 307 to its target at another place: `http://127.0.0.1:8000`.
    Redirect(String, Then),
    /// No 100 (Continue), although the client asks.
    NoContinue,
    /// It comes so much later, or with the end of the content.
    LateContinue(Duration),
    /// It comes unasked.
    UnaskedContinue,
    /// The connection ends where it would come.
    EndAtContinue(End),

    // In its content.
    /// The connection ends when so many bytes of content have come.
    EndInContent {
        /// Bytes of content.
        after: u64,
        /// How.
        end: End,
    },
    /// An answer comes when so many bytes of content have come, whatever it says.
    AnswerInContent {
        /// Bytes of content.
        after: u64,
        /// What.
        answer: Answer,
        /// What follows.
        then: Then,
    },
    /// Nothing more is read when so many bytes of content have come, for so long or for good.
    StopReading {
        /// Bytes of content.
        after: u64,
        /// How long.
        time: Option<Duration>,
    },
    /// 400 (RequestTimeout) when nothing has come for so long amid content.
    TimeOut(Duration),
    /// Interim answers of these statuses come when so many bytes of content have come.
    InterimInContent {
        /// Bytes of content.
        after: u64,
        /// Which.
        statuses: Vec<u16>,
    },
    /// What was cut becomes an object all the same.
    KeepCut,
    /// A PUT without `Content-Type` that the client ends by FIN before its first byte of content
    /// becomes an empty object, as SeaweedFS 4.48 has it.
    KeepNothingOfFin,

    // When its content has come.
    /// Is answered in place of what would be done, which is not done.
    Answer(Answer),
    /// Is done and answered so.
    DoAndAnswer(Answer),
    /// A part is taken though its upload was aborted, which it brings back: it was on its way.
    ReviveUpload,
    /// The ETag that is answered and kept is another one.
    WrongEtag,
    /// It is none of an MD5, and the answer names KMS.
    KmsEtag,

    // The way of its answer.
    /// All is taken, and nothing is done or answered.
    NeverAnswer,
    /// It comes so much later.
    Delay(Duration),
    /// Interim answers of these statuses come before it.
    Interim(Vec<u16>),
    /// White space comes in its content, once in so long, so many times. It is chunked if
    /// nothing else is said.
    WhiteSpace {
        /// Where it comes.
        place: Space,
        /// The time between two.
        every: Duration,
        /// How many.
        times: usize,
    },
    /// How its content ends.
    Framed(Framing),
    /// It comes in pieces of so many bytes.
    Pieces(usize),
    /// It comes in pieces of so many bytes, once in so long.
    Drip {
        /// Bytes of a piece.
        bytes: usize,
        /// The time between two.
        every: Duration,
    },
    /// It is wrong.
    Malformed(Malformed),
    /// The connection ends when so many bytes of it are out; with 0 the answer is lost.
    EndInAnswer {
        /// Bytes of it, interim answers not counted.
        after: usize,
        /// How.
        end: End,
    },
    /// These bytes come behind it, which nobody asked for.
    BytesBehind(Vec<u8>),
    /// It says `Connection: close`, and the connection ends behind it.
    Close(End),
    /// It says nothing of that, and the connection ends behind it after so long.
    EndIdle {
        /// How long it is kept.
        after: Duration,
        /// How.
        end: End,
    },
}

/// What follows an answer that came before the end of the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// The rest of the content is read and dropped, then the next request.
    ReadOn,
    /// The connection ends.
    End(End),
    /// Nothing more is read, and nothing ends.
    StopReading,
}

/// Where white space comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// Before all content.
    First,
    /// Behind the XML declaration, as S3 has it, if the content begins with one.
    BehindDeclaration,
}

impl Act {
    fn is_before_head(&self) -> bool {
        matches!(self, Act::EndInHead { .. } | Act::BytesBeforeHead(_))
    }
}

/// What a rule may ask of a request. Before its head the last two are not known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) connection: usize,
    pub(super) is_reused: bool,
    pub(super) subject: Option<(Operation, &'a str)>,
}

impl Which {
    fn matches(&self, asked: Asked<'_>) -> bool {
        let (operation, key) = asked.subject.unzip();
        self.connection.is_none_or(|own| own == asked.connection)
            && self.is_reused.is_none_or(|own| own == asked.is_reused)
            && (self.operation.is_none() || self.operation == operation)
            && self.key.as_ref().is_none_or(|pattern| match (pattern.strip_suffix('*'), key) {
                (Some(start), Some(key)) => key.starts_with(start),
                (None, Some(key)) => key == pattern,
                (_, None) => false,
            })
    }
}

/// All rules, each with how many requests it has counted.
#[derive(Debug, Default)]
pub(super) struct Script {
    rules: Vec<(Rule, usize)>,
}

impl Script {
    pub(super) fn push(&mut self, rule: Rule) {
        let asks_for_head = rule.which.operation.is_some() || rule.which.key.is_some();
        let is_known = !rule.act.is_before_head() || !asks_for_head;
        assert!(is_known, "no head has come when this is to be done: {rule:?}");
        self.rules.push((rule, 0));
    }

    pub(super) fn clear(&mut self) {
        self.rules.clear();
    }

    /// What is to be done to this request, before its head or from its head on.
    pub(super) fn acts(&mut self, asked: Asked<'_>) -> Acts {
        let mut acts = Vec::new();
        for (rule, count) in &mut self.rules {
            let is_now = rule.act.is_before_head() == asked.subject.is_none();
            if !is_now || !rule.which.matches(asked) {
                continue;
            }
            if *count >= rule.skip && *count - rule.skip < rule.times {
                acts.push(rule.act.clone());
            }
            *count += 1;
        }
        Acts(acts)
    }
}

/// What is done to one request.
#[derive(Clone, Debug, Default)]
pub(super) struct Acts(Vec<Act>);

impl Acts {
    /// The first that is what is looked for.
    pub(super) fn find<'a, T>(&'a self, pick: impl FnMut(&'a Act) -> Option<T>) -> Option<T> {
        self.0.iter().find_map(pick)
    }

    pub(super) fn has(&self, act: &Act) -> bool {
        self.0.contains(act)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Act> {
        self.0.iter()
    }
}
