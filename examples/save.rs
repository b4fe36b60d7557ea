//! Keeps each upload in a folder, under its digest, and hashes it as it comes.
//!
//! ```text
//! cargo run --no-default-features --example save -- 127.0.0.1:8080 uploads
//! curl -T file http://127.0.0.1:8080/
//! ```
//!
//! An upload has a temporary name until it is complete; one that breaks off is removed. One
//! that cannot be written, as on a full disk, is refused at once, however much of it is to come.
//! What clients call their files is no name for ours: it could lead anywhere.
//!
//! Writing goes to the system's cache and hardly ever waits. For disks that are slower
//! than the network a handler takes pieces in part, which `may_leave_content` says beforehand,
//! and resumes when there is room.

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::{env, process};

use streamsum::engine::Config;
use streamsum::handler::{Finished, Handler, Piece, Reply, Request, Verdict};
use streamsum::md5::{Input, Kernel, Md5};
use streamsum::proto::Response;
use streamsum::thread;

struct Save {
    folder: PathBuf,
    kernel: Kernel,
    begun: u64,
}

/// An upload under way.
struct Partial {
    stream: Md5,
    file: File,
    path: Temporary,
}

/// A file that is removed unless it was given another name.
struct Temporary(PathBuf);

impl Temporary {
    fn rename(&self, to: &Path) -> io::Result<()> {
        fs::rename(&self.0, to)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // It has another name, most of the time.
        let _ = fs::remove_file(&self.0);
    }
}

impl Save {
    fn create(&mut self) -> io::Result<Partial> {
        self.begun += 1;
        let path = self.folder.join(format!(".{}-{}.part", process::id(), self.begun));
        let file = File::create_new(&path)?;
        Ok(Partial { stream: Md5::new(), file, path: Temporary(path) })
    }

    fn keep(&self, partial: Partial) -> io::Result<String> {
        let digest = partial.stream.finish().to_string();
        partial.path.rename(&self.folder.join(&digest))?;
        Ok(digest)
    }
}

fn sorry(error: &io::Error) -> Response {
    eprintln!("an upload was not kept: {error}");
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            Response::text(507, "there is no room for it")
        }
        _ => Response::text(500, "it could not be kept"),
    }
}

impl Handler for Save {
    type Upload = Partial;

    fn begin(&mut self, request: Request<'_>) -> Verdict<Partial> {
        if !matches!(request.head().method(), "PUT" | "POST") {
            return Verdict::Answer(Response::text(405, "PUT or POST a file"));
        }
        match self.create() {
            Ok(partial) => Verdict::Take(partial),
            Err(error) => Verdict::Answer(sorry(&error)),
        }
    }

    fn consume(&mut self, pieces: &mut [Piece<Partial>]) {
        for piece in &mut *pieces {
            let (partial, data) = piece.parts();
            if let Err(error) = partial.file.write_all(data) {
                piece.answer(sorry(&error));
            }
        }
        // All of them at once: their streams go side by side.
        self.kernel.update_many(pieces.iter_mut().map(|piece| {
            let last = piece.last();
            let (partial, bytes) = piece.parts();
            Input { stream: &mut partial.stream, bytes, last }
        }));
    }

    fn finish(&mut self, _: Finished<'_>, partial: Partial) -> Reply {
        Reply::Now(match self.keep(partial) {
            Ok(digest) => Response::text(201, digest),
            Err(error) => sorry(&error),
        })
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".into());
    let folder = PathBuf::from(env::args_os().nth(2).unwrap_or_else(|| "uploads".into()));
    fs::create_dir_all(&folder)?;
    let handler = Save { folder, kernel: Kernel::detect(), begun: 0 };
    let server = thread::spawn(address, Config::default(), handler)?;
    println!("listening on {}", server.address());
    Ok(server.join()?)
}
