//! Keeps uploads as files in a folder, each under the name that its request target has.
//!
//! A file appears under its name, and what had that name before is replaced, only when the message
//! ended properly, every declared digest agrees, and all is on disk: see [`Folder`].
//!
//! The loop never waits for the disk but to write content, which goes to the system's cache.
//! Making, syncing and naming files is the business of a few threads.
//!
//! # Example
//!
//! An upload box on a thread of its own.
//!
//! ```
//! use std::net::TcpListener;
//! use streamsum::door::Door;
//! use streamsum::folder::{Disk, Folder};
//! use streamsum::{Checksum, Config, thread};
//!
//! # let path = std::env::temp_dir().join(format!("streamsum-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(&path)?;
//! let disk = Disk::open(&path)?;
//! let listener = TcpListener::bind("127.0.0.1:0")?;
//! let server = thread::spawn_on([listener.into()], Config::default(), |handle| {
//!     Folder::new(disk, Door::default(), Checksum::new(), handle)
//! })?;
//! # server.drain();
//! # server.join()?;
//! # std::fs::remove_dir_all(path)?;
//! # Ok::<(), std::io::Error>(())
//! ```

mod pool;
mod root;

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use crate::checksum::{Checksum, Upload};
use crate::digest::Algorithm;
use crate::door::{Admitted, Door, Holder, Key, Names, Page, Place, put_fields};
use crate::handler::{
    Finished, Handler, Piece, Refused, Reply, Report, Request, Terms, UploadId, Verdict,
};
use crate::proto::{Framing, Reject, Response};
use crate::resident::Resident;
use crate::run::Handle;
use pool::Pool;
use root::{KeepError, Root, Unfinished};

/// Threads that sync and name files. Few, as a disk does not get faster by more.
const KEEPING: usize = 4;
/// Threads that make files and remove them, which those that are synced do not keep waiting.
const MAKING: usize = 2;
/// How often a decision is offered to a loop that has no room for it, and how long apart: it takes
/// those that wait in its next turn.
const OFFERS: usize = 1_000;
const BETWEEN_OFFERS: Duration = Duration::from_millis(10);

/// A folder, and the threads that wait for its disk; shared by the handlers of all workers.
///
/// The [module page](self) has an example.
#[derive(Clone)]
pub struct Disk {
    root: Arc<Root>,
    /// Their threads hold nothing of this but the root: the last to be dropped is none of them.
    making: Arc<Pool>,
    keeping: Arc<Pool>,
    min_free: Option<u64>,
}

impl Disk {
    /// Opens a folder that is there, and removes what processes have left unfinished in it that
    /// live no more.
    ///
    /// # Errors
    ///
    /// If it is no folder, cannot be written, does not tell names apart by their case, or there
    /// are no threads left.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let root = Arc::new(Root::open(path.as_ref())?);
        let making = Arc::new(Pool::new("making", MAKING)?);
        let keeping = Arc::new(Pool::new("keeping", KEEPING)?);
        Ok(Self { root, making, keeping, min_free: None })
    }

    /// Takes no new upload while fewer bytes than this are free: 507, before a client that waits
    /// for 100 Continue has sent any. `None`, which is the default, is no bound.
    #[must_use]
    pub fn min_free(mut self, bytes: impl Into<Option<u64>>) -> Self {
        self.min_free = bytes.into();
        self
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk").field("min_free", &self.min_free).finish_non_exhaustive()
    }
}

/// Keeps each upload under the name that its target has, and answers with its digest as
/// [`Checksum`] does, once it is on disk; `ETag` is its MD5.
///
/// What the [`Door`] does not let in is refused before its content. If the disk is full, or fails
/// otherwise, the client hears so when it happens: 507, or 500. Nothing is left of an upload that
/// was not kept.
///
/// The [module page](self) has an example.
#[derive(Debug)]
pub struct Folder {
    disk: Disk,
    door: Door,
    checksum: Checksum,
    handle: Handle,
    names: Names,
    replaces: bool,
}

/// What is attached to an upload; `None` when it was given to be kept.
type Attached = Option<Kept>;

/// An upload on its way to its file.
#[derive(Debug)]
struct Kept {
    key: Key,
    /// True if the client did not name it.
    is_named_here: bool,
    holder: Option<Holder>,
    replaces: bool,
    page: Page,
    /// Where a thread of the pool puts the file that it has made.
    made: Arc<Mutex<Option<Unfinished>>>,
    file: Option<Unfinished>,
}

