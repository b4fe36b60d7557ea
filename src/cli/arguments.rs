//! The command line and the environment.

use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;

use lexopt::Arg;

use super::address;
use super::settings::{PREFIX, Setting, Settings, TABLE};
use super::spelling::nearest;

/// What a process was asked to do.
#[derive(Debug)]
pub(crate) enum Task {
    /// Serve, after a line on standard error for each of these warnings.
    Serve { settings: Box<Settings>, warnings: Vec<String> },
    /// Print this on standard output, and do nothing else.
    Print(String),
}

/// Reads the arguments after the program's name, then the environment for what they leave
/// open.
///
/// # Errors
///
/// One line of words for the user, which names the option or the variable.
pub(crate) fn read(
    arguments: impl IntoIterator<Item = OsString>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
    mut settings: Settings,
) -> Result<Task, String> {
    let environment = own_variables(environment);
    // Each value with the index of its setting in the table.
    let mut given = Vec::new();
    let mut parser = lexopt::Parser::from_args(arguments);
    while let Some(argument) = parser.next().map_err(|wrong| wrong.to_string())? {
        match argument {
            Arg::Short('h') | Arg::Long("help") => return Ok(Task::Print(help(&mut settings))),
            Arg::Short('V') | Arg::Long("version") => return Ok(Task::Print(version())),
            Arg::Long(name) => {
                let at = TABLE.iter().position(|setting| setting.name == name);
                let at = at.ok_or_else(|| unknown(&format!("--{name}")))?;
                let is_flag = TABLE.get(at).is_some_and(Setting::is_flag);
                let value = match is_flag {
                    true => parser.optional_value().unwrap_or_else(|| "on".into()),
                    false => parser.value().map_err(|wrong| wrong.to_string())?,
                };
                given.push((at, value));
            }
            Arg::Short(letter) => return Err(unknown(&format!("-{letter}"))),
            Arg::Value(value) => {
                return Err(format!("unexpected argument {:?}", value.to_string_lossy()));
            }
        }
    }
    for (at, setting) in TABLE.iter().enumerate() {
        let option = format!("--{}", setting.name);
        let mut values = given.iter().filter(|(of, _)| *of == at).peekable();
        // An option wins over its variable, even if the variable's value is wrong.
        if values.peek().is_none() {
            read_variable(setting, &environment, &mut settings)?;
        }
        values.try_for_each(|(_, value)| put(setting, &mut settings, value, &option))?;
    }
    settings.check()?;
    let warnings = environment.iter().filter_map(warning).collect();
    Ok(Task::Serve { settings: Box::new(settings), warnings })
}

fn unknown(option: &str) -> String {
    let name = option.trim_start_matches('-');
    let known = nearest(name, TABLE.iter().map(|setting| setting.name));
    let known = known.map_or(String::new(), |known| format!(", perhaps --{known}"));
    format!("unknown option {option:?}{known}")
}

/// A variable of the environment: its name and its value.
type Variable = (String, OsString);

/// The variables whose names begin with [`PREFIX`], without empty ones: a template leaves
/// these where nothing was filled in.
fn own_variables(environment: impl IntoIterator<Item = (OsString, OsString)>) -> Vec<Variable> {
    environment
        .into_iter()
        .filter(|(name, value)| name.as_bytes().starts_with(PREFIX.as_bytes()) && !value.is_empty())
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value))
        .collect()
}

/// The warning for a variable that is no setting: its user may rely on it.
fn warning((name, value): &Variable) -> Option<String> {
    let known: Vec<String> = TABLE.iter().map(Setting::variable).collect();
    // Orchestrators set variables of their own, such as
    // `STREAMSUM_PORT=tcp://10.0.0.1:8080` and `STREAMSUM_SERVICE_HOST` for a service of
    // that name.
    let foreign = has(name.as_bytes(), b"_SERVICE_")
        || has(name.as_bytes(), b"_PORT_")
        || has(value.as_bytes(), b"://");
    if known.contains(name) || foreign {
        return None;
    }
    let own = known.iter().filter_map(|known| known.strip_prefix(PREFIX));
    let known = nearest(name.strip_prefix(PREFIX)?, own);
    let known = known.map_or(String::new(), |known| format!(", perhaps {PREFIX}{known}"));
    Some(format!("unknown variable {name:?}{known}"))
}

/// True if `part` is somewhere in `text`. The search of the standard library is for long
/// texts, and would make the binary larger by 2 KB.
fn has(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|bytes| bytes == part)
}

