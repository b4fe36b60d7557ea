//! What becomes of uploads: they are forgotten, or kept in a folder.

use std::io;
#[cfg(feature = "folder")]
use std::sync::{Mutex, PoisonError};
#[cfg(feature = "folder")]
use std::time::{Duration, SystemTime};

use streamsum::checksum::{Checksum, Upload};
#[cfg(feature = "folder")]
use streamsum::door::{Door, Holder, NotKept, Pages};
#[cfg(feature = "folder")]
use streamsum::folder::{Disk, Folder};
use streamsum::handler::{Finished, Handler, Piece, Refused, Reply, Report, Request, Verdict};
use streamsum::proto::Response;
use streamsum::resident::Resident;
use streamsum::run::Handle;

use super::access::Whose;
use super::lines::Lines;
use super::listen::Endpoint;
#[cfg(feature = "folder")]
use super::on_kept::Teller;
use super::operator::Reload;
use super::settings::Settings;
#[cfg(feature = "folder")]
use super::token_file::TokenFile;

/// Makes a handler for each worker.
pub(super) struct Keeper {
    checksum: Checksum,
    #[cfg(feature = "folder")]
    folder: Option<(Disk, Door, bool)>,
    #[cfg(feature = "folder")]
    token_file: Option<TokenFile>,
    #[cfg(feature = "folder")]
    teller: Option<Teller>,
}

#[cfg(feature = "folder")]
impl Keeper {
    /// # Errors
    ///
    /// What is wrong with a folder, a token file or an origin, in words.
    pub(super) fn new(
        settings: &Settings,
        endpoints: &[Endpoint],
        lines: &Lines,
    ) -> Result<Self, String> {
        let checksum = Checksum::of(settings.digest.iter());
        let keep = &settings.keep;
        let none = Self { checksum, folder: None, token_file: None, teller: None };
        let Some(path) = &keep.to else { return Ok(none) };
        let cannot_keep = |wrong| format!("cannot keep uploads in {}: {wrong}", path.display());
        let mut disk = Disk::open(path).map_err(cannot_keep)?.min_free(keep.min_free);
        let mut pages = Pages::new();
        for origin in &keep.cors_origin {
            pages = pages.allow(origin).map_err(|wrong| format!("--cors-origin: {wrong}"))?;
        }
        for name in &keep.host {
            pages = pages.host(name).map_err(|wrong| format!("--host: {wrong}"))?;
        }
        let is_loopback = endpoints.iter().map(Endpoint::is_loopback);
        let mut door = Door::default().pages(pages).loopback(is_loopback);
        let mut token_file = None;
        if let Some(path) = &keep.token_file {
            let wrong = |wrong| format!("--token-file {}: {wrong}", path.display());
            let file = TokenFile::open(path).map_err(wrong)?;
            door = door.tokens(file.tokens());
            token_file = Some(file);
        }
        disk = disk.on_left(note_by(lines));
        let mut teller = None;
        if let Some(path) = &keep.on_kept {
            let started = Teller::start(path.clone(), keep.on_kept_queue, lines.for_another());
            let started = started.map_err(|wrong| format!("cannot start: {wrong}"))?;
            let own = started.clone();
            disk = disk.on_kept(move |upload| own.push(upload));
            teller = Some(started);
        }
        Ok(Self { checksum, folder: Some((disk, door, keep.no_overwrite)), token_file, teller })
    }

    /// What reads the token file again, and says so; `None` if there is none.
    ///
    /// # Errors
    ///
    /// If there are no threads left.
    pub(super) fn reload(&self, lines: &Lines) -> io::Result<Option<Reload>> {
        let file = self.token_file.clone();
        file.map(|file| file.reload(lines.for_another())).transpose()
    }

    pub(super) fn handler(&self, handle: Handle) -> Keeping {
        let Some((disk, door, no_overwrite)) = &self.folder else {
            return Keeping::Nothing(self.checksum);
        };
        let folder = Folder::new(disk.clone(), door.clone(), self.checksum, handle);
        let folder = if *no_overwrite { folder.no_overwrite() } else { folder };
        Keeping::Folder(Box::new(folder))
    }

    pub(super) fn ledger(&self) -> Ledger {
        let disk = self.folder.as_ref().map(|(disk, ..)| disk.clone());
        Ledger { disk, teller: self.teller.clone() }
    }
}

/// Writes a line, from any thread.
#[cfg(feature = "folder")]
fn note_by(lines: &Lines) -> impl Fn(&str) + Send + Sync + 'static {
    let lines = Mutex::new(lines.for_another());
    move |words| {
        let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.set_time(SystemTime::now());
        lines.note(format_args!("{words}"));
        lines.flush();
    }
}

