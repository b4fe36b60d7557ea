//! Digests of content that comes little by little.

#[cfg(feature = "digests")]
mod others;

use std::fmt;

use super::{Algorithm, Algorithms, Value};
use crate::md5::Md5;
#[cfg(feature = "digests")]
use others::Other;

/// Several digests of one content, computed in one pass.
///
/// MD5 can share the lanes with other uploads: [`Running::md5`] is what
/// [`Kernel::update_many`](crate::md5::Kernel::update_many) takes, and
/// [`Running::update_others`] takes the same bytes for all other digests, while they are warm.
///
/// # Example
///
/// ```
/// use streamsum::digest::{Algorithm, Running};
/// use streamsum::handler::Piece;
/// use streamsum::md5::{Input, Kernel};
///
/// fn consume(kernel: Kernel, pieces: &mut [Piece<Running>]) {
///     kernel.update_many(pieces.iter_mut().filter_map(|piece| {
///         let last = piece.last();
///         let (running, bytes) = piece.parts();
///         Some(Input { stream: running.md5()?, bytes, last })
///     }));
///     for piece in pieces {
///         let (running, bytes) = piece.parts();
///         running.update_others(bytes);
///     }
/// }
/// # consume(Kernel::detect(), &mut []);
///
/// // Or alone.
/// let mut running = Running::new([Algorithm::Md5].into_iter().collect());
/// running.update(b"a");
/// running.update(b"bc");
/// assert_eq!(running.finish()[0].to_string(), "900150983cd24fb0d6963f7d28e17f72");
/// ```
#[derive(Default)]
pub struct Running {
    algorithms: Algorithms,
    /// Unused if it is not among them.
    md5: Md5,
    #[cfg(feature = "digests")]
    others: Box<[Other]>,
}

impl Running {
    /// Of content that is to come.
    #[must_use]
    pub fn new(algorithms: Algorithms) -> Self {
        Self {
            algorithms,
            md5: Md5::new(),
            #[cfg(feature = "digests")]
            others: algorithms.iter().filter_map(Other::new).collect(),
        }
    }

    /// The MD5, if it is to be computed.
    pub fn md5(&mut self) -> Option<&mut Md5> {
        self.algorithms.contains(Algorithm::Md5).then_some(&mut self.md5)
    }

    /// Adds bytes to the end of the content for all digests but the MD5.
    pub fn update_others(&mut self, bytes: &[u8]) {
        #[cfg(feature = "digests")]
        self.others.iter_mut().for_each(|other| other.update(bytes));
        #[cfg(not(feature = "digests"))]
        let _ = bytes;
    }

    /// Adds bytes to the end of the content.
    ///
    /// # Panics
    ///
    /// When an [`Input`](crate::md5::Input) with `last` has already ended the MD5.
    pub fn update(&mut self, bytes: &[u8]) {
        if let Some(md5) = self.md5() {
            md5.update(bytes);
        }
        self.update_others(bytes);
    }

    /// The digests, in the order of their algorithms.
    #[must_use]
    pub fn finish(self) -> Box<[Value]> {
        let md5 = self.md5.finish();
        #[cfg(feature = "digests")]
        let mut others = self.others.into_iter().map(Other::finish);
        let value = |algorithm| match algorithm {
            Algorithm::Md5 => Value::new(algorithm, md5.to_bytes().into()),
            #[cfg(feature = "digests")]
            _ => Value::new(algorithm, others.next()?),
        };
        let values: Box<[_]> = self.algorithms.iter().filter_map(value).collect();
        debug_assert!(values.iter().map(Value::algorithm).eq(self.algorithms.iter()));
        values
    }
}

/// The MD5 alone, as far as it has come.
///
/// # Example
///
/// ```
/// use streamsum::{digest::Running, md5::Md5};
///
/// let mut md5 = Md5::new();
/// md5.update(b"a");
/// let mut running = Running::from(md5);
/// running.update(b"bc");
/// assert_eq!(running.finish()[0].to_string(), "900150983cd24fb0d6963f7d28e17f72");
/// ```
impl From<Md5> for Running {
    fn from(md5: Md5) -> Self {
        Self { md5, ..Self::new(Algorithms::from_iter([Algorithm::Md5])) }
    }
}

impl fmt::Debug for Running {
    /// Without states: what people upload has no place in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("algorithms", &self.algorithms).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_come_in_the_order_that_was_asked_for() {
        for (first, second) in [(0, 1), (1, 0)] {
            let order = |place: usize| Algorithm::ALL.get(place % Algorithm::ALL.len()).copied();
            let algorithms: Algorithms = [first, second].into_iter().filter_map(order).collect();
            let mut running = Running::new(algorithms);
            running.update(b"abc");
            let values = running.finish();
            assert!(values.iter().map(Value::algorithm).eq(algorithms.iter()));
        }
    }

    #[test]
    fn md5_that_is_not_asked_for_is_not_computed() {
        let mut running = Running::new(Algorithms::new());
        assert!(running.md5().is_none());
        running.update(b"abc");
        assert!(running.finish().is_empty());
    }
}
