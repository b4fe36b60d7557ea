//! The command itself, with servers that do not do their work: they are reported as
//! failed, not as fast.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use streamsum_bench::contestant::Contestant;
use streamsum_bench::session::Session;
use streamsum_bench::workload;

const BROKEN: &str = env!("CARGO_BIN_EXE_broken");
/// What each is found out by, at one upload and at small requests.
const WAYS: [(&str, &str, &str); 4] = [
    ("wrong-digest", "wrong digest", "wrong digest"),
    ("dropped-bytes", "wrong digest", "wrong digest"),
    ("declared-length", "an answer before its request was sent", "wrong digest"),
    ("unhashed", "wrong digest", "wrong digest"),
];

/// Races some of them, and says where the report went.
fn race(name: &str, ways: &[&str], works: &[&str]) -> (Output, PathBuf) {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&directory);
    let mut command = Command::new(env!("CARGO_BIN_EXE_streamsum-bench"));
    command.args(["--quick", "--rounds", "1", "--only", ways[0], "--report"]).arg(&directory);
    for way in ways {
        command.arg("--server").arg(format!("{way}={BROKEN} {way} {{addr}}"));
    }
    for work in works {
        command.args(["--work", work]);
    }
    (command.output().unwrap(), directory)
}

/// The row of a server at a work.
fn row<'t>(text: &'t str, work: &str, server: &str) -> Vec<&'t str> {
    let cells = |line: &'t str| line.split('|').skip(1).map(str::trim).collect::<Vec<_>>();
    let mut rows = text.lines().filter(|line| line.starts_with('|')).map(cells);
    rows.find(|row| row[0] == work && row[1] == server)
        .unwrap_or_else(|| panic!("no row of {server} at {work}:\n{text}"))
}

#[test]
fn broken_servers_have_failed() {
    let ways: Vec<&str> = WAYS.iter().map(|(way, ..)| *way).chain(["honest"]).collect();
    let (output, directory) = race("broken", &ways, &["upload-1", "small"]);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    let report = fs::read_to_string(directory.join("report.md")).unwrap();
    for text in [&printed, &report] {
        for (way, upload, small) in WAYS {
            for (work, reason) in [("upload-1", upload), ("small", small)] {
                let row = row(text, work, way);
                assert_eq!(row[2], "FAILED", "{way} at {work}");
                assert!(row.iter().any(|cell| cell.contains(reason)), "{way} at {work}: {row:?}");
                let has_speed = row.iter().any(|cell| cell.ends_with("/s"));
                assert!(!has_speed, "{way} at {work}: {row:?}");
            }
        }
        assert!(row(text, "upload-1", "honest")[2].ends_with(" GB/s"));
        assert!(row(text, "small", "honest")[2].ends_with(" k/s"));
    }
    assert!(report.contains("At least one server FAILED"));
}

#[test]
fn a_server_that_keeps_no_idle_connections_has_failed() {
    let (output, _) = race("closing", &["closing"], &["idle", "growth", "small"]);
    assert_eq!(output.status.code(), Some(1));
    let printed = String::from_utf8(output.stdout).unwrap();
    for work in ["idle", "growth", "small"] {
        assert_eq!(row(&printed, work, "closing")[2], "FAILED", "{printed}");
    }
}

#[test]
fn nobody_has_a_latency_when_the_baseline_is_broken() {
    let honest = Contestant::new("honest", &[BROKEN, "honest", "{addr}"]);
    let baseline = Contestant::new("hyper", &[BROKEN, "unhashed", "{addr}"]);
    let mut workloads = workload::all(true);
    workloads.retain(|workload| workload.name == "latency-small");
    let (contestants, rounds) = (vec![honest], 1);
    let session = Session { contestants, baseline: Some(baseline), sinks: None, workloads, rounds };
    let results = session.run().unwrap();
    assert!(results.has_failure());
    let failure = results.latency[0].entries[0].failure().unwrap().0.to_string();
    assert!(failure.starts_with("no rate to ask at: hyper: wrong digest"), "{failure}");
}

#[test]
fn an_honest_server_has_not() {
    let (output, directory) = race("honest", &["honest"], &["small", "idle", "growth", "start"]);
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{printed}");
    assert!(!printed.contains("FAILED"), "{printed}");
    let report = fs::read_to_string(directory.join("report.md")).unwrap();
    assert!(!report.contains("FAILED"), "{report}");
    assert!(directory.join("memory-idle.svg").exists());
    assert!(printed.ends_with(&format!("report: {}\n", directory.join("report.md").display())));
}
