//! Who waits for the disk, so that the loop never does: a [`Crew`] of threads.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Builder};
use std::time::{Duration, Instant};

use crate::handler::UploadId;
use crate::proto::Response;
use crate::resident::{Decide, Decisions};

/// Threads that make files and remove them, which those that are synced do not keep waiting.
const MAKING: usize = 2;
/// Threads that write content.
const WRITING: usize = 4;
/// Threads that sync and name files. Few, as a disk does not get faster by more.
const KEEPING: usize = 4;

/// How long uploads whose content is written wait for others, so that they go on together, and for
/// what the same thread writes next: the more of them a loop hashes at once, the less each of them
/// costs. Answers wait for nobody.
const TOGETHER: Duration = Duration::from_millis(1);
/// How long apart a decision is offered to a loop that has no room for it: it takes those that wait
/// in its next turn.
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

    /// How many tasks wait: see [`Disk::max_waiting`](super::Disk::max_waiting), which by default
    /// bounds nothing here.
    fn waiting(&self) -> usize {
        0
    }
}

/// Something to be done for an upload, after which it goes on, or is answered. [`Crew`] has an
/// example.
pub struct Task {
    id: UploadId,
    work: Box<dyn FnOnce(&mut Decisions) + Send>,
    decide: Arc<dyn Decide>,
}

impl Task {
    pub(super) fn new(
        decide: &Arc<dyn Decide>,
        id: UploadId,
        work: impl FnOnce(&mut Decisions) + Send + 'static,
    ) -> Self {
        Self { id, work: Box::new(work), decide: Arc::clone(decide) }
    }

    /// Does it, and tells the loop. Whoever has a task has to do it: its upload waits for that.
    pub fn run(self) {
        let decide = Arc::clone(&self.decide);
        let mut decisions = Decisions::default();
        self.perform(&mut decisions);
        offer(&*decide, &mut decisions);
    }

    /// Does it. If that panics, which was reported where it happened, its client hears so.
    fn perform(self, decisions: &mut Decisions) {
        let Self { id, work, .. } = self;
        if catch_unwind(AssertUnwindSafe(|| work(decisions))).is_err() {
            decisions.answer(id, Response::text(500, "it could not be kept"));
        }
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").finish_non_exhaustive()
    }
}

/// Decides, though the loop may have no room for decisions at the moment.
fn offer(decide: &dyn Decide, decisions: &mut Decisions) {
    decide.decide(decisions);
    while !decisions.is_empty() {
        thread::sleep(BETWEEN_OFFERS);
        decide.decide(decisions);
    }
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
            making: Pool::new("making", MAKING, Duration::ZERO)?,
            writing: Pool::new("writing", WRITING, TOGETHER)?,
            keeping: Pool::new("keeping", KEEPING, Duration::ZERO)?,
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

    fn waiting(&self) -> usize {
        let pools = [&self.making, &self.writing, &self.keeping];
        pools.iter().map(|pool| pool.0.length.load(Ordering::Relaxed)).sum()
    }
}

