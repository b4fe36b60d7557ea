//! Builds the programs that take part, each as its users would: in release mode, with
//! its own lock file.

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the programs are.
#[derive(Clone, Debug)]
pub struct Programs {
    pub hyper: String,
    pub ruler: String,
    pub streamsum: String,
}

impl Programs {
    /// Builds them all, in the target directory that this program came from.
    ///
    /// # Errors
    ///
    /// When one cannot be built.
    pub fn build() -> io::Result<Self> {
        let bench = Path::new(env!("CARGO_MANIFEST_DIR"));
        let executable = env::current_exe()?;
        let target = executable.ancestors().nth(2).ok_or_else(|| io::Error::other("no target"))?;
        let own = target.join("release");
        cargo_build(&bench.join("Cargo.toml"), "--bins", target)?;
        // In a directory of its own: other features of the same crates are built there.
        let target = target.join("streamsum");
        cargo_build(&bench.join("../Cargo.toml"), "--bin=streamsum", &target)?;
        Ok(Self {
            hyper: path(own.join("hyper"))?,
            ruler: path(own.join("ruler"))?,
            streamsum: path(target.join("release/streamsum"))?,
        })
    }
}

fn cargo_build(manifest: &Path, what: &str, target: &Path) -> io::Result<()> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--release", "--locked", "--quiet", what, "--manifest-path"])
        .arg(manifest)
        .arg("--target-dir")
        .arg(target)
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other(format!("cannot build {}", manifest.display())))
    }
}

fn path(path: PathBuf) -> io::Result<String> {
    path.into_os_string().into_string().map_err(|path| io::Error::other(format!("{path:?}")))
}
