//! The public interface, as `tests/api.txt` has it: whoever changes it has to say so.
//!
//! `STREAMSUM_WRITE_API=1 cargo test --test source api` writes the list anew. What it shows has a
//! line in CHANGELOG.md, and decides by how much the version grows.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// The list, module by module.
fn listed() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = vec![];
    collect(&root, &mut files);
    files.sort();
    let mut list = String::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("a source file");
        let declarations = declarations(&text);
        if !declarations.is_empty() {
            let name = file.strip_prefix(&root).expect("a file of src").display().to_string();
            list += &format!("\n# {name}\n\n{}\n", declarations.join("\n"));
        }
    }
    list.trim_start().to_owned()
}

/// All source files of the library.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of the source") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() && name != "cli" {
            collect(&path, files);
        } else if name.ends_with(".rs") && name != "main.rs" {
            files.push(path);
        }
    }
}

/// Whose members are declared.
#[derive(Clone, Copy, PartialEq)]
enum Block {
    /// Only what is `pub` is public.
    Items,
    /// All of it is public: the variants of an enum, the items of a trait.
    Public,
    /// Nothing in it is declared: a body, or something private.
    Other,
}

/// Every public declaration of a file, one a line, within its block.
///
/// It trusts the formatter: a block opens at the end of a line and closes at the
/// beginning of one.
fn declarations(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let mut found: Vec<String> = Vec::new();
    let mut blocks = vec![Block::Items];
    let mut indent = String::new();
    let mut line = String::new();
    for part in code.lines().map(str::trim) {
        if part.is_empty() || part.starts_with("//") {
            continue;
        }
        if part.starts_with('}') {
            // The value of a block.
            line.clear();
            blocks.pop();
            indent.truncate(4 * blocks.len().saturating_sub(1));
        }
        if part.starts_with("#[") || part.starts_with("#![") {
            if part == "#[non_exhaustive]" || part.starts_with("#[derive(") {
                line += &format!("{part} ");
            }
            continue;
        }
        line += part;
        let is_within = is_within_parentheses(&line);
        if is_within && part.ends_with('{') {
            // A closure.
            blocks.push(Block::Other);
            line.clear();
            continue;
        }
        let is_bounded = line.contains(" where ") && part.ends_with(',');
        if is_within || is_bounded || !part.ends_with([';', '{', '}', ',']) {
            line.push(' ');
            continue;
        }
        let whole = std::mem::take(&mut line);
        let declared = without_attributes(&whole);
        let block = blocks.last().copied().unwrap_or(Block::Other);
        let is_impl = declared.starts_with("impl");
        let is_public = !declared.starts_with('}')
            && match block {
                Block::Items => declared.starts_with("pub ") || is_impl,
                Block::Public => true,
                Block::Other => false,
            };
        if is_public {
            let shown = whole.trim_end_matches("{}").trim_end_matches(['{', ',', ';', ' ']);
            found.push(format!("{indent}{shown}"));
        }
        if whole.ends_with('{') {
            let is = |what: &[&str]| what.iter().any(|what| declared.starts_with(what));
            blocks.push(match block {
                Block::Items if is(&["pub enum ", "pub trait ", "reasons!"]) => Block::Public,
                // What a macro declares, arm by arm.
                Block::Items if is(&["macro_rules!"]) || declared.ends_with("=> {") => Block::Items,
                // A variant with named fields.
                Block::Public if !declared.contains("fn ") => Block::Public,
                Block::Items if is(&["pub struct "]) => Block::Items,
                Block::Items if is_impl && !declared.contains(" for ") => Block::Items,
                _ => Block::Other,
            });
            indent = "    ".repeat(blocks.len() - 1);
        }
    }
    of_public_types(found)
}

/// Without what is implemented for private types.
fn of_public_types(found: Vec<String>) -> Vec<String> {
    let keywords = ["pub struct ", "pub enum ", "pub trait "];
    let types: Vec<String> = found
        .iter()
        .filter_map(|line| {
            let declared = without_attributes(line.trim_start());
            let mut stripped = keywords.iter().filter_map(|word| declared.strip_prefix(word));
            // A word by itself may be the name of a type that a macro declares.
            let rest = stripped.next().or((!declared.contains(' ')).then_some(declared))?;
            rest.split(['<', '(', ':', ' ']).next().map(str::to_owned)
        })
        .collect();
    let mut kept = true;
    found
        .into_iter()
        .filter(|line| {
            if !line.starts_with(' ') {
                // Of a type, or of somebody else's for one: `impl From<One> for io::Error`.
                let words = line.split(|c: char| !c.is_alphanumeric() && !"_$".contains(c));
                kept = !line.starts_with("impl")
                    || words.into_iter().any(|word| types.iter().any(|of| of == word));
            }
            kept
        })
        .collect()
}

fn without_attributes(mut line: &str) -> &str {
    while line.starts_with("#[") {
        line =
            line.split_once(")] ").or_else(|| line.split_once("] ")).map_or("", |(_, rest)| rest);
    }
    line
}

fn is_within_parentheses(line: &str) -> bool {
    let count = |which: &[char]| line.matches(which).count();
    count(&['(', '[']) > count(&[')', ']'])
}

#[test]
fn the_public_interface_is_the_one_that_is_written_down() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api.txt");
    let listed = listed();
    if env::var_os("STREAMSUM_WRITE_API").is_some() {
        fs::write(&path, &listed).expect("tests/api.txt can be written");
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    let missing = |from: &str, of: &str| -> Vec<String> {
        from.lines()
            .filter(|line| !of.lines().any(|other| other == *line))
            .map(str::to_owned)
            .collect()
    };
    assert!(
        listed == written,
        "the public interface has changed\nnew: {:#?}\ngone: {:#?}\n\
         if that is meant: STREAMSUM_WRITE_API=1 cargo test --test source api",
        missing(&listed, &written),
        missing(&written, &listed)
    );
}

#[test]
fn a_declaration_is_seen_however_it_is_written() {
    let text = "//! About.\n\nuse std::fmt;\n\npub use stream::Stream;\n\n/// One.\n#[derive(Debug)]\n\
                #[non_exhaustive]\npub struct One {\n    pub a: u8,\n    b: u8,\n}\n\n\
                impl One {\n    pub fn long(\n        &self,\n        of: u8,\n    ) -> u8 {\n        \
                if of > 1 {\n            pub_like();\n        }\n        of.iter().map(|x| {\n            x\n        })\n    }\n\n    fn own(&self) {}\n}\n\n\
                impl Drop for One {\n    fn drop(&mut self) {}\n}\n\nimpl Drop for Private {\n    fn drop(&mut self) {}\n}\n\npub(crate) fn no() {}\n\n\
                pub enum Two {\n    A,\n    B {\n        /// Of B.\n        b: u8,\n    },\n}\n\npub trait Three {\n    type Item;\n    \
                fn three(&self) {\n        let a = 1;\n    }\n}\n\npub const FOUR: u8 = 4;\n\n\
                #[cfg(test)]\nmod tests {\n    pub fn five() {}\n}\n";
    let expected = [
        "pub use stream::Stream",
        "#[derive(Debug)] #[non_exhaustive] pub struct One",
        "    pub a: u8",
        "impl One",
        "    pub fn long( &self, of: u8, ) -> u8",
        "impl Drop for One",
        "pub enum Two",
        "    A",
        "    B",
        "        b: u8",
        "pub trait Three",
        "    type Item",
        "    fn three(&self)",
        "pub const FOUR: u8 = 4",
    ];
    assert_eq!(declarations(text), expected);
}
