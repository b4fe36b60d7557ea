//! Who waits for the disk, so that the loop never does: a [`Crew`] of threads.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Builder};
use std::time::{Duration, Instant};

use crate::resident::{Decide, Decisions};

/// Threads that make files and remove them, which those that are synced do not keep waiting.
const MAKING: usize = 2;
/// Threads that write content.
const WRITING: usize = 4;
/// Threads that sync and name files. Few, as a disk does not get faster by more.
const KEEPING: usize = 4;

/// How long what was decided may wait for what comes next, so that uploads go on together: the
/// more of them a loop hashes at once, the less each of them costs.
const TOGETHER: Duration = Duration::from_millis(1);
/// How often a decision is offered to a loop that has no room for it, and how long apart: it takes
/// those that wait in its next turn.
const OFFERS: usize = 1_000;
const BETWEEN_OFFERS: Duration = Duration::from_millis(10);
/// How long the end of a process waits for tasks under way.
const LAST_MOMENT: Duration = Duration::from_millis(500);

/// What kind of work a [`Task`] is. An upload has one task at a time.
///
/// # Example
///
/// ```
/// use streamsum::folder::Duty;
///
/// // A crew may have threads for each, so that none keeps another waiting.
/// fn threads(duty: Duty) -> usize {
///     match duty {
///         Duty::Make => 2,
///         _ => 4,
///     }
/// }
/// # threads(Duty::Keep);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Duty {
    /// To make a file, or to remove it.
    Make,
    /// To write content.
    Write,
    /// To sync and to name a file.
    Keep,
}

/// Does the work of a [`Disk`](super::Disk) that may have to wait. What a disk has by itself is a few
/// threads for each [`Duty`]; a program may have others do it, or a test, when it likes: see
/// [`Disk::of`](super::Disk::of).
///
/// # Example
///
/// ```
/// use streamsum::folder::{Crew, Duty, Task};
///
/// /// As many threads as there are tasks.
/// struct Many;
///
/// impl Crew for Many {
///     fn run(&self, _: Duty, tasks: Vec<Task>) {
///         for task in tasks {
///             std::thread::spawn(|| task.run());
///         }
///     }
/// }
/// # Many.run(Duty::Make, Vec::new());
/// ```
pub trait Crew: Send + Sync {
    /// Runs these at some time, and returns at once.
    fn run(&self, duty: Duty, tasks: Vec<Task>);

    /// How many tasks of this kind wait.
    fn waiting(&self, duty: Duty) -> usize {
        let _ = duty;
        0
    }
}

/// Something to be done for an upload, after which it goes on, or is answered. [`Crew`] has an
/// example.
pub struct Task {
    work: Box<dyn FnOnce(&mut Decisions) + Send>,
    decide: Arc<dyn Decide>,
}

impl Task {
    pub(super) fn new(
        decide: &Arc<dyn Decide>,
        work: impl FnOnce(&mut Decisions) + Send + 'static,
    ) -> Self {
        Self { work: Box::new(work), decide: Arc::clone(decide) }
    }

    /// Does it, and tells the loop.
    pub fn run(self) {
        let Self { work, decide } = self;
        let mut decisions = Decisions::default();
        work(&mut decisions);
        offer(&*decide, &mut decisions);
    }
}

impl std::fmt::Debug for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Task").finish_non_exhaustive()
    }
}

/// Decides, though the loop may have no room for decisions at the moment.
fn offer(decide: &dyn Decide, decisions: &mut Decisions) {
    for _ in 0..OFFERS {
        if decisions.is_empty() {
            return;
        }
        decide.decide(decisions);
        if !decisions.is_empty() {
            thread::sleep(BETWEEN_OFFERS);
        }
    }
    *decisions = Decisions::default();
}

/// Threads for each kind of work.
pub(super) struct Threads {
    making: Pool,
    writing: Pool,
    keeping: Pool,
}

impl Threads {
    /// # Errors
    ///
    /// If there are no threads left.
    pub(super) fn start() -> io::Result<Self> {
        Ok(Self {
            making: Pool::new("making", MAKING)?,
            writing: Pool::new("writing", WRITING)?,
            keeping: Pool::new("keeping", KEEPING)?,
        })
    }

    fn pool(&self, duty: Duty) -> &Pool {
        match duty {
            Duty::Make => &self.making,
            Duty::Write => &self.writing,
            Duty::Keep => &self.keeping,
        }
    }
}

impl Crew for Threads {
    fn run(&self, duty: Duty, tasks: Vec<Task>) {
        self.pool(duty).run(tasks);
    }

    fn waiting(&self, duty: Duty) -> usize {
        self.pool(duty).0.lock().tasks.len()
    }
}

/// A few threads, and what waits for them.
struct Pool(Arc<Queue>);

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    tasks: VecDeque<Task>,
    /// Threads that wait for a task.
    idle: usize,
    /// Tasks in the hands of the threads.
    running: usize,
    is_closing: bool,
}

impl Pool {
    fn new(name: &str, threads: usize) -> io::Result<Self> {
        let pool = Self(Arc::default());
        for number in 0..threads {
            let queue = Arc::clone(&pool.0);
            let name = format!("{name}-{number}");
            Builder::new().name(name).spawn(move || queue.work())?;
        }
        Ok(pool)
    }

    fn run(&self, tasks: Vec<Task>) {
        let mut waiting = self.0.lock();
        let wanted = tasks.len().min(waiting.idle);
        waiting.tasks.extend(tasks);
        drop(waiting);
        for _ in 0..wanted {
            self.0.changed.notify_one();
        }
    }
}

