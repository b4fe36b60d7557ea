//! Runs the race and prints one table.

use std::env;
use std::io;
use std::process::ExitCode;

use streamsum_bench::build::Programs;
use streamsum_bench::contestant;
use streamsum_bench::cores::Cores;
use streamsum_bench::options::{self, Command, Options};
use streamsum_bench::race;
use streamsum_bench::table::Table;
use streamsum_bench::workload;

fn main() -> ExitCode {
    let options = match options::parse(env::args_os().skip(1)) {
        Ok(Command::Run(options)) => options,
        Ok(Command::Help) => {
            print!("{}", options::help());
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("{error}; --help lists what there is");
            return ExitCode::from(2);
        }
    };
    if cfg!(debug_assertions) {
        eprintln!("without --release the loader would be the limit");
        return ExitCode::from(2);
    }
    match run(&options) {
        Ok(table) => {
            print!("{table}");
            if table.has_failure() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> io::Result<Table> {
    eprintln!("building…");
    let programs = Programs::build()?;
    if let Some(left_out) = contestant::left_out(&programs) {
        eprintln!("{left_out}");
    }
    let mut contestants = contestant::all(&programs);
    contestants.extend(options.also.iter().cloned());
    let is_named =
        |names: &[String], name: &str| names.is_empty() || names.iter().any(|it| it == name);
    contestants.retain(|contestant| is_named(&options.only, &contestant.name));
    let mut workloads = workload::all(options.quick);
    workloads.retain(|workload| is_named(&options.work, workload.name));

    let cores = Cores::find()?;
    let mut table = Table::new();
    for workload in &workloads {
        eprintln!("{}: {}", workload.name, workload.about());
        let entries = race::run(workload, &contestants, options.rounds, &cores, |round, name| {
            eprintln!("  round {} of {}: {name}", round + 1, options.rounds);
        })?;
        table.add(workload, &entries);
    }
    Ok(table)
}
