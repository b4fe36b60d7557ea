//! The time at the start of a line, in UTC as RFC 3339 has it.

use std::env;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A time as a word, with a space behind it.
type Text = [u8; 25];

/// The last second that has a year of four digits.
const LAST: Duration = Duration::from_secs(253_402_300_799);

/// The time of the lines of a turn: the loop sets it, and the first line that needs it
/// writes it out.
pub(super) struct Stamp {
    time: SystemTime,
    text: Option<Text>,
}

impl Stamp {
    pub(super) fn new(time: SystemTime) -> Self {
        Self { time, text: None }
    }

    pub(super) fn text(&mut self) -> &[u8] {
        self.text.get_or_insert_with(|| write_out(self.time))
    }
}

fn write_out(time: SystemTime) -> Text {
    let mut text = *b"0000-00-00T00:00:00.000Z ";
    // A clock that was never set may be before it.
    let time = time.clamp(UNIX_EPOCH, UNIX_EPOCH + LAST);
    // It has as many bytes as come before the space.
    let _ = write!(&mut text[..], "{}", humantime::format_rfc3339_millis(time));
    text
}

/// True if standard error is a stream of systemd's journal, which adds a time to each line.
/// The variable names the device and the inode of that stream (systemd.exec(5)); another
/// stream has others, even if the process has inherited the variable.
pub(super) fn is_journal() -> bool {
    let Some(named) = env::var_os("JOURNAL_STREAM") else { return false };
    let stream = io::stderr().as_fd().try_clone_to_owned();
    let metadata = stream.and_then(|stream| File::from(stream).metadata());
    metadata.is_ok_and(|stream| *named == *format!("{}:{}", stream.dev(), stream.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(time: SystemTime) -> String {
        String::from_utf8(Stamp::new(time).text().to_vec()).expect("ASCII")
    }

    #[test]
    fn times_have_milliseconds() {
        let at = |millis| written(UNIX_EPOCH + Duration::from_millis(millis));
        assert_eq!(at(1_796_008_806_123), "2026-11-30T03:20:06.123Z ");
        assert_eq!(at(951_782_400_000), "2000-02-29T00:00:00.000Z ");
        assert_eq!(at(0), "1970-01-01T00:00:00.000Z ");
        let nearly = UNIX_EPOCH + Duration::from_nanos(1_999_999_999);
        assert_eq!(written(nearly), "1970-01-01T00:00:01.999Z ");
    }

    #[test]
    fn time_out_of_range_is_clamped() {
        assert_eq!(written(UNIX_EPOCH - Duration::from_secs(1)), "1970-01-01T00:00:00.000Z ");
        let late = UNIX_EPOCH + LAST + Duration::from_secs(1);
        assert_eq!(written(late), "9999-12-31T23:59:59.000Z ");
    }
}
