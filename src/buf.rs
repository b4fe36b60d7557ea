//! Fixed buffers with a cursor, and the pool that lends them.
//!
//! Memory should follow the work in hand, not the number of connections: a [`Pool`] lends a
//! [`Buf`] for the time in which bytes pass through, and lends the same buffer again while
//! it is still in the cache. Bytes that are kept for longer have a [`Buf`] of their own,
//! which may grow.
//!
//! ```text
//! 0            start              end           capacity
//! ├─ consumed ──┼───── unread ─────┼──── spare ────┤
//! ```
//!
//! # Example
//!
//! ```
//! use std::io::Read;
//! use streamsum::buf::Pool;
//!
//! let mut socket = &b"PUT / HTTP/1.1\r\n"[..];
//! let mut pool = Pool::new(4096, 16);
//! let mut buf = pool.take();
//! let n = socket.read(buf.spare_mut())?;
//! buf.filled(n);
//! buf.advance(4);
//! assert_eq!(buf.unread(), b"/ HTTP/1.1\r\n");
//! pool.put(buf);
//! # std::io::Result::Ok(())
//! ```

use std::fmt;
use std::mem;
use std::ops::Range;

/// Bytes on their way through: filled at the end, consumed from the start.
///
/// Its memory is zeroed once, when it is made. Later the spare region holds what earlier
/// uses left there; the unread region never does.
///
/// # Example
///
/// ```
/// use streamsum::buf::Buf;
///
/// let mut buf = Buf::with_capacity(8);
/// buf.append(b"abcdef");
/// buf.advance(2);
/// assert_eq!(buf.unread(), b"cdef");
/// assert_eq!(buf.spare_mut().len(), 2);
/// ```
pub struct Buf {
    /// Its length is the capacity; all of it is initialised.
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    /// True if it came from a pool, which expects it back.
    lent: bool,
}

