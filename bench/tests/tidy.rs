//! The source keeps to its plan: its modules stand on floors, so that each can be read
//! after those which it imports from.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Each module with those that it imports from.
type Imports = BTreeMap<String, BTreeSet<String>>;

/// The imports of the library of this package, its files taken together by their module.
fn imports() -> Imports {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut imports = Imports::new();
    for path in files(&root) {
        let inner = path.strip_prefix(&root).unwrap();
        let first = Path::new(inner.components().next().unwrap().as_os_str());
        let module = first.file_stem().unwrap().to_str().unwrap();
        // Those of the programs, and of the tests, lead to all others and from none of them.
        if matches!(module, "lib" | "main" | "bin") || inner.ends_with("tests.rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        imports.entry(module.to_owned()).or_default().extend(imported(&code(&text)));
    }
    let all: BTreeSet<String> = imports.keys().cloned().collect();
    for (module, of) in &mut imports {
        of.retain(|name| name != module && all.contains(name));
    }
    imports
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Without comments and without unit tests.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// The names that follow `crate::`, one by one or in braces.
fn imported(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let list = rest.strip_prefix('{').and_then(|list| list.split("};").next());
        for item in list.map_or_else(|| vec![rest], |list| list.split(',').collect()) {
            let is_name = |c: char| c.is_alphanumeric() || c == '_';
            let name = item.trim().split(|c| !is_name(c)).next().unwrap_or_default();
            names.insert(name.to_owned());
        }
    }
    names
}

/// Modules of which each imports from the next, and the last from the first.
fn circle(imports: &Imports) -> Option<Vec<&str>> {
    let mut left: BTreeSet<&str> = imports.keys().map(String::as_str).collect();
    let above = |module: &str, left: &BTreeSet<&str>| {
        imports[module].iter().map(String::as_str).find(|below| left.contains(below))
    };
    while let Some(lowest) = left.iter().copied().find(|module| above(module, &left).is_none()) {
        left.remove(lowest);
    }
    // Whoever is left imports from somebody who is left.
    let mut way = vec![left.first().copied()?];
    loop {
        let next = above(way[way.len() - 1], &left)?;
        if let Some(start) = way.iter().position(|module| *module == next) {
            return Some(way.split_off(start));
        }
        way.push(next);
    }
}

#[test]
fn no_modules_import_from_each_other_in_a_circle() {
    let imports = imports();
    assert!(imports["measure"].contains("loader"), "the imports were found");
    assert_eq!(circle(&imports), None);
}

#[test]
fn a_circle_is_found_wherever_it_is() {
    let graph = |pairs: &[(&str, &str)]| {
        let names = pairs.iter().flat_map(|(module, below)| [module, below]);
        let mut imports: Imports = names.map(|name| ((*name).into(), BTreeSet::new())).collect();
        for (module, below) in pairs {
            imports.get_mut(*module).unwrap().insert((*below).into());
        }
        imports
    };
    assert_eq!(circle(&graph(&[("a", "b"), ("b", "c"), ("a", "c")])), None);
    let with_ends = graph(&[("a", "b"), ("b", "c"), ("c", "d"), ("d", "b"), ("c", "e")]);
    assert_eq!(circle(&with_ends), Some(vec!["b", "c", "d"]));
}

#[test]
fn imports_are_found_in_every_form() {
    let text = "use crate::one::{A, B};\nuse crate::{two::C, three, four as five};\n\
                // use crate::six;\nfn f() { crate::seven::g() }\n#[cfg(test)]\nuse crate::eight;";
    let expected = ["one", "two", "three", "four", "seven"].map(String::from);
    let found = imported(&code(text));
    assert!(expected.iter().all(|name| found.contains(name)), "{found:?}");
    assert!(!found.contains("six") && !found.contains("eight"), "{found:?}");
}
