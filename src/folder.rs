//! Keeps uploads as files in a folder, each under the name that its request target has.
//!
//! A file appears under its name, and what had that name before is replaced, only when the message
//! ended properly, every declared digest agrees, and all is on disk: see [`Folder`].
//!
//! The loop never waits for the disk: making files, writing content, syncing and naming is the
//! business of a few threads. While they write what one read has brought of an upload, that upload is
//! not read, and TCP holds its client back.
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

mod afterword;
mod counters;
mod crew;
mod disk;
mod kept_upload;
mod root;
mod volume;

use std::collections::HashMap;
use std::fmt;
use std::io::{self, ErrorKind};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::checksum::{Checksum, Upload};
use crate::digest::{Algorithm, Fault};
use crate::door::{
    Admitted, Denied, Door, Holder, Key, Names, NotKept, Page, Place, noted_for, put_fields,
};
use crate::handler::{
    Content, Finished, Handler, Outcome, Piece, Refused, Reply, Report, Request, Terms, UploadId,
    Verdict,
};
use crate::proto::{Framing, Reject, Response};
use crate::resident::{Decide, Decisions, Resident};
use afterword::Afterword;
use counters::Counted;
use kept_upload::{Known, OnKept};

pub use counters::Counters;
pub use crew::{Crew, Duty, Task};
pub use disk::Disk;
pub use kept_upload::KeptUpload;
pub use volume::{Draft, KeepError, Volume};

/// Keeps each upload under the name that its target has, and answers with its digest as
/// [`Checksum`] does, once it is on disk; `ETag` is its MD5.
///
/// What the [`Door`] does not let in is refused before its content. If the disk is full, or fails
/// otherwise, the client hears so when it happens: 507, or 500. Nothing is left of an upload that
/// was not kept.
///
/// It decides when an upload goes on: a handler in front of it passes on all calls, and neither
/// resumes its uploads nor [attaches](Upload::attach) something to them. As a resident it is idle
/// when all is kept that has come, which a drain waits for.
///
/// The [module page](self) has an example.
pub struct Folder {
    disk: Disk,
    door: Door,
    checksum: Checksum,
    decide: Arc<dyn Decide>,
    names: Names,
    replaces: bool,
    /// How many uploads are being kept, with their clients or without.
    open: Arc<AtomicUsize>,
    /// Of these, if somebody wants to know.
    afterwords: HashMap<UploadId, Afterword>,
}

/// What is attached to an upload; `None` when it was given to be kept.
type Attached = Option<Kept>;

/// An upload on its way to its file.
#[derive(Debug)]
struct Kept {
    key: Key,
    /// True if the client did not name it.
    is_named_here: bool,
    replaces: bool,
    /// Bytes of content that were handed on to be written.
    sent: u64,
    /// What came last, which is written before the file is kept. Many have none yet.
    tail: Option<Box<Content>>,
    /// `None` if nobody wants to be told.
    known: Option<Box<Known>>,
    shared: Arc<Shared>,
}

/// What an upload shares with the task that works on it: one at a time does.
struct Shared {
    /// The loop never looks into it.
    file: Mutex<Partial>,
    /// True if the request is over, so that nothing more is to be done for it.
    is_left: AtomicBool,
    client: Client,
    counted: Counted,
}

/// A file, once it is made.
#[derive(Default)]
struct Partial {
    draft: Option<Box<dyn Draft>>,
    written: u64,
}

impl Partial {
    /// The file, if so much is written of it. Else content would be out of order, or missing:
    /// somebody has resumed an upload that was not his.
    fn take(&mut self, written: u64) -> io::Result<Box<dyn Draft>> {
        match self.draft.take() {
            Some(draft) if self.written == written => Ok(draft),
            Some(_) => Err(io::Error::other("its content is out of order")),
            None => Err(io::Error::other("its file is not there")),
        }
    }
}

/// What is known of who sends an upload.
#[derive(Debug)]
struct Client {
    holder: Option<Holder>,
    page: Page,
}

