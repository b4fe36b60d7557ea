//! What can be set, in one table: from it come the options, the names in the
//! environment, the help text, the defaults and the parsing.

#[cfg(feature = "folder")]
mod keep;
mod table;
mod values;

use std::fmt::{self, Write};
use std::num::NonZero;
use std::thread::available_parallelism;
use std::time::Duration;

use streamsum::digest::{Algorithm, Algorithms};
use streamsum::engine::{Config, ConfigError};

use super::address::Address;
#[cfg(feature = "folder")]
pub(super) use keep::Keep;
#[cfg(feature = "folder")]
use std::path::PathBuf;
pub(super) use table::TABLE;
use values::{
    AUTO, NOT_ZERO, Number, parse_access_log, parse_auto, parse_count, parse_count_cap,
    parse_deadline, parse_digests, parse_size, put_number, show_count, show_size, show_time,
};
#[cfg(feature = "folder")]
use values::{parse_flag, parse_path, parse_socket, show_flag, show_socket};

/// How the name of each variable begins.
pub(super) const PREFIX: &str = "STREAMSUM_";

/// What the process runs with.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Where to listen; if empty, see [`Settings::addresses`].
    pub(super) listen: Vec<Address>,
    /// At most so many connections at a time; `None` means as many as the descriptors
    /// allow, which is known when all others are open.
    pub(super) connections: Option<usize>,
    /// Threads that serve; `None` means as many as there are cores: see [`Settings::workers`].
    pub(super) workers: Option<usize>,
    /// What is computed of all content; at least one.
    pub(super) digest: Algorithms,
    /// Where uploads are kept, and whose.
    #[cfg(feature = "folder")]
    pub(super) keep: Keep,
    pub(super) access_log: AccessLog,
    /// How long requests under way may take to finish after the first signal.
    pub(super) drain_timeout: Option<Duration>,
    pub(super) config: Config,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: Vec::new(),
            connections: None,
            workers: Some(1),
            digest: Algorithms::from_iter([Algorithm::Md5]),
            #[cfg(feature = "folder")]
            keep: Keep::default(),
            access_log: AccessLog::Stderr,
            drain_timeout: Some(Duration::from_secs(30)),
            config: Config::default(),
        }
    }
}

impl Settings {
    /// Where to listen: what was set, or port 8080 of all interfaces.
    pub(super) fn addresses(&self) -> &[Address] {
        const DEFAULT: &[Address] = &[Address::Any(8080)];
        if self.listen.is_empty() { DEFAULT } else { &self.listen }
    }

    /// True if uploads are kept.
    #[cfg(feature = "folder")]
    pub(super) fn keeps(&self) -> bool {
        self.keep.to.is_some()
    }

    #[cfg(not(feature = "folder"))]
    pub(super) fn keeps(&self) -> bool {
        false
    }

    /// How many threads serve.
    pub(super) fn workers(&self) -> usize {
        // One, where the system does not tell.
        let cores = || available_parallelism().map_or(1, NonZero::get);
        self.workers.unwrap_or_else(cores)
    }

    /// Checks that the sizes fit together: each by itself was checked when it was put.
    ///
    /// # Errors
    ///
    /// The option that is too small for the others, in words.
    pub(super) fn check(&self) -> Result<(), String> {
        let workers = self.workers();
        if self.connections.is_some_and(|connections| connections < workers) {
            return Err(format!("--connections: there must be one for each of {workers} workers"));
        }
        #[cfg(feature = "folder")]
        self.keep.check(self.addresses())?;
        let of_each = self.config.clone().max_held(self.config.max_held / workers);
        of_each.check().map_err(|wrong| match wrong {
            ConfigError::TooSmall { setting: "max_held", least } => {
                let least = least.saturating_mul(workers as u64);
                format!("--max-held: it must be at least {}", show_size(least))
            }
            ConfigError::TooSmall { setting: "max_turn", least } => {
                format!("--max-turn: it must be at least {}", show_size(least))
            }
            // The others were refused when their value was put.
            other => other.to_string(),
        })
    }
}

/// Where the access lines go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AccessLog {
    Off,
    Stderr,
}

impl AccessLog {
    const VALUES: &str = "off|stderr";
}

impl fmt::Display for AccessLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "off",
            Self::Stderr => "stderr",
        })
    }
}

/// A row of the table.
pub(super) struct Setting {
    /// The option without its dashes.
    pub(super) name: &'static str,
    kind: ValueKind,
    /// So short that its line of the help text has at most 100 bytes.
    pub(super) help: &'static str,
}