/// Waits for a moment until all is done that was given to it, and no longer: a disk may hang, and
/// whoever ends the process means it.
impl Drop for Pool {
    fn drop(&mut self) {
        let mut waiting = self.0.lock();
        waiting.is_closing = true;
        self.0.changed.notify_all();
        let is_busy = |waiting: &mut Waiting| waiting.running > 0 || !waiting.tasks.is_empty();
        drop(self.0.changed.wait_timeout_while(waiting, LAST_MOMENT, is_busy));
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // No task runs under the lock.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        let mut decided = Decided::default();
        while let Some(task) = self.next(&mut decided) {
            // A panic was reported where it happened; its thread goes on with others.
            let _ = catch_unwind(AssertUnwindSafe(|| decided.add(task)));
        }
    }

    /// Waits for a task; `None` once it is closing and empty. What is decided is told before it
    /// waits.
    fn next(&self, decided: &mut Decided) -> Option<Task> {
        let mut waiting = self.lock();
        if waiting.tasks.is_empty() && !decided.is_empty() {
            drop(waiting);
            decided.tell();
            waiting = self.lock();
        }
        if decided.is_running {
            decided.is_running = false;
            waiting.running -= 1;
            if waiting.is_closing {
                self.changed.notify_all();
            }
        }
        waiting.idle += 1;
        let is_idle = |waiting: &mut Waiting| waiting.tasks.is_empty() && !waiting.is_closing;
        let waiting = self.changed.wait_while(waiting, is_idle);
        let mut waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        waiting.idle -= 1;
        let task = waiting.tasks.pop_front()?;
        waiting.running += 1;
        decided.is_running = true;
        Some(task)
    }
}

/// What a thread has decided, and not told yet.
#[derive(Default)]
struct Decided {
    decisions: Decisions,
    /// To whom, and since when it waits.
    first: Option<(Arc<dyn Decide>, Instant)>,
    /// True if its thread counts as one that runs a task.
    is_running: bool,
}

impl Decided {
    fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Does a task.
    fn add(&mut self, task: Task) {
        let is_due = |(decide, since): &(Arc<dyn Decide>, Instant)| {
            !Arc::ptr_eq(decide, &task.decide) || since.elapsed() >= TOGETHER
        };
        if self.first.as_ref().is_some_and(is_due) {
            self.tell();
        }
        let Task { work, decide } = task;
        work(&mut self.decisions);
        self.first.get_or_insert_with(|| (decide, Instant::now()));
    }

    fn tell(&mut self) {
        if let Some((decide, _)) = self.first.take() {
            offer(&*decide, &mut self.decisions);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Sender, channel};

    /// Nobody hears what is decided.
    struct Nobody;

    impl Decide for Nobody {
        fn decide(&self, decisions: &mut Decisions) {
            *decisions = Decisions::default();
        }
    }

    fn task(work: impl FnOnce() + Send + 'static) -> Vec<Task> {
        let nobody: Arc<dyn Decide> = Arc::new(Nobody);
        vec![Task::new(&nobody, |_| work())]
    }

    #[test]
    fn all_tasks_are_done_though_the_pool_is_gone() {
        let (tell, told) = channel();
        let pool = Pool::new("test", 3).expect("threads");
        for number in 0..100 {
            let tell = tell.clone();
            pool.run(task(move || tell.send(number).expect("it is awaited")));
        }
        drop((pool, tell));
        let mut done: Vec<i32> = told.iter().collect();
        done.sort_unstable();
        assert!(done.into_iter().eq(0..100));
    }

    #[test]
    fn a_pool_ends_when_its_tasks_have_ended_and_though_one_hangs() {
        let (go, gone) = channel::<()>();
        let pool = Pool::new("test", 1).expect("threads");
        let (begin, begun) = channel();
        pool.run(task(move || {
            let held = gone;
            begin.send(()).expect("it is awaited");
            let _ = held.recv();
        }));
        begun.recv().expect("it runs");
        drop(pool);
        go.send(()).expect("it still hangs");
    }

    #[test]
    fn a_task_that_panics_costs_no_thread() {
        let pool = Pool::new("test", 1).expect("a thread");
        pool.run(task(|| panic!("as planned")));
        let (tell, told) = channel();
        pool.run(task(move || tell.send(()).expect("it is awaited")));
        told.recv().expect("the second has run");
    }

    #[test]
    fn one_task_that_waits_keeps_no_other_from_running() {
        let pool = Pool::new("test", 2).expect("threads");
        let (go, gone) = channel::<()>();
        let (tell, told) = channel();
        pool.run(task(move || {
            let _ = gone.recv();
        }));
        pool.run(task(move || tell.send(()).expect("it is awaited")));
        told.recv().expect("the second has run");
        drop(go);
    }

    /// Counts how often it is told something.
    struct Counting(Sender<usize>);

    impl Decide for Counting {
        fn decide(&self, decisions: &mut Decisions) {
            self.0.send(decisions.len()).expect("it is awaited");
            *decisions = Decisions::default();
        }
    }

    #[test]
    fn what_is_decided_is_told_together_and_before_the_thread_waits() {
        let (tell, told) = channel();
        let counting: Arc<dyn Decide> = Arc::new(Counting(tell));
        let pool = Pool::new("test", 1).expect("a thread");
        let id = crate::handler::UploadId { engine: std::num::NonZeroU32::MIN, serial: 1, key: 0 };
        let resume = || Task::new(&counting, move |decisions| decisions.resume(id));
        pool.run((0..20).map(|_| resume()).collect());
        let mut left = 20;
        while left > 0 {
            left -= told.recv().expect("all are told");
        }
        pool.run(vec![resume()]);
        assert_eq!(told.recv().expect("one alone, too"), 1);
    }
}
