//! Threads that wait for the disk, so that the loop never does.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::Duration;

/// How long the end of a process waits for tasks under way.
const LAST_MOMENT: Duration = Duration::from_millis(500);

type Task = Box<dyn FnOnce() + Send>;

/// A few threads, and what waits for them. An upload has one task at a time; one whose client has
/// left is given up, unless it is to be kept.
pub(super) struct Pool(Arc<Queue>);

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    tasks: VecDeque<Task>,
    /// Tasks in the hands of the threads.
    running: usize,
    is_closing: bool,
}

impl Pool {
    /// # Errors
    ///
    /// If there are no threads left.
    pub(super) fn new(name: &str, threads: usize) -> io::Result<Self> {
        let pool = Self(Arc::default());
        for number in 0..threads {
            let queue = Arc::clone(&pool.0);
            let name = format!("{name}-{number}");
            Builder::new().name(name).spawn(move || queue.work())?;
        }
        Ok(pool)
    }

    pub(super) fn run(&self, task: impl FnOnce() + Send + 'static) {
        self.0.lock().tasks.push_back(Box::new(task));
        self.0.changed.notify_one();
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
        while let Some(task) = self.next() {
            // A panic was reported where it happened; its thread goes on with others.
            let _ = catch_unwind(AssertUnwindSafe(task));
            let mut waiting = self.lock();
            waiting.running -= 1;
            if waiting.is_closing {
                self.changed.notify_all();
            }
        }
    }

    /// Waits for a task; `None` once it is closing and empty.
    fn next(&self) -> Option<Task> {
        let is_idle = |waiting: &mut Waiting| waiting.tasks.is_empty() && !waiting.is_closing;
        let waiting = self.changed.wait_while(self.lock(), is_idle);
        let mut waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        let task = waiting.tasks.pop_front()?;
        waiting.running += 1;
        Some(task)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn all_tasks_are_done_though_the_pool_is_gone() {
        let (tell, told) = channel();
        let pool = Pool::new("test", 3).expect("threads");
        for number in 0..100 {
            let tell = tell.clone();
            pool.run(move || tell.send(number).expect("it is awaited"));
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
        pool.run(move || {
            let held = gone;
            begin.send(()).expect("it is awaited");
            let _ = held.recv();
        });
        begun.recv().expect("it runs");
        drop(pool);
        go.send(()).expect("it still hangs");
    }

    #[test]
    fn a_task_that_panics_costs_no_thread() {
        let pool = Pool::new("test", 1).expect("a thread");
        pool.run(|| panic!("as planned"));
        let (tell, told) = channel();
        pool.run(move || tell.send(()).expect("it is awaited"));
        told.recv().expect("the second has run");
    }

    #[test]
    fn one_task_that_waits_keeps_no_other_from_running() {
        let pool = Pool::new("test", 2).expect("threads");
        let (go, gone) = channel::<()>();
        let (tell, told) = channel();
        pool.run(move || {
            let _ = gone.recv();
        });
        pool.run(move || tell.send(()).expect("it is awaited"));
        told.recv().expect("the second has run");
        drop(go);
    }
}
