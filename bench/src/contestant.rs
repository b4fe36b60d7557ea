//! Who takes part.

use crate::build::Programs;
use crate::cores::Place;
use crate::loader::Digests;

/// The contestant that the others are compared with.
pub const BASELINE: &str = "hyper";

/// A server to be started, and what to expect of it.
#[derive(Clone, Debug)]
pub struct Contestant {
    pub name: String,
    /// Program and arguments, with `{addr}` where the address goes.
    pub command: Vec<String>,
    /// What is set in its environment.
    pub variables: Vec<(&'static str, &'static str)>,
    pub place: Place,
    pub digests: Digests,
}

impl Contestant {
    /// One that hashes, on one core.
    pub fn new(name: &str, command: &[&str]) -> Self {
        Self {
            name: name.into(),
            command: command.iter().map(|&word| word.into()).collect(),
            variables: Vec::new(),
            place: Place::OneCore,
            digests: Digests::True,
        }
    }

    /// The same on all cores, under another name.
    fn on_all_cores(name: &str, command: &[&str]) -> Self {
        Self { place: Place::AllCores, ..Self::new(name, command) }
    }
}

/// The names of [`all`] of them, in order.
pub const NAMES: [&str; 10] = [
    "hyper",
    "hyper-2",
    "hyper-own-hash",
    "actix",
    "go",
    "go-2",
    "ruler-receive",
    "ruler-lanes",
    "streamsum",
    "streamsum-log",
];

/// Everybody whose program could be built.
pub fn all(programs: &Programs) -> Vec<Contestant> {
    NAMES.into_iter().filter_map(|name| named(name, programs)).collect()
}

fn named(name: &str, programs: &Programs) -> Option<Contestant> {
    let Programs { hyper, actix, ruler, streamsum, go } = programs;
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
            digests: Digests::Always([b'0'; 32]),
            ..Contestant::new(name, &[ruler, "receive", "{addr}"])
        },
        "ruler-lanes" => Contestant::new(name, &[ruler, "lanes", "{addr}"]),
        "streamsum" => {
            Contestant::new(name, &[streamsum, "--listen", "{addr}", "--access-log", "off"])
        }
        "streamsum-log" => Contestant::new(name, &[streamsum, "--listen", "{addr}"]),
        _ => return None,
    };
    Some(contestant)
}

/// Why some are not there, in words; empty if all are.
pub fn left_out(programs: &Programs) -> Option<&'static str> {
    const NO_GO: &str = "go and go-2 are left out: there is no Go toolchain here; \
         Debian's package golang-go has one";
    programs.go.is_none().then_some(NO_GO)
}
