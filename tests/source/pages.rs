//! What the pages show is what the library prints.

use std::fs;
use std::path::Path;

use streamsum::engine::Stats;

fn names(line: &str) -> Vec<&str> {
    line.split(' ').filter_map(|word| Some(word.split_once('=')?.0)).collect()
}

fn page(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect("a page")
}

/// The binary puts `open=` before the engine's own line.
#[test]
fn the_line_of_counters_is_shown_with_all_its_names() {
    let page = page("docs/OPERATING.md");
    let shown: Vec<&str> = page.lines().filter(|line| line.contains(" open=")).collect();
    let [shown] = shown[..] else { panic!("not one line of counters: {shown:?}") };
    let printed = format!("open=0 {}", Stats::default());
    assert_eq!(names(shown), names(&printed));
}

/// Its table has the limits and deadlines; the two options that are neither have sections of
/// their own.
#[test]
fn every_option_is_on_the_page_for_operators() {
    let table = page("src/cli/settings.rs");
    let names: Vec<&str> =
        table.split("name: \"").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0)).collect();
    assert!(names.len() > 20, "the options were found: {names:?}");
    let page = page("docs/OPERATING.md");
    for name in names {
        let option = format!("`--{name}`");
        let in_a_row = page.lines().any(|line| line.starts_with("| ") && line.contains(&option));
        let is_no_limit = ["listen", "access-log"].contains(&name);
        assert!(in_a_row || is_no_limit && page.contains(&format!("--{name}")), "{name}");
    }
}
