//! The folder of a report: it holds that, its charts, and nothing else.
//!
//! So whatever is in it belongs together, and a report can make room for the next one
//! without taking anything away that is somebody else's.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::Error;

const REPORT: &str = "report.md";
/// The first line of every report.
pub(super) const TITLE: &str = "# A race of servers that hash uploads";

/// A folder that a report may be written to.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Makes a folder, or takes one that is empty or holds an earlier report.
    ///
    /// # Errors
    ///
    /// When it holds anything else, or cannot be made or read.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let folder = Self(path.into());
        fs::create_dir_all(path).map_err(|error| folder.error("", error))?;
        folder.earlier()?;
        Ok(folder)
    }

    /// Removes the earlier report, and puts a new one and its charts in its place.
    ///
    /// Charts go before the report that names them and come after it, so that one which breaks
    /// off leaves none that nobody names.
    pub(super) fn replace(
        &self,
        report: &str,
        charts: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<str>)>,
    ) -> Result<PathBuf, Error> {
        for name in self.earlier()?.iter().map(String::as_str).chain([REPORT]) {
            match fs::remove_file(self.0.join(name)) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(self.error(name, error));
                }
                _ => {}
            }
        }
        let put = |name: &str, text: &str| {
            fs::write(self.0.join(name), text).map_err(|error| self.error(name, error))
        };
        put(REPORT, report)?;
        for (name, svg) in charts {
            put(name.as_ref(), svg.as_ref())?;
        }
        Ok(self.0.join(REPORT))
    }

    /// The names of the charts of the report that is there.
    fn earlier(&self) -> Result<Vec<String>, Error> {
        let charts = match fs::read_to_string(self.0.join(REPORT)) {
            Ok(text) if text.lines().next() == Some(TITLE) => {
                text.lines().filter_map(chart).map(String::from).collect()
            }
            Ok(_) => return Err(Error::Foreign(self.0.join(REPORT))),
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(self.error(REPORT, error)),
        };
        let is_own = |name: &OsStr| name == REPORT || charts.iter().any(|chart| name == &**chart);
        for entry in fs::read_dir(&self.0).map_err(|error| self.error("", error))? {
            let entry = entry.map_err(|error| self.error("", error))?;
            if !is_own(&entry.file_name()) {
                return Err(Error::Foreign(entry.path()));
            }
        }
        Ok(charts)
    }

    fn error(&self, name: &str, error: io::Error) -> Error {
        Error::Io(self.0.join(name), error)
    }
}

/// How a report shows a chart.
pub(super) fn link(title: &str, file: &str) -> String {
    format!("![{title}]({file})")
}

/// The file of the chart that a line of a report shows.
fn chart(line: &str) -> Option<&str> {
    let (_, file) = line.strip_prefix("![")?.strip_suffix(')')?.rsplit_once("](")?;
    // Nothing but what lies in the same folder.
    (Path::new(file).file_name() == Some(OsStr::new(file)) && file.ends_with(".svg"))
        .then_some(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charts_are_found_by_their_links() {
        assert_eq!(chart(&link("Bytes (of [all])", "memory-idle.svg")), Some("memory-idle.svg"));
        for line in [
            "![a](b.png)",
            "![a](/b.svg)",
            "![a](../b.svg)",
            "![a](c/b.svg)",
            "[a](b.svg)",
            "![a](b.svg) ",
            "![a](.svg/..)",
            "",
        ] {
            assert_eq!(chart(line), None, "{line}");
        }
    }
}
