//! Who takes part.

use testkit::content::Hex;

use crate::build::Programs;
use crate::cores::Place;

/// The contestant that the others are compared with.
pub const BASELINE: &str = "hyper";

/// The contestant that those are compared with who pass uploads on.
pub const FORWARDER: &str = "ruler-forward-lanes";

/// Stands in a command for a folder to keep uploads in.
const FOLDER: &str = "{folder}";
/// Stands in a command for the origin to pass uploads on to: `http://` and an address.
const ORIGIN: &str = "{origin}";
/// Stands for the same behind `https://`.
const TLS_ORIGIN: &str = "{tls-origin}";

/// What signed the certificate of that origin, the certificate, and its key, as files of PEM.
const AUTHORITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../src/tls/tests/ca.pem");
const CERTIFICATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../src/tls/tests/server.pem");
const KEY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../src/tls/tests/server.key");

/// A program to be started, and what to expect of it.
#[derive(Clone, Debug)]
pub struct Contestant {
    pub name: String,
    pub role: Role,
    pub fate: Fate,
    /// Program and arguments, with `{addr}` where a server's address goes, and `{folder}` or
    /// `{origin}` or `{tls-origin}` where that goes which it keeps uploads in or passes them on to, if it does.
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

/// What becomes of content beside its digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Dropped,
    /// It is kept in a folder.
    Kept,
    /// It goes on to an origin.
    PassedOn,
    /// It goes on to an origin, encrypted.
    PassedOnByTls,
}

impl Fate {
    /// Which content has of a program with such a command.
    fn of(command: &[&str]) -> Self {
        let is_in = |place: &str| command.iter().any(|word| word.contains(place));
        let mut fates = [Self::Kept, Self::PassedOn, Self::PassedOnByTls].into_iter();
        fates.find(|fate| fate.place().is_some_and(is_in)).unwrap_or(Self::Dropped)
    }

    /// What stands in a command for the place where content goes.
    fn place(self) -> Option<&'static str> {
        match self {
            Self::Dropped => None,
            Self::Kept => Some(FOLDER),
            Self::PassedOn => Some(ORIGIN),
            Self::PassedOnByTls => Some(TLS_ORIGIN),
        }
    }
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
            fate: Fate::of(command),
            command: command.iter().map(|&word| word.into()).collect(),
            variables: Vec::new(),
            place: Place::OneCore,
            digests: Digests::True,
        }
    }

    /// The same with the folder that it keeps uploads in, or the origin it passes them on to.
    pub fn sending_to(&self, place: &str) -> Self {
        let Some(placeholder) = self.fate.place() else { return self.clone() };
        let fill = |word: &String| word.replace(placeholder, place);
        Self { command: self.command.iter().map(fill).collect(), ..self.clone() }
    }

    /// The same on all cores, under another name.
    fn on_all_cores(name: &str, command: &[&str]) -> Self {
        Self { place: Place::AllCores, ..Self::new(name, command) }
    }
}

/// The names of [`all`] of them, in order.
pub const NAMES: [&str; 25] = [
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
    "hyper-pass-on",
    "go-pass-on",
    "ruler-forward",
    "ruler-forward-lanes",
    "streamsum-pass-on",
    "ruler-tls",
    "streamsum-pass-on-tls",
];

/// Everybody whose program could be built.
pub fn all(programs: &Programs) -> Vec<Contestant> {
    NAMES.into_iter().filter_map(|name| named(name, programs)).collect()
}

fn named(name: &str, programs: &Programs) -> Option<Contestant> {
    let Programs {
        hyper,
        hyper_pass_on,
        actix,
        axum,
        ruler,
        forward,
        offline,
        sink: _,
        streamsum,
        pass_on,
        go,
    } = programs;
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
        "hyper-pass-on" => Contestant::new(name, &[hyper_pass_on, "{addr}", ORIGIN]),
        "go-pass-on" => Contestant {
            variables: vec![("GOMAXPROCS", "1")],
            ..Contestant::new(name, &[go.as_ref()?, "{addr}", ORIGIN])
        },
        "ruler-forward" => Contestant {
            role: Role::Ruler,
            digests: Digests::Always([b'0'; 32]),
            ..Contestant::new(name, &[forward, "plain", "{addr}", ORIGIN])
        },
        FORWARDER => Contestant {
            role: Role::Ruler,
            ..Contestant::new(name, &[forward, "lanes", "{addr}", ORIGIN])
        },
        "streamsum-pass-on" => Contestant::new(name, &[pass_on.as_ref()?, "{addr}", ORIGIN]),
        "ruler-tls" => Contestant {
            role: Role::Offline,
            fate: Fate::PassedOnByTls,
            digests: Digests::Always([b'0'; 32]),
            ..Contestant::new(
                name,
                &[offline, "tls", "{uploads}", "{bytes}", AUTHORITY, CERTIFICATE, KEY],
            )
        },
        "streamsum-pass-on-tls" => Contestant {
            variables: vec![("SSL_CERT_FILE", AUTHORITY)],
            ..Contestant::new(name, &[pass_on.as_ref()?, "{addr}", TLS_ORIGIN])
        },
        _ => return None,
    };
    Some(contestant)
}

/// What takes the uploads that others pass on.
#[derive(Clone, Debug)]
pub struct Sinks {
    plain: Contestant,
    by_tls: Contestant,
}

impl Sinks {
    /// By the program of them.
    pub fn new(program: &str) -> Self {
        let sink = |command: &[&str]| {
            let place = Place::BesideLoader;
            Contestant { place, ..Contestant::new("sink", command) }
        };
        Self {
            plain: sink(&[program, "{addr}"]),
            by_tls: sink(&[program, "{addr}", CERTIFICATE, KEY]),
        }
    }

    /// That of a contestant, and the scheme of its URI.
    pub fn of(&self, contestant: &Contestant) -> (&Contestant, &'static str) {
        match contestant.fate {
            Fate::PassedOnByTls => (&self.by_tls, "https"),
            _ => (&self.plain, "http"),
        }
    }
}

/// Why some are not there, in words; nothing if all are.
pub fn left_out(programs: &Programs) -> Vec<&'static str> {
    const NO_GO: &str = "go, go-2, go-keep and go-pass-on are left out: there is no Go toolchain \
         here; Debian's package golang-go has one";
    const NO_PASS_ON: &str = "streamsum-pass-on and streamsum-pass-on-tls are left out: \
         examples/pass_on.rs cannot be built";
    let notes = [(programs.go.is_none(), NO_GO), (programs.pass_on.is_none(), NO_PASS_ON)];
    notes.into_iter().filter_map(|(is_out, note)| is_out.then_some(note)).collect()
}
