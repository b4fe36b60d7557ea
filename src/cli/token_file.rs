//! The token file: read at the start, and again when the operator asks for that.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::SystemTime;

use rustix::fs::OFlags;
use streamsum::door::Tokens;

use super::lines::Lines;
use super::operator::Reload;

/// Bytes of a token file: as many tokens as one may have, in lines of 400 bytes.
const LONGEST: u64 = 4 << 20;
/// Bytes of stack for the thread that reads it again: see [`Lines`].
const STACK: usize = 256 << 10;

/// The tokens of a file, and where it is.
#[derive(Clone)]
pub(super) struct TokenFile {
    path: PathBuf,
    tokens: Tokens,
}

impl TokenFile {
    /// Reads it for the first time: from a pipe, too.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words that show none of its tokens.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let file = File::open(path).map_err(|wrong| wrong.to_string())?;
        Ok(Self { path: path.into(), tokens: read(file)? })
    }

    pub(super) fn tokens(&self) -> Tokens {
        self.tokens.clone()
    }

    /// Starts a thread that reads it again whenever it is asked to, and writes a line for each
    /// time. A disk that hangs makes nobody else wait. Asked while it has not begun to do what it
    /// was asked for, it does that once.
    ///
    /// # Errors
    ///
    /// If there are no threads left.
    pub(super) fn reload(self, mut lines: Lines) -> io::Result<Reload> {
        let is_asked = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&is_asked);
        let thread = thread::Builder::new().name("tokens".into()).stack_size(STACK);
        let thread = thread.spawn(move || {
            loop {
                while !asked.swap(false, Ordering::AcqRel) {
                    thread::park();
                }
                let end = self.read_again();
                lines.set_time(SystemTime::now());
                match end {
                    Ok(number) => {
                        lines.note(format_args!("token file reloaded: {number} tokens"));
                    }
                    Err(wrong) => lines.note(format_args!("token file kept as it was: {wrong}")),
                }
                lines.flush();
            }
        })?;
        Ok(Box::new(move || {
            is_asked.store(true, Ordering::Release);
            thread.thread().unpark();
        }))
    }

    /// How many tokens it has now.
    fn read_again(&self) -> Result<usize, String> {
        let file = open_at_once(&self.path).map_err(|wrong| wrong.to_string())?;
        // A pipe is empty by now.
        if !file.metadata().map_err(|wrong| wrong.to_string())?.is_file() {
            return Err("it is not a regular file".into());
        }
        let tokens = read(file)?;
        let number = tokens.len();
        self.tokens.replace(tokens);
        Ok(number)
    }
}

/// Never waits for whoever writes to a pipe, which may take the place of a file at any moment.
fn open_at_once(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    File::options().read(true).custom_flags(flags).open(path)
}

fn read(file: File) -> Result<Tokens, String> {
    let mut bytes = Vec::new();
    let read = file.take(LONGEST + 1).read_to_end(&mut bytes);
    if read.map_err(|wrong| wrong.to_string())? as u64 > LONGEST {
        return Err(format!("it has more than {LONGEST} bytes"));
    }
    let text = str::from_utf8(&bytes).map_err(|_| "it is not UTF-8")?;
    Tokens::parse(text).map_err(|wrong| wrong.to_string())
}
