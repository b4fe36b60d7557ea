//! A ruler without a network: a process that is told when to begin.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{ChildStdin, ChildStdout, Stdio};
use std::time::Instant;

use crate::contestant::{Contestant, Digests};
use crate::cores::Cores;
use crate::loader::{Done, Failure};
use crate::plan::Plan;
use crate::process::Process;

/// Ends with its value.
pub struct Offline<'a> {
    process: Process,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    plan: &'a Plan,
    digests: Digests,
}

impl<'a> Offline<'a> {
    /// Starts it with the uploads of a plan, and waits until it has their content.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn start(contestant: &Contestant, plan: &'a Plan, cores: &Cores) -> io::Result<Self> {
        let bytes = plan.bursts.first().map_or(0, |burst| burst.content);
        let values = [("{uploads}", plan.bursts.len().to_string()), ("{bytes}", bytes.to_string())];
        let mut process = Process::start(contestant, &values, Stdio::piped, cores)?;
        let child = process.child();
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("no pipes"));
        };
        let digests = contestant.digests;
        let mut offline = Self { process, input, output: BufReader::new(output), plan, digests };
        offline.line()?;
        Ok(offline)
    }

    /// Lets it do everything once, and checks the digests.
    ///
    /// # Errors
    ///
    /// At the first that is wrong or missing.
    pub fn run(&mut self) -> Result<Done, Failure> {
        let begun = Instant::now();
        self.input.write_all(b"\n")?;
        let mut done = Done { time: begun.elapsed(), content: 0, answers: 0 };
        for burst in &self.plan.bursts {
            let answered = self.line()?;
            for of_content in &burst.digests {
                let expected = match &self.digests {
                    Digests::True => of_content,
                    Digests::Always(digest) => digest,
                };
                if answered.as_bytes() != expected {
                    let expected = String::from_utf8_lossy(expected).into_owned();
                    return Err(Failure::WrongDigest { answered, expected });
                }
            }
            done.content += burst.content;
            done.answers += 1;
        }
        done.time = begun.elapsed();
        Ok(done)
    }

    /// The process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        match self.output.read_line(&mut line)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(line.trim_end().to_owned()),
        }
    }
}