impl Folder {
    /// Names files of `disk` for those whom `door` lets in; their content goes through `checksum`,
    /// which computes the MD5 in any case. `handle` is that of the server that it serves.
    #[must_use]
    pub fn new(disk: Disk, door: Door, checksum: Checksum, handle: Handle) -> Self {
        let checksum = checksum.and(Algorithm::Md5);
        Self { disk, door, checksum, handle, names: Names::new(), replaces: true }
    }

    /// Has names that are taken stay with what they name: 412. By default that is replaced.
    #[must_use]
    pub fn no_overwrite(mut self) -> Self {
        self.replaces = false;
        self
    }

    /// Has a thread make the file of a request that waits for it.
    fn make(&self, id: UploadId, length: u64, kept: &Kept) {
        let (root, handle) = (Arc::clone(&self.disk.root), self.handle.clone());
        let (made, page) = (Arc::clone(&kept.made), kept.page.clone());
        let (key, replaces, min_free) = (kept.key.clone(), kept.replaces, self.disk.min_free);
        let least = min_free.map(|free| free.saturating_add(length));
        self.disk.making.run(move || {
            // The request is over.
            if Arc::strong_count(&made) == 1 {
                return;
            }
            let file = root.probe(&key, replaces).and_then(|()| make(&root, least));
            match file {
                Ok(file) => {
                    *made.lock().unwrap_or_else(PoisonError::into_inner) = Some(file);
                    offer(&handle, || handle.resume(id));
                }
                Err(wrong) => {
                    let response = page.dress(not_kept(&wrong));
                    offer(&handle, || handle.answer(id, response.clone()));
                }
            }
        });
    }
}

/// Decides on a request, though its loop may have no room for decisions at the moment.
fn offer(handle: &Handle, decide: impl Fn() -> bool) {
    for _ in 0..OFFERS {
        if decide() || handle.running() == 0 {
            return;
        }
        thread::sleep(BETWEEN_OFFERS);
    }
}

/// Makes a file, if so many bytes are free.
fn make(root: &Root, least: Option<u64>) -> Result<Unfinished, KeepError> {
    if let Some(least) = least
        && root.free()? < least
    {
        return Err(io::Error::from(ErrorKind::StorageFull).into());
    }
    Ok(root.create()?)
}

impl Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.file()?.file().write_all(bytes)
    }

    /// The answer to an upload that is kept.
    fn described(&self, mut response: Response, etag: &str) -> Response {
        put_fields(&mut response, &[("ETag", etag)]);
        let target = self.key.to_target();
        if self.is_named_here {
            put_fields(&mut response, &[("Location", &target)]);
        }
        let holder =
            self.holder.as_ref().map_or(String::new(), |one| format!(" for {}", one.name()));
        let verified = response.note().map_or(String::new(), |note| format!(", {note}"));
        response.with_note(format!("kept{holder}{verified}: {target}"))
    }

    fn file(&mut self) -> io::Result<&mut Unfinished> {
        if self.file.is_none() {
            self.file = self.made.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
        self.file.as_mut().ok_or_else(|| io::Error::other("its file was not made"))
    }
}

impl Handler for Folder {
    type Upload = Upload;

    fn begin(&mut self, request: Request<'_>) -> Verdict<Upload> {
        let now = SystemTime::now();
        let Admitted { place, only_new, holder, page } = match self.door.admit(&request, now) {
            Ok(admitted) => admitted,
            Err(response) => return Verdict::Answer(response),
        };
        let (id, is_too_large) = (request.id(), request.exceeds_body_limit());
        let length = match request.head().framing() {
            Framing::Length(length) => length,
            Framing::None | Framing::Chunked => 0,
        };
        let mut upload = match self.checksum.begin(request) {
            Verdict::Take(upload) => upload,
            Verdict::Answer(response) => return Verdict::Answer(page.dress(response)),
            other => return other,
        };
        let (key, is_named_here) = match place {
            Place::Named(key) => (key, false),
            Place::Within(folder) => (self.names.key_in(folder.as_ref(), now), true),
        };
        let replaces = self.replaces && !only_new;
        let body_limit = holder.as_ref().and_then(Holder::max);
        let kept =
            Kept { key, is_named_here, holder, replaces, page, made: Arc::default(), file: None };
        // What is refused for its length needs no file.
        let is_too_large = body_limit.map_or(is_too_large, |most| length > most);
        if !is_too_large {
            self.make(id, length, &kept);
        }
        upload.attach(Attached::Some(kept));
        let terms = body_limit.map(|bytes| Terms::new().body_limit(bytes));
        match (is_too_large, terms) {
            (true, None) => Verdict::Take(upload),
            (true, Some(terms)) => Verdict::TakeOn(upload, terms),
            (false, None) => Verdict::Wait(upload),
            (false, Some(terms)) => Verdict::WaitOn(upload, terms),
        }
    }

