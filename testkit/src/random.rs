//! Decisions: numbers that look random and come again with the same seed, or the bytes
//! of a script.

use std::rc::Rc;

/// xorshift64*, so that a seed tells all. A script is asked first, if there is one.
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
    script: Option<Script>,
}

/// Bytes that decide one thing after the other. When they are used up, numbers do that
/// come from the same bytes.
#[derive(Clone, Debug)]
struct Script {
    bytes: Rc<[u8]>,
    at: usize,
    end: usize,
}

impl Script {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes[..self.end].get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    /// As many bytes as numbers below `bound` have.
    fn number(&mut self, bound: usize) -> Option<u64> {
        let mut number = u64::from(self.byte()?);
        let mut most = 0x100;
        while most < bound {
            number = number << 8 | u64::from(self.byte().unwrap_or(0));
            most <<= 8;
        }
        Some(number)
    }
}

impl Random {
    /// Numbers that this seed decides.
    pub fn new(seed: u64) -> Self {
        // Neighbouring seeds begin far apart; zero is the one state never left.
        let state = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        Self { state, script: None }
    }

    /// Decisions in the order of these bytes, a byte or two for each.
    pub fn scripted(bytes: &[u8]) -> Self {
        let script = Script { bytes: bytes.into(), at: 0, end: bytes.len() };
        Self { script: Some(script), ..Self::new(0) }
    }

    /// True if a script has said all it has to say. A seed never has.
    pub fn is_over(&self) -> bool {
        self.script.as_ref().is_some_and(|script| script.at == script.end)
    }

    /// The next bytes of a script, as one of its own. A seed is not divided.
    pub fn cut(&mut self, length: usize) -> Option<Self> {
        let script = self.script.as_mut()?;
        let end = (script.at + length).min(script.end);
        let own = Script { end, ..script.clone() };
        script.at = end;
        let seed = own.bytes[own.at..end]
            .iter()
            .fold(self.state, |seed, byte| (seed ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
        Some(Self { script: Some(own), ..Self::new(seed) })
    }

    /// From here to [`Random::end_record`] all is decided by so many bytes of a script, so
    /// that the bytes behind them mean the same whatever these say. For a seed this is
    /// nothing.
    pub fn begin_record(&mut self, length: usize) -> Record {
        Record(self.cut(length).map(|own| std::mem::replace(self, own)))
    }

    /// Goes on behind a record, whatever is left of it.
    pub fn end_record(&mut self, record: Record) {
        if let Record(Some(outer)) = record {
            *self = outer;
        }
    }

    /// For somebody else: as it is from a seed, so that both decide the same; from a
    /// script a seed is taken, for no byte is to decide two things.
    pub fn share(&mut self) -> Self {
        if self.script.is_some() { Self::new(self.number()) } else { self.clone() }
    }

    fn draw(&mut self, bound: usize) -> u64 {
        let scripted = self.script.as_mut().and_then(|script| script.number(bound));
        scripted.unwrap_or_else(|| self.generate())
    }

    fn generate(&mut self) -> u64 {
        self.word() >> 16
    }

    /// All 64 bits of the next number, whatever a script says. Its upper ones are the best.
    pub fn word(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number of 48 bits, or of as many as a script says: 16.
    pub fn number(&mut self) -> u64 {
        self.draw(1 << 16)
    }

    /// A number below `bound`, or 0 if that is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.draw(bound) % bound.max(1) as u64) as usize
    }

    /// True `percent` times in a hundred.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// Bytes in pieces of up to `longest`, none of them empty.
    pub fn pieces<'b>(&mut self, mut bytes: &'b [u8], longest: usize) -> Vec<&'b [u8]> {
        let mut pieces = Vec::new();
        while !bytes.is_empty() {
            let (piece, rest) = bytes.split_at((1 + self.below(longest)).min(bytes.len()));
            pieces.push(piece);
            bytes = rest;
        }
        pieces
    }

    /// One of them, of which there must be one at least.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// From a script these are one decision, and come again at no distance that is a
    /// power of two.
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        if self.script.is_none() {
            return (0..length).map(|_| self.generate() as u8).collect();
        }
        let first = self.below(256) as u8;
        let cycle: [u8; 251] = std::array::from_fn(|at| first.wrapping_add(at as u8));
        let mut bytes = cycle.repeat(length.div_ceil(cycle.len()));
        bytes.truncate(length);
        bytes
    }
}

/// What is to be gone on with behind a record.
#[must_use]
#[derive(Debug)]
pub struct Record(Option<Random>);
