//! Content that a handler keeps for longer than one call, and the account of its memory.

use std::fmt;
use std::mem;
use std::ops::{Deref, Range};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::buf::Buf;

/// Content of one upload that its handler [keeps](super::Piece::keep), for example to have
/// another thread write it. It reads as a slice of bytes.
///
/// Its memory counts for [`Config::max_held`](crate::engine::Config::max_held) until it is
/// dropped, on whatever thread: then others can be read again who wait for room.
///
/// # Example
///
/// ```
/// use std::sync::mpsc::Sender;
/// use streamsum::handler::{Content, Piece, UploadId};
///
/// fn consume(pieces: &mut [Piece<()>], writer: &Sender<(UploadId, Content)>) {
///     for piece in pieces {
///         let id = piece.id();
///         // The peer is not read before the writer resumes it.
///         piece.credit(0);
///         // A writer that is gone drops what it gets.
///         let _ = writer.send((id, piece.keep()));
///     }
/// }
/// # let _ = consume;
/// ```
pub struct Content {
    buf: Buf,
    range: Range<usize>,
    account: Arc<Account>,
}

impl Content {
    /// Of a buffer whose memory nobody else accounts for.
    pub(super) fn new(buf: Buf, range: Range<usize>, account: &Arc<Account>) -> Self {
        account.kept.fetch_add(buf.capacity(), Ordering::Relaxed);
        Self { buf, range, account: Arc::clone(account) }
    }
}

impl Deref for Content {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.buf.range(self.range.clone())
    }
}

impl AsRef<[u8]> for Content {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Drop for Content {
    fn drop(&mut self) {
        self.account.give_back(mem::replace(&mut self.buf, Buf::with_capacity(0)));
    }
}

impl fmt::Debug for Content {
    /// Without the bytes: what people upload has no place in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content").field("length", &self.range.len()).finish_non_exhaustive()
    }
}

/// How much memory handlers keep, and who is to know when they give some back.
#[derive(Default)]
pub(crate) struct Account {
    /// In bytes.
    kept: AtomicUsize,
    /// What was given back, of these sizes and at most so many, to be lent again: to make a buffer
    /// costs as much as to write what is in it.
    spare: Mutex<Vec<Buf>>,
    sizes: [usize; 2],
    most_spare: usize,
    spares: AtomicUsize,
    /// True if somebody waits for room.
    is_awaited: AtomicBool,
    wake: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl Account {
    /// For content that lies in buffers of these sizes, of which so many are lent at a time.
    pub(crate) fn for_buffers(sizes: [usize; 2], most_spare: usize) -> Self {
        Self { sizes, most_spare, ..Self::default() }
    }

    /// A buffer of this size that was given back: the last one, which is still in the cache.
    pub(crate) fn take_spare(&self, size: usize) -> Option<Buf> {
        if self.spares() == 0 {
            return None;
        }
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let place = spare.iter().rposition(|buf| buf.capacity() == size)?;
        self.spares.store(spare.len() - 1, Ordering::Relaxed);
        Some(spare.remove(place))
    }

    /// How many buffers were given back and are not lent again.
    pub(crate) fn spares(&self) -> usize {
        self.spares.load(Ordering::Relaxed)
    }

    pub(crate) fn kept(&self) -> usize {
        self.kept.load(Ordering::SeqCst)
    }

    /// Sets what is called when memory is given back that is awaited; only the first counts.
    pub(crate) fn set_wake(&self, wake: impl Fn() + Send + Sync + 'static) {
        let _ = self.wake.set(Box::new(wake));
    }

    /// Somebody waits for room. Whoever says so looks at what is kept after that: either he
    /// sees what was given back meanwhile, or he is woken.
    pub(crate) fn await_room(&self) {
        if self.kept() > 0 {
            self.is_awaited.store(true, Ordering::SeqCst);
        }
    }

    fn give_back(&self, buf: Buf) {
        let bytes = buf.capacity();
        if self.sizes.contains(&bytes) {
            let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
            if spare.len() < self.most_spare {
                spare.push(buf);
                self.spares.store(spare.len(), Ordering::Relaxed);
            }
        }
        self.kept.fetch_sub(bytes, Ordering::SeqCst);
        if self.is_awaited.swap(false, Ordering::SeqCst)
            && let Some(wake) = self.wake.get()
        {
            wake();
        }
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("kept", &self.kept).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(bytes: &[u8], account: &Arc<Account>) -> Content {
        let mut buf = Buf::with_capacity(bytes.len());
        buf.append(bytes);
        Content::new(buf, 0..bytes.len(), account)
    }

    #[test]
    fn memory_is_given_back_by_the_thread_that_drops_it() {
        let account = Arc::default();
        let content = content(b"abc", &account);
        assert_eq!((&*content, account.kept()), (&b"abc"[..], 3));
        std::thread::spawn(move || drop(content)).join().unwrap();
        assert_eq!(account.kept(), 0);
    }

    #[test]
    fn only_who_waits_is_woken_and_once() {
        let account = Arc::<Account>::default();
        let woken = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&woken);
        account.set_wake(move || {
            counter.fetch_add(1, Ordering::Relaxed);
        });
        account.await_room();
        let [first, second, third] = [b"a", b"b", b"c"].map(|bytes| content(bytes, &account));
        drop(first);
        assert_eq!(woken.load(Ordering::Relaxed), 0, "nothing was kept to wait for");
        account.await_room();
        drop(second);
        drop(third);
        assert_eq!(woken.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn buffer_that_is_given_back_is_lent_again() {
        let account = Arc::new(Account::for_buffers([3, 5], 2));
        let all = [&b"ab"[..], b"abc", b"abcde", b"def"].map(|bytes| content(bytes, &account));
        drop(all);
        assert_eq!((account.kept(), account.spares()), (0, 2));
        assert!(account.take_spare(2).is_none(), "nobody lends one of that size");
        for size in [3, 5] {
            let spare = account.take_spare(size).expect("one of the right size");
            assert_eq!(spare.capacity(), size);
            assert!(account.take_spare(size).is_none(), "one too many was kept");
        }
        assert_eq!(account.spares(), 0);
    }

    #[test]
    fn debug_shows_no_content() {
        let content = content(b"secret", &Arc::default());
        assert_eq!(format!("{content:?}"), "Content { length: 6, .. }");
    }
}
