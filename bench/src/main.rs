//! Runs the race, prints its tables, and leaves a report.

use std::env;
use std::error::Error;
use std::process::ExitCode;

use streamsum_bench::build::{self, Programs};
use streamsum_bench::contestant::{self, BASELINE, Fate, Sinks};
use streamsum_bench::environment::Environment;
use streamsum_bench::network;
use streamsum_bench::options::{self, Command, Options};
use streamsum_bench::race;
use streamsum_bench::report::{Folder, Report};
use streamsum_bench::session::Session;
use streamsum_bench::workload::Work;

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
    match run(options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Says whether nobody failed.
fn run(mut options: Options) -> Result<bool, Box<dyn Error>> {
    // Before the race: half an hour later it would be a pity.
    let folder = Folder::open(&match options.report.clone() {
        Some(path) => path,
        None => build::target()?.join("report"),
    })?;
    let mut notes = Vec::new();
    let (mut contestants, mut baseline, mut sinks) = (Vec::new(), None, None);
    let needs_baseline = options.workloads.iter().any(|it| matches!(it.work, Work::Latency(_)));
    let is_passed = |fate| matches!(fate, Fate::PassedOn | Fate::PassedOnByTls);
    let needs_sinks = options.servers.iter().any(|it| is_passed(it.fate));
    if needs_baseline || needs_sinks || contestant::NAMES.iter().any(|name| options.includes(name))
    {
        eprintln!("building…");
        let programs = Programs::build()?;
        contestants = contestant::all(&programs);
        baseline = contestants.iter().find(|it| it.name == BASELINE).cloned();
        sinks = Some(Sinks::new(&programs.sink));
        notes.extend(contestant::left_out(&programs).into_iter().map(String::from));
    }
    contestants.extend(options.servers.iter().cloned());
    contestants.retain(|contestant| options.includes(&contestant.name));
    for note in &notes {
        eprintln!("{note}");
    }
    options.workloads.retain(|work| contestants.iter().any(|it| race::is_for(work, it)));
    if contestants.is_empty() || options.workloads.is_empty() {
        return Err("nobody is left to race".into());
    }

    // What was built may have come over the network.
    let environment = Environment::find(network::enter());
    let rounds = options.rounds;
    let session = Session { contestants, baseline, sinks, workloads: options.workloads, rounds };
    let report = Report { environment, notes, rounds, results: session.run()? };
    for section in report.results.sections() {
        println!("{section}");
    }
    println!("report: {}", report.write(&folder)?.display());
    Ok(!report.results.has_failure())
}
