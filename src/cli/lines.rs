//! Lines for standard error, which never make the loop wait.
//!
//! ```text
//! loop ──push──► pending ──flush, once a turn──► queue ──► thread ──write──► stderr
//!                bounded                         bounded          may block
//! ```

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use super::stamp::Stamp;

/// Bytes that may wait to be written: some ten thousand access lines.
const CAPACITY: usize = 1 << 20;
/// Bytes of memory that each of the three buffers keeps while there is nothing to write;
/// what a burst took above is freed.
const KEPT: usize = 64 << 10;
/// Bytes of stack for the thread that writes. Without a word the standard library asks the
/// environment, and takes 2 MiB, of which next to nothing is used.
const STACK: usize = 256 << 10;
/// How long to wait for room where standard error does not block.
const RETRY: Duration = Duration::from_millis(10);

/// Takes lines and has a thread write them. Lines that do not fit are dropped and counted,
/// and a line reports how many.
pub(super) struct Lines {
    pending: Vec<u8>,
    /// The time that each line begins with; `None` if lines have no time.
    stamp: Option<Stamp>,
    lost: u64,
    capacity: usize,
    shared: Arc<SharedQueue>,
}

impl Lines {
    /// Starts the thread that writes to `out`, with or without the time before each line.
    pub(super) fn new(has_times: bool, out: impl Write + Send + 'static) -> io::Result<Self> {
        Self::with_capacity(CAPACITY, has_times, out)
    }

    fn with_capacity(
        capacity: usize,
        has_times: bool,
        out: impl Write + Send + 'static,
    ) -> io::Result<Self> {
        let shared = Arc::new(SharedQueue::default());
        let queue = Arc::clone(&shared);
        let thread = thread::Builder::new().name("lines".into()).stack_size(STACK);
        thread.spawn(move || queue.write_all(has_times, out))?;
        let stamp = has_times.then(|| Stamp::new(SystemTime::now()));
        Ok(Self { pending: Vec::new(), stamp, lost: 0, capacity, shared })
    }

    /// For another thread: its lines are written by the same one, whole among the others.
    pub(super) fn for_another(&self) -> Self {
        let stamp = self.stamp.as_ref().map(|_| Stamp::new(SystemTime::now()));
        let shared = Arc::clone(&self.shared);
        Self { pending: Vec::new(), stamp, lost: 0, capacity: self.capacity, shared }
    }

    /// Sets the time of the lines that follow: once a turn, when the loop knows it anyway.
    pub(super) fn set_time(&mut self, time: SystemTime) {
        self.stamp = self.stamp.take().map(|_| Stamp::new(time));
    }

    /// Adds a line, to be written after the next [`Lines::flush`].
    pub(super) fn push(&mut self, line: impl fmt::Display) {
        // A vector takes all that it is given.
        self.push_with(|text| drop(write!(text, "{line}")));
    }

    /// Adds a line of the server's own.
    pub(super) fn note(&mut self, words: fmt::Arguments<'_>) {
        self.push(format_args!("streamsum: {words}"));
    }

    /// As [`Lines::push`], for a line that writes itself, which is quicker.
    pub(super) fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.pending.len();
        if let Some(stamp) = &mut self.stamp {
            self.pending.extend_from_slice(stamp.text());
        }
        write(&mut self.pending);
        self.pending.push(b'\n');
        if self.pending.len() > self.capacity {
            self.pending.truncate(start);
            self.lost += 1;
        }
    }

    /// Passes the pushed lines on to the thread. Once a turn, not once a line, as it wakes
    /// the thread.
    pub(super) fn flush(&mut self) {
        if self.pending.is_empty() && self.lost == 0 {
            return;
        }
        let mut queue = self.shared.lock();
        let room = self.capacity.saturating_sub(queue.text.len());
        let (fits, rest) = self.pending.split_at(whole_lines(&self.pending, room));
        queue.text.extend_from_slice(fits);
        queue.lost += self.lost + count_lines(rest);
        drop(queue);
        self.shared.changed.notify_all();
        self.pending.clear();
        self.pending.shrink_to(KEPT);
        self.lost = 0;
    }

    /// Waits until everything is written, for at most `limit`: perhaps nobody reads it.
    pub(super) fn close(mut self, limit: Duration) {
        self.flush();
        let mut queue = self.shared.lock();
        queue.closing = true;
        self.shared.changed.notify_all();
        let unwritten = |queue: &mut Queue| !queue.done;
        // The process ends whether it was in time or not.
        let _ = self.shared.changed.wait_timeout_while(queue, limit, unwritten);
    }
}