/// What values a setting takes, and where in [`Settings`] they go.
enum ValueKind {
    Listen,
    Digests,
    AccessLog,
    /// A time that 0 turns off.
    Deadline(Field<Option<Duration>>),
    /// A time that there always is.
    Time(Field<Duration>),
    /// Bytes that 0 makes unlimited.
    Cap(Field<Option<u64>>),
    /// Bytes, at least one.
    Size(Field<dyn Number>),
    /// How many, at least one.
    Count(Field<dyn Number>),
    /// The same, or `auto`, with which the binary finds the number by itself.
    Auto(Field<Option<usize>>),
    /// At most so many; 0 makes it unlimited.
    CountCap(Field<Option<u32>>),
    /// On or off; on the command line it stands alone.
    #[cfg(feature = "folder")]
    Flag(Field<bool>),
    #[cfg(feature = "folder")]
    Path(Field<Option<PathBuf>>),
    /// A Unix socket that somebody else listens on.
    #[cfg(feature = "folder")]
    Socket(Field<Option<PathBuf>>),
    /// Words that add up.
    #[cfg(feature = "folder")]
    Words(Field<Vec<String>>, &'static str),
}

type Field<T> = fn(&mut Settings) -> &mut T;

impl Setting {
    /// The name in the environment.
    pub(super) fn variable(&self) -> String {
        format!("{PREFIX}{}", self.name.to_ascii_uppercase().replace('-', "_"))
    }

    /// True if values add up, so that the variable takes several between commas.
    pub(super) fn is_list(&self) -> bool {
        match self.kind {
            ValueKind::Listen => true,
            #[cfg(feature = "folder")]
            ValueKind::Words(..) => true,
            _ => false,
        }
    }

    /// True if it stands without a value on the command line.
    pub(super) fn is_flag(&self) -> bool {
        match self.kind {
            #[cfg(feature = "folder")]
            ValueKind::Flag(_) => true,
            _ => false,
        }
    }

    /// True if 0 turns it off.
    pub(super) fn can_be_off(&self) -> bool {
        matches!(self.kind, ValueKind::Deadline(_) | ValueKind::Cap(_) | ValueKind::CountCap(_))
    }

    /// What stands for the value in the help text.
    pub(super) fn value_name(&self) -> &'static str {
        match self.kind {
            ValueKind::Listen => "ADDR",
            ValueKind::Digests => "LIST",
            ValueKind::AccessLog => AccessLog::VALUES,
            ValueKind::Deadline(_) | ValueKind::Time(_) => "TIME",
            ValueKind::Cap(_) | ValueKind::Size(_) => "SIZE",
            ValueKind::Count(_) | ValueKind::CountCap(_) => "N",
            ValueKind::Auto(_) => "N|auto",
            #[cfg(feature = "folder")]
            ValueKind::Flag(_) => "",
            #[cfg(feature = "folder")]
            ValueKind::Path(_) => "PATH",
            #[cfg(feature = "folder")]
            ValueKind::Socket(_) => "unix:PATH",
            #[cfg(feature = "folder")]
            ValueKind::Words(_, name) => name,
        }
    }

    /// The value in `settings`, written as [`Setting::put`] takes it.
    pub(super) fn show(&self, settings: &mut Settings) -> String {
        match self.kind {
            ValueKind::Listen => {
                let mut list = String::new();
                for address in settings.addresses() {
                    let comma = if list.is_empty() { "" } else { "," };
                    // Writing to a string does not fail.
                    let _ = write!(list, "{comma}{address}");
                }
                list
            }
            ValueKind::Digests => settings.digest.to_string(),
            ValueKind::AccessLog => settings.access_log.to_string(),
            ValueKind::Deadline(place) => place(settings).map_or("0".into(), show_time),
            ValueKind::Time(place) => show_time(*place(settings)),
            ValueKind::Cap(place) => show_size(place(settings).unwrap_or(0)),
            ValueKind::Size(place) => show_size(place(settings).get()),
            ValueKind::Count(place) => show_count(place(settings).get()),
            ValueKind::CountCap(place) => show_count(place(settings).unwrap_or(0).into()),
            ValueKind::Auto(place) => {
                place(settings).map_or(AUTO.into(), |count| show_count(count.get()))
            }
            #[cfg(feature = "folder")]
            ValueKind::Flag(place) => show_flag(*place(settings)),
            #[cfg(feature = "folder")]
            ValueKind::Path(place) => {
                place(settings).as_ref().map_or("none".into(), |path| path.display().to_string())
            }
            #[cfg(feature = "folder")]
            ValueKind::Socket(place) => show_socket(place(settings).as_deref()),
            #[cfg(feature = "folder")]
            ValueKind::Words(place, _) => match &place(settings)[..] {
                [] => "none".into(),
                words => words.join(","),
            },
        }
    }