/// What is known of all uploads that were kept, or not.
#[cfg(feature = "folder")]
pub(super) struct Ledger {
    disk: Option<Disk>,
    teller: Option<Teller>,
}

#[cfg(feature = "folder")]
impl Ledger {
    /// Reports the counters.
    pub(super) fn report(&self, lines: &mut Lines) {
        let Some(disk) = &self.disk else { return };
        let counters = disk.counters();
        lines.note(format_args!("{counters}"));
        for reason in NotKept::ALL {
            let times = counters.not_kept(*reason);
            if times > 0 {
                let status = reason.status().map_or("-".into(), |status| status.to_string());
                let code = reason.code();
                lines.note(format_args!("not_kept={times} status={status} reason={code} {reason}"));
            }
        }
        if let Some(teller) = &self.teller {
            lines.note(format_args!("{}", teller.told()));
        }
    }

    /// Waits until all that is kept is told, for at most so long, and reports what cannot be. Of the
    /// last handler: when the disk goes with it, what is under way there is waited for.
    pub(super) fn close(self, last: Keeping, lines: &mut Lines, limit: Duration) {
        let Self { disk, teller } = self;
        drop((last, disk));
        let lost = teller.map_or(0, |teller| teller.close(limit));
        if lost > 0 {
            lines.note(format_args!("--on-kept: uploads kept that were not told: {lost}"));
        }
    }
}

#[cfg(not(feature = "folder"))]
impl Keeper {
    /// # Errors
    ///
    /// None.
    pub(super) fn new(settings: &Settings, _: &[Endpoint], _: &Lines) -> Result<Self, String> {
        Ok(Self { checksum: Checksum::of(settings.digest.iter()) })
    }

    /// # Errors
    ///
    /// None.
    pub(super) fn reload(&self, _: &Lines) -> io::Result<Option<Reload>> {
        Ok(None)
    }

    pub(super) fn handler(&self, _: Handle) -> Keeping {
        Keeping::Nothing(self.checksum)
    }

    #[expect(clippy::unused_self, reason = "as with the feature `folder`")]
    pub(super) fn ledger(&self) -> Ledger {
        Ledger
    }
}

/// Nothing is kept.
#[cfg(not(feature = "folder"))]
pub(super) struct Ledger;

#[cfg(not(feature = "folder"))]
impl Ledger {
    pub(super) fn report(&self, _: &mut Lines) {}

    pub(super) fn close(self, _: Keeping, _: &mut Lines, _: std::time::Duration) {}
}

/// The handler of the binary.
pub(super) enum Keeping {
    Nothing(Checksum),
    #[cfg(feature = "folder")]
    Folder(Box<Folder>),
}

/// Calls a method of whichever it is.
macro_rules! either {
    ($self:ident, $handler:ident => $call:expr) => {
        match $self {
            Keeping::Nothing($handler) => $call,
            #[cfg(feature = "folder")]
            Keeping::Folder($handler) => $call,
        }
    };
}

impl Resident for Keeping {
    fn is_idle(&self) -> bool {
        either!(self, handler => handler.is_idle())
    }
}

impl Handler for Keeping {
    type Upload = Upload;

    fn begin(&mut self, request: Request<'_>) -> Verdict<Upload> {
        either!(self, handler => handler.begin(request))
    }

    fn consume(&mut self, pieces: &mut [Piece<Upload>]) {
        either!(self, handler => handler.consume(pieces));
    }

    fn verify(&mut self, message: &Finished<'_>, upload: &mut Upload) -> Option<Response> {
        either!(self, handler => handler.verify(message, upload))
    }

    fn finish(&mut self, message: Finished<'_>, upload: Upload) -> Reply {
        either!(self, handler => handler.finish(message, upload))
    }

    fn refused(&mut self, refusal: &Refused<'_, Upload>, response: Response) -> Response {
        either!(self, handler => handler.refused(refusal, response))
    }

    fn may_leave_content(&self) -> bool {
        either!(self, handler => handler.may_leave_content())
    }

    fn ended(&mut self, report: &Report<'_>, upload: Option<Upload>) {
        either!(self, handler => handler.ended(report, upload));
    }
}

impl Whose for Keeping {
    #[cfg(feature = "folder")]
    fn holder<'a>(&self, upload: &'a Upload) -> Option<&'a str> {
        Folder::holder(upload).map(Holder::name)
    }
}
