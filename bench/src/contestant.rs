//! Who takes part.

use std::path::Path;

use testkit::content::Hex;

use crate::build::Programs;
use crate::cores::Place;

/// The contestant that the others are compared with.
pub const BASELINE: &str = "hyper";

/// Stands in a command for a folder to keep uploads in.
const FOLDER: &str = "{folder}";

/// A program to be started, and what to expect of it.
#[derive(Clone, Debug)]
pub struct Contestant {
    pub name: String,
    pub role: Role,
    /// Program and arguments, with `{addr}` where a server's address goes, and `{folder}` where
    /// that goes which it keeps uploads in, if it does.
    pub command: Vec<String>,
    /// What is set in its environment.
    pub variables: Vec<(&'static str, &'static str)>,
    pub place: Place,
    pub digests: Digests,
}

/// How much of an HTTP server it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Server,
    /// Counts its way through the loader's requests, without a parser.
    Ruler,
    /// Works without a network. Its command has `{uploads}` and `{bytes}`.
    Offline,
}

/// Which digests a server answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digests {
    /// Those of the content.
    True,
    /// Always this one: that of a ruler which does not hash, or not by MD5.
    Always(Hex),
}

impl Contestant {
    /// One that hashes, on one core.
    pub fn new(name: &str, command: &[&str]) -> Self {
        Self {
            name: name.into(),
            role: Role::Server,
            command: command.iter().map(|&word| word.into()).collect(),
            variables: Vec::new(),
            place: Place::OneCore,
            digests: Digests::True,
        }
    }

    /// Whether it keeps uploads.
    pub fn keeps(&self) -> bool {
        self.command.iter().any(|word| word.contains(FOLDER))
    }

    /// The same with a folder to keep them in.
    pub fn keeping_in(&self, folder: &Path) -> Self {
        let place = |word: &String| word.replace(FOLDER, &folder.to_string_lossy());
        Self { command: self.command.iter().map(place).collect(), ..self.clone() }
    }

    /// The same on all cores, under another name.
    fn on_all_cores(name: &str, command: &[&str]) -> Self {
        Self { place: Place::AllCores, ..Self::new(name, command) }
    }
}

/// The names of [`all`] of them, in order.
pub const NAMES: [&str; 18] = [
    "hyper",
    "hyper-2",
    "hyper-own-hash",
    "actix",
    "go",
    "go-2",
    "ruler-receive",
    "ruler-lanes",
    "ruler-hash",
    "ruler-digests",
    "streamsum",
    "streamsum-2",
    "streamsum-log",
    "streamsum-digests",
    "axum-keep",
    "go-keep",
    "ruler-write",
    "streamsum-keep",
];

/// Everybody whose program could be built.
pub fn all(programs: &Programs) -> Vec<Contestant> {
    NAMES.into_iter().filter_map(|name| named(name, programs)).collect()
}

fn named(name: &str, programs: &Programs) -> Option<Contestant> {
    let Programs { hyper, actix, axum, ruler, offline, streamsum, go } = programs;
    let contestant = match name {
        "hyper" => Contestant::new(name, &[hyper, "current-thread", "md-5", "{addr}"]),
        "hyper-2" => Contestant::on_all_cores(name, &[hyper, "multi-thread", "md-5", "{addr}"]),
        "hyper-own-hash" => Contestant::new(name, &[hyper, "current-thread", "own-hash", "{addr}"]),
        "actix" => Contestant::new(name, &[actix, "{addr}"]),
        "go" => Contestant {
            variables: vec![("GOMAXPROCS", "1")],
            ..Contestant::new(name, &[go.as_ref()?, "{addr}"])
        },
        "go-2" => Contestant::on_all_cores(name, &[go.as_ref()?, "{addr}"]),
        "ruler-receive" => Contestant {
            role: Role::Ruler,
            digests: Digests::Always([b'0'; 32]),
            ..Contestant::new(name, &[ruler, "receive", "{addr}"])
        },
        "ruler-lanes" => {
            Contestant { role: Role::Ruler, ..Contestant::new(name, &[ruler, "lanes", "{addr}"]) }
        }
        "ruler-hash" => Contestant {
            role: Role::Offline,
            ..Contestant::new(name, &[offline, "md5", "{uploads}", "{bytes}"])
        },
        "ruler-digests" => Contestant {
            role: Role::Offline,
            digests: Digests::Always([b'0'; 32]),
            ..Contestant::new(name, &[offline, "others", "{uploads}", "{bytes}"])
        },
        "streamsum" => {
            Contestant::new(name, &[streamsum, "--listen", "{addr}", "--access-log", "off"])
        }
        "streamsum-2" => Contestant::on_all_cores(
            name,
            &[streamsum, "--listen", "{addr}", "--access-log", "off", "--workers", "auto"],
        ),
        "streamsum-log" => Contestant::new(name, &[streamsum, "--listen", "{addr}"]),
        "streamsum-digests" => {
            let digests = ["--digest", "md5,sha-256,crc32c"];
            let options = ["--listen", "{addr}", "--access-log", "off"];
            Contestant::new(name, &[&[&**streamsum], &options[..], &digests[..]].concat())
        }
        "axum-keep" => Contestant::new(name, &[axum, "current-thread", "{addr}", FOLDER]),
        "go-keep" => Contestant {
            variables: vec![("GOMAXPROCS", "1")],
            ..Contestant::new(name, &[go.as_ref()?, "{addr}", FOLDER])
        },
        "ruler-write" => Contestant {
            role: Role::Offline,
            digests: Digests::Always([b'0'; 32]),
            ..Contestant::new(name, &[offline, "write", "{uploads}", "{bytes}", FOLDER])
        },
        "streamsum-keep" => {
            let keeping = ["--to", FOLDER, "--anonymous"];
            let options = ["--listen", "{addr}", "--access-log", "off"];
            Contestant::new(name, &[&[&**streamsum], &options[..], &keeping[..]].concat())
        }
        _ => return None,
    };
    Some(contestant)
}

/// Why some are not there, in words; empty if all are.
pub fn left_out(programs: &Programs) -> Option<&'static str> {
    const NO_GO: &str = "go, go-2 and go-keep are left out: there is no Go toolchain here; \
         Debian's package golang-go has one";
    programs.go.is_none().then_some(NO_GO)
}
