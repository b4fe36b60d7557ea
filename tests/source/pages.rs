//! What the pages show is what the library prints.

use std::fs;
use std::path::Path;

use streamsum::engine::{Config, Stats};

fn names(line: &str) -> Vec<&str> {
    line.split(' ').filter_map(|word| Some(word.split_once('=')?.0)).collect()
}

fn page(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect("a page")
}

/// The binary puts `open=` before the engine's own line.
#[test]
fn page_shows_all_names_of_the_counters() {
    let page = page("docs/OPERATING.md");
    let shown: Vec<&str> = page.lines().filter(|line| line.contains(" open=")).collect();
    let [shown] = shown[..] else { panic!("not one line of counters: {shown:?}") };
    let printed = format!("open=0 {}", Stats::default());
    assert_eq!(names(shown), names(&printed));
}

#[cfg(feature = "folder")]
#[test]
fn page_shows_all_names_of_the_folders_counters_and_all_reasons() {
    use streamsum::door::NotKept;
    use streamsum::folder::Counters;

    let page = page("docs/OPERATING.md");
    let shown: Vec<&str> = page.lines().filter(|line| line.contains(" bytes_kept=")).collect();
    let [shown] = shown[..] else { panic!("not one line of counters: {shown:?}") };
    assert_eq!(names(shown), names(&Counters::default().to_string()));
    for reason in NotKept::ALL {
        let code = format!("`{}`", reason.code());
        let status = reason.status().map_or("-".to_owned(), |status| status.to_string());
        let is_in_row = |row: &str| row.starts_with("| ") && row.contains(&code);
        let row = page.lines().find(|row| is_in_row(row)).expect(&code);
        assert!(row.split(" | ").next().expect("a cell").contains(&status), "{row}");
    }
}

/// Options that are described in sections of their own.
const NO_LIMITS: [&str; 12] = [
    "--listen",
    "--access-log",
    "--digest",
    "--to",
    "--anonymous",
    "--token-file",
    "--no-overwrite",
    "--min-free",
    "--cors-origin",
    "--host",
    "--on-kept",
    "--on-kept-queue",
];

fn options() -> Vec<String> {
    let table = page("src/cli/settings/table.rs");
    let names = table.split("name: \"").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0));
    let options: Vec<String> = names.map(|name| format!("--{name}")).collect();
    assert!(options.len() > 20, "the options were found: {options:?}");
    options
}

/// Its table has the limits and deadlines; the options that are neither have sections of their
/// own.
#[test]
fn page_has_every_option() {
    let page = page("docs/OPERATING.md");
    for option in options() {
        let quoted = format!("`{option}`");
        let in_a_row = page.lines().any(|line| line.starts_with("| ") && line.contains(&quoted));
        let is_no_limit = NO_LIMITS.contains(&&*option);
        assert!(in_a_row || is_no_limit && page.contains(&option), "{option}");
    }
}

/// As the page says: `limits.X` is `--max-X`, `timeouts.X` is `--X-timeout` if that is an
/// option, and any other field is spelled like its option.
#[test]
fn page_has_each_field_beside_the_option_of_its_name() {
    let page = page("docs/OPERATING.md");
    let all = options();
    let default = format!("{:#?}", Config::default());
    let mut pairs = 0;
    for row in page.lines().filter(|line| line.contains(" | `--")) {
        let cells = row.split(" | ").map(|cell| cell.split('`').skip(1).step_by(2));
        let [_, options, fields, _] = cells.collect::<Vec<_>>().try_into().expect(row);
        for (option, path) in options.zip(fields) {
            // What the library does by other means than a field.
            if ["Server::drain", "spawn_workers"].contains(&path) {
                continue;
            }
            let name = path.rsplit('.').next().expect(row);
            let indent = "    ".repeat(path.split('.').count());
            assert!(default.contains(&format!("\n{indent}{name}: ")), "{path} is no field");
            let name = name.replace('_', "-");
            let timeout = format!("--{name}-timeout");
            let expected = match path.split_once('.') {
                Some(("limits", _)) => format!("--max-{name}"),
                Some(("timeouts", _)) if all.contains(&timeout) => timeout,
                _ => format!("--{name}"),
            };
            assert_eq!(option, expected, "{path}");
            pairs += 1;
        }
    }
    let none = "those of NO_LIMITS, --workers and --drain-timeout have none";
    assert_eq!(pairs, all.len() - NO_LIMITS.len() - 2, "{none}");
}