/// Writes all of it. Waits even if another process that shares standard error has made it
/// non-blocking: this thread has nothing else to do.
fn write_whole(out: &mut impl Write, mut text: &[u8]) -> io::Result<()> {
    while !text.is_empty() {
        match out.write(text) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(n) => text = text.get(n..).unwrap_or_default(),
            Err(wrong) if wrong.kind() == ErrorKind::WouldBlock => thread::sleep(RETRY),
            Err(wrong) if wrong.kind() == ErrorKind::Interrupted => {}
            Err(wrong) => return Err(wrong),
        }
    }
    Ok(())
}

/// How many bytes of `text` are whole lines within the first `room` bytes.
fn whole_lines(text: &[u8], room: usize) -> usize {
    match text.get(..room) {
        None => text.len(),
        Some(start) => start.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1),
    }
}

fn count_lines(text: &[u8]) -> u64 {
    text.iter().filter(|&&byte| byte == b'\n').count() as u64
}

#[derive(Default)]
struct SharedQueue {
    queue: Mutex<Queue>,
    /// The queue got text, is closing, or is done.
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    text: Vec<u8>,
    /// Lines that were lost behind the text, as they did not fit.
    lost: u64,
    closing: bool,
    done: bool,
}

impl SharedQueue {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // A panic comes from elsewhere: the queue is consistent at every step.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the text that comes, until the queue is closing and empty.
    fn write_all(&self, has_times: bool, mut out: impl Write) {
        let mut text = Vec::new();
        while let Some(lost) = self.take(&mut text) {
            // There is no place to report that standard error fails.
            let _ = write_whole(&mut out, &text);
            if lost > 0 {
                if has_times {
                    let _ = write_whole(&mut out, Stamp::new(SystemTime::now()).text());
                }
                let line = format!("streamsum: lines lost, as nobody read them in time: {lost}\n");
                let _ = write_whole(&mut out, line.as_bytes());
            }
            let _ = out.flush();
        }
        self.lock().done = true;
        self.changed.notify_all();
    }

    /// Waits for text, swaps it with `text`, and returns how many lines were lost behind
    /// it; `None` once the queue is closing and empty.
    fn take(&self, text: &mut Vec<u8>) -> Option<u64> {
        text.clear();
        text.shrink_to(KEPT);
        let nothing = |queue: &mut Queue| queue.text.is_empty() && queue.lost == 0;
        let mut queue = self
            .changed
            .wait_while(self.lock(), |queue| nothing(queue) && !queue.closing)
            .unwrap_or_else(PoisonError::into_inner);
        if nothing(&mut queue) {
            return None;
        }
        mem::swap(text, &mut queue.text);
        Some(mem::take(&mut queue.lost))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};

    /// Passes on what is written, but only while it is open.
    struct Valve {
        open: Receiver<()>,
        written: Sender<String>,
    }

    impl Write for Valve {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // Once the other end is gone the valve stays open.
            let _ = self.open.recv();
            let _ = self.written.send(String::from_utf8_lossy(bytes).into_owned());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn valve(capacity: usize) -> (Lines, Sender<()>, Receiver<String>) {
        let (open, opened) = channel();
        let (sender, written) = channel();
        let valve = Valve { open: opened, written: sender };
        (Lines::with_capacity(capacity, false, valve).expect("a thread"), open, written)
    }