    /// Puts the value that `text` stands for into `settings`.
    ///
    /// # Errors
    ///
    /// What is wrong with `text`, in words.
    pub(super) fn put(&self, settings: &mut Settings, text: &str) -> Result<(), String> {
        match self.kind {
            ValueKind::Listen => settings.listen.push(text.parse()?),
            ValueKind::Digests => settings.digest = parse_digests(text)?,
            ValueKind::AccessLog => settings.access_log = parse_access_log(text)?,
            ValueKind::Deadline(place) => *place(settings) = parse_deadline(text)?,
            ValueKind::Time(place) => *place(settings) = parse_deadline(text)?.ok_or(NOT_ZERO)?,
            ValueKind::Cap(place) => {
                *place(settings) = Some(parse_size(text)?).filter(|&size| size > 0)
            }
            ValueKind::Size(place) => put_number(place(settings), parse_size(text)?)?,
            ValueKind::Count(place) => put_number(place(settings), parse_count(text)?)?,
            ValueKind::CountCap(place) => *place(settings) = parse_count_cap(text)?,
            ValueKind::Auto(place) => *place(settings) = parse_auto(text)?,
            #[cfg(feature = "folder")]
            ValueKind::Flag(place) => *place(settings) = parse_flag(text)?,
            #[cfg(feature = "folder")]
            ValueKind::Path(place) => *place(settings) = parse_path(text)?,
            #[cfg(feature = "folder")]
            ValueKind::Socket(place) => *place(settings) = parse_socket(text)?,
            #[cfg(feature = "folder")]
            ValueKind::Words(place, _) => place(settings).push(text.to_owned()),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn put(name: &str, text: &str) -> Result<Settings, String> {
        let mut settings = Settings::default();
        let setting = TABLE.iter().find(|setting| setting.name == name).expect("a setting");
        setting.put(&mut settings, text).map(|()| settings)
    }

    fn shown(name: &str, text: &str) -> String {
        let setting = TABLE.iter().find(|setting| setting.name == name).expect("a setting");
        put(name, text).map_or_else(|wrong| wrong, |mut settings| setting.show(&mut settings))
    }

    #[test]
    fn defaults_can_be_written_back() {
        for setting in TABLE {
            let default = setting.show(&mut Settings::default());
            assert_eq!(shown(setting.name, &default), default, "{}", setting.name);
        }
    }

    #[test]
    fn names_are_unique_and_make_good_variables() {
        let mut variables: Vec<_> = TABLE.iter().map(Setting::variable).collect();
        let acceptable = |c: char| c.is_ascii_uppercase() || c == '_';
        assert!(variables.iter().all(|variable| variable.chars().all(acceptable)));
        assert!(variables.contains(&"STREAMSUM_MAX_BODY".into()));
        variables.sort_unstable();
        variables.dedup();
        assert_eq!(variables.len(), TABLE.len());
    }

    /// Each field with its value, by its path: `config.limits.body`.
    fn fields(settings: &Settings) -> BTreeMap<String, String> {
        let mut fields = BTreeMap::<String, String>::new();
        let mut path = Vec::new();
        for line in format!("{settings:#?}").lines() {
            let (name, value) = line.trim().split_once(": ").unwrap_or(("", line.trim()));
            path.push(name);
            let names: Vec<_> = path.iter().copied().filter(|name| !name.is_empty()).collect();
            fields.entry(names.join(".")).or_default().push_str(value);
            if !value.ends_with(['{', '(', '[']) {
                path.pop();
            }
            if value.starts_with(['}', ')', ']']) {
                path.pop();
            }
        }
        fields
    }

    /// `--max-X` is `limits.X` if that is a limit, `--X-timeout` is `timeouts.X` if that is a
    /// timeout, and every other option is spelled like its field.
    fn field_of(option: &str) -> String {
        let fields = fields(&Settings::default());
        let name = option.replace('-', "_");
        let limit = name.strip_prefix("max_").map(|limit| format!("config.limits.{limit}"));
        let time = name.strip_suffix("_timeout").map(|time| format!("config.timeouts.{time}"));
        let grouped = [limit, time].into_iter().flatten().find(|path| fields.contains_key(path));
        let named = || {
            let named = fields.keys().filter(|path| path.rsplit('.').next() == Some(&name));
            // The binary has settings of its own, which come before those of `Config`.
            named.min_by_key(|path| path.len()).expect(option).clone()
        };
        grouped.unwrap_or_else(named)
    }

    #[test]
    fn option_changes_only_the_field_of_its_name() {
        let before = fields(&Settings::default());
        for setting in TABLE {
            let other = match setting.value_name() {
                "ADDR" => "127.0.0.1:0",
                "TIME" => "77s",
                "SIZE" | "N" | "N|auto" => "777",
                // Where MD5 is all there is, its list cannot be another.
                "LIST" if Algorithm::ALL.len() == 1 => continue,
                "LIST" => "crc32c",
                "" => "on",
                "unix:PATH" => "unix:/a",
                _ => "off",
            };
            let after = fields(&put(setting.name, other).expect(setting.name));
            let changed: Vec<_> = after
                .iter()
                .filter(|(path, value)| before.get(*path) != Some(value))
                .map(|(path, _)| path)
                .collect();
            assert_eq!(changed, [&field_of(setting.name)], "--{}", setting.name);
        }
    }

    #[test]
    fn option_is_named_after_its_field() {
        let fields = [
            ("max-body", "config.limits.body"),
            ("max-held", "config.max_held"),
            ("max-linger", "config.timeouts.max_linger"),
            ("body-timeout", "config.timeouts.body"),
            ("min-rate", "config.timeouts.min_rate"),
            ("connections", "connections"),
            ("drain-timeout", "drain_timeout"),
        ];
        for (option, field) in fields {
            assert_eq!(field_of(option), field);
        }
    }

    // covers: 30.1
    #[test]
    fn zero_turns_off_a_setting_that_can_be_off() {
        for name in
            ["head-timeout", "idle-timeout", "body-timeout", "write-timeout", "drain-timeout"]
        {
            assert_eq!([shown(name, "0"), shown(name, "0s")], ["0", "0"], "{name}");
        }
        assert_eq!(put("head-timeout", "0").expect("off").config.timeouts.head, None);
        assert_eq!(put("drain-timeout", "0").expect("off").drain_timeout, None);
        assert_eq!(put("max-body", "0").expect("off").config.limits.body, None);
        assert_eq!(put("max-linger", "0").expect("off").config.timeouts.max_linger, None);
        assert_eq!(put("min-rate", "0B").expect("off").config.timeouts.min_rate, None);
        assert_eq!(put("max-requests", "0").expect("off").config.limits.requests, None);
    }

    // covers: 30.2
    #[test]
    fn zero_is_refused_by_the_other_settings() {
        for setting in TABLE.iter().filter(|setting| !setting.can_be_off()) {
            match setting.kind {
                // Port 0 is a free one.
                ValueKind::Listen => assert_eq!(shown(setting.name, "0"), ":0"),
                ValueKind::AccessLog | ValueKind::Digests => {
                    assert!(put(setting.name, "0").is_err());
                }
                #[cfg(feature = "folder")]
                ValueKind::Flag(_) | ValueKind::Socket(_) => {
                    assert!(put(setting.name, "0").is_err());
                }
                #[cfg(feature = "folder")]
                ValueKind::Path(_) | ValueKind::Words(..) => {
                    assert_eq!(shown(setting.name, "0"), "0");
                }
                _ => assert_eq!(shown(setting.name, "0"), "it cannot be 0", "{}", setting.name),
            }
        }
    }

    // covers: 30.3
    #[test]
    fn deadline_under_a_second_is_refused() {
        assert_eq!(shown("head-timeout", "999ms"), "\"999ms\" is under a second");
        assert_eq!(shown("linger-timeout", "1ns"), "\"1ns\" is under a second");
        assert_eq!(shown("head-timeout", "1s"), "1s");
        assert_eq!(shown("head-timeout", "1m 30s"), "1m 30s");
        for text in ["", "10", "-1s", "1 fortnight", "99999999999999999999s"] {
            let wrong = format!("{text:?} is not a time, which is written like 30s");
            assert_eq!(shown("head-timeout", text), wrong);
        }
    }

    #[test]
    fn sizes_take_units() {
        let body = |text| put("max-body", text).map(|settings| settings.config.limits.body);
        assert_eq!(body("8MiB"), Ok(Some(8 << 20)));
        assert_eq!(body("8 MB"), Ok(Some(8_000_000)));
        assert_eq!(body("15eib"), Ok(Some(15 << 60)));
        assert_eq!(body("18446744073709551615"), Ok(Some(u64::MAX)));
        assert_eq!(body("16EiB"), Err("\"16EiB\" is too large".into()));
        for text in ["", "MiB", "-1", "+1", "8Mx", "0x10", "1e3", "1.5KiB", "18446744073709551616"]
        {
            let wrong = format!("{text:?} is not a size, which is written like 8MiB");
            assert_eq!(body(text), Err(wrong));
        }
    }

    #[test]
    fn number_too_large_for_its_field_is_refused() {
        assert_eq!(shown("max-fields", "65535"), "65535");
        assert_eq!(shown("max-fields", "65536"), "65536 is too large");
        assert_eq!(shown("max-head", "4GiB"), "4294967296 is too large");
        assert_eq!(shown("max-requests", "4294967295"), "4294967295");
        assert_eq!(shown("max-requests", "4294967296"), "4294967296 is too large");
        for text in ["", "+1", "1k", "1.0"] {
            assert_eq!(shown("connections", text), format!("{text:?} is not a number"));
            assert_eq!(shown("max-fields", text), format!("{text:?} is not a number"));
            assert_eq!(shown("max-requests", text), format!("{text:?} is not a number"));
        }
    }

    #[test]
    fn sizes_are_shown_exactly() {
        let shown = [0, 1, 240, 1024, 1025, 1536 << 10, 3 << 60].map(show_size);
        assert_eq!(shown, ["0", "1", "240", "1KiB", "1025", "1536KiB", "3EiB"]);
    }

    #[test]
    fn sizes_that_do_not_fit_together_are_refused() {
        let wrong = |name, text| put(name, text).expect(name).check();
        assert_eq!(wrong("max-turn", "84KiB"), Ok(()));
        assert_eq!(wrong("max-turn", "83KiB"), Err("--max-turn: it must be at least 84KiB".into()));
        assert_eq!(wrong("max-held", "256KiB"), Ok(()));
        assert_eq!(
            wrong("max-held", "255KiB"),
            Err("--max-held: it must be at least 256KiB".into())
        );
        assert_eq!(wrong("max-head", "1GiB"), Err("--max-held: it must be at least 4GiB".into()));
    }

    #[test]
    fn sizes_that_are_not_enough_for_each_worker_are_refused() {
        let with = |name, text, workers| {
            let settings = put(name, text).expect(name);
            Settings { workers: Some(workers), ..settings }.check()
        };
        assert_eq!(with("max-held", "1MiB", 4), Ok(()));
        let too_small = Err("--max-held: it must be at least 1280KiB".into());
        assert_eq!(with("max-held", "1MiB", 5), too_small);
        assert_eq!(with("connections", "4", 4), Ok(()));
        let too_few = Err("--connections: there must be one for each of 5 workers".into());
        assert_eq!(with("connections", "4", 5), too_few);
    }

    #[test]
    fn workers_are_one_unless_set_and_auto_is_one_for_each_core() {
        assert_eq!(Settings::default().workers(), 1);
        assert_eq!(put("workers", "3").expect("a number").workers(), 3);
        let cores = available_parallelism().expect("cores").get();
        assert_eq!(put("workers", "auto").expect("a value").workers(), cores);
    }

    // covers: 35.1
    #[test]
    fn digests_are_named_each_once() {
        assert_eq!(shown("digest", "md5"), "md5");
        let all: Algorithms = Algorithm::ALL.iter().rev().copied().collect();
        assert_eq!(shown("digest", &all.to_string()), all.to_string());
        assert_eq!(shown("digest", " md5 "), "md5");
        assert_eq!(shown("digest", "md5,md5"), "md5 stands there twice");
        for text in ["", "md5,", "MD5", "sha-3"] {
            let wrong = shown("digest", text);
            assert!(wrong.contains("is not one of md5"), "{wrong}");
        }
    }

    #[cfg(feature = "folder")]
    #[test]
    fn whoever_is_told_listens_on_a_file() {
        for text in ["unix:/run/a", "unix:./@a", "none"] {
            assert_eq!(shown("on-kept", text), text);
        }
        for text in ["", "unix:", "unix:@a", "/run/a", "127.0.0.1:80"] {
            assert!(put("on-kept", text).is_err(), "{text}");
        }
    }

    #[test]
    fn access_log_has_two_values() {
        assert_eq!(put("access-log", "off").expect("a value").access_log, AccessLog::Off);
        assert_eq!(shown("access-log", "on"), "\"on\" is not one of off|stderr");
    }
}