impl Client {
    /// For the page that the upload comes from, with a note for whom.
    fn dress(&self, response: Response) -> Response {
        self.page.dress(noted_for(self.holder.as_ref(), response))
    }
}

impl Shared {
    fn file(&self) -> MutexGuard<'_, Partial> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends what comes behind `written` bytes.
    fn write(&self, written: u64, bytes: &[u8]) -> io::Result<()> {
        let mut draft = self.file().take(written)?;
        draft.write(bytes)?;
        *self.file() = Partial { draft: Some(draft), written: written + bytes.len() as u64 };
        Ok(())
    }

    fn is_left(&self) -> bool {
        self.is_left.load(Ordering::Acquire)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("client", &self.client).finish_non_exhaustive()
    }
}

/// One of the uploads that are being kept, which a drain waits for.
struct Open(Arc<AtomicUsize>);

impl Open {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(count))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Folder {
    /// Names files of `disk` for those whom `door` lets in; their content goes through `checksum`,
    /// which computes the MD5 in any case. `decide` is the handle of the server that it serves.
    #[must_use]
    pub fn new(disk: Disk, door: Door, checksum: Checksum, decide: impl Decide + 'static) -> Self {
        let checksum = checksum.and(Algorithm::Md5);
        let decide = Arc::new(decide);
        Self {
            disk,
            door,
            checksum,
            decide,
            names: Names::new(),
            replaces: true,
            open: Arc::default(),
            afterwords: HashMap::new(),
        }
    }

    /// Has names that are taken stay with what they name: 412. By default that is replaced.
    #[must_use]
    pub fn no_overwrite(mut self) -> Self {
        self.replaces = false;
        self
    }

    /// Whose token an upload was begun with: for the line of a log, for example when its client has
    /// left. `None` if it needed none, and once all of it has come and is given to the disk.
    ///
    /// # Example
    ///
    /// ```
    /// use streamsum::checksum::Upload;
    /// use streamsum::door::Holder;
    /// use streamsum::folder::Folder;
    /// use streamsum::handler::Report;
    ///
    /// /// In [`ended`](streamsum::handler::Handler::ended) of a handler in front of it.
    /// fn line(report: &Report<'_>, upload: Option<&Upload>) -> String {
    ///     let name = upload.and_then(Folder::holder).map_or("-", Holder::name);
    ///     format!("{} {name} {:?}", report.peer, report.outcome)
    /// }
    /// # let _ = line;
    /// ```
    #[must_use]
    pub fn holder(upload: &Upload) -> Option<&Holder> {
        upload.attached::<Attached>()?.as_ref()?.shared.client.holder.as_ref()
    }

    fn task(&self, id: UploadId, work: impl FnOnce(&mut Decisions) + Send + 'static) -> Task {
        Task::new(&self.decide, id, work)
    }

    /// Has the file of a request made that waits for it.
    fn make(&self, id: UploadId, length: u64, kept: &Kept) {
        let (volume, min_free) = (Arc::clone(&self.disk.volume), self.disk.min_free);
        let (key, replaces, shared) = (kept.key.clone(), kept.replaces, Arc::clone(&kept.shared));
        let least = min_free.map(|free| free.saturating_add(length));
        let task = self.task(id, move |decisions| {
            if shared.is_left() {
                return;
            }
            let draft = volume.probe(&key, replaces).and_then(|()| make(&*volume, least));
            match draft {
                Ok(draft) => {
                    shared.file().draft = Some(draft);
                    decisions.resume(id);
                }
                Err(wrong) => {
                    shared.counted.failed(&wrong);
                    decisions.answer(id, shared.client.dress(not_kept(&wrong)));
                }
            }
        });
        self.disk.crew.run(Duty::Make, vec![task]);
    }

