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
    pub place: Place,
    pub digests: Digests,
}

impl Contestant {
    /// One that hashes, on one core.
    pub fn new(name: &str, command: &[&str]) -> Self {
        Self {
            name: name.into(),
            command: command.iter().map(|&word| word.into()).collect(),
            place: Place::OneCore,
            digests: Digests::True,
        }
    }
}

/// The names of [`all`] of them, in order.
pub const NAMES: [&str; 6] =
    ["hyper", "hyper-2", "ruler-receive", "ruler-lanes", "streamsum", "streamsum-log"];

/// Everybody.
pub fn all(programs: &Programs) -> Vec<Contestant> {
    let Programs { hyper, ruler, streamsum } = programs;
    NAMES
        .map(|name| match name {
            "hyper" => Contestant::new(name, &[hyper, "current-thread", "{addr}"]),
            "hyper-2" => Contestant {
                place: Place::AllCores,
                ..Contestant::new(name, &[hyper, "multi-thread", "{addr}"])
            },
            "ruler-receive" => Contestant {
                digests: Digests::Always([b'0'; 32]),
                ..Contestant::new(name, &[ruler, "receive", "{addr}"])
            },
            "ruler-lanes" => Contestant::new(name, &[ruler, "lanes", "{addr}"]),
            "streamsum" => {
                Contestant::new(name, &[streamsum, "--listen", "{addr}", "--access-log", "off"])
            }
            _ => Contestant::new(name, &[streamsum, "--listen", "{addr}"]),
        })
        .into()
}
