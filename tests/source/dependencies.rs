//! The list of dependencies does not grow unnoticed, and the README tells the truth of it.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

const LIBRARY: [&str; 5] = ["httparse", "httpdate", "md-5", "mio", "slab"];
const DIGESTS: [&str; 5] = ["crc32c", "crc32fast", "crc64fast-nvme", "sha1", "sha2"];
/// Of these, bytesize and humantime are the binary's, and sha2 is that of the digests.
const FOLDER: [&str; 4] = ["bytesize", "humantime", "rustix", "sha2"];
/// socket2 is also the binary's.
const OUTGOING: [&str; 1] = ["socket2"];
const OUTGOING_TLS: [&str; 2] = ["rustls", "rustls-native-certs"];
const BINARY: [&str; 6] = ["bytesize", "humantime", "lexopt", "rlimit", "signal-hook", "socket2"];
/// Crates that build for the library on Linux, itself not counted: its dependencies, theirs,
/// and so on.
const LIBRARY_IN_ALL: usize = 12;
/// The same with the feature `digests`.
const DIGESTS_IN_ALL: usize = 20;
/// The same with the feature `outgoing`, and with `outgoing-tls`.
const OUTGOING_IN_ALL: [usize; 2] = [13, 24];

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect("a file")
}

/// The lines of a section of the manifest.
fn section(name: &str) -> Vec<String> {
    let manifest = read("Cargo.toml");
    let section = manifest.split(&format!("\n[{name}]\n")).nth(1).expect("a section");
    section.split("\n[").next().unwrap_or_default().lines().map(str::to_owned).collect()
}

fn names(lines: &[String], is_wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let lines = lines.iter().filter(|line| !line.starts_with('#') && is_wanted(line));
    lines.filter_map(|line| Some(line.split_once(" = ")?.0.to_owned())).collect()
}

#[test]
fn the_library_has_five_and_each_feature_has_its_own() {
    let dependencies = section("dependencies");
    let is_optional = |line: &str| line.contains("optional = true");
    assert_eq!(names(&dependencies, |line| !is_optional(line)), LIBRARY);
    assert_eq!(
        names(&dependencies, is_optional),
        [&DIGESTS[..], &["rustix"], &OUTGOING_TLS, &BINARY].concat()
    );
    let for_tests = names(&section("dev-dependencies"), |_| true);
    assert_eq!(for_tests, ["testkit"], "tests need no crates of others");
}

#[test]
fn every_dependency_has_its_reason() {
    for name in ["dependencies", "dev-dependencies"] {
        for pair in section(name).windows(2) {
            let is_dependency = pair[1].contains(" = ") && !pair[1].starts_with('#');
            assert!(!is_dependency || pair[0].starts_with('#'), "no reason: {}", pair[1]);
        }
    }
}

/// How many crates an embedder compiles with these features.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[track_caller]
fn crates(features: &str) -> usize {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let listed = Command::new(cargo)
        .args(["tree", "--locked", "--offline", "--no-default-features", "--features", features])
        .args(["--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo");
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let listed = String::from_utf8(listed.stdout).expect("names");
    let crates: BTreeSet<_> = listed.lines().filter_map(|line| line.split(' ').next()).collect();
    println!("{features:?}: {crates:?}");
    crates.len() - 1
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn what_these_depend_on_does_not_grow() {
    assert_eq!((crates(""), crates("digests")), (LIBRARY_IN_ALL, DIGESTS_IN_ALL));
    assert_eq!([crates("outgoing"), crates("outgoing-tls")], OUTGOING_IN_ALL);
}

#[test]
fn the_readme_says_so() {
    let readme = read("README.md");
    let library = LIBRARY.join(", ");
    let (digests, binary) = (DIGESTS.join(", "), BINARY.join(", "));
    assert!(readme.contains("a library with five direct dependencies"));
    assert!(readme.contains(&format!(
        "| `--no-default-features` | {library}: {LIBRARY_IN_ALL} crates with all that these need |"
    )));
    assert!(readme.contains(&format!("besides {digests}: {DIGESTS_IN_ALL} crates in all |")));
    assert!(readme.contains(&format!("besides {} |", FOLDER.join(", "))));
    assert!(readme.contains(&format!("besides {binary} |")));
    let outgoing = [OUTGOING.join(", "), [&OUTGOING_TLS[..], &OUTGOING].concat().join(", ")];
    for (names, in_all) in outgoing.into_iter().zip(OUTGOING_IN_ALL) {
        assert!(readme.contains(&format!("besides {names}: {in_all} crates in all |")), "{names}");
    }
}
