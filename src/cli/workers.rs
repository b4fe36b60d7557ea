//! The workers beside the first one, each on a thread of its own.

use std::io;
use std::thread::{Builder, JoinHandle};

use streamsum::resident::Resident;
use streamsum::run::{Round, Runner};

use super::access::{Logged, Whose, Writes};

/// The connections that were there when a worker ended, and were cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) connections: usize,
    /// Those of them that have had their answers.
    pub(super) lingering: usize,
}

impl Left {
    pub(super) fn at<U>(runner: &Runner<U>) -> Self {
        let server = runner.server();
        Self { connections: server.connections(), lingering: server.lingering() }
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self {
            connections: self.connections + other.connections,
            lingering: self.lingering + other.lingering,
        }
    }
}

/// The threads of all workers but the first.
#[derive(Default)]
pub(super) struct Others(Vec<JoinHandle<io::Result<Left>>>);

impl Others {
    /// Starts a worker's thread.
    ///
    /// # Errors
    ///
    /// If there are no threads left.
    pub(super) fn start<H, R>(
        &mut self,
        mut runner: Runner<H::Upload>,
        mut part: Logged<H, R>,
    ) -> io::Result<()>
    where
        H: Whose + Resident + Send + 'static,
        H::Upload: Send,
        R: Writes + Send + 'static,
    {
        let name = format!("worker-{}", runner.number());
        let thread = Builder::new().name(name).spawn(move || {
            let ended = loop {
                match runner.round(&mut part) {
                    Ok(Round::Next) => part.lines.flush(),
                    Ok(_) => break Ok(Left::at(&runner)),
                    Err(wrong) => break Err(wrong),
                }
            };
            // However it ended, each request under way has its line.
            runner.shut_down(&mut part);
            part.lines.flush();
            ended
        })?;
        self.0.push(thread);
        Ok(())
    }

    /// Waits until all have ended.
    ///
    /// # Errors
    ///
    /// If one has failed, which may have been by a panic.
    pub(super) fn join(self) -> io::Result<Left> {
        let ended: Vec<_> = self.0.into_iter().map(JoinHandle::join).collect();
        ended.into_iter().try_fold(Left::default(), |all, one| match one {
            Ok(left) => Ok(all.and(left?)),
            Err(_) => Err(io::Error::other("a worker has panicked")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::spawn;

    #[test]
    fn what_is_left_of_all_adds_up() {
        let left = Left { connections: 2, lingering: 1 };
        let others = Others(vec![spawn(move || Ok(left)), spawn(move || Ok(left))]);
        let all = others.join().expect("no failure");
        assert_eq!(all, Left { connections: 4, lingering: 2 });
        assert_eq!(Others::default().join().expect("nobody failed"), Left::default());
    }

    #[test]
    fn panic_of_a_worker_is_told_when_all_have_ended() {
        let others = Others(vec![spawn(|| panic!("as planned")), spawn(|| Ok(Left::default()))]);
        let wrong = others.join().expect_err("a panic");
        assert_eq!(wrong.to_string(), "a worker has panicked");
    }
}
