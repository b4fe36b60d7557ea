//! The values of settings, from text and as text.

use std::time::Duration;

use bytesize::Unit;
use streamsum::digest::{Algorithm, Algorithms};

use super::AccessLog;

/// Deadlines are looked at once a second.
const SHORTEST_DEADLINE: Duration = Duration::from_secs(1);

pub(super) const NOT_ZERO: &str = "it cannot be 0";
pub(super) const AUTO: &str = "auto";

/// A whole number of any width, so that one kind of setting serves all widths.
pub(super) trait Number {
    fn get(&self) -> u64;
    /// Takes `value` unless it is too wide.
    fn set(&mut self, value: u64) -> Option<()>;
}

impl<N: Copy + TryFrom<u64> + TryInto<u64>> Number for N {
    fn get(&self) -> u64 {
        (*self).try_into().unwrap_or(u64::MAX)
    }

    fn set(&mut self, value: u64) -> Option<()> {
        *self = value.try_into().ok()?;
        Some(())
    }
}

/// Puts a value above zero into its place.
pub(super) fn put_number(place: &mut dyn Number, value: u64) -> Result<(), String> {
    if value == 0 {
        return Err(NOT_ZERO.into());
    }
    place.set(value).ok_or_else(|| format!("{value} is too large"))
}

pub(super) fn parse_digests(text: &str) -> Result<Algorithms, String> {
    let mut digests = Algorithms::new();
    for name in text.split(',').map(str::trim) {
        let algorithm = Algorithm::named(name).ok_or_else(|| {
            let all: Algorithms = Algorithm::ALL.iter().copied().collect();
            format!("{name:?} is not one of {all}")
        })?;
        if digests.contains(algorithm) {
            return Err(format!("{name} stands there twice"));
        }
        digests.insert(algorithm);
    }
    Ok(digests)
}

pub(super) fn parse_access_log(text: &str) -> Result<AccessLog, String> {
    [AccessLog::Off, AccessLog::Stderr]
        .into_iter()
        .find(|value| value.to_string() == text)
        .ok_or_else(|| format!("{text:?} is not one of {}", AccessLog::VALUES))
}

pub(super) fn parse_deadline(text: &str) -> Result<Option<Duration>, String> {
    let time = humantime::parse_duration(text)
        .map_err(|_| format!("{text:?} is not a time, which is written like 30s"))?;
    match time {
        Duration::ZERO => Ok(None),
        time if time < SHORTEST_DEADLINE => Err(format!("{text:?} is under a second")),
        time => Ok(Some(time)),
    }
}

/// Whole numbers only: fractions would need rounding, and floating point is large.
pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    let (digits, unit) = text.split_at(text.bytes().take_while(u8::is_ascii_digit).count());
    let unit = match unit.trim_start() {
        "" => Ok(Unit::Byte),
        unit => unit.parse(),
    };
    let (Ok(number), Ok(unit)) = (digits.parse(), unit) else {
        return Err(format!("{text:?} is not a size, which is written like 8MiB"));
    };
    u64::checked_mul(number, unit * 1).ok_or_else(|| format!("{text:?} is too large"))
}

pub(super) fn parse_count(text: &str) -> Result<u64, String> {
    Some(text)
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| format!("{text:?} is not a number"))
}

pub(super) fn parse_count_cap(text: &str) -> Result<Option<u32>, String> {
    let (count, mut cap) = (parse_count(text)?, 0);
    if count == 0 {
        return Ok(None);
    }
    put_number(&mut cap, count)?;
    Ok(Some(cap))
}

pub(super) fn parse_auto(text: &str) -> Result<Option<usize>, String> {
    if text == AUTO {
        return Ok(None);
    }
    let mut count = 0;
    put_number(&mut count, parse_count(text)?)?;
    Ok(Some(count))
}

pub(super) fn show_count(count: u64) -> String {
    format!("{count}")
}

pub(super) fn show_time(time: Duration) -> String {
    humantime::format_duration(time).to_string()
}

/// In the largest unit that is exact.
pub(super) fn show_size(size: u64) -> String {
    const UNITS: [&str; 7] = ["", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let thousands = if size == 0 { 0 } else { size.trailing_zeros() / 10 };
    let unit = UNITS.get(thousands as usize).copied().unwrap_or_default();
    format!("{}{unit}", size >> (10 * thousands))
}

#[cfg(feature = "folder")]
pub(super) fn parse_flag(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(format!("{text:?} is not one of on|off")),
    }
}

#[cfg(feature = "folder")]
pub(super) fn show_flag(is_on: bool) -> String {
    if is_on { "on" } else { "off" }.into()
}

/// The file of a Unix socket that somebody else listens on.
#[cfg(feature = "folder")]
pub(super) fn parse_socket(text: &str) -> Result<Option<std::path::PathBuf>, String> {
    if text == "none" {
        return Ok(None);
    }
    match text.strip_prefix("unix:") {
        None | Some("") => Err(format!("{text:?} is not a socket, which is written like unix:/a")),
        Some(path) if path.starts_with('@') => {
            Err(format!("abstract sockets are not served; a file is unix:./{path}"))
        }
        Some(path) => Ok(Some(path.into())),
    }
}

#[cfg(feature = "folder")]
pub(super) fn show_socket(path: Option<&std::path::Path>) -> String {
    path.map_or("none".into(), |path| format!("unix:{}", path.display()))
}

/// `none` is no path: a file of that name is `./none`.
#[cfg(feature = "folder")]
pub(super) fn parse_path(text: &str) -> Result<Option<std::path::PathBuf>, String> {
    match text {
        "" => Err("a path is missing".into()),
        "none" => Ok(None),
        path => Ok(Some(path.into())),
    }
}
