//! Tells a program of the operator's of each upload that is kept: by a line of JSON on a Unix
//! socket, on which that program listens.
//!
//! ```text
//! threads of the disk ──push──► queue ──► thread ──write──► socket
//!                               bounded   connects,        may block
//!                                         again and again
//! ```
//!
//! A command for each upload would cost a process each, and need limits of its own; a descriptor
//! ends with its reader, while this one may be started again.

mod line;

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::mem;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use socket2::SockRef;
use streamsum::folder::KeptUpload;

use super::lines::Lines;

/// How long to wait before the second try to connect; each later time twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// But never longer: so late a reader may hear after it has come back.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// A reader that has stayed so long may come back at once; one that goes sooner, and has read
/// nothing, is waited for longer each time.
const SETTLED: Duration = Duration::from_secs(5);
/// How often to look, while there is nothing to do or no room in the socket, whether the reader has
/// gone and whether lines were lost.
const LOOK: Duration = Duration::from_secs(1);
/// How often to report lost lines, at most, as long as it is behind.
const REPORT: Duration = Duration::from_secs(60);
/// Bytes that the socket is asked to take before they are read. What it may hold is what may have
/// to be sent again, and a reader that is awake needs no more.
const SEND_BUFFER: usize = 16 << 10;
/// As many as the socket may hold by default, if it does not say (`net.core.wmem_default`).
const DEFAULT_BUFFER: usize = 208 << 10;
/// Bytes of stack for the thread, of which next to nothing is used.
const STACK: usize = 256 << 10;

/// Takes lines, and has a thread write them. If there are too many the oldest are dropped, as what
/// is in the folder can still be found there, and what is new is wanted soon.
#[derive(Clone)]
pub(super) struct Teller(Arc<Shared>);

/// How many kept uploads have been told, so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told {
    told: u64,
    waiting: u64,
    lost: u64,
}

impl Teller {
    /// Starts the thread, which connects to this path at once. At most so many lines wait.
    ///
    /// # Errors
    ///
    /// If there are no threads left. That nobody listens is no error.
    pub(super) fn start(path: PathBuf, most: usize, lines: Lines) -> io::Result<Self> {
        let shared = Arc::new(Shared::new(most));
        let writer = Writer::new(path, Arc::clone(&shared), lines);
        let thread = thread::Builder::new().name("on-kept".into()).stack_size(STACK);
        thread.spawn(move || writer.run())?;
        Ok(Self(shared))
    }

    /// Never waits for a reader.
    pub(super) fn push(&self, upload: &KeptUpload<'_>) {
        self.0.push(&line::fields(upload));
    }

    pub(super) fn told(&self) -> Told {
        let queue = self.0.lock();
        Told { told: queue.told, waiting: queue.waiting(), lost: queue.lost }
    }

    /// Waits until all is written, for at most `limit`, and not if nobody listens; how many uploads
    /// will not be told.
    pub(super) fn close(&self, limit: Duration) -> u64 {
        let mut queue = self.0.lock();
        queue.is_closing = true;
        self.0.changed.notify_all();
        let is_busy = |queue: &mut Queue| !queue.is_done;
        let closed = self.0.changed.wait_timeout_while(queue, limit, is_busy);
        let (queue, _) = closed.unwrap_or_else(PoisonError::into_inner);
        queue.waiting() + queue.lost
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "told={} waiting={} lost={}", self.told, self.waiting, self.lost)
    }
}

/// Its text, with its end.
type Line = Vec<u8>;

/// What there is to do for a thread that waited.
enum Next {
    Line(Line),
    /// There is no line yet.
    Look,
    /// The queue is closing, and has no lines.
    End,
}

struct Shared {
    queue: Mutex<Queue>,
    /// The queue got a line, is closing, or is done.
    changed: Condvar,
}

struct Queue {
    lines: VecDeque<Line>,
    most: usize,
    /// A word for this process: numbers begin anew with each.
    run: String,
    /// That of the last line: so many were pushed.
    number: u64,
    /// Lines that were written, but for those that are to be written again.
    told: u64,
    lost: u64,
    is_closing: bool,
    is_done: bool,
}

impl Queue {
    /// Lines that are in nobody's hands but ours.
    fn waiting(&self) -> u64 {
        self.number - self.told - self.lost
    }
}

