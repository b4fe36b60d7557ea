//! Keeps each upload in a folder, under its digest; another thread writes what the loop hashes.
//!
//! ```text
//! cargo run --no-default-features --example write_behind -- 127.0.0.1:8080 uploads
//! curl -T file http://127.0.0.1:8080/
//! ```
//!
//! For disks that are slower than the network, or that may hang: the loop never waits for them.
//! Each piece of content goes to the writer as it lies in memory, and its upload is not read
//! before the writer has taken it, so that TCP holds a client back that is faster than the disk.
//! All content that waits for the writer is bounded by `Config::max_held`.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::{env, process};

use streamsum::engine::Config;
use streamsum::handler::{
    Content, Finished, Handler, Piece, Reply, Report, Request, UploadId, Verdict,
};
use streamsum::md5::{Digest, Input, Kernel, Md5};
use streamsum::proto::Response;
use streamsum::thread::{self, Handle};

/// What the writer is to do for an upload.
enum Task {
    Write(Content),
    /// All of it has come.
    Keep(Digest),
    /// It broke off, or was refused.
    Discard,
}

/// The loop's side: hashes, and hands on.
struct WriteBehind {
    kernel: Kernel,
    tasks: Sender<(UploadId, Task)>,
}

impl Handler for WriteBehind {
    type Upload = Md5;

    fn begin(&mut self, request: Request<'_>) -> Verdict<Md5> {
        match request.head().method() {
            "PUT" | "POST" => Verdict::Take(Md5::new()),
            _ => Verdict::Answer(Response::text(405, "PUT or POST a file")),
        }
    }

    fn consume(&mut self, pieces: &mut [Piece<Md5>]) {
        self.kernel.update_many(pieces.iter_mut().map(|piece| {
            let last = piece.last();
            let (stream, bytes) = piece.parts();
            Input { stream, bytes, last }
        }));
        for piece in pieces {
            if piece.data().is_empty() {
                continue;
            }
            piece.credit(0);
            let write = Task::Write(piece.keep());
            if self.tasks.send((piece.id(), write)).is_err() {
                piece.answer(Response::text(500, "nobody writes any more"));
            }
        }
    }

    fn finish(&mut self, message: Finished<'_>, stream: Md5) -> Reply {
        match self.tasks.send((message.id(), Task::Keep(stream.finish()))) {
            Ok(()) => Reply::Later,
            Err(_) => Reply::Now(Response::text(500, "nobody writes any more")),
        }
    }

    fn may_leave_content(&self) -> bool {
        true
    }

    fn ended(&mut self, report: &Report<'_>, upload: Option<Md5>) {
        if let (Some(id), Some(_)) = (report.id, upload) {
            // A writer that is gone has nothing left to discard.
            let _ = self.tasks.send((id, Task::Discard));
        }
    }
}

/// The writer's side. After its tasks each upload ends with one `Keep` or one `Discard`.
struct Writer {
    folder: PathBuf,
    handle: Handle,
    uploads: HashMap<UploadId, State>,
}

enum State {
    /// Written so far.
    Partial(PathBuf, File),
    /// The client has been told that it cannot be written.
    Refused,
}

impl Writer {
    fn run(&mut self, tasks: Receiver<(UploadId, Task)>) {
        for (id, task) in tasks {
            let done = match task {
                Task::Write(content) => self.write(id, content),
                Task::Keep(digest) => self.keep(id, digest),
                Task::Discard => {
                    self.discard(id);
                    Ok(())
                }
            };
            if let Err(error) = done {
                eprintln!("an upload was not kept: {error}");
                self.discard(id);
                self.uploads.insert(id, State::Refused);
                // At once, however much of its content is to come.
                self.handle.answer(id, Response::text(507, "it could not be written"));
            }
        }
    }

    fn write(&mut self, id: UploadId, content: Content) -> io::Result<()> {
        if let State::Partial(_, file) = self.state(id)? {
            file.write_all(&content)?;
            // Its memory is free before more of it comes.
            drop(content);
            self.handle.resume(id);
        }
        Ok(())
    }

    fn keep(&mut self, id: UploadId, digest: Digest) -> io::Result<()> {
        let name = self.folder.join(digest.to_string());
        if let State::Partial(path, file) = self.state(id)? {
            file.sync_all()?;
            fs::rename(path, name)?;
            self.handle.answer(id, Response::text(201, digest.to_string()));
        }
        self.uploads.remove(&id);
        Ok(())
    }

    fn discard(&mut self, id: UploadId) {
        if let Some(State::Partial(path, _)) = self.uploads.remove(&id) {
            // What cannot be removed has a name that shows what it is.
            let _ = fs::remove_file(path);
        }
    }

    /// The file is made when its first content has come.
    fn state(&mut self, id: UploadId) -> io::Result<&mut State> {
        match self.uploads.entry(id) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let path = self.folder.join(format!(".{}-{id}.part", process::id()));
                let file = File::create_new(&path)?;
                Ok(entry.insert(State::Partial(path, file)))
            }
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".into());
    let folder = PathBuf::from(env::args_os().nth(2).unwrap_or_else(|| "uploads".into()));
    fs::create_dir_all(&folder)?;
    let listener = TcpListener::bind(address)?;
    let server = thread::spawn_on([listener.into()], Config::default(), |handle| {
        let (tasks, to_do) = channel();
        std::thread::spawn(move || {
            Writer { folder, handle, uploads: HashMap::new() }.run(to_do);
        });
        WriteBehind { kernel: Kernel::detect(), tasks }
    })?;
    println!("listening on {}", server.address());
    Ok(server.join()?)
}
