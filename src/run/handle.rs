//! Reaching a server from other threads.

use std::fmt;
use std::sync::Arc;

use super::shared::{Order, Shared};
use super::status::{Inquiry, Status};
use crate::engine::Stats;
use crate::handler::UploadId;
use crate::proto::Response;
use crate::resident::{Decide, Decisions};

/// Reaches a server in its loop, or in those of its workers, from any thread: cheap to clone
/// and to pass on.
///
/// [`spawn_on`](crate::thread::spawn_on) has an example.
#[derive(Clone)]
pub struct Handle {
    pub(super) workers: Arc<[Shared]>,
}

impl Handle {
    /// Answers a request that has no answer yet: one that waits for its verdict or its
    /// answer, or one whose content still arrives. A handler may call it, too. The next
    /// turn answers, as [`Server::answer`](crate::server::Server::answer) does.
    ///
    /// Returns false if the server, or the worker that has the request, has ended; if
    /// [`Config::connections`](crate::engine::Config::connections) decisions, or a worker's share
    /// of that, wait for its next turn already; or if the request is another server's. Only
    /// [`Handler::ended`](crate::handler::Handler::ended) reports whether the request was
    /// still there.
    #[expect(clippy::must_use_candidate, reason = "most callers can do nothing about it")]
    pub fn answer(&self, id: UploadId, response: Response) -> bool {
        self.decide(id, |decisions| decisions.answer(id, response))
    }

    /// Goes on with a request that waits for its verdict, or that is paused: a piece was taken in
    /// part, or its [credit](crate::handler::Piece::credit) is used up. The next turn resumes it,
    /// as [`Server::resume`](crate::server::Server::resume) does. Returns false as
    /// [`Handle::answer`] does.
    #[expect(clippy::must_use_candidate, reason = "most callers can do nothing about it")]
    pub fn resume(&self, id: UploadId) -> bool {
        self.decide(id, |decisions| decisions.resume(id))
    }

    fn decide(&self, id: UploadId, decide: impl FnOnce(&mut Decisions)) -> bool {
        let worker = self.workers.iter().find(|worker| worker.engine == id.engine);
        worker.is_some_and(|worker| worker.decide(decide))
    }

    /// The counters, as they were after the last turn.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.workers.iter().fold(Stats::default(), |mut all, worker| {
            all += &worker.counted().stats;
            all
        })
    }

    /// How many connections there were after the last turn.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.workers.iter().map(|worker| worker.counted().connections).sum()
    }

    /// Has the loop gather its [`Status`], and passes it to `then` on the loop's thread, where
    /// `then` must not block: send it on from there. With several workers it is the state of
    /// each after its next turn, and `then` is called by the last one. Those that have ended
    /// have nothing more to say. If all have, or all have answered by then, `then` is called
    /// before this returns: hold no lock that it takes.
    ///
    /// # Example
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use streamsum::{Checksum, Config, spawn};
    ///
    /// let server = spawn("127.0.0.1:0", Config::default(), Checksum::new())?;
    /// let (tell, told) = mpsc::channel();
    /// server.handle().inspect(move |status| {
    ///     let _ = tell.send(status);
    /// });
    /// let status = told.recv().expect("it tells");
    /// assert!(status.uploads.is_empty() && status.shortage.is_none());
    /// # server.stop();
    /// # server.join()?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn inspect(&self, then: impl FnOnce(Status) + Send + 'static) {
        let inquiry = Arc::new(Inquiry::new(Box::new(then)));
        for worker in &*self.workers {
            let part = Arc::clone(&inquiry);
            worker.put(|inbox| inbox.inquiries.push(part));
        }
    }

    /// How many of the workers have not ended. A resident of one may ask, to be
    /// [idle](crate::resident::Resident::is_idle) only when it is the last: each that ends
    /// wakes the first.
    #[must_use]
    pub fn running(&self) -> usize {
        self.workers.iter().filter(|worker| !worker.has_ended()).count()
    }

    /// Has each loop do a round, for a resident that has to look at something.
    ///
    /// # Example
    ///
    /// ```
    /// use streamsum::run::Handle;
    ///
    /// /// Has a resident of the loop find what a thread has made.
    /// fn announce(handle: &Handle, result: Vec<u8>, results: &std::sync::Mutex<Vec<Vec<u8>>>) {
    ///     if let Ok(mut results) = results.lock() {
    ///         results.push(result);
    ///     }
    ///     handle.wake();
    /// }
    /// # let _ = announce;
    /// ```
    pub fn wake(&self) {
        self.workers.iter().for_each(Shared::wake);
    }

    /// Accepts no more connections, finishes the requests in flight, then ends.
    pub fn drain(&self) {
        // That one passes it on when it has closed the listeners, and the others have all that
        // came by them.
        if let Some(first) = self.workers.first() {
            first.order(Order::Drain);
        }
    }

    /// Closes all connections and ends.
    pub fn stop(&self) {
        for worker in &*self.workers {
            worker.order(Order::Stop);
        }
    }
}

/// Wakes each loop once, however many decisions are for it.
impl Decide for Handle {
    fn decide(&self, decisions: &mut Decisions) {
        decisions.list.retain(|(id, _)| self.workers.iter().any(|own| own.engine == id.engine));
        for worker in &*self.workers {
            if decisions.list.iter().any(|(id, _)| worker.engine == id.engine) {
                worker.take_decisions(decisions);
            }
        }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("workers", &self.workers.len()).finish_non_exhaustive()
    }
}