impl Shared {
    fn new(most: usize) -> Self {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let run = format!("{:x}-{:x}", time.as_millis(), process::id());
        let queue = Queue {
            lines: VecDeque::new(),
            most,
            run,
            number: 0,
            told: 0,
            lost: 0,
            is_closing: false,
            is_done: false,
        };
        Self { queue: Mutex::new(queue), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // A panic comes from elsewhere: the queue is consistent at every step.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a line its number, and a place in the queue.
    fn push(&self, fields: &[u8]) {
        let mut queue = self.lock();
        if queue.lines.len() >= queue.most {
            queue.lines.pop_front();
            queue.lost += 1;
        }
        queue.number += 1;
        let line = line::numbered(&queue.run, queue.number, fields);
        queue.lines.push_back(line);
        drop(queue);
        self.changed.notify_all();
    }

    /// Waits for a line, for at most so long.
    fn next(&self, limit: Duration) -> Next {
        let is_idle = |queue: &mut Queue| queue.lines.is_empty() && !queue.is_closing;
        let waited = self.changed.wait_timeout_while(self.lock(), limit, is_idle);
        let (mut queue, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match queue.lines.pop_front() {
            Some(line) => Next::Line(line),
            None if queue.is_closing => Next::End,
            None => Next::Look,
        }
    }

    /// Waits for so long, or until it is closing; true if it is.
    fn pause(&self, time: Duration) -> bool {
        let is_open = |queue: &mut Queue| !queue.is_closing;
        let waited = self.changed.wait_timeout_while(self.lock(), time, is_open);
        waited.unwrap_or_else(PoisonError::into_inner).0.is_closing
    }
}

/// What its thread knows.
struct Writer {
    path: PathBuf,
    shared: Arc<Shared>,
    lines: Lines,
    stream: Option<UnixStream>,
    /// When it was connected.
    since: Instant,
    /// How long to wait before the next try to connect.
    wait: Duration,
    /// Lines that come before those of the queue: the last of them was not written whole.
    again: VecDeque<Line>,
    /// The last lines that were written, as many as the reader may not have read yet.
    written: VecDeque<Line>,
    /// Bytes of these.
    written_bytes: usize,
    /// Bytes that the socket may hold, at most.
    window: usize,
    /// True if a line has reported that nobody listens.
    is_gone: bool,
    /// How many lost lines were reported, and when the last time.
    lost: u64,
    reported: Option<Instant>,
}

impl Writer {
    fn new(path: PathBuf, shared: Arc<Shared>, lines: Lines) -> Self {
        Self {
            path,
            shared,
            lines,
            stream: None,
            since: Instant::now(),
            wait: Duration::ZERO,
            again: VecDeque::new(),
            written: VecDeque::new(),
            written_bytes: 0,
            window: 0,
            is_gone: false,
            lost: 0,
            reported: None,
        }
    }

    /// Writes the lines that come, until the queue is closing and all is written, or nobody
    /// listens then.
    fn run(mut self) {
        let mut was_closing = false;
        loop {
            if self.stream.is_none() {
                let is_closing = self.pause();
                // At the end there is one try.
                if is_closing && mem::replace(&mut was_closing, true) {
                    break;
                }
                match self.connect() {
                    Err(_) if is_closing => break,
                    Err(wrong) => self.has_gone(&wrong),
                    Ok(()) => self.has_come(),
                }
                continue;
            }
            let next = self.again.pop_front().map(Next::Line);
            match next.unwrap_or_else(|| self.shared.next(LOOK)) {
                Next::Line(line) => self.write(line),
                Next::Look => self.look(),
                Next::End => {
                    self.look();
                    if self.stream.is_some() {
                        break;
                    }
                }
            }
            self.report_lost();
        }
        self.shared.lock().is_done = true;
        self.shared.changed.notify_all();
    }

    /// Waits before a try to connect, and the next time for longer; true if the queue is closing.
    fn pause(&mut self) -> bool {
        let mut left = self.wait;
        self.wait = (self.wait * 2).clamp(FIRST_WAIT, LONGEST_WAIT);
        loop {
            let time = left.min(LOOK);
            left -= time;
            let is_closing = self.shared.pause(time);
            self.report_lost();
            if is_closing || left.is_zero() {
                return is_closing;
            }
        }
    }

    fn connect(&mut self) -> io::Result<()> {
        let stream = UnixStream::connect(&self.path)?;
        let socket = SockRef::from(&stream);
        let _ = socket.set_send_buffer_size(SEND_BUFFER);
        // It may be exceeded by one write.
        self.window = 2 * socket.send_buffer_size().unwrap_or(DEFAULT_BUFFER);
        stream.set_write_timeout(Some(LOOK))?;
        self.since = Instant::now();
        self.stream = Some(stream);
        Ok(())
    }

    fn write(&mut self, line: Line) {
        let mut written = 0;
        while let Some(rest) = line.get(written..)
            && !rest.is_empty()
        {
            let Some(stream) = &mut self.stream else { return self.again.push_front(line) };
            match stream.write(rest) {
                Ok(count) => written += count,
                Err(wrong) if wrong.kind() == ErrorKind::Interrupted => {}
                // There is no room yet.
                Err(wrong) if wrong.kind() == ErrorKind::WouldBlock => self.report_lost(),
                Err(wrong) => {
                    // Half of it is worth nothing.
                    self.again.push_front(line);
                    return self.has_ended(&wrong);
                }
            }
        }
        self.has_written(line);
    }

    /// Looks whether the reader has gone. No bytes can be sent to a socket that is closed, while a
    /// read would find an end, too, where the reader only says that it writes nothing.
    fn look(&mut self) {
        let Some(stream) = &self.stream else { return };
        if let Err(wrong) = SockRef::from(stream).send(&[])
            && wrong.kind() != ErrorKind::WouldBlock
            && wrong.kind() != ErrorKind::Interrupted
        {
            self.has_ended(&wrong);
        }
    }

    /// Takes back what the reader may not have read.
    fn has_ended(&mut self, wrong: &io::Error) {
        let Some(stream) = self.stream.take() else { return };
        let is_unread = may_be_unread(&stream, wrong);
        if self.since.elapsed() >= SETTLED || !is_unread && !self.written.is_empty() {
            self.wait = Duration::ZERO;
        }
        let written = mem::take(&mut self.written);
        self.written_bytes = 0;
        if is_unread {
            self.shared.lock().told -= written.len() as u64;
            for line in written.into_iter().rev() {
                self.again.push_front(line);
            }
        }
    }

    fn has_written(&mut self, line: Line) {
        self.shared.lock().told += 1;
        self.written_bytes += line.len();
        self.written.push_back(line);
        while let Some(first) = self.written.front()
            && self.written_bytes - first.len() >= self.window
        {
            // The reader has read it.
            self.wait = Duration::ZERO;
            self.written_bytes -= first.len();
            self.written.pop_front();
        }
    }

    /// Reports lost lines: the first at once, and more of them from time to time, and when it has
    /// caught up.
    fn report_lost(&mut self) {
        let queue = self.shared.lock();
        let (lost, is_empty) = (queue.lost, queue.lines.is_empty());
        drop(queue);
        let has_caught_up = is_empty && self.again.is_empty();
        let is_due = has_caught_up || self.reported.is_none_or(|at| at.elapsed() >= REPORT);
        if lost > self.lost && is_due {
            let words = "--on-kept: lines lost, as nobody read them in time";
            let more = lost - self.lost;
            self.note(format_args!("{words}: {more}"));
            self.lost = lost;
            self.reported = Some(Instant::now());
        }
    }

    /// Reports that nobody listens, but not each time.
    fn has_gone(&mut self, wrong: &io::Error) {
        if !self.is_gone {
            self.is_gone = true;
            let path = self.path.display().to_string();
            self.note(format_args!("--on-kept: nobody listens on unix:{path}: {wrong}"));
        }
    }

    fn has_come(&mut self) {
        if self.is_gone {
            self.is_gone = false;
            let path = self.path.display().to_string();
            self.note(format_args!("--on-kept: connected to unix:{path}"));
        }
    }

    fn note(&mut self, words: fmt::Arguments<'_>) {
        self.lines.set_time(SystemTime::now());
        self.lines.note(words);
        self.lines.flush();
    }
}

/// True if the reader may have left something unread of what was written before this went wrong.
/// Linux says so for sure: the socket has an error then, and none if all was read.
fn may_be_unread(stream: &UnixStream, wrong: &io::Error) -> bool {
    !cfg!(target_os = "linux")
        || wrong.kind() != ErrorKind::BrokenPipe
        || !matches!(stream.take_error(), Ok(None))
}