/// A few threads, and what waits for them.
struct Pool(Arc<Queue>);

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    /// How many tasks wait, for a loop that asks with each request.
    length: AtomicUsize,
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
    /// What is decided waits for so long for what comes next.
    fn new(name: &str, threads: usize, together: Duration) -> io::Result<Self> {
        let pool = Self(Arc::default());
        for number in 0..threads {
            let queue = Arc::clone(&pool.0);
            let name = format!("{name}-{number}");
            Builder::new().name(name).spawn(move || queue.work(together))?;
        }
        Ok(pool)
    }

    fn run(&self, tasks: Vec<Task>) {
        let mut waiting = self.0.lock();
        let wanted = tasks.len().min(waiting.idle);
        waiting.tasks.extend(tasks);
        self.0.length.store(waiting.tasks.len(), Ordering::Relaxed);
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

    fn work(&self, together: Duration) {
        let mut decided = Decided::default();
        while let Some(task) = self.next(&mut decided) {
            decided.add(task, together);
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
        self.length.store(waiting.tasks.len(), Ordering::Relaxed);
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

    /// Does a task, and tells what was decided before it if that has waited for long enough.
    fn add(&mut self, task: Task, together: Duration) {
        let is_due = |(decide, since): &(Arc<dyn Decide>, Instant)| {
            !Arc::ptr_eq(decide, &task.decide) || since.elapsed() >= together
        };
        if self.first.as_ref().is_some_and(is_due) {
            self.tell();
        }
        let decide = Arc::clone(&task.decide);
        let begun = Instant::now();
        task.perform(&mut self.decisions);
        self.first.get_or_insert((decide, begun));
        if begun.elapsed() >= together {
            self.tell();
        }
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

    fn id() -> UploadId {
        UploadId { engine: std::num::NonZeroU32::MIN, serial: 1, key: 0 }
    }

    fn task(work: impl FnOnce() + Send + 'static) -> Vec<Task> {
        let nobody: Arc<dyn Decide> = Arc::new(Nobody);
        vec![Task::new(&nobody, id(), |_| work())]
    }

    #[test]
    fn all_tasks_are_done_though_the_pool_is_gone() {
        let (tell, told) = channel();
        let pool = Pool::new("test", 3, TOGETHER).expect("threads");
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
        let pool = Pool::new("test", 1, TOGETHER).expect("threads");
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
    fn what_waits_is_counted() {
        let threads = Threads::start().expect("threads");
        let (go, gone) = channel::<()>();
        let (begin, begun) = channel();
        let gone = Arc::new(Mutex::new(gone));
        let hang = || {
            let (gone, begin) = (Arc::clone(&gone), begin.clone());
            task(move || {
                begin.send(()).expect("it is awaited");
                let _ = gone.lock().map(|gone| gone.recv());
            })
        };
        (0..KEEPING).for_each(|_| threads.run(Duty::Keep, hang()));
        (0..KEEPING).for_each(|_| begun.recv().expect("each has a thread"));
        assert_eq!(threads.waiting(), 0);
        (0..3).for_each(|_| threads.run(Duty::Keep, hang()));
        assert_eq!(threads.waiting(), 3);
        drop(go);
        (0..3).for_each(|_| begun.recv().expect("each has its turn"));
        assert_eq!(threads.waiting(), 0);
    }

    #[test]
    fn a_task_that_panics_costs_no_thread() {
        let pool = Pool::new("test", 1, TOGETHER).expect("a thread");
        pool.run(task(|| panic!("as planned")));
        let (tell, told) = channel();
        pool.run(task(move || tell.send(()).expect("it is awaited")));
        told.recv().expect("the second has run");
    }

    #[test]
    fn one_task_that_waits_keeps_no_other_from_running() {
        let pool = Pool::new("test", 2, TOGETHER).expect("threads");
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
        let pool = Pool::new("test", 1, TOGETHER).expect("a thread");
        let resume = || Task::new(&counting, id(), move |decisions| decisions.resume(id()));
        pool.run((0..20).map(|_| resume()).collect());
        let mut left = 20;
        while left > 0 {
            left -= told.recv().expect("all are told");
        }
        pool.run(vec![resume()]);
        assert_eq!(told.recv().expect("one alone, too"), 1);
    }

    #[test]
    fn an_answer_waits_for_no_other_task() {
        let (tell, told) = channel();
        let counting: Arc<dyn Decide> = Arc::new(Counting(tell));
        let pool = Pool::new("test", 1, Duration::ZERO).expect("a thread");
        let (go, gone) = channel::<()>();
        let answer = Task::new(&counting, id(), |decisions| decisions.resume(id()));
        let hang = Task::new(&counting, id(), move |_| {
            let _ = gone.recv();
        });
        pool.run(vec![answer, hang]);
        assert_eq!(told.recv().expect("it is told while the next one hangs"), 1);
        drop(go);
    }

    #[test]
    fn a_client_hears_of_a_task_that_panics() {
        let (tell, told) = channel();
        let counting: Arc<dyn Decide> = Arc::new(Counting(tell));
        let panics = || Task::new(&counting, id(), |_| panic!("as planned"));
        let pool = Pool::new("test", 1, TOGETHER).expect("a thread");
        pool.run(vec![panics()]);
        assert_eq!(told.recv().expect("it is told"), 1);
        panics().run();
        assert_eq!(told.recv().expect("it is told, too"), 1);
    }
}