    /// What came of an upload, and is not its end, is to be written before it goes on.
    fn write(&self, id: UploadId, kept: &mut Kept, content: Content) -> Task {
        let (shared, written) = (Arc::clone(&kept.shared), kept.sent);
        kept.sent += content.len() as u64;
        self.task(id, move |decisions| {
            if shared.is_left() {
                return;
            }
            let is_written = shared.write(written, &content);
            drop(content);
            match is_written {
                Ok(()) => decisions.resume(id),
                Err(wrong) => {
                    shared.counted.disk_failed(&wrong);
                    decisions.answer(id, shared.client.dress(failure(&wrong)));
                }
            }
        })
    }

    /// Closes the file of an upload that is not kept. That frees its blocks, which may take time.
    fn discard(&self, id: UploadId, mut kept: Kept) {
        // Others may wait for its room.
        kept.tail = None;
        kept.shared.is_left.store(true, Ordering::Release);
        self.disk.crew.run(Duty::Make, vec![self.task(id, move |_| drop(kept))]);
    }
}

impl fmt::Debug for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Folder")
            .field("disk", &self.disk)
            .field("door", &self.door)
            .field("replaces", &self.replaces)
            .finish_non_exhaustive()
    }
}

/// Makes a file, if so many bytes are free.
fn make(volume: &dyn Volume, least: Option<u64>) -> Result<Box<dyn Draft>, KeepError> {
    if let Some(least) = least
        && volume.free()? < least
    {
        return Err(io::Error::from(ErrorKind::StorageFull).into());
    }
    Ok(volume.create()?)
}

impl Kept {
    /// The end of its content is written, and it gets its name. True if it has replaced another.
    fn keep(&mut self) -> Result<bool, KeepError> {
        let mut draft = self.shared.file().take(self.sent)?;
        if let Some(tail) = self.tail.take() {
            draft.write(&tail)?;
        }
        draft.keep(&self.key, self.replaces)
    }

    /// Tells of an upload that is kept.
    fn tell(&self, tell: &OnKept, length: u64, has_replaced: bool) {
        let Some(known) = &self.known else { return };
        let (key, time) = (&self.key, SystemTime::now());
        let holder = self.shared.client.holder.as_ref();
        let upload = KeptUpload { key, length, has_replaced, time, holder, known };
        // A panic was reported where it happened; the client is still to be answered.
        let _ = catch_unwind(AssertUnwindSafe(|| tell(&upload)));
    }

    /// The answer to an upload that is kept.
    fn described(&self, mut response: Response, etag: &str) -> Response {
        put_fields(&mut response, &[("ETag", etag)]);
        let target = self.key.to_target();
        if self.is_named_here {
            put_fields(&mut response, &[("Location", &target)]);
        }
        let holder = self.shared.client.holder.as_ref();
        let holder = holder.map_or(String::new(), |one| format!(" for {}", one.name()));
        let verified = response.note().map_or(String::new(), |note| format!(", {note}"));
        let response = response.with_note(format!("kept{holder}{verified}: {target}"));
        self.shared.client.page.dress(response)
    }
}

impl Handler for Folder {
    type Upload = Upload;

