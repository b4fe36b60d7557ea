//! A folder holds one report: the next one takes its place, and nobody else's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use streamsum_bench::environment::Environment;
use streamsum_bench::measure::memory::Memory;
use streamsum_bench::race::{Entry, Outcome, Raced};
use streamsum_bench::report::{Folder, Report};
use streamsum_bench::results::Results;
use streamsum_bench::workload;

/// A path where nothing is.
fn nowhere(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    path
}

/// Of a race over works about memory, each with a chart.
fn report(works: &[&str]) -> Report {
    let raced = |work: &&str| {
        let workload = workload::all(true).into_iter().find(|it| it.name == **work).unwrap();
        let outcome = Outcome::Rounds(vec![Ok(Memory { each: 400.0, whole: 1e6 })]);
        Raced { workload, entries: vec![Entry { contestant: "it".into(), outcome }] }
    };
    let memory = works.iter().map(raced).collect();
    let results = Results { memory, ..Results::default() };
    Report { environment: Environment::find("reno".into()), notes: Vec::new(), rounds: 1, results }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_report_takes_the_place_of_the_one_before() {
    let path = nowhere("twice");
    let folder = Folder::open(&path).unwrap();
    report(&["held", "idle"]).write(&folder).unwrap();
    assert_eq!(names(&path), ["memory-held.svg", "memory-idle.svg", "report.md"]);
    let folder = Folder::open(&path).unwrap();
    let written = report(&["held"]).write(&folder).unwrap();
    assert_eq!(names(&path), ["memory-held.svg", "report.md"]);
    assert!(!fs::read_to_string(written).unwrap().contains("idle"));
}

#[test]
fn a_chart_that_is_gone_is_not_missed() {
    let path = nowhere("gone");
    let folder = Folder::open(&path).unwrap();
    report(&["held", "idle"]).write(&folder).unwrap();
    fs::remove_file(path.join("memory-idle.svg")).unwrap();
    report(&["idle"]).write(&Folder::open(&path).unwrap()).unwrap();
    assert_eq!(names(&path), ["memory-idle.svg", "report.md"]);
}

#[test]
fn what_no_race_has_written_is_left_alone() {
    let path = nowhere("foreign");
    report(&["held"]).write(&Folder::open(&path).unwrap()).unwrap();
    // Even what looks like a chart, as long as the report does not show it.
    for (name, text) in [("notes.txt", "mine"), ("memory-idle.svg", "mine"), ("report.md", "mine")]
    {
        let before = fs::read_to_string(path.join("report.md")).unwrap();
        let folder = Folder::open(&path).unwrap();
        fs::write(path.join(name), text).unwrap();
        let refused = Folder::open(&path).unwrap_err().to_string();
        assert!(refused.contains(&format!("{name} is no part of a report")), "{refused}");
        // It came while the race was on.
        assert!(report(&["idle"]).write(&folder).is_err());
        assert_eq!(fs::read_to_string(path.join(name)).unwrap(), text);
        assert!(path.join("memory-held.svg").exists());
        fs::remove_file(path.join(name)).unwrap();
        fs::write(path.join("report.md"), before).unwrap();
    }
}

#[test]
fn the_command_refuses_a_folder_of_somebody_elses_before_it_builds_anything() {
    let path = nowhere("refused");
    fs::create_dir(&path).unwrap();
    fs::write(path.join("notes.txt"), "mine").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_streamsum-bench"));
    let output = command.arg("--report").arg(&path).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("notes.txt is no part of a report") && !said.contains("building"));
    assert_eq!(names(&path), ["notes.txt"]);
}