fn read_variable(
    setting: &Setting,
    environment: &[Variable],
    settings: &mut Settings,
) -> Result<(), String> {
    let variable = setting.variable();
    let Some((_, value)) = environment.iter().find(|(name, _)| *name == variable) else {
        return Ok(());
    };
    match value.to_str() {
        Some(list) if setting.is_list() => address::split_list(list)
            .into_iter()
            .try_for_each(|part| put(setting, settings, part.as_ref(), &variable)),
        _ => put(setting, settings, value, &variable),
    }
}

fn put(
    setting: &Setting,
    settings: &mut Settings,
    value: &OsStr,
    source: &str,
) -> Result<(), String> {
    value
        .to_str()
        .ok_or_else(|| format!("{:?} is not UTF-8", value.to_string_lossy()))
        .and_then(|text| setting.put(settings, text))
        .map_err(|wrong| format!("{source}: {wrong}"))
}

fn version() -> String {
    concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"), "\n").into()
}

fn help(settings: &mut Settings) -> String {
    let mut rows = Vec::new();
    for setting in TABLE {
        let option = format!("--{} {}", setting.name, setting.value_name());
        let option = option.trim_end().to_owned();
        let default = setting.show(settings);
        let off = if setting.can_be_off() { "; 0 is off" } else { "" };
        rows.push((option, format!("{}{off} [default: {default}]", setting.help)));
    }
    for (option, help) in [("-h, --help", "show this help"), ("-V, --version", "show the version")]
    {
        rows.push((option.into(), help.into()));
    }
    let width = rows.iter().map(|(option, _)| option.len()).max().unwrap_or(0);

    let mut text = version();
    text.push_str("Answers every HTTP upload with the digest of its content, and keeps it in a folder with --to.\n\n");
    text.push_str("Usage: streamsum [OPTION]...\n\n");
    for (option, help) in rows {
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {option:width$}  {help}");
    }
    text.push_str(NOTES);
    text
}

const NOTES: &str = "
ADDR: 8080 or :8080 (all interfaces, IPv6 and IPv4), 127.0.0.1:8080, [::1]:8080,
      localhost:8080 (127.0.0.1 and ::1), a name with all addresses that it has,
      unix:/run/streamsum.sock,mode=0660,group=www-data (mode and group may be
      left out); port 0 takes a free one
SIZE: bytes, or with a unit: 64KiB, 8MiB, 1GB
TIME: with a unit, at least a second: 30s, 2m
auto: 100000, or as many as the limit of descriptors leaves