    fn begin(&mut self, request: Request<'_>) -> Verdict<Upload> {
        let now = SystemTime::now();
        let Admitted { place, only_new, holder, page } = match self.door.admit(&request, now) {
            Ok(admitted) => admitted,
            Err(Denied { reason, response, .. }) => {
                reason.into_iter().for_each(|reason| self.disk.tally.not_kept(reason));
                return Verdict::Answer(response);
            }
        };
        let client = Client { holder, page };
        if self.disk.crew.waiting() > self.disk.max_waiting {
            self.disk.tally.not_kept(NotKept::Late);
            return Verdict::Answer(client.dress(for_a_while("the disk is behind")));
        }
        let known = self.disk.on_kept.as_ref().map(|_| Box::new(Known::of(&request)));
        let (id, is_too_large) = (request.id(), request.exceeds_body_limit());
        let length = match request.head().framing() {
            Framing::Length(length) => length,
            Framing::None | Framing::Chunked => 0,
        };
        let mut upload = match self.checksum.begin(request) {
            Verdict::Take(upload) => upload,
            Verdict::Answer(response) => {
                self.disk.tally.not_kept(NotKept::Declaration);
                return Verdict::Answer(client.dress(response));
            }
            other => return other,
        };
        let (key, is_named_here) = match place {
            Place::Named(key) => (key, false),
            Place::Within(folder) => (self.names.key_in(folder.as_ref(), now), true),
        };
        let replaces = self.replaces && !only_new;
        let body_limit = client.holder.as_ref().and_then(Holder::max);
        let (file, is_left) = (Mutex::default(), AtomicBool::default());
        let counted = Counted::new(&self.disk.tally);
        let shared = Arc::new(Shared { file, is_left, client, counted });
        let (sent, tail) = (0, None);
        let kept = Kept { key, is_named_here, replaces, sent, tail, known, shared };
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
        let mut writes = Vec::new();
        for piece in pieces {
            if piece.data().is_empty() || !matches!(attached(piece.upload()), Some(Some(_))) {
                continue;
            }
            let (id, is_last, content) = (piece.id(), piece.last(), piece.keep());
            let Some(Some(kept)) = attached(piece.upload()) else { unreachable!("it was there") };
            if is_last {
                kept.tail = Some(Box::new(content));
            } else {
                writes.push(self.write(id, kept, content));
                piece.credit(0);
            }
        }
        if !writes.is_empty() {
            self.disk.crew.run(Duty::Write, writes);
        }
    }

    fn may_leave_content(&self) -> bool {
        true
    }

    fn verify(&mut self, message: &Finished<'_>, upload: &mut Upload) -> Option<Response> {
        let response = self.checksum.verify(message, upload)?;
        if let Some(Some(kept)) = upload.attached::<Attached>() {
            kept.shared.counted.not_kept(match upload.fault() {
                Some(Fault::Differs(_)) => NotKept::Differs,
                _ => NotKept::Declaration,
            });
        }
        Some(dressed(upload, response))
    }

