//! The source keeps to its plan: floors import downwards, `unsafe` stays where it is
//! proved, files stay small.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module of the library with the modules it may import from. `proto` and `md5`
/// don't know each other, `engine` doesn't know mio, `server` doesn't know MD5.
const FLOORS: [(&str, &[&str]); 20] = [
    ("buf", &[]),
    ("md5", &[]),
    ("now", &[]),
    ("placement", &[]),
    ("proto", &[]),
    ("digest", &["md5", "proto"]),
    ("handler", &["buf", "proto"]),
    ("door", &["digest", "handler", "proto"]),
    ("link", &["buf"]),
    ("resident", &["handler", "link", "now", "proto"]),
    ("engine", &["buf", "handler", "link", "now", "proto", "resident"]),
    ("client", &["buf", "link", "now", "proto"]),
    ("checksum", &["digest", "handler", "md5", "proto", "resident"]),
    ("server", &["engine", "handler", "placement", "proto", "resident"]),
    ("run", &["engine", "handler", "placement", "proto", "resident", "server"]),
    ("tls", &["link"]),
    ("outgoing", &["client", "engine", "run", "server", "tls"]),
    ("folder", &["checksum", "digest", "door", "handler", "proto", "resident", "run"]),
    ("thread", &["engine", "handler", "resident", "run", "server"]),
    (
        "main",
        &[
            "checksum", "digest", "door", "engine", "folder", "handler", "md5", "proto",
            "resident", "run", "server",
        ],
    ),
];

/// Which modules may name which dependency.
const CRATES: [(&str, &[&str]); 14] = [
    ("httparse", &["proto"]),
    ("httpdate", &["proto"]),
    ("mio", &["server", "run", "outgoing", "main"]),
    ("slab", &["engine", "client"]),
    ("rustls", &["tls"]),
    ("rustls_native_certs", &["tls"]),
    ("socket2", &["outgoing", "main"]),
    ("sha1", &["digest"]),
    ("sha2", &["digest", "door"]),
    ("rustix", &["folder", "main"]),
    ("crc32c", &["digest"]),
    ("crc32fast", &["digest"]),
    ("crc64fast_nvme", &["digest"]),
    // The crate md-5 is imported as `::md5`, which tells it from our module.
    ("::md5", &["md5"]),
];

const LONGEST_FILE: usize = 700;

struct Source {
    path: PathBuf,
    module: String,
    text: String,
}

impl Source {
    /// Its code, without comments (and so without doctests) and without unit tests.
    fn code(&self) -> String {
        let code = self.text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        let lines = code.lines().map(|line| match line.find("//") {
            Some(at) if !line[..at].contains('"') => &line[..at],
            _ => line,
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let source = |path: PathBuf| {
        let inner = path.strip_prefix(&root).unwrap();
        let first = inner.components().next().unwrap();
        let module = Path::new(first.as_os_str()).with_extension("");
        let module = match module.to_str().unwrap() {
            "cli" => "main",
            module => module,
        };
        let text = fs::read_to_string(&path).unwrap();
        Source { module: module.to_owned(), path, text }
    };
    let found: Vec<Source> = files("src").into_iter().map(source).collect();
    assert!(found.len() > FLOORS.len(), "the source was found");
    found
}

/// The files of Rust in a folder of the repository, and in those below it.
fn files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found
}

/// Those of the library, and of all that tests it.
fn all_files() -> Vec<PathBuf> {
    let folders =
        ["src", "examples", "tests", "testkit/src", "fuzz/src", "fuzz/tests", "fuzz/fuzz_targets"];
    folders.into_iter().flat_map(files).collect()
}

/// The names that follow `prefix` anywhere in the code, one by one or in braces.
fn names_after(code: &str, prefix: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices(prefix) {
        let is_whole =
            !code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_');
        if !is_whole {
            continue;
        }
        let rest = &code[at + prefix.len()..];
        let list = rest.strip_prefix('{').and_then(|list| list.split('}').next());
        let items: Vec<&str> = list.map_or_else(|| vec![rest], |list| list.split(',').collect());
        for item in items {
            let name: String =
                item.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            names.insert(name);
        }
    }
    names
}

#[test]
fn every_file_belongs_to_a_floor_and_imports_downwards() {
    for source in sources().iter().filter(|source| source.module != "lib") {
        let (_, allowed) = FLOORS
            .iter()
            .find(|(module, _)| *module == source.module)
            .unwrap_or_else(|| panic!("{} belongs to no floor", source.path.display()));
        let code = source.code();
        let prefix = if source.module == "main" { "streamsum::" } else { "crate::" };
        for name in names_after(&code, prefix) {
            let is_module = FLOORS.iter().any(|(module, _)| *module == name);
            assert!(
                !is_module || name == source.module || allowed.contains(&name.as_str()),
                "{} imports {name}",
                source.path.display()
            );
        }
    }
}

/// What both sides of a connection share has no role: neither a request to refuse, nor a
/// status.
#[test]
fn the_syntax_knows_neither_server_nor_client() {
    let syntax: Vec<_> = sources()
        .into_iter()
        .filter(|source| source.path.ancestors().any(|folder| folder.ends_with("proto/syntax")))
        .collect();
    assert!(syntax.len() >= 4, "the files of proto/syntax were found");
    for source in syntax {
        let code = source.code();
        for name in ["server", "client", "Reject", "Response"] {
            let mut words = code.split(|c: char| !c.is_alphanumeric() && c != '_');
            assert!(words.all(|word| word != name), "{} names {name}", source.path.display());
        }
    }
}

#[test]
fn dependencies_are_named_where_they_belong() {
    for source in sources() {
        let code = source.code();
        for (name, allowed) in CRATES {
            let is_named = code.contains(&format!("{name}::")) && {
                // `crate::md5::` is our own.
                let bare = code.replace("crate::", "").replace("streamsum::", "");
                bare.match_indices(&format!("{name}::")).any(|(at, _)| {
                    !bare[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':')
                })
            };
            assert!(
                !is_named || allowed.contains(&source.module.as_str()),
                "{} names {name}",
                source.path.display()
            );
        }
    }
}

#[test]
fn unsafe_stays_in_the_kernel() {
    for source in sources() {
        let is_kernel = source.path.ends_with("md5/kernel/x86_64.rs");
        let code = source.code();
        let words = code.split(|c: char| !c.is_alphanumeric() && c != '_');
        assert!(
            is_kernel || words.into_iter().all(|word| word != "unsafe"),
            "{} has unsafe code",
            source.path.display()
        );
    }
}

#[test]
fn files_stay_small() {
    for path in all_files() {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= LONGEST_FILE, "{} has {lines} lines", path.display());
    }
}

#[test]
fn no_file_is_named_after_nothing() {
    for path in all_files() {
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(!["utils", "util", "helpers", "common", "misc"].contains(&name), "{name}");
    }
}

/// What two of them need is in `testkit`.
#[test]
fn no_file_includes_another_by_its_path() {
    for path in all_files() {
        let text = fs::read_to_string(&path).unwrap();
        let is_plain = |line: &str| !line.trim_start().starts_with("#[path");
        assert!(text.lines().all(is_plain), "{}", path.display());
    }
}