Every option can be set in the environment, --max-body as STREAMSUM_MAX_BODY and
so on; the option wins. STREAMSUM_LISTEN takes several ADDR between commas.
SIGTERM, SIGINT or SIGQUIT finishes the requests under way; a second one ends at
once. SIGUSR1 prints the counters.
";

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `line` split at spaces, and variables written as `NAME=value`.
    fn read_line(line: &str, variables: &[&str]) -> Result<Task, String> {
        let pairs = variables.iter().filter_map(|pair| pair.split_once('='));
        let environment = pairs.map(|(name, value)| (name.into(), value.into()));
        let arguments = line.split_whitespace().map(OsString::from);
        read(arguments, environment, Settings::default())
    }

    fn settings(line: &str, variables: &[&str]) -> Settings {
        match read_line(line, variables) {
            Ok(Task::Serve { settings, .. }) => *settings,
            other => panic!("{other:?}"),
        }
    }

    fn warnings(variables: &[&str]) -> Vec<String> {
        match read_line("", variables) {
            Ok(Task::Serve { warnings, .. }) => warnings,
            other => panic!("{other:?}"),
        }
    }

    fn wrong(line: &str, variables: &[&str]) -> String {
        read_line(line, variables).expect_err(line)
    }

    #[test]
    fn empty_command_line_gives_the_defaults() {
        let mut settings = settings("", &[]);
        for setting in TABLE {
            let default = setting.show(&mut Settings::default());
            assert_eq!(setting.show(&mut settings), default, "{}", setting.name);
        }
        assert_eq!(settings.addresses().len(), 1);
    }

    #[test]
    fn options_win_over_variables() {
        let variables = &["STREAMSUM_MAX_BODY=8MiB", "STREAMSUM_MAX_FIELDS=7"];
        let settings = settings("--max-body 1KiB", variables);
        assert_eq!(settings.config.limits.body, Some(1024));
        assert_eq!(settings.config.limits.fields, 7);
    }

    #[test]
    fn variable_beside_its_option_is_not_read() {
        let settings = settings("--max-body=1", &["STREAMSUM_MAX_BODY=nonsense"]);
        assert_eq!(settings.config.limits.body, Some(1));
    }

    #[test]
    fn empty_and_foreign_variables_change_nothing() {
        let variables = &["STREAMSUM_MAX_BODY=", "STREAMSUM_PORT=tcp://10.0.0.1:8080"];
        assert_eq!(settings("", variables).config.limits.body, None);
    }

    // covers: 32.6
    #[test]
    fn unknown_variables_are_warned_of() {
        assert_eq!(
            warnings(&["STREAMSUM_MAX_BDY=8", "STREAMSUM_MAX_BODY=8", "STREAMSUM_ZZZ=1"]),
            [
                "unknown variable \"STREAMSUM_MAX_BDY\", perhaps STREAMSUM_MAX_BODY",
                "unknown variable \"STREAMSUM_ZZZ\"",
            ]
        );
        assert_eq!(warnings(&["STREAMSUM_\u{1b}=1"]), [r#"unknown variable "STREAMSUM_\u{1b}""#]);
    }

    // covers: 32.6
    #[test]
    fn empty_foreign_and_other_variables_are_not_warned_of() {
        let variables = [
            "STREAMSUM_MAX_BDY=",
            "STREAMSUM_PORT=tcp://10.0.0.1:8080",
            "STREAMSUM_PORT_8080_TCP=tcp://10.0.0.1:8080",
            "STREAMSUM_PORT_8080_TCP_ADDR=10.0.0.1",
            "STREAMSUM_SERVICE_HOST=10.0.0.1",
            "STREAMSUM_B_SERVICE_PORT_HTTP=8080",
            "STREAMSUM=1",
            "HOME=/",
        ];
        assert_eq!(warnings(&variables), [""; 0]);
    }

    #[test]
    fn last_of_a_repeated_option_counts() {
        assert_eq!(settings("--max-body 1 --max-body 2", &[]).config.limits.body, Some(2));
    }

    #[test]
    fn repeated_listen_adds_addresses() {
        let listen = |line, variables: &[&str]| {
            let settings = settings(line, variables);
            settings.addresses().iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(listen("", &[]), [":8080"]);
        assert_eq!(listen("--listen 1 --listen=:2", &["STREAMSUM_LISTEN=3"]), [":1", ":2"]);
        let variable = "STREAMSUM_LISTEN=127.0.0.1:0, unix:/run/sock";
        assert_eq!(listen("", &[variable]), ["127.0.0.1:0", "unix:/run/sock"]);
    }

    // covers: 32.2
    #[test]
    fn error_names_the_option_or_variable() {
        assert_eq!(wrong("--max-bdy 8", &[]), "unknown option \"--max-bdy\", perhaps --max-body");
        assert_eq!(wrong("--colour 8080", &[]), "unknown option \"--colour\"");
        assert_eq!(wrong("-x", &[]), "unknown option \"-x\"");
        assert_eq!(wrong("8080", &[]), "unexpected argument \"8080\"");
        assert_eq!(wrong("--connections=0", &[]), "--connections: it cannot be 0");
        assert!(wrong("--max-body", &[]).contains("--max-body"));
        let wrong = wrong("", &["STREAMSUM_HEAD_TIMEOUT=1ms"]);
        assert_eq!(wrong, "STREAMSUM_HEAD_TIMEOUT: \"1ms\" is under a second");
    }

    #[test]
    fn error_takes_one_line() {
        for line in ["--a\u{1b}[2J", "--max-body=\u{7}", "a\u{85}b"] {
            assert!(!wrong(line, &[]).contains(char::is_control), "{line:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn value_that_is_not_utf8_is_refused() {
        use std::os::unix::ffi::OsStringExt;
        let bytes = || OsString::from_vec(b"8\xff".to_vec());
        let arguments = ["--max-body".into(), bytes()];
        let wrong = read(arguments, [], Settings::default()).expect_err("bytes");
        assert_eq!(wrong, "--max-body: \"8\u{fffd}\" is not UTF-8");
        let environment = [("STREAMSUM_LISTEN".into(), bytes())];
        let wrong = read([], environment, Settings::default()).expect_err("bytes");
        assert!(wrong.starts_with("STREAMSUM_LISTEN: "), "{wrong}");
    }

    // covers: 32.3
    #[test]
    fn help_and_version_win_over_errors() {
        let say = |line| match read_line(line, &["STREAMSUM_MAX_BODY=nonsense"]) {
            Ok(Task::Print(text)) => text,
            other => panic!("{other:?}"),
        };
        assert_eq!(say("--max-body nonsense --version"), version());
        assert_eq!(say("-V"), version());
        assert_eq!(say("-h"), say("--help"));
        let help = say("--help");
        for setting in TABLE {
            let row = format!("--{} {}", setting.name, setting.value_name());
            assert!(help.contains(&row), "{row}");
        }
        for line in help.lines() {
            assert!(line.len() <= 100, "{} bytes: {line}", line.len());
        }
    }
}
