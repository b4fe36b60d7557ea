//! Threads that wait for the disk, so that the loop never does.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

type Task = Box<dyn FnOnce() + Send>;

/// A few threads, and what waits for them: an upload has one task at a time, so that there are at
/// most as many as there are connections.
pub(super) struct Pool {
    queue: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    tasks: VecDeque<Task>,
    is_closing: bool,
}

impl Pool {
    /// # Errors
    ///
    /// If there are no threads left.
    pub(super) fn new(threads: usize) -> io::Result<Self> {
        let mut pool = Self { queue: Arc::default(), threads: Vec::new() };
        for number in 0..threads {
            let queue = Arc::clone(&pool.queue);
            let name = format!("disk-{number}");
            pool.threads.push(Builder::new().name(name).spawn(move || queue.work())?);
        }
        Ok(pool)
    }

    pub(super) fn run(&self, task: impl FnOnce() + Send + 'static) {
        self.queue.lock().tasks.push_back(Box::new(task));
        self.queue.changed.notify_one();
    }
}

/// Waits until all that was given to it is done.
impl Drop for Pool {
    fn drop(&mut self) {
        self.queue.lock().is_closing = true;
        self.queue.changed.notify_all();
        for thread in self.threads.drain(..) {
            // A panic of a task was reported when it happened.
            let _ = thread.join();
        }
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // No task runs under the lock.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        while let Some(task) = self.next() {
            task();
        }
    }

    /// Waits for a task; `None` once it is closing and empty.
    fn next(&self) -> Option<Task> {
        let is_idle = |waiting: &mut Waiting| waiting.tasks.is_empty() && !waiting.is_closing;
        let waiting = self.changed.wait_while(self.lock(), is_idle);
        waiting.unwrap_or_else(PoisonError::into_inner).tasks.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::channel;

    #[test]
    fn all_tasks_are_done_before_the_pool_is_gone() {
        let done = Arc::new(AtomicUsize::new(0));
        let pool = Pool::new(3).expect("threads");
        for _ in 0..100 {
            let done = Arc::clone(&done);
            pool.run(move || {
                done.fetch_add(1, Ordering::Relaxed);
            });
        }
        drop(pool);
        assert_eq!(done.load(Ordering::Relaxed), 100);
    }

    #[test]
    fn one_task_that_waits_keeps_no_other_from_running() {
        let pool = Pool::new(2).expect("threads");
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
