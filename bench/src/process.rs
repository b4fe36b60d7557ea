//! A program that takes part: a child process on its cores, for one measurement.

use std::io;
use std::process::{Child, Command, Stdio};

use crate::contestant::Contestant;
use crate::cores::Cores;

/// Ends with its value.
pub struct Process(Child);

impl Process {
    /// Starts a contestant's program on its cores, with each `(placeholder, value)` put into
    /// its command, and moves this thread to the loader's.
    ///
    /// # Errors
    ///
    /// When there is no such program.
    pub fn start(
        contestant: &Contestant,
        values: &[(&str, String)],
        stdio: impl Fn() -> Stdio,
        cores: &Cores,
    ) -> io::Result<Self> {
        let fill = |word: &String| {
            values.iter().fold(word.clone(), |word, (name, value)| word.replace(name, value))
        };
        let mut words = contestant.command.iter().map(fill);
        let program = words.next().ok_or_else(|| io::Error::other("an empty command"))?;
        cores.go_to_server(contestant.place)?;
        let child = Command::new(program)
            .args(words)
            .envs(contestant.variables.iter().copied())
            .stdin(stdio())
            .stdout(stdio())
            .stderr(Stdio::null())
            .spawn();
        cores.go_to_loader(contestant.place)?;
        Ok(Self(child?))
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// The child itself.
    pub fn child(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has nothing to lose, and if it is gone already that was noticed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