    fn consume(&mut self, pieces: &mut [Piece<Upload>]) {
        self.checksum.consume(pieces);
        for piece in pieces {
            let (upload, bytes) = piece.parts();
            let Some(Some(kept)) = upload.attached_mut::<Attached>() else { continue };
            if let Err(wrong) = kept.write(bytes) {
                let response = kept.page.dress(failure(&wrong));
                piece.answer(response);
            }
        }
    }

    fn verify(&mut self, message: &Finished<'_>, upload: &mut Upload) -> Option<Response> {
        let response = self.checksum.verify(message, upload)?;
        Some(dressed(upload, response))
    }

    fn finish(&mut self, message: Finished<'_>, mut upload: Upload) -> Reply {
        // A handler in front of this one may not have passed `verify` on.
        if upload.values().is_empty()
            && let Some(response) = self.verify(&message, &mut upload)
        {
            return Reply::Now(response);
        }
        let kept = upload.attached_mut::<Attached>().and_then(Option::take);
        let md5 = upload.values().iter().find(|value| value.algorithm() == Algorithm::Md5);
        let etag = md5.map(|md5| format!("\"{md5}\""));
        let (Some(mut kept), Some(etag)) = (kept, etag) else {
            unreachable!("both are there from the head on")
        };
        let id = message.id();
        let Reply::Now(response) = self.checksum.finish(message, upload) else {
            unreachable!("it answers at once")
        };
        if let Err(wrong) = kept.file() {
            return Reply::Now(kept.page.dress(failure(&wrong)));
        }
        let (root, handle) = (Arc::clone(&self.disk.root), self.handle.clone());
        self.disk.keeping.run(move || {
            let Some(file) = kept.file.take() else { unreachable!("it was there") };
            let response = match root.keep(file, &kept.key, kept.replaces) {
                Ok(()) => kept.described(response, &etag),
                Err(wrong) => not_kept(&wrong),
            };
            let response = kept.page.dress(response);
            offer(&handle, || handle.answer(id, response.clone()));
        });
        // It ends, however long the disk takes; and is not cut when the client has left.
        Reply::LaterWithin(None)
    }

    fn refused(&mut self, refusal: &Refused<'_, Upload>, response: Response) -> Response {
        let mut response = self.checksum.refused(refusal, response);
        if let Some(upload) = refusal.upload {
            response = dressed(upload, response);
        }
        if refusal.reject == Reject::Late {
            put_fields(&mut response, &[("Retry-After", "5")]);
        }
        response
    }

    fn ended(&mut self, _: &Report<'_>, upload: Option<Upload>) {
        // To close a file that has no name frees its blocks, which may take time.
        if let Some(mut upload) = upload
            && let Some(kept) = upload.attached_mut::<Attached>().and_then(Option::take)
            && kept.file.is_some()
        {
            self.disk.making.run(move || drop(kept));
        }
    }
}

/// It does nothing between two turns.
impl Resident for Folder {}

/// For the page that the upload comes from.
fn dressed(upload: &Upload, response: Response) -> Response {
    match upload.attached::<Attached>() {
        Some(Some(kept)) => kept.page.dress(response),
        _ => response,
    }
}

/// What the client gets for a name that its upload did not get.
fn not_kept(wrong: &KeepError) -> Response {
    match wrong {
        KeepError::Exists => Response::text(412, "there is an upload of that name already"),
        KeepError::IsFolder => Response::text(409, "that name is a folder's"),
        KeepError::NotFolder => {
            Response::text(409, "there is no folder where one would have to be")
        }
        KeepError::Unknown(wrong) => {
            Response::text(500, "it is not known whether the upload is kept")
                .with_note(wrong.to_string())
        }
        KeepError::Disk(wrong) => failure(wrong),
    }
}

/// What the client gets when the disk fails.
fn failure(wrong: &io::Error) -> Response {
    let response = match wrong.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            Response::text(507, "there is no room for it")
        }
        _ if is_shortage(wrong) => {
            let mut response = Response::text(503, "too many files are open");
            put_fields(&mut response, &[("Retry-After", "5")]);
            response
        }
        _ => Response::text(500, "it could not be kept"),
    };
    response.with_note(wrong.to_string())
}

fn is_shortage(wrong: &io::Error) -> bool {
    let code = wrong.raw_os_error().map(rustix::io::Errno::from_raw_os_error);
    matches!(code, Some(rustix::io::Errno::MFILE | rustix::io::Errno::NFILE))
}
