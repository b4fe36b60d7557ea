//! The command line.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use lexopt::prelude::*;

use crate::contestant::{Contestant, NAMES};
use crate::workload::{self, Workload};

/// Rounds unless told otherwise, in full and in quick runs.
const ROUNDS: usize = 5;
const QUICK_ROUNDS: usize = 2;

/// What to run.
#[derive(Debug)]
pub struct Options {
    pub rounds: usize,
    /// Names of contestants; none means all.
    pub only: Vec<String>,
    pub workloads: Vec<Workload>,
    /// Contestants from the command line.
    pub servers: Vec<Contestant>,
    /// Where the report goes, if not to the usual place.
    pub report: Option<PathBuf>,
}

/// What the command line asks for.
#[derive(Debug)]
pub enum Command {
    Run(Options),
    Help,
}

/// The help text.
pub fn help() -> String {
    let works = workload::all(false);
    let works: String =
        works.iter().map(|it| format!("  {:<15} {}\n", it.name, it.about())).collect();
    format!(
        "Races servers that hash uploads. Run it on a quiet machine with two cores.\n\n\
         Usage: cargo run --release --manifest-path bench/Cargo.toml -- [OPTIONS]\n\n\
         \x20 --quick                less of everything, for a first look\n\
         \x20 --rounds N             how often each is measured (default {ROUNDS}, quick {QUICK_ROUNDS})\n\
         \x20 --only NAME            only this server; may be repeated\n\
         \x20 --work NAME            only this work, or these (upload: all from upload-1 on);\n\
         \x20                        may be repeated\n\
         \x20 --server 'CMD {{addr}}'  another server beside them, named after its program;\n\
         \x20                        'NAME=CMD {{addr}}' gives it a name; may be repeated\n\
         \x20 --report DIR           where the report goes, in place of an earlier one\n\
         \x20                        (default: report in the target directory)\n\n\
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
    let (mut quick, mut rounds, mut report) = (false, None, None);
    let (mut only, mut work, mut servers) = (Vec::new(), Vec::new(), Vec::<Contestant>::new());
    let mut parser = lexopt::Parser::from_args(arguments);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("help") | Short('h') => return Ok(Command::Help),
            Long("quick") => quick = true,
            Long("rounds") => rounds = Some(parser.value()?.parse()?),
            Long("only") => only.push(parser.value()?.string()?),
            Long("work") => work.push(parser.value()?.string()?),
            Long("server") => servers.push(server(&parser.value()?.string()?)?),
            Long("report") => report = Some(parser.value()?.into()),
            other => return Err(other.unexpected()),
        }
    }
    let rounds = rounds.unwrap_or(if quick { QUICK_ROUNDS } else { ROUNDS });
    if rounds == 0 {
        return Err("--rounds must be at least 1".into());
    }
    let mut names: Vec<&str> = NAMES.to_vec();
    for server in &servers {
        if names.contains(&server.name.as_str()) {
            return Err(format!("two servers with the name {}", server.name).into());
        }
        names.push(&server.name);
    }
    if let Some(name) = only.iter().find(|name: &&String| !names.contains(&name.as_str())) {
        return Err(format!("no such server: {name}").into());
    }
    let mut workloads = workload::all(quick);
    if let Some(name) = work.iter().find(|name| workloads.iter().all(|it| !it.is_named(name))) {
        return Err(format!("no such work: {name}").into());
    }
    workloads.retain(|it| work.is_empty() || work.iter().any(|name| it.is_named(name)));
    Ok(Command::Run(Options { rounds, only, workloads, servers, report }))
}

impl Options {
    /// Whether a contestant takes part. Those from the command line always do.
    pub fn includes(&self, name: &str) -> bool {
        self.only.is_empty()
            || self.only.iter().any(|only| only == name)
            || self.servers.iter().any(|server| server.name == name)
    }
}

/// A server from its command, perhaps behind a name.
fn server(value: &str) -> Result<Contestant, lexopt::Error> {
    // What stands before an equals sign is a name if it cannot be the beginning of a command.
    let is_name =
        |name: &str| !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '/');
    let (name, command) = match value.split_once('=') {
        Some((name, command)) if is_name(name) => (Some(name), command),
        _ => (None, value),
    };
    let words =
        shell_words::split(command).map_err(|error| format!("--server {value}: {error}"))?;
    if !words.iter().any(|word| word.contains("{addr}")) {
        return Err("--server takes a command with {addr} where the address goes".into());
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let program = Path::new(words[0]).file_name().unwrap_or_default().to_string_lossy();
    Ok(Contestant::new(name.unwrap_or(&program), &words))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(arguments: &[&str]) -> String {
        parse(arguments.iter().map(OsString::from)).unwrap_err().to_string()
    }

    fn options(arguments: &[&str]) -> Options {
        match parse(arguments.iter().map(OsString::from)).unwrap() {
            Command::Run(options) => options,
            Command::Help => panic!("no help was asked for"),
        }
    }

    #[test]
    fn names_are_checked() {
        assert_eq!(error(&["--work", "none"]), "no such work: none");
        assert_eq!(error(&["--only", "none"]), "no such server: none");
        assert_eq!(error(&["--rounds", "0"]), "--rounds must be at least 1");
        assert!(error(&["--server", "x=server"]).contains("{addr}"));
        assert!(error(&["--server", "x={addr} '"]).starts_with("--server x={addr} '"));
        let twice = error(&["--server", "a/it {addr}", "--server", "b/it {addr}"]);
        assert_eq!(twice, "two servers with the name it");
        assert_eq!(error(&["--server", "hyper={addr}"]), "two servers with the name hyper");
        options(&["--work", "small", "--only", "x", "--server", "x=server {addr}"]);
    }

    #[test]
    fn servers_are_named_after_their_programs() {
        let named = |value| {
            let server = options(&["--server", value]).servers.remove(0);
            (server.name, server.command.join("|"))
        };
        let of = |name: &str, command: &str| (name.into(), command.into());
        assert_eq!(named("a/b/it --on {addr}"), of("it", "a/b/it|--on|{addr}"));
        assert_eq!(named("old=a/it {addr}"), of("old", "a/it|{addr}"));
        assert_eq!(named("env A=B it {addr}"), of("env", "env|A=B|it|{addr}"));
        assert_eq!(named("./a=b {addr}"), of("a=b", "./a=b|{addr}"));
        assert_eq!(named("it 'two words' {addr}"), of("it", "it|two words|{addr}"));
    }

    #[test]
    fn only_keeps_servers_of_the_command_line() {
        let options = options(&["--only", "hyper", "--server", "x=server {addr}"]);
        assert!(options.includes("hyper") && options.includes("x"));
        assert!(!options.includes("actix"));
    }

    #[test]
    fn quick_runs_have_fewer_rounds_unless_told_otherwise() {
        assert_eq!(options(&[]).rounds, 5);
        assert_eq!(options(&["--quick"]).rounds, 2);
        assert_eq!(options(&["--rounds", "3", "--quick"]).rounds, 3);
    }

    #[test]
    fn works_may_be_several() {
        let works = |arguments: &[&str]| -> Vec<String> {
            options(arguments).workloads.into_iter().map(|it| it.name).collect()
        };
        assert_eq!(works(&["--work", "idle", "--work", "small"]), ["small", "idle"]);
        assert_eq!(works(&["--work", "chunked"]), ["chunked-64k", "chunked-1k"]);
        assert_eq!(works(&[]).len(), workload::all(false).len());
    }
}