    fn flush(lines: &mut Lines, text: &[&str]) {
        text.iter().for_each(|line| lines.push(line));
        lines.flush();
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn close_writes_all_lines_in_order() {
        let (mut lines, open, written) = valve(100);
        drop(open);
        flush(&mut lines, &["one", "two"]);
        flush(&mut lines, &[]);
        flush(&mut lines, &["three"]);
        lines.push("four");
        lines.close(LONG);
        assert_eq!(written.iter().collect::<String>(), "one\ntwo\nthree\nfour\n");
    }

    // covers: 31.5
    #[test]
    fn lines_begin_with_the_time_of_their_turn() {
        let (sender, written) = channel();
        let valve = Valve { open: channel().1, written: sender };
        let mut lines = Lines::new(true, valve).expect("a thread");
        let at = |seconds| std::time::UNIX_EPOCH + Duration::from_secs(seconds);
        lines.set_time(at(1));
        lines.push("one");
        lines.push("two");
        lines.set_time(at(2));
        lines.push("three");
        lines.close(LONG);
        assert_eq!(
            written.iter().collect::<String>(),
            "1970-01-01T00:00:01.000Z one\n\
             1970-01-01T00:00:01.000Z two\n\
             1970-01-01T00:00:02.000Z three\n"
        );
    }

    #[test]
    fn report_of_lost_lines_has_the_time() {
        let (sender, written) = channel();
        let valve = Valve { open: channel().1, written: sender };
        let mut lines = Lines::with_capacity(4, true, valve).expect("a thread");
        flush(&mut lines, &["with its time it does not fit"]);
        lines.close(LONG);
        let text = written.iter().collect::<String>();
        let (time, rest) = text.split_once(' ').expect("a time");
        humantime::parse_rfc3339(time).expect("a time");
        assert_eq!(rest, "streamsum: lines lost, as nobody read them in time: 1\n");
    }

    // covers: 31.1 31.2
    #[test]
    fn lines_that_do_not_fit_are_counted() {
        let (mut lines, open, written) = valve(12);
        flush(&mut lines, &["first"]);
        // The thread has this one in its hands before the queue fills up.
        while !lines.shared.lock().text.is_empty() {
            thread::yield_now();
        }
        flush(&mut lines, &["a2345", "b2345", "lost"]);
        flush(&mut lines, &["lost"]);
        flush(&mut lines, &["lost, and longer than the queue"]);
        drop(open);
        assert_eq!(written.recv().as_deref(), Ok("first\n"));
        assert_eq!(written.recv().as_deref(), Ok("a2345\nb2345\n"));
        flush(&mut lines, &["room again"]);
        lines.close(LONG);
        let rest = written.iter().collect::<String>();
        assert_eq!(rest, "streamsum: lines lost, as nobody read them in time: 3\nroom again\n");
    }

    #[test]
    fn memory_of_a_burst_is_freed() {
        let (mut lines, open, written) = valve(1 << 20);
        flush(&mut lines, &["first"]);
        // The thread has this one in its hands before the burst comes.
        while !lines.shared.lock().text.is_empty() {
            thread::yield_now();
        }
        let long = "x".repeat(2 * KEPT);
        flush(&mut lines, &[&long]);
        flush(&mut lines, &[&long]);
        assert!(lines.shared.lock().text.capacity() > 4 * KEPT);
        assert!(lines.pending.capacity() <= KEPT, "{}", lines.pending.capacity());

        drop(open);
        assert_eq!(written.recv().as_deref(), Ok("first\n"));
        assert_eq!(written.recv().map(|text| text.len()), Ok(4 * KEPT + 2));
        // Each line swaps the two buffers of the queue.
        for line in ["one", "two"] {
            flush(&mut lines, &[line]);
            assert_eq!(written.recv(), Ok(format!("{line}\n")));
            let capacity = lines.shared.lock().text.capacity();
            assert!(capacity <= KEPT, "{capacity} bytes are kept");
        }
        lines.close(LONG);
    }

    #[test]
    fn line_that_never_fits_is_counted() {
        let (mut lines, open, written) = valve(4);
        drop(open);
        flush(&mut lines, &["much too long"]);
        lines.close(LONG);
        let text = written.iter().collect::<String>();
        assert_eq!(text, "streamsum: lines lost, as nobody read them in time: 1\n");
    }

    #[test]
    fn close_ends_while_the_thread_is_stuck() {
        let (mut lines, open, _written) = valve(100);
        flush(&mut lines, &["stuck"]);
        lines.close(Duration::ZERO);
        drop(open);
    }

    #[test]
    fn failing_standard_error_is_harmless() {
        struct Broken;
        impl Write for Broken {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut lines = Lines::new(true, Broken).expect("a thread");
        flush(&mut lines, &["nobody"]);
        flush(&mut lines, &["hears"]);
        lines.close(LONG);
    }

    #[test]
    fn thread_waits_for_a_standard_error_that_does_not_block() {
        /// Takes three bytes at a time, and every second time none.
        struct Reluctant(bool, Sender<Vec<u8>>);
        impl Write for Reluctant {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0 = !self.0;
                if self.0 {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                let taken = bytes.len().min(3);
                let _ = self.1.send(bytes[..taken].to_vec());
                Ok(taken)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (sender, written) = channel();
        let mut lines = Lines::new(false, Reluctant(false, sender)).expect("a thread");
        flush(&mut lines, &["one", "two"]);
        lines.push("three");
        lines.close(LONG);
        assert_eq!(written.iter().flatten().collect::<Vec<_>>(), b"one\ntwo\nthree\n");
    }

    #[test]
    fn only_whole_lines_fit() {
        let fits = [0, 2, 3, 4, 5, 6, 100].map(|room| whole_lines(b"ab\ncd\n", room));
        assert_eq!(fits, [0, 0, 3, 3, 3, 6, 6]);
        assert_eq!(whole_lines(b"", 0), 0);
    }
}
