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
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use socket2::SockRef;
use streamsum::folder::KeptUpload;

use super::lines::Lines;

/// How long to wait before the second try to connect; each later time twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// But never longer: so late a reader may hear after it has come back.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
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

struct Line {
    text: Vec<u8>,
    /// True if it was written once already.
    is_told: bool,
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
        let text = line::numbered(&queue.run, queue.number, fields);
        queue.lines.push_back(Line { text, is_told: false });
        drop(queue);
        self.changed.notify_all();
    }

    /// Waits for a line; `None` once it is closing and there is none.
    fn next(&self) -> Option<Line> {
        let is_idle = |queue: &mut Queue| queue.lines.is_empty() && !queue.is_closing;
        let queue = self.changed.wait_while(self.lock(), is_idle);
        queue.unwrap_or_else(PoisonError::into_inner).lines.pop_front()
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
    /// How many lost lines were reported.
    lost: u64,
}

impl Writer {
    fn new(path: PathBuf, shared: Arc<Shared>, lines: Lines) -> Self {
        Self {
            path,
            shared,
            lines,
            stream: None,
            wait: Duration::ZERO,
            again: VecDeque::new(),
            written: VecDeque::new(),
            written_bytes: 0,
            window: 0,
            is_gone: false,
            lost: 0,
        }
    }

    /// Writes the lines that come, until the queue is closing and all is written, or nobody
    /// listens then.
    fn run(mut self) {
        loop {
            if self.stream.is_none() {
                let is_closing = self.shared.pause(self.wait);
                self.wait = (self.wait * 2).clamp(FIRST_WAIT, LONGEST_WAIT);
                match self.connect() {
                    Err(_) if is_closing => break,
                    Err(wrong) => self.has_gone(&wrong),
                    Ok(()) => self.has_come(),
                }
                continue;
            }
            let Some(line) = self.again.pop_front().or_else(|| self.shared.next()) else { break };
            self.write(line);
        }
        self.shared.lock().is_done = true;
        self.shared.changed.notify_all();
    }

    fn connect(&mut self) -> io::Result<()> {
        let stream = UnixStream::connect(&self.path)?;
        let socket = SockRef::from(&stream);
        let _ = socket.set_send_buffer_size(SEND_BUFFER);
        // It may be exceeded by one write.
        self.window = 2 * socket.send_buffer_size().unwrap_or(DEFAULT_BUFFER);
        self.stream = Some(stream);
        Ok(())
    }

    fn write(&mut self, line: Line) {
        let Some(stream) = &mut self.stream else { return self.again.push_front(line) };
        match stream.write_all(&line.text) {
            Ok(()) => self.has_written(line),
            Err(wrong) => {
                let is_unread = may_be_unread(stream, &wrong);
                self.stream = None;
                // Half of it is worth nothing.
                self.again.push_front(line);
                while let Some(line) = self.written.pop_back() {
                    if is_unread {
                        self.again.push_front(line);
                    }
                }
                self.written_bytes = 0;
            }
        }
    }

    fn has_written(&mut self, mut line: Line) {
        self.wait = Duration::ZERO;
        let mut queue = self.shared.lock();
        queue.told += u64::from(!line.is_told);
        let (lost, has_caught_up) = (queue.lost, queue.lines.is_empty());
        drop(queue);
        line.is_told = true;
        self.written_bytes += line.text.len();
        self.written.push_back(line);
        while let Some(first) = self.written.front()
            && self.written_bytes - first.text.len() >= self.window
        {
            self.written_bytes -= first.text.len();
            self.written.pop_front();
        }
        // Once for all, however long it was behind.
        if lost > self.lost && has_caught_up {
            let words = "--on-kept: lines lost, as nobody read them in time";
            let more = lost - self.lost;
            self.note(format_args!("{words}: {more}"));
            self.lost = lost;
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
