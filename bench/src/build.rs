//! Builds the programs that take part, each as its users would: in release mode, with
//! its own lock file.

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where the programs are.
#[derive(Clone, Debug)]
pub struct Programs {
    pub hyper: String,
    pub hyper_pass_on: String,
    pub actix: String,
    pub axum: String,
    pub ruler: String,
    pub forward: String,
    pub offline: String,
    pub sink: String,
    pub streamsum: String,
    /// None where it cannot be built.
    pub pass_on: Option<String>,
    /// None without a Go toolchain.
    pub go: Option<String>,
}

impl Programs {
    /// Builds them all, in the target directory that this program came from.
    ///
    /// # Errors
    ///
    /// When one cannot be built, and in a program that was built for debugging itself.
    pub fn build() -> io::Result<Self> {
        if cfg!(debug_assertions) {
            return Err(io::Error::other("without --release the loader would be the limit"));
        }
        let bench = Path::new(env!("CARGO_MANIFEST_DIR"));
        let target = target()?;
        let own = target.join("release");
        let bins = [
            "--bin=hyper",
            "--bin=hyper_pass_on",
            "--bin=actix",
            "--bin=axum",
            "--bin=ruler",
            "--bin=forward",
            "--bin=offline",
            "--bin=sink",
        ];
        cargo_build(&bench.join("Cargo.toml"), &bins, &target)?;
        // In a directory of its own: other features of the same crates are built there.
        let target = target.join("streamsum");
        let manifest = bench.join("../Cargo.toml");
        cargo_build(&manifest, &["--bin=streamsum"], &target)?;
        let example = ["--features=outgoing-tls", "--example=pass_on"];
        let pass_on = cargo_build(&manifest, &example, &target).ok();
        let pass_on = pass_on.map(|()| path(target.join("release/examples/pass_on")));
        Ok(Self {
            hyper: path(own.join("hyper"))?,
            hyper_pass_on: path(own.join("hyper_pass_on"))?,
            actix: path(own.join("actix"))?,
            axum: path(own.join("axum"))?,
            ruler: path(own.join("ruler"))?,
            forward: path(own.join("forward"))?,
            offline: path(own.join("offline"))?,
            sink: path(own.join("sink"))?,
            streamsum: path(target.join("release/streamsum"))?,
            pass_on: pass_on.transpose()?,
            go: go(&own)?,
        })
    }
}

/// The target directory that this program came from.
///
/// # Errors
///
/// When it came from none.
pub fn target() -> io::Result<PathBuf> {
    let executable = env::current_exe()?;
    let target = executable.ancestors().nth(2).ok_or_else(|| io::Error::other("no target"))?;
    Ok(target.to_path_buf())
}

fn cargo_build(manifest: &Path, what: &[&str], target: &Path) -> io::Result<()> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--release", "--locked", "--quiet", "--manifest-path"])
        .arg(manifest)
        .args(what)
        .arg("--target-dir")
        .arg(target)
        .status()?;
    must_succeed(status.success(), manifest)
}

/// Builds the program in Go, into a directory; says where it is, if there is a Go toolchain.
///
/// # Errors
///
/// When it cannot be built.
pub fn go(directory: &Path) -> io::Result<Option<String>> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("go/main.go");
    let program = directory.join("go-server");
    let tried = Command::new("go")
        // Without what a debugger needs, as the other programs are.
        .args(["build", "-trimpath", "-ldflags=-s -w", "-o"])
        .arg(&program)
        .arg(&source)
        .stdin(Stdio::null())
        .status();
    match tried {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        tried => {
            must_succeed(tried?.success(), &source)?;
            path(program).map(Some)
        }
    }
}

fn must_succeed(success: bool, source: &Path) -> io::Result<()> {
    let failed = || io::Error::other(format!("cannot build {}", source.display()));
    success.then_some(()).ok_or_else(failed)
}

fn path(path: PathBuf) -> io::Result<String> {
    path.into_os_string().into_string().map_err(|path| io::Error::other(format!("{path:?}")))
}