impl Buf {
    /// An empty buffer of its own, for exactly `capacity` bytes until it grows.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self::new(vec![0; capacity], false)
    }

    /// A buffer of its own that is full of these bytes.
    pub(crate) fn copied(bytes: &[u8]) -> Self {
        Self { end: bytes.len(), ..Self::new(bytes.to_vec(), false) }
    }

    fn new(bytes: Vec<u8>, lent: bool) -> Self {
        Self { bytes, start: 0, end: 0, lent }
    }

    /// The bytes that were filled in and not yet consumed.
    #[must_use]
    pub fn unread(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// The same, for a decoder that works in place.
    pub fn unread_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.end]
    }

    /// Consumes the first `n` unread bytes. They stay where they are, so that
    /// a [`range`](Self::range) of them is still good.
    ///
    /// # Panics
    ///
    /// When fewer than `n` bytes are unread.
    pub fn advance(&mut self, n: usize) {
        let unread = self.len();
        assert!(n <= unread, "advance by {n} of {unread} unread bytes");
        self.start += n;
    }

    /// The room behind the unread bytes, for a read to fill. The bytes in it mean nothing.
    pub fn spare_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.end..]
    }

    /// Makes the first `n` bytes of [`spare_mut`](Self::spare_mut) unread.
    ///
    /// # Panics
    ///
    /// When there is less room than that.
    pub fn filled(&mut self, n: usize) {
        let spare = self.spare();
        assert!(n <= spare, "filled {n} of {spare} spare bytes");
        self.end += n;
    }

    /// Copies `bytes` behind the unread ones, growing if there is no room.
    ///
    /// # Panics
    ///
    /// As [`grow`](Self::grow) does.
    pub fn append(&mut self, bytes: &[u8]) {
        self.grow(bytes.len());
        self.bytes[self.end..][..bytes.len()].copy_from_slice(bytes);
        self.end += bytes.len();
    }

    /// Makes room for at least `additional` bytes in
    /// [`spare_mut`](Self::spare_mut).
    ///
    /// If there is not enough room, the unread bytes move to the front, and positions and
    /// ranges taken before are no longer valid. Many small steps cost time linear in the
    /// bytes that pass through. A pool does not keep a lent buffer that has grown.
    ///
    /// # Panics
    ///
    /// When the capacity would exceed `isize::MAX`.
    pub fn grow(&mut self, additional: usize) {
        if self.spare() >= additional {
            return;
        }
        let unread = self.len();
        let needed = unread.saturating_add(additional);
        // A move pays if it frees at least as many bytes as it moves. If fewer were enough,
        // a nearly full buffer would move again for every byte.
        let move_pays = self.start >= unread && needed <= self.capacity();
        self.bytes.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, unread);
        if !move_pays {
            // Twice what is unread, not twice the capacity: a buffer whose bytes are
            // consumed does not grow for ever.
            let capacity = needed.max(unread.saturating_mul(2)).max(self.capacity());
            self.bytes.reserve_exact(capacity - self.capacity());
            self.bytes.resize(capacity, 0);
        }
    }

    /// The position of the first unread byte, counted as
    /// [`range`](Self::range) counts: from the front of the buffer.
    #[must_use]
    pub fn start(&self) -> usize {
        self.start
    }

    /// The bytes at these positions, consumed or not.
    ///
    /// # Panics
    ///
    /// When `range` goes beyond the filled bytes.
    #[must_use]
    pub fn range(&self, range: Range<usize>) -> &[u8] {
        let filled = &self.bytes[..self.end];
        match filled.get(range.clone()) {
            Some(bytes) => bytes,
            None => panic!("range {range:?} of {} filled bytes", self.end),
        }
    }

    /// A buffer of its own with copies of consumed bytes, at these positions, and of all
    /// unread ones: its front has the former.
    pub(crate) fn copy_of(&self, consumed: Range<usize>) -> Self {
        let mut copy = Self::with_capacity(consumed.len() + self.len());
        copy.append(self.range(consumed.clone()));
        copy.append(self.unread());
        copy.advance(consumed.len());
        copy
    }

    /// Gives its memory away, with all bytes in it, and has none from then on. If a pool has lent
    /// it, that expects what is left back, which it frees.
    pub(crate) fn give_away(&mut self) -> Self {
        let nothing = Self { lent: mem::take(&mut self.lent), ..Self::with_capacity(0) };
        mem::replace(self, nothing)
    }

    /// How many bytes fit in altogether: consumed, unread and spare.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.bytes.len()
    }

    /// True if a [`Pool`] has lent it.
    #[must_use]
    pub fn is_lent(&self) -> bool {
        self.lent
    }

    /// How many bytes are unread.
    #[must_use]
    pub fn len(&self) -> usize {
        self.end - self.start
    }

    /// True if no byte is unread.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Forgets all bytes: the whole capacity is spare again.
    pub fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
    }

    fn spare(&self) -> usize {
        self.capacity() - self.end
    }
}

impl fmt::Debug for Buf {
    /// Without the bytes: what people upload has no place in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buf")
            .field("unread", &(self.start..self.end))
            .field("capacity", &self.capacity())
            .finish_non_exhaustive()
    }
}

/// Lends buffers of one size, last in first out: the one that was used last is still in the
/// cache.
///
/// It makes buffers when they are first needed. The borrower decides how many are lent at a
/// time; the pool limits how many are kept.
///
/// # Example
///
/// ```
/// use streamsum::buf::Pool;
///
/// let mut pool = Pool::new(4096, 16);
/// let buf = pool.take();
/// assert_eq!((buf.capacity(), pool.out()), (4096, 1));
/// pool.put(buf);
/// assert_eq!(pool.out(), 0);
/// ```
#[derive(Debug)]
pub struct Pool {
    idle: Vec<Buf>,
    size: usize,
    keep: usize,
    out: usize,
}

impl Pool {
    /// A pool of buffers of `size` bytes each. It keeps at most `keep` of them while they
    /// are not in use.
    #[must_use]
    pub fn new(size: usize, keep: usize) -> Self {
        Self { idle: Vec::new(), size, keep, out: 0 }
    }

    /// Lends an empty buffer.
    #[must_use]
    pub fn take(&mut self) -> Buf {
        self.out += 1;
        self.idle.pop().unwrap_or_else(|| self.make())
    }

    /// Likewise; if it has none, it adopts one of its size that another made, if there is any.
    pub(crate) fn take_or(&mut self, other: impl FnOnce() -> Option<Buf>) -> Buf {
        self.out += 1;
        let adopt = |other: Option<Buf>| {
            let mut buf = other.filter(|buf| buf.capacity() == self.size)?;
            buf.clear();
            buf.lent = true;
            Some(buf)
        };
        self.idle.pop().or_else(|| adopt(other())).unwrap_or_else(|| self.make())
    }

