//! Where and with what a run was made: without it its figures say nothing.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::SystemTime;

use streamsum::md5::Kernel;

/// Exact versions of all that was built here.
const LOCK: &str = include_str!("../Cargo.lock");
/// As in the manifests, of streamsum's and of this package.
const PROFILE: &str = "release, fat LTO, one codegen unit, panic = abort, stripped";

/// What was found out, as names and values, in order.
#[derive(Clone, Debug)]
pub struct Environment(Vec<(&'static str, String)>);

impl Environment {
    /// That of this process, whose network has such a congestion control.
    pub fn find(congestion_control: String) -> Self {
        const UNKNOWN: &str = "unknown";
        let unknown = || String::from(UNKNOWN);
        let version = |name| locked(name).unwrap_or(UNKNOWN).to_owned();
        let commit = commit().map(|commit| format!(" ({commit})")).unwrap_or_default();
        let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
        let profile = if cfg!(debug_assertions) {
            "debug: the figures say nothing".into()
        } else {
            PROFILE.into()
        };
        Self(vec![
            ("date", humantime::format_rfc3339_seconds(SystemTime::now()).to_string()),
            ("command", command()),
            ("streamsum", format!("{}{commit}", version("streamsum"))),
            ("MD5 kernel", Kernel::detect().name().into()),
            ("hyper", version("hyper")),
            ("tokio", version("tokio")),
            ("actix-web", version("actix-web")),
            ("md-5", version("md-5")),
            ("Go", go().unwrap_or_else(|| "none".into())),
            ("compiler", said(&rustc, &["--version"]).unwrap_or_else(unknown)),
            ("profile", profile),
            ("RUSTFLAGS", env::var("RUSTFLAGS").unwrap_or_else(|_| "none".into())),
            ("congestion control", congestion_control),
            ("kernel", kernel().unwrap_or_else(unknown)),
            ("CPU", cpu().unwrap_or_else(unknown)),
            ("load before", load().unwrap_or_else(unknown)),
            ("cores", thread::available_parallelism().map_or(0, usize::from).to_string()),
        ])
    }

    /// Names and values, in order.
    pub fn lines(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(name, value)| (*name, value.as_str()))
    }
}

/// What was asked for.
fn command() -> String {
    let arguments: Vec<String> =
        env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let command = "cargo run --release --manifest-path bench/Cargo.toml";
    if arguments.is_empty() {
        return command.into();
    }
    format!("{command} -- {}", shell_words::join(arguments))
}

/// The version of a package in the lock file.
fn locked(name: &str) -> Option<&'static str> {
    let package = LOCK.split("[[package]]").find(|package| {
        package.lines().any(|line| line.strip_prefix("name = ").is_some_and(|it| is(it, name)))
    })?;
    let version = package.lines().find_map(|line| line.strip_prefix("version = "))?;
    Some(version.trim_matches('"'))
}

fn is(quoted: &str, name: &str) -> bool {
    quoted.trim_matches('"') == name
}

/// Which commit of streamsum this is, and whether something has been changed since.
fn commit() -> Option<String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).to_str()?;
    said("git", &["-C", here, "describe", "--always", "--dirty"])
}

/// What a program answers, in one line.
fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let line = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !line.is_empty()).then_some(line)
}

fn go() -> Option<String> {
    let version = said("go", &["version"])?;
    Some(version.trim_start_matches("go version go").to_owned())
}

fn kernel() -> Option<String> {
    let read = |name| fs::read_to_string(format!("/proc/sys/kernel/{name}")).ok();
    Some(format!("{} {}", read("ostype")?.trim(), read("osrelease")?.trim()))
}

/// How many processes wanted to run in the last minute.
fn load() -> Option<String> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    text.split_whitespace().next().map(String::from)
}

fn cpu() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_those_of_the_lock_file() {
        let hyper = locked("hyper").unwrap();
        assert!(hyper.starts_with("1."), "{hyper}");
        assert_eq!(locked("streamsum-bench"), Some("0.0.0"));
        assert_eq!(locked("no such package"), None);
    }
}
