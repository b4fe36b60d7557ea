//! Dates as HTTP and S3 write them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A moment of UTC by the calendar.
struct Calendar {
    /// Since the first of January 1970, which was a Thursday.
    days: u64,
    year: u64,
    /// From 1 on.
    month: usize,
    /// From 1 on.
    day: u64,
    hour: u64,
    minute: u64,
    second: u64,
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400)
}

fn length(month: usize, year: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl Calendar {
    /// Year by year and month by month: slow and plain.
    fn of(time: SystemTime) -> Self {
        let seconds = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
        let days = seconds / 86_400;
        let (mut left, mut year, mut month) = (days, 1970, 1);
        while left >= length(month, year) {
            left -= length(month, year);
            (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
        }
        let (hour, minute) = (seconds / 3600 % 24, seconds / 60 % 60);
        Self { days, year, month, day: left + 1, hour, minute, second: seconds % 60 }
    }
}

/// As `Date` has it (RFC 9110 section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(super) fn http_date(time: SystemTime) -> String {
    let Calendar { days, year, month, day, hour, minute, second } = Calendar::of(time);
    let (name, month) = (DAYS[(days % 7) as usize], MONTHS[month - 1]);
    format!("{name}, {day:02} {month} {year} {hour:02}:{minute:02}:{second:02} GMT")
}

/// As the XML of S3 has it: `2013-05-24T00:00:00.000Z`.
pub(super) fn iso_date(time: SystemTime) -> String {
    let Calendar { year, month, day, hour, minute, second, .. } = Calendar::of(time);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.000Z")
}

/// The moment that S3 writes as `20130524T000000Z`. `None` if it is none.
pub(super) fn of_basic_date(text: &str) -> Option<SystemTime> {
    let is_digit = |at: usize, byte: u8| match at {
        8 => byte == b'T',
        15 => byte == b'Z',
        _ => byte.is_ascii_digit(),
    };
    let has_form =
        text.len() == 16 && text.bytes().enumerate().all(|(at, byte)| is_digit(at, byte));
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let (hour, minute, second) = (number(9, 11)?, number(11, 13)?, number(13, 15)?);
    let month = usize::try_from(month).ok()?;
    let is_right = year >= 1970
        && (1..=12).contains(&month)
        && (1..=length(month, year)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !has_form || !is_right {
        return None;
    }
    let years: u64 = (1970..year).map(|year| 365 + u64::from(is_leap(year))).sum();
    let months: u64 = (1..month).map(|month| length(month, year)).sum();
    let days = years + months + day - 1;
    let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    Some(UNIX_EPOCH + Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn basic_dates() {
        for (text, seconds) in [
            ("19700101T000000Z", Some(0)),
            ("20130524T000000Z", Some(1_369_353_600)),
            ("20000229T235959Z", Some(951_868_799)),
            ("20010229T000000Z", None),
            ("20130524T240000Z", None),
            ("20130024T000000Z", None),
            ("20130524T000000", None),
            ("2013-05-24T00:00", None),
            ("+0130524T000000Z", None),
        ] {
            assert_eq!(of_basic_date(text), seconds.map(at), "{text}");
        }
    }

    #[test]
    fn dates_of_http() {
        assert_eq!(http_date(at(0)), "Thu, 01 Jan 1970 00:00:00 GMT");
        // The example of RFC 9110.
        assert_eq!(http_date(at(784_111_777)), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(iso_date(at(784_111_777)), "1994-11-06T08:49:37.000Z");
        assert_eq!(http_date(at(951_782_400)), "Tue, 29 Feb 2000 00:00:00 GMT");
        assert_eq!(http_date(at(951_868_799)), "Tue, 29 Feb 2000 23:59:59 GMT");
        assert_eq!(http_date(at(951_868_800)), "Wed, 01 Mar 2000 00:00:00 GMT");
    }
}
