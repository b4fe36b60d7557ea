//! The command line.

use std::ffi::OsString;

use lexopt::prelude::*;

use crate::contestant::{Contestant, NAMES};
use crate::workload;

/// What to run.
#[derive(Debug)]
pub struct Options {
    pub quick: bool,
    pub rounds: usize,
    /// Names of contestants; none means all.
    pub only: Vec<String>,
    /// Names of workloads; none means all.
    pub work: Vec<String>,
    /// Contestants from the command line.
    pub also: Vec<Contestant>,
}

/// What the command line asks for.
#[derive(Debug)]
pub enum Command {
    Run(Options),
    Help,
}

/// The help text.
pub fn help() -> String {
    let works: Vec<_> = workload::all(false).iter().map(|it| (it.name, it.about())).collect();
    let works: String =
        works.iter().map(|(name, about)| format!("  {name:<10} {about}\n")).collect();
    format!(
        "Races servers that hash uploads. Run it on a quiet machine with two cores.\n\n\
         Usage: cargo run --release --manifest-path bench/Cargo.toml -- [OPTIONS]\n\n\
         \x20 --quick              shorter works, for a first look\n\
         \x20 --rounds N           how often each is measured (default 5)\n\
         \x20 --only NAME          only this server; may be repeated\n\
         \x20 --work NAME          only this work; may be repeated\n\
         \x20 --also NAME=COMMAND  another server; {{addr}} in the command is its address\n\n\
         Servers: {}\n\nWorks:\n{works}",
        NAMES.join(", ")
    )
}

/// Understands arguments.
///
/// # Errors
///
/// At what it does not know.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, lexopt::Error> {
    let mut options =
        Options { quick: false, rounds: 5, only: Vec::new(), work: Vec::new(), also: Vec::new() };
    let mut parser = lexopt::Parser::from_args(arguments);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("help") | Short('h') => return Ok(Command::Help),
            Long("quick") => options.quick = true,
            Long("rounds") => options.rounds = parser.value()?.parse()?,
            Long("only") => options.only.push(parser.value()?.string()?),
            Long("work") => options.work.push(parser.value()?.string()?),
            Long("also") => options.also.push(also(&parser.value()?.string()?)?),
            other => return Err(other.unexpected()),
        }
    }
    if options.rounds == 0 {
        return Err("--rounds must be at least 1".into());
    }
    let works = workload::all(false);
    if let Some(name) = options.work.iter().find(|name| works.iter().all(|it| it.name != **name)) {
        return Err(format!("no such work: {name}").into());
    }
    let is_known = |name: &String| {
        NAMES.contains(&name.as_str()) || options.also.iter().any(|also| also.name == *name)
    };
    if let Some(name) = options.only.iter().find(|name| !is_known(name)) {
        return Err(format!("no such server: {name}").into());
    }
    Ok(Command::Run(options))
}

fn also(value: &str) -> Result<Contestant, lexopt::Error> {
    match value.split_once('=') {
        Some((name, command)) if command.contains("{addr}") => {
            Ok(Contestant::new(name, &command.split_whitespace().collect::<Vec<_>>()))
        }
        _ => Err("--also takes NAME=COMMAND, with {addr} in the command".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(arguments: &[&str]) -> String {
        parse(arguments.iter().map(OsString::from)).unwrap_err().to_string()
    }

    #[test]
    fn names_are_checked() {
        assert_eq!(error(&["--work", "none"]), "no such work: none");
        assert_eq!(error(&["--only", "none"]), "no such server: none");
        assert_eq!(error(&["--rounds", "0"]), "--rounds must be at least 1");
        assert!(error(&["--also", "x=server"]).contains("{addr}"));
        let known = ["--work", "small", "--only", "x", "--also", "x=server {addr}"];
        assert!(parse(known.iter().map(OsString::from)).is_ok());
    }
}