    fn finish(&mut self, message: Finished<'_>, mut upload: Upload) -> Reply {
        let id = message.id();
        // A handler in front of this one may not have passed `verify` on.
        if upload.values().is_empty()
            && let Some(response) = self.verify(&message, &mut upload)
        {
            if let Some(kept) = attached(&mut upload).and_then(Option::take) {
                self.discard(id, kept);
            }
            return Reply::Now(response);
        }
        let kept = attached(&mut upload).and_then(Option::take);
        let md5 = upload.values().iter().find(|value| value.algorithm() == Algorithm::Md5);
        let etag = md5.map(|md5| format!("\"{md5}\""));
        let (Some(mut kept), Some(etag)) = (kept, etag) else {
            // A handler in front of this one has attached something else.
            return Reply::Now(failure(&io::Error::other("it is not known how to keep it")));
        };
        if let Some(known) = &mut kept.known {
            known.digests = upload.values().into();
        }
        let length = message.received();
        let Reply::Now(response) = self.checksum.finish(message, upload) else {
            unreachable!("it answers at once")
        };
        let (on_kept, open) = (self.disk.on_kept.clone(), Open::new(&self.open));
        let afterword = self
            .disk
            .on_left
            .clone()
            .map(|tell| (self.afterwords.entry(id).or_default().clone(), tell));
        let task = self.task(id, move |decisions| {
            let _open = open;
            let response = match kept.keep() {
                Ok(has_replaced) => {
                    kept.shared.counted.kept(length, has_replaced);
                    on_kept.iter().for_each(|tell| kept.tell(tell, length, has_replaced));
                    kept.described(response, &etag)
                }
                Err(wrong) => {
                    kept.shared.counted.failed(&wrong);
                    kept.shared.client.dress(not_kept(&wrong))
                }
            };
            if let Some((afterword, tell)) = afterword {
                afterword.ended(words_on(&kept.key, &response), &tell);
            }
            decisions.answer(id, response);
        });
        self.disk.crew.run(Duty::Keep, vec![task]);
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

    fn ended(&mut self, report: &Report<'_>, upload: Option<Upload>) {
        if let Some(tell) = &self.disk.on_left
            && let Some(afterword) = report.id.and_then(|id| self.afterwords.remove(&id))
            && let Outcome::Aborted(_) = report.outcome
        {
            afterword.left(tell);
        }
        if let Some(kept) = upload.and_then(|mut upload| attached(&mut upload)?.take())
            && let Some(id) = report.id
        {
            if let Some(reason) = NotKept::of(report.outcome) {
                kept.shared.counted.not_kept(reason);
            }
            self.discard(id, kept);
        }
    }
}

/// A drain waits until all is kept that has come.
impl Resident for Folder {
    fn is_idle(&self) -> bool {
        self.open.load(Ordering::Acquire) == 0
    }
}

fn attached(upload: &mut Upload) -> Option<&mut Attached> {
    upload.attached_mut()
}

/// As [`Client::dress`] does it, if the client is known.
fn dressed(upload: &Upload, response: Response) -> Response {
    match upload.attached::<Attached>() {
        Some(Some(kept)) => kept.shared.client.dress(response),
        _ => response,
    }
}

/// How an upload has ended, for those whom its answer does not reach.
fn words_on(key: &Key, response: &Response) -> String {
    let target = key.to_target();
    match (response.status(), response.note()) {
        (200, _) => format!("kept, though its client had left: {target}"),
        (status, Some(note)) => {
            format!("not kept, and its client had left: {target}: {status}, {note}")
        }
        (status, None) => format!("not kept, and its client had left: {target}: {status}"),
    }
}

/// What the client gets for a name that its upload did not get.
fn not_kept(wrong: &KeepError) -> Response {
    match wrong {
        KeepError::Exists => Response::text(412, wrong.to_string()),
        KeepError::IsFolder | KeepError::NotFolder | KeepError::OtherFileSystem => {
            Response::text(409, wrong.to_string())
        }
        KeepError::Lost => Response::text(500, wrong.to_string())
            .with_note("an earlier sync of it has failed; it is tried again after a restart"),
        KeepError::Unknown(source) => {
            Response::text(500, wrong.to_string()).with_note(source.to_string())
        }
        KeepError::Disk(wrong) => failure(wrong),
    }
}

/// What the client gets when the disk fails.
fn failure(wrong: &io::Error) -> Response {
    let response = match wrong.kind() {
        ErrorKind::StorageFull
        | ErrorKind::QuotaExceeded
        | ErrorKind::FileTooLarge
        | ErrorKind::TooManyLinks => Response::text(507, "there is no room for it"),
        ErrorKind::InvalidFilename => {
            Response::text(400, "a segment of the name is too long for the file system")
        }
        _ if is_shortage(wrong) => for_a_while("too many files are open"),
        // Also rights that are missing: they are the server's, not the client's, so not 403.
        _ => Response::text(500, "it could not be kept"),
    };
    response.with_note(wrong.to_string())
}

/// What the client gets that may come again soon.
fn for_a_while(words: &str) -> Response {
    let mut response = Response::text(503, words.to_owned());
    put_fields(&mut response, &[("Retry-After", "5")]);
    response
}

fn is_shortage(wrong: &io::Error) -> bool {
    let code = wrong.raw_os_error().map(rustix::io::Errno::from_raw_os_error);
    matches!(code, Some(rustix::io::Errno::MFILE | rustix::io::Errno::NFILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nowhere;

    impl Draft for Nowhere {
        fn write(&mut self, _: &[u8]) -> io::Result<()> {
            Ok(())
        }

        fn keep(self: Box<Self>, _: &Key, _: bool) -> Result<bool, KeepError> {
            Ok(false)
        }
    }

    #[test]
    fn file_whose_content_is_out_of_order_is_nobodys() {
        let partial = |written| Partial { draft: Some(Box::new(Nowhere)), written };
        assert!(partial(3).take(3).is_ok());
        for written in [2, 4] {
            let mut file = partial(3);
            assert!(file.take(written).is_err());
            assert!(file.take(3).is_err(), "it could still get a name");
        }
    }
}
