//! What the pages show is what the library prints.

use std::fs;
use std::path::Path;

use streamsum::engine::Stats;

fn names(line: &str) -> Vec<&str> {
    line.split(' ').filter_map(|word| Some(word.split_once('=')?.0)).collect()
}

/// The binary puts `open=` before the engine's own line.
#[test]
fn the_line_of_counters_is_shown_with_all_its_names() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/OPERATING.md");
    let page = fs::read_to_string(page).expect("a page");
    let shown: Vec<&str> = page.lines().filter(|line| line.contains(" open=")).collect();
    let [shown] = shown[..] else { panic!("not one line of counters: {shown:?}") };
    let printed = format!("open=0 {}", Stats::default());
    assert_eq!(names(shown), names(&printed));
}