    /// Takes a buffer back. It frees a buffer that is not from a pool, that has grown, or
    /// that is one too many.
    pub fn put(&mut self, buf: Buf) {
        self.put_beside(buf, 0);
    }

    /// Likewise, if so many of its buffers are kept elsewhere.
    pub(crate) fn put_beside(&mut self, mut buf: Buf, others: usize) {
        if !buf.lent {
            return;
        }
        self.out = self.out.saturating_sub(1);
        if buf.capacity() == self.size && self.idle.len() + others < self.keep {
            buf.clear();
            self.idle.push(buf);
        }
    }

    /// How many buffers are lent and not yet back.
    #[must_use]
    pub fn out(&self) -> usize {
        self.out
    }

    fn make(&self) -> Buf {
        // All lanes read at about the same offset, each in its own buffer. If the buffers
        // were a power of two apart, they would compete for the same few sets of the cache.
        // An unused line behind each puts neighbours into different sets, if the allocator
        // lays them end to end.
        const CACHE_LINE: usize = 64;
        let mut bytes = vec![0; self.size + CACHE_LINE];
        bytes.truncate(self.size);
        Buf::new(bytes, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holding(bytes: &[u8], capacity: usize) -> Buf {
        let mut buf = Buf::with_capacity(capacity);
        buf.append(bytes);
        buf
    }

    #[test]
    fn bytes_enter_at_the_end_and_leave_at_the_start() {
        let mut buf = Buf::with_capacity(8);
        assert!(buf.is_empty());
        buf.spare_mut()[..5].copy_from_slice(b"abcde");
        buf.filled(5);
        assert_eq!((buf.unread(), buf.len()), (&b"abcde"[..], 5));
        buf.advance(2);
        assert_eq!((buf.unread(), buf.start()), (&b"cde"[..], 2));
        buf.unread_mut()[0] = b'C';
        assert_eq!(buf.range(1..4), b"bCd", "consumed bytes are still there");
        assert_eq!(buf.spare_mut().len(), 3);
        buf.advance(3);
        assert!(buf.is_empty());
        assert_eq!(buf.range(5..5), b"");
        buf.clear();
        assert_eq!((buf.start(), buf.spare_mut().len()), (0, 8));
    }

    #[test]
    fn buffer_has_exact_capacity_until_it_grows() {
        let mut buf = holding(b"abc", 3);
        assert_eq!(buf.capacity(), 3);
        buf.append(b"");
        assert_eq!(buf.capacity(), 3);
        buf.append(b"d");
        assert_eq!((buf.unread(), buf.capacity()), (&b"abcd"[..], 6));
        buf.append(&[b'e'; 20]);
        assert_eq!((buf.len(), buf.capacity()), (24, 24));
    }

    #[test]
    fn growing_moves_bytes_first_if_that_pays() {
        let mut buf = holding(b"abcdefgh", 8);
        buf.advance(5);
        buf.grow(5);
        assert_eq!((buf.unread(), buf.start()), (&b"fgh"[..], 0));
        assert_eq!((buf.capacity(), buf.spare_mut().len()), (8, 5));

        let mut buf = holding(b"abcdefgh", 8);
        buf.advance(1);
        buf.grow(1);
        assert_eq!((buf.unread(), buf.start()), (&b"bcdefgh"[..], 0));
        assert_eq!(buf.capacity(), 14, "one byte would not pay for seven");
    }

    #[test]
    fn capacity_follows_what_is_unread() {
        let mut buf = Buf::with_capacity(0);
        for burst in [10, 600, 1_200, 3_000, 7_000, 20_000, 60_000, 100_000] {
            // All of it comes, and all but a little is consumed.
            buf.append(&vec![0; burst]);
            buf.advance(buf.len().saturating_sub(100));
            buf.grow(100);
            assert!(buf.capacity() <= 100 + burst.max(200), "{} for {burst}", buf.capacity());
        }
    }

    #[test]
    fn appending_byte_by_byte_is_linear() {
        let mut buf = Buf::with_capacity(0);
        let mut grown = 0;
        for at in 0..100_000_usize {
            let before = buf.capacity();
            buf.append(&[at as u8]);
            grown += usize::from(buf.capacity() != before);
        }
        assert!(grown <= 18, "grew {grown} times");
        assert!(buf.capacity() <= 200_000);
        let expected = (0..100_000_usize).map(|at| at as u8);
        assert!(buf.unread().iter().copied().eq(expected));
    }

    /// One byte in, one byte out: neither memory nor moves get out of hand.
    #[test]
    fn full_buffer_that_is_consumed_stays_small() {
        let mut buf = holding(&[0; 1000], 1000);
        let mut moved = 0;
        for _ in 0..100_000 {
            buf.advance(1);
            let before = buf.start();
            buf.append(&[1]);
            if buf.start() < before {
                moved += buf.len();
            }
        }
        assert_eq!((buf.len(), buf.capacity()), (1000, 1998));
        assert!(moved <= 110_000, "moved {moved} bytes");
    }

    #[test]
    #[should_panic(expected = "advance by 4 of 3 unread bytes")]
    fn advance_beyond_the_unread_panics() {
        holding(b"abc", 8).advance(4);
    }

    #[test]
    #[should_panic(expected = "filled 6 of 5 spare bytes")]
    fn filled_beyond_the_spare_panics() {
        holding(b"abc", 8).filled(6);
    }

    #[test]
    #[should_panic(expected = "range 2..4 of 3 filled bytes")]
    fn range_beyond_the_filled_panics() {
        let _ = holding(b"abc", 8).range(2..4);
    }

    #[test]
    fn debug_shows_no_bytes() {
        let buf = holding(b"secret", 8);
        assert_eq!(format!("{buf:?}"), "Buf { unread: 0..6, capacity: 8, .. }");
    }

    #[test]
    fn pool_lends_the_last_returned_buffer_first() {
        let mut pool = Pool::new(16, 2);
        let (one, mut two) = (pool.take(), pool.take());
        assert_eq!(pool.out(), 2);
        two.append(b"abc");
        let warm = two.unread().as_ptr();
        pool.put(one);
        pool.put(two);
        assert_eq!(pool.out(), 0);
        let again = pool.take();
        assert_eq!(again.unread().as_ptr(), warm);
        assert_eq!((again.len(), again.capacity()), (0, 16));
    }

    #[test]
    fn pool_adopts_a_buffer_before_it_makes_one() {
        let mut pool = Pool::new(16, 2);
        let given = pool.take().give_away();
        let warm = given.bytes.as_ptr();
        let adopted = pool.take_or(|| Some(given));
        assert_eq!((adopted.bytes.as_ptr(), adopted.len(), adopted.is_lent()), (warm, 0, true));
        assert_eq!(pool.take_or(|| Some(Buf::with_capacity(15))).capacity(), 16);
        pool.put(adopted);
        assert_eq!(pool.take_or(|| unreachable!("it has one")).bytes.as_ptr(), warm);
    }

    #[test]
    fn pool_keeps_at_most_its_limit() {
        let mut pool = Pool::new(16, 2);
        let lent: Vec<_> = (0..5).map(|_| pool.take()).collect();
        lent.into_iter().for_each(|buf| pool.put(buf));
        assert_eq!((pool.out(), pool.idle.len()), (0, 2));
    }

    #[test]
    fn pool_does_not_keep_owned_or_grown_buffers() {
        let mut pool = Pool::new(16, 2);
        let mut lent = pool.take();
        pool.put(Buf::with_capacity(16));
        assert_eq!((pool.out(), pool.idle.len()), (1, 0));
        lent.append(&[0; 17]);
        pool.put(lent);
        assert_eq!((pool.out(), pool.idle.len()), (0, 0));
    }

    #[test]
    fn lent_buffer_has_an_unused_cache_line_behind_it() {
        let buf = Pool::new(65536, 2).take();
        assert_eq!(buf.capacity(), 65536);
        assert!(buf.bytes.capacity() >= 65536 + 64);
    }

    #[test]
    fn buffer_that_never_came_back_is_counted() {
        let mut pool = Pool::new(16, 2);
        drop(pool.take());
        assert_eq!(pool.out(), 1);
    }
}
